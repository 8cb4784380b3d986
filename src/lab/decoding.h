/*
 * Greedy decoding within the lab.
 */
#ifndef GLOSSA_LAB_DECODING_H
#define GLOSSA_LAB_DECODING_H

#include "lab/lab.h"

/* What greedy decoding may take: what the engine's may. `beam` is 0 where the lab knows no token that ends a text. */
glossa_rules glossa_decoding_rules(const glossa_lab *lab);

/* Of how many sequences of a batch greedy decoding gives every token. Allocates while it decodes. */
glossa_status glossa_decode_exact(glossa_lab *lab, const glossa_lab_batch *batch, uint32_t *exact, glossa_error *error);

#endif
