/*
 * WebAssembly relaxed SIMD, int8 products in one step, i32x4.relaxed_dot_i8x16_i7x16_add: an instruction of the
 * processor where it has AVX-VNNI or ARM's dot product.
 */
#include "kernels/kernels.h"

#if defined(__wasm_relaxed_simd__)

#define MATMUL_LONE_QUADS 2
#include "kernels/relaxed.inc"

typedef int ones_t;

INLINE ones_t make_ones(const int16_t *one) {
    return *one;
}

INLINE i32x4 add_products(i32x4 sums, v128_t weights, v128_t inputs, ones_t ones) {
    (void)ones;
    return (i32x4)wasm_i32x4_relaxed_dot_i8x16_i7x16_add(weights, inputs, (v128_t)sums);
}

#include "kernels/matmul.inc"

const glossa_kernels glossa_kernels_relaxed = GLOSSA_VECTOR_KERNELS("relaxed", false, matmul);

#endif
