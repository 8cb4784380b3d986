/*
 * The verbs but the int8 matmul on the vocabulary of lanes.h: the scalar kernels' bits, four lanes at a time. Sums keep
 * GLOSSA_LANES lanes in four vectors; what is added beyond the last element is 0, which changes no lane.
 *
 * Legend: M rows of activations, K inputs, N outputs, n keys, d head width.
 */
#include "kernels/verbs.h"

#if defined(GLOSSA_HAS_LANES)

#include <float.h>

/* ---- into matmul ------------------------------------------------------------------------------------------------ */

/* clamp(round(x * inverse) + zero, 0, 127). All of it happens above EXP_ROUND, where floats are integers. */
INLINE i32x4 to_7_bits(f32x4 x, f32x4 inverse, f32x4 zero) {
    const f32x4 rounded = (x * inverse + EXP_ROUND) + zero;
    const f32x4 clamped = min4(max4(rounded, splat(EXP_ROUND)), splat(EXP_ROUND + 127.0f));
    return (i32x4)clamped - (i32x4)splat(EXP_ROUND);
}

INLINE void quantize(const glossa_rows *rows, bool wide) {
    const size_t width = rows->width; /* K, a multiple of 16 */
    for (size_t i = 0; i < rows->count; i++) {
        const float *x = rows->f32 + i * rows->stride; /* (K) */
        f32x4 lo[2] = {splat(0.0f), splat(0.0f)}, hi[2] = {splat(0.0f), splat(0.0f)};
        for (size_t k = 0; k < width; k += 8) {
            for (size_t s = 0; s < 2; s++) {
                const f32x4 part = load4(x + k + 4 * s);
                lo[s] = min4(part, lo[s]);
                hi[s] = max4(part, hi[s]);
            }
        }
        const float low = -fold_max(-min4(lo[0], lo[1])), high = fold_max(max4(hi[0], hi[1]));
        float scale = (high - low) / 127.0f;
        if (!(scale >= FLT_MIN && scale <= FLT_MAX)) scale = 1.0f;
        const f32x4 inverse = splat(1.0f / scale);
        const i32x4 zero_point = to_7_bits(splat(-low / scale), splat(1.0f), splat(0.0f));
        const f32x4 zero = to_float(zero_point);
        for (size_t k = 0; k < width; k += 16) {
            i32x4 part[4];
            for (size_t s = 0; s < 4; s++)
                part[s] = to_7_bits(load4(x + k + 4 * s), inverse, zero);
            if (wide)
                store_shorts((int16_t *)rows->q + i * width + k, part[0], part[1], part[2], part[3]);
            else
                store_bytes((uint8_t *)rows->q + i * width + k, part[0], part[1], part[2], part[3]);
        }
        rows->scale[i] = scale;
        rows->zero[i] = zero_point[0];
    }
}

void glossa_vector_quantize(const glossa_rows *rows) {
    quantize(rows, false);
}

void glossa_vector_quantize_wide(const glossa_rows *rows) {
    quantize(rows, true);
}

void glossa_vector_row_sums(const int8_t *data, size_t rows, size_t cols, int32_t *sums) {
    for (size_t j = 0; j < rows; j++, data += cols) {
        const size_t whole = cols - cols % 32;
        i32x4 sum = splat_int(0);
        for (size_t k = 0; k < whole;) {
            /* Pairs of bytes in ints of 16 bits, which hold 128 of them at their least. */
            i16x8 pairs = {0};
            for (const size_t end = whole - k < 2048 ? whole : k + 2048; k < end; k += 32)
                pairs += pair_sums(data + k) + pair_sums(data + k + 16);
            sum += pair_totals(pairs);
        }
        sums[j] = (sum[0] + sum[2]) + (sum[1] + sum[3]);
        for (size_t k = whole; k < cols; k++)
            sums[j] += data[k];
    }
}

/* ---- float32 matmul --------------------------------------------------------------------------------------------- */

/* Rows x[0..cols) of `w` weights rows each: four dot products at most, each over 16 lanes. */
static f32x4 dots(const float *x, const float *const w[4], size_t cols) {
    const size_t whole = cols - cols % GLOSSA_LANES;
    f32x4 result = splat(0.0f);
    for (size_t r = 0; r < 4; r += 2) {
        f32x4 a[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)}, b[4] = {a[0], a[0], a[0], a[0]};
        for (size_t k = 0; k < whole; k += GLOSSA_LANES) {
            for (size_t s = 0; s < 4; s++) {
                const f32x4 part = load4(x + k + 4 * s);
                a[s] += part * load4(w[r] + k + 4 * s);
                b[s] += part * load4(w[r + 1] + k + 4 * s);
            }
        }
        for (size_t s = 0, k = whole; k < cols; s++, k += 4) {
            const f32x4 part = load_part(x + k, cols - k, 0.0f);
            a[s] += part * load_part(w[r] + k, cols - k, 0.0f);
            b[s] += part * load_part(w[r + 1] + k, cols - k, 0.0f);
        }
        result[r] = fold16(a[0], a[1], a[2], a[3]);
        result[r + 1] = fold16(b[0], b[1], b[2], b[3]);
    }
    return result;
}

void glossa_vector_matmul_f32(const glossa_rows *rows, const glossa_matrix *w, const uint32_t *ids, size_t n, float *y,
                              size_t y_stride, const glossa_epilogue *epilogue) {
    const size_t cols = w->cols; /* K */
    const glossa_epilogue out = epilogue ? *epilogue : (glossa_epilogue){ACTIVATION_NONE, NULL, 0};
    for (size_t j = 0; j < n; j += 4) {
        const size_t count = n - j < 4 ? n - j : 4;
        const float *row[4]; /* (K) each; the last one stands in for what is beyond n */
        f32x4 bias = splat(0.0f);
        for (size_t c = 0; c < 4; c++) {
            const size_t column = c < count ? j + c : n - 1;
            const size_t r = ids ? ids[column] : column;
            row[c] = glossa_matrix_row(w, r);
            if (w->bias) bias[c] = w->bias[r];
        }
        for (size_t i = 0; i < rows->count; i++) {
            f32x4 product = dots(rows->f32 + i * rows->stride, row, cols);
            if (w->bias) product += bias;
            finish4(product, &out, i, j, count, y + i * y_stride + j);
        }
    }
}

/* ---- out of matmul ---------------------------------------------------------------------------------------------- */

f32x4 glossa_vector_activate(glossa_activation activation, f32x4 x) {
    switch (activation) {
    case ACTIVATION_NONE:
        break;
    case ACTIVATION_RELU:
        return relu4(x);
    case ACTIVATION_SILU:
        return x / (1.0f + exp4(-x));
    case ACTIVATION_GELU_ERF: {
        const f32x4 a = abs4(x);
        const f32x4 t = 1.0f / (1.0f + TAIL_T * a);
        const f32x4 high = TAIL_Q5 + t * (TAIL_Q6 + t * (TAIL_Q7 + t * TAIL_Q8));
        const f32x4 p = t * (TAIL_Q1 + t * (TAIL_Q2 + t * (TAIL_Q3 + t * (TAIL_Q4 + t * high))));
        return relu4(x) - a * (exp4(-0.5f * a * a) * p);
    }
    case ACTIVATION_GELU_TANH: {
        const f32x4 u = GELU_TANH_SCALE * (x + GELU_TANH_CUBE * (x * x * x));
        return x / (1.0f + exp4(-u));
    }
    case ACTIVATION_GELU_SIGMOID:
        return x / (1.0f + exp4(-(GELU_SIGMOID_SCALE * x)));
    case ACTIVATION_SIGMOID:
        return 1.0f / (1.0f + exp4(-x));
    }
    return x;
}

/* ---- the rest of a layer ---------------------------------------------------------------------------------------- */

void glossa_vector_layer_norm(const float *x, size_t rows, size_t d, const float *weight, const float *bias,
                              float epsilon, float *y) {
    for (size_t i = 0; i < rows; i++, x += d, y += d) {
        f32x4 sum[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
        size_t j = 0;
        for (; j + GLOSSA_LANES <= d; j += GLOSSA_LANES)
            for (size_t s = 0; s < 4; s++)
                sum[s] += load4(x + j + 4 * s);
        for (size_t s = 0; j < d; s++, j += 4)
            sum[s] += load_part(x + j, d - j, 0.0f);
        const float mean = fold16(sum[0], sum[1], sum[2], sum[3]) / (float)d;

        f32x4 square[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
        for (j = 0; j + GLOSSA_LANES <= d; j += GLOSSA_LANES) {
            for (size_t s = 0; s < 4; s++) {
                const f32x4 off = load4(x + j + 4 * s) - mean;
                square[s] += off * off;
            }
        }
        for (size_t s = 0; j < d; s++, j += 4) {
            const f32x4 off = load_part(x + j, d - j, mean) - mean;
            square[s] += off * off;
        }
        const float variance = fold16(square[0], square[1], square[2], square[3]) / (float)d;
        const float inverse = 1.0f / glossa_sqrt(variance + epsilon);

        for (j = 0; j < d; j += 4) {
            const f32x4 w = load_part(weight + j, d - j, 0.0f), b = load_part(bias + j, d - j, 0.0f);
            store_part(y + j, (load_part(x + j, d - j, 0.0f) - mean) * inverse * w + b, d - j);
        }
    }
}

void glossa_vector_embed(const void *row, glossa_weight_type type, float scale, const float *position, size_t d,
                         float *y) {
    const int8_t *row8 = row;
    const float *row32 = row;
    const bool int8 = type == WEIGHT_I8;
    size_t j = 0;
    for (; j + 4 <= d; j += 4) {
        const f32x4 value = !row ? splat(0.0f) : int8 ? load_int8(row8 + j) : load4(row32 + j);
        store4(y + j, scale * value + load4(position + j));
    }
    for (; j < d; j++) {
        const float value = !row ? 0.0f : int8 ? (float)row8[j] : row32[j];
        y[j] = scale * value + position[j];
    }
}

static float max_of(const float *x, size_t n) {
    f32x4 most = splat(-INFINITY);
    if (n < 4) return fold_max(load_part(x, n, -INFINITY));
    for (size_t j = 0; j + 4 <= n; j += 4)
        most = max4(load4(x + j), most);
    return fold_max(max4(load4(x + n - 4), most));
}

/* The last `count` lanes, 1 to 3, moved to the front; zeros behind. */
INLINE f32x4 last_lanes(f32x4 x, size_t count) {
    const f32x4 zero = splat(0.0f);
    if (count == 1) return __builtin_shufflevector(x, zero, 3, 4, 4, 4);
    if (count == 2) return __builtin_shufflevector(x, zero, 2, 3, 4, 4);
    return __builtin_shufflevector(x, zero, 1, 2, 3, 4);
}

void glossa_vector_softmax(float *x, size_t n) {
    const float most = max_of(x, n);
    if (n < 4) {
        const f32x4 e = exp4_below(load_part(x, n, -INFINITY) - most);
        store_part(x, e * (1.0f / ((e[0] + e[2]) + e[1])), n);
        return;
    }
    /* The last four overlap those before where n is no multiple of 4: taken first, while nothing has changed. */
    f32x4 sum[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
    const f32x4 last = exp4_below(load4(x + n - 4) - most);
    size_t j = 0;
    for (; j + GLOSSA_LANES <= n; j += GLOSSA_LANES) {
        for (size_t s = 0; s < 4; s++) {
            const f32x4 e = exp4_below(load4(x + j + 4 * s) - most);
            store4(x + j + 4 * s, e);
            sum[s] += e;
        }
    }
    for (size_t s = 0; s < 4; s++, j += 4) {
        if (j + 4 > n) {
            if (j < n) sum[s] += last_lanes(last, n - j);
            break;
        }
        const f32x4 e = exp4_below(load4(x + j) - most);
        store4(x + j, e);
        sum[s] += e;
    }
    const float inverse = 1.0f / fold16(sum[0], sum[1], sum[2], sum[3]);
    for (j = 0; j + 4 <= n; j += 4)
        store4(x + j, load4(x + j) * inverse);
    store4(x + n - 4, last * inverse);
}

float glossa_vector_log_sum_exp(const float *x, size_t n) {
    const float most = max_of(x, n);
    f32x4 sum[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
    size_t j = 0;
    for (; j + GLOSSA_LANES <= n; j += GLOSSA_LANES)
        for (size_t s = 0; s < 4; s++)
            sum[s] += exp4_below(load4(x + j + 4 * s) - most);
    for (size_t s = 0; j < n; s++, j += 4)
        sum[s] += exp4_below(load_part(x + j, n - j, -INFINITY) - most);
    return most + glossa_log(fold16(sum[0], sum[1], sum[2], sum[3]));
}

/*
 * y[i][j] = factor * sum over k, in its order, of x[i][k] * m[k][j] for `rows` rows and 4 * `vectors` columns j, both
 * constants where it is called. The last vector is the last four of `columns`, and may overlap the one before, which
 * only computes the same twice.
 */
INLINE void block(const float *x, size_t x_stride, const float *m, size_t m_stride, size_t rows, size_t depth,
                  size_t columns, size_t vectors, float factor, float *y, size_t y_stride) {
    f32x4 sum[2][8];
    const size_t last = columns - 4;
    for (size_t i = 0; i < rows; i++)
        for (size_t s = 0; s < vectors; s++)
            sum[i][s] = splat(0.0f);
    for (size_t k = 0; k < depth; k++) {
        for (size_t s = 0; s < vectors; s++) {
            const f32x4 part = load4(m + k * m_stride + (s + 1 < vectors ? 4 * s : last));
            for (size_t i = 0; i < rows; i++)
                sum[i][s] += x[i * x_stride + k] * part;
        }
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t s = 0; s < vectors; s++)
            store4(y + i * y_stride + (s + 1 < vectors ? 4 * s : last), factor * sum[i][s]);
}

/* All `columns` in blocks. Serves scores (k over the head width, j over the keys) and, with factor 1, which changes
   nothing, weighted sums (k over the keys, j over the head width). */
INLINE void product(const float *x, size_t x_stride, const float *m, size_t m_stride, size_t rows, size_t depth,
                    size_t columns, float factor, float *y, size_t y_stride) {
    const size_t widest = rows == 1 ? 8 : 4; /* vectors */
    size_t j = 0;
    if (columns < 4) {
        for (size_t i = 0; i < rows; i++) {
            for (j = 0; j < columns; j++) {
                float sum = 0.0f;
                for (size_t k = 0; k < depth; k++)
                    sum += x[i * x_stride + k] * m[k * m_stride + j];
                y[i * y_stride + j] = factor * sum;
            }
        }
        return;
    }
    for (; columns - j >= 4 * widest; j += 4 * widest)
        block(x, x_stride, m + j, m_stride, rows, depth, 4 * widest, widest, factor, y + j, y_stride);
    while (j < columns) {
        if (columns - j < 4) j = columns - 4;
        const size_t left = columns - j, vectors = left > 12 ? 4 : (left + 3) / 4, width = left < 16 ? left : 16;
        const float *from = m + j;
        float *to = y + j;
        if (vectors == 4)
            block(x, x_stride, from, m_stride, rows, depth, width, 4, factor, to, y_stride);
        else if (vectors == 3)
            block(x, x_stride, from, m_stride, rows, depth, width, 3, factor, to, y_stride);
        else if (vectors == 2)
            block(x, x_stride, from, m_stride, rows, depth, width, 2, factor, to, y_stride);
        else
            block(x, x_stride, from, m_stride, rows, depth, width, 1, factor, to, y_stride);
        j += width;
    }
}

/* `rows` queries from row i on, a constant where it is called. */
INLINE void attend_rows(const glossa_head *h, size_t i, size_t rows) {
    float *weights = h->weights + i * h->weights_stride;
    product(h->q + i * h->q_stride, h->q_stride, h->kt, h->kt_stride, rows, h->d, h->n, h->scale, weights,
            h->weights_stride);
    for (size_t r = 0; r < rows; r++)
        glossa_vector_softmax(weights + r * h->weights_stride, h->n);
    product(weights, h->weights_stride, h->v, h->v_stride, rows, h->n, h->d, 1.0f, h->out + i * h->out_stride,
            h->out_stride);
}

void glossa_vector_attend(const glossa_head *head) {
    size_t i = 0;
    for (; i + 2 <= head->m; i += 2)
        attend_rows(head, i, 2);
    if (i < head->m) attend_rows(head, i, 1);
}

void glossa_vector_ssru(const float *forget, const float *x, const float *residual, size_t d, float *cell, float *y) {
    for (size_t j = 0; j < d; j += 4) {
        const size_t left = d - j;
        const f32x4 f = load_part(forget + j, left, 0.0f);
        const f32x4 c = f * load_part(cell + j, left, 0.0f) + (1.0f - f) * load_part(x + j, left, 0.0f);
        store_part(cell + j, c, left);
        store_part(y + j, load_part(residual + j, left, 0.0f) + relu4(c), left);
    }
}

#endif
