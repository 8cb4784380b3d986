/*
 * A pass over a batch: its parts go to the workers, forward and, where it learns, backward.
 */
#ifndef GLOSSA_LAB_PASS_H
#define GLOSSA_LAB_PASS_H

#include "lab/lab.h"

/* What a pass computes with, and what it gives beside the loss. */
typedef struct glossa_pass {
    glossa_lab *lab;
    const float *values;
    bool learning;
    float *log_probability; /* of the target tokens of the batch, or NULL */
    uint32_t *best;
    const glossa_rules *rules; /* what the best tokens are taken from; NULL: all */
    double loss;               /* weighted mean over the target tokens */
    uint32_t tokens;           /* of the targets that count */
    uint32_t exact, correct;   /* sequences without a fault and tokens that are right, where nothing is learnt */
} glossa_pass;

/* Runs a batch; adds its gradients, weighted, to the block of gradients where it learns. */
glossa_status glossa_pass_run(glossa_lab *lab, const glossa_lab_batch *batch, double weight, glossa_pass *pass,
                              glossa_error *error);

/* Runs one part of a batch on the first worker's tape, into that worker's gradients where it learns. *part has what
   came of it. */
glossa_status glossa_pass_run_part(glossa_lab *lab, const glossa_lab_batch *batch, double weight, glossa_pass *pass,
                                   size_t number, const glossa_batch_part **part, glossa_error *error);

#endif
