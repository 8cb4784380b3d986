/* What the tests of the lab do with one: step it, save it, compare it with another. */
#ifndef LAB_HELPERS_H
#define LAB_HELPERS_H

#include <stdlib.h>

#include "check.h"
#include "gguf_builder.h"
#include "lab/lab.h"

static inline bool keep(void *user, const void *bytes, size_t size) {
    put(user, bytes, size);
    return true;
}

/* What a lab would save, aligned as a checkpoint must be; the caller frees. */
static inline uint8_t *saved(const glossa_lab *lab, glossa_lab_kind kind, size_t *size) {
    buffer out = {0};
    glossa_error error = {GLOSSA_OK, ""};
    CHECK_INT(glossa_lab_save(lab, kind, (glossa_sink){keep, &out}, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    uint8_t *file = aligned_alloc(64, (out.size + 63) / 64 * 64 + 64);
    if (!file) abort();
    memcpy(file, out.bytes, out.size);
    free(out.bytes);
    *size = out.size;
    return file;
}

/* A lab of what another would save, and the size of that. */
static inline glossa_lab *opened_again(const glossa_lab *lab, glossa_lab_kind kind, size_t *size) {
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab *again = NULL;
    uint8_t *file = saved(lab, kind, size);
    CHECK_INT(glossa_lab_load(file, *size, NULL, NULL, &again, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    free(file);
    return again;
}

static inline void steps(glossa_lab *lab, int count) {
    glossa_error error = {GLOSSA_OK, ""};
    for (int i = 0; i < count; i++)
        CHECK_INT(glossa_lab_step(lab, NULL, NULL, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
}

static inline bool same_values(const glossa_lab *a, const glossa_lab *b) {
    return memcmp(a->blocks.values, b->blocks.values, a->network.floats * sizeof(float)) == 0;
}

/* No hole: one step gives every parameter a gradient and moves it. The bias of keys has one by rounding alone, since no
   softmax depends on it, and so have biases whose sums a batch norm takes off again. */
static inline void check_moves(glossa_lab *lab) {
    float *before = malloc(lab->network.floats * sizeof *before);
    if (!before) abort();
    memcpy(before, lab->blocks.values, lab->network.floats * sizeof *before);
    steps(lab, 1);
    for (size_t i = 0; i < lab->network.count; i++) {
        const glossa_parameter *p = &lab->network.parameters[i];
        double gradient = 0, moved = 0;
        for (size_t j = p->offset; j < p->offset + (size_t)p->rows * p->cols; j++) {
            gradient = fmax(gradient, fabs((double)lab->blocks.gradients[j]));
            moved = fmax(moved, fabs((double)before[j] - (double)lab->blocks.values[j]));
        }
        const bool balanced = strstr(p->name, lab->config.normalise == NORMALISE_BATCH ? ".bias" : "_k.bias") != NULL;
        const bool moves = moved > 0 && gradient > (balanced ? 0 : 1e-7);
        if (!moves) fprintf(stderr, "%s (%g, %g): ", p->name, gradient, moved);
        CHECK(moves);
    }
    free(before);
}

#endif
