/*
 * The kernels: a handful of verbs, one table a target. scalar.c is the definition; every other target gives the same
 * bits (int32 accumulation is exact; float sums have the fixed orders written here; no fused multiply-add, no libm).
 *
 * Legend: M rows of activations, K inputs, N outputs, n keys, d head width.
 * Pointers need no alignment beyond their element's. Sizes may be 0. Inputs and outputs do not overlap unless said.
 */
#ifndef GLOSSA_KERNELS_H
#define GLOSSA_KERNELS_H

#include "base/base.h"

#include <float.h>

/* The processors that have tables of their own. */
#if defined(__x86_64__) && defined(__GNUC__)
#define GLOSSA_X86 1
#elif defined(__aarch64__) && defined(__GNUC__) && !defined(__AARCH64EB__)
#define GLOSSA_ARM 1
#endif

#if FLT_EVAL_METHOD != 0
#error "float arithmetic has extra precision here, so results would differ: on 32-bit x86 use -msse2 -mfpmath=sse"
#endif

/* A reduction over i adds element i into lane i mod GLOSSA_LANES, in order of i; then the lanes are folded in halves:
   lane j += lane j + 8, then + 4, + 2, + 1. */
#define GLOSSA_LANES 16

/* K must be a multiple of this, and at most GLOSSA_MAX_K, so that int32 sums of 127 x 127 cannot overflow. */
#define GLOSSA_K_STEP 16
#define GLOSSA_MAX_K  65536

typedef enum glossa_activation {
    ACTIVATION_NONE = 0,
    ACTIVATION_RELU = 1,
    ACTIVATION_SILU = 2,     /* x * sigmoid(x) */
    ACTIVATION_GELU_ERF = 3, /* x * Phi(x) */
    ACTIVATION_GELU_TANH = 4,
    ACTIVATION_GELU_SIGMOID = 5, /* x * sigmoid(1.702 x) */
    ACTIVATION_SIGMOID = 6
} glossa_activation;

/* How the weights of a row lie. */
typedef enum glossa_weight_type {
    WEIGHT_F32, /* K floats */
    WEIGHT_I8   /* K integers -127..127, with a scale and a sum of the row beside */
} glossa_weight_type;

/* A weight matrix where it lies in the checkpoint: one output row after the other. */
typedef struct glossa_matrix {
    const void *data;       /* (N, K) */
    const float *scale;     /* that of row r at scale[r * scale_step]; NULL for types without */
    const int32_t *row_sum; /* (N) sum over K, made once at load; NULL for types without */
    const float *bias;      /* (N) or NULL */
    uint32_t rows;          /* N */
    uint32_t cols;          /* K */
    size_t pitch;           /* bytes from one row to the next */
    glossa_weight_type type;
    uint32_t scale_step; /* 1, or 0 where one scale serves all rows */
} glossa_matrix;

/* Bytes of a row of `cols` weights. */
static inline size_t glossa_weight_pitch(glossa_weight_type type, uint32_t cols) {
    return type == WEIGHT_F32 ? cols * sizeof(float) : cols;
}

static inline const void *glossa_matrix_row(const glossa_matrix *w, size_t row) {
    return (const uint8_t *)w->data + row * w->pitch;
}

/* Activations on their way into matmul. The caller owns the memory. For a float32 matrix only `f32` is read. */
typedef struct glossa_rows {
    const float *f32; /* (M, K), row i at f32 + i * stride */
    size_t stride;
    void *q;       /* (M, K) contiguous, 0..127: uint8_t, or int16_t for a table that is `wide` */
    float *scale;  /* (M) */
    int32_t *zero; /* (M) 0..127 */
    size_t count;  /* M */
    size_t width;  /* K */
} glossa_rows;

/* What happens to a product on its way out: y = residual + activation(product + bias); residual may be NULL or y
 * itself. */
typedef struct glossa_epilogue {
    glossa_activation activation;
    const float *residual; /* (M, N), row i at residual + i * residual_stride */
    size_t residual_stride;
} glossa_epilogue;

/*
 * One head of scaled dot-product attention (Vaswani et al. 2017, 3.2.1). Rows of a matrix lie its stride apart, in
 * floats. Keys beyond n are never read: n is the padding mask and, for a decoder that appends one key a step, the
 * causal mask.
 */
typedef struct glossa_head {
    const float *q, *kt, *v; /* (m, d) queries, (d, n) transposed keys, (n, d) values */
    size_t q_stride, kt_stride, v_stride;
    size_t m, n, d; /* n >= 1 */
    float scale;
    float *weights, *out; /* (m, n) and (m, d), always written */
    size_t weights_stride, out_stride;
} glossa_head;

typedef struct glossa_kernels {
    const char *name;
    bool wide; /* whether quantize makes, and matmul takes, activations of 16 bits */

    /*
     * Fills q, scale, zero from f32. Per row: lo = min(0, min x), hi = max(0, max x),
     * scale = (hi - lo) / 127 (1 if that is below FLT_MIN or not finite), zero = round(-lo / scale),
     * q = clamp(round(x * (1 / scale)) + zero, 0, 127); round is to nearest, ties to even. NaN gives 0.
     */
    void (*quantize)(const glossa_rows *rows);

    /* sums[j] = sum over K of the int8 row j. */
    void (*row_sums)(const int8_t *data, size_t rows, size_t cols, int32_t *sums);

    /*
     * y[i * y_stride + j] = epilogue((scale_a[i] * scale_w[r]) * (float)(acc - zero[i] * row_sum[r]) + bias[r]) with
     * r = ids ? ids[j] : j and acc = sum over K of q[i] * w[r], for i < rows->count, j < n. For a float32 matrix the
     * product is the lane reduction of f32[i] * w[r]. `epilogue` may be NULL. n <= w->rows where ids is NULL.
     */
    void (*matmul)(const glossa_rows *rows, const glossa_matrix *w, const uint32_t *ids, size_t n, float *y,
                   size_t y_stride, const glossa_epilogue *epilogue);

    /* y = (x[j] - mean) * (1 / sqrt(variance + epsilon)) * weight[j] + bias[j] for M rows of width d, both contiguous;
       y may be x. mean and variance by lane reduction; variance is the mean of squared deviations. */
    void (*layer_norm)(const float *x, size_t rows, size_t d, const float *weight, const float *bias, float epsilon,
                       float *y);

    /* y[j] = scale * row[j] + position[j] with a row of weights, whose own scale is part of `scale`; `row` NULL stands
       for zeros. */
    void (*embed)(const void *row, glossa_weight_type type, float scale, const float *position, size_t d, float *y);

    /*
     * weights[i][j] = softmax_j(scale * sum_c q[i][c] * kt[c][j]),  out[i][c] = sum_j weights[i][j] * v[j][c]
     * The sums over c and over j go in their order.
     */
    void (*attend)(const glossa_head *head);

    /* x[j] = exp(x[j] - max) * (1 / sum), lane reduction for the sum. n >= 1. */
    void (*softmax)(float *x, size_t n);

    /* log(sum_j exp(x[j])): max + log of the lane reduction of exp(x[j] - max). n >= 1. */
    float (*log_sum_exp)(const float *x, size_t n);

    /* The SSRU (Kim et al. 2019): cell[j] = f * cell[j] + (1 - f) * x[j] with f = forget[j] (already a sigmoid);
       y[j] = residual[j] + max(0, cell[j]). y may be residual. */
    void (*ssru)(const float *forget, const float *x, const float *residual, size_t d, float *cell, float *y);
} glossa_kernels;

/* The targets that this build has; the scalar one always. */
extern const glossa_kernels glossa_kernels_scalar;
#if defined(__wasm_simd128__)
extern const glossa_kernels glossa_kernels_simd128; /* in the relaxed build too */
#endif
#if defined(__wasm_relaxed_simd__)
extern const glossa_kernels glossa_kernels_relaxed;
extern const glossa_kernels glossa_kernels_relaxed_pairs;
#endif
#if defined(GLOSSA_X86)
extern const glossa_kernels glossa_kernels_avx2; /* to be used only where the processor has it */
extern const glossa_kernels glossa_kernels_vnni;
#elif defined(GLOSSA_ARM)
extern const glossa_kernels glossa_kernels_neon;
extern const glossa_kernels glossa_kernels_dotprod; /* to be used only where the processor has it */
#endif

/* A table by its name; NULL where this build or machine has none of that name. */
const glossa_kernels *glossa_kernels_find(const char *name);

/* The tables that this build has and this machine can run, the most wanted first, scalar last; then NULL. */
const glossa_kernels *const *glossa_kernels_all(void);

/* The first of them that passes its self-test. */
const glossa_kernels *glossa_kernels_select(void);

/* Own float functions, the same bits everywhere; |error| below 2 ulp on the ranges the engine uses. */
float glossa_exp(float x); /* 0 below -87.3 */
float glossa_log(float x);
float glossa_sqrt(float x);    /* correctly rounded; without libm where the compiler knows an instruction */
double glossa_exp64(double x); /* for position tables */
void glossa_sin_cos64(double x, double *sine, double *cosine); /* |x| <= 1e6 */
float glossa_activate(glossa_activation activation, float x);

/* 0 if `kernels` gives the scalar table's bits on a small fixed problem, else the number of the verb that differs
 * (1..). */
int glossa_kernels_self_test(const glossa_kernels *kernels);

#endif
