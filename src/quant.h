/*
 * Row quantization of weights (design of the checkpoint: int8, symmetric, one float scale an output row):
 *
 *     scale = (float)(max |w| / 127)     1 where that is 0
 *     q     = w / scale, rounded to nearest, ties to even, clamped to -127..127
 *
 * both quotients in double. A matrix is row-major, one output row after the other; -128 is never produced.
 * The checkpoint converter does the same in JavaScript.
 */
#ifndef GLOSSA_QUANT_H
#define GLOSSA_QUANT_H

#include "base.h"

/* From `weights` (rows, cols) to q (rows, cols) and scale (rows). Fails with FORMAT, naming row and column, at the
   first weight that is NaN or infinite; rows before it are done. */
glossa_status glossa_quantize_rows(const float *weights, size_t rows, size_t cols, int8_t *q, float *scale,
                                   glossa_error *error);

#endif
