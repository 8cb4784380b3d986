/*
 * Batches: those of a caller checked, those of a task drawn, both cut into the parts that workers take.
 */
#ifndef GLOSSA_LAB_BATCH_H
#define GLOSSA_LAB_BATCH_H

#include "lab/lab.h"

/* Whether a caller's batch fits the network. */
glossa_status glossa_batch_check(const glossa_lab *lab, const glossa_lab_batch *batch, glossa_error *error);

/* Cuts a batch into the parts that it is always cut into: whole pairs, as even in number as can be. `weight` is the
   batch's share in the loss. lab->parts point into the batch and into memory of the lab. */
glossa_status glossa_batch_cut(glossa_lab *lab, const glossa_lab_batch *batch, double weight, glossa_error *error);

/* Sequences of training batch `number` of the task or the pairs, from 0 on. */
uint32_t glossa_batch_size(const glossa_lab *lab, uint32_t number);

/* That batch, in memory of the lab until the next one. */
glossa_status glossa_batch_next(glossa_lab *lab, uint32_t number, glossa_lab_batch *out, glossa_error *error);

/* The held-out strings or pairs [first, first + count), in memory of the lab until the next batch. */
glossa_status glossa_batch_held_out(glossa_lab *lab, uint32_t first, uint32_t count, glossa_lab_batch *out,
                                    glossa_error *error);

/* Room for one source of so many tokens where the batches lie; starts[0] is 0. */
glossa_status glossa_batch_place_source(glossa_lab *lab, size_t tokens, uint32_t **ids, uint32_t **starts,
                                        glossa_error *error);

/* Begins as zeros. */
typedef struct glossa_batch_shapes {
    uint32_t next, count, length;
} glossa_batch_shapes;

/* To measure: one batch after the other such that none of the training is larger than all of them. Their lengths alone
   are filled in. False behind the last, or with a *status. */
bool glossa_batch_shape(glossa_lab *lab, glossa_batch_shapes *shapes, glossa_lab_batch *out, glossa_status *status,
                        glossa_error *error);

#endif
