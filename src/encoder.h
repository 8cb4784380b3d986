/*
 * The encoder: source tokens to memory, one layer a call, many sentences at once.
 */
#ifndef GLOSSA_ENCODER_H
#define GLOSSA_ENCODER_H

#include "layers.h"

/* One source sentence within a batch. */
typedef struct glossa_span {
    size_t start; /* first row of the sentence in the batch's rows */
    size_t count; /* S, tokens with the end */
} glossa_span;

/* The end of the group of sentences from `first` on that the scratch has rows for; one at least. */
size_t glossa_group_end(const glossa_span *spans, size_t sentences, size_t first, const glossa_scratch *scratch);

/* x (rows, D) = embeddings of the source ids plus positions; positions (longest S, D). */
void glossa_encoder_embed(const glossa_model *model, const glossa_token *tokens, const glossa_span *spans,
                          size_t sentences, const float *positions, float *x);

/*
 * One layer over x (rows, D), in place. `mask` (H): heads off, or NULL. `attention`: NULL, or (H, S, S) of the only
 * sentence.
 */
void glossa_encoder_layer(const glossa_model *model, size_t layer, const glossa_span *spans, size_t sentences,
                          size_t rows, const uint8_t *mask, float *attention, float *x, const glossa_scratch *scratch);

/* The norm behind the last layer of a pre-norm model; nothing else. */
void glossa_encoder_end(const glossa_model *model, size_t rows, float *x);

#endif
