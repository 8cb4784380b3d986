/*
 * x86-64 with AVX-512 and bfloat16: the tiles of AVX-512, whose products are of bfloat16 and whose sums are of floats.
 * A factor is rounded to the nearest bfloat16 (ties to even; denormals are zero) when it is packed, two of them to a
 * word; so this table is coarse, and nobody gets it who does not name it.
 */
#include "kernels/gradients_vector.h"

#if defined(GLOSSA_X86)
#include <immintrin.h>

#define GEMM_TARGET        __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define GEMM_LANES         16
#define GEMM_ROWS          12
#define GEMM_VECTORS       2
#define GEMM_MADD(x, y, z) ((gemm_vector)_mm512_dpbf16_ps((__m512)(z), (__m512bh)(x), (__m512bh)(y)))
#define GEMM_PAIRS

typedef uint32_t words8 __attribute__((vector_size(32)));
typedef uint32_t words4 __attribute__((vector_size(16)));
typedef uint32_t words4_at __attribute__((vector_size(16), aligned(4), may_alias));

#define PACK GEMM_TARGET static inline __attribute__((always_inline))

/* Sixteen numbers as eight words. */
PACK words8 round16(const float *from) {
    return (words8)_mm512_cvtneps_pbh(_mm512_loadu_ps(from));
}

/* Sixteen numbers of four rows become eight rows of four words that lie `width` apart. */
PACK void turn_words(const float *from, size_t row, size_t width, uint32_t *out) {
    const words8 a = round16(from), b = round16(from + row), c = round16(from + 2 * row), d = round16(from + 3 * row);
    const words8 ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    const words8 cd = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13);
    const words8 AB = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    const words8 CD = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    const words8 rows[4] = {__builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13),
                            __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15),
                            __builtin_shufflevector(AB, CD, 0, 1, 8, 9, 4, 5, 12, 13),
                            __builtin_shufflevector(AB, CD, 2, 3, 10, 11, 6, 7, 14, 15)};
    for (size_t i = 0; i < 4; i++) {
        *(words4_at *)(out + i * width) = (words4)_mm256_castsi256_si128((__m256i)rows[i]);
        *(words4_at *)(out + (i + 4) * width) = (words4)_mm256_extracti128_si256((__m256i)rows[i], 1);
    }
}

/* Up to sixteen numbers of two rows as words, the first row in the low halves; `second` may be NULL for zeros. */
PACK void join_rows(const float *first, const float *second, size_t count, uint32_t *out) {
    const __mmask16 some = (__mmask16)((1u << count) - 1);
    const __m256i low = (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(some, first));
    const __m256i high =
        second ? (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(some, second)) : _mm256_setzero_si256();
    const __m512i words =
        _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
    _mm512_mask_storeu_epi32(out, some, words);
}

/* One number after the other, of which `second` may be missing. */
PACK uint32_t join_two(const float *first, const float *second) {
    uint32_t word;
    join_rows(first, second, 1, &word);
    return word;
}

/* As gemm.h's: words of elements (i, 2 k) and (i, 2 k + 1) at [i / width][k][i % width], zeros beyond the last. */
GEMM_TARGET static void gemm_pack(const float *data, size_t row, size_t step, size_t count, size_t depth, size_t width,
                                  uint32_t *out) {
    const size_t items = (depth + 1) / 2;
    for (size_t at = 0; at < count; at += width, out += items * width) {
        const size_t some = count - at < width ? count - at : width;
        const float *from = data + at * row;
        size_t k = 0;
        if (some < width) memset(out, 0, items * width * sizeof *out);
        if (row == 1) {
            for (; k < depth; k += 2)
                for (size_t i = 0; i < some; i += 16)
                    join_rows(from + k * step + i, k + 1 < depth ? from + (k + 1) * step + i : NULL,
                              some - i < 16 ? some - i : 16, out + k / 2 * width + i);
            continue;
        }
        for (; step == 1 && k + 16 <= depth; k += 16)
            for (size_t i = 0; i + 4 <= some; i += 4)
                turn_words(from + i * row + k, row, width, out + k / 2 * width + i);
        const size_t turned = k > 0 ? some - some % 4 : 0;
        for (size_t i = turned; i < some; i++)
            for (size_t h = 0; h < k; h += 2)
                out[h / 2 * width + i] = join_two(from + i * row + h, from + i * row + h + 1);
        for (; k < depth; k += 2)
            for (size_t i = 0; i < some; i++) {
                const float *first = from + i * row + k * step;
                out[k / 2 * width + i] = join_two(first, k + 1 < depth ? first + step : NULL);
            }
    }
}

#include "kernels/gemm.h"

const glossa_gradients glossa_gradients_bfloat16 =
    GLOSSA_VECTOR_GRADIENTS("bfloat16", 1e-2f, GLOSSA_VECTOR_FORWARD, GEMM_WORK, multiply, linear);

#endif
