/* Rows and columns put elsewhere: parts of a matrix, matrices beside each other, rows gathered, means of rows. */
#include "lab/operation.h"

typedef struct moved {
    glossa_operation head;
    glossa_node x, z, y;
    size_t first;
    const uint32_t *rows;
    glossa_segments segments;
} moved;

/* ---- columns: y = x[:, first:first + K] ------------------------------------------------------------------------- */

static void columns_backward(glossa_tape *tape, const glossa_operation *self) {
    const moved *o = (const moved *)self;
    (void)tape;
    for (size_t i = 0; o->x.gradient && i < o->y.rows; i++)
        add_scaled(o->x.gradient + i * o->x.width + o->first, 1.0f, o->y.gradient + i * o->y.width, o->y.width);
}

glossa_node glossa_tape_columns(glossa_tape *tape, glossa_node x, size_t first, size_t count) {
    const glossa_node y = glossa_tape_take(tape, x.rows, count);
    moved *o = glossa_tape_record(tape, sizeof *o, columns_backward);
    if (!is_ready(tape, y.value)) return y;
    for (size_t i = 0; i < y.rows; i++)
        memcpy(y.value + i * count, x.value + i * x.width + first, count * sizeof *y.value);
    if (o) *o = (moved){.head = o->head, .x = x, .y = y, .first = first};
    return y;
}

/* ---- beside: y = [x z] ------------------------------------------------------------------------------------------ */

static void beside_backward(glossa_tape *tape, const glossa_operation *self) {
    const moved *o = (const moved *)self;
    (void)tape;
    for (size_t i = 0; i < o->y.rows; i++) {
        const float *dy = o->y.gradient + i * o->y.width;
        if (o->x.gradient) add_scaled(o->x.gradient + i * o->x.width, 1.0f, dy, o->x.width);
        if (o->z.gradient) add_scaled(o->z.gradient + i * o->z.width, 1.0f, dy + o->x.width, o->z.width);
    }
}

glossa_node glossa_tape_beside(glossa_tape *tape, glossa_node x, glossa_node z) {
    const glossa_node y = glossa_tape_take(tape, x.rows, x.width + z.width);
    moved *o = glossa_tape_record(tape, sizeof *o, beside_backward);
    if (!is_ready(tape, y.value)) return y;
    for (size_t i = 0; i < y.rows; i++) {
        memcpy(y.value + i * y.width, x.value + i * x.width, x.width * sizeof *y.value);
        memcpy(y.value + i * y.width + x.width, z.value + i * z.width, z.width * sizeof *y.value);
    }
    if (o) *o = (moved){.head = o->head, .x = x, .z = z, .y = y};
    return y;
}

/* ---- gather: y[i] = x[rows[i]] ---------------------------------------------------------------------------------- */

static void gather_backward(glossa_tape *tape, const glossa_operation *self) {
    const moved *o = (const moved *)self;
    const size_t d = o->y.width;
    (void)tape;
    for (size_t i = 0; o->x.gradient && i < o->y.rows; i++)
        add_scaled(o->x.gradient + o->rows[i] * d, 1.0f, o->y.gradient + i * d, d);
}

glossa_node glossa_tape_gather(glossa_tape *tape, glossa_node x, const uint32_t *rows, size_t count) {
    const glossa_node y = glossa_tape_take(tape, count, x.width);
    moved *o = glossa_tape_record(tape, sizeof *o, gather_backward);
    if (!is_ready(tape, y.value)) return y;
    for (size_t i = 0; i < count; i++)
        memcpy(y.value + i * y.width, x.value + rows[i] * x.width, x.width * sizeof *y.value);
    if (o) *o = (moved){.head = o->head, .x = x, .y = y, .rows = rows};
    return y;
}

/* ---- pool: y[s] = mean of the rows of sequence s ----------------------------------------------------------------- */

static float share_of(const glossa_segments *segments, size_t s) {
    const uint32_t count = segments->starts[s + 1] - segments->starts[s];
    return count > 0 ? 1.0f / (float)count : 0.0f;
}

static void pool_backward(glossa_tape *tape, const glossa_operation *self) {
    const moved *o = (const moved *)self;
    const size_t d = o->y.width;
    (void)tape;
    for (size_t s = 0; o->x.gradient && s < o->segments.count; s++)
        for (size_t i = o->segments.starts[s]; i < o->segments.starts[s + 1]; i++)
            add_scaled(o->x.gradient + i * d, share_of(&o->segments, s), o->y.gradient + s * d, d);
}

glossa_node glossa_tape_pool(glossa_tape *tape, glossa_node x, const glossa_segments *segments) {
    const glossa_node y = glossa_tape_take(tape, segments->count, x.width);
    moved *o = glossa_tape_record(tape, sizeof *o, pool_backward);
    if (!is_ready(tape, y.value)) return y;
    clear(y.value, y.rows * y.width);
    for (size_t s = 0; s < segments->count; s++)
        for (size_t i = segments->starts[s]; i < segments->starts[s + 1]; i++)
            add_scaled(y.value + s * y.width, share_of(segments, s), x.value + i * x.width, x.width);
    if (o) *o = (moved){.head = o->head, .x = x, .y = y, .segments = *segments};
    return y;
}
