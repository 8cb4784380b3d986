#include "kernels/gradients_vector.h"

#if defined(GLOSSA_HAS_LANES)

INLINE f32x4 sqrt4(f32x4 x) {
#if defined(__wasm_simd128__)
    return (f32x4)wasm_f32x4_sqrt((v128_t)x);
#elif defined(GLOSSA_ARM)
    return (f32x4)vsqrtq_f32((float32x4_t)x);
#else
    return _mm_sqrt_ps(x);
#endif
}

INLINE f32x4 choose4(i32x4 mask, f32x4 yes, f32x4 no) {
    return (f32x4)((mask & (i32x4)yes) | (~mask & (i32x4)no));
}

void glossa_gradients_column_sums(const float *x, size_t m, size_t n, float *sums) {
    for (size_t i = 0; i < m; i++, x += n)
        for (size_t j = 0; j < n; j += 4)
            store_part(sums + j, load_part(sums + j, n - j, 0.0f) + load_part(x + j, n - j, 0.0f), n - j);
}

void glossa_gradients_activate(glossa_activation f, const float *x, size_t n, float *y) {
    for (size_t i = 0; i < n; i += 4) {
        const f32x4 part = load_part(x + i, n - i, 0.0f);
        store_part(y + i, f == ACTIVATION_RELU ? relu4(part) : glossa_vector_activate(f, part), n - i);
    }
}

INLINE f32x4 sigmoid4(f32x4 x) {
    return 1.0f / (1.0f + exp4(-x));
}

static f32x4 slope4(glossa_activation f, f32x4 x) {
    switch (f) {
    case ACTIVATION_NONE:
        break;
    case ACTIVATION_RELU:
        return choose4(x > 0.0f, splat(1.0f), splat(0.0f));
    case ACTIVATION_SILU: {
        const f32x4 s = sigmoid4(x);
        return s * (1.0f + x * (1.0f - s));
    }
    case ACTIVATION_GELU_ERF: {
        const f32x4 a = abs4(x), e = exp4(-0.5f * a * a);
        const f32x4 t = 1.0f / (1.0f + TAIL_T * a);
        const f32x4 high = TAIL_Q5 + t * (TAIL_Q6 + t * (TAIL_Q7 + t * TAIL_Q8));
        const f32x4 p = t * (TAIL_Q1 + t * (TAIL_Q2 + t * (TAIL_Q3 + t * (TAIL_Q4 + t * high))));
        const f32x4 tail = e * p;
        return choose4(x > 0.0f, 1.0f - tail, tail) + x * (NORMAL_DENSITY * e);
    }
    case ACTIVATION_GELU_TANH: {
        const f32x4 square = x * x;
        const f32x4 s = sigmoid4(GELU_TANH_SCALE * (x + GELU_TANH_CUBE * (square * x)));
        const f32x4 du = GELU_TANH_SCALE * (1.0f + 3.0f * GELU_TANH_CUBE * square);
        return s + x * (s * (1.0f - s)) * du;
    }
    case ACTIVATION_GELU_SIGMOID: {
        const f32x4 s = sigmoid4(GELU_SIGMOID_SCALE * x);
        return s + x * (s * (1.0f - s)) * GELU_SIGMOID_SCALE;
    }
    case ACTIVATION_SIGMOID: {
        const f32x4 s = sigmoid4(x);
        return s * (1.0f - s);
    }
    }
    return splat(1.0f);
}

void glossa_gradients_activate_backward(glossa_activation f, const float *x, const float *dy, size_t n, float *dx) {
    for (size_t i = 0; i < n; i += 4) {
        const size_t left = n - i;
        const f32x4 s = slope4(f, load_part(x + i, left, 0.0f));
        store_part(dx + i, load_part(dx + i, left, 0.0f) + load_part(dy + i, left, 0.0f) * s, left);
    }
}

/* Sums over a row, element j in lane j mod GLOSSA_LANES. */
typedef struct lanes {
    f32x4 part[4];
} lanes;

INLINE float fold_lanes(const lanes *x) {
    return fold16(x->part[0], x->part[1], x->part[2], x->part[3]);
}

void glossa_gradients_norm_backward(const float *x, const float *dy, size_t m, size_t d, const float *weight,
                                    float epsilon, float *dx, float *dweight, float *dbias) {
    for (size_t i = 0; i < m; i++, x += d, dy += d, dx += d) {
        lanes sum = {0}, square = {0}, sum_g = {0}, sum_gz = {0};
        for (size_t j = 0; j < d; j += 4)
            sum.part[j / 4 % 4] += load_part(x + j, d - j, 0.0f);
        const float mean = fold_lanes(&sum) / (float)d;
        for (size_t j = 0; j < d; j += 4) {
            const f32x4 off = load_part(x + j, d - j, mean) - mean;
            square.part[j / 4 % 4] += off * off;
        }
        const float r = 1.0f / glossa_sqrt(fold_lanes(&square) / (float)d + epsilon);
        for (size_t j = 0; j < d; j += 4) {
            const size_t left = d - j;
            const f32x4 g = load_part(dy + j, left, 0.0f) * load_part(weight + j, left, 0.0f);
            const f32x4 z = (load_part(x + j, left, mean) - mean) * r;
            sum_g.part[j / 4 % 4] += g;
            sum_gz.part[j / 4 % 4] += g * z;
        }
        const float a = fold_lanes(&sum_g) / (float)d, b = fold_lanes(&sum_gz) / (float)d;
        for (size_t j = 0; j < d; j += 4) {
            const size_t left = d - j;
            const f32x4 up = load_part(dy + j, left, 0.0f), g = up * load_part(weight + j, left, 0.0f);
            const f32x4 z = (load_part(x + j, left, mean) - mean) * r;
            store_part(dx + j, load_part(dx + j, left, 0.0f) + r * ((g - a) - z * b), left);
            store_part(dweight + j, load_part(dweight + j, left, 0.0f) + up * z, left);
            store_part(dbias + j, load_part(dbias + j, left, 0.0f) + up, left);
        }
    }
}

float glossa_gradients_cross_entropy(float *z, size_t n, size_t target, float smoothing, float weight) {
    lanes exps = {0}, sums = {0};
    f32x4 high = splat(-INFINITY);
    for (size_t j = 0; j < n; j += 4)
        high = max4(load_part(z + j, n - j, -INFINITY), high);
    const float most = fold_max(high), hit = z[target];
    for (size_t j = 0; j < n; j += 4) {
        const f32x4 e = exp4_below(load_part(z + j, n - j, -INFINITY) - most);
        sums.part[j / 4 % 4] += load_part(z + j, n - j, 0.0f);
        exps.part[j / 4 % 4] += e;
        store_part(z + j, e, n - j);
    }
    const float total = fold_lanes(&exps), smooth = smoothing / (float)n;
    const float factor = weight / total, off = weight * smooth;
    for (size_t j = 0; j < n; j += 4)
        store_part(z + j, load_part(z + j, n - j, 0.0f) * factor - off, n - j);
    z[target] -= weight * (1.0f - smoothing);
    return (most + glossa_log(total)) - (1.0f - smoothing) * hit - smooth * fold_lanes(&sums);
}

void glossa_gradients_adam(const glossa_adam *s, size_t n, const float *gradient, float *value, float *m, float *v) {
    const float alpha = 1.0f - s->beta1, beta = 1.0f - s->beta2;
    for (size_t i = 0; i < n; i += 4) {
        const size_t left = n - i;
        const f32x4 old = load_part(value + i, left, 0.0f), first = load_part(m + i, left, 0.0f);
        const f32x4 g = s->clip * load_part(gradient + i, left, 0.0f) + s->l2 * old;
        const f32x4 kept = s->keep * old;
        const f32x4 mean = first + (g - first) * alpha;
        const f32x4 power = s->beta2 * load_part(v + i, left, 0.0f) + beta * g * g;
        store_part(m + i, mean, left);
        store_part(v + i, power, left);
        store_part(value + i, kept - s->rate * mean / (sqrt4(power) * s->correction + s->epsilon), left);
    }
}

#endif
