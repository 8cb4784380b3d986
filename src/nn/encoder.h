/*
 * The encoder: source tokens to memory, many sentences at once. A layer is attention within groups of sentences
 * (glossa_encoder_attend) and then the feed-forward network of every row (glossa_feed_forward).
 */
#ifndef GLOSSA_ENCODER_H
#define GLOSSA_ENCODER_H

#include "nn/layers.h"

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
 * Self-attention (section 3.2) of a layer over one group of sentences, in place: x (M, D) begins with the first row of
 * spans[0]. Every token attends to all of its sentence, and to no other. `mask` (H): heads off, or NULL. `attention`:
 * NULL, or (H, S, S) of the only sentence.
 */
void glossa_encoder_attend(const glossa_model *model, const glossa_layer *layer, const glossa_span *spans,
                           size_t sentences, const uint8_t *mask, float *attention, float *x,
                           const glossa_scratch *scratch);

#endif
