/*
 * The lab natively as a contender: the line protocol of serve.js, of which it reads no more than it needs. Settings are
 * words on the command line, the batches a file (lab-batches.js); `from MODEL` begins with a checkpoint's weights.
 *
 *     lab-native FILE NAME VALUE ...
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "glossa_lab.h"

static double milliseconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int fail(const char *message) {
    printf("{\"error\":\"%s\"}\n", message);
    fflush(stdout);
    return 1;
}

/* All batches of the file: their count, then each as in src/wasm/lab_bindings.c. */
static glossa_lab_batch *read_batches(const char *path, uint32_t *count) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) return NULL;
    const long size = ftell(file);
    uint32_t *words = malloc((size_t)size);
    rewind(file);
    if (fread(words, 1, (size_t)size, file) != (size_t)size) return NULL;
    fclose(file);
    *count = *words++;
    glossa_lab_batch *batches = malloc(*count * sizeof *batches);
    for (uint32_t i = 0; i < *count; i++) {
        const uint32_t pairs = *words, *sources = words + 1, *targets = sources + pairs + 1;
        const uint32_t *ids = targets + pairs + 1;
        batches[i] = (glossa_lab_batch){pairs, ids, sources, ids + sources[pairs], targets, NULL};
        words = (uint32_t *)(uintptr_t)(ids + sources[pairs] + targets[pairs]);
    }
    return batches;
}

/* All of a file, NULL if it cannot be read. */
static void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) return NULL;
    *size = (size_t)ftell(file);
    void *bytes = malloc(*size);
    rewind(file);
    if (fread(bytes, 1, *size, file) != *size) return NULL;
    fclose(file);
    return bytes;
}

static bool write_part(void *file, const void *bytes, size_t size) {
    return fwrite(bytes, 1, size, file) == size;
}

/* Writes the model to the path between the next two quotes. */
static bool save(const glossa_lab *lab, char *path, glossa_error *error) {
    path += strcspn(path, "\"") + 1;
    path[strcspn(path, "\"")] = '\0';
    FILE *file = fopen(path, "wb");
    if (!file) return false;
    const glossa_status status = glossa_lab_save(lab, GLOSSA_LAB_MODEL, (glossa_sink){write_part, file}, error);
    return fclose(file) == 0 && status == GLOSSA_OK;
}

int main(int count, char **words) {
    const char *from = NULL;
    size_t size = 0;
    glossa_lab_config config;
    glossa_lab_report report = {0};
    glossa_lab *lab;
    glossa_error error;
    uint32_t batch_count = 0, at = 0;
    char line[4096];
    glossa_lab_defaults(&config);
    for (int i = 2; i + 1 < count; i += 2)
        if (strcmp(words[i], "from") == 0)
            from = words[i + 1];
        else if (glossa_lab_set(&config, words[i], words[i + 1], &error))
            return fail(error.message);
    const glossa_lab_batch *batches = count > 1 ? read_batches(words[1], &batch_count) : NULL;
    if (!batches) return fail("no batches");
    const void *model = from ? read_file(from, &size) : NULL;
    if (from && !model) return fail("no model to begin with");
    if (from ? glossa_lab_load(model, size, &config, NULL, &lab, &error) : glossa_lab_open(&config, NULL, &lab, &error))
        return fail(error.message);
    while (fgets(line, sizeof line, stdin)) {
        const char *steps = strstr(line, "\"steps\":");
        char *path = strstr(line, "\"path\":");
        if (strstr(line, "\"about\"")) {
            printf("{\"value\":{\"runtime\":\"native, %s\"}}\n", glossa_lab_kernels(lab));
        } else if (path) {
            if (!save(lab, path + 7, &error)) return fail("the model cannot be written");
            printf("{\"value\":{}}\n");
        } else if (steps) {
            uint64_t tokens = 0;
            const double start = milliseconds(CLOCK_MONOTONIC), used = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
            for (long n = strtol(steps + 8, NULL, 10); n > 0; n--) {
                if (glossa_lab_step(lab, &batches[at++ % batch_count], &report, &error)) return fail(error.message);
                tokens += report.tokens;
            }
            printf("{\"value\":{\"ms\":%.3f,\"cpu\":%.3f,\"tokens\":%" PRIu64
                   ",\"loss\":%.5f,\"rate\":%.9g,\"bytes\":%zu}}\n",
                   milliseconds(CLOCK_MONOTONIC) - start, milliseconds(CLOCK_PROCESS_CPUTIME_ID) - used, tokens,
                   report.loss, report.learning_rate, glossa_lab_bytes(lab));
        } else {
            fail("it steps, saves, and tells about itself");
        }
        fflush(stdout);
    }
    glossa_lab_close(lab);
    return 0;
}
