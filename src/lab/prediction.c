/* Prediction: cross-entropy of softmax(x w^T + bias). */
#include "lab/operation.h"

#define LOGITS 1048576 /* floats of logits in memory at a time, or one row: the fewer, the more often w is read */

typedef struct predict {
    glossa_operation head;
    glossa_node x;
    float *slopes; /* (M, D) dloss/dx, made by the forward pass while the logits are there */
} predict;

static void predict_backward(glossa_tape *tape, const glossa_operation *self) {
    const predict *o = (const predict *)self;
    (void)tape;
    add_scaled(o->x.gradient, 1.0f, o->slopes, o->x.rows * o->x.width);
}

/* Bans what must not follow in this row, as the engine's search does; log(sum(exp(logits))) of before. */
static float ban(const glossa_tape *tape, float *logits, size_t n, const glossa_prediction *p, size_t row) {
    const glossa_kernels *kernels = tape->kernels->forward;
    const glossa_candidates all = {NULL, n};
    size_t sequence = 0;
    if (!p->rules) return kernels->log_sum_exp(logits, n);
    while (p->outputs->starts[sequence + 1] <= row)
        sequence++;
    const uint32_t start = p->outputs->starts[sequence];
    return glossa_rules_apply(p->rules, kernels, logits, &all, p->inputs + start + 1, (uint32_t)row - start,
                              p->limits[sequence]);
}

static void judge_row(const glossa_tape *tape, float *logits, size_t n, const glossa_prediction *p, size_t row,
                      const glossa_predicted *out) {
    const uint32_t target = p->targets ? p->targets[row] : GLOSSA_IGNORED;
    const float logit = target == GLOSSA_IGNORED ? 0.0f : logits[target], total = ban(tape, logits, n, p, row);
    size_t best = 0;
    for (size_t j = 1; j < n; j++)
        if (logits[j] > logits[best]) best = j;
    out->best[row] = (uint32_t)best;
    out->log_probability[row] = target == GLOSSA_IGNORED ? 0.0f : logit - total;
}

/* The loss of some rows, and the gradients of all that they depend on: those of w and bias are added at once. */
static void learn_rows(glossa_tape *tape, glossa_node x, const glossa_prediction *p, size_t first, float *logits) {
    const size_t n = p->w->rows;
    for (size_t i = 0; i < x.rows; i++) {
        const uint32_t target = p->targets[first + i];
        if (target == GLOSSA_IGNORED)
            clear(logits + i * n, n);
        else
            tape->loss += (double)p->weight *
                          (double)tape->kernels->cross_entropy(logits + i * n, n, target, p->smoothing, p->weight);
    }
    glossa_linear_backward(tape, x, logits, p->w, 0, p->bias);
}

glossa_predicted glossa_tape_predict(glossa_tape *tape, glossa_node x, const glossa_prediction *p) {
    const size_t n = p->w->rows, most = LOGITS / n + 1, group = most < x.rows ? most : x.rows;
    float *logits = TAKE(&tape->arena, float, group, n);
    glossa_predicted out = {TAKE(&tape->arena, float, tape->learning ? 0 : x.rows),
                            TAKE(&tape->arena, uint32_t, tape->learning ? 0 : x.rows)};
    float *slopes = tape->learning ? TAKE(&tape->arena, float, x.rows, x.width) : NULL;
    predict *o = glossa_tape_record(tape, sizeof *o, predict_backward);
    if (!is_ready(tape, logits)) return (glossa_predicted){NULL, NULL};
    clear(slopes, x.rows * x.width);
    for (size_t at = 0; at < x.rows; at += group) {
        const size_t count = x.rows - at < group ? x.rows - at : group;
        const glossa_node rows = {x.value + at * x.width, slopes ? slopes + at * x.width : NULL, count, x.width};
        tape->kernels->linear(rows.value, value_of(tape, p->w), p->bias ? value_of(tape, p->bias) : NULL, count, n,
                              x.width, logits, tape->work);
        if (tape->learning)
            learn_rows(tape, rows, p, at, logits);
        else
            for (size_t i = 0; i < count; i++)
                judge_row(tape, logits + i * n, n, p, at + i, &out);
    }
    if (o) *o = (predict){o->head, x, slopes};
    return out;
}
