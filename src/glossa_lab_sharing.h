/*
 * One training in several labs (glossa_lab.h), for threads that share no memory.
 *
 * Each thread has a lab of its own, opened alike. One of them leads: for each step the labs compute the parts of the
 * batch between them, the leader adds the gradients in order of their parts and finishes the step, and the others
 * follow with its weights. The bits are those of glossa_lab_step in one lab.
 */
#ifndef GLOSSA_LAB_SHARING_H
#define GLOSSA_LAB_SHARING_H

#include "glossa_lab.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gradients of one part of a batch, and what its target tokens cost. */
typedef struct glossa_lab_gradients {
    const float *data; /* of all parameters, in the order of this library */
    size_t floats;
    double loss;
    uint32_t tokens, sequences;
} glossa_lab_gradients;

/* Parts of the task's next step. */
uint32_t glossa_lab_parts(const glossa_lab *lab);

/* The gradients of one of them; the data hold until the next call. Fails with STATE where there is no task, or one part
   only: then a step is one lab's. */
glossa_status glossa_lab_compute(glossa_lab *lab, uint32_t part, glossa_lab_gradients *gradients, glossa_error *error);

/* Adds the gradients of part 0, 1, ... of the next step; fails with ARGUMENT for another than the next one. */
glossa_status glossa_lab_add(glossa_lab *lab, uint32_t part, const glossa_lab_gradients *gradients,
                             glossa_error *error);

/* Makes the step, once all parts were added; as glossa_lab_step. */
glossa_status glossa_lab_finish(glossa_lab *lab, glossa_lab_report *report, glossa_error *error);

/* The weights, for a lab that follows: `floats` of them. */
const float *glossa_lab_weights(const glossa_lab *lab, size_t *floats);

/* Takes the weights of a leader that has done `step` steps. Fails with ARGUMENT where the number differs. */
glossa_status glossa_lab_follow(glossa_lab *lab, const float *weights, size_t floats, uint32_t step,
                                glossa_error *error);

#ifdef __cplusplus
}
#endif
#endif
