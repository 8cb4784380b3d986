/*
 * What the files of operations share: room on the tape, records, parameters' blocks. Each file has one kind of
 * operation, its forward and its backward function side by side with the formula and its source.
 */
#ifndef GLOSSA_OPERATION_H
#define GLOSSA_OPERATION_H

#include <string.h>

#include "lab/tape.h"

/* Room for what an operation gives: (rows, width). The values are not cleared, the gradient is. */
glossa_node glossa_tape_take(glossa_tape *tape, size_t rows, size_t width);

/* Records an operation of a type of `size` bytes whose first member is a glossa_operation; NULL while measuring and
   where nothing is learnt. */
void *glossa_tape_record(glossa_tape *tape, size_t size, void (*backward)(glossa_tape *, const glossa_operation *));

/* x = tanh(x), in place. */
void glossa_squash(const glossa_tape *tape, float *x, size_t count);

/* What follows from dy (M, N) = dloss/dy of y = x u^T + b, u being the columns of w from `first` on, as many as x has:
   dx += dy u, du += dy^T x, db += sum of the rows of dy. */
void glossa_linear_backward(glossa_tape *tape, glossa_node x, const float *dy, const glossa_parameter *w, size_t first,
                            const glossa_parameter *b);

/* Whether there is memory to compute in, `taken` being what was taken from it last. */
static inline bool is_ready(const glossa_tape *tape, const void *taken) {
    return taken && !glossa_tape_measures(tape) && !tape->arena.failed;
}

static inline const float *value_of(const glossa_tape *tape, const glossa_parameter *p) {
    return tape->values + p->offset;
}

static inline float *gradient_of(const glossa_tape *tape, const glossa_parameter *p) {
    return tape->gradients + p->offset;
}

static inline void clear(float *x, size_t count) {
    if (x && count > 0) memset(x, 0, count * sizeof *x);
}

static inline void add_scaled(float *sum, float factor, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        sum[i] += factor * x[i];
}

#endif
