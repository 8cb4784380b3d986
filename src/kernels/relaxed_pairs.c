/*
 * WebAssembly relaxed SIMD, int8 products in two steps: i16x8.relaxed_dot_i8x16_i7x16, whose pairs always fit, and a
 * product with ones that widens and adds them. For x86-64 without AVX-VNNI, where engines make five instructions of the
 * single step and three of these two.
 */
#include "kernels/kernels.h"

#if defined(__wasm_relaxed_simd__)

#define MATMUL_LONE_QUADS 1
#include "kernels/relaxed.inc"

typedef v128_t ones_t;

INLINE ones_t make_ones(const int16_t *one) {
    return wasm_v128_load16_splat(one);
}

INLINE i32x4 add_products(i32x4 sums, v128_t weights, v128_t inputs, ones_t ones) {
    return sums + (i32x4)wasm_i32x4_dot_i16x8(wasm_i16x8_relaxed_dot_i8x16_i7x16(weights, inputs), ones);
}

#include "kernels/matmul.inc"

const glossa_kernels glossa_kernels_relaxed_pairs = GLOSSA_VECTOR_KERNELS("relaxed-pairs", false, matmul);

#endif
