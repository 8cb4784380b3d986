/*
 * Micro benchmark of the lab's float products, in the three forms that a linear layer of training has, beside a loop of
 * multiply-adds that touches registers only. lab.js builds and times it, natively and as WebAssembly.
 *
 *     cc -O3 -ffp-contract=off -fno-math-errno -Isrc tests/bench/products.c src/base/?*.c src/kernels/?*.c -lm
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/gradients.h"
#include "kernels/lanes.h"

#define EXPORT __attribute__((used, visibility("default")))

/* y (M, N) = x (M, K) w^T; dx (M, K) += dy (M, N) w; dw (N, K) += dy^T x; here N = K. */
static struct {
    size_t m, d;
    float *x, *w, *y, *work;
} one;

EXPORT void bench_free(void) {
    free(one.x);
    free(one.w);
    free(one.y);
    free(one.work);
    memset(&one, 0, sizeof one);
}

static float *numbers(size_t count) {
    float *out = aligned_alloc(64, (count * sizeof *out + 63) / 64 * 64);
    uint32_t state = 1;
    for (size_t i = 0; out && i < count; i++)
        out[i] = (float)(int32_t)(state = state * 1664525u + 1013904223u) * 0x1p-31f;
    return out;
}

/* The name of a table, empty beyond the last. */
EXPORT const char *bench_name(uint32_t table) {
    const glossa_gradients *const *tables = glossa_gradients_all();
    return tables[table] ? tables[table]->name : "";
}

EXPORT void bench_prepare(uint32_t table, uint32_t m, uint32_t d) {
    bench_free();
    one.m = m;
    one.d = d;
    one.x = numbers((size_t)m * d);
    one.y = numbers((size_t)m * d);
    one.w = numbers((size_t)d * d);
    one.work = numbers(glossa_gradients_all()[table]->work);
}

/* The product of form 0 (y), 1 (dx) or 2 (dw), `times` times: 2 m d d operations each. */
EXPORT void bench_run(uint32_t table, uint32_t form, uint32_t times) {
    const glossa_gradients *g = glossa_gradients_all()[table];
    const size_t m = one.m, d = one.d;
    for (uint32_t t = 0; t < times; t++) {
        if (form == 0)
            g->linear(one.x, one.w, NULL, m, d, d, one.y, one.work);
        else if (form == 1)
            g->multiply((glossa_factor){one.y, d, 1}, (glossa_factor){one.w, 1, d}, m, d, d, one.x, d, one.work);
        else
            g->multiply((glossa_factor){one.y, 1, d}, (glossa_factor){one.x, 1, d}, d, d, m, one.w, d, one.work);
    }
}

/* Registers only: what no product can exceed. Compilers may neither keep a product nor make one long chain, and V8 must
   find room for all. */
static float peak_apart(uint32_t times) { /* 8 multiply-adds and 2 adds a turn */
    const f32x4 step = splat((float)times * 1e-9f);
    f32x4 x = splat(0.5f), z = splat(0.25f), y[4], sums[8];
    for (int i = 0; i < 4; i++)
        y[i] = step * (float)i;
    for (int i = 0; i < 8; i++)
        sums[i] = splat((float)i);
    for (uint32_t t = 0; t < times; t++) {
        for (int i = 0; i < 8; i++)
            sums[i] += (i < 4 ? x : z) * y[i % 4];
        x += step;
        z += step;
    }
    for (int i = 1; i < 8; i++)
        sums[0] += sums[i];
    return sums[0][0];
}

#if defined(__x86_64__)
#include <immintrin.h>
typedef float f32x8 __attribute__((vector_size(32)));
typedef float f32x16 __attribute__((vector_size(64)));

/* 12 fused multiply-adds a turn. */
#define PEAK_FUSED(name, isa, vector, madd)                                                                            \
    __attribute__((target(isa))) static float name(uint32_t times) {                                                   \
        const vector x = 0.5f + (vector){0}, y = (float)times * 1e-9f + (vector){0};                                   \
        vector sums[12];                                                                                               \
        for (int i = 0; i < 12; i++)                                                                                   \
            sums[i] = (float)i + (vector){0};                                                                          \
        for (uint32_t t = 0; t < times; t++)                                                                           \
            for (int i = 0; i < 12; i++)                                                                               \
                sums[i] = madd(x, sums[i], y);                                                                         \
        for (int i = 1; i < 12; i++)                                                                                   \
            sums[0] += sums[i];                                                                                        \
        return sums[0][0];                                                                                             \
    }
PEAK_FUSED(peak_avx2, "avx2,fma", f32x8, _mm256_fmadd_ps)
PEAK_FUSED(peak_avx512, "avx512f", f32x16, _mm512_fmadd_ps)
#endif

/* `times` turns of the table's vectors; gives the operations of a turn, a multiply-add being two. */
EXPORT uint32_t bench_peak(uint32_t table, uint32_t times) {
    static volatile float result;
#if defined(__x86_64__)
    const char *name = bench_name(table);
    if (strcmp(name, "avx2") == 0 || strcmp(name, "avx512") == 0) {
        const bool wide = strcmp(name, "avx512") == 0;
        result = wide ? peak_avx512(times) : peak_avx2(times);
        return 12 * 2 * (wide ? 16 : 8);
    }
#endif
    (void)table;
    result = peak_apart(times);
    (void)result;
    return (8 * 2 + 2) * 4;
}

#if !defined(__wasm__)
#include <stdio.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A line of JSON for each table in float32, width and form; the peak is measured in turn with each. */
int main(void) {
    static const uint32_t widths[] = {64, 128, 256, 512};
    const uint32_t rows = 512, turns = 100000;
    for (uint32_t table = 0; *bench_name(table); table++) {
        if (strcmp(bench_name(table), "scalar") == 0) continue;
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            bench_prepare(table, rows, widths[w]);
            for (uint32_t form = 0; form < 3; form++) {
                const double operations = 2.0 * rows * widths[w] * widths[w];
                const uint32_t times = (uint32_t)(4e7 / operations) + 1;
                double best = 1e9, peak = 1e9;
                uint32_t turn = 1;
                for (int repeat = 0; repeat < 40; repeat++) {
                    double start = now();
                    bench_run(table, form, times);
                    double spent = now() - start;
                    best = spent < best ? spent : best;
                    start = now();
                    turn = bench_peak(table, turns);
                    spent = now() - start;
                    peak = spent < peak ? spent : peak;
                }
                printf("{\"table\":\"%s\",\"d\":%u,\"form\":%u,\"gops\":%.2f,\"peak\":%.2f}\n", bench_name(table),
                       widths[w], form, operations * times / best / 1e9, (double)turn * turns / peak / 1e9);
            }
        }
    }
    bench_free();
    return 0;
}
#endif
