/* Causal self-attention of the decoder, with a cache of keys and values. */
#include "nn/mixer.h"

#include <string.h>

static glossa_cache take(const glossa_config *config, glossa_arena *arena, size_t positions) {
    const size_t capacity = (positions + 3) / 4 * 4;
    glossa_cache cache = {.capacity = capacity};
    cache.kt = TAKE(arena, float, config->decoder_layers, config->d, capacity);
    cache.v = TAKE(arena, float, config->decoder_layers, capacity, config->d);
    return cache;
}

/* Nothing is read before it is written. */
static void clear(const glossa_config *config, const glossa_cache *cache) {
    (void)config, (void)cache;
}

static void copy(const glossa_config *config, const glossa_cache *from, const glossa_cache *to, size_t count) {
    const size_t d = config->d, capacity = from->capacity;
    for (size_t l = 0; l < config->decoder_layers; l++) {
        const size_t at = l * d * capacity;
        for (size_t j = 0; j < d; j++) {
            memcpy(to->kt + at + j * capacity, from->kt + at + j * capacity, count * sizeof *to->kt);
        }
        memcpy(to->v + at, from->v + at, count * d * sizeof *to->v);
    }
}

/* Position t sees the keys 0..t, because no later one exists yet. */
static void step(const glossa_model *model, size_t l, const glossa_decoder_input *input, float *x,
                 const glossa_scratch *scratch) {
    const glossa_layer *layer = &model->decoder[l];
    const size_t d = model->config.d, heads = model->config.heads, t = input->t;
    const uint8_t *mask = input->self_mask ? input->self_mask + l * heads : NULL;
    const glossa_capture *capture = input->capture;
    glossa_attention_begin(model, &layer->attn, &layer->attn_norm, x, input->count, scratch);
    for (size_t r = 0; r < input->count; r++) {
        const glossa_cache *cache = input->rows[r].cache;
        float *kt = cache->kt + l * d * cache->capacity, *v = cache->v + l * d * cache->capacity;
        glossa_transpose_keys(scratch->k + r * d, 1, d, kt, cache->capacity, t);
        memcpy(v + t * d, scratch->v + r * d, d * sizeof *v);
        const size_t length = capture ? capture->length : 0;
        const glossa_heads call = {.q = scratch->q + r * d,
                                   .kt = kt,
                                   .v = v,
                                   .context = scratch->context + r * d,
                                   .kt_stride = cache->capacity,
                                   .m = 1,
                                   .n = t + 1,
                                   .mask = mask,
                                   .capture =
                                       capture ? capture->self_attention + (l * heads * length + t) * length : NULL,
                                   .capture_head = length * length,
                                   .capture_row = length};
        glossa_attend(model, &call, scratch);
    }
    glossa_attention_end(model, &layer->attn.o, &layer->attn_norm, x, input->count, scratch);
}

const glossa_mixer_ops glossa_self_attention = {
    .attends = true, .take = take, .clear = clear, .copy = copy, .step = step};
