/* SSRU: cell[t] = f[t] * cell[t - 1] + (1 - f[t]) * x[t], y[t] = max(0, cell[t]). */
#include "lab/operation.h"

typedef struct ssru {
    glossa_operation head;
    glossa_node f, x, y;
    glossa_segments segments;
    float *cells; /* (M, D) */
} ssru;

static void ssru_forward(const glossa_segments *segments, glossa_node f, glossa_node x, float *cells, glossa_node y) {
    const size_t d = x.width;
    for (size_t s = 0; s < segments->count; s++) {
        for (size_t i = segments->starts[s]; i < segments->starts[s + 1]; i++) {
            const float *before = i > segments->starts[s] ? cells + (i - 1) * d : NULL;
            for (size_t j = i * d; j < (i + 1) * d; j++) {
                cells[j] = f.value[j] * (before ? before[j - i * d] : 0.0f) + (1.0f - f.value[j]) * x.value[j];
                y.value[j] = cells[j] > 0.0f ? cells[j] : 0.0f;
            }
        }
    }
}

/* From the last position to the first, with dcell = dy * (cell > 0) + f[t + 1] * dcell[t + 1]:
       df += dcell * (cell[t - 1] - x), dx += dcell * (1 - f). */
static void ssru_backward(glossa_tape *tape, const glossa_operation *self) {
    const ssru *o = (const ssru *)self;
    const size_t d = o->x.width;
    (void)tape;
    for (size_t s = 0; s < o->segments.count; s++) {
        const size_t first = o->segments.starts[s], end = o->segments.starts[s + 1];
        for (size_t j = 0; j < d; j++) {
            float carry = 0.0f;
            for (size_t i = end; i-- > first;) {
                const size_t at = i * d + j;
                const float before = i > first ? o->cells[at - d] : 0.0f;
                const float slope = (o->cells[at] > 0.0f ? o->y.gradient[at] : 0.0f) + carry;
                o->f.gradient[at] += slope * (before - o->x.value[at]);
                o->x.gradient[at] += slope * (1.0f - o->f.value[at]);
                carry = slope * o->f.value[at];
            }
        }
    }
}

glossa_node glossa_tape_ssru(glossa_tape *tape, glossa_node f, glossa_node x, const glossa_segments *segments) {
    const glossa_node y = glossa_tape_take(tape, x.rows, x.width);
    float *cells = TAKE(&tape->arena, float, x.rows, x.width);
    ssru *o = glossa_tape_record(tape, sizeof *o, ssru_backward);
    if (!is_ready(tape, cells)) return y;
    ssru_forward(segments, f, x, cells, y);
    if (o) *o = (ssru){o->head, f, x, y, *segments, cells};
    return y;
}
