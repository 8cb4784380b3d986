/*
 * The scalar table's bits, four lanes at a time: no multiply is fused with an add, and every sum keeps its order.
 */
#include "kernels/gradients_vector.h"

#if defined(GLOSSA_HAS_LANES)

#define GEMM_TARGET
#define GEMM_LANES         4
#define GEMM_ROWS          4
#define GEMM_VECTORS       2
#define GEMM_MADD(x, y, z) ((x) * (y) + (z))
#include "kernels/gemm.h"

static void linear_in_order(const float *x, const float *w, const float *bias, size_t m, size_t n, size_t k, float *y,
                            float *work) {
    (void)work;
    const glossa_rows rows = {.f32 = x, .stride = k, .count = m, .width = k};
    const glossa_matrix matrix = {
        .data = w, .bias = bias, .rows = (uint32_t)n, .cols = (uint32_t)k, .pitch = k * sizeof(float)};
    glossa_vector_matmul_f32(&rows, &matrix, NULL, n, y, n, &(glossa_epilogue){ACTIVATION_NONE, NULL, 0});
}

const glossa_gradients glossa_gradients_exact =
    GLOSSA_VECTOR_GRADIENTS("exact", 0.0f, GLOSSA_VECTOR_FORWARD, GEMM_WORK, multiply, linear_in_order);

#if defined(__wasm_simd128__)
/* The same with the sums of `linear` in the order of the depth, which is faster. */
const glossa_gradients glossa_gradients_simd128 =
    GLOSSA_VECTOR_GRADIENTS("simd128", 1e-5f, GLOSSA_VECTOR_FORWARD, GEMM_WORK, multiply, linear);
#endif

#endif
