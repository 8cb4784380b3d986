/*
 * x86-64 with AVX-512: tiles of 12 rows and 32 columns.
 */
#include "kernels/gradients_vector.h"

#if defined(GLOSSA_X86)
#include <immintrin.h>

#define GEMM_TARGET        __attribute__((target("avx512f")))
#define GEMM_LANES         16
#define GEMM_ROWS          12
#define GEMM_VECTORS       2
#define GEMM_MADD(x, y, z) _mm512_fmadd_ps(x, y, z)
#include "kernels/gemm.h"

const glossa_gradients glossa_gradients_avx512 =
    GLOSSA_VECTOR_GRADIENTS("avx512", 1e-5f, GLOSSA_VECTOR_FORWARD, GEMM_WORK, multiply, linear);

#endif
