/* Row quantization of weights: values by hand, the error of every weight, bad weights. */
#include <float.h>

#include "check.h"
#include "quant.h"

static void test_by_hand(void) {
    /* scale 1: ties go to even; then scale 2; then scale 1 / 127 */
    const float w[3 * 6] = {127, 0.5f, 1.5f, -2.5f, -0.5f, -127, 254, 1, 3, -5, 0, -0.0f, 1, -1, 0.5f, 0, 0.25f, 1e-9f};
    const int8_t expected[3 * 6] = {127, 0, 2, -2, 0, -127, 127, 0, 2, -2, 0, 0, 127, -127, 64, 0, 32, 0};
    int8_t q[3 * 6];
    float scale[3];
    CHECK_INT(glossa_quantize_rows(w, 3, 6, q, scale, NULL), GLOSSA_OK);
    CHECK(scale[0] == 1.0f && scale[1] == 2.0f && scale[2] == 1.0f / 127.0f);
    for (int i = 0; i < 18; i++)
        CHECK_INT(q[i], expected[i]);
}

static void test_error_is_half_a_step(void) {
    float w[4 * 64];
    int8_t q[4 * 64];
    float scale[4];
    uint32_t state = 7;
    for (int i = 0; i < 4 * 64; i++) {
        state = state * 1664525u + 1013904223u;
        const float size[4] = {1, 1e-20f, 1e20f, 1e38f};
        w[i] = size[i / 64] * ((float)(state >> 8) / 8388608.0f - 1.0f);
    }
    CHECK_INT(glossa_quantize_rows(w, 4, 64, q, scale, NULL), GLOSSA_OK);
    for (int i = 0; i < 4 * 64; i++) {
        const double step = (double)scale[i / 64];
        CHECK_NEAR(q[i] * step / step, (double)w[i] / step, 0.50001);
        CHECK(q[i] >= -127);
    }
}

static void test_degenerate_rows(void) {
    const float w[4 * 2] = {0, -0.0f, 1e-45f, -1e-45f, FLT_MAX, -FLT_MAX, FLT_MIN, 0};
    int8_t q[8];
    float scale[4];
    CHECK_INT(glossa_quantize_rows(w, 4, 2, q, scale, NULL), GLOSSA_OK);
    CHECK(scale[0] == 1.0f && q[0] == 0 && q[1] == 0);
    CHECK(scale[1] == 1.0f && q[2] == 0 && q[3] == 0); /* the scale is below the smallest float */
    CHECK(q[4] == 127 && q[5] == -127 && scale[2] <= FLT_MAX);
    CHECK(q[6] == 127 && q[7] == 0);
    CHECK_INT(glossa_quantize_rows(w, 0, 2, q, scale, NULL), GLOSSA_OK);
    CHECK_INT(glossa_quantize_rows(w, 4, 0, q, scale, NULL), GLOSSA_OK);
}

static void test_not_finite(void) {
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        float w[2 * 3] = {1, 2, 3, 4, 5, 6};
        int8_t q[6];
        float scale[2];
        glossa_error error;
        w[5] = bad[i];
        CHECK_INT(glossa_quantize_rows(w, 2, 3, q, scale, &error), GLOSSA_ERROR_FORMAT);
        CHECK_STRING(error.message, "the weight at row 1, column 2 is not finite");
    }
}

int main(void) {
    RUN(test_by_hand);
    RUN(test_error_is_half_a_step);
    RUN(test_degenerate_rows);
    RUN(test_not_finite);
    return CHECK_RESULT();
}
