/*
 * The verbs of training but the products, written once on the vocabulary of lanes.h: the scalar bits, four lanes at a
 * time. Every vector table shares them.
 */
#ifndef GLOSSA_GRADIENTS_VECTOR_H
#define GLOSSA_GRADIENTS_VECTOR_H

#include "kernels/gradients.h"
#include "kernels/verbs.h"

#if defined(GLOSSA_HAS_LANES)

void glossa_gradients_column_sums(const float *x, size_t m, size_t n, float *sums);
void glossa_gradients_activate(glossa_activation f, const float *x, size_t n, float *y);
void glossa_gradients_activate_backward(glossa_activation f, const float *x, const float *dy, size_t n, float *dx);
void glossa_gradients_norm_backward(const float *x, const float *dy, size_t m, size_t d, const float *weight,
                                    float epsilon, float *dx, float *dweight, float *dbias);
float glossa_gradients_cross_entropy(float *z, size_t n, size_t target, float smoothing, float weight);
void glossa_gradients_adam(const glossa_adam *step, size_t n, const float *gradient, float *value, float *m, float *v);

/* A table: its name, whether it is exact, the kernels of its forward pass, and its own products. */
#define GLOSSA_VECTOR_GRADIENTS(label, most_off, kernels, floats, multiply_verb, linear_verb)                          \
    {                                                                                                                  \
        .name = label,                                                                                                 \
        .tolerance = most_off,                                                                                         \
        .forward = kernels,                                                                                            \
        .work = floats,                                                                                                \
        .multiply = multiply_verb,                                                                                     \
        .linear = linear_verb,                                                                                         \
        .column_sums = glossa_gradients_column_sums,                                                                   \
        .activate = glossa_gradients_activate,                                                                         \
        .activate_backward = glossa_gradients_activate_backward,                                                       \
        .norm_backward = glossa_gradients_norm_backward,                                                               \
        .cross_entropy = glossa_gradients_cross_entropy,                                                               \
        .adam = glossa_gradients_adam,                                                                                 \
    }

/* The kernels of the forward pass: any vector target's, since all give the same bits. */
#if defined(__wasm_simd128__)
#define GLOSSA_VECTOR_FORWARD (&glossa_kernels_simd128)
#elif defined(GLOSSA_ARM)
#define GLOSSA_VECTOR_FORWARD (&glossa_kernels_neon)
#else
#define GLOSSA_VECTOR_FORWARD (&glossa_kernels_avx2)
#endif

#endif
#endif
