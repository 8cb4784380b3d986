/*
 * The layers: embedding, position, norm, attention, feed-forward and SSRU, one function each, over rows of activations.
 *
 * Legend: M rows, D width, F feed-forward width, H heads, d = D / H head width, n keys. Rows of different sentences lie
 * one after the other without padding, so a sentence's numbers do not depend on its company.
 */
#ifndef GLOSSA_LAYERS_H
#define GLOSSA_LAYERS_H

#include "model/model.h"

/* Work memory is for this many rows, or for the longest sentence: a large batch goes through a layer in groups of whole
   sentences, and the feed-forward layer never takes more, so that its hidden values stay in the cache. */
#define GLOSSA_GROUP_ROWS 64
/* Self-attention of the encoder works on this many queries at a time. */
#define GLOSSA_QUERY_ROWS 16

/* Work memory of the layers for at most `rows` rows and `keys` keys. */
typedef struct glossa_scratch {
    size_t rows;
    float *y;       /* (rows, D) normed input of a pre-norm model */
    float *q;       /* (rows, D) */
    float *k;       /* (rows, D) */
    float *v;       /* (rows, D) */
    float *context; /* (rows, D) heads side by side, before the output projection */
    float *hidden;  /* (GLOSSA_GROUP_ROWS, F) */
    float *kt;      /* (D, keys) transposed keys of one sentence */
    float *weights; /* (max(GLOSSA_QUERY_ROWS, GLOSSA_MAX_BEAM), keys) */
    void *quant;    /* (rows, D) or (GLOSSA_GROUP_ROWS, F), what the kernels quantize to */
    float *scale;   /* (rows) */
    int32_t *zero;  /* (rows) */
} glossa_scratch;

/* Carves the scratch out of an arena. */
void glossa_scratch_take(glossa_scratch *scratch, glossa_arena *arena, const glossa_model *model, size_t rows,
                         size_t keys);

/* y (D) = embedding of `id` times the embedding scale + position (D). */
void glossa_embed(const glossa_model *model, const glossa_matrix *table, uint32_t id, const float *position, float *y);

/* Prepares M rows of x (M, D) for products with `w` and its like: quantizes them where w is int8. */
glossa_rows glossa_rows_prepare(const glossa_model *model, const float *x, size_t count, size_t width,
                                const glossa_matrix *w, const glossa_scratch *scratch);

/* y (M, N) = rows x w^T + bias, with the epilogue. */
void glossa_linear(const glossa_model *model, const glossa_rows *rows, const glossa_matrix *w, float *y,
                   const glossa_epilogue *epilogue);

/* The input of a sub-layer: x itself (post-norm), or its norm in scratch->y (pre-norm). */
const float *glossa_sublayer_input(const glossa_model *model, const float *x, size_t rows, const glossa_norm *norm,
                                   const glossa_scratch *scratch);

/* The end of a sub-layer whose product was already added to x (M, D): the norm where it stands behind (post-norm). */
void glossa_sublayer_end(const glossa_model *model, float *x, size_t rows, const glossa_norm *norm);

/* The norm behind the last layer of a pre-norm model, on x (M, D); nothing else. */
void glossa_stack_end(const glossa_model *model, const glossa_norm *norm, size_t rows, float *x);

/* The start of self-attention: queries, keys and values of x (M, D), in scratch->q, k and v. */
void glossa_attention_begin(const glossa_model *model, const glossa_attention *attention, const glossa_norm *norm,
                            const float *x, size_t rows, const glossa_scratch *scratch);

/* The end of attention: x (M, D) += scratch->context x o^T + bias, and the end of the sub-layer. */
void glossa_attention_end(const glossa_model *model, const glossa_matrix *o, const glossa_norm *norm, float *x,
                          size_t rows, const glossa_scratch *scratch);

/* kt (D, stride) = transpose of k (n, D), columns [at, at + n). */
void glossa_transpose_keys(const float *k, size_t n, size_t d, float *kt, size_t stride, size_t at);

/* All heads for m queries over n keys. */
typedef struct glossa_heads {
    const float *q;  /* (m, D) */
    const float *kt; /* (D, n), rows kt_stride apart */
    const float *v;  /* (n, D) */
    float *context;  /* (m, D) what comes out, heads side by side */
    size_t kt_stride, m, n;
    const uint8_t *mask; /* (H) heads that are off: their part of the context is 0; or NULL */
    float *capture;      /* NULL, or where the n weights of head h and query i go: h * capture_head + i * capture_row */
    size_t capture_head, capture_row;
} glossa_heads;

void glossa_attend(const glossa_model *model, const glossa_heads *heads, const glossa_scratch *scratch);

/* x (M, D) = residual and norm around the feed-forward layer, section 3.3. */
void glossa_feed_forward(const glossa_model *model, const glossa_layer *layer, float *x, size_t rows,
                         const glossa_scratch *scratch);

#endif
