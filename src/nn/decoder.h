/*
 * The decoder: one target position a call for many hypotheses, with a key/value cache, and with keys and values of the
 * source that are computed once a sentence.
 *
 * Legend: R live hypotheses, S source tokens, t position, L layers, D width, V vocabulary.
 */
#ifndef GLOSSA_DECODER_H
#define GLOSSA_DECODER_H

#include "nn/encoder.h"

/* Keys and values of a source sentence, which cross-attention reads in every layer: made once. */
typedef struct glossa_source_keys {
    float *kt;    /* (L, D, stride) */
    float *v;     /* (L, S, D) */
    size_t count; /* S */
    size_t stride;
} glossa_source_keys;

/* What a hypothesis remembers of its own tokens, for all layers. */
typedef struct glossa_cache {
    float *kt;       /* (L, D, capacity) transposed keys; NULL for an SSRU */
    float *v;        /* (L, capacity, D) values; for an SSRU the cells (L, D) */
    size_t capacity; /* positions, a multiple of 4 */
} glossa_cache;

/* One live hypothesis, a row of activations. Rows of a sentence are adjacent. */
typedef struct glossa_live {
    uint32_t sentence;
    uint32_t token; /* the last token; unused at position 0 */
    const glossa_cache *cache;
} glossa_live;

/* Arrays that a forced pass fills; T is the length of the whole hypothesis. */
typedef struct glossa_capture {
    float *self_attention;  /* (L, H, T, T), zeroed; NULL for an SSRU */
    float *cross_attention; /* (L, H, T, S) */
    float *hidden;          /* (L + 1, T, D) */
    size_t length;          /* T */
} glossa_capture;

/* Carves the source keys of a sentence of `count` tokens. */
glossa_source_keys glossa_source_keys_take(const glossa_model *model, glossa_arena *arena, size_t count);

/* Fills those of one group of sentences from the encoder's output x, which begins with their first row. */
void glossa_source_keys_fill(const glossa_model *model, const glossa_span *spans, size_t sentences, const float *x,
                             const glossa_source_keys *source_keys, const glossa_scratch *scratch);

/* Carves the cache of a hypothesis of at most `positions` tokens. */
glossa_cache glossa_cache_take(const glossa_model *model, glossa_arena *arena, size_t positions);

/* Empties a cache before position 0. */
void glossa_cache_clear(const glossa_model *model, const glossa_cache *cache);

/* to = the first `count` positions of from (another cache of the same capacity). */
void glossa_cache_copy(const glossa_model *model, const glossa_cache *from, const glossa_cache *to, size_t count);

/* Whether the decoder has self-attention, and so weights to capture. */
bool glossa_decoder_attends(const glossa_model *model);

/* The end of the rows that belong to the sentence of row `first`. */
size_t glossa_live_end(const glossa_live *rows, size_t count, size_t first);

/* One position of all live hypotheses. */
typedef struct glossa_decoder_input {
    const glossa_live *rows; /* (R) */
    size_t count;            /* R */
    size_t t;
    const float *position;                 /* (D) that of t */
    const glossa_source_keys *source_keys; /* by sentence */
    const uint8_t *self_mask, *cross_mask; /* (L, H) heads off, or NULL */
    const glossa_capture *capture;         /* NULL, or what one row alone fills */
} glossa_decoder_input;

/*
 * All positions of one hypothesis at once, without the causal mask: each attends to all. The rows are its R = T
 * positions in order, `position` is (T, D), `t` counts for nothing, and `capture` is needed. The decoder must attend.
 */
void glossa_decoder_unmasked(const glossa_model *model, const glossa_decoder_input *input, float *x,
                             const glossa_scratch *scratch);

/* Hidden states x (R, D) of a position, ready for the output layer. */
void glossa_decoder_step(const glossa_model *model, const glossa_decoder_input *input, float *x,
                         const glossa_scratch *scratch);

#endif
