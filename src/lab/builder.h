/*
 * What the networks share: a table of parameters that each fills, and a builder that each runs on the tape.
 */
#ifndef GLOSSA_LAB_BUILDER_H
#define GLOSSA_LAB_BUILDER_H

#include "lab/network.h"
#include "model/tensors.h"

/* ---- the table -------------------------------------------------------------------------------------------------- */

/* Adds the tensors of a part. The table has room for all that a network of so many layers can have. */
glossa_pair glossa_network_add(glossa_network *network, const glossa_part *part);

/* The same for a part that the engine's table lacks: NAME.weight (rows, cols) and, `biased`, NAME.bias. A linear one
   counts as within a layer. `name` is shorter than GLOSSA_PART_NAME. */
glossa_pair glossa_network_own(glossa_network *network, glossa_role role, const char *name, uint32_t rows,
                               uint32_t cols, bool biased);

/* A norm of rows of a width, where the network has norms; of a batch norm its statistics too. */
glossa_pair glossa_network_norm(glossa_network *network, const char *name, uint32_t width);

void glossa_transformer_fill(glossa_network *network);
void glossa_recurrent_fill(glossa_network *network);
void glossa_vision_fill(glossa_network *network);

/* The layer of classes behind all others. */
void glossa_classes_fill(glossa_network *network, uint32_t width);

/* ---- the pass --------------------------------------------------------------------------------------------------- */

typedef struct glossa_builder {
    const glossa_network *n;
    const glossa_lab_config *rates;
    const glossa_shard *shard;
    glossa_tape *tape;
} glossa_builder;

/* The rows that the tokens of `shard->targets` are predicted from: (target tokens, width). */
glossa_node glossa_transformer_build(const glossa_builder *builder);
glossa_node glossa_recurrent_build(const glossa_builder *builder);
glossa_node glossa_classifier_build(const glossa_builder *builder);
glossa_node glossa_masked_build(const glossa_builder *builder);
glossa_node glossa_causal_build(const glossa_builder *builder);
glossa_node glossa_vision_build(const glossa_builder *builder);

/* A layer norm or a batch norm of x, or x in a network without norms. */
glossa_node glossa_norm_of(const glossa_builder *builder, glossa_node x, glossa_pair norm);

/* A layer of an encoder: attention of x to itself, and feed-forward, each with residual and norm. Of `attending` its
   segments, its mask and its windows matter. */
glossa_node glossa_encoder_layer(const glossa_builder *builder, const glossa_network_layer *layer, glossa_node x,
                                 glossa_attending attending);

/* Embedded tokens, with positions where the network has any, shown as "enc.embd" and "dec.embd", after dropout. */
glossa_node glossa_embed_source(const glossa_builder *builder);
glossa_node glossa_embed_target(const glossa_builder *builder);

static inline glossa_node glossa_apply(const glossa_builder *b, glossa_node x, glossa_pair p) {
    return glossa_tape_linear(b->tape, x, p.w, p.b);
}

#endif
