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

/* The strings [first, first + count) of the task as a batch, in memory of the lab until the next one. */
glossa_status glossa_batch_draw(glossa_lab *lab, bool held_out, uint32_t first, uint32_t count, glossa_lab_batch *out,
                                glossa_error *error);

/* A batch of the task's longest strings, of which the lengths alone are filled in: to measure. */
glossa_status glossa_batch_longest(glossa_lab *lab, glossa_lab_batch *out, glossa_error *error);

#endif
