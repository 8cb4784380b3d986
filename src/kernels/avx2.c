/*
 * x86-64 with AVX2: products of bytes in pairs of 16 bits. The instruction saturates, but 127 x 127 x 2 fits.
 */
#include "kernels/kernels.h"

#if defined(GLOSSA_X86)

#define MATMUL_ROWS   2
#define MATMUL_TARGET __attribute__((target("avx2")))
#include "kernels/x86.inc"

typedef __m256i ones_t;

MATMUL_TARGET static inline __m256i make_ones(const int16_t *one) {
    return _mm256_set1_epi16(*one);
}

MATMUL_TARGET static inline __m256i add_products(__m256i sums, __m256i weights, __m256i inputs, __m256i ones) {
    const __m256i pairs = _mm256_maddubs_epi16(inputs, weights);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, ones));
}

#include "kernels/matmul.inc"

const glossa_kernels glossa_kernels_avx2 = GLOSSA_VECTOR_KERNELS("avx2", false, matmul);

#endif
