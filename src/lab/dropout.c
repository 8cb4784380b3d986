/* Dropout: y = x * mask / (1 - p). */
#include "lab/dropout.h"

#include "base/random.h"
#include "lab/operation.h"

glossa_draw glossa_draw_next(glossa_tape *tape, float p) {
    const double words = (double)p * 4294967296.0;
    return (glossa_draw){tape->seed, tape->site++, tape->step, (uint32_t)words, 1.0f / (1.0f - p)};
}

void glossa_draw_row(const glossa_draw *d, uint32_t sequence, size_t row, size_t count, uint8_t *kept) {
    enum { BLOCKS = 32 };
    uint32_t words[4 * BLOCKS];
    const size_t blocks = (count + 3) / 4; /* of a row */
    for (size_t b = 0; b < blocks; b += BLOCKS) {
        const size_t some = blocks - b < BLOCKS ? blocks - b : BLOCKS;
        const size_t end = count - 4 * b < 4 * some ? count - 4 * b : 4 * some;
        glossa_philox_run(d->seed, (const uint32_t[]){(uint32_t)(row * blocks + b), d->site, d->step, sequence}, some,
                          words);
        for (size_t i = 0; i < end; i++)
            kept[4 * b + i] = words[i] >= d->threshold;
    }
}

typedef struct dropout {
    glossa_operation head;
    glossa_node x, y;
    float keep;          /* 1 / (1 - p) */
    const uint8_t *kept; /* (M, D) 1 or 0 */
} dropout;

/* dx += dy * mask / (1 - p). */
static void dropout_backward(glossa_tape *tape, const glossa_operation *self) {
    const dropout *o = (const dropout *)self;
    (void)tape;
    for (size_t i = 0; i < o->x.rows * o->x.width; i++)
        o->x.gradient[i] += (float)o->kept[i] * o->keep * o->y.gradient[i];
}

glossa_node glossa_tape_dropout(glossa_tape *tape, glossa_node x, float p, const glossa_segments *segments) {
    if (!(p > 0) || !tape->learning) return x;
    const size_t d = x.width;
    const glossa_node y = glossa_tape_take(tape, x.rows, d);
    uint8_t *kept = TAKE(&tape->arena, uint8_t, x.rows, d);
    dropout *o = glossa_tape_record(tape, sizeof *o, dropout_backward);
    const glossa_draw draw = glossa_draw_next(tape, p);
    if (!is_ready(tape, kept)) return y;
    for (size_t s = 0; s < segments->count; s++) {
        const uint32_t first = segments->starts[s];
        for (size_t i = first; i < segments->starts[s + 1]; i++)
            glossa_draw_row(&draw, glossa_tape_sequence(tape, segments, s), i - first, d, kept + i * d);
    }
    for (size_t i = 0; i < x.rows * d; i++)
        y.value[i] = (float)kept[i] * draw.keep * x.value[i];
    if (o) *o = (dropout){o->head, x, y, draw.keep, kept};
    return y;
}
