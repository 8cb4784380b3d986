/*
 * The kernels. The scalar ones against plain references in double, with stated tolerances; every other table of this
 * build against the scalar one, bit for bit, at awkward sizes and places.
 *
 * Run under Node from tests/js/kernels.test.js as well, where the tables are those of WebAssembly.
 */
#include <float.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "kernels/kernels.h"

/* ---- random data ------------------------------------------------------------------------------------------------ */

static uint32_t random_state = 12345;

static uint32_t random_bits(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* Uniform in [-1, 1). */
static float random_float(void) {
    return (float)random_bits() / 8388608.0f - 1.0f;
}

/* `count` floats in an allocation of their own, `offset` bytes past its alignment; freed by release. The block ends
   where the floats end, so that the address sanitizer sees any read beyond. */
static float *floats(size_t count, size_t offset) {
    char *block = malloc(offset + count * sizeof(float) + 1);
    void *shifted = block + offset;
    float *x = shifted;
    for (size_t i = 0; i < count; i++)
        x[i] = random_float();
    return x;
}

static void release(void *memory, size_t offset) {
    free((char *)memory - offset);
}

static void *allocate(size_t size) {
    return calloc(size + 1, 1);
}

/* ---- the tables ------------------------------------------------------------------------------------------------- */

static const glossa_kernels *const scalar = &glossa_kernels_scalar;
static const glossa_kernels *kernels; /* under test */

static bool same(const void *a, const void *b, size_t size) {
    return size == 0 || memcmp(a, b, size) == 0;
}

#define CHECK_SAME(actual, expected, count)                                                                            \
    do {                                                                                                               \
        check_count++;                                                                                                 \
        if (!same(actual, expected, (count) * sizeof *(actual))) {                                                     \
            size_t check_at = 0;                                                                                       \
            while (same((actual) + check_at, (expected) + check_at, sizeof *(actual)))                                 \
                check_at++;                                                                                            \
            check_failed(__FILE__, __LINE__, __func__);                                                                \
            fprintf(stderr, "%s: %s[%zu of %zu] is %.9g, expected %.9g\n", kernels->name, #actual, check_at,           \
                    (size_t)(count), (double)(actual)[check_at], (double)(expected)[check_at]);                        \
        }                                                                                                              \
    } while (0)

static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 19, 31, 32, 33, 63, 64, 65, 100, 257, 1000};
#define SIZES (sizeof sizes / sizeof *sizes)

/* ---- rows and matrices ------------------------------------------------------------------------------------------ */

typedef struct matmul_case {
    size_t m, k, n, vocabulary; /* vocabulary: rows of the matrix; n of them are asked for through ids if it differs */
    size_t offset;              /* bytes that data lie off their alignment */
    glossa_activation activation;
    bool per_row, bias, residual, in_place;
} matmul_case;

static glossa_rows make_rows(const float *x, size_t stride, size_t m, size_t k) {
    return (glossa_rows){.f32 = x,
                         .stride = stride,
                         .q = allocate(m * k * sizeof(int16_t)), /* for bytes there is more room than needed */
                         .scale = allocate(m * sizeof(float)),
                         .zero = allocate(m * sizeof(int32_t)),
                         .count = m,
                         .width = k};
}

static void free_rows(glossa_rows *rows) {
    free(rows->q);
    free(rows->scale);
    free(rows->zero);
}

/* Element i of what `table` quantized. */
static int quantized(const glossa_kernels *table, const glossa_rows *rows, size_t i) {
    return table->wide ? ((const int16_t *)rows->q)[i] : ((const uint8_t *)rows->q)[i];
}

static void check_matmul(const matmul_case *c, bool int8) {
    const size_t apart = c->k + c->offset % 2 * 5; /* elements from one row of weights to the next */
    const size_t elements = c->vocabulary * apart, stride = c->k + 3, y_stride = c->n + 5;
    float *x = floats(c->m * stride, c->offset & ~(size_t)3), *w_f32 = floats(elements, 4 * (c->offset % 4));
    char *w_block = malloc(elements + c->offset + 1);
    int8_t *w_int8 = (int8_t *)w_block + c->offset;
    for (size_t i = 0; i < elements; i++)
        w_int8[i] = (int8_t)(127.0f * w_f32[i]);
    float *scale = floats(c->vocabulary, 4), *bias = floats(c->vocabulary, 4), *residual = floats(c->m * y_stride, 4);
    int32_t *sums = allocate(c->vocabulary * sizeof(int32_t));
    uint32_t *ids = allocate(c->n * sizeof(uint32_t));
    for (size_t j = 0; j < c->n; j++)
        ids[j] = random_bits() % (uint32_t)c->vocabulary;
    for (size_t j = 0; j < c->vocabulary; j++)
        scalar->row_sums(w_int8 + j * apart, 1, c->k, sums + j);

    const glossa_matrix w = {int8 ? (void *)w_int8 : (void *)w_f32,
                             int8 ? scale : NULL,
                             int8 ? sums : NULL,
                             c->bias ? bias : NULL,
                             (uint32_t)c->vocabulary,
                             (uint32_t)c->k,
                             apart * (int8 ? 1 : sizeof(float)),
                             int8 ? WEIGHT_I8 : WEIGHT_F32,
                             c->per_row};
    float *y[2]; /* of the scalar table, of the one under test */
    for (int t = 0; t < 2; t++) {
        const glossa_kernels *table = t == 0 ? scalar : kernels;
        y[t] = allocate(c->m * y_stride * sizeof(float));
        memcpy(y[t], residual, c->m * y_stride * sizeof(float)); /* shows writes beyond n, and serves in place */
        glossa_rows rows = make_rows(x, stride, c->m, c->k);
        if (int8) table->quantize(&rows);
        const glossa_epilogue epilogue = {c->activation, c->residual ? (c->in_place ? y[t] : residual) : NULL,
                                          y_stride};
        table->matmul(&rows, &w, c->n != c->vocabulary ? ids : NULL, c->n, y[t], y_stride,
                      c->activation || c->residual ? &epilogue : NULL);
        free_rows(&rows);
    }
    CHECK_SAME(y[1], y[0], c->m * y_stride);
    free(y[0]), free(y[1]), free(sums), free(ids), free(w_block);
    release(x, c->offset & ~(size_t)3), release(w_f32, 4 * (c->offset % 4));
    release(scale, 4), release(bias, 4), release(residual, 4);
}

static void test_matmul_equals_scalar(void) {
    const size_t ms[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 33}, ns[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65},
                 ks[] = {16, 32, 48, 64, 80, 112, 128, 144, 256, 1040, 2048, 2064};
    for (size_t a = 0; a < sizeof ms / sizeof *ms; a++) {
        for (size_t b = 0; b < sizeof ns / sizeof *ns; b++) {
            for (size_t c = 0; c < sizeof ks / sizeof *ks; c++) {
                const uint32_t bits = random_bits();
                matmul_case one = {ms[a], ks[c], ns[b], ns[b], bits % 16, ACTIVATION_NONE, true, true, false, false};
                check_matmul(&one, true);
                one.activation = (glossa_activation)(bits / 16 % 7);
                one.per_row = bits / 256 % 2;
                one.bias = bits / 512 % 2;
                one.residual = bits / 1024 % 2;
                one.in_place = bits / 2048 % 2;
                one.vocabulary = bits / 4096 % 2 || ns[b] == 0 ? ns[b] : ns[b] + 9;
                check_matmul(&one, true);
                one.k -= bits / 8192 % 3 * 5; /* float32 knows no step */
                check_matmul(&one, false);
            }
        }
    }
    for (int activation = 0; activation <= ACTIVATION_SIGMOID; activation++) {
        const matmul_case one = {6, 64, 21, 21, 0, (glossa_activation)activation, true, true, true, true};
        check_matmul(&one, true);
        check_matmul(&one, false);
    }
}

/* The largest sums that can be: 127 * 127 * 65,536, all of one sign, and through a zero point of 127. */
static void test_matmul_extremes(void) {
    enum { K = GLOSSA_MAX_K, N = 9 };
    int8_t *data = allocate((size_t)N * K);
    float *x = allocate(K * sizeof(float));
    float scale = 1.0f, y[N], expected[N];
    int32_t sums[N];
    for (size_t j = 0; j < N; j++)
        for (size_t k = 0; k < K; k++)
            data[j * K + k] = j % 3 == 0 ? 127 : j % 3 == 1 ? -127 : k % 2 ? 127 : -127;
    kernels->row_sums(data, N, K, sums);
    for (size_t j = 0; j < N; j++)
        CHECK_INT(sums[j], j % 3 == 0 ? 127 * K : j % 3 == 1 ? -127 * K : 0);
    const glossa_matrix w = {data, &scale, sums, NULL, N, K, K, WEIGHT_I8, 0};
    for (int sign = -1; sign <= 1; sign += 2) {
        for (size_t k = 0; k < K; k++)
            x[k] = (float)(127 * sign);
        glossa_rows rows = make_rows(x, K, 1, K);
        kernels->quantize(&rows);
        CHECK_INT(quantized(kernels, &rows, 5), sign > 0 ? 127 : 0);
        CHECK_INT(rows.zero[0], sign > 0 ? 0 : 127);
        kernels->matmul(&rows, &w, NULL, N, y, N, NULL);
        for (size_t j = 0; j < N; j++)
            expected[j] = (float)(sign * (j % 3 == 0 ? 1 : j % 3 == 1 ? -1 : 0)) * 127.0f * 127.0f * K;
        CHECK_SAME(y, expected, (size_t)N);
        free_rows(&rows);
    }
    free(data), free(x);
}

static void check_quantize(const float *x, size_t stride, size_t m, size_t k) {
    glossa_rows expected = make_rows(x, stride, m, k), actual = make_rows(x, stride, m, k);
    scalar->quantize(&expected);
    kernels->quantize(&actual);
    CHECK_SAME(actual.scale, expected.scale, m);
    CHECK_SAME(actual.zero, expected.zero, m);
    for (size_t i = 0; i < m; i++) {
        CHECK(actual.scale[i] >= FLT_MIN && actual.scale[i] <= FLT_MAX);
        CHECK(actual.zero[i] >= 0 && actual.zero[i] <= 127);
    }
    for (size_t i = 0; i < m * k; i++) {
        CHECK_INT(quantized(kernels, &actual, i), quantized(scalar, &expected, i));
        CHECK(quantized(kernels, &actual, i) >= 0 && quantized(kernels, &actual, i) <= 127);
    }
    free_rows(&expected), free_rows(&actual);
}

static void test_quantize(void) {
    const float makings[][2] = {{1, 0},      {1, 5},     {1, -5}, {1e30f, 0}, {1e-30f, 0}, {1e-38f, 0},
                                {1e-42f, 0}, {3e38f, 0}, {0, 0},  {0, 7},     {0, -7},     {0, 1e-45f}};
    for (size_t k = 16; k <= 272; k += 64) {
        for (size_t m = 0; m <= 3; m++) {
            for (size_t s = 0; s < sizeof makings / sizeof *makings; s++) {
                float *x = floats(m * (k + 1), 4);
                for (size_t i = 0; i < m * (k + 1); i++)
                    x[i] = makings[s][0] * x[i] + makings[s][1];
                check_quantize(x, k + 1, m, k);
                release(x, 4);
            }
        }
    }
    float x[32] = {-0.0f, 0.0f, NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, FLT_MIN, 1e-45f, -1e-45f, 0.5f, 1.5f};
    check_quantize(x, 16, 2, 16);
    memcpy(x, (float[]){-0.0f, 0.0f, NAN, 2.5f, -63.5f, 0.5f, 1.5f, 3.5f, -0.5f, -1.5f, 63.5f}, 11 * sizeof *x);
    check_quantize(x, 16, 2, 16); /* halves, ties to even */

    /* By hand: -63.5 to 63.5 has scale 1, zero round(63.5) = 64; 2.5 -> 2, 3.5 -> 4, 63.5 -> 64, cut at 127. */
    glossa_rows rows = make_rows(x, 16, 1, 16);
    kernels->quantize(&rows);
    CHECK_NEAR(rows.scale[0], 1.0, 0);
    CHECK_INT(rows.zero[0], 64);
    const int q[11] = {64, 64, 0, 66, 0, 64, 66, 68, 64, 62, 127};
    for (size_t k = 0; k < 11; k++)
        CHECK_INT(quantized(kernels, &rows, k), q[k]);
    free_rows(&rows);
}

/* What comes back differs by a step at most, half for the zero point and half for the value; 0 comes back as 0. */
static void test_quantize_keeps_values(void) {
    for (int shift = -3; shift <= 3; shift++) {
        float *x = floats(64, 0);
        for (size_t k = 0; k < 64; k++)
            x[k] += (float)shift;
        x[7] = 0.0f;
        glossa_rows rows = make_rows(x, 64, 1, 64);
        kernels->quantize(&rows);
        for (size_t k = 0; k < 64; k++)
            CHECK_NEAR((float)(quantized(kernels, &rows, k) - rows.zero[0]) * rows.scale[0], x[k],
                       rows.scale[0] * 1.0001);
        CHECK_INT(quantized(kernels, &rows, 7), rows.zero[0]);
        free_rows(&rows), release(x, 0);
    }
}

/* ---- the rest against the scalar table -------------------------------------------------------------------------- */

static void test_row_sums(void) {
    for (size_t k = 16; k <= 1040; k += 128) {
        for (size_t n = 0; n < 6; n++) {
            int8_t *data = allocate(n * k + 3);
            for (size_t i = 0; i < n * k; i++)
                data[3 + i] = (int8_t)(random_bits() % 255 - 127);
            int32_t expected[6], actual[6];
            scalar->row_sums(data + 3, n, k, expected);
            kernels->row_sums(data + 3, n, k, actual);
            CHECK_SAME(actual, expected, n);
            free(data);
        }
    }
    for (int value = -128; value <= 127; value += 255) { /* as many extremes in a row as a model may have, and more */
        int8_t *data = allocate(70016);
        memset(data, value, 70016);
        int32_t sums[2];
        kernels->row_sums(data, 2, 35008, sums);
        CHECK_INT(sums[0], 35008 * value);
        CHECK_INT(sums[1], 35008 * value);
        free(data);
    }
}

static void test_layer_norm(void) {
    for (size_t s = 1; s < SIZES; s++) {
        const size_t d = sizes[s];
        for (size_t m = 0; m < 4; m++) {
            float *x = floats(m * d, 4), *weight = floats(d, 8), *bias = floats(d, 12), *expected = floats(m * d, 0);
            if (m > 1)
                for (size_t j = 0; j < d; j++)
                    x[d + j] = 3.0f; /* a constant row: y = bias */
            scalar->layer_norm(x, m, d, weight, bias, 1e-5f, expected);
            if (m > 1) CHECK_SAME(expected + d, bias, d);
            for (size_t i = 0; i < m; i++) {
                double mean = 0, variance = 0;
                for (size_t j = 0; j < d; j++)
                    mean += (double)x[i * d + j] / (double)d;
                for (size_t j = 0; j < d; j++)
                    variance += pow((double)x[i * d + j] - mean, 2) / (double)d;
                for (size_t j = 0; j < d; j++)
                    CHECK_NEAR(expected[i * d + j],
                               ((double)x[i * d + j] - mean) / sqrt(variance + 1e-5) * (double)weight[j] +
                                   (double)bias[j],
                               1e-5);
            }
            kernels->layer_norm(x, m, d, weight, bias, 1e-5f, x); /* in place */
            CHECK_SAME(x, expected, m * d);
            release(x, 4), release(weight, 8), release(bias, 12), release(expected, 0);
        }
    }
}

static void test_embed(void) {
    for (size_t s = 0; s < SIZES; s++) {
        const size_t d = sizes[s];
        float *row = floats(d, 4), *position = floats(d, 4), *expected = floats(d, 0), *actual = floats(d, 4);
        int8_t *row8 = allocate(d + 1);
        for (size_t j = 0; j < d; j++)
            row8[1 + j] = (int8_t)(random_bits() % 255 - 127);
        for (int kind = 0; kind < 3; kind++) {
            const void *data = kind == 0 ? (void *)row : kind == 1 ? (void *)(row8 + 1) : NULL;
            scalar->embed(data, kind == 1 ? WEIGHT_I8 : WEIGHT_F32, 0.37f, position, d, expected);
            kernels->embed(data, kind == 1 ? WEIGHT_I8 : WEIGHT_F32, 0.37f, position, d, actual);
            CHECK_SAME(actual, expected, d);
            for (size_t j = 0; j < d; j++) {
                const double value = kind == 0 ? (double)row[j] : kind == 1 ? row8[1 + j] : 0.0;
                CHECK_NEAR(actual[j], 0.37 * value + (double)position[j], 1e-5);
            }
        }
        release(row, 4), release(position, 4), release(expected, 0), release(actual, 4), free(row8);
    }
}

static void check_softmax(const float *x, size_t n, double tolerance) {
    float *expected = floats(n, 0), *actual = floats(n, 4);
    memcpy(expected, x, n * sizeof *x);
    memcpy(actual, x, n * sizeof *x);
    scalar->softmax(expected, n);
    kernels->softmax(actual, n);
    CHECK_SAME(actual, expected, n);
    double most = -INFINITY, sum = 0, total = 0;
    for (size_t j = 0; j < n; j++)
        most = fmax(most, (double)x[j]);
    for (size_t j = 0; j < n; j++)
        sum += exp((double)x[j] - most);
    for (size_t j = 0; j < n; j++) {
        CHECK_NEAR(actual[j], exp((double)x[j] - most) / sum, tolerance);
        total += (double)actual[j];
    }
    CHECK_NEAR(total, 1.0, 1e-6);
    const float log_sum = scalar->log_sum_exp(x, n), log_sum_actual = kernels->log_sum_exp(x, n);
    CHECK_SAME(&log_sum_actual, &log_sum, (size_t)1);
    CHECK_NEAR(log_sum, most + log(sum), 1e-6 * (1 + fabs(most)));
    release(expected, 0), release(actual, 4);
}

static void test_softmax(void) {
    const float widths[] = {0, 1e-30f, 1, 10, 80, 1000, 1e30f};
    for (size_t s = 1; s < SIZES; s++) {
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            float *x = floats(sizes[s], 4);
            for (size_t j = 0; j < sizes[s]; j++)
                x[j] *= widths[w];
            check_softmax(x, sizes[s], 3e-7);
            if (sizes[s] > 2) { /* a banned token */
                x[sizes[s] / 2] = -INFINITY;
                check_softmax(x, sizes[s], 3e-7);
            }
            release(x, 4);
        }
    }
}

/* Keys and values beyond n are NaN: none may reach a result, whatever the strides. */
static void check_attend(size_t m, size_t n, size_t d, size_t padding) {
    const size_t q_stride = d + padding, kt_stride = n + padding, v_stride = d + padding, w_stride = n + padding;
    float *q = floats(m * q_stride, 4), *kt = floats(d * kt_stride, 4), *v = floats((n + padding) * v_stride, 4);
    for (size_t c = 0; c < d; c++)
        for (size_t j = n; j < kt_stride; j++)
            kt[c * kt_stride + j] = NAN;
    for (size_t j = n * v_stride; j < (n + padding) * v_stride; j++)
        v[j] = NAN;
    float *weights[2], *out[2];
    for (int t = 0; t < 2; t++) {
        weights[t] = allocate(m * w_stride * sizeof(float));
        out[t] = allocate(m * q_stride * sizeof(float));
        const glossa_head head = {q, kt, v,     q_stride,   kt_stride, v_stride, m,
                                  n, d,  0.35f, weights[t], out[t],    w_stride, q_stride};
        (t == 0 ? scalar : kernels)->attend(&head);
    }
    CHECK_SAME(weights[1], weights[0], m * w_stride); /* what lies beyond n stays 0 in both */
    CHECK_SAME(out[1], out[0], m * q_stride);
    for (size_t i = 0; i < m; i++) {
        double total = 0;
        for (size_t j = 0; j < n; j++)
            total += (double)weights[1][i * w_stride + j];
        CHECK_NEAR(total, 1.0, 1e-6);
        for (size_t j = n; j < w_stride; j++)
            CHECK(weights[1][i * w_stride + j] == 0.0f);
    }
    /* The same rows packed without padding, one query at a time, give the same bits. */
    float *packed = floats(d * n, 0), *packed_v = floats(n * d, 0), *w = floats(n, 0), *o = floats(d, 0);
    for (size_t c = 0; c < d; c++)
        memcpy(packed + c * n, kt + c * kt_stride, n * sizeof(float));
    for (size_t j = 0; j < n; j++)
        memcpy(packed_v + j * d, v + j * v_stride, d * sizeof(float));
    for (size_t i = 0; i < m; i++) {
        kernels->attend(&(glossa_head){q + i * q_stride, packed, packed_v, d, n, d, 1, n, d, 0.35f, w, o, n, d});
        CHECK_SAME(w, weights[1] + i * w_stride, n);
        CHECK_SAME(o, out[1] + i * q_stride, d);
    }
    release(packed, 0), release(packed_v, 0), release(w, 0), release(o, 0);
    for (int t = 0; t < 2; t++)
        free(weights[t]), free(out[t]);
    release(q, 4), release(kt, 4), release(v, 4);
}

static void test_attend_equals_scalar(void) {
    const size_t ds[] = {1, 3, 4, 8, 16, 24, 32, 64, 66};
    for (size_t n = 1; n <= 40; n++)
        for (size_t c = 0; c < sizeof ds / sizeof *ds; c++)
            check_attend(1 + n % 5, n, ds[c], n % 4 * 5);
    check_attend(0, 5, 32, 3);
    check_attend(9, 513, 32, 1);
}

/* By hand: equal keys share the weight; a key along the query takes it all. */
static void test_attend_by_hand(void) {
    const float q[2] = {1, 2}, kt_equal[6] = {3, 3, 3, 5, 5, 5}, v[6] = {1, 10, 2, 20, 6, 60};
    float weights[3], out[2];
    kernels->attend(&(glossa_head){q, kt_equal, v, 2, 3, 2, 1, 3, 2, 1.0f, weights, out, 3, 2});
    for (int j = 0; j < 3; j++)
        CHECK_NEAR(weights[j], 1.0 / 3, 1e-7);
    CHECK_NEAR(out[0], 3, 1e-6);
    CHECK_NEAR(out[1], 30, 1e-5);
    const float kt_one[6] = {0, 100, 0, 0, 100, 0}; /* scores 0, 300, 0 */
    kernels->attend(&(glossa_head){q, kt_one, v, 2, 3, 2, 1, 3, 2, 1.0f, weights, out, 3, 2});
    CHECK(weights[0] == 0.0f && weights[1] == 1.0f && weights[2] == 0.0f);
    CHECK(out[0] == 2.0f && out[1] == 20.0f);
}

static void test_attend_against_double(void) {
    enum { M = 5, N = 23, D = 32 };
    float *q = floats(M * D, 0), *kt = floats(D * N, 0), *v = floats(N * D, 0), weights[M * N], out[M * D];
    scalar->attend(&(glossa_head){q, kt, v, D, N, D, M, N, D, 0.5f, weights, out, N, D});
    for (size_t i = 0; i < M; i++) {
        double e[N], sum = 0;
        for (size_t j = 0; j < N; j++) {
            double score = 0;
            for (size_t c = 0; c < D; c++)
                score += (double)q[i * D + c] * (double)kt[c * N + j];
            sum += e[j] = exp(0.5 * score);
        }
        for (size_t c = 0; c < D; c++) {
            double mixed = 0;
            for (size_t j = 0; j < N; j++)
                mixed += e[j] / sum * (double)v[j * D + c];
            CHECK_NEAR(out[i * D + c], mixed, 2e-6);
        }
        for (size_t j = 0; j < N; j++)
            CHECK_NEAR(weights[i * N + j], e[j] / sum, 1e-6);
    }
    release(q, 0), release(kt, 0), release(v, 0);
}

static void test_ssru(void) {
    for (size_t s = 0; s < SIZES; s++) {
        const size_t d = sizes[s];
        float *forget = floats(d, 4), *x = floats(d, 4), *residual = floats(d, 4), *cell = floats(d, 4);
        float *before = floats(d, 0), *cell_scalar = floats(d, 0), *expected = floats(d, 0);
        for (size_t j = 0; j < d; j++)
            forget[j] = 0.5f + 0.5f * forget[j];
        memcpy(cell_scalar, cell, d * sizeof *cell);
        memcpy(before, cell, d * sizeof *cell);
        scalar->ssru(forget, x, residual, d, cell_scalar, expected);
        for (size_t j = 0; j < d; j++) {
            const double f = (double)forget[j], c = f * (double)before[j] + (1 - f) * (double)x[j];
            CHECK_NEAR(cell_scalar[j], c, 1e-6);
            CHECK_NEAR(expected[j], (double)residual[j] + fmax(0, c), 1e-6);
        }
        kernels->ssru(forget, x, residual, d, cell, residual); /* y may be residual */
        CHECK_SAME(cell, cell_scalar, d);
        CHECK_SAME(residual, expected, d);
        release(forget, 4), release(x, 4), release(residual, 4), release(cell, 4);
        release(before, 0), release(cell_scalar, 0), release(expected, 0);
    }
}

/* ---- scalar matmul and activations against double ---------------------------------------------------------------- */

static double activate(glossa_activation activation, double x) {
    switch (activation) {
    case ACTIVATION_NONE:
        break;
    case ACTIVATION_RELU:
        return fmax(0, x);
    case ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case ACTIVATION_GELU_ERF:
        return x * 0.5 * erfc(-x / sqrt(2));
    case ACTIVATION_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case ACTIVATION_GELU_SIGMOID:
        return x / (1 + exp(-1.702 * x));
    case ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-x));
    }
    return x;
}

/* An identity matrix passes x through each activation, 16 values at a time, from -20 to 20 and far out. */
static void test_activations_against_double(void) {
    enum { K = 16 };
    float identity[K * K] = {0}, x[K], y[K];
    for (size_t k = 0; k < K; k++)
        identity[k * K + k] = 1.0f;
    const glossa_matrix w = {.data = identity, .rows = K, .cols = K, .pitch = K * sizeof(float)};
    for (int activation = 0; activation <= ACTIVATION_SIGMOID; activation++) {
        const glossa_epilogue epilogue = {(glossa_activation)activation, NULL, 0};
        for (int block = 0; block < 300; block++) {
            for (int k = 0; k < K; k++)
                x[k] = block < 250 ? (float)(16 * block + k - 2000) / 100.0f : 1e4f * random_float();
            const glossa_rows rows = {.f32 = x, .stride = K, .count = 1, .width = K};
            scalar->matmul(&rows, &w, NULL, K, y, K, &epilogue);
            for (size_t k = 0; k < K; k++) {
                const double expected = activate((glossa_activation)activation, (double)x[k]);
                CHECK_NEAR(y[k], expected, 5e-7 * (1 + fabs(expected)));
            }
        }
    }
}

static void test_matmul_against_double(void) {
    enum { M = 4, K = 96, N = 7 };
    float *x = floats(M * K, 0), *residual = floats(M * N, 0), scale[N], bias[N], y[M * N];
    int8_t data[N * K];
    int32_t sums[N];
    for (size_t i = 0; i < N * K; i++)
        data[i] = (int8_t)(random_bits() % 255 - 127);
    for (size_t j = 0; j < N; j++)
        scale[j] = 0.01f + 0.005f * random_float(), bias[j] = random_float();
    scalar->row_sums(data, N, K, sums);
    const glossa_matrix w = {data, scale, sums, bias, N, K, K, WEIGHT_I8, 1};
    glossa_rows rows = make_rows(x, K, M, K);
    scalar->quantize(&rows);
    const glossa_epilogue epilogue = {ACTIVATION_SILU, residual, N};
    scalar->matmul(&rows, &w, NULL, N, y, N, &epilogue);
    for (size_t i = 0; i < M; i++) {
        for (size_t j = 0; j < N; j++) {
            double product = 0, exact = 0;
            for (size_t k = 0; k < K; k++) {
                const double weight = (double)scale[j] * data[j * K + k];
                product += (double)rows.scale[i] * (quantized(scalar, &rows, i * K + k) - rows.zero[i]) * weight;
                exact += (double)x[i * K + k] * weight;
            }
            CHECK_NEAR(product, exact, 0.3); /* half a step of 2/127 in each of 96 places, weights up to 1.9 */
            const double expected = activate(ACTIVATION_SILU, product + (double)bias[j]) + (double)residual[i * N + j];
            CHECK_NEAR(y[i * N + j], expected, 1e-5);
        }
    }
    free_rows(&rows), release(x, 0), release(residual, 0);
}

/* ---- functions -------------------------------------------------------------------------------------------------- */

/* |actual - expected| in units of the last place of a float or double of `bits` bits. */
static double ulps(double actual, double expected, int bits) {
    int exponent;
    frexp(expected, &exponent);
    return fabs(actual - expected) / ldexp(1, exponent - bits);
}

static void test_functions(void) {
    double exp_error = 0, log_error = 0, exp64_error = 0, sine_error = 0, sqrt_error = 0;
    for (uint32_t bits = 1; bits < 0xff800000u; bits += 40009) {
        float x;
        memcpy(&x, &bits, sizeof x);
        if (x != x) continue;
        if (x > -87.3f && x < 88.72283f) exp_error = fmax(exp_error, ulps(glossa_exp(x), exp((double)x), 24));
        if (x > 0 && x < INFINITY) {
            log_error = fmax(log_error, ulps(glossa_log(x), log((double)x), 24));
            sqrt_error = fmax(sqrt_error, fabs((double)(glossa_sqrt(x) - (float)sqrt((double)x))));
        }
    }
    for (int i = -10000; i < 10000; i++)
        exp64_error = fmax(exp64_error, ulps(glossa_exp64(0.07 * i), exp(0.07 * i), 53));
    for (int i = -38000; i <= 38000; i++) {
        const double x = 26.3 * i + 0.013 * (i % 300);
        double sine, cosine;
        glossa_sin_cos64(x, &sine, &cosine);
        sine_error = fmax(sine_error, fmax(fabs(sine - sin(x)), fabs(cosine - cos(x))));
    }
    CHECK_NEAR(exp_error, 0, 1.5);
    CHECK_NEAR(log_error, 0, 1.0);
    CHECK_NEAR(sqrt_error, 0, 0);
    CHECK_NEAR(exp64_error, 0, 4);
    CHECK_NEAR(sine_error, 0, 1e-15);

    double sine, cosine;
    glossa_sin_cos64(0, &sine, &cosine);
    CHECK(sine == 0.0 && cosine == 1.0);
    CHECK(glossa_exp(0) == 1.0f && glossa_exp(-INFINITY) == 0.0f && glossa_exp(INFINITY) == INFINITY);
    CHECK(glossa_exp(-88.0f) == 0.0f && glossa_exp(89.0f) == INFINITY && glossa_exp64(0) == 1.0);
    CHECK(glossa_log(1) == 0.0f && glossa_log(0) == -INFINITY && glossa_log(INFINITY) == INFINITY);
    CHECK(glossa_exp(NAN) != glossa_exp(NAN) && glossa_log(-1) != glossa_log(-1));
}

/* The vector exp is inside softmax: x and 0 side by side show it over its whole range. */
static void test_exp_equals_scalar(void) {
    for (int i = -9000; i < 50; i++) {
        const float x = 0.01f * (float)i;
        const float pair[5] = {x, x - 1e-3f, x * 0.5f, x * 1e-6f, 0.5f};
        float expected[5], actual[5];
        memcpy(expected, pair, sizeof pair);
        memcpy(actual, pair, sizeof pair);
        scalar->softmax(expected, 5);
        kernels->softmax(actual, 5);
        CHECK_SAME(actual, expected, (size_t)5);
    }
}

/* ---- selection -------------------------------------------------------------------------------------------------- */

static void broken_softmax(float *x, size_t n) {
    scalar->softmax(x, n);
    x[n / 2] *= 1.0000001f;
}

static void saturating_matmul(const glossa_rows *rows, const glossa_matrix *w, const uint32_t *ids, size_t n, float *y,
                              size_t y_stride, const glossa_epilogue *epilogue) {
    scalar->matmul(rows, w, ids, n, y, y_stride, epilogue);
    y[0] += 1.0f;
}

static void test_self_test(void) {
    CHECK_INT(glossa_kernels_self_test(kernels), 0);
    glossa_kernels broken = *kernels;
    broken.matmul = saturating_matmul;
    CHECK_INT(glossa_kernels_self_test(&broken), 3);
    broken = *kernels;
    broken.softmax = broken_softmax;
    CHECK_INT(glossa_kernels_self_test(&broken), 7);
    CHECK_INT(glossa_kernels_self_test(glossa_kernels_select()), 0);
}

int main(void) {
    kernels = scalar;
    RUN(test_functions);
    RUN(test_matmul_against_double);
    RUN(test_activations_against_double);
    RUN(test_attend_against_double);

    const glossa_kernels *const *tables = glossa_kernels_all();
    for (size_t t = 0; tables[t]; t++) {
        kernels = tables[t];
        printf("%s\n", kernels->name);
        if (kernels != scalar) RUN(test_matmul_equals_scalar);
        RUN(test_matmul_extremes);
        RUN(test_quantize);
        RUN(test_quantize_keeps_values);
        RUN(test_row_sums);
        RUN(test_layer_norm);
        RUN(test_embed);
        RUN(test_softmax);
        RUN(test_attend_equals_scalar);
        RUN(test_attend_by_hand);
        RUN(test_ssru);
        RUN(test_exp_equals_scalar);
        RUN(test_self_test);
    }
    return CHECK_RESULT();
}
