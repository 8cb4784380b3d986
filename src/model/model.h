/*
 * The model: its config, and weights that point into the checkpoint. Immutable once open.
 *
 * Legend: D width, F feed-forward width, V vocabulary, L layers.
 */
#ifndef GLOSSA_MODEL_H
#define GLOSSA_MODEL_H

#include "model/config.h"
#include "search/shortlist.h"
#include "text/tokenizer.h"

typedef struct glossa_norm {
    const float *weight, *bias; /* (D) */
} glossa_norm;

typedef struct glossa_attention {
    glossa_matrix q, k, v, o; /* (D, D) each */
} glossa_attention;

typedef struct glossa_ffn {
    glossa_matrix up;   /* (F, D) */
    glossa_matrix down; /* (D, F) */
} glossa_ffn;

/* An encoder layer uses attn and ffn; a decoder layer attn or ssru, cross and ffn. */
typedef struct glossa_layer {
    glossa_attention attn;
    glossa_norm attn_norm;
    glossa_matrix ssru_w, ssru_f; /* (D, D) */
    glossa_norm ssru_norm;
    glossa_attention cross;
    glossa_norm cross_norm;
    glossa_ffn ffn;
    glossa_norm ffn_norm;
} glossa_layer;

/* What the file says of its languages. */
typedef struct glossa_languages {
    const uint8_t *names; /* (count) strings as GGUF has them */
    size_t count;
} glossa_languages;

struct glossa_model {
    glossa_allocator allocator;
    const glossa_kernels *kernels;
    glossa_config config;
    glossa_tokenizer *source_tokenizer;
    glossa_tokenizer *target_tokenizer; /* the same one where the vocabularies are shared */
    glossa_matrix source_embedding;     /* (V_source, D) */
    glossa_matrix target_embedding;     /* (V_target, D) */
    glossa_matrix output;               /* (V_target, D) */
    const float *encoder_position;      /* (context, D) learned, else NULL */
    const float *decoder_position;
    glossa_layer *encoder;                  /* (L_enc) */
    glossa_layer *decoder;                  /* (L_dec) */
    glossa_norm encoder_norm, decoder_norm; /* pre-norm only */
    glossa_shortlist shortlist;
    uint32_t *banned; /* (banned_count) ids never produced */
    size_t banned_count;
    uint32_t source_eos, target_eos;
    int32_t first_byte; /* of the target's pieces, as glossa_tokenizer_first_byte has it; -1: a shortlist lacks bytes */
    int32_t *row_sums;  /* of all int8 matrices */
    glossa_text name;
    glossa_languages source_languages, target_languages;
    uint32_t *language_tokens; /* (target_languages.count) NULL: a source does not name its target */
    uint64_t parameters, tensor_bytes, working_bytes;
};

#endif
