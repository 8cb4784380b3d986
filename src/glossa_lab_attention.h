/*
 * Attention of queries to keys apart from a network, by the operation that the networks of glossa_lab.h have.
 */
#ifndef GLOSSA_LAB_ATTENTION_H
#define GLOSSA_LAB_ATTENTION_H

#include "glossa.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Choices are numbered as the config numbers them. Matrices lie row
 * by row; all are borrowed for the call. `parameters` are what the score learns, one after the other, with d the width:
 *     scaled-dot, dot  none
 *     general          W (d, d): the score is q . W k
 *     additive         U (d, d), W (d, d), b (d), v (d): v . tanh(U q + W k + b)
 *     concat           W (d, 2 d), b (d), v (d): v . tanh(W [q; k] + b)
 *     cosine           s: exp(min(s, ln 100)) * q . k / (|q| |k|)
 */
typedef struct glossa_lab_attention {
    uint32_t score;       /* scaled-dot, dot, general, additive, concat, cosine */
    uint32_t selection;   /* soft, hard: the key of the largest weight alone, the first of equals */
    size_t queries, keys; /* rows; these and the widths are 1 to 4096 */
    size_t width;         /* of queries and keys */
    size_t value_width;
    const float *query, *key, *value; /* (queries, width), (keys, width), (keys, value_width) */
    const float *parameters;
    size_t parameter_count;
} glossa_lab_attention;

/* What comes of it, in memory of the caller; what is NULL is not written. */
typedef struct glossa_lab_attended {
    float *queries, *keys; /* (queries, width), (keys, width) as the score meets them: projected, where it projects */
    float *scores;         /* (queries, keys) */
    float *weights;        /* (queries, keys) what values are mixed with: softmax of the scores, or 1 for the choice */
    float *output;         /* (queries, value_width) */
} glossa_lab_attended;

/* Computes by the networks' own operation. Fails with ARGUMENT for a choice, a size or a number of parameters that
   there is not and for numbers that are not finite, and with MEMORY or LIMIT; then nothing is written. */
glossa_status glossa_lab_attend(const glossa_lab_attention *attention, const glossa_allocator *allocator,
                                const glossa_lab_attended *attended, glossa_error *error);

#ifdef __cplusplus
}
#endif
#endif
