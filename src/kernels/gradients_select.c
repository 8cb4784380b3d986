/*
 * Choosing a table of training, and the test that one must pass before it is trusted.
 */
#include "kernels/gradients.h"

#include <math.h> /* fabsf */
#include <string.h>

/* A small fixed problem of odd sizes, so that tiles and what is left of them both run. */
#define M 29
#define N 37
#define K 43

enum { VERBS = 8, ANSWER = M * N + N * K + M * K };

static float next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(int32_t)(*state >> 8) / 8388608.0f - 1.0f;
}

/* What verb number `verb` makes of the problem, in `out`, which holds ANSWER numbers. */
static void solve(const glossa_gradients *g, int verb, float *work, float *out) {
    float x[M * K], w[N * K], dy[M * N];
    uint32_t state = 7;
    for (size_t i = 0; i < M * K; i++)
        x[i] = 2.0f * next(&state);
    for (size_t i = 0; i < N * K; i++)
        w[i] = next(&state);
    for (size_t i = 0; i < M * N; i++)
        dy[i] = next(&state);
    for (size_t i = 0; i < ANSWER; i++)
        out[i] = verb == 8 ? fabsf(next(&state)) : next(&state);
    switch (verb) {
    case 1:
        g->multiply((glossa_factor){dy, N, 1}, (glossa_factor){w, 1, K}, M, K, N, out, K, work);
        g->multiply((glossa_factor){dy, 1, N}, (glossa_factor){x, 1, K}, N, K, M, out + M * K, K, work);
        break;
    case 2:
        g->linear(x, w, dy, M, N, K, out, work);
        break;
    case 3:
        g->column_sums(dy, M, N, out);
        break;
    case 4:
    case 5:
        for (int f = ACTIVATION_RELU; f <= ACTIVATION_SIGMOID; f++) {
            if (verb == 4)
                g->activate((glossa_activation)f, x + f, N, out + f * N);
            else
                g->activate_backward((glossa_activation)f, x + f, dy, N, out + f * N);
        }
        break;
    case 6:
        g->norm_backward(x, w, M, K, dy, 1e-5f, out, out + M * K, out + M * K + K);
        break;
    case 7:
        out[K] = g->cross_entropy(out, K, 5, 0.1f, 0.25f);
        break;
    default:
        g->adam(&(glossa_adam){0.5f, 0.01f, 0.99f, 0.9f, 0.98f, 1e-3f, 1.5f, 1e-8f}, K, x, out, out + K, out + 2 * K);
    }
}

static bool is_close(const float *expected, const float *actual, float tolerance) {
    float most = 0.0f;
    for (size_t i = 0; i < ANSWER; i++)
        most = fabsf(expected[i]) > most ? fabsf(expected[i]) : most;
    for (size_t i = 0; i < ANSWER; i++)
        if (!(fabsf(expected[i] - actual[i]) <= tolerance * most)) return false;
    return true;
}

int glossa_gradients_self_test(const glossa_gradients *gradients) {
    const glossa_allocator allocator = glossa_allocator_or_default(NULL);
    float *memory = glossa_allocate(&allocator, gradients->work + 2 * ANSWER, sizeof *memory);
    if (!memory) return 1;
    float *expected = memory, *actual = memory + ANSWER, *work = memory + 2 * ANSWER;
    int wrong = 0;
    for (int verb = 1; verb <= VERBS && wrong == 0; verb++) {
        solve(&glossa_gradients_scalar, verb, NULL, expected);
        solve(gradients, verb, work, actual);
        const bool same = memcmp(expected, actual, ANSWER * sizeof *expected) == 0;
        if (!same && (gradients->tolerance == 0.0f || !is_close(expected, actual, gradients->tolerance))) wrong = verb;
    }
    glossa_release(&allocator, memory);
    return wrong;
}

const glossa_gradients *const *glossa_gradients_all(void) {
#if defined(GLOSSA_X86)
    static const glossa_gradients *const tables[] = {&glossa_gradients_avx512, &glossa_gradients_avx2,
                                                     &glossa_gradients_exact, &glossa_gradients_scalar, NULL};
    if (__builtin_cpu_supports("avx512f")) return tables;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? tables + 1 : tables + 2;
#elif defined(__wasm_simd128__)
    static const glossa_gradients *const tables[] = {&glossa_gradients_simd128, &glossa_gradients_exact,
                                                     &glossa_gradients_scalar, NULL};
    return tables;
#elif defined(GLOSSA_ARM)
    static const glossa_gradients *const tables[] = {&glossa_gradients_exact, &glossa_gradients_scalar, NULL};
    return tables;
#else
    static const glossa_gradients *const tables[] = {&glossa_gradients_scalar, NULL};
    return tables;
#endif
}

const glossa_gradients *glossa_gradients_find(const char *name) {
    const glossa_gradients *const *table = glossa_gradients_all();
    if (!name) {
        while (*table != &glossa_gradients_scalar && glossa_gradients_self_test(*table) != 0)
            table++;
        return *table;
    }
    for (; *table; table++)
        if (strcmp((*table)->name, name) == 0) return *table;
#if defined(GLOSSA_X86)
    if (strcmp(name, "bfloat16") == 0 && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return &glossa_gradients_bfloat16;
#endif
    return strcmp(name, "exact") == 0 ? &glossa_gradients_scalar : NULL;
}
