/* Linear: y = x w^T + b. */
#include "lab/operation.h"

typedef struct linear {
    glossa_operation head;
    glossa_node x, y;
    const glossa_parameter *w, *b;
    size_t first; /* column of w */
} linear;

void glossa_linear_backward(glossa_tape *tape, glossa_node x, const float *dy, const glossa_parameter *w, size_t first,
                            const glossa_parameter *b) {
    const glossa_gradients *g = tape->kernels;
    const size_t m = x.rows, k = x.width, n = w->rows, columns = w->cols;
    if (x.gradient)
        g->multiply((glossa_factor){dy, n, 1}, (glossa_factor){value_of(tape, w) + first, 1, columns}, m, k, n,
                    x.gradient, k, tape->work);
    g->multiply((glossa_factor){dy, 1, n}, (glossa_factor){x.value, 1, k}, n, k, m, gradient_of(tape, w) + first,
                columns, tape->work);
    if (b) g->column_sums(dy, m, n, gradient_of(tape, b));
}

static void backward(glossa_tape *tape, const glossa_operation *self) {
    const linear *o = (const linear *)self;
    glossa_linear_backward(tape, o->x, o->y.gradient, o->w, o->first, o->b);
}

glossa_node glossa_tape_linear(glossa_tape *tape, glossa_node x, const glossa_parameter *w, const glossa_parameter *b) {
    const glossa_node y = glossa_tape_take(tape, x.rows, w->rows);
    linear *o = glossa_tape_record(tape, sizeof *o, backward);
    if (!is_ready(tape, y.value)) return y;
    tape->kernels->linear(x.value, value_of(tape, w), b ? value_of(tape, b) : NULL, x.rows, y.width, x.width, y.value,
                          tape->work);
    if (o) *o = (linear){o->head, x, y, w, b, 0};
    return y;
}

/* ---- a part of the inputs: y = x w[:, first:first + K]^T + b ----------------------------------------------------- */

glossa_node glossa_tape_linear_part(glossa_tape *tape, glossa_node x, const glossa_parameter *w, size_t first,
                                    const glossa_parameter *b) {
    const size_t n = w->rows;
    const glossa_node y = glossa_tape_take(tape, x.rows, n);
    linear *o = glossa_tape_record(tape, sizeof *o, backward);
    if (!is_ready(tape, y.value)) return y;
    for (size_t i = 0; i < x.rows; i++) {
        if (b)
            memcpy(y.value + i * n, value_of(tape, b), n * sizeof *y.value);
        else
            clear(y.value + i * n, n);
    }
    tape->kernels->multiply((glossa_factor){x.value, x.width, 1},
                            (glossa_factor){value_of(tape, w) + first, w->cols, 1}, x.rows, n, x.width, y.value, n,
                            tape->work);
    if (o) *o = (linear){o->head, x, y, w, b, first};
    return y;
}
