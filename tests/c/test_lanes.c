/* The vector vocabulary of the kernels: each operation against the same in plain C, bit for bit. */
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "kernels/verbs.h"

#if defined(GLOSSA_HAS_LANES)

static bool same(const void *a, const void *b, size_t size) {
    return memcmp(a, b, size) == 0;
}

static void test_load_and_store(void) {
    const float x[6] = {1, 2, 3, 4, 5, 6};
    for (size_t count = 0; count <= 6; count++) {
        const f32x4 part = load_part(x + 1, count, -7.0f);
        float stored[6] = {0, 0, 0, 0, 0, 0};
        store_part(stored + 1, part, count);
        for (size_t i = 0; i < 4; i++) {
            CHECK(part[i] == (i < count ? x[1 + i] : -7.0f));
            CHECK(stored[1 + i] == (i < count ? x[1 + i] : 0.0f));
        }
        CHECK(stored[0] == 0.0f && stored[5] == 0.0f);
    }
    const int8_t bytes[5] = {99, -128, 127, 0, -1};
    const f32x4 floats = load_int8(bytes + 1);
    for (size_t i = 0; i < 4; i++)
        CHECK(floats[i] == (float)bytes[1 + i]);
    uint8_t out[18] = {0};
    store_bytes(out + 1, (i32x4){0, 1, 2, 3}, (i32x4){4, 5, 6, 7}, (i32x4){124, 125, 126, 127}, splat_int(64));
    const uint8_t expected[18] = {0, 0, 1, 2, 3, 4, 5, 6, 7, 124, 125, 126, 127, 64, 64, 64, 64, 0};
    CHECK(same(out, expected, sizeof out));
}

/* Which operand wins for NaN and for zeros of both signs is part of the contract. */
static void test_min_and_max(void) {
    const float x[] = {-INFINITY, -1.5f, -0.0f, 0.0f, 1e-45f, 2.0f, INFINITY, NAN};
    for (size_t i = 0; i < 8; i++) {
        for (size_t j = 0; j < 8; j++) {
            const float a = x[i], b = x[j], more = a > b ? a : b, less = a < b ? a : b;
            const float high = max4(splat(a), splat(b))[j % 4], low = min4(splat(a), splat(b))[i % 4];
            CHECK(same(&high, &more, sizeof high));
            CHECK(same(&low, &less, sizeof low));
        }
        const float magnitude = abs4(splat(x[i]))[1], expected = fabsf(x[i]);
        CHECK(same(&magnitude, &expected, sizeof magnitude));
    }
}

static void test_reductions(void) {
    float lanes[16];
    for (int i = 0; i < 16; i++)
        lanes[i] = ldexpf(1.0f + 0.37f * (float)i, (i * 7) % 13);
    const float folded = fold16(load4(lanes), load4(lanes + 4), load4(lanes + 8), load4(lanes + 12));
    for (size_t half = GLOSSA_LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lanes[j] += lanes[j + half];
    CHECK(folded == lanes[0]);

    const i32x4 totals = total4((i32x4){1, 2, 3, 4}, (i32x4){10, 20, 30, 40}, (i32x4){-1, -2, -3, -4},
                                (i32x4){INT32_MAX, -1, INT32_MIN, 1});
    const int32_t expected[4] = {10, 100, -10, -1};
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(totals[i], expected[i]);
    CHECK(fold_max((f32x4){1, 4, 3, 2}) == 4.0f && fold_max((f32x4){-1, -4, -3, -2}) == -1.0f);
    const f32x4 converted = to_float((i32x4){INT32_MIN, -1, 16777217, INT32_MAX});
    CHECK(converted[0] == -2147483648.0f && converted[1] == -1.0f && converted[2] == 16777216.0f &&
          converted[3] == 2147483648.0f);
}

/* Over all floats, a prime apart. */
static void test_exp_equals_scalar(void) {
    long wrong = 0;
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += 30011) {
        const uint32_t low = (uint32_t)bits;
        float x;
        memcpy(&x, &low, sizeof x);
        if (x != x) continue;
        const float expected = glossa_exp(x), actual = exp4(splat(x))[bits % 4];
        wrong += !same(&actual, &expected, sizeof actual);
        if (x <= 0.0f) {
            const float below = exp4_below(splat(x))[bits % 4];
            wrong += !same(&below, &expected, sizeof below);
        }
    }
    CHECK_INT(wrong, 0);
    CHECK(exp4(splat(NAN))[0] != exp4(splat(NAN))[0]);
    CHECK(exp4_below(splat(NAN))[3] != exp4_below(splat(NAN))[3]);
}

/* The scalar activation is reached through a matmul of zeros whose bias is x. */
static void test_activations_equal_scalar(void) {
    enum { N = 64 };
    float zeros[16] = {0}, weights[16 * N] = {0}, bias[N], expected[N];
    const glossa_rows rows = {.f32 = zeros, .stride = 16, .count = 1, .width = 16};
    const glossa_matrix w = {.data = weights, .bias = bias, .rows = N, .cols = 16, .pitch = 16 * sizeof(float)};
    for (int activation = 0; activation <= ACTIVATION_SIGMOID; activation++) {
        const glossa_epilogue epilogue = {(glossa_activation)activation, NULL, 0};
        for (uint64_t first = 0; first < UINT64_C(1) << 32; first += UINT64_C(1000003) * N) {
            for (uint32_t j = 0; j < N; j++) {
                const uint32_t bits = (uint32_t)first + j * 1000003u;
                memcpy(bias + j, &bits, sizeof bits);
                if (bias[j] != bias[j]) bias[j] = (float)j;
                if (bias[j] == 0.0f) bias[j] = 0.0f; /* 0 + -0 is 0 */
            }
            glossa_kernels_scalar.matmul(&rows, &w, NULL, N, expected, N, &epilogue);
            for (size_t j = 0; j < N; j++) {
                const float actual = glossa_vector_activate((glossa_activation)activation, splat(bias[j]))[j % 4];
                const bool equal =
                    same(&actual, &expected[j], sizeof actual) || (actual != actual && expected[j] != expected[j]);
                if (!equal) printf("activation %d of %.9g\n", activation, (double)bias[j]);
                CHECK(equal);
            }
        }
    }
}

int main(void) {
    RUN(test_load_and_store);
    RUN(test_min_and_max);
    RUN(test_reductions);
    RUN(test_exp_equals_scalar);
    RUN(test_activations_equal_scalar);
    return CHECK_RESULT();
}

#else

int main(void) {
    printf("this target has no vectors\n");
    return 77; /* skipped */
}

#endif
