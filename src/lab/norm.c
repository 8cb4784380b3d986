/* Layer norm: y = (x - mean) / sqrt(variance + epsilon) * weight + bias. */
#include "lab/operation.h"

typedef struct norm {
    glossa_operation head;
    glossa_node x, y;
    const glossa_parameter *weight, *bias;
    float epsilon;
} norm;

/* The formula stands at glossa_gradients.norm_backward. */
static void norm_backward(glossa_tape *tape, const glossa_operation *self) {
    const norm *o = (const norm *)self;
    tape->kernels->norm_backward(o->x.value, o->y.gradient, o->x.rows, o->x.width, value_of(tape, o->weight),
                                 o->epsilon, o->x.gradient, gradient_of(tape, o->weight), gradient_of(tape, o->bias));
}

glossa_node glossa_tape_norm(glossa_tape *tape, glossa_node x, const glossa_parameter *weight,
                             const glossa_parameter *bias, float epsilon) {
    const glossa_node y = glossa_tape_take(tape, x.rows, x.width);
    norm *o = glossa_tape_record(tape, sizeof *o, norm_backward);
    if (!is_ready(tape, y.value)) return y;
    tape->kernels->forward->layer_norm(x.value, x.rows, x.width, value_of(tape, weight), value_of(tape, bias), epsilon,
                                       y.value);
    if (o) *o = (norm){o->head, x, y, weight, bias, epsilon};
    return y;
}
