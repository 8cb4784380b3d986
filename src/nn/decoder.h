/*
 * The decoder: one target position a call for many hypotheses, with a key/value cache and the keys and values of the
 * encoder's memory computed once a sentence.
 *
 * Legend: R live hypotheses, S source tokens, t position, L layers, D width, V vocabulary.
 */
#ifndef GLOSSA_DECODER_H
#define GLOSSA_DECODER_H

#include "nn/encoder.h"

/* Keys and values of a sentence's memory, for all layers. */
typedef struct glossa_memory {
    float *kt;    /* (L, D, stride) */
    float *v;     /* (L, S, D) */
    size_t count; /* S */
    size_t stride;
} glossa_memory;

/* What a hypothesis remembers of its own tokens, for all layers. */
typedef struct glossa_cache {
    float *kt;       /* (L, D, capacity) transposed keys; NULL for an SSRU */
    float *v;        /* (L, capacity, D) values; for an SSRU the cells (L, D) */
    size_t capacity; /* positions, a multiple of 4 */
} glossa_cache;

/* One live hypothesis. Rows of a sentence are adjacent. */
typedef struct glossa_row {
    uint32_t sentence;
    uint32_t token; /* the last token; unused at position 0 */
    const glossa_cache *cache;
} glossa_row;

/* Arrays that a forced pass fills; T is the length of the whole hypothesis. */
typedef struct glossa_capture {
    float *self_attention;  /* (L, H, T, T), zeroed; NULL for an SSRU */
    float *cross_attention; /* (L, H, T, S) */
    float *hidden;          /* (L + 1, T, D) */
    size_t length;          /* T */
} glossa_capture;

/* Memory keys and values of one group of sentences from the encoder's output x, which begins with their first row. */
void glossa_decoder_remember(const glossa_model *model, const glossa_span *spans, size_t sentences, const float *x,
                             const glossa_memory *memories, const glossa_scratch *scratch);

/* Empties a cache before position 0. */
void glossa_cache_clear(const glossa_model *model, const glossa_cache *cache);

/* to = the first `count` positions of from (another cache of the same capacity). */
void glossa_cache_copy(const glossa_model *model, const glossa_cache *from, const glossa_cache *to, size_t count);

/*
 * Position t of all rows: hidden states x (R, D), ready for the output layer. `position` (D) is that of t. Heads off:
 * `self_mask` and `cross_mask` (L, H), or NULL. `capture` only with one row.
 */
void glossa_decoder_step(const glossa_model *model, const glossa_row *rows, size_t count, size_t t,
                         const float *position, const glossa_memory *memories, const uint8_t *self_mask,
                         const uint8_t *cross_mask, const glossa_capture *capture, float *x,
                         const glossa_scratch *scratch);

#endif
