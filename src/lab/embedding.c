/* Embedding: y[i] = scale * table[ids[i]] + position[i], and positions alone. */
#include "lab/operation.h"

typedef struct embed {
    glossa_operation head;
    glossa_embedding e;
    const uint32_t *ids;
    glossa_segments segments;
    glossa_node y;
} embed;

static void embed_forward(const glossa_tape *tape, const glossa_embedding *e, const uint32_t *ids,
                          const glossa_segments *segments, glossa_node y) {
    const float *table = value_of(tape, e->table);
    const float *positions = e->positions ? value_of(tape, e->positions) : e->sinusoids;
    for (size_t s = 0; s < segments->count; s++) {
        for (size_t i = segments->starts[s]; i < segments->starts[s + 1]; i++) {
            const size_t t = i - segments->starts[s];
            const float *row = e->start_is_zero && t == 0 ? NULL : table + ids[i] * y.width;
            tape->kernels->forward->embed(row, false, e->scale, positions + t * y.width, y.width,
                                          y.value + i * y.width);
        }
    }
}

/* dtable[ids[i]] += scale * dy[i], dposition += dy[i]. */
static void embed_backward(glossa_tape *tape, const glossa_operation *self) {
    const embed *o = (const embed *)self;
    const size_t d = o->y.width;
    float *table = gradient_of(tape, o->e.table);
    float *positions = o->e.positions ? gradient_of(tape, o->e.positions) : NULL;
    for (size_t s = 0; s < o->segments.count; s++) {
        for (size_t i = o->segments.starts[s]; i < o->segments.starts[s + 1]; i++) {
            const size_t t = i - o->segments.starts[s];
            const float *dy = o->y.gradient + i * d;
            if (!(o->e.start_is_zero && t == 0)) add_scaled(table + o->ids[i] * d, o->e.scale, dy, d);
            if (positions) add_scaled(positions + t * d, 1.0f, dy, d);
        }
    }
}

glossa_node glossa_tape_embed(glossa_tape *tape, const glossa_embedding *e, const uint32_t *ids,
                              const glossa_segments *segments) {
    const glossa_node y = glossa_tape_take(tape, segments->starts[segments->count], e->table->cols);
    embed *o = glossa_tape_record(tape, sizeof *o, embed_backward);
    if (!is_ready(tape, y.value)) return y;
    embed_forward(tape, e, ids, segments, y);
    if (o) *o = (embed){o->head, *e, ids, *segments, y};
    return y;
}

/* ---- positions alone: y[i] = x[i] + position[i] ------------------------------------------------------------------ */

typedef struct place {
    glossa_operation head;
    const glossa_parameter *positions;
    glossa_segments segments;
    glossa_node x, y;
} place;

static void place_backward(glossa_tape *tape, const glossa_operation *self) {
    const place *o = (const place *)self;
    const size_t d = o->y.width;
    if (o->x.gradient) add_scaled(o->x.gradient, 1.0f, o->y.gradient, o->y.rows * d);
    for (size_t s = 0; o->positions && s < o->segments.count; s++)
        for (size_t i = o->segments.starts[s]; i < o->segments.starts[s + 1]; i++)
            add_scaled(gradient_of(tape, o->positions) + (i - o->segments.starts[s]) * d, 1.0f, o->y.gradient + i * d,
                       d);
}

glossa_node glossa_tape_place(glossa_tape *tape, glossa_node x, const glossa_embedding *e,
                              const glossa_segments *segments) {
    const glossa_node y = glossa_tape_take(tape, x.rows, x.width);
    place *o = glossa_tape_record(tape, sizeof *o, place_backward);
    if (!is_ready(tape, y.value)) return y;
    const float *positions = e->positions ? value_of(tape, e->positions) : e->sinusoids;
    memcpy(y.value, x.value, x.rows * x.width * sizeof *y.value);
    for (size_t s = 0; s < segments->count; s++)
        for (size_t i = segments->starts[s]; i < segments->starts[s + 1]; i++)
            add_scaled(y.value + i * x.width, 1.0f, positions + (i - segments->starts[s]) * x.width, x.width);
    if (o) *o = (place){o->head, e->positions, *segments, x, y};
    return y;
}
