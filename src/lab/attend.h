/*
 * What the scores of a config ask of queries and keys before the operation of attention (tape.h): projections, a scale,
 * what is learnt beside them.
 */
#ifndef GLOSSA_ATTEND_H
#define GLOSSA_ATTEND_H

#include "lab/network.h"

typedef struct glossa_projections {
    glossa_pair q, k;               /* general: k; additive: both; concat: q, one matrix for the two side by side */
    const glossa_parameter *learnt; /* as glossa_attending has it */
} glossa_projections;

/* Projects q and k, and sets score, scale and learnt of `attending`, whose heads are known. `score` is the config's. */
void glossa_project(glossa_tape *tape, uint32_t score, const glossa_projections *projections, glossa_node *q,
                    glossa_node *k, glossa_attending *attending);

/* What dot products of heads of width d are multiplied by. */
float glossa_score_scale(uint32_t score, uint32_t d);

#endif
