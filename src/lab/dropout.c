/* Dropout: y = x * mask / (1 - p). */
#include "lab/dropout.h"

#include "base/random.h"
#include "lab/operation.h"

glossa_draw glossa_draw_next(glossa_tape *tape, float p) {
    const double words = (double)p * 4294967296.0;
    return (glossa_draw){tape->seed, tape->site++, tape->step, (uint32_t)words, 1.0f / (1.0f - p)};
}

void glossa_drop(const glossa_draw *d, uint32_t sequence, size_t row, size_t count, const float *x, bool add,
                 float *out) {
    enum { BLOCKS = 32 };
    uint32_t words[4 * BLOCKS];
    const size_t blocks = (count + 3) / 4; /* of a row */
    for (size_t b = 0; b < blocks; b += BLOCKS) {
        const size_t some = blocks - b < BLOCKS ? blocks - b : BLOCKS;
        const size_t end = count - 4 * b < 4 * some ? count - 4 * b : 4 * some;
        glossa_philox_run(d->seed, (const uint32_t[]){(uint32_t)(row * blocks + b), d->site, d->step, sequence}, some,
                          words);
        for (size_t i = 0; i < end; i++) {
            const float kept = (words[i] < d->threshold ? 0.0f : d->keep) * x[4 * b + i];
            out[4 * b + i] = add ? out[4 * b + i] + kept : kept;
        }
    }
}

typedef struct dropout {
    glossa_operation head;
    glossa_node x, y;
    glossa_segments segments;
    glossa_draw draw;
} dropout;

static void drop_rows(const glossa_tape *tape, const glossa_draw *d, const glossa_segments *segments, size_t width,
                      const float *x, bool add, float *out) {
    for (size_t s = 0; s < segments->count; s++)
        for (size_t i = segments->starts[s]; i < segments->starts[s + 1]; i++)
            glossa_drop(d, tape->first_sequence + (uint32_t)s, i - segments->starts[s], width, x + i * width, add,
                        out + i * width);
}

/* dx += dy * mask / (1 - p), the mask made anew. */
static void dropout_backward(glossa_tape *tape, const glossa_operation *self) {
    const dropout *o = (const dropout *)self;
    drop_rows(tape, &o->draw, &o->segments, o->x.width, o->y.gradient, true, o->x.gradient);
}

glossa_node glossa_tape_dropout(glossa_tape *tape, glossa_node x, float p, const glossa_segments *segments) {
    if (!(p > 0) || !tape->learning) return x;
    const glossa_node y = glossa_tape_take(tape, x.rows, x.width);
    dropout *o = glossa_tape_record(tape, sizeof *o, dropout_backward);
    const glossa_draw d = glossa_draw_next(tape, p);
    if (!is_ready(tape, y.value)) return y;
    drop_rows(tape, &d, segments, x.width, x.value, false, y.value);
    if (o) *o = (dropout){o->head, x, y, *segments, d};
    return y;
}
