/*
 * Row quantization of weights.
 */
#include "quant.h"

#define ROUND 6755399441055744.0 /* 1.5 * 2^52: adding it rounds to an integer, ties to even */

/* The largest magnitude of a row, or the first column that is not finite. */
static glossa_status find_max(const float *row, size_t index, size_t cols, double *max, glossa_error *error) {
    *max = 0.0;
    for (size_t k = 0; k < cols; k++) {
        const double magnitude = row[k] < 0.0f ? -(double)row[k] : (double)row[k];
        FAIL_IF(!(magnitude - magnitude == 0.0), error, GLOSSA_ERROR_FORMAT,
                "the weight at row %zu, column %zu is not finite", index, k);
        if (magnitude > *max) *max = magnitude;
    }
    return GLOSSA_OK;
}

glossa_status glossa_quantize_rows(const float *weights, size_t rows, size_t cols, int8_t *q, float *scale,
                                   glossa_error *error) {
    for (size_t j = 0; j < rows; j++, weights += cols, q += cols) {
        double max;
        FORWARD(find_max(weights, j, cols, &max, error));
        const float step = (float)(max / 127.0);
        scale[j] = step == 0.0f ? 1.0f : step;
        for (size_t k = 0; k < cols; k++) {
            double value = step == 0.0f ? 0.0 : ((double)weights[k] / (double)step + ROUND) - ROUND;
            value = value > 127.0 ? 127.0 : value < -127.0 ? -127.0 : value;
            q[k] = (int8_t)value;
        }
    }
    return GLOSSA_OK;
}
