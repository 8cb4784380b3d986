/*
 * glossa-native train: trains a network on pairs of text or on a seeded task, and writes a checkpoint that
 * glossa-native and the package translate with.
 *
 *     glossa-native train --data pairs.tsv --source en --target de -o en-de.gguf
 *     glossa-native train --task reverse --seed 7 -o reverse.gguf
 *     echo 48151623 | glossa-native reverse.gguf
 *
 * `help` lists the options; --NAME VALUE sets what glossa_lab_set knows.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/train.h"

#include "cli/files.h"
#include "cli/pairs.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "glossa_lab.h"

typedef struct arguments {
    glossa_lab_config config;
    glossa_pair_files pairs;
    const char *model, *state;
    const char *from; /* a checkpoint to go on from */
    uint32_t every, held_out;
    bool resume, quiet, digest;
} arguments;

static int failed(const glossa_error *error) {
    fprintf(stderr, "glossa-native train: %s\n", error->message);
    return 1;
}

static int complain(const char *text, const char *word) {
    fprintf(stderr, "glossa-native train: %s%s\n", text, word);
    return 2;
}

static int help(void) {
    const char *takes, *name;
    puts("usage: glossa-native train --data PAIRS.tsv --source LANGUAGE --target LANGUAGE -o MODEL [options]\n"
         "       glossa-native train --task NAME -o MODEL [options]\n\n"
         "  --data FILE             a source, a tab and a target in each line; may come more than once\n"
         "  --lines SOURCE TARGET   two files of lines instead\n"
         "  --valid FILE            pairs to judge by, as --data; else some are set aside\n"
         "  --valid-lines SOURCE TARGET\n"
         "  --source, --target      languages by BCP 47 (und, und)\n"
         "  --vocabulary-of MODEL   its vocabulary, instead of one learnt from the pairs\n"
         "  --from MODEL            goes on from a model: its network, vocabulary and weights, int8 or float32\n"
         "  -o FILE                 the model, written at the end\n"
         "  --state FILE            everything that going on needs, written at each evaluation\n"
         "  --resume                goes on from the state where that file exists, to the bit; pairs are given again\n"
         "  --every N               steps between two evaluations (100); for the schedule \"plateau\" an epoch\n"
         "  --held-out N            strings or pairs of an evaluation (256)\n"
         "  --quiet                 the last line alone\n"
         "  --digest                a 64-bit FNV-1a hash of the model at the end, to compare builds bit by bit\n\n"
         "settings (--preset pairs, tutorial or tutorial-small sets many at once):");
    for (size_t i = 0; (name = glossa_lab_setting(i, &takes)); i++)
        printf("  --%-22s %s\n", name, takes);
    return 0;
}

static bool parse_count(const char *text, uint32_t *out) {
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (*end || end == text || value < 1 || value > 1000000000) return false;
    *out = (uint32_t)value;
    return true;
}

/* A setting by its word on the command line; 0 or an exit status. */
static int parse_setting(glossa_lab_config *config, const char *word, const char *value) {
    char name[64];
    glossa_error error;
    const size_t size = strlen(word);
    if (size >= sizeof name) return complain("there is no option ", word);
    for (size_t i = 0; i <= size; i++)
        name[i] = (char)(word[i] == '-' ? '_' : word[i]);
    return glossa_lab_set(config, name, value, &error) ? failed(&error) : 0;
}

static int parse(int count, char **words, arguments *a) {
    for (int i = 0; i < count; i++) {
        const char *word = words[i], *value = i + 1 < count ? words[i + 1] : NULL;
        bool *flag = !strcmp(word, "--resume")   ? &a->resume
                     : !strcmp(word, "--quiet")  ? &a->quiet
                     : !strcmp(word, "--digest") ? &a->digest
                                                 : NULL;
        if (flag) {
            *flag = true;
            continue;
        }
        if (strncmp(word, "--", 2) != 0 && strcmp(word, "-o") != 0) return complain("what is ", word);
        if (!value) return complain("a value is missing behind ", word);
        const char **file = !strcmp(word, "--from") ? &a->from : !strcmp(word, "-o") ? &a->model : &a->state;
        const int taken = glossa_pair_option(&a->pairs, words + i, (size_t)(count - i));
        if (taken < 0) return 2;
        if (taken > 0) {
            i += taken;
            continue;
        }
        uint32_t *number = !strcmp(word, "--every") ? &a->every : !strcmp(word, "--held-out") ? &a->held_out : NULL;
        if (!strcmp(word, "--from") || !strcmp(word, "-o") || !strcmp(word, "--state"))
            *file = value;
        else if (number && !parse_count(value, number))
            return complain("no count: ", value);
        else if (!number) {
            const int status = parse_setting(&a->config, word + 2, value);
            if (status) return status;
        }
        i++;
    }
    return a->resume && !a->state ? complain("--resume needs a --state", "") : 0;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

typedef struct saving {
    const glossa_lab *lab;
    glossa_lab_kind kind;
} saving;

static bool write_lab(void *user, glossa_sink sink) {
    const saving *s = user;
    glossa_error error;
    return glossa_lab_save(s->lab, s->kind, sink, &error) == GLOSSA_OK || failed(&error) == 0;
}

static int save(const glossa_lab *lab, glossa_lab_kind kind, const char *path) {
    return glossa_replace_file(path, write_lab, &(saving){lab, kind}) ? 0 : 1;
}

static bool hash_bytes(void *user, const void *bytes, size_t size) {
    uint64_t *state = user;
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        *state = (*state ^ at[i]) * 0x100000001b3u;
    return true;
}

static int print_digest(const glossa_lab *lab) {
    uint64_t state = 0xcbf29ce484222325u;
    glossa_error error;
    if (glossa_lab_save(lab, GLOSSA_LAB_MODEL, (glossa_sink){hash_bytes, &state}, &error)) return failed(&error);
    printf("%016" PRIx64 "\n", state);
    return 0;
}

/* ---- training --------------------------------------------------------------------------------------------------- */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int evaluate(glossa_lab *lab, uint32_t count, glossa_lab_report *report) {
    glossa_error error;
    return glossa_lab_evaluate(lab, NULL, 0, count, report, &error) ? failed(&error) : 0;
}

/* Steps up to a number of them; their mean loss, norm and rate in `last`. */
static int run_steps(glossa_lab *lab, uint32_t until, glossa_lab_report *last) {
    glossa_lab_report sum = {0}, report = {0};
    glossa_error error;
    uint32_t count = 0;
    do {
        if (glossa_lab_step(lab, NULL, &report, &error)) return failed(&error);
        sum.loss += report.loss;
        sum.tokens += report.tokens;
        count++;
    } while (report.step < until);
    *last = report;
    last->loss = sum.loss / count;
    last->tokens = sum.tokens;
    return 0;
}

static int train(const arguments *a, glossa_lab *lab, uint32_t from) {
    const uint32_t steps = glossa_lab_configuration(lab)->steps;
    int status = 0;
    for (uint32_t at = from; at < steps && status == 0;) {
        const double started = seconds();
        glossa_lab_report trained = {0}, held_out;
        const uint32_t until = steps - at > a->every ? at + a->every - at % a->every : steps;
        if (run_steps(lab, until, &trained)) {
            status = 1; /* the weights are those of the last good steps: they are saved */
            break;
        }
        const double took = seconds() - started;
        if (evaluate(lab, a->held_out, &held_out)) return 1;
        glossa_lab_plateau(lab, held_out.loss);
        if (!a->quiet) {
            printf("step %-6u loss %.4f  held out: loss %.4f, exact %.1f %%  norm %.2f  rate %.2e  %.0f tokens/s\n",
                   (unsigned)trained.step, trained.loss, held_out.loss, 100.0 * held_out.exact / held_out.sequences,
                   trained.norm, trained.learning_rate, trained.tokens / took);
            fflush(stdout);
        }
        if (a->state) status = save(lab, GLOSSA_LAB_STATE, a->state);
        at = until;
    }
    glossa_lab_report last;
    if (status == 0 && evaluate(lab, 10 * a->held_out, &last)) return 1;
    if (status == 0)
        printf("held out: loss %.4f, exact %.2f %% of %u\n", last.loss, 100.0 * last.exact / last.sequences,
               (unsigned)last.sequences);
    if (a->model && save(lab, GLOSSA_LAB_MODEL, a->model)) return 1;
    return a->digest && print_digest(lab) ? 1 : status;
}

/* A lab from a checkpoint, or the state itself. */
static int load_lab(const arguments *a, const char *path, glossa_lab **lab) {
    glossa_error error;
    size_t size;
    void *bytes = glossa_read_file(path, &size);
    if (!bytes) return complain("cannot read ", path);
    const glossa_status status = glossa_lab_load(bytes, size, &a->config, NULL, lab, &error);
    free(bytes);
    return status ? failed(&error) : 0;
}

static int open_lab(const arguments *a, glossa_lab **lab) {
    glossa_error error;
    FILE *state = a->resume ? fopen(a->state, "rb") : NULL;
    const char *path = state ? a->state : a->from;
    if (state) fclose(state);
    if (!path && !glossa_pairs_given(&a->pairs))
        return glossa_lab_open(&a->config, NULL, lab, &error) ? failed(&error) : 0;
    if (!path) return glossa_open_with_pairs(&a->pairs, &a->config, lab);
    const int status = load_lab(a, path, lab);
    if (status || !glossa_pairs_given(&a->pairs)) return status;
    return glossa_attach_pairs(&a->pairs, *lab);
}

static void print_facts(const glossa_lab *lab) {
    glossa_lab_pairs p;
    glossa_lab_describe_pairs(lab, &p);
    printf("%zu parameters, kernels %s, %.1f MB\n", glossa_lab_parameters(lab), glossa_lab_kernels(lab),
           (double)glossa_lab_bytes(lab) / 1e6);
    if (p.train == 0) return;
    printf("%zu pairs to train on, %zu held out; %u tokens in the vocabulary, %u steps to an epoch\n", p.train,
           p.held_out, (unsigned)p.vocabulary, (unsigned)p.batches);
    if (p.empty + p.shared + p.too_long > 0)
        printf("left out: %zu without one side, %zu that share a text with the held-out ones, %zu too long\n", p.empty,
               p.shared, p.too_long);
}

int glossa_train(int count, char **words) {
    arguments a = {.every = 100, .held_out = 256};
    glossa_lab *lab = NULL;
    glossa_lab_defaults(&a.config);
    for (int i = 0; i < count; i++)
        if (!strcmp(words[i], "--help")) return help();
    bool is_chosen = false; /* a preset, which else the kind of the data chooses */
    for (int i = 0; i < count; i++)
        is_chosen = is_chosen || !strcmp(words[i], "--preset") || !strcmp(words[i], "--task");
    if (!is_chosen) glossa_lab_set(&a.config, "preset", "pairs", NULL);
    int status = parse(count, words, &a);
    if (status) return status;
    if (!a.config.task[0] && !glossa_pairs_given(&a.pairs) && !a.resume)
        return complain("name --data or a --task; --help lists them", "");
    status = open_lab(&a, &lab);
    if (status) return status;
    if (!a.quiet) print_facts(lab);
    status = train(&a, lab, glossa_lab_steps(lab));
    glossa_lab_close(lab);
    return status;
}
