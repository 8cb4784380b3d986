/*
 * The gradient of the operations that the rest of the family needs, against finite differences, and what they compute
 * where a rule says it.
 */
#include "graph.h"

/* ---- scores, choices, windows ---- */

/* Values of another width than queries and keys, and what a score learns: a vector, or a number a head. */
static void shape_cross(graph *g) {
    add(g, 0, 9, 8);
    add(g, 1, 11, 8);
    add(g, 2, 11, 12);
    add(g, 3, 1, attending.score == SCORE_COSINE ? attending.heads : 8);
    attending.learnt = attending.score == SCORE_DOT ? NULL : &g->p[3];
}

static void test_scores(void) {
    attending = (glossa_attending){"cross", &queries, &memory, .heads = 2, .scale = 0.5f, .score = SCORE_DOT};
    check_gradients(shape_cross, build_attention, 1.5f, 0.02f);
    attending.score = SCORE_ADDITIVE;
    check_gradients(shape_cross, build_attention, 1.5f, 0.02f);
    attending.dropout = 0.3f;
    check_gradients(shape_cross, build_attention, 1.5f, 0.02f);
    attending.score = SCORE_COSINE;
    check_gradients(shape_cross, build_attention, 1.5f, 5e-3f);
    attending.dropout = 0;
    attending.heads = 4;
    check_gradients(shape_cross, build_attention, 1.5f, 2e-3f);
}

/* Above ln 100 the sharpness of a cosine counts as ln 100, and has no gradient. */
static void test_a_cosine_is_no_sharper_than_a_hundred(void) {
    attending = (glossa_attending){"cross", &queries, &memory, .heads = 1, .score = SCORE_COSINE};
    graph *g = open_graph(&glossa_gradients_scalar, build_attention);
    uint32_t state = 4;
    float before[9 * 12];
    shape_cross(g);
    for (size_t i = 0; i < g->count; i++)
        g->values[i] = noise(&state);
    for (int sharp = 5; sharp < 7; sharp++) {
        g->values[g->p[3].offset] = (float)sharp;
        loss_of(g, true);
        const glossa_node y = build_attention(g);
        if (sharp > 5) CHECK(memcmp(before, y.value, sizeof before) == 0);
        memcpy(before, y.value, sizeof before);
    }
    glossa_tape_backward(&g->tape);
    CHECK(g->gradients[g->p[3].offset] == 0.0f);
    close_graph(g);
}

/* A hard choice gives the value of the likeliest key, and passes on the gradient of soft weights: with y linear in the
   weights, that is what soft attention has at the same slopes of y. */
static void test_a_hard_choice(void) {
    graph *g = open_graph(&glossa_gradients_scalar, build_attention);
    uint32_t state = 8;
    float soft[9 * 8], *dq = g->gradients;
    attending = (glossa_attending){"cross", &queries, &memory, .heads = 1, .scale = 1};
    shape_cross(g);
    for (size_t i = 0; i < g->count; i++)
        g->values[i] = noise(&state);
    loss_of(g, true);
    glossa_tape_backward(&g->tape);
    memcpy(soft, dq, sizeof soft);
    memset(g->gradients, 0, sizeof g->gradients);
    attending.hard = true;
    loss_of(g, true);
    glossa_tape_backward(&g->tape);
    CHECK(memcmp(soft, dq, sizeof soft) == 0);
    const glossa_view *view = glossa_tape_view(&g->tape, "cross");
    const float *w = view->data, *values = g->values + g->p[2].offset;
    const glossa_node y = build_attention(g);
    for (size_t s = 0; s < 3; s++) {
        const size_t n = keys[s + 1] - keys[s];
        for (size_t i = three[s]; i < three[s + 1]; i++, w += n) {
            size_t chosen = n;
            for (size_t j = 0; j < n; j++)
                if (w[j] == 1.0f) chosen = j;
            CHECK(chosen < n);
            for (size_t c = 0; c < 12; c++)
                CHECK(y.value[i * 12 + c] == values[(keys[s] + chosen) * 12 + c]);
        }
    }
    close_graph(g);
}

/* Two windows of 2 x 2, with the bias of each offset and with regions: Swin's index (dy + 1) * 3 + dx + 1. */
static const uint32_t windows[] = {0, 4, 8};
static const glossa_segments two_windows = {.starts = windows, .count = 2};
static const uint32_t offsets[16] = {4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4};
static const uint8_t regions[8] = {0, 0, 0, 0, 1, 2, 1, 2};

static void shape_windows(graph *g) {
    for (int i = 0; i < 3; i++)
        add(g, i, 8, 6);
    add(g, 3, 9, 2);
    attending.bias = &g->p[3];
}

static void test_windows(void) {
    attending = (glossa_attending){"window", &two_windows, &two_windows, .heads = 2, .scale = 0.6f};
    attending.bias_index = offsets;
    check_gradients(shape_windows, build_attention, 1.5f, 0.02f);
    attending.regions = regions;
    check_gradients(shape_windows, build_attention, 1.5f, 0.02f);
    graph *g = open_graph(&glossa_gradients_scalar, build_attention);
    uint32_t state = 3;
    shape_windows(g);
    for (size_t i = 0; i < g->count; i++)
        g->values[i] = noise(&state);
    loss_of(g, false);
    const float *w = glossa_tape_view(&g->tape, "window")->data + 2 * 16; /* the second window */
    for (size_t i = 0; i < 2 * 16; i++) {
        const bool near = regions[4 + i / 4 % 4] == regions[4 + i % 4];
        CHECK(near ? w[i] > 0.01f : w[i] < 1e-30f);
    }
    close_graph(g);
}

/* ---- recurrent cells ---- */

static glossa_cell cell;
static bool begins; /* from states of its own, else from zeros */

static void shape_cell(graph *g) {
    const uint32_t d = 4, width = cell.gated ? 3 * d : d;
    add(g, 0, 9, width);
    cell.w = add(g, 1, width, d);
    cell.b = add(g, 2, 1, width);
    add(g, 3, 3, d);
}

static glossa_node build_cell(graph *g) {
    const glossa_node begin = begins ? glossa_tape_parameter(&g->tape, &g->p[3]) : (glossa_node){0};
    return glossa_tape_recur(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]), begin, &cell, &queries);
}

static void test_cells(void) {
    for (int way = 0; way < 8; way++) {
        cell = (glossa_cell){.gated = way & 1, .backwards = way & 2};
        begins = way & 4;
        check_gradients(shape_cell, build_cell, 1.2f, 0.02f);
    }
}

/* Backwards is forwards on turned rows, and no sequence sees another. */
static void test_directions(void) {
    graph *g = open_graph(&glossa_gradients_scalar, build_cell);
    uint32_t state = 6;
    float turned[9 * 4];
    cell = (glossa_cell){.gated = true};
    begins = false;
    shape_cell(g);
    for (size_t i = 0; i < g->count; i++)
        g->values[i] = noise(&state);
    loss_of(g, false);
    memcpy(turned, build_cell(g).value, sizeof turned);
    float rows[9 * 12];
    memcpy(rows, g->values, sizeof rows);
    for (size_t s = 0; s < 3; s++)
        for (size_t i = three[s]; i < three[s + 1]; i++)
            memcpy(g->values + i * 12, rows + (three[s] + three[s + 1] - 1 - i) * 12, 12 * sizeof(float));
    cell.backwards = true;
    const glossa_node y = build_cell(g);
    for (size_t s = 0; s < 3; s++)
        for (size_t i = three[s]; i < three[s + 1]; i++)
            CHECK(memcmp(y.value + i * 4, turned + (three[s] + three[s + 1] - 1 - i) * 4, 4 * sizeof(float)) == 0);
    close_graph(g);
}

/* ---- rows and columns ---- */

static const uint32_t picked[] = {8, 0, 3, 3, 7, 8};

static void shape_rows(graph *g) {
    add(g, 0, 9, 6);
    add(g, 1, 9, 4);
    add(g, 2, 5, 10);
    add(g, 3, 1, 5);
}

static glossa_node build_tanh(graph *g) {
    return glossa_tape_tanh(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]));
}

static glossa_node build_columns(graph *g) {
    return glossa_tape_columns(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]), 2, 3);
}

static glossa_node build_beside(graph *g) {
    return glossa_tape_beside(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]),
                              glossa_tape_parameter(&g->tape, &g->p[1]));
}

static glossa_node build_gather(graph *g) {
    return glossa_tape_gather(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]), picked, 6);
}

static glossa_node build_pool(graph *g) {
    return glossa_tape_pool(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]), &queries);
}

/* [x z] w^T + b, in two parts of w. */
static glossa_node build_parts(graph *g) {
    const glossa_node x = glossa_tape_parameter(&g->tape, &g->p[0]), z = glossa_tape_parameter(&g->tape, &g->p[1]);
    return glossa_tape_add(&g->tape, glossa_tape_linear_part(&g->tape, x, &g->p[2], 0, &g->p[3]),
                           glossa_tape_linear_part(&g->tape, z, &g->p[2], 6, NULL));
}

static void test_rows_and_columns(void) {
    check_gradients(shape_rows, build_tanh, 1.5f, 0.03f);
    check_gradients(shape_rows, build_columns, 1, 0.05f);
    check_gradients(shape_rows, build_beside, 1, 0.05f);
    check_gradients(shape_rows, build_gather, 1, 0.05f);
    check_gradients(shape_rows, build_pool, 1, 0.05f);
    check_gradients(shape_rows, build_parts, 1, 0.05f);
}

/* In two parts a matrix gives what it gives as a whole. */
static void test_parts_of_a_matrix(void) {
    graph *g = open_graph(&glossa_gradients_scalar, build_parts);
    uint32_t state = 2;
    shape_rows(g);
    for (size_t i = 0; i < g->count; i++)
        g->values[i] = noise(&state);
    loss_of(g, false);
    const glossa_node y = build_parts(g), whole = glossa_tape_linear(&g->tape, build_beside(g), &g->p[2], &g->p[3]);
    for (size_t i = 0; i < 9 * 5; i++)
        CHECK_NEAR(y.value[i], whole.value[i], 1e-6);
    close_graph(g);
}

/* ---- positions, patches, batch norm ---- */

static glossa_batch_norm batch_norm;

static void shape_batch_norm(graph *g) {
    add(g, 0, 9, 6);
    batch_norm = (glossa_batch_norm){add(g, 1, 1, 6), add(g, 2, 1, 6), NULL, NULL, 1e-3f};
    g->p[3] = (glossa_parameter){.rows = 1, .cols = 6, .offset = MOST - 12}; /* not among those that are learnt */
    g->p[4] = (glossa_parameter){.rows = 1, .cols = 6, .offset = MOST - 6};
    batch_norm.mean = &g->p[3];
    batch_norm.variance = &g->p[4];
}

static glossa_node build_batch_norm(graph *g) {
    return glossa_tape_batch_norm(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]), &batch_norm);
}

static void shape_places(graph *g) {
    add(g, 0, 9, 6);
    add(g, 1, 5, 6);
}

static glossa_node build_places(graph *g) {
    const glossa_embedding e = {.positions = &g->p[1]};
    return glossa_tape_place(&g->tape, glossa_tape_parameter(&g->tape, &g->p[0]), &e, &queries);
}

static void test_positions_and_batch_norm(void) {
    check_gradients(shape_places, build_places, 1, 0.05f);
    check_gradients(shape_batch_norm, build_batch_norm, 1.5f, 0.02f);
}

/* Patches from left to right and from top to bottom, each row by row; bytes from -1 to 1. */
static void test_patches(void) {
    uint32_t pixels[2 * 16];
    graph *g = open_graph(&glossa_gradients_scalar, NULL);
    for (uint32_t i = 0; i < 32; i++)
        pixels[i] = i < 16 ? i : 255 - i;
    const glossa_node y = glossa_tape_patches(&g->tape, pixels, 2, 4, 2, true);
    static const uint32_t second[4] = {2, 3, 6, 7};
    CHECK_INT(y.rows, 10);
    CHECK_INT(y.width, 4);
    CHECK(y.gradient == NULL);
    for (size_t j = 0; j < 4; j++) {
        CHECK(y.value[j] == 0.0f && y.value[5 * 4 + j] == 0.0f); /* the first row of each image */
        CHECK_NEAR(y.value[2 * 4 + j], second[j] / 127.5 - 1, 1e-6);
        CHECK_NEAR(y.value[7 * 4 + j], (255 - 16 - second[j]) / 127.5 - 1, 1e-6);
    }
    close_graph(g);
}

int main(void) {
    RUN(test_scores);
    RUN(test_a_cosine_is_no_sharper_than_a_hundred);
    RUN(test_a_hard_choice);
    RUN(test_windows);
    RUN(test_cells);
    RUN(test_directions);
    RUN(test_rows_and_columns);
    RUN(test_parts_of_a_matrix);
    RUN(test_positions_and_batch_norm);
    RUN(test_patches);
    return CHECK_RESULT();
}
