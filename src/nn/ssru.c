/* The SSRU of Kim et al. 2019 in place of self-attention: one cell of D numbers a layer is all that is remembered. */
#include "nn/mixer.h"

#include <string.h>

static glossa_cache take(const glossa_config *config, glossa_arena *arena, size_t positions) {
    (void)positions;
    return (glossa_cache){.v = TAKE(arena, float, config->decoder_layers, config->d)};
}

static void clear(const glossa_config *config, const glossa_cache *cache) {
    memset(cache->v, 0, (size_t)config->decoder_layers * config->d * sizeof *cache->v);
}

static void copy(const glossa_config *config, const glossa_cache *from, const glossa_cache *to, size_t count) {
    (void)count;
    memcpy(to->v, from->v, (size_t)config->decoder_layers * config->d * sizeof *to->v);
}

static void step(const glossa_model *model, size_t l, const glossa_decoder_input *input, float *x,
                 const glossa_scratch *scratch) {
    const glossa_layer *layer = &model->decoder[l];
    const size_t d = model->config.d, count = input->count;
    const float *normed = glossa_sublayer_input(model, x, count, &layer->ssru_norm, scratch);
    const glossa_rows in = glossa_rows_prepare(model, normed, count, d, &layer->ssru_w, scratch);
    glossa_linear(model, &in, &layer->ssru_w, scratch->v, NULL);
    glossa_linear(model, &in, &layer->ssru_f, scratch->k, &(glossa_epilogue){.activation = ACTIVATION_SIGMOID});
    for (size_t r = 0; r < count; r++) {
        float *cell = input->rows[r].cache->v + l * d;
        model->kernels->ssru(scratch->k + r * d, scratch->v + r * d, x + r * d, d, cell, x + r * d);
    }
    glossa_sublayer_end(model, x, count, &layer->ssru_norm);
}

const glossa_mixer_ops glossa_ssru = {.attends = false, .take = take, .clear = clear, .copy = copy, .step = step};
