#include "lab/operation.h"

/* ---- add: y = x + z
 * --------------------------------------------------------------------------------------------------- */
typedef struct binary {
    glossa_operation head;
    glossa_node x, z, y;
} binary;

/* dx += dy, dz += dy. */
static void add_backward(glossa_tape *tape, const glossa_operation *self) {
    const binary *o = (const binary *)self;
    const size_t count = o->y.rows * o->y.width;
    (void)tape;
    if (o->x.gradient) add_scaled(o->x.gradient, 1.0f, o->y.gradient, count);
    if (o->z.gradient) add_scaled(o->z.gradient, 1.0f, o->y.gradient, count);
}

glossa_node glossa_tape_add(glossa_tape *tape, glossa_node x, glossa_node z) {
    const glossa_node y = glossa_tape_take(tape, x.rows, x.width);
    binary *o = glossa_tape_record(tape, sizeof *o, add_backward);
    if (!is_ready(tape, y.value)) return y;
    for (size_t i = 0; i < y.rows * y.width; i++)
        y.value[i] = x.value[i] + z.value[i];
    if (o) *o = (binary){o->head, x, z, y};
    return y;
}

/* ---- activation: y = f(x)
 * --------------------------------------------------------------------------------------------- */
typedef struct activation {
    glossa_operation head;
    glossa_activation f;
    glossa_node x, y;
} activation;

/* dx += dy * f'(x). */
static void activate_backward(glossa_tape *tape, const glossa_operation *self) {
    const activation *o = (const activation *)self;
    tape->kernels->activate_backward(o->f, o->x.value, o->y.gradient, o->x.rows * o->x.width, o->x.gradient);
}

glossa_node glossa_tape_activate(glossa_tape *tape, glossa_activation f, glossa_node x) {
    const glossa_node y = glossa_tape_take(tape, x.rows, x.width);
    activation *o = glossa_tape_record(tape, sizeof *o, activate_backward);
    if (!is_ready(tape, y.value)) return y;
    tape->kernels->activate(f, x.value, x.rows * x.width, y.value);
    if (o) *o = (activation){o->head, f, x, y};
    return y;
}

/* ---- tanh: y = 2 sigmoid(2 x) - 1 ------------------------------------------------------------------------------- */

void glossa_squash(const glossa_tape *tape, float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        x[i] *= 2.0f;
    tape->kernels->activate(ACTIVATION_SIGMOID, x, count, x);
    for (size_t i = 0; i < count; i++)
        x[i] = 2.0f * x[i] - 1.0f;
}

/* dx += dy * (1 - y^2). */
static void tanh_backward(glossa_tape *tape, const glossa_operation *self) {
    const activation *o = (const activation *)self;
    (void)tape;
    for (size_t i = 0; i < o->y.rows * o->y.width; i++)
        o->x.gradient[i] += o->y.gradient[i] * (1.0f - o->y.value[i] * o->y.value[i]);
}

glossa_node glossa_tape_tanh(glossa_tape *tape, glossa_node x) {
    const glossa_node y = glossa_tape_take(tape, x.rows, x.width);
    activation *o = glossa_tape_record(tape, sizeof *o, tanh_backward);
    if (!is_ready(tape, y.value)) return y;
    const size_t count = y.rows * y.width;
    memcpy(y.value, x.value, count * sizeof *y.value);
    glossa_squash(tape, y.value, count);
    if (o) *o = (activation){.head = o->head, .x = x, .y = y};
    return y;
}
