/*
 * Networks as a table of parameters and a short builder on the tape: the encoder-decoder that the engine runs and what
 * its encoder or its decoder makes alone, a classifier and language models (transformer.c); the recurrent
 * encoder-decoder with attention that came before it (recurrent.c); networks that see images (vision.c). Names of
 * tensors are the checkpoint's.
 */
#ifndef GLOSSA_NETWORK_H
#define GLOSSA_NETWORK_H

#include "lab/config.h"
#include "lab/tape.h"

#define GLOSSA_SHADES 256 /* of a pixel: the vocabulary of networks that see images */

/* A weight and its bias, or NULL; of a batch norm also what it has seen. */
typedef struct glossa_pair {
    const glossa_parameter *w, *b, *mean, *variance;
} glossa_pair;

typedef struct glossa_attention_part {
    glossa_pair q, k, v, o, norm;
    const glossa_parameter *bias; /* of windows: what is added to the scores at each offset */
    char name[32];                /* of its weights, "enc.blk.0.attn" */
} glossa_attention_part;

/* An encoder layer has attn and ffn; a decoder layer attn or ssru, cross and ffn. A recurrent layer has input and state
   of one direction or two, and in the decoder begin. */
typedef struct glossa_network_layer {
    glossa_attention_part attn, cross;
    glossa_pair ssru_w, ssru_f, ssru_norm;
    glossa_pair up, down, ffn_norm;
    glossa_pair input[2], state[2], begin;
    glossa_pair merge, merge_norm; /* of four patches to one, behind a stage's last layer */
    char name[16];                 /* of its output, "enc.blk.0" */
} glossa_network_layer;

typedef struct glossa_network {
    glossa_lab_config config;
    uint32_t source_vocabulary, target_vocabulary;
    bool separate; /* the target has an embedding table of its own */
    glossa_parameter *parameters;
    size_t count;    /* of parameters */
    size_t floats;   /* of a block that holds them all, each from a 64-byte border, ... */
    size_t learnt;   /* ... of which the first are learnt, the others statistics */
    size_t elements; /* the same without the gaps */
    const glossa_parameter *source_table, *target_table, *output, *output_bias, *source_positions, *target_positions;
    glossa_network_layer *encoder, *decoder;
    glossa_pair encoder_norm, decoder_norm; /* pre-norm only */
    glossa_pair classes;                    /* of a classifier */
    glossa_pair patch, patch_norm;          /* of images */
    glossa_attention_part attention;        /* of a recurrent decoder, ... */
    const glossa_parameter *score;          /* ... and what its score learns, or NULL */
    float *sinusoids;                       /* (context, D), or NULL where positions are learned */
    float embedding_scale;
} glossa_network;

/* Fills `network` from a config that glossa_lab_check took. Fails with LIMIT or MEMORY, with nothing left to close. */
glossa_status glossa_network_open(const glossa_lab_config *config, uint32_t source_vocabulary,
                                  uint32_t target_vocabulary, bool separate, const glossa_allocator *allocator,
                                  glossa_network *network, glossa_error *error);
void glossa_network_close(glossa_network *network, const glossa_allocator *allocator);

/* Draws the values that a training begins with; each tensor has a stream of its own. */
void glossa_network_initialise(const glossa_network *network, uint64_t seed, float *values);

const glossa_parameter *glossa_network_find(const glossa_network *network, const char *name);

/* A part of a batch: whole pairs. */
typedef struct glossa_shard {
    const uint32_t *source, *inputs, *targets; /* `inputs`: what the decoder reads, targets moved one to the right */
    glossa_segments sources, outputs;
    const float *alignment; /* as glossa_lab_batch, or NULL */
    float weight;           /* of each target token in the loss */
    float share;            /* of the batch */
    /* What greedy decoding may take, and how long each output may become; NULL: all tokens. */
    const glossa_rules *rules;
    const uint32_t *limits;
} glossa_shard;

/* The network's rows and their prediction, of a shard, on the tape. */
glossa_predicted glossa_network_run(const glossa_network *network, const glossa_lab_config *rates,
                                    const glossa_shard *shard, glossa_tape *tape);

#endif
