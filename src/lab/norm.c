/* Norms: y = (x - mean) / sqrt(variance + epsilon) * weight + bias, by row (layer norm) or by column (batch norm). */
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

/* ---- batch norm -------------------------------------------------------------------------------------------------- */

typedef struct batch_norm {
    glossa_operation head;
    glossa_node x, y;
    glossa_batch_norm n;
    float *mean, *inverse; /* (D) of the rows on this tape; inverse: 1 / sqrt(variance + epsilon) */
    float *sum, *product;  /* (D) scratch of the way back */
} batch_norm;

/* The mean of each column, and into `variance` the mean of squared distances from it. */
static void measure(glossa_node x, float *mean, float *variance) {
    const size_t d = x.width;
    const float share = x.rows > 0 ? 1.0f / (float)x.rows : 0.0f;
    clear(mean, d);
    clear(variance, d);
    for (size_t i = 0; i < x.rows; i++)
        add_scaled(mean, share, x.value + i * d, d);
    for (size_t i = 0; i < x.rows; i++)
        for (size_t j = 0; j < d; j++) {
            const float distance = x.value[i * d + j] - mean[j];
            variance[j] += share * (distance * distance);
        }
}

/* What the statistics are to move by. */
static void note(const glossa_tape *tape, const glossa_batch_norm *n, size_t rows, const float *mean,
                 const float *variance) {
    const float unbiased = rows > 1 ? (float)rows / (float)(rows - 1) : 1.0f;
    const float *kept_mean = value_of(tape, n->mean), *kept_variance = value_of(tape, n->variance);
    for (size_t j = 0; j < n->weight->cols; j++) {
        gradient_of(tape, n->mean)[j] += tape->share * (kept_mean[j] - mean[j]);
        gradient_of(tape, n->variance)[j] += tape->share * (kept_variance[j] - unbiased * variance[j]);
    }
}

/*
 * With z = (x - mean) * inverse and g = dy * weight: dx = inverse * (g - mean of g - z * mean of g z), dweight = sum of
 * dy z, dbias = sum of dy, each over the rows of a column.
 */
static void batch_norm_backward(glossa_tape *tape, const glossa_operation *self) {
    const batch_norm *o = (const batch_norm *)self;
    const size_t d = o->y.width, rows = o->y.rows;
    const float share = 1.0f / (float)rows, *weight = value_of(tape, o->n.weight);
    float *sum = o->sum, *product = o->product;
    clear(sum, d);
    clear(product, d);
    for (size_t i = 0; i < rows; i++) {
        const float *dy = o->y.gradient + i * d, *x = o->x.value + i * d;
        for (size_t j = 0; j < d; j++) {
            sum[j] += dy[j];
            product[j] += dy[j] * ((x[j] - o->mean[j]) * o->inverse[j]);
        }
    }
    add_scaled(gradient_of(tape, o->n.bias), 1.0f, sum, d);
    add_scaled(gradient_of(tape, o->n.weight), 1.0f, product, d);
    for (size_t i = 0; o->x.gradient && i < rows; i++) {
        const float *dy = o->y.gradient + i * d, *x = o->x.value + i * d;
        float *dx = o->x.gradient + i * d;
        for (size_t j = 0; j < d; j++) {
            const float z = (x[j] - o->mean[j]) * o->inverse[j];
            dx[j] += o->inverse[j] * weight[j] * (dy[j] - share * sum[j] - z * (share * product[j]));
        }
    }
}

glossa_node glossa_tape_batch_norm(glossa_tape *tape, glossa_node x, const glossa_batch_norm *n) {
    const size_t d = x.width;
    const glossa_node y = glossa_tape_take(tape, x.rows, d);
    float *mean = TAKE(&tape->arena, float, d), *inverse = TAKE(&tape->arena, float, d);
    float *sum = TAKE(&tape->arena, float, d), *product = TAKE(&tape->arena, float, d);
    batch_norm *o = glossa_tape_record(tape, sizeof *o, batch_norm_backward);
    if (!is_ready(tape, product)) return y;
    if (tape->learning) {
        measure(x, mean, inverse);
        note(tape, n, x.rows, mean, inverse);
    } else {
        memcpy(mean, value_of(tape, n->mean), d * sizeof *mean);
        memcpy(inverse, value_of(tape, n->variance), d * sizeof *inverse);
    }
    for (size_t j = 0; j < d; j++)
        inverse[j] = 1.0f / glossa_sqrt(inverse[j] + n->epsilon);
    for (size_t i = 0; i < x.rows; i++)
        for (size_t j = 0; j < d; j++)
            y.value[i * d + j] =
                (x.value[i * d + j] - mean[j]) * inverse[j] * value_of(tape, n->weight)[j] + value_of(tape, n->bias)[j];
    if (o) *o = (batch_norm){o->head, x, y, *n, mean, inverse, sum, product};
    return y;
}
