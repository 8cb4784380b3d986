/* Recurrent layers: states of plain and gated cells, all sequences of a batch side by side. */
#include "lab/operation.h"

typedef struct recur {
    glossa_operation head;
    glossa_node g, begin, h;
    glossa_cell cell;
    glossa_segments segments;
    float *kept;  /* gated: (M, 4 D) the gates r, z and n, and w_n h + b_n of each row; plain: the states are enough */
    float *state; /* (sequences, D) what goes in; on the way back two more of that size follow */
    float *inner; /* (sequences, G) */
    uint32_t *active; /* (sequences) those that have a row at the present time */
} recur;

/* The row of sequence s at time t, counted in the direction of the layer. */
static size_t row_at(const recur *o, uint32_t s, size_t t) {
    const size_t first = o->segments.starts[s], end = o->segments.starts[s + 1];
    return o->cell.backwards ? end - 1 - t : first + t;
}

/* The state that goes into sequence s at time t. */
static const float *state_before(const recur *o, uint32_t s, size_t t) {
    const size_t d = o->h.width;
    if (t > 0) return o->h.value + row_at(o, s, t - 1) * d;
    return o->begin.value ? o->begin.value + s * d : NULL;
}

/* The sequences that have a row at time t, and their states before it; how many. */
static size_t gather_states(const recur *o, size_t t) {
    const size_t d = o->h.width;
    size_t count = 0;
    for (uint32_t s = 0; s < o->segments.count; s++) {
        if (o->segments.starts[s + 1] - o->segments.starts[s] <= t) continue;
        const float *before = state_before(o, s, t);
        if (before)
            memcpy(o->state + count * d, before, d * sizeof(float));
        else
            clear(o->state + count * d, d);
        o->active[count++] = s;
    }
    return count;
}

static size_t longest_of(const glossa_segments *segments) {
    size_t longest = 0;
    for (size_t s = 0; s < segments->count; s++) {
        const size_t size = segments->starts[s + 1] - segments->starts[s];
        if (size > longest) longest = size;
    }
    return longest;
}

/* One row of a gated layer from inner = w h + b (3 D). */
static void gated_row(const glossa_tape *tape, const recur *o, size_t row, const float *inner, const float *before) {
    const size_t d = o->h.width;
    const float *g = o->g.value + row * 3 * d;
    float *gates = o->kept + row * 4 * d, *h = o->h.value + row * d;
    for (size_t j = 0; j < 2 * d; j++)
        gates[j] = g[j] + inner[j];
    tape->kernels->activate(ACTIVATION_SIGMOID, gates, 2 * d, gates);
    const float *r = gates, *z = gates + d;
    float *n = gates + 2 * d;
    for (size_t j = 0; j < d; j++)
        n[j] = g[2 * d + j] + r[j] * inner[2 * d + j];
    glossa_squash(tape, n, d);
    memcpy(gates + 3 * d, inner + 2 * d, d * sizeof *gates);
    for (size_t j = 0; j < d; j++)
        h[j] = (1.0f - z[j]) * n[j] + z[j] * before[j];
}

static void plain_row(const glossa_tape *tape, const recur *o, size_t row, const float *inner) {
    const size_t d = o->h.width;
    const float *g = o->g.value + row * d;
    float *h = o->h.value + row * d;
    for (size_t j = 0; j < d; j++)
        h[j] = g[j] + inner[j];
    glossa_squash(tape, h, d);
}

static void forward(const glossa_tape *tape, const recur *o) {
    const size_t d = o->h.width, width = o->g.width, longest = longest_of(&o->segments);
    for (size_t t = 0; t < longest; t++) {
        const size_t count = gather_states(o, t);
        tape->kernels->linear(o->state, value_of(tape, o->cell.w), value_of(tape, o->cell.b), count, width, d, o->inner,
                              tape->work);
        for (size_t i = 0; i < count; i++) {
            const size_t row = row_at(o, o->active[i], t);
            if (o->cell.gated)
                gated_row(tape, o, row, o->inner + i * width, o->state + i * d);
            else
                plain_row(tape, o, row, o->inner + i * width);
        }
    }
}

/*
 * One row of a gated layer back: from dh, of the state and of what follows from it,
 *     dz = dh * (h - n) * z (1 - z), dn = dh * (1 - z) * (1 - n^2), dr = dn * (w_n h + b_n) * r (1 - r),
 * which are dg, and with r * dn in place of dn those of w h + b. What z lets through of dh remains in `carry`.
 */
static void gated_row_backward(const recur *o, size_t row, const float *before, float *carry, float *inner) {
    const size_t d = o->h.width;
    const float *r = o->kept + row * 4 * d, *z = r + d, *n = r + 2 * d, *reset = r + 3 * d;
    const float *dy = o->h.gradient + row * d;
    float *dg = o->g.gradient + row * 3 * d;
    for (size_t j = 0; j < d; j++) {
        const float dh = carry[j] + dy[j];
        const float dz = dh * (before[j] - n[j]) * z[j] * (1.0f - z[j]);
        const float dn = dh * (1.0f - z[j]) * (1.0f - n[j] * n[j]);
        const float dr = dn * reset[j] * r[j] * (1.0f - r[j]);
        dg[j] += dr;
        dg[d + j] += dz;
        dg[2 * d + j] += dn;
        inner[j] = dr;
        inner[d + j] = dz;
        inner[2 * d + j] = dn * r[j];
        carry[j] = dh * z[j];
    }
}

static void plain_row_backward(const recur *o, size_t row, float *carry, float *inner) {
    const size_t d = o->h.width;
    const float *h = o->h.value + row * d, *dy = o->h.gradient + row * d;
    for (size_t j = 0; j < d; j++) {
        inner[j] = (carry[j] + dy[j]) * (1.0f - h[j] * h[j]);
        o->g.gradient[row * d + j] += inner[j];
        carry[j] = 0.0f;
    }
}

/* The gradient of each sequence's state goes from its last row to the first in `carries`. */
static void backward(glossa_tape *tape, const glossa_operation *self) {
    const recur *o = (const recur *)self;
    const glossa_gradients *g = tape->kernels;
    const size_t d = o->h.width, width = o->g.width, all = o->segments.count;
    float *carries = o->state + all * d, *packed = carries + all * d;
    clear(carries, all * d);
    for (size_t t = longest_of(&o->segments); t-- > 0;) {
        const size_t count = gather_states(o, t);
        for (size_t i = 0; i < count; i++) {
            float *carry = packed + i * d, *inner = o->inner + i * width;
            const size_t row = row_at(o, o->active[i], t);
            memcpy(carry, carries + o->active[i] * d, d * sizeof *carry);
            if (o->cell.gated)
                gated_row_backward(o, row, o->state + i * d, carry, inner);
            else
                plain_row_backward(o, row, carry, inner);
        }
        g->multiply((glossa_factor){o->inner, width, 1}, (glossa_factor){value_of(tape, o->cell.w), 1, d}, count, d,
                    width, packed, d, tape->work);
        g->multiply((glossa_factor){o->inner, 1, width}, (glossa_factor){o->state, 1, d}, width, d, count,
                    gradient_of(tape, o->cell.w), d, tape->work);
        g->column_sums(o->inner, count, width, gradient_of(tape, o->cell.b));
        for (size_t i = 0; i < count; i++)
            memcpy(carries + o->active[i] * d, packed + i * d, d * sizeof *carries);
    }
    if (o->begin.gradient) add_scaled(o->begin.gradient, 1.0f, carries, all * d);
}

glossa_node glossa_tape_recur(glossa_tape *tape, glossa_node g, glossa_node begin, const glossa_cell *cell,
                              const glossa_segments *segments) {
    const size_t d = cell->w->cols, all = segments->count;
    const glossa_node h = glossa_tape_take(tape, g.rows, d);
    recur unrecorded, *o = glossa_tape_record(tape, sizeof *o, backward);
    const glossa_operation head = o ? o->head : (glossa_operation){0};
    if (!o) o = &unrecorded;
    *o = (recur){.head = head, .g = g, .begin = begin, .h = h, .cell = *cell, .segments = *segments};
    if (cell->gated) o->kept = TAKE(&tape->arena, float, g.rows, 4, d);
    o->state = TAKE(&tape->arena, float, tape->learning ? 3 : 1, all, d);
    o->inner = TAKE(&tape->arena, float, all, g.width);
    o->active = TAKE(&tape->arena, uint32_t, all);
    if (is_ready(tape, o->active)) forward(tape, o);
    return h;
}
