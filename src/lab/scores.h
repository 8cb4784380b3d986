/*
 * Scores of queries and keys, the first half of attention: each kind forward and backward.
 */
#ifndef GLOSSA_SCORES_H
#define GLOSSA_SCORES_H

#include "lab/operation.h"

/* One head of one sequence. */
typedef struct glossa_scored {
    glossa_score_kind kind;
    float scale;
    const glossa_parameter *learnt;
    const float *q, *k; /* first query and key of the head: (m, d) and (n, d), rows `width` apart */
    size_t m, n, d, width;
    size_t head;
    float *raw; /* (m, n) cosine: the scores, kept for the way back; else NULL */
} glossa_scored;

/* Floats of work memory that scores of head width d and at most `longest` queries and keys together want. */
size_t glossa_scores_work(glossa_score_kind kind, size_t d, size_t longest);

/* scores (m, n). `work` is the caller's. */
void glossa_scores(const glossa_tape *tape, const glossa_scored *s, float *scores, float *work);

/* From slopes (m, n) = dloss/dscores, which it changes: dq and dk, rows `width` apart, and the gradient of `learnt`. */
void glossa_scores_backward(const glossa_tape *tape, const glossa_scored *s, float *slopes, float *dq, float *dk,
                            float *work);

#endif
