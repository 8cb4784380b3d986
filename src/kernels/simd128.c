/*
 * WebAssembly SIMD128: int8 products as pairs of int16, i32x4.dot_i16x8. Also what the relaxed tables fall back to.
 */
#include "vector.h"

#if defined(__wasm_simd128__)

#define MATMUL_ROWS 3
#define MATMUL_STEP 16
#define MATMUL_TARGET

typedef struct pair {
    v128_t low, high; /* eight int16 each */
} pair;
typedef pair weights_t;
typedef pair inputs_t;
typedef i32x4 sums_t;

INLINE pair load_weights(const int8_t *p) {
    return (pair){wasm_i16x8_load8x8(p), wasm_i16x8_load8x8(p + 8)};
}

INLINE pair load_inputs(const uint8_t *p) {
    return (pair){wasm_u16x8_load8x8(p), wasm_u16x8_load8x8(p + 8)};
}

INLINE i32x4 no_sums(void) {
    return splat_int(0);
}

typedef int ones_t;

INLINE ones_t make_ones(const int16_t *one) {
    return *one;
}

INLINE i32x4 add_products(i32x4 sums, pair weights, pair inputs, ones_t ones) {
    (void)ones;
    return sums + ((i32x4)wasm_i32x4_dot_i16x8(weights.low, inputs.low) +
                   (i32x4)wasm_i32x4_dot_i16x8(weights.high, inputs.high));
}

INLINE i32x4 totals_of(i32x4 a, i32x4 b, i32x4 c, i32x4 d) {
    return total4(a, b, c, d);
}

#include "matmul.h"

const glossa_kernels glossa_kernels_simd128 = GLOSSA_VECTOR_KERNELS("simd128", matmul);

#endif
