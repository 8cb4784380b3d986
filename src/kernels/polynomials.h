/*
 * Constants of the float functions. The scalar and the vector form of each function evaluate the same operations in the
 * same order with these, so they give the same bits.
 */
#ifndef GLOSSA_POLYNOMIALS_H
#define GLOSSA_POLYNOMIALS_H

/*
 * exp(x) = 2^n * exp(r), n = round(x / ln 2), r = x - n ln 2, |r| <= ln 2 / 2:
 *     t = x * LOG2E + ROUND     the low bits of t are n, and n = t - ROUND
 *     r = (x - n * LN2_HIGH) - n * LN2_LOW
 *     exp(r) = 1 + (r + r^2 * ((C2 + r * C3) + r^2 * ((C4 + r * C5) + r^2 * C6)))
 * and 2^n is added to the exponent. Below LOW the result is 0, above HIGH infinite. The polynomial is minimax in the
 * relative error, 3.1e-9.
 */
#define EXP_LOG2E    1.44269504f
#define EXP_ROUND    12582912.0f  /* 1.5 * 2^23: adding it rounds to an integer, ties to even, for |x| < 2^22 */
#define EXP_LN2_HIGH 0.693359375f /* 355 / 512: n * LN2_HIGH is exact */
#define EXP_LN2_LOW  (-2.12194440e-4f)
#define EXP_C2       0.49999994f
#define EXP_C3       0.16666521f
#define EXP_C4       0.041668393f
#define EXP_C5       0.008368745f
#define EXP_C6       0.0013814538f
#define EXP_LOW      (-87.3f)
#define EXP_HIGH     88.72283f

/*
 * The normal tail 1 - Phi(a) for a >= 0 is exp(-a^2 / 2) * t * (Q1 + t * (Q2 + ... t * Q8)), t = 1 / (1 + TAIL_T * a):
 * minimax in the relative error, 1.5e-7. Then x * Phi(x) = max(0, x) - |x| * tail(|x|), for both signs of x.
 */
#define TAIL_T  0.3f
#define TAIL_Q1 0.1196293f
#define TAIL_Q2 0.120753884f
#define TAIL_Q3 0.09991393f
#define TAIL_Q4 0.12856022f
#define TAIL_Q5 (-0.053681087f)
#define TAIL_Q6 0.20635086f
#define TAIL_Q7 (-0.15720163f)
#define TAIL_Q8 0.03567445f

#define NORMAL_DENSITY 0.39894228f /* phi(x) = exp(-x^2 / 2) / sqrt(2 pi), for the slope of x * Phi(x) */

/* gelu by tanh: 0.5 x (1 + tanh(u)) = x * sigmoid(2 u), u = sqrt(2 / pi) * (x + 0.044715 x^3). */
#define GELU_TANH_SCALE 1.59576912f /* 2 sqrt(2 / pi) */
#define GELU_TANH_CUBE  0.044715f

#define GELU_SIGMOID_SCALE 1.702f

#endif
