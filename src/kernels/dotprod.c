/*
 * ARM with the dot product of 8-bit integers (ARMv8.2, FEAT_DotProd): four products into 32 bits at once.
 */
#include "kernels/kernels.h"

#if defined(GLOSSA_ARM)

#define MATMUL_TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#include "kernels/arm.inc"

MATMUL_TARGET static inline int32x4_t add_products(int32x4_t sums, int8x16_t weights, int8x16_t inputs, ones_t ones) {
    (void)ones;
    return vdotq_s32(sums, weights, inputs);
}

#include "kernels/matmul.inc"

const glossa_kernels glossa_kernels_dotprod = GLOSSA_VECTOR_KERNELS("dotprod", false, matmul);

#endif
