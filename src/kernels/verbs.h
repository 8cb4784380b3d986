/*
 * The verbs but the int8 matmul, written once on the vocabulary of lanes.h; vector targets share them.
 */
#ifndef GLOSSA_VERBS_H
#define GLOSSA_VERBS_H

#include "kernels/lanes.h"

#if defined(GLOSSA_HAS_LANES)

void glossa_vector_quantize(const glossa_rows *rows);      /* to bytes */
void glossa_vector_quantize_wide(const glossa_rows *rows); /* to int16 */
void glossa_vector_row_sums(const int8_t *data, size_t rows, size_t cols, int32_t *sums);
void glossa_vector_layer_norm(const float *x, size_t rows, size_t d, const float *weight, const float *bias,
                              float epsilon, float *y);
void glossa_vector_embed(const void *row, glossa_weight_type type, float scale, const float *position, size_t d,
                         float *y);
void glossa_vector_attend(const glossa_head *head);
void glossa_vector_softmax(float *x, size_t n);
float glossa_vector_log_sum_exp(const float *x, size_t n);
void glossa_vector_ssru(const float *forget, const float *x, const float *residual, size_t d, float *cell, float *y);

/* The table of a vector target: its name, its own int8 matmul, whether that is wide, and the verbs that all share. */
#define GLOSSA_VECTOR_KERNELS(label, is_wide, int8_matmul)                                                             \
    {                                                                                                                  \
        .name = label,                                                                                                 \
        .wide = is_wide,                                                                                               \
        .quantize = (is_wide) ? glossa_vector_quantize_wide : glossa_vector_quantize,                                  \
        .row_sums = glossa_vector_row_sums,                                                                            \
        .matmul = int8_matmul,                                                                                         \
        .layer_norm = glossa_vector_layer_norm,                                                                        \
        .embed = glossa_vector_embed,                                                                                  \
        .attend = glossa_vector_attend,                                                                                \
        .softmax = glossa_vector_softmax,                                                                              \
        .log_sum_exp = glossa_vector_log_sum_exp,                                                                      \
        .ssru = glossa_vector_ssru,                                                                                    \
    }

/* matmul for float32 weights. */
void glossa_vector_matmul_f32(const glossa_rows *rows, const glossa_matrix *w, const uint32_t *ids, size_t n, float *y,
                              size_t y_stride, const glossa_epilogue *epilogue);

/* Four values through an activation other than none and ReLU. */
f32x4 glossa_vector_activate(glossa_activation activation, f32x4 x);

/* The end of `count` products of row i from column j on, four at most: activation, residual, store. */
INLINE void finish4(f32x4 x, const glossa_epilogue *epilogue, size_t i, size_t j, size_t count, float *y) {
    if (epilogue->activation == ACTIVATION_RELU)
        x = relu4(x);
    else if (epilogue->activation != ACTIVATION_NONE)
        x = glossa_vector_activate(epilogue->activation, x);
    if (epilogue->residual) x += load_part(epilogue->residual + i * epilogue->residual_stride + j, count, 0.0f);
    store_part(y, x, count);
}

#endif
#endif
