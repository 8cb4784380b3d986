/*
 * The arithmetic of training, beside the kernels that a forward pass shares with translation: one table a target.
 * gradients_scalar.c is the definition. A table that is exact gives its bits, natively and in WebAssembly; the others
 * may add in another order or fuse a multiply with an add, and differ in the last bits, and one rounds what it
 * multiplies to bfloat16. All are deterministic.
 *
 * Legend: M rows of activations, K inputs, N outputs. "+=" adds to what is there: nothing here clears a gradient.
 */
#ifndef GLOSSA_GRADIENTS_H
#define GLOSSA_GRADIENTS_H

#include "kernels/kernels.h"

/* A matrix as a product reads it: element (i, k) lies at data[i * row + k * step]; one of the two is 1. */
typedef struct glossa_factor {
    const float *data;
    size_t row, step;
} glossa_factor;

/* What one step of Adam takes (Kingma & Ba 2015), in PyTorch's meaning of each. */
typedef struct glossa_adam {
    float clip;         /* every gradient is multiplied by this first */
    float l2;           /* weight decay as a part of the gradient (Adam) ... */
    float keep;         /* ... or values *= keep before the step (AdamW); 1: no decay */
    float beta1, beta2; /* of the moments */
    float rate;         /* learning rate / (1 - beta1^t) */
    float correction;   /* 1 / sqrt(1 - beta2^t) */
    float epsilon;
} glossa_adam;

typedef struct glossa_gradients {
    const char *name;
    float tolerance;               /* how far it is from the scalar one, in parts of the largest number; 0: exact */
    const glossa_kernels *forward; /* what this table takes for norms, softmax and the like */
    size_t work;                   /* floats of work memory that `multiply` and `linear` need */

    /*
     * c[i * c_row + j] += sum over k of a(i, k) * b(j, k), i < m, j < n, k < depth: in the exact tables the products
     * are added to c one after the other in order of k. Note that b is given by its columns. `work` has that many
     * floats of the table.
     */
    void (*multiply)(glossa_factor a, glossa_factor b, size_t m, size_t n, size_t depth, float *c, size_t c_row,
                     float *work);

    /* y (M, N) = x (M, K) w^T + bias, w (N, K), bias (N) or NULL. The exact tables give the bits of
       glossa_kernels.matmul. */
    void (*linear)(const float *x, const float *w, const float *bias, size_t m, size_t n, size_t k, float *y,
                   float *work);

    /* sums[j] += x[0][j] + x[1][j] + ..., one after the other. */
    void (*column_sums)(const float *x, size_t m, size_t n, float *sums);

    /* y[i] = f(x[i]), and dx[i] += dy[i] * f'(x[i]); for ReLU f'(0) = 0. */
    void (*activate)(glossa_activation f, const float *x, size_t n, float *y);
    void (*activate_backward)(glossa_activation f, const float *x, const float *dy, size_t n, float *dx);

    /*
     * Of y = (x - mean) * r * weight + bias, r = 1 / sqrt(variance + epsilon), over M rows of width d (Ba et al. 2016):
     *     z = (x - mean) * r, g = dy * weight
     *     dx += r * (g - mean(g) - z * mean(g * z)),  dweight += dy * z,  dbias += dy
     * Means by lane reduction, row after row.
     */
    void (*norm_backward)(const float *x, const float *dy, size_t m, size_t d, const float *weight, float epsilon,
                          float *dx, float *dweight, float *dbias);

    /*
     * One row of softmax and cross-entropy against `target` with label smoothing s as PyTorch has it (Szegedy et al.
     * 2016: the target distribution is 1 - s on the target plus s / n everywhere):
     *     loss = log(sum exp z) - (1 - s) * z[target] - s / n * sum z
     * Puts weight * dloss/dz in the place of the logits z and returns the loss.
     */
    float (*cross_entropy)(float *z, size_t n, size_t target, float smoothing, float weight);

    /*
     * g = clip * g + l2 * value;  value *= keep;  m += (g - m) * (1 - beta1);  v = beta2 * v + (1 - beta2) * g * g;
     * value -= rate * m / (sqrt(v) * correction + epsilon), for n values.
     */
    void (*adam)(const glossa_adam *step, size_t n, const float *gradient, float *value, float *m, float *v);
} glossa_gradients;

/* The tables that this build has. "scalar" and "exact" give the same bits. */
extern const glossa_gradients glossa_gradients_scalar;
#if defined(__wasm_simd128__) || defined(GLOSSA_X86) || defined(GLOSSA_ARM)
extern const glossa_gradients glossa_gradients_exact;
#endif
#if defined(__wasm_simd128__)
extern const glossa_gradients glossa_gradients_simd128;
#endif
#if defined(GLOSSA_X86)
extern const glossa_gradients glossa_gradients_avx2; /* to be used only where the processor has it */
extern const glossa_gradients glossa_gradients_avx512;
extern const glossa_gradients glossa_gradients_bfloat16; /* where the processor multiplies such numbers */
#endif

/* The tables in float32 that this build has and this machine can run, the fastest first, the scalar one last; then
   NULL. */
const glossa_gradients *const *glossa_gradients_all(void);

/* A table by its name, NULL where this build or machine has none of that name; the name NULL stands for the first one
   in float32 that passes its self-test. "exact" always exists. */
const glossa_gradients *glossa_gradients_find(const char *name);

/* 0 if a table computes what the scalar one does on a small fixed problem, to the bit if it is exact, else within its
   tolerance; else the number of the verb that differs (1..). */
int glossa_gradients_self_test(const glossa_gradients *gradients);

#endif
