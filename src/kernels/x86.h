/*
 * What the x86-64 targets share: 32 inputs at a time in 256-bit registers. The including file defines MATMUL_TARGET
 * and MATMUL_ROWS.
 */
#include <immintrin.h>

#include "vector.h"

#define MATMUL_LONE_QUADS 2
#define MATMUL_STEP       32

typedef __m256i weights_t;
typedef __m256i inputs_t;
typedef uint8_t input_t;
typedef __m256i sums_t;

MATMUL_TARGET static inline __m256i load_weights(const int8_t *p) {
    return _mm256_loadu_si256((const __m256i_u *)p);
}

MATMUL_TARGET static inline __m256i load_inputs(const uint8_t *p) {
    return _mm256_loadu_si256((const __m256i_u *)p);
}

/* GLOSSA_K_STEP bytes are left, half a register. */
MATMUL_TARGET static inline __m256i load_weights_part(const int8_t *p) {
    return _mm256_inserti128_si256(_mm256_setzero_si256(), _mm_loadu_si128((const __m128i_u *)p), 0);
}

MATMUL_TARGET static inline __m256i load_inputs_part(const uint8_t *p) {
    return _mm256_inserti128_si256(_mm256_setzero_si256(), _mm_loadu_si128((const __m128i_u *)p), 0);
}

MATMUL_TARGET static inline __m256i no_sums(void) {
    return _mm256_setzero_si256();
}

MATMUL_TARGET static inline i32x4 totals_of(__m256i a, __m256i b, __m256i c, __m256i d) {
    const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return (i32x4)_mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}
