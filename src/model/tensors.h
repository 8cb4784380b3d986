/*
 * The tensor table: which tensors a network has, as data. Whoever binds, checks, initialises, lists or writes tensors
 * goes through it, so that names and shapes are written down once.
 *
 *     glossa_part part = {0};
 *     while (glossa_part_next(&network, &part)) ...
 *
 * Legend: D width, F feed-forward width, V vocabulary, L layers.
 */
#ifndef GLOSSA_TENSORS_H
#define GLOSSA_TENSORS_H

#include "model/config.h"

/* What decides which parts there are, and how large they are. */
typedef struct glossa_network_shape {
    const glossa_config *config;
    uint32_t source_vocabulary, target_vocabulary;
    bool own_target; /* the target has an embedding table of its own, else the source's */
    bool own_output; /* the output layer has weights of its own, else the target's embedding table */
} glossa_network_shape;

/* What a part is for, and so which tensors it has. */
typedef enum glossa_role {
    ROLE_TABLE,     /* NAME.weight (V, D), rows of tokens */
    ROLE_LINEAR,    /* NAME.weight (out, in), and NAME.bias (out), which may be missing */
    ROLE_NORM,      /* NAME.weight (D), NAME.bias (D) */
    ROLE_POSITIONS, /* NAME.weight (context, D) */
    ROLE_BIAS       /* NAME.bias (V), which may be missing */
} glossa_role;

typedef enum glossa_part_of { PART_OF_MODEL, PART_OF_ENCODER, PART_OF_DECODER } glossa_part_of;

#define GLOSSA_PART_NAME   48
#define GLOSSA_TENSOR_NAME (GLOSSA_PART_NAME + 8)

/* Tensors that belong together. `rows` and `cols` are those of the matrix; a norm or a bias has one row. */
typedef struct glossa_part {
    char name[GLOSSA_PART_NAME]; /* "enc.blk.0.attn_q" */
    glossa_role role;
    uint32_t rows, cols;
    glossa_part_of of;
    uint32_t layer;
    size_t place; /* in a glossa_layer or, of the model, in a glossa_model: offset of the glossa_matrix, glossa_norm or
                     pointer */
    size_t shares_input;   /* place of the first matrix that reads the same input, which may be this one, ... */
    uint32_t shares_layer; /* ... in this layer of the same side */
    size_t section, next;  /* where the walk stands */
} glossa_part;

/* Moves to the next part; false behind the last. Zeros stand before the first one. */
bool glossa_part_next(const glossa_network_shape *network, glossa_part *part);

/* One tensor of a part. */
typedef struct glossa_tensor_entry {
    char name[GLOSSA_TENSOR_NAME];
    uint32_t dims;
    uint64_t ne[2]; /* as GGUF has them: [in, out] of a matrix */
    bool quantizable;
    bool optional;
} glossa_tensor_entry;

/* The tensors of a part but for the scales of int8 weights; how many there are, 1 or 2. */
size_t glossa_part_tensors(const glossa_part *part, glossa_tensor_entry entries[2]);

/* "enc.blk.12", and `end` behind it, of a side's layer; gives the end of the name, for which there is room. */
char *glossa_layer_name(char *name, glossa_part_of of, uint32_t layer, const char *end);

/* The name of a part's tensor, `suffix` being at most ".weight". */
void glossa_part_name(const glossa_part *part, const char *suffix, char name[GLOSSA_TENSOR_NAME]);

#endif
