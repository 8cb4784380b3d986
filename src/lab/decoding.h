/*
 * Greedy decoding within the lab.
 */
#ifndef GLOSSA_LAB_DECODING_H
#define GLOSSA_LAB_DECODING_H

#include "lab/lab.h"

/* What greedy decoding may take: what the engine's may. `beam` is 0 where the lab knows no token that ends a text. */
glossa_rules glossa_decoding_rules(const glossa_lab *lab);

/* The tokens of a source and their end, in memory of the lab. Fails with LIMIT where they do not fit the context. */
glossa_status glossa_decoding_source(glossa_lab *lab, const glossa_token *tokens, size_t count, glossa_lab_batch *out,
                                     glossa_error *error);

/* The text of tokens, in memory of the lab until the next one. */
glossa_status glossa_decoding_text(glossa_lab *lab, const uint32_t *ids, size_t count, glossa_text *text,
                                   glossa_error *error);

/* Logits of all that row `row` of the last pass's first part may be: (target vocabulary). */
void glossa_decoding_row(const glossa_lab *lab, size_t row, float *logits);

/* Of how many sequences of a batch greedy decoding gives every token. Allocates while it decodes. */
glossa_status glossa_decode_exact(glossa_lab *lab, const glossa_lab_batch *batch, uint32_t *exact, glossa_error *error);

#endif
