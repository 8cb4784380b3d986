/*
 * How a decoder layer mixes a hypothesis's own tokens: self-attention, or a recurrent unit in its place. A mixer is a
 * file of this folder and a line of the table below; its tensors stand in model/tensors.c. Private to the decoder.
 */
#ifndef GLOSSA_MIXER_H
#define GLOSSA_MIXER_H

#include "nn/decoder.h"

typedef struct glossa_mixer_ops {
    bool attends; /* whether there are attention weights to capture */

    /* Carves the cache of one hypothesis of at most `positions` tokens. */
    glossa_cache (*take)(const glossa_config *config, glossa_arena *arena, size_t positions);

    /* As glossa_cache_clear and glossa_cache_copy. */
    void (*clear)(const glossa_config *config, const glossa_cache *cache);
    void (*copy)(const glossa_config *config, const glossa_cache *from, const glossa_cache *to, size_t count);

    /* The sub-layer of decoder layer l, in place on x (R, D), residual and norm included. */
    void (*step)(const glossa_model *model, size_t l, const glossa_decoder_input *input, float *x,
                 const glossa_scratch *scratch);
} glossa_mixer_ops;

extern const glossa_mixer_ops glossa_self_attention;
extern const glossa_mixer_ops glossa_ssru;

static inline const glossa_mixer_ops *glossa_mixer_of(const glossa_model *model) {
    static const glossa_mixer_ops *const mixers[] = {
        [GLOSSA_MIXER_ATTENTION] = &glossa_self_attention,
        [GLOSSA_MIXER_SSRU] = &glossa_ssru,
    };
    return mixers[model->config.mixer];
}

#endif
