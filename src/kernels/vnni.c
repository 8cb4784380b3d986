/*
 * x86-64 with the 256-bit forms of AVX-512 VNNI: four products of bytes into 32 bits at once.
 */
#include "kernels/kernels.h"

#if defined(GLOSSA_X86)

#define MATMUL_ROWS   3
#define MATMUL_TARGET __attribute__((target("avx512vl,avx512vnni,avx2")))
#include "kernels/x86.inc"

typedef int ones_t;

MATMUL_TARGET static inline ones_t make_ones(const int16_t *one) {
    return *one;
}

MATMUL_TARGET static inline __m256i add_products(__m256i sums, __m256i weights, __m256i inputs, ones_t ones) {
    (void)ones;
    return _mm256_dpbusd_epi32(sums, inputs, weights);
}

#include "kernels/matmul.inc"

const glossa_kernels glossa_kernels_vnni = GLOSSA_VECTOR_KERNELS("vnni", false, matmul);

#endif
