/*
 * ARM with NEON, which every 64-bit one has: products of bytes in pairs of 16 bits, which hold 127 x 127 x 2.
 */
#include "kernels/kernels.h"

#if defined(GLOSSA_ARM)

#define MATMUL_TARGET
#include "kernels/arm.inc"

static inline int32x4_t add_products(int32x4_t sums, int8x16_t weights, int8x16_t inputs, ones_t ones) {
    (void)ones;
    const int16x8_t low = vmull_s8(vget_low_s8(weights), vget_low_s8(inputs));
    return vpadalq_s16(sums, vmlal_s8(low, vget_high_s8(weights), vget_high_s8(inputs)));
}

#include "kernels/matmul.inc"

const glossa_kernels glossa_kernels_neon = GLOSSA_VECTOR_KERNELS("neon", false, matmul);

#endif
