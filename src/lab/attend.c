/* What scores make of queries and keys first, and attention apart from a network: the same operations on a tape. */
#include "lab/attend.h"

#include <math.h> /* isfinite */

#include "glossa_lab_attention.h"
#include "lab/operation.h"
#include "lab/scores.h"

#define MOST 4096 /* rows, and numbers in a row: products of two of these hold in 32 bits, four times over */

enum { PARAMETERS = 4 };

float glossa_score_scale(uint32_t score, uint32_t d) {
    return score == SCORING_SCALED_DOT ? 1.0f / glossa_sqrt((float)d) : 1.0f;
}

void glossa_project(glossa_tape *tape, uint32_t score, const glossa_projections *p, glossa_node *q, glossa_node *k,
                    glossa_attending *a) {
    const size_t width = q->width;
    a->scale = glossa_score_scale(score, (uint32_t)(width / a->heads));
    a->learnt = p->learnt;
    a->score = SCORE_DOT;
    switch (score) {
    case SCORING_GENERAL:
        *k = glossa_tape_linear(tape, *k, p->k.w, p->k.b);
        break;
    case SCORING_ADDITIVE:
        *q = glossa_tape_linear(tape, *q, p->q.w, p->q.b);
        *k = glossa_tape_linear(tape, *k, p->k.w, p->k.b);
        a->score = SCORE_ADDITIVE;
        break;
    case SCORING_CONCAT:
        *q = glossa_tape_linear_part(tape, *q, p->q.w, 0, p->q.b);
        *k = glossa_tape_linear_part(tape, *k, p->q.w, width, NULL);
        a->score = SCORE_ADDITIVE;
        break;
    case SCORING_COSINE:
        a->score = SCORE_COSINE;
        break;
    default:
        break;
    }
}

/* ---- apart from a network ---------------------------------------------------------------------------------------- */

/* What a score learns, in the order in which the caller gives it. */
typedef struct table {
    glossa_parameter parameters[PARAMETERS];
    size_t count;
    size_t given;  /* numbers of the caller */
    size_t floats; /* of a block that holds them, each from a 64-byte border */
    glossa_projections projections;
} table;

static const glossa_parameter *add(table *t, size_t rows, size_t cols) {
    glossa_parameter *p = &t->parameters[t->count++];
    *p = (glossa_parameter){.rows = (uint32_t)rows, .cols = (uint32_t)cols, .offset = t->floats};
    t->given += rows * cols;
    t->floats += (rows * cols + 15) / 16 * 16;
    return p;
}

static void fill(table *t, uint32_t score, size_t d) {
    glossa_projections *p = &t->projections;
    switch (score) {
    case SCORING_GENERAL:
        p->k.w = add(t, d, d);
        break;
    case SCORING_ADDITIVE:
        p->q.w = add(t, d, d);
        p->k.w = add(t, d, d);
        p->k.b = add(t, 1, d);
        p->learnt = add(t, 1, d);
        break;
    case SCORING_CONCAT:
        p->q.w = add(t, d, 2 * d);
        p->q.b = add(t, 1, d);
        p->learnt = add(t, 1, d);
        break;
    case SCORING_COSINE:
        p->learnt = add(t, 1, 1);
        break;
    default:
        break;
    }
}

static void copy(float *to, const float *from, size_t count) {
    if (to && from) memcpy(to, from, count * sizeof *to);
}

static glossa_node given(glossa_tape *tape, const float *rows, size_t count, size_t width) {
    const glossa_node node = glossa_tape_take(tape, count, width);
    if (is_ready(tape, node.value)) copy(node.value, rows, count * width);
    return node;
}

/* Runs, or measures, the pass on the tape; all that is written comes from the operations. */
static void run(glossa_tape *tape, const glossa_lab_attention *a, const table *t, const glossa_lab_attended *out) {
    const uint32_t query_starts[] = {0, (uint32_t)a->queries}, key_starts[] = {0, (uint32_t)a->keys};
    const glossa_segments queries = {query_starts, 1, 0, 0}, keys = {key_starts, 1, 0, 0};
    float *values = TAKE(&tape->arena, float, t->floats), *scores = TAKE(&tape->arena, float, a->queries, a->keys);
    tape->work = TAKE(&tape->arena, float, tape->kernels->work);
    tape->values = values;
    const float *from = a->parameters;
    for (size_t i = 0; i < t->count; i++) {
        const size_t count = (size_t)t->parameters[i].rows * t->parameters[i].cols;
        if (values) copy(values + t->parameters[i].offset, from, count);
        if (from) from += count;
    }
    glossa_node q = given(tape, a->query, a->queries, a->width), k = given(tape, a->key, a->keys, a->width);
    const glossa_node v = given(tape, a->value, a->keys, a->value_width);
    glossa_attending attending = {
        .name = "attention", .queries = &queries, .keys = &keys, .heads = 1, .hard = a->selection == SELECTION_HARD};
    glossa_project(tape, a->score, &t->projections, &q, &k, &attending);
    const glossa_node y = glossa_tape_attention(tape, q, k, v, &attending);
    float *work = TAKE(&tape->arena, float, glossa_scores_work(attending.score, a->width, a->queries + a->keys));
    if (!is_ready(tape, y.value)) return;
    const glossa_scored scored = {attending.score, attending.scale, attending.learnt, q.value, k.value, a->queries,
                                  a->keys,         a->width,        a->width,         0,       NULL};
    glossa_scores(tape, &scored, scores, work);
    copy(out->queries, q.value, a->queries * a->width);
    copy(out->keys, k.value, a->keys * a->width);
    copy(out->scores, scores, a->queries * a->keys);
    copy(out->weights, glossa_tape_view(tape, attending.name)->data, a->queries * a->keys);
    copy(out->output, y.value, a->queries * a->value_width);
}

/* ---- the caller's numbers ---------------------------------------------------------------------------------------- */

static glossa_status check_size(const char *name, size_t size, glossa_error *error) {
    FAIL_IF(size == 0 || size > MOST, error, GLOSSA_ERROR_ARGUMENT, "attention: '%s' is %zu, need 1 to %d", name, size,
            MOST);
    return GLOSSA_OK;
}

static glossa_status check_numbers(const char *name, const float *numbers, size_t count, glossa_error *error) {
    FAIL_IF(!numbers && count > 0, error, GLOSSA_ERROR_ARGUMENT, "attention: '%s' is NULL", name);
    for (size_t i = 0; i < count; i++)
        FAIL_IF(!isfinite(numbers[i]), error, GLOSSA_ERROR_ARGUMENT, "attention: '%s' has a number that is not finite",
                name);
    return GLOSSA_OK;
}

static glossa_status check(const glossa_lab_attention *a, table *t, glossa_error *error) {
    FAIL_IF(a->score >= SCORING_NO, error, GLOSSA_ERROR_ARGUMENT, "attention: 'score' is %u, need 0 to %d", a->score,
            SCORING_NO - 1);
    FAIL_IF(a->selection > SELECTION_HARD, error, GLOSSA_ERROR_ARGUMENT, "attention: 'selection' is %u, need 0 or 1",
            a->selection);
    FORWARD(check_size("queries", a->queries, error));
    FORWARD(check_size("keys", a->keys, error));
    FORWARD(check_size("width", a->width, error));
    FORWARD(check_size("value_width", a->value_width, error));
    fill(t, a->score, a->width);
    FAIL_IF(a->parameter_count != t->given, error, GLOSSA_ERROR_ARGUMENT,
            "attention: the score has %zu parameters, need %zu", a->parameter_count, t->given);
    FORWARD(check_numbers("query", a->query, a->queries * a->width, error));
    FORWARD(check_numbers("key", a->key, a->keys * a->width, error));
    FORWARD(check_numbers("value", a->value, a->keys * a->value_width, error));
    return check_numbers("parameters", a->parameters, a->parameter_count, error);
}

glossa_status glossa_lab_attend(const glossa_lab_attention *a, const glossa_allocator *allocator,
                                const glossa_lab_attended *out, glossa_error *error) {
    FAIL_IF(!a || !out, error, GLOSSA_ERROR_ARGUMENT, "glossa_lab_attend: '%s' is NULL", a ? "out" : "attention");
    const glossa_allocator own = glossa_allocator_or_default(allocator);
    table t = {.given = 0};
    FORWARD(check(a, &t, error));
    glossa_tape tape = {.kernels = glossa_gradients_find(NULL)};
    run(&tape, a, &t, out);
    FAIL_IF(tape.arena.failed || tape.arena.used >= SIZE_MAX, error, GLOSSA_ERROR_LIMIT,
            "attention of %zu queries to %zu keys is too large for this machine", a->queries, a->keys);
    void *memory = NULL;
    size_t size = 0;
    FAIL_IF(!glossa_arena_place(&tape.arena, &own, &memory, &size), error, GLOSSA_ERROR_MEMORY,
            "out of memory for attention of %zu queries to %zu keys", a->queries, a->keys);
    glossa_tape_reset(&tape);
    run(&tape, a, &t, out);
    glossa_release(&own, memory);
    return GLOSSA_OK;
}
