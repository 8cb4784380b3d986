/*
 * The kernels in plain loops: the definition that every other target is tested against, bit for bit.
 *
 * Legend: M rows of activations, K inputs, N outputs, n keys, d head width.
 */
#include "kernels/kernels.h"
#include "kernels/polynomials.h"

#include <float.h>
#include <math.h> /* INFINITY, fabsf */

/* ---- reductions ------------------------------------------------------------------------------------------------- */

static float fold(float lanes[GLOSSA_LANES]) {
    for (size_t half = GLOSSA_LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lanes[j] += lanes[j + half];
    return lanes[0];
}

static float sum(const float *x, size_t n) {
    float lanes[GLOSSA_LANES] = {0};
    for (size_t i = 0; i < n; i++)
        lanes[i % GLOSSA_LANES] += x[i];
    return fold(lanes);
}

static float dot(const float *x, const float *y, size_t n) {
    float lanes[GLOSSA_LANES] = {0};
    for (size_t i = 0; i < n; i++)
        lanes[i % GLOSSA_LANES] += x[i] * y[i];
    return fold(lanes);
}

static float sum_of_squares(const float *x, float mean, size_t n) {
    float lanes[GLOSSA_LANES] = {0};
    for (size_t i = 0; i < n; i++)
        lanes[i % GLOSSA_LANES] += (x[i] - mean) * (x[i] - mean);
    return fold(lanes);
}

static float max(const float *x, size_t n) {
    float most = -INFINITY;
    for (size_t i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

/* ---- matmul ----------------------------------------------------------------------------------------------------- */

/* Round to nearest, ties to even; |x| beyond 2^22 comes back changed, but every caller clamps to 0..127. */
static float round_even(float x) {
    return (x + EXP_ROUND) - EXP_ROUND;
}

static float clamp7(float x) {
    x = x > 0.0f ? x : 0.0f; /* NaN becomes 0 */
    return x < 127.0f ? x : 127.0f;
}

static void quantize(const glossa_rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        const float *x = rows->f32 + i * rows->stride;     /* (K) */
        uint8_t *q = (uint8_t *)rows->q + i * rows->width; /* (K) */
        float lo = 0.0f, hi = 0.0f;
        for (size_t k = 0; k < rows->width; k++) {
            lo = x[k] < lo ? x[k] : lo;
            hi = x[k] > hi ? x[k] : hi;
        }
        float scale = (hi - lo) / 127.0f;
        if (!(scale >= FLT_MIN && scale <= FLT_MAX)) scale = 1.0f;
        const float inverse = 1.0f / scale;
        const float zero = clamp7(round_even(-lo / scale));
        for (size_t k = 0; k < rows->width; k++)
            q[k] = (uint8_t)clamp7(round_even(x[k] * inverse) + zero);
        rows->scale[i] = scale;
        rows->zero[i] = (int32_t)zero;
    }
}

static void row_sums(const int8_t *data, size_t rows, size_t cols, int32_t *sums) {
    for (size_t j = 0; j < rows; j++) {
        sums[j] = 0;
        for (size_t k = 0; k < cols; k++)
            sums[j] += data[j * cols + k];
    }
}

float glossa_activate(glossa_activation activation, float x) {
    switch (activation) {
    case ACTIVATION_NONE:
        break;
    case ACTIVATION_RELU:
        return x > 0.0f ? x : 0.0f;
    case ACTIVATION_SILU:
        return x / (1.0f + glossa_exp(-x));
    case ACTIVATION_GELU_ERF: {
        const float a = fabsf(x);
        const float t = 1.0f / (1.0f + TAIL_T * a);
        const float high = TAIL_Q5 + t * (TAIL_Q6 + t * (TAIL_Q7 + t * TAIL_Q8));
        const float p = t * (TAIL_Q1 + t * (TAIL_Q2 + t * (TAIL_Q3 + t * (TAIL_Q4 + t * high))));
        return (x > 0.0f ? x : 0.0f) - a * (glossa_exp(-0.5f * a * a) * p);
    }
    case ACTIVATION_GELU_TANH: {
        const float u = GELU_TANH_SCALE * (x + GELU_TANH_CUBE * (x * x * x));
        return x / (1.0f + glossa_exp(-u));
    }
    case ACTIVATION_GELU_SIGMOID:
        return x / (1.0f + glossa_exp(-(GELU_SIGMOID_SCALE * x)));
    case ACTIVATION_SIGMOID:
        return 1.0f / (1.0f + glossa_exp(-x));
    }
    return x;
}

static void matmul(const glossa_rows *rows, const glossa_matrix *w, const uint32_t *ids, size_t n, float *y,
                   size_t y_stride, const glossa_epilogue *epilogue) {
    const size_t cols = w->cols; /* K */
    for (size_t i = 0; i < rows->count; i++) {
        for (size_t j = 0; j < n; j++) {
            const size_t r = ids ? ids[j] : j;
            float product;
            if (w->type == WEIGHT_I8) {
                const uint8_t *q = (const uint8_t *)rows->q + i * cols;
                const int8_t *row = glossa_matrix_row(w, r);
                int32_t acc = 0;
                for (size_t k = 0; k < cols; k++)
                    acc += (int32_t)q[k] * row[k];
                product = (rows->scale[i] * w->scale[r * w->scale_step]) * (float)(acc - rows->zero[i] * w->row_sum[r]);
            } else {
                product = dot(rows->f32 + i * rows->stride, glossa_matrix_row(w, r), cols);
            }
            if (w->bias) product += w->bias[r];
            if (epilogue) product = glossa_activate(epilogue->activation, product);
            if (epilogue && epilogue->residual) product += epilogue->residual[i * epilogue->residual_stride + j];
            y[i * y_stride + j] = product;
        }
    }
}

/* ---- the rest of a layer ---------------------------------------------------------------------------------------- */

static void layer_norm(const float *x, size_t rows, size_t d, const float *weight, const float *bias, float epsilon,
                       float *y) {
    for (size_t i = 0; i < rows; i++, x += d, y += d) {
        const float mean = sum(x, d) / (float)d;
        const float variance = sum_of_squares(x, mean, d) / (float)d;
        const float inverse = 1.0f / glossa_sqrt(variance + epsilon);
        for (size_t j = 0; j < d; j++)
            y[j] = (x[j] - mean) * inverse * weight[j] + bias[j];
    }
}

static void embed(const void *row, glossa_weight_type type, float scale, const float *position, size_t d, float *y) {
    const int8_t *row8 = row;
    const float *row32 = row;
    for (size_t j = 0; j < d; j++) {
        const float value = !row ? 0.0f : type == WEIGHT_I8 ? (float)row8[j] : row32[j];
        y[j] = scale * value + position[j];
    }
}

static void softmax(float *x, size_t n) {
    const float most = max(x, n);
    for (size_t j = 0; j < n; j++)
        x[j] = glossa_exp(x[j] - most);
    const float inverse = 1.0f / sum(x, n);
    for (size_t j = 0; j < n; j++)
        x[j] *= inverse;
}

static float log_sum_exp(const float *x, size_t n) {
    const float most = max(x, n);
    float lanes[GLOSSA_LANES] = {0};
    for (size_t j = 0; j < n; j++)
        lanes[j % GLOSSA_LANES] += glossa_exp(x[j] - most);
    return most + glossa_log(fold(lanes));
}

static void attend(const glossa_head *head) {
    for (size_t i = 0; i < head->m; i++) {
        const float *q = head->q + i * head->q_stride;
        float *weights = head->weights + i * head->weights_stride, *out = head->out + i * head->out_stride;
        for (size_t j = 0; j < head->n; j++) {
            float score = 0.0f;
            for (size_t c = 0; c < head->d; c++)
                score += q[c] * head->kt[c * head->kt_stride + j];
            weights[j] = head->scale * score;
        }
        softmax(weights, head->n);
        for (size_t c = 0; c < head->d; c++) {
            float mixed = 0.0f;
            for (size_t j = 0; j < head->n; j++)
                mixed += weights[j] * head->v[j * head->v_stride + c];
            out[c] = mixed;
        }
    }
}

static void ssru(const float *forget, const float *x, const float *residual, size_t d, float *cell, float *y) {
    for (size_t j = 0; j < d; j++) {
        cell[j] = forget[j] * cell[j] + (1.0f - forget[j]) * x[j];
        y[j] = residual[j] + (cell[j] > 0.0f ? cell[j] : 0.0f);
    }
}

const glossa_kernels glossa_kernels_scalar = {
    .name = "scalar",
    .quantize = quantize,
    .row_sums = row_sums,
    .matmul = matmul,
    .layer_norm = layer_norm,
    .embed = embed,
    .attend = attend,
    .softmax = softmax,
    .log_sum_exp = log_sum_exp,
    .ssru = ssru,
};
