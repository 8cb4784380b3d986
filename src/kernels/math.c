/*
 * exp, log, sin and cos without libm, so that every platform gives the same bits.
 */
#include "kernels/kernels.h"
#include "kernels/polynomials.h"

#include <math.h> /* INFINITY, NAN */
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t bits_of64(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double of_bits64(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float glossa_exp(float x) {
    if (x < EXP_LOW) return 0.0f;
    if (!(x <= EXP_HIGH)) return x * INFINITY; /* NaN stays NaN */
    const float t = x * EXP_LOG2E + EXP_ROUND;
    const float n = t - EXP_ROUND;
    const float r = (x - n * EXP_LN2_HIGH) - n * EXP_LN2_LOW;
    const float square = r * r;
    const float q = (EXP_C2 + r * EXP_C3) + square * ((EXP_C4 + r * EXP_C5) + square * EXP_C6);
    const float p = 1.0f + (r + square * q);
    return of_bits(bits_of(p) + (bits_of(t) << 23));
}

/* In double: x = m * 2^n, m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172. */
float glossa_log(float x) {
    if (!(x >= 0.0f)) return NAN;
    if (x == 0.0f) return -INFINITY;
    if (x == INFINITY) return INFINITY;
    const uint64_t bits = bits_of64((double)x); /* normal, even if x is subnormal */
    const uint64_t sqrt_half = 0x3fe6a09e667f3bcdu;
    const int64_t n = (int64_t)((bits - sqrt_half + (UINT64_C(1023) << 52)) >> 52) - 1023;
    const double m = of_bits64(bits - ((uint64_t)n << 52));
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    const double series = 1.0 + z * (1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9 + z * (1.0 / 11)))));
    return (float)((double)n * 0.69314718055994530942 + 2.0 * s * series);
}

float glossa_sqrt(float x) {
#if defined(__SSE2__) /* compilers call libm for the sake of errno */
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
#else
    return sqrtf(x);
#endif
}

/* exp(r), |r| <= ln 2 / 2, by its Taylor series to r^13. */
double glossa_exp64(double x) {
    if (x < -708.0) return 0.0;
    if (!(x <= 709.0)) return x * (double)INFINITY;
    const double round = 6755399441055744.0; /* 1.5 * 2^52 */
    const double t = x * 1.44269504088896340736 + round;
    const double n = t - round;
    const double r = (x - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6; /* ln 2 in two parts */
    double p = 1.0;
    for (int k = 13; k >= 1; k--)
        p = 1.0 + r * p / k;
    return of_bits64(bits_of64(p) + (bits_of64(t) << 52));
}

void glossa_sin_cos64(double x, double *sine, double *cosine) {
    /* pi / 2 in three parts; the products of n with the first two, of 33 bits each, are exact for |n| < 2^20 */
    const double round = 6755399441055744.0;
    const double n = (x * 0.63661977236758134308 + round) - round;
    const double r =
        ((x - n * 1.57079632673412561417) - n * 6.07710050630396597660e-11) - n * 2.02226624879595063154e-21;
    const double z = r * r;
    double s = 1.0, c = 1.0; /* Taylor: s to r^17, c to r^16 */
    for (int k = 16; k >= 2; k -= 2) {
        s = 1.0 - z * s / (k * (k + 1));
        c = 1.0 - z * c / (k * (k - 1));
    }
    s *= r;
    switch ((int64_t)n & 3) {
    case 0:
        *sine = s, *cosine = c;
        break;
    case 1:
        *sine = c, *cosine = -s;
        break;
    case 2:
        *sine = -s, *cosine = -c;
        break;
    default:
        *sine = -c, *cosine = s;
        break;
    }
}
