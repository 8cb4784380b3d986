/*
 * glossa-native train: trains a network on pairs of text or on a seeded task, and writes a checkpoint that
 * glossa-native and the package translate with.
 *
 *     glossa-native train --data pairs.tsv --source en --target de -o en-de.gguf
 *     glossa-native train config.json -o model.gguf
 *     glossa-native train --task reverse --seed 7 -o reverse.gguf
 *     echo 48151623 | glossa-native reverse.gguf
 *
 * `help` lists the options; --NAME VALUE sets what glossa_lab_set knows.
 */
#include "cli/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config.h"
#include "cli/files.h"

typedef struct arguments {
    glossa_lab_config config;
    glossa_pair_files pairs;
    glossa_training training;
    const char *from;  /* a checkpoint to go on from */
    const char *steps; /* said to be the number of them, which holds for a training that is resumed too */
    bool folders;      /* the config's pairs are in folders of --data */
    bool resume;
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
    const char *takes, *name, *setting;
    puts("usage: glossa-native train --data PAIRS.tsv --source LANGUAGE --target LANGUAGE -o MODEL [options]\n"
         "       glossa-native train CONFIG.json [--data FOLDER] -o MODEL [options]\n"
         "       glossa-native train --task NAME -o MODEL [options]\n\n"
         "  --data FILE             a source, a tab and a target in each line; may come more than once\n"
         "  --source-lines FILE, --target-lines FILE    two files of lines instead\n"
         "  --valid FILE            pairs to judge by, as --data; else some are set aside\n"
         "                          a language model (--preset masked, causal) has a text in each line of both\n"
         "  --images FILE, --labels FILE    for --preset vit or swin, two IDX files as MNIST has them;\n"
         "  --valid-images FILE, --valid-labels FILE    those to judge by\n"
         "  --valid-source-lines FILE, --valid-target-lines FILE\n"
         "  --source, --target      languages by BCP 47 (und, und)\n"
         "  --vocabulary-of MODEL   its vocabulary, instead of one learnt from the pairs\n"
         "  --from MODEL            goes on from a model: its network, vocabulary and weights, int8 or float32\n"
         "  -o FILE                 the model, written at the end\n"
         "  --state FILE            everything that going on needs, written at each evaluation\n"
         "  --resume                goes on from the state where that file exists, to the bit; pairs are given again,\n"
         "                          of settings --steps alone counts\n"
         "  --every N               steps between two evaluations (100); for the schedule \"plateau\" an epoch\n"
         "  --log-every N           steps between two lines (as --every)\n"
         "  --held-out N            strings or pairs of an evaluation (256)\n"
         "  --scored N              pairs of it that are translated for BLEU (100); 0: none\n"
         "  --log FILE              the curves as lines of JSON\n"
         "  --chart FILE            the curves as a picture, in SVG\n"
         "  --int8                  the model's matrices as int8, with a scale for each row\n"
         "  --quiet                 the last line alone\n"
         "  --digest                a 64-bit FNV-1a hash of the model at the end, to compare builds bit by bit\n\n"
         "settings, of a config's JSON too (--preset pairs, tutorial, tutorial-small, recurrent, classifier, "
         "masked, causal, vit or swin sets many at once):");
    for (size_t i = 0; (name = glossa_lab_setting(i, &takes)); i++)
        printf("  --%-22s %s\n", name, takes);
    puts("\na config's JSON may have settings within \"model\" and \"training\", and these keys:");
    for (size_t i = 0; (name = glossa_lab_config_key(i, &setting)); i++)
        printf("  %-24s %s\n", name, setting ? setting : "");
    return 0;
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

static bool parse_count(const char *text, uint32_t least, uint32_t *out) {
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (*end || end == text || text[0] == '-' || value < least || value > 1000000000) return false;
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

/* An option with one value, which is not of pairs: an exit status. */
static int parse_option(arguments *a, const char *word, const char *value) {
    glossa_training *t = &a->training;
    const struct {
        const char *word;
        const char **text;
        uint32_t *count;
        uint32_t least;
    } options[] = {
        {"-o", &t->model, NULL, 0},
        {"--from", &a->from, NULL, 0},
        {"--state", &t->state, NULL, 0},
        {"--log", &t->curves.log, NULL, 0},
        {"--chart", &t->curves.chart, NULL, 0},
        {"--every", NULL, &t->every, 1},
        {"--log-every", NULL, &t->log_every, 1},
        {"--held-out", NULL, &t->held_out, 1},
        {"--scored", NULL, &t->scored, 0},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (strcmp(word, options[i].word) != 0) continue;
        if (options[i].text)
            *options[i].text = value;
        else if (!parse_count(value, options[i].least, options[i].count))
            return complain("no count: ", value);
        return 0;
    }
    if (strncmp(word, "--", 2) != 0) return complain("what is ", word);
    return parse_setting(&a->config, word + 2, value);
}

static int parse(int count, char **words, arguments *a) {
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        bool *flag = !strcmp(word, "--resume")   ? &a->resume
                     : !strcmp(word, "--quiet")  ? &a->training.quiet
                     : !strcmp(word, "--digest") ? &a->training.digest
                     : !strcmp(word, "--int8")   ? &a->training.small
                                                 : NULL;
        if (flag) {
            *flag = true;
            continue;
        }
        const bool folder = a->folders && !strcmp(word, "--data") && i + 1 < count;
        const int taken = folder ? 1 : glossa_pair_option(&a->pairs, words + i, (size_t)(count - i));
        if (taken < 0) return 2;
        i += taken;
        if (taken > 0) continue;
        if (i + 1 == count) return complain("a value is missing behind ", word);
        const int status = parse_option(a, word, words[++i]);
        if (status) return status;
    }
    if (!glossa_pairs_whole(&a->pairs)) return 2;
    if (a->resume && !a->training.state) return complain("--resume needs a --state", "");
    return 0;
}

/* The value behind a word, or NULL. */
static const char *value_of(int count, char **words, const char *word) {
    for (int i = 0; i + 1 < count; i++)
        if (!strcmp(words[i], word)) return words[i + 1];
    return NULL;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* A lab from a checkpoint, or the state itself. */
static int load_lab(const arguments *a, const char *path, glossa_lab **lab) {
    glossa_error error;
    size_t size;
    void *bytes = glossa_read_file(path, &size);
    if (!bytes) return complain("cannot read ", path);
    glossa_status status = glossa_lab_load(bytes, size, &a->config, NULL, lab, &error);
    free(bytes);
    if (status == GLOSSA_OK && a->steps) status = glossa_lab_change(*lab, "steps", a->steps, &error);
    return status ? failed(&error) : 0;
}

static int open_lab(const arguments *a, glossa_lab **lab) {
    glossa_error error;
    FILE *state = a->resume ? fopen(a->training.state, "rb") : NULL;
    const char *path = state ? a->training.state : a->from;
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
    printf("%zu pairs to train on, %zu held out; %u tokens in the vocabulary, %u batches to an epoch\n", p.train,
           p.held_out, (unsigned)p.vocabulary, (unsigned)p.batches);
    if (p.empty + p.shared + p.too_long > 0)
        printf("left out: %zu without one side, %zu that share a text with the held-out ones, %zu too long\n", p.empty,
               p.shared, p.too_long);
}

int glossa_train(int count, char **words) {
    arguments a = {.training = {.every = 100, .held_out = 256, .scored = 100}};
    glossa_lab *lab = NULL;
    int status = 0;
    glossa_lab_defaults(&a.config);
    for (int i = 0; i < count; i++)
        if (!strcmp(words[i], "--help")) return help();
    const bool chosen = value_of(count, words, "--preset") || value_of(count, words, "--task");
    const int read = count > 0 && words[0][0] != '-'; /* a config, which the options may change */
    if (!chosen && !read) glossa_lab_set(&a.config, "preset", "pairs", NULL);
    if (read)
        status = glossa_read_config(words[0], value_of(count, words, "--data"), &a.config, &a.pairs, &a.training,
                                    &a.from, &a.folders);
    if (status == 0) status = parse(count - read, words + read, &a);
    a.steps = value_of(count, words, "--steps");
    if (status) return status;
    if (!a.config.task[0] && !glossa_pairs_given(&a.pairs) && !a.resume)
        return complain("name --data or a --task; --help lists them", "");
    status = open_lab(&a, &lab);
    if (status == 0 && !a.training.quiet) print_facts(lab);
    if (status == 0) status = glossa_training_run(&a.training, lab);
    glossa_lab_close(lab);
    return status;
}
