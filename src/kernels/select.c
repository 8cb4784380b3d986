/*
 * Choosing a table, and the test that a table must pass before it is trusted.
 */
#include "kernels/kernels.h"

#include <string.h>

/* A small fixed problem: odd sizes, so that whole tiles and their remains both run; and 1 to M rows, so that tiles of
   every height do, widened weights among them. */
#define M 9
#define K 144
#define N 13
#define D 19

typedef struct problem {
    int8_t weights[N * K];
    float weights_f32[N * K], x[M * K], scale[N], bias[N], residual[M * N];
    uint32_t ids[N];
} problem;

typedef struct answers {
    uint8_t q[M * K];
    float scale[M];
    int32_t zero[M];
    int32_t row_sum[N];
    float products[M][M * N], products_f32[M * N];
    float norm[M * D], embedded[D], weights[M * N], mixed[M * D], softmax[K], log_sum, cell[D], state[D];
} answers;

/* A linear congruential generator; uniform in [-1, 1). */
static float next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(int32_t)(*state >> 8) / 8388608.0f - 1.0f;
}

static void make_problem(problem *p) {
    uint32_t state = 1;
    for (size_t i = 0; i < M * K; i++)
        p->x[i] = 4.0f * next(&state);
    for (size_t i = 0; i < N * K; i++) {
        p->weights_f32[i] = next(&state);
        /* the first two rows hold the extremes, where sums of 16 bits would overflow */
        p->weights[i] = i < K ? 127 : i < 2 * K ? -127 : (int8_t)(127.0f * p->weights_f32[i]);
    }
    for (size_t j = 0; j < N; j++) {
        p->scale[j] = 0.01f + 0.005f * next(&state);
        p->bias[j] = next(&state);
        p->ids[j] = (uint32_t)((5 * j) % N);
    }
    for (size_t i = 0; i < M * N; i++)
        p->residual[i] = next(&state);
}

static void solve(const glossa_kernels *kernels, problem *p, answers *a) {
    memset(a, 0, sizeof *a);
    int16_t wide[M * K];
    glossa_rows rows = {p->x, K, kernels->wide ? (void *)wide : a->q, a->scale, a->zero, M, K};
    const glossa_epilogue gelu = {ACTIVATION_GELU_ERF, p->residual, N}, relu = {ACTIVATION_RELU, NULL, 0};
    kernels->quantize(&rows);
    for (size_t i = 0; kernels->wide && i < M * K; i++)
        a->q[i] = (uint8_t)wide[i];
    kernels->row_sums(p->weights, N, K, a->row_sum);
    const glossa_matrix w = {p->weights, p->scale, a->row_sum, p->bias, N, K, K, WEIGHT_I8, 1};
    const glossa_matrix w_f32 = {.data = p->weights_f32, .rows = N, .cols = K, .pitch = K * sizeof(float)};
    kernels->matmul(&rows, &w_f32, NULL, N, a->products_f32, N, &relu);
    for (; rows.count > 0; rows.count--)
        kernels->matmul(&rows, &w, p->ids, N, a->products[rows.count - 1], N, &gelu);
    kernels->layer_norm(p->x, M, D, p->weights_f32, p->x, 1e-5f, a->norm);
    kernels->embed(p->weights + 2 * K, WEIGHT_I8, 0.25f, p->x, D, a->embedded);
    kernels->attend(&(glossa_head){.q = p->x,
                                   .kt = p->x + M * D,
                                   .v = p->weights_f32,
                                   .q_stride = D,
                                   .kt_stride = N,
                                   .v_stride = D,
                                   .m = M,
                                   .n = N,
                                   .d = D,
                                   .scale = 0.5f,
                                   .weights = a->weights,
                                   .out = a->mixed,
                                   .weights_stride = N,
                                   .out_stride = D});
    memcpy(a->softmax, p->x, sizeof a->softmax);
    kernels->softmax(a->softmax, K - 1);
    a->log_sum = kernels->log_sum_exp(p->x, K - 1);
    memcpy(a->cell, p->x, sizeof a->cell);
    kernels->ssru(a->softmax, p->weights_f32, p->x, D, a->cell, a->state);
}

/* Bit for bit, so that -0 is not 0 and NaN is itself. */
static bool differ(const void *a, const void *b, size_t size) {
    return memcmp(a, b, size) != 0;
}

#define DIFFER(field) differ(&expected.field, &actual.field, sizeof expected.field)

int glossa_kernels_self_test(const glossa_kernels *kernels) {
    problem p;
    answers expected, actual;
    make_problem(&p);
    solve(&glossa_kernels_scalar, &p, &expected);
    solve(kernels, &p, &actual);
    if (DIFFER(q) || DIFFER(scale) || DIFFER(zero)) return 1;
    if (DIFFER(row_sum)) return 2;
    if (DIFFER(products) || DIFFER(products_f32)) return 3;
    if (DIFFER(norm)) return 4;
    if (DIFFER(embedded)) return 5;
    if (DIFFER(weights) || DIFFER(mixed)) return 6;
    if (DIFFER(softmax)) return 7;
    if (DIFFER(log_sum)) return 8;
    if (DIFFER(cell) || DIFFER(state)) return 9;
    return 0;
}

#if defined(__wasm_relaxed_simd__)
#include <wasm_simd128.h>

/*
 * Whether i32x4.relaxed_dot is made of instructions for pairs, which saturate at 16 bits. Where the second operand has
 * 8 bits the specification leaves the result open, and it tells: 4 x 127 x 255 with AVX-VNNI, 4 x 127 x -1 on ARM.
 */
static bool dot_is_made_of_pairs(void) {
    const volatile int8_t weight = 127, input = -1; /* volatile: for the machine to compute, not for a compiler */
    const v128_t sums =
        wasm_i32x4_relaxed_dot_i8x16_i7x16_add(wasm_i8x16_splat(weight), wasm_i8x16_splat(input), wasm_i32x4_splat(0));
    return wasm_i32x4_extract_lane(sums, 0) == 2 * INT16_MAX;
}
#endif

#if defined(GLOSSA_ARM)
#if defined(__linux__) && !defined(__ARM_FEATURE_DOTPROD)
#include <asm/hwcap.h>
#include <sys/auxv.h>

static bool has_dotprod(void) {
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}
#else
static bool has_dotprod(void) {
#if defined(__ARM_FEATURE_DOTPROD)
    return true;
#else
    return false;
#endif
}
#endif
#endif

const glossa_kernels *const *glossa_kernels_all(void) {
#if defined(GLOSSA_X86)
    static const glossa_kernels *const tables[] = {&glossa_kernels_vnni, &glossa_kernels_avx2, &glossa_kernels_scalar,
                                                   NULL};
    if (!__builtin_cpu_supports("avx2")) return tables + 2;
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl") ? tables : tables + 1;
#elif defined(GLOSSA_ARM)
    static const glossa_kernels *const tables[] = {&glossa_kernels_dotprod, &glossa_kernels_neon,
                                                   &glossa_kernels_scalar, NULL};
    return has_dotprod() ? tables : tables + 1;
#elif defined(__wasm_relaxed_simd__)
    static const glossa_kernels *const tables[][5] = {
        {&glossa_kernels_relaxed, &glossa_kernels_relaxed_pairs, &glossa_kernels_simd128, &glossa_kernels_scalar, NULL},
        {&glossa_kernels_relaxed_pairs, &glossa_kernels_relaxed, &glossa_kernels_simd128, &glossa_kernels_scalar,
         NULL}};
    return tables[dot_is_made_of_pairs()];
#elif defined(__wasm_simd128__)
    static const glossa_kernels *const tables[] = {&glossa_kernels_simd128, &glossa_kernels_scalar, NULL};
    return tables;
#else
    static const glossa_kernels *const tables[] = {&glossa_kernels_scalar, NULL};
    return tables;
#endif
}

const glossa_kernels *glossa_kernels_find(const char *name) {
    const glossa_kernels *const *table = glossa_kernels_all();
    while (*table && strcmp((*table)->name, name) != 0)
        table++;
    return *table;
}

const glossa_kernels *glossa_kernels_select(void) {
    const glossa_kernels *const *table = glossa_kernels_all();
    while (*table != &glossa_kernels_scalar && glossa_kernels_self_test(*table) != 0)
        table++;
    return *table;
}
