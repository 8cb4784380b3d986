/*
 * The gradient of an operation against finite differences: each element of each parameter is moved by h and 2 h both
 * ways, and the four losses, summed in double, give a slope whose error falls with h^4.
 */
#ifndef GLOSSA_TEST_GRAPH_H
#define GLOSSA_TEST_GRAPH_H

#include "lab/tape.h"

#include <stdlib.h>

#include "check.h"

enum { PARAMETERS = 6, MOST = 4096, ARENA = 1 << 20 };

static const uint32_t three[] = {0, 3, 4, 9}, keys[] = {0, 2, 6, 11};
static const glossa_segments queries = {.starts = three, .count = 3}, memory = {.starts = keys, .count = 3};

typedef struct graph {
    glossa_parameter p[PARAMETERS];
    size_t count; /* of floats */
    float values[MOST], gradients[MOST];
    glossa_tape tape;
    glossa_node (*build)(struct graph *);
} graph;

static float noise(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(int32_t)(*state >> 8) / 8388608.0f - 1.0f;
}

static const glossa_parameter *add(graph *g, int i, uint32_t rows, uint32_t cols) {
    g->p[i] = (glossa_parameter){.rows = rows, .cols = cols, .offset = g->count};
    g->count += (size_t)rows * cols;
    return &g->p[i];
}

/* The loss: what the tape itself adds up, and the output weighed by fixed numbers. */
static double loss_of(graph *g, bool learning) {
    uint32_t state = 99;
    g->tape.learning = learning;
    glossa_tape_reset(&g->tape);
    const glossa_node y = g->build(g);
    double sum = 0;
    for (size_t i = 0; i < y.rows * y.width; i++) {
        const float weight = noise(&state);
        sum += (double)weight * (double)y.value[i];
        if (learning && y.gradient) y.gradient[i] += weight;
    }
    return sum + g->tape.loss;
}

static graph *open_graph(const glossa_gradients *kernels, glossa_node (*build)(graph *)) {
    graph *g = calloc(1, sizeof *g);
    if (!g) abort();
    g->build = build;
    g->tape = (glossa_tape){.kernels = kernels, .values = g->values, .gradients = g->gradients, .seed = 11, .step = 3};
    g->tape.work = malloc((kernels->work + 1) * sizeof(float));
    g->tape.arena = (glossa_arena){.base = malloc(ARENA), .size = ARENA};
    if (!g->tape.work || !g->tape.arena.base) abort();
    return g;
}

static void close_graph(graph *g) {
    CHECK(!g->tape.arena.failed);
    free(g->tape.work);
    free(g->tape.arena.base);
    free(g);
}

static double numeric_slope(graph *g, size_t i, float h) {
    const float at = g->values[i];
    double loss[4];
    for (int k = 0; k < 4; k++) {
        g->values[i] = at + h * (float)((int[]){1, -1, 2, -2})[k];
        loss[k] = loss_of(g, true); /* dropout stays on: its draw does not change */
    }
    g->values[i] = at;
    const double near = (loss[0] - loss[1]) / (2 * (double)h), far = (loss[2] - loss[3]) / (4 * (double)h);
    return (4 * near - far) / 3;
}

static void check_gradients(void (*shape)(graph *), glossa_node (*build)(graph *), float spread, float h) {
    for (const glossa_gradients *const *kernels = glossa_gradients_all(); *kernels; kernels++) {
        graph *g = open_graph(*kernels, build);
        uint32_t state = 1;
        shape(g);
        for (size_t i = 0; i < g->count; i++)
            g->values[i] = spread * noise(&state);
        loss_of(g, true);
        glossa_tape_backward(&g->tape);
        float analytic[MOST];
        memcpy(analytic, g->gradients, sizeof analytic);
        double most = 0, worst = 0;
        for (size_t i = 0; i < g->count; i++)
            most = fmax(most, fabs((double)analytic[i]));
        for (size_t i = 0; i < g->count; i++)
            worst = fmax(worst, fabs((double)analytic[i] - numeric_slope(g, i, h)));
        CHECK(most > 0.01);
        CHECK_NEAR(worst / most, 0, 5e-4);
        close_graph(g);
    }
}

/* Attention of parameter 0 to parameters 1 and 2, as `attending` says. */
static glossa_attending attending;

static glossa_node build_attention(graph *g) {
    return glossa_tape_attention(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]),
                                 glossa_tape_parameter(&g->tape, &g->p[1]), glossa_tape_parameter(&g->tape, &g->p[2]),
                                 &attending);
}

#endif
