/*
 * The vector vocabulary: four floats or four ints, the same on every target that has 128-bit vectors (WebAssembly
 * simd128, x86-64 and 64-bit ARM), by the vector extensions of GCC and Clang. Arithmetic is written with operators,
 * lane by lane; the functions here are the rest. Kernels built on it are written once and give the scalar kernels'
 * bits.
 */
#ifndef GLOSSA_LANES_H
#define GLOSSA_LANES_H

#include "kernels/kernels.h"

#if defined(__wasm_simd128__) || defined(GLOSSA_X86) || defined(GLOSSA_ARM)
#define GLOSSA_HAS_LANES 1

#include "kernels/polynomials.h"

#include <math.h> /* INFINITY */
#include <string.h>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(GLOSSA_ARM)
#include <arm_neon.h>
#else
#include <emmintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline, unused))

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef int8_t i8x4 __attribute__((vector_size(4)));

/* The same where they lie in memory: any alignment, any type around them. */
typedef float f32x4_at __attribute__((vector_size(16), aligned(1), may_alias));
typedef int32_t i32x4_at __attribute__((vector_size(16), aligned(1), may_alias));
typedef int16_t i16x8_at __attribute__((vector_size(16), aligned(1), may_alias));

/* ---- memory ----------------------------------------------------------------------------------------------------- */

INLINE f32x4 load4(const float *p) {
    return *(const f32x4_at *)p;
}

INLINE void store4(float *p, f32x4 x) {
    *(f32x4_at *)p = x;
}

INLINE f32x4 splat(float x) {
    return (f32x4){x, x, x, x};
}

INLINE i32x4 splat_int(int32_t x) {
    return (i32x4){x, x, x, x};
}

/* The first min(count, 4) of four, the others `fill`. */
INLINE f32x4 load_part(const float *p, size_t count, float fill) {
    if (count >= 4) return load4(p);
    return (f32x4){count > 0 ? p[0] : fill, count > 1 ? p[1] : fill, count > 2 ? p[2] : fill, fill};
}

INLINE void store_part(float *p, f32x4 x, size_t count) {
    if (count >= 4) {
        store4(p, x);
        return;
    }
    if (count > 0) p[0] = x[0];
    if (count > 1) p[1] = x[1];
    if (count > 2) p[2] = x[2];
}

/* ---- lanes ------------------------------------------------------------------------------------------------------ */

/* a > b ? a : b and a < b ? a : b, so that b wins where either is NaN. */
INLINE f32x4 max4(f32x4 a, f32x4 b) {
#if defined(__wasm_simd128__)
    return (f32x4)wasm_f32x4_pmax((v128_t)b, (v128_t)a);
#elif defined(GLOSSA_ARM)
    return (f32x4)vbslq_f32(vcgtq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a, (float32x4_t)b);
#else
    return _mm_max_ps(a, b);
#endif
}

INLINE f32x4 min4(f32x4 a, f32x4 b) {
#if defined(__wasm_simd128__)
    return (f32x4)wasm_f32x4_pmin((v128_t)b, (v128_t)a);
#elif defined(GLOSSA_ARM)
    return (f32x4)vbslq_f32(vcltq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a, (float32x4_t)b);
#else
    return _mm_min_ps(a, b);
#endif
}

INLINE f32x4 abs4(f32x4 x) {
    return (f32x4)((i32x4)x & splat_int(0x7fffffff));
}

INLINE f32x4 to_float(i32x4 x) {
    return __builtin_convertvector(x, f32x4);
}

/* Four int8 from memory. */
INLINE f32x4 load_int8(const int8_t *p) {
    i8x4 x;
    memcpy(&x, p, sizeof x);
    return __builtin_convertvector(x, f32x4);
}

/* The sum of each two neighbours among sixteen int8 from memory. */
INLINE i16x8 pair_sums(const int8_t *p) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_i16x8_extadd_pairwise_i8x16(wasm_v128_load(p));
#elif defined(GLOSSA_ARM)
    return (i16x8)vpaddlq_s8(vld1q_s8(p));
#else
    i16x8 x;
    memcpy(&x, p, sizeof x);
    return (x >> 8) + ((i16x8)((u16x8)x << 8) >> 8);
#endif
}

/* The same of eight int16. */
INLINE i32x4 pair_totals(i16x8 x) {
#if defined(__wasm_simd128__)
    return (i32x4)wasm_i32x4_extadd_pairwise_i16x8((v128_t)x);
#elif defined(GLOSSA_ARM)
    return (i32x4)vpaddlq_s16((int16x8_t)x);
#else
    return (i32x4)_mm_madd_epi16((__m128i)x, _mm_set1_epi16(1));
#endif
}

/* Eight ints -32768..32767 as int16. */
INLINE i16x8 narrow8(i32x4 a, i32x4 b) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_i16x8_narrow_i32x4((v128_t)a, (v128_t)b);
#elif defined(GLOSSA_ARM)
    return (i16x8)vcombine_s16(vqmovn_s32((int32x4_t)a), vqmovn_s32((int32x4_t)b));
#else
    return (i16x8)_mm_packs_epi32((__m128i)a, (__m128i)b);
#endif
}

/* Sixteen ints of that range to memory. */
INLINE void store_shorts(int16_t *p, i32x4 a, i32x4 b, i32x4 c, i32x4 d) {
    *(i16x8_at *)p = narrow8(a, b);
    *(i16x8_at *)(p + 8) = narrow8(c, d);
}

/* Sixteen ints 0..127 to memory as bytes. */
INLINE void store_bytes(uint8_t *p, i32x4 a, i32x4 b, i32x4 c, i32x4 d) {
    const i16x8 ab = narrow8(a, b), cd = narrow8(c, d);
#if defined(__wasm_simd128__)
    wasm_v128_store(p, wasm_u8x16_narrow_i16x8((v128_t)ab, (v128_t)cd));
#elif defined(GLOSSA_ARM)
    vst1q_u8(p, vcombine_u8(vqmovun_s16((int16x8_t)ab), vqmovun_s16((int16x8_t)cd)));
#else
    _mm_storeu_si128((__m128i_u *)p, _mm_packus_epi16((__m128i)ab, (__m128i)cd));
#endif
}

/* ---- reductions ------------------------------------------------------------------------------------------------- */

/* GLOSSA_LANES lanes folded in halves. */
INLINE float fold16(f32x4 a, f32x4 b, f32x4 c, f32x4 d) {
    const f32x4 lanes = (a + c) + (b + d);
    return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

/* The total of each of four vectors. */
INLINE i32x4 total4(i32x4 a, i32x4 b, i32x4 c, i32x4 d) {
    const i32x4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const i32x4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
    return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

INLINE float fold_max(f32x4 x) {
    const float low = x[0] > x[1] ? x[0] : x[1], high = x[2] > x[3] ? x[2] : x[3];
    return low > high ? low : high;
}

/* ---- functions -------------------------------------------------------------------------------------------------- */

/* glossa_exp of four where no x is above EXP_HIGH. */
INLINE f32x4 exp4_below(f32x4 x) {
    const f32x4 t = x * EXP_LOG2E + EXP_ROUND;
    const f32x4 n = t - EXP_ROUND;
    const f32x4 r = (x - n * EXP_LN2_HIGH) - n * EXP_LN2_LOW;
    const f32x4 square = r * r;
    const f32x4 q = (EXP_C2 + r * EXP_C3) + square * ((EXP_C4 + r * EXP_C5) + square * EXP_C6);
    const f32x4 p = 1.0f + (r + square * q);
    const i32x4 low = x < EXP_LOW;
    return (f32x4)((i32x4)((u32x4)p + ((u32x4)t << 23)) & ~low);
}

/* glossa_exp of four. */
INLINE f32x4 exp4(f32x4 x) {
    const i32x4 inside = x <= EXP_HIGH;
    return (f32x4)(((i32x4)exp4_below(x) & inside) | ((i32x4)(x * INFINITY) & ~inside));
}

INLINE f32x4 relu4(f32x4 x) {
    return max4(x, splat(0.0f));
}

#endif
#endif
