/*
 * The course of a training: steps, lines of progress, evaluations, curves, states.
 */
#ifndef GLOSSA_CLI_TRAINING_H
#define GLOSSA_CLI_TRAINING_H

#include "cli/curves.h"

typedef struct glossa_training {
    const char *model, *state; /* files to write, or NULL */
    uint32_t every;            /* steps between two evaluations */
    uint32_t log_every;        /* and between two lines; 0: the same */
    uint32_t held_out;         /* strings or pairs of an evaluation */
    uint32_t scored;           /* pairs of it that are translated for BLEU; 0: none */
    bool small;                /* matrices of the model as int8 */
    bool quiet, digest;
    glossa_curves curves;
} glossa_training;

/* Trains up to the setting "steps", and writes what is asked for. An exit status. */
int glossa_training_run(glossa_training *training, glossa_lab *lab);

#endif
