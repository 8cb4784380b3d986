/*
 * What the two targets of relaxed SIMD share: 16 inputs at a time. Their instructions are exact by specification while
 * the second operand has 7 bits. Engines exist that get them wrong; glossa_kernels_self_test finds them.
 */
#include "vector.h"

#define MATMUL_ROWS 2
#define MATMUL_STEP 16
#define MATMUL_TARGET

typedef v128_t weights_t;
typedef v128_t inputs_t;
typedef uint8_t input_t;
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

INLINE i32x4 totals_of(i32x4 a, i32x4 b, i32x4 c, i32x4 d) {
    return total4(a, b, c, d);
}
