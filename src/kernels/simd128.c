/*
 * WebAssembly SIMD128: int8 products as pairs of int16, i32x4.dot_i16x8. To widen costs as much as to multiply: inputs
 * come widened, and weights are widened once where there are rows enough. Also what the relaxed tables fall back to.
 */
#include "kernels/verbs.h"

#if defined(__wasm_simd128__)

#if defined(GLOSSA_LAB_ALONE) /* a build that does not translate: what training needs of the table */

const glossa_kernels glossa_kernels_simd128 = {
    .name = "simd128",
    .layer_norm = glossa_vector_layer_norm,
    .embed = glossa_vector_embed,
    .softmax = glossa_vector_softmax,
    .log_sum_exp = glossa_vector_log_sum_exp,
};

#else

#define MATMUL_ROWS       2
#define MATMUL_LONE_QUADS 1
#define MATMUL_STEP       8
#define MATMUL_WIDEN      8
#define MATMUL_TARGET

typedef v128_t weights_t; /* eight int16 */
typedef v128_t inputs_t;
typedef int16_t input_t;
typedef i32x4 sums_t;

INLINE v128_t load_weights(const int8_t *p) {
    return wasm_i16x8_load8x8(p);
}

INLINE void store_wide(int16_t *p, v128_t weights) {
    wasm_v128_store(p, weights);
}

INLINE v128_t load_wide(const int16_t *p) {
    return wasm_v128_load(p);
}

INLINE v128_t load_inputs(const int16_t *p) {
    return wasm_v128_load(p);
}

INLINE i32x4 no_sums(void) {
    return splat_int(0);
}

typedef int ones_t;

INLINE ones_t make_ones(const int16_t *one) {
    return *one;
}

INLINE i32x4 add_products(i32x4 sums, v128_t weights, v128_t inputs, ones_t ones) {
    (void)ones;
    return sums + (i32x4)wasm_i32x4_dot_i16x8(weights, inputs);
}

INLINE i32x4 totals_of(i32x4 a, i32x4 b, i32x4 c, i32x4 d) {
    return total4(a, b, c, d);
}

#include "kernels/matmul.inc"

const glossa_kernels glossa_kernels_simd128 = GLOSSA_VECTOR_KERNELS("simd128", true, matmul);

#endif
#endif
