/*
 * WebAssembly relaxed SIMD, int8 products in one step, i32x4.relaxed_dot_i8x16_i7x16_add: an instruction of the
 * processor where it has AVX-VNNI or ARM's dot product.
 */
#include "kernels.h"

#if defined(__wasm_relaxed_simd__)

#include "relaxed.h"

typedef int ones_t;

INLINE ones_t make_ones(const int16_t *one) {
    return *one;
}

INLINE i32x4 add_products(i32x4 sums, v128_t weights, v128_t inputs, ones_t ones) {
    (void)ones;
    return (i32x4)wasm_i32x4_relaxed_dot_i8x16_i7x16_add(weights, inputs, (v128_t)sums);
}

#include "matmul.h"

const glossa_kernels glossa_kernels_relaxed = {
    .name = "relaxed",
    .quantize = glossa_vector_quantize,
    .row_sums = glossa_vector_row_sums,
    .matmul = matmul,
    .layer_norm = glossa_vector_layer_norm,
    .embed = glossa_vector_embed,
    .attend = glossa_vector_attend,
    .softmax = glossa_vector_softmax,
    .log_sum_exp = glossa_vector_log_sum_exp,
    .ssru = glossa_vector_ssru,
};

#endif
