/*
 * glossa-native train: trains a network on a seeded task and writes a checkpoint that glossa-native and the package
 * translate with.
 *
 *     glossa-native train --task reverse --seed 7 -o reverse.gguf
 *     echo 48151623 | glossa-native reverse.gguf
 *
 * --NAME VALUE sets what glossa_lab_set knows (glossa-native train --help lists it; a - may stand for a _). Beside
 * them: -o FILE       the model, written at the end
 * --state FILE  everything that going on needs, written at each evaluation and at the end
 * --resume      goes on from the state where that file exists, to the bit
 * --every N     steps between two lines and evaluations (100); for the schedule "plateau" an epoch
 * --held-out N  held-out strings that an evaluation takes (256), and at the end ten times as many
 * --quiet       prints the last line alone
 * --digest      prints a 64-bit FNV-1a hash of the model at the end, so that builds can be compared bit by bit
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "glossa_lab.h"

typedef struct arguments {
    glossa_lab_config config;
    const char *model, *state;
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
    puts("usage: glossa-native train --task NAME [-o MODEL] [--state FILE [--resume]] [--every N] [--held-out N]\n"
         "                           [--quiet] [--digest] [--SETTING VALUE ...]\n\n"
         "settings (preset: tutorial, tutorial-small, sets many at once):");
    for (size_t i = 0; (name = glossa_lab_setting(i, &takes)); i++)
        printf("  %-24s %s\n", name, takes);
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
        uint32_t *number = !strcmp(word, "--every") ? &a->every : !strcmp(word, "--held-out") ? &a->held_out : NULL;
        if (!strcmp(word, "-o"))
            a->model = value;
        else if (!strcmp(word, "--state"))
            a->state = value;
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

static bool write_bytes(void *user, const void *bytes, size_t size) {
    return fwrite(bytes, 1, size, user) == size;
}

/* Writes beside the file and then takes its place, so that a full disk leaves the old one whole. */
static int save(const glossa_lab *lab, glossa_lab_kind kind, const char *path) {
    char part[4096];
    glossa_error error;
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part) return complain("too long: ", path);
    FILE *file = fopen(part, "wb");
    if (!file) return complain("cannot write ", part);
    glossa_status status = glossa_lab_save(lab, kind, (glossa_sink){write_bytes, file}, &error);
    bool kept = fflush(file) == 0 && fsync(fileno(file)) == 0;
    kept = fclose(file) == 0 && kept;
    if (status == GLOSSA_OK && kept && rename(part, path) == 0) return 0;
    remove(part);
    if (status != GLOSSA_OK) failed(&error);
    return complain("not saved, what was there before stays: ", path);
}

static void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    void *bytes = NULL;
    long length = -1;
    if (file && fseek(file, 0, SEEK_END) == 0) length = ftell(file);
    if (length >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        bytes = aligned_alloc(64, ((size_t)length + 64) / 64 * 64);
        if (bytes && fread(bytes, 1, (size_t)length, file) != (size_t)length) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (file) fclose(file);
    *size = bytes ? (size_t)length : 0;
    return bytes;
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

static int open_lab(const arguments *a, glossa_lab **lab, uint32_t *step) {
    glossa_error error;
    size_t size = 0;
    void *bytes = a->resume ? read_file(a->state, &size) : NULL;
    *step = 0;
    if (!bytes) return glossa_lab_open(&a->config, NULL, lab, &error) ? failed(&error) : 0;
    const glossa_status status = glossa_lab_load(bytes, size, NULL, NULL, lab, &error);
    free(bytes);
    if (status) return failed(&error);
    *step = glossa_lab_steps(*lab);
    return 0;
}

int glossa_train(int count, char **words) {
    arguments a = {.every = 100, .held_out = 256};
    glossa_lab *lab;
    uint32_t from;
    glossa_lab_defaults(&a.config);
    for (int i = 0; i < count; i++)
        if (!strcmp(words[i], "--help")) return help();
    int status = parse(count, words, &a);
    if (status) return status;
    if (!a.config.task[0] && !a.resume) return complain("name a --task; --help lists them", "");
    status = open_lab(&a, &lab, &from);
    if (status) return status;
    if (!a.quiet)
        printf("%zu parameters, kernels %s, %.1f MB\n", glossa_lab_parameters(lab), glossa_lab_kernels(lab),
               (double)glossa_lab_bytes(lab) / 1e6);
    status = train(&a, lab, from);
    glossa_lab_close(lab);
    return status;
}
