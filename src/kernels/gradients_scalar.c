/*
 * The arithmetic of training in plain loops: the definition that the other tables are tested against.
 */
#include "kernels/gradients.h"
#include "kernels/polynomials.h"

#include <math.h> /* INFINITY, fabsf */

static float fold(float lanes[GLOSSA_LANES]) {
    for (size_t half = GLOSSA_LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lanes[j] += lanes[j + half];
    return lanes[0];
}

static void multiply(glossa_factor a, glossa_factor b, size_t m, size_t n, size_t depth, float *c, size_t c_row,
                     float *work) {
    (void)work;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            float sum = c[i * c_row + j];
            for (size_t k = 0; k < depth; k++)
                sum += a.data[i * a.row + k * a.step] * b.data[j * b.row + k * b.step];
            c[i * c_row + j] = sum;
        }
    }
}

static void linear(const float *x, const float *w, const float *bias, size_t m, size_t n, size_t k, float *y,
                   float *work) {
    (void)work;
    const glossa_rows rows = {.f32 = x, .stride = k, .count = m, .width = k};
    const glossa_matrix matrix = {
        .data = w, .bias = bias, .rows = (uint32_t)n, .cols = (uint32_t)k, .pitch = k * sizeof(float)};
    glossa_kernels_scalar.matmul(&rows, &matrix, NULL, n, y, n, NULL);
}

static void column_sums(const float *x, size_t m, size_t n, float *sums) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            sums[j] += x[i * n + j];
}

static void activate(glossa_activation f, const float *x, size_t n, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] = glossa_activate(f, x[i]);
}

static float slope(glossa_activation f, float x) {
    switch (f) {
    case ACTIVATION_NONE:
        break;
    case ACTIVATION_RELU:
        return x > 0.0f ? 1.0f : 0.0f;
    case ACTIVATION_SILU: {
        const float s = 1.0f / (1.0f + glossa_exp(-x));
        return s * (1.0f + x * (1.0f - s));
    }
    case ACTIVATION_GELU_ERF: { /* Phi(x) + x phi(x) */
        const float a = fabsf(x), e = glossa_exp(-0.5f * a * a);
        const float t = 1.0f / (1.0f + TAIL_T * a);
        const float high = TAIL_Q5 + t * (TAIL_Q6 + t * (TAIL_Q7 + t * TAIL_Q8));
        const float p = t * (TAIL_Q1 + t * (TAIL_Q2 + t * (TAIL_Q3 + t * (TAIL_Q4 + t * high))));
        const float tail = e * p;
        return (x > 0.0f ? 1.0f - tail : tail) + x * (NORMAL_DENSITY * e);
    }
    case ACTIVATION_GELU_TANH: { /* of x * sigmoid(u) */
        const float square = x * x;
        const float u = GELU_TANH_SCALE * (x + GELU_TANH_CUBE * (square * x));
        const float s = 1.0f / (1.0f + glossa_exp(-u));
        const float du = GELU_TANH_SCALE * (1.0f + 3.0f * GELU_TANH_CUBE * square);
        return s + x * (s * (1.0f - s)) * du;
    }
    case ACTIVATION_GELU_SIGMOID: {
        const float s = 1.0f / (1.0f + glossa_exp(-(GELU_SIGMOID_SCALE * x)));
        return s + x * (s * (1.0f - s)) * GELU_SIGMOID_SCALE;
    }
    case ACTIVATION_SIGMOID: {
        const float s = 1.0f / (1.0f + glossa_exp(-x));
        return s * (1.0f - s);
    }
    }
    return 1.0f;
}

static void activate_backward(glossa_activation f, const float *x, const float *dy, size_t n, float *dx) {
    for (size_t i = 0; i < n; i++)
        dx[i] += dy[i] * slope(f, x[i]);
}

static void norm_backward(const float *x, const float *dy, size_t m, size_t d, const float *weight, float epsilon,
                          float *dx, float *dweight, float *dbias) {
    for (size_t i = 0; i < m; i++, x += d, dy += d, dx += d) {
        float sum[GLOSSA_LANES] = {0}, square[GLOSSA_LANES] = {0};
        float mean_g[GLOSSA_LANES] = {0}, mean_gz[GLOSSA_LANES] = {0};
        for (size_t j = 0; j < d; j++)
            sum[j % GLOSSA_LANES] += x[j];
        const float mean = fold(sum) / (float)d;
        for (size_t j = 0; j < d; j++)
            square[j % GLOSSA_LANES] += (x[j] - mean) * (x[j] - mean);
        const float r = 1.0f / glossa_sqrt(fold(square) / (float)d + epsilon);
        for (size_t j = 0; j < d; j++) {
            const float g = dy[j] * weight[j], z = (x[j] - mean) * r;
            mean_g[j % GLOSSA_LANES] += g;
            mean_gz[j % GLOSSA_LANES] += g * z;
        }
        const float a = fold(mean_g) / (float)d, b = fold(mean_gz) / (float)d;
        for (size_t j = 0; j < d; j++) {
            const float g = dy[j] * weight[j], z = (x[j] - mean) * r;
            dx[j] += r * ((g - a) - z * b);
            dweight[j] += dy[j] * z;
            dbias[j] += dy[j];
        }
    }
}

static float cross_entropy(float *z, size_t n, size_t target, float smoothing, float weight) {
    float most = -INFINITY, exps[GLOSSA_LANES] = {0}, sums[GLOSSA_LANES] = {0};
    for (size_t j = 0; j < n; j++)
        most = z[j] > most ? z[j] : most;
    const float hit = z[target];
    for (size_t j = 0; j < n; j++) {
        const float e = glossa_exp(z[j] - most);
        sums[j % GLOSSA_LANES] += z[j];
        exps[j % GLOSSA_LANES] += e;
        z[j] = e;
    }
    const float total = fold(exps), smooth = smoothing / (float)n;
    const float factor = weight / total, off = weight * smooth;
    for (size_t j = 0; j < n; j++)
        z[j] = z[j] * factor - off;
    z[target] -= weight * (1.0f - smoothing);
    return (most + glossa_log(total)) - (1.0f - smoothing) * hit - smooth * fold(sums);
}

static void adam(const glossa_adam *s, size_t n, const float *gradient, float *value, float *m, float *v) {
    const float alpha = 1.0f - s->beta1, beta = 1.0f - s->beta2;
    for (size_t i = 0; i < n; i++) {
        const float g = s->clip * gradient[i] + s->l2 * value[i];
        const float kept = s->keep * value[i];
        m[i] += (g - m[i]) * alpha;
        v[i] = s->beta2 * v[i] + beta * g * g;
        value[i] = kept - s->rate * m[i] / (glossa_sqrt(v[i]) * s->correction + s->epsilon);
    }
}

const glossa_gradients glossa_gradients_scalar = {
    .name = "scalar",
    .tolerance = 0.0f,
    .forward = &glossa_kernels_scalar,
    .work = 0,
    .multiply = multiply,
    .linear = linear,
    .column_sums = column_sums,
    .activate = activate,
    .activate_backward = activate_backward,
    .norm_backward = norm_backward,
    .cross_entropy = cross_entropy,
    .adam = adam,
};
