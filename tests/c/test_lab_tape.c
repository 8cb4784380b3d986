/*
 * The gradient of every operation of the Transformer against finite differences.
 */
#include "graph.h"

/* ---- embedding ---- */

static const uint32_t ids[] = {4, 0, 4, 2, 1, 1, 3, 0, 4};

static void shape_embed(graph *g) {
    add(g, 0, 5, 6);
    add(g, 1, 8, 6);
}

static glossa_node build_embed(graph *g) {
    const glossa_embedding e = {.table = &g->p[0], .positions = &g->p[1], .scale = 2.5f};
    return glossa_tape_embed(&g->tape, &e, ids, &queries);
}

static glossa_node build_embed_zero_start(graph *g) {
    const glossa_embedding e = {.table = &g->p[0], .positions = &g->p[1], .scale = 2.5f, .start_is_zero = true};
    return glossa_tape_embed(&g->tape, &e, ids, &queries);
}

static void test_embedding(void) {
    check_gradients(shape_embed, build_embed, 1, 0.05f);
    check_gradients(shape_embed, build_embed_zero_start, 1, 0.05f);
}

/* ---- linear, add ---- */

static void shape_linear(graph *g) {
    add(g, 0, 9, 7);
    add(g, 1, 5, 7);
    add(g, 2, 1, 5);
    add(g, 3, 9, 5);
}

static glossa_node build_linear(graph *g) {
    const glossa_node x = glossa_tape_parameter(&g->tape, &g->p[0]);
    const glossa_node y = glossa_tape_linear(&g->tape, x, &g->p[1], &g->p[2]);
    return glossa_tape_add(&g->tape, y, glossa_tape_parameter(&g->tape, &g->p[3]));
}

/* Tied: the same matrix twice, and a node that two operations read. */
static glossa_node build_tied(graph *g) {
    const glossa_node x = glossa_tape_parameter(&g->tape, &g->p[0]);
    const glossa_node y = glossa_tape_linear(&g->tape, x, &g->p[1], NULL);
    const glossa_node z = glossa_tape_linear(&g->tape, glossa_tape_add(&g->tape, x, x), &g->p[1], NULL);
    return glossa_tape_add(&g->tape, y, z);
}

static void test_linear(void) {
    check_gradients(shape_linear, build_linear, 1, 0.05f);
    check_gradients(shape_linear, build_tied, 1, 0.05f);
}

/* ---- activations, norm, dropout ---- */

static void shape_rows(graph *g) {
    add(g, 0, 9, 18);
    add(g, 1, 1, 18);
    add(g, 2, 1, 18);
}

static glossa_activation chosen;

static glossa_node build_activation(graph *g) {
    return glossa_tape_activate(&g->tape, chosen, glossa_tape_parameter(&g->tape, &g->p[0]));
}

static void test_activations(void) {
    for (chosen = ACTIVATION_SILU; chosen <= ACTIVATION_SIGMOID; chosen++)
        check_gradients(shape_rows, build_activation, 3, 0.03f);
    chosen = ACTIVATION_RELU;
    check_gradients(shape_rows, build_activation, 1, 0x1p-12f); /* no element lies as near to the kink */
}

static glossa_node build_norm(graph *g) {
    return glossa_tape_norm(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]), &g->p[1], &g->p[2], 1e-5f);
}

static void test_norm(void) {
    check_gradients(shape_rows, build_norm, 1, 0.02f);
}

static glossa_node build_dropout(graph *g) {
    return glossa_tape_dropout(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]), 0.4f, &queries);
}

static void test_dropout(void) {
    check_gradients(shape_rows, build_dropout, 1, 0.05f);
}

/* The share that is dropped, what is kept, and that a draw knows its sequence and not its batch. */
static void test_what_dropout_draws(void) {
    graph *g = open_graph(&glossa_gradients_scalar, build_dropout);
    shape_rows(g);
    g->p[0].rows = 100;
    g->p[0].cols = 40;
    for (size_t i = 0; i < MOST; i++)
        g->values[i] = 1;
    const uint32_t one[] = {0, 50, 100}, second[] = {0, 50};
    g->tape.learning = true;
    const glossa_node x = glossa_tape_parameter(&g->tape, &g->p[0]);
    const glossa_node y = glossa_tape_dropout(&g->tape, x, 0.25f, &(glossa_segments){.starts = one, .count = 2});
    size_t dropped = 0;
    for (size_t i = 0; i < 4000; i++) {
        CHECK(y.value[i] == 0.0f || y.value[i] == 1.0f / 0.75f);
        dropped += y.value[i] == 0.0f;
    }
    CHECK_NEAR(dropped, 1000, 4 * 27.4); /* four deviations */
    glossa_tape_reset(&g->tape);
    float whole[2000];
    memcpy(whole, y.value + 2000, sizeof whole);
    g->tape.first_sequence = 1;
    const glossa_node half = {x.value, x.gradient, 50, 40};
    const glossa_node alone =
        glossa_tape_dropout(&g->tape, half, 0.25f, &(glossa_segments){.starts = second, .count = 1});
    CHECK(memcmp(alone.value, whole, sizeof whole) == 0);
    const glossa_node other =
        glossa_tape_dropout(&g->tape, half, 0.25f, &(glossa_segments){.starts = second, .count = 1});
    CHECK(memcmp(other.value, whole, sizeof whole) != 0);
    g->tape.learning = false;
    CHECK(glossa_tape_dropout(&g->tape, x, 0.25f, &(glossa_segments){.starts = one, .count = 2}).value == x.value);
    close_graph(g);
}

/* ---- attention ---- */

static void shape_attention(graph *g) {
    add(g, 0, 9, 8);
    add(g, 1, 11, 8);
    add(g, 2, 11, 8);
}

static void shape_self_attention(graph *g) {
    for (int i = 0; i < 3; i++)
        add(g, i, 9, 8);
}

static void test_attention(void) {
    const glossa_attending cross = {"cross", &queries, &memory, .heads = 2, .scale = 0.5f};
    attending = cross;
    check_gradients(shape_attention, build_attention, 1.5f, 0.02f);
    attending.dropout = 0.3f;
    check_gradients(shape_attention, build_attention, 1.5f, 0.02f);
    attending = (glossa_attending){"self", &queries, &queries, .heads = 4, .scale = 0.7f, .causal = true};
    check_gradients(shape_self_attention, build_attention, 1.5f, 0.02f);
    float guide[3 * 2 + 1 * 4 + 5 * 5] = {0};
    guide[0] = guide[3] = 1; /* the third query of the first sequence has no wish */
    guide[6] = guide[8] = 0.5f;
    for (size_t i = 0; i < 5; i++)
        guide[10 + 6 * i] = 1;
    attending = cross;
    attending.guide = guide;
    attending.guide_head = 1;
    attending.guide_weight = 0.8f;
    check_gradients(shape_attention, build_attention, 1.5f, 0.02f);
}

static void test_attention_sees_no_other_sequence_and_no_later_key(void) {
    graph *g = open_graph(&glossa_gradients_scalar, build_attention);
    shape_self_attention(g);
    uint32_t state = 5;
    for (size_t i = 0; i < g->count; i++)
        g->values[i] = noise(&state);
    attending = (glossa_attending){"self", &queries, &queries, .heads = 2, .scale = 0.5f, .causal = true};
    loss_of(g, false);
    const glossa_view *view = glossa_tape_view(&g->tape, "self");
    CHECK(view && view->heads == 2 && view->rows == 9);
    CHECK(glossa_tape_view(&g->tape, "other") == NULL);
    const float *w = view->data;
    for (size_t s = 0; s < 3; s++) {
        const size_t n = three[s + 1] - three[s];
        for (size_t h = 0; h < 2; h++) {
            for (size_t i = 0; i < n; i++, w += n) {
                double sum = 0;
                for (size_t j = 0; j < n; j++) {
                    sum += (double)w[j];
                    CHECK((w[j] > 0.0f) == (j <= i));
                }
                CHECK_NEAR(sum, 1, 1e-6);
            }
        }
    }
    close_graph(g);
}

/* ---- SSRU ---- */

static glossa_node build_ssru(graph *g) {
    const glossa_node f = glossa_tape_activate(&g->tape, ACTIVATION_SIGMOID, glossa_tape_parameter(&g->tape, &g->p[0]));
    return glossa_tape_ssru(&g->tape, f, glossa_tape_parameter(&g->tape, &g->p[1]), &queries);
}

static void shape_ssru(graph *g) {
    add(g, 0, 9, 6);
    add(g, 1, 9, 6);
}

static void test_ssru(void) {
    check_gradients(shape_ssru, build_ssru, 1.5f, 5e-4f);
}

/* ---- prediction ---- */

static const uint32_t targets[] = {0, 12, 3, GLOSSA_IGNORED, 7, 7, 1, 2, 0};
static float smoothing;

static glossa_node build_predict(graph *g) {
    const glossa_node x = glossa_tape_parameter(&g->tape, &g->p[0]);
    const glossa_prediction p = {
        .w = &g->p[1], .bias = &g->p[2], .targets = targets, .smoothing = smoothing, .weight = 0.7f};
    glossa_tape_predict(&g->tape, x, &p);
    return (glossa_node){0};
}

static void shape_predict(graph *g) {
    add(g, 0, 9, 10);
    add(g, 1, 13, 10);
    add(g, 2, 1, 13);
}

static void test_prediction(void) {
    smoothing = 0;
    check_gradients(shape_predict, build_predict, 1, 0.03f);
    smoothing = 0.2f;
    check_gradients(shape_predict, build_predict, 1, 0.03f);
}

/* A vocabulary so large that rows go in several groups, against one row at a time. */
static void test_prediction_in_groups(void) {
    enum { V = 400000, M = 5, D = 4, SIZE = 8 << 20 };
    static float values[V * D + M * D], gradients[2][V * D + M * D];
    const glossa_parameter x = {.rows = M, .cols = D, .offset = V * D}, w = {.rows = V, .cols = D};
    uint32_t state = 3;
    for (size_t i = 0; i < V * D + M * D; i++)
        values[i] = noise(&state);
    double loss[2] = {0, 0};
    for (int whole = 0; whole < 2; whole++) {
        glossa_tape tape = {.kernels = &glossa_gradients_scalar,
                            .values = values,
                            .gradients = gradients[whole],
                            .learning = true,
                            .arena = {.base = malloc(SIZE), .size = SIZE}};
        const glossa_node all = glossa_tape_parameter(&tape, &x);
        for (size_t i = 0; i < M; i += whole ? M : 1) {
            const glossa_node rows = {all.value + i * D, all.gradient + i * D, whole ? M : 1, D};
            const uint32_t wanted[] = {1, 2, 3, 4, 5};
            const glossa_prediction p = {.w = &w, .targets = wanted + i, .smoothing = 0.1f, .weight = 0.2f};
            glossa_tape_predict(&tape, rows, &p);
            glossa_tape_backward(&tape);
            loss[whole] += tape.loss;
            glossa_tape_reset(&tape);
        }
        free(tape.arena.base);
    }
    CHECK_NEAR(loss[0], loss[1], 1e-6);
    CHECK(memcmp(gradients[0], gradients[1], sizeof gradients[0]) == 0);
}

static void test_a_tape_is_measured(void) {
    graph *g = open_graph(&glossa_gradients_scalar, build_attention);
    shape_self_attention(g);
    attending = (glossa_attending){"self", &queries, &queries, .heads = 2, .scale = 0.5f, .dropout = 0.5f};
    uint8_t *base = g->tape.arena.base;
    g->tape.learning = true;
    g->tape.arena = (glossa_arena){0};
    glossa_tape_reset(&g->tape);
    build_attention(g);
    const size_t measured = (size_t)g->tape.arena.used;
    CHECK(measured > 0 && !g->tape.arena.failed);
    for (size_t size = measured / 2; size <= measured; size += measured - measured / 2) {
        g->tape.arena = (glossa_arena){.base = base, .size = size};
        glossa_tape_reset(&g->tape);
        build_attention(g);
        CHECK(g->tape.arena.failed == (size < measured));
    }
    close_graph(g);
}

int main(void) {
    RUN(test_embedding);
    RUN(test_linear);
    RUN(test_activations);
    RUN(test_norm);
    RUN(test_dropout);
    RUN(test_what_dropout_draws);
    RUN(test_attention);
    RUN(test_attention_sees_no_other_sequence_and_no_later_key);
    RUN(test_ssru);
    RUN(test_prediction);
    RUN(test_prediction_in_groups);
    RUN(test_a_tape_is_measured);
    return CHECK_RESULT();
}
