/*
 * WebAssembly relaxed SIMD: int8 products by i32x4.relaxed_dot_i8x16_i7x16_add, which is exact by specification while
 * the second operand has 7 bits. Engines exist that get it wrong; glossa_kernels_self_test finds them.
 */
#include "vector.h"

#if defined(__wasm_relaxed_simd__)

#define MATMUL_ROWS 2
#define MATMUL_STEP 16
#define MATMUL_TARGET

typedef v128_t weights_t;
typedef v128_t inputs_t;
typedef i32x4 sums_t;

INLINE v128_t load_weights(const int8_t *p) {
    return wasm_v128_load(p);
}

INLINE v128_t load_inputs(const uint8_t *p) {
    return wasm_v128_load(p);
}

INLINE i32x4 no_sums(void) {
    return splat_int(0);
}

INLINE i32x4 add_products(i32x4 sums, v128_t weights, v128_t inputs) {
    return (i32x4)wasm_i32x4_relaxed_dot_i8x16_i7x16_add(weights, inputs, (v128_t)sums);
}

INLINE i32x4 totals_of(i32x4 a, i32x4 b, i32x4 c, i32x4 d) {
    return total4(a, b, c, d);
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
