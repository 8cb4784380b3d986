/*
 * x86-64 with AVX2 and FMA: tiles of 6 rows and 16 columns.
 */
#include "kernels/gradients_vector.h"

#if defined(GLOSSA_X86)
#include <immintrin.h>

#define GEMM_TARGET        __attribute__((target("avx2,fma")))
#define GEMM_LANES         8
#define GEMM_ROWS          6
#define GEMM_VECTORS       2
#define GEMM_MADD(x, y, z) _mm256_fmadd_ps(x, y, z)
#include "kernels/gemm.h"

const glossa_gradients glossa_gradients_avx2 =
    GLOSSA_VECTOR_GRADIENTS("avx2", 1e-5f, GLOSSA_VECTOR_FORWARD, GEMM_WORK, multiply, linear);

#endif
