/*
 * Greedy decoding within the lab.
 */
#ifndef GLOSSA_LAB_DECODING_H
#define GLOSSA_LAB_DECODING_H

#include "lab/lab.h"

/* Of how many sequences of a batch greedy decoding gives every token. Allocates while it decodes. */
glossa_status glossa_decode_exact(glossa_lab *lab, const glossa_lab_batch *batch, uint32_t *exact, glossa_error *error);

#endif
