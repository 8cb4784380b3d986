/*
 * glossa-native: translates lines from standard input to standard output with the native library. The command for
 * users is the JavaScript one; this one serves tests, profiling and fuzzing, and needs no JavaScript.
 *
 *     glossa-native MODEL [--beam N] [--batch N] [--longest N] [--kernels NAME] [--scores | --ids | --digest] < lines
 *
 *     glossa-native train ...     trains one: cli/train.c
 *     glossa-native constants     prints what other languages repeat of this library: cli/contract.c
 *     glossa-native tensors ...   prints the tensors of a network: the same
 *
 * --scores  appends the score and the log-probabilities; --ids prints target ids instead of text; --digest prints a
 *           64-bit FNV-1a hash of everything that glossa_explain captured, so that builds can be compared bit by bit.
 */
#define _POSIX_C_SOURCE 200809L

#include "glossa.h"

#include "cli/contract.h"
#include "cli/files.h"
#include "cli/train.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef enum output_kind { OUTPUT_TEXT, OUTPUT_SCORES, OUTPUT_IDS, OUTPUT_DIGEST } output_kind;

typedef struct arguments {
    const char *model, *kernels;
    uint32_t beam, batch, longest;
    output_kind output;
    bool verbose;
} arguments;

static int usage(void) {
    fputs("usage: glossa-native MODEL [--beam N] [--batch N] [--kernels NAME] [--scores | --ids | --digest] "
          "[--verbose]\n"
          "       glossa-native train | constants | tensors\n",
          stderr);
    return 2;
}

static int failed(const glossa_error *error) {
    fprintf(stderr, "glossa-native: %s\n", error->message);
    return 1;
}

static uint32_t *number_option(arguments *args, const char *word) {
    if (!strcmp(word, "--beam")) return &args->beam;
    if (!strcmp(word, "--batch")) return &args->batch;
    return strcmp(word, "--longest") ? NULL : &args->longest;
}

static bool parse(int count, char **words, arguments *out) {
    *out = (arguments){.beam = 1, .batch = 16};
    for (int i = 1; i < count && words[i]; i++) {
        const char *word = words[i], *value = i + 1 < count ? words[i + 1] : NULL;
        uint32_t *number;
        if (!strcmp(word, "--scores"))
            out->output = OUTPUT_SCORES;
        else if (!strcmp(word, "--ids"))
            out->output = OUTPUT_IDS;
        else if (!strcmp(word, "--digest"))
            out->output = OUTPUT_DIGEST;
        else if (!strcmp(word, "--verbose"))
            out->verbose = true;
        else if (!strcmp(word, "--kernels") && value)
            out->kernels = words[++i];
        else if (value && (number = number_option(out, word))) {
            char *end;
            const unsigned long parsed = strtoul(value, &end, 10);
            if (*end || parsed == 0 || parsed > 4096) return false;
            *number = (uint32_t)parsed;
            i++;
        } else if (word[0] != '-' && !out->model)
            out->model = word;
        else
            return false;
    }
    return out->model != NULL;
}

static uint64_t nanoseconds(void *user) {
    (void)user;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t hash(uint64_t state, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; data && i < size; i++)
        state = (state ^ bytes[i]) * 0x100000001b3u;
    return state;
}

static int print_digest(glossa_session *session, const glossa_model_info *info, size_t sentence) {
    glossa_error error;
    glossa_explanation e;
    if (glossa_explain(session, sentence, 0, &e, &error)) return failed(&error);
    const size_t s = e.source_count, t = e.target_count, h = info->heads, d = info->width;
    uint64_t state = 0xcbf29ce484222325u;
    state = hash(state, e.encoder_attention, info->encoder_layers * h * s * s * 4);
    state = hash(state, e.decoder_attention, info->decoder_layers * h * t * t * 4);
    state = hash(state, e.cross_attention, info->decoder_layers * h * t * s * 4);
    state = hash(state, e.encoder_hidden, (info->encoder_layers + 1) * s * d * 4);
    state = hash(state, e.decoder_hidden, (info->decoder_layers + 1) * t * d * 4);
    state = hash(state, e.log_probability, t * 4);
    state = hash(state, e.top_ids, t * e.top_k * 4);
    state = hash(state, e.top_log_probability, t * e.top_k * 4);
    printf("%016" PRIx64 "\n", state);
    return 0;
}

static int print_result(glossa_session *session, const arguments *args, const glossa_model_info *info,
                        size_t sentence) {
    glossa_error error;
    glossa_hypothesis h;
    if (args->output == OUTPUT_DIGEST) return print_digest(session, info, sentence);
    if (glossa_result(session, sentence, 0, &h, &error)) return failed(&error);
    if (args->output == OUTPUT_IDS) {
        for (size_t i = 0; i < h.count; i++)
            printf("%s%u", i ? " " : "", (unsigned)h.tokens[i].id);
    } else {
        fwrite(h.text.data, 1, h.text.size, stdout);
    }
    if (args->output == OUTPUT_SCORES) {
        printf("\t%.6f\t", (double)h.score);
        for (size_t i = 0; i < h.count; i++)
            printf("%s%.5f", i ? " " : "", (double)h.log_probability[i]);
    }
    putchar('\n');
    return 0;
}

static int translate(glossa_session *session, const arguments *args, const glossa_model_info *info,
                     const glossa_text *lines, size_t count, glossa_timings *total) {
    glossa_error error;
    const uint32_t top = info->target_vocabulary < GLOSSA_MAX_TOP_K ? info->target_vocabulary : GLOSSA_MAX_TOP_K;
    const glossa_options options = {
        .beam = args->beam, .max_length = args->longest, .top_k = args->output == OUTPUT_DIGEST ? top : 0};
    glossa_progress progress = {0};
    if (glossa_begin(session, lines, count, &options, &error)) return failed(&error);
    while (!progress.done) {
        if (glossa_step(session, &progress, &error)) return failed(&error);
    }
    glossa_timings t;
    glossa_session_timings(session, &t);
    total->tokenize += t.tokenize;
    total->encode += t.encode;
    total->decode += t.decode;
    total->output += t.output;
    for (size_t i = 0; i < count; i++) {
        const int status = print_result(session, args, info, i);
        if (status) return status;
    }
    return 0;
}

static int run(const arguments *args, const glossa_model *model) {
    glossa_error error;
    glossa_session *session;
    glossa_model_info info;
    glossa_model_describe(model, &info);
    const glossa_limits limits = {.sentences = args->batch,
                                  .source_tokens = args->batch * info.context,
                                  .beam = args->beam,
                                  .rows = args->batch * args->beam};
    if (glossa_session_open(model, &limits, &session, &error)) return failed(&error);
    glossa_session_set_clock(session, nanoseconds, NULL);
    glossa_text *lines = calloc(args->batch, sizeof *lines);
    glossa_timings total = {0};
    int status = lines ? 0 : 1;
    bool more = lines != NULL;
    while (more && status == 0) {
        size_t count = 0;
        while (count < args->batch) {
            char *line = NULL;
            size_t capacity = 0;
            const ssize_t length = getline(&line, &capacity, stdin);
            if (length < 0) {
                free(line);
                more = false;
                break;
            }
            const size_t size = (size_t)length - (length > 0 && line[length - 1] == '\n');
            lines[count++] = (glossa_text){line, size};
        }
        if (count) status = translate(session, args, &info, lines, count, &total);
        for (size_t i = 0; i < count; i++)
            free((char *)(uintptr_t)lines[i].data);
    }
    if (args->verbose) {
        fprintf(stderr, "kernels %s, session %zu bytes, ms: tokenize %.1f encode %.1f decode %.1f output %.1f\n",
                glossa_model_kernels(model), glossa_session_bytes(session), (double)total.tokenize / 1e6,
                (double)total.encode / 1e6, (double)total.decode / 1e6, (double)total.output / 1e6);
    }
    free(lines);
    glossa_session_close(session);
    return status;
}

int main(int count, char **words) {
    arguments args;
    if (count > 1 && !strcmp(words[1], "train")) return glossa_train(count - 2, words + 2);
    if (count > 1 && !strcmp(words[1], "constants")) return glossa_print_constants();
    if (count > 1 && !strcmp(words[1], "tensors")) return glossa_print_tensors(count - 2, words + 2);
    if (!parse(count, words, &args)) return usage();
    size_t size;
    void *bytes = glossa_read_file(args.model, &size);
    if (!bytes) {
        fprintf(stderr, "glossa-native: cannot read %s\n", args.model);
        return 1;
    }
    glossa_error error;
    glossa_model *model;
    int status = 1;
    if (glossa_model_open(bytes, size, NULL, &model, &error)) {
        failed(&error);
    } else {
        if (args.kernels && glossa_model_use_kernels(model, args.kernels, &error))
            failed(&error);
        else
            status = run(&args, model);
        glossa_model_close(model);
    }
    free(bytes);
    return status;
}
