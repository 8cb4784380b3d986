/*
 * Micro benchmark of the int8 matmul, epilogues included: quantization of the activations, zero point, scale, bias, and
 * activation or residual. matmul.js builds and times it as WebAssembly; natively it is a program of its own:
 *
 *     cc -O3 -ffp-contract=off -Isrc tests/bench/matmul.c src/kernels/?*.c -o matmul && ./matmul
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/lanes.h"

#define EXPORT __attribute__((used, visibility("default")))

typedef struct bench {
    glossa_rows rows;
    glossa_matrix w;
    glossa_epilogue epilogue;
    uint32_t *ids; /* (N) or NULL */
    float *y;      /* (M, N) */
    void *memory[9];
} bench;

static bench one;

EXPORT void bench_free(void) {
    for (size_t i = 0; i < 9; i++)
        free(one.memory[i]);
    memset(&one, 0, sizeof one);
}

/* A problem of M rows, N outputs, K inputs; with `gather`, the outputs are spread over a matrix of 4 N rows. */
EXPORT void bench_prepare(uint32_t m, uint32_t n, uint32_t k, bool gather) {
    bench_free();
    const uint32_t vocabulary = gather ? 4 * n : n;
    const size_t sizes[9] = {(size_t)m * k * 4,      (size_t)m * k * 2, m * 4,          m * 4,
                             (size_t)vocabulary * k, vocabulary * 4,    vocabulary * 4, vocabulary * 4,
                             (size_t)m * n * 8};
    for (size_t i = 0; i < 9; i++)
        one.memory[i] = calloc(sizes[i] + 16, 1);
    float *x = one.memory[0], *scale = one.memory[5], *bias = one.memory[6], *y = one.memory[8];
    int8_t *weights = one.memory[4];
    int32_t *sums = one.memory[7];
    uint32_t state = 1;
    for (size_t i = 0; i < (size_t)m * k; i++)
        x[i] = (float)((state = state * 1664525u + 1013904223u) >> 8);
    for (size_t i = 0; i < (size_t)vocabulary * k; i++)
        weights[i] = (int8_t)((state = state * 1664525u + 1013904223u) >> 24);
    for (size_t j = 0; j < vocabulary; j++)
        scale[j] = 0.01f, bias[j] = 1.0f;
    one.rows = (glossa_rows){x, k, one.memory[1], one.memory[2], one.memory[3], m, k};
    one.w = (glossa_matrix){weights, scale, sums, bias, vocabulary, k, k, WEIGHT_I8, 1};
    /* As in a Transformer: a residual where the width is the model's, ReLU above, logits as they are. */
    one.epilogue = (glossa_epilogue){n > 256 && n < 6000 ? ACTIVATION_RELU : ACTIVATION_NONE,
                                     n > 256 ? NULL : y + (size_t)m * n, n};
    one.y = y;
    if (gather) {
        one.ids = malloc(n * sizeof *one.ids);
        for (uint32_t j = 0; j < n; j++)
            one.ids[j] = 4 * j + j % 3;
    }
    glossa_kernels_scalar.row_sums(weights, vocabulary, k, sums);
}

/* The name of a table, empty beyond the last. */
EXPORT const char *bench_name(uint32_t table) {
    const glossa_kernels *const *tables = glossa_kernels_all();
    return tables[table] ? tables[table]->name : "";
}

EXPORT void bench_run(uint32_t table, uint32_t times, bool quantize) {
    const glossa_kernels *kernels = glossa_kernels_all()[table];
    for (uint32_t t = 0; t < times; t++) {
        if (quantize) kernels->quantize(&one.rows);
        kernels->matmul(&one.rows, &one.w, one.ids, one.w.rows / (one.ids ? 4 : 1), one.y,
                        one.w.rows / (one.ids ? 4 : 1), &one.epilogue);
    }
}

#if defined(__wasm_simd128__)
/* Products in registers only, as each table forms them: what no matmul can exceed. Each sum is the input of its own
   next product, or products would repeat. So few registers that V8 keeps all of them. 12 x 16 operations a turn. */
EXPORT int32_t bench_peak_simd128(uint32_t times) {
    i32x4 sums[12];
    const v128_t weights = wasm_i16x8_splat((int16_t)(times >> 1));
    for (int i = 0; i < 12; i++)
        sums[i] = splat_int(i);
    for (uint32_t t = 0; t < times; t++)
        for (size_t i = 0; i < 12; i++)
            sums[i] += (i32x4)wasm_i32x4_dot_i16x8(weights, (v128_t)sums[i]);
    i32x4 total = sums[0];
    for (size_t i = 1; i < 12; i++)
        total += sums[i];
    return total[0] + total[1] + total[2] + total[3];
}
#endif

#if defined(__wasm_relaxed_simd__)
EXPORT int32_t bench_peak_relaxed(uint32_t times) {
    i32x4 sums[8];
    v128_t inputs = wasm_i8x16_splat((int8_t)(times & 127)), weights = wasm_i8x16_splat((int8_t)(times >> 3));
    for (size_t i = 0; i < 8; i++)
        sums[i] = splat_int((int32_t)i);
    for (uint32_t t = 0; t < times; t++) /* 8 x 32 operations */
        for (size_t i = 0; i < 8; i++)
            sums[i] = (i32x4)wasm_i32x4_relaxed_dot_i8x16_i7x16_add(weights, inputs, (v128_t)sums[i]);
    i32x4 total = sums[0];
    for (size_t i = 1; i < 8; i++)
        total += sums[i];
    return total[0] + total[1] + total[2] + total[3];
}

EXPORT int32_t bench_peak_relaxed_pairs(uint32_t times) {
    i32x4 sums[4];
    v128_t inputs[4], weights = wasm_i8x16_splat((int8_t)(times >> 3));
    const v128_t ones = wasm_i16x8_splat((int16_t)(times > 0));
    for (size_t i = 0; i < 4; i++)
        sums[i] = splat_int((int32_t)i), inputs[i] = wasm_i8x16_splat((int8_t)(times >> i & 127));
    for (uint32_t t = 0; t < 2 * times; t++) {        /* 4 x 32 operations */
        weights = wasm_i8x16_add(weights, inputs[0]); /* or the products would not change from turn to turn */
        for (size_t i = 0; i < 4; i++)
            sums[i] += (i32x4)wasm_i32x4_dot_i16x8(wasm_i16x8_relaxed_dot_i8x16_i7x16(weights, inputs[i]), ones);
    }
    const i32x4 total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return total[0] + total[1] + total[2] + total[3];
}
#endif

#if !defined(__wasm__)
#include <stdio.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(void) {
    const uint32_t ms[] = {1, 8, 32, 128},
                   shapes[][2] = {{256, 256}, {1024, 256}, {256, 1024}, {1536, 256}, {6000, 256}};
    for (uint32_t table = 0; *bench_name(table); table++) {
        if (strcmp(bench_name(table), "scalar") == 0) continue;
        printf("%-10s", bench_name(table));
        for (size_t a = 0; a < sizeof ms / sizeof *ms; a++)
            printf(" %8s%3u", "M=", ms[a]);
        printf("   GOP/s\n");
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            printf("%5u x %-4u", shapes[s][0], shapes[s][1]);
            for (size_t a = 0; a < sizeof ms / sizeof *ms; a++) {
                const double operations = 2.0 * ms[a] * shapes[s][0] * shapes[s][1];
                const uint32_t times = (uint32_t)(4e7 / operations) + 1;
                double best = 1e9;
                bench_prepare(ms[a], shapes[s][0], shapes[s][1], false);
                for (int repeat = 0; repeat < 60; repeat++) {
                    const double start = now();
                    bench_run(table, times, true);
                    const double spent = now() - start;
                    best = spent < best ? spent : best;
                }
                printf(" %11.1f", operations * times / best / 1e9);
            }
            printf("\n");
        }
    }
    bench_free();
    return 0;
}
#endif
