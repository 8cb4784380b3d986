#include "kernels/gradients.h"

#include <stdlib.h>

#include "check.h"

static void test_every_table_passes_its_self_test(void) {
    for (const glossa_gradients *const *t = glossa_gradients_all(); *t; t++) {
        printf("       %s\n", (*t)->name);
        CHECK_INT(glossa_gradients_self_test(*t), 0);
    }
    const glossa_gradients *coarse = glossa_gradients_find("bfloat16");
    printf("       %s\n", coarse ? coarse->name : "no bfloat16 on this machine");
    if (coarse) CHECK_INT(glossa_gradients_self_test(coarse), 0);
    CHECK(glossa_gradients_find(NULL)->tolerance <= 1e-5f);
}

static glossa_gradients spoiled;

static void wrong_sums(const float *x, size_t m, size_t n, float *sums) {
    glossa_gradients_scalar.column_sums(x, m, n, sums);
    if (m > 0 && n > 0) sums[n - 1] *= 1.001f;
}

static void test_a_wrong_table_is_found(void) {
    spoiled = glossa_gradients_scalar;
    spoiled.column_sums = wrong_sums;
    CHECK_INT(glossa_gradients_self_test(&spoiled), 3);
    spoiled.tolerance = 1e-5f;
    CHECK_INT(glossa_gradients_self_test(&spoiled), 3);
}

static float *random_floats(size_t count, unsigned seed) {
    float *x = malloc((count + 1) * sizeof *x);
    if (!x) abort();
    uint32_t state = seed;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(int32_t)(state >> 8) / 8388608.0f - 1.0f;
    }
    return x;
}

/* The three products of a linear layer for sizes around the tiles and blocks: exact tables to the bit, the others near
   a sum in double. */
static void check_products(const glossa_gradients *g, size_t m, size_t n, size_t k) {
    float *x = random_floats(m * k, 1), *w = random_floats(n * k, 2), *dy = random_floats(m * n, 3);
    float *bias = random_floats(n, 4), *work = random_floats(g->work, 5);
    const size_t sizes[3] = {m * n, m * k, n * k};
    for (int which = 0; which < 3; which++) {
        float *expected = random_floats(sizes[which], 6), *actual = random_floats(sizes[which], 6);
        const glossa_gradients *tables[2] = {&glossa_gradients_scalar, g};
        for (int t = 0; t < 2; t++) {
            float *c = t ? actual : expected;
            if (which == 0)
                tables[t]->linear(x, w, bias, m, n, k, c, work);
            else if (which == 1)
                tables[t]->multiply((glossa_factor){dy, n, 1}, (glossa_factor){w, 1, k}, m, k, n, c, k, work);
            else
                tables[t]->multiply((glossa_factor){dy, 1, n}, (glossa_factor){x, 1, k}, n, k, m, c, k, work);
        }
        double worst = 0;
        for (size_t i = 0; i < sizes[which]; i++)
            worst = fmax(worst, fabs((double)expected[i] - actual[i]));
        if (g->tolerance == 0.0f)
            CHECK(memcmp(expected, actual, sizes[which] * sizeof *actual) == 0);
        else
            CHECK(worst < 20 * (double)g->tolerance);
        free(expected);
        free(actual);
    }
    free(x);
    free(w);
    free(dy);
    free(bias);
    free(work);
}

static void test_products_of_all_sizes(void) {
    static const size_t sizes[][3] = {{1, 1, 1},   {6, 16, 16},  {5, 15, 17},   {13, 300, 7},   {7, 3, 300},
                                      {300, 5, 9}, {12, 32, 64}, {97, 65, 257}, {257, 257, 30}, {0, 4, 4}};
    for (const glossa_gradients *const *t = glossa_gradients_all(); *t; t++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check_products(*t, sizes[i][0], sizes[i][1], sizes[i][2]);
    const glossa_gradients *coarse = glossa_gradients_find("bfloat16");
    for (size_t i = 0; coarse && i < sizeof sizes / sizeof *sizes; i++)
        check_products(coarse, sizes[i][0], sizes[i][1], sizes[i][2]);
}

/* Central differences of the functions themselves, in steps small enough for a smooth one. */
static void test_slopes(void) {
    for (int f = ACTIVATION_RELU; f <= ACTIVATION_SIGMOID; f++) {
        for (float x = -6.03f; x < 6.0f; x += 0.11f) {
            const float h = 0.03125f, one = 1.0f;
            float dx = 0.0f;
            glossa_gradients_scalar.activate_backward((glossa_activation)f, &x, &one, 1, &dx);
            const glossa_activation a = (glossa_activation)f;
            const double near = ((double)glossa_activate(a, x + h) - (double)glossa_activate(a, x - h)) / (2 * h);
            const double far =
                ((double)glossa_activate(a, x + 2 * h) - (double)glossa_activate(a, x - 2 * h)) / (4 * h);
            if (f == ACTIVATION_RELU && fabsf(x) < 3 * h) continue;
            CHECK_NEAR(dx, (4 * near - far) / 3, 3e-5);
        }
    }
}

int main(void) {
    RUN(test_every_table_passes_its_self_test);
    RUN(test_a_wrong_table_is_found);
    RUN(test_products_of_all_sizes);
    RUN(test_slopes);
    return CHECK_RESULT();
}
