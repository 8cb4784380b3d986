/*
 * What a checkpoint's keys say of a network: its sizes and its choices.
 *
 * Legend: D width, F feed-forward width, H heads, L layers.
 */
#ifndef GLOSSA_CONFIG_H
#define GLOSSA_CONFIG_H

#include "kernels/kernels.h"

#define GLOSSA_FORMAT_VERSION 1
#define GLOSSA_MAX_LAYERS     256 /* of each side */
#define GLOSSA_MAX_CONTEXT    65536
#define GLOSSA_MAX_LANGUAGES  1024

typedef enum glossa_position_kind {
    POSITION_SINUSOID_INTERLEAVED, /* P[2j] = sin(p w_j), P[2j + 1] = cos(p w_j), w_j = 10000^(-2j / D) */
    POSITION_SINUSOID_HALVES,      /* sines in the first half, cosines in the second, the same w_j */
    POSITION_SINUSOID_MARIAN,      /* halves, w_j = 10000^(-j / (D / 2 - 1)) */
    POSITION_LEARNED
} glossa_position_kind;

typedef struct glossa_config {
    uint32_t encoder_layers, decoder_layers;
    uint32_t d, ffn, heads, context;
    bool pre_norm;
    float epsilon;
    glossa_activation activation;
    glossa_position_kind position;
    glossa_mixer mixer;
    bool start_is_zero; /* the decoder starts from the zero vector ... */
    uint32_t start;     /* ... else from this token */
    float embedding_scale;
    uint32_t training_length;                /* 0: unknown */
    int32_t alignment_layer, alignment_head; /* -1: unknown */
} glossa_config;

/* The values of keys that are choices, in the order of their enumerations; each list ends with NULL. */
extern const char *const glossa_tasks[], *const glossa_norms[], *const glossa_activations[], *const glossa_positions[],
                                                                                                 *const glossa_mixers[];

#endif
