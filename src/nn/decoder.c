#include "nn/decoder.h"

#include <string.h>

#include "nn/mixer.h"

bool glossa_decoder_attends(const glossa_model *model) {
    return glossa_mixer_of(model)->attends;
}

glossa_cache glossa_cache_take(const glossa_model *model, glossa_arena *arena, size_t positions) {
    return glossa_mixer_of(model)->take(&model->config, arena, positions);
}

void glossa_cache_clear(const glossa_model *model, const glossa_cache *cache) {
    glossa_mixer_of(model)->clear(&model->config, cache);
}

void glossa_cache_copy(const glossa_model *model, const glossa_cache *from, const glossa_cache *to, size_t count) {
    glossa_mixer_of(model)->copy(&model->config, from, to, count);
}

glossa_source_keys glossa_source_keys_take(const glossa_model *model, glossa_arena *arena, size_t count) {
    const glossa_config *c = &model->config;
    glossa_source_keys keys = {.count = count, .stride = (count + 3) / 4 * 4};
    keys.kt = TAKE(arena, float, c->decoder_layers, c->d, keys.stride);
    keys.v = TAKE(arena, float, c->decoder_layers, count, c->d);
    return keys;
}

void glossa_source_keys_fill(const glossa_model *model, const glossa_span *spans, size_t sentences, const float *x,
                             const glossa_source_keys *source_keys, const glossa_scratch *scratch) {
    const size_t d = model->config.d, first = spans[0].start;
    const size_t rows = spans[sentences - 1].start + spans[sentences - 1].count - first;
    const glossa_rows in = glossa_rows_prepare(model, x, rows, d, &model->decoder[0].cross.k, scratch);
    for (size_t l = 0; l < model->config.decoder_layers; l++) {
        const glossa_attention *cross = &model->decoder[l].cross;
        glossa_linear(model, &in, &cross->k, scratch->k, NULL);
        glossa_linear(model, &in, &cross->v, scratch->v, NULL);
        for (size_t i = 0; i < sentences; i++) {
            const glossa_source_keys *keys = &source_keys[i];
            const size_t at = (spans[i].start - first) * d;
            glossa_transpose_keys(scratch->k + at, keys->count, d, keys->kt + l * d * keys->stride, keys->stride, 0);
            memcpy(keys->v + l * keys->count * d, scratch->v + at, keys->count * d * sizeof *keys->v);
        }
    }
}

size_t glossa_live_end(const glossa_live *rows, size_t count, size_t first) {
    size_t end = first + 1;
    while (end < count && rows[end].sentence == rows[first].sentence)
        end++;
    return end;
}

/* Hypotheses of one sentence read the same keys, so their queries go together. */
static void cross_attention(const glossa_model *model, size_t l, const glossa_decoder_input *input, float *x,
                            const glossa_scratch *scratch) {
    const glossa_layer *layer = &model->decoder[l];
    const size_t d = model->config.d, heads = model->config.heads, count = input->count;
    const uint8_t *mask = input->cross_mask ? input->cross_mask + l * heads : NULL;
    const glossa_capture *capture = input->capture;
    const float *normed = glossa_sublayer_input(model, x, count, &layer->cross_norm, scratch);
    const glossa_rows in = glossa_rows_prepare(model, normed, count, d, &layer->cross.q, scratch);
    glossa_linear(model, &in, &layer->cross.q, scratch->q, NULL);
    for (size_t r = 0, end; r < count; r = end) {
        end = glossa_live_end(input->rows, count, r);
        const glossa_source_keys *keys = &input->source_keys[input->rows[r].sentence];
        const size_t length = capture ? capture->length : 0, n = keys->count;
        const glossa_heads call = {.q = scratch->q + r * d,
                                   .kt = keys->kt + l * d * keys->stride,
                                   .v = keys->v + l * n * d,
                                   .context = scratch->context + r * d,
                                   .kt_stride = keys->stride,
                                   .m = end - r,
                                   .n = n,
                                   .mask = mask,
                                   .capture =
                                       capture ? capture->cross_attention + (l * heads * length + input->t) * n : NULL,
                                   .capture_head = length * n,
                                   .capture_row = n};
        glossa_attend(model, &call, scratch);
    }
    glossa_attention_end(model, &layer->cross.o, &layer->cross_norm, x, count, scratch);
}

static void embed_rows(const glossa_model *model, const glossa_decoder_input *input, float *x) {
    const glossa_config *c = &model->config;
    const bool first = input->t == 0;
    for (size_t r = 0; r < input->count; r++, x += c->d) {
        if (first && c->start_is_zero)
            model->kernels->embed(NULL, WEIGHT_F32, 0, input->position, c->d, x);
        else
            glossa_embed(model, &model->target_embedding, first ? c->start : input->rows[r].token, input->position, x);
    }
}

void glossa_decoder_step(const glossa_model *model, const glossa_decoder_input *input, float *x,
                         const glossa_scratch *scratch) {
    const glossa_config *c = &model->config;
    const size_t d = c->d, t = input->t;
    const glossa_capture *capture = input->capture;
    embed_rows(model, input, x);
    if (capture) memcpy(capture->hidden + t * d, x, d * sizeof *x);
    for (size_t l = 0; l < c->decoder_layers; l++) {
        glossa_mixer_of(model)->step(model, l, input, x, scratch);
        cross_attention(model, l, input, x, scratch);
        glossa_feed_forward(model, &model->decoder[l], x, input->count, scratch);
        if (capture) memcpy(capture->hidden + ((l + 1) * capture->length + t) * d, x, d * sizeof *x);
    }
    glossa_stack_end(model, &model->decoder_norm, input->count, x);
}

void glossa_decoder_unmasked(const glossa_model *model, const glossa_decoder_input *input, float *x,
                             const glossa_scratch *scratch) {
    const glossa_config *c = &model->config;
    const size_t n = input->count, cells = n * c->d; /* T */
    const glossa_capture *capture = input->capture;
    const glossa_span whole = {.start = 0, .count = n};
    glossa_decoder_input part = *input;
    part.count = 1;
    for (part.t = 0; part.t < n; part.t++, part.rows++, part.position += c->d)
        embed_rows(model, &part, x + part.t * c->d);
    part = *input;
    part.t = 0;
    memcpy(capture->hidden, x, cells * sizeof *x);
    for (size_t l = 0; l < c->decoder_layers; l++) {
        const glossa_layer *layer = &model->decoder[l];
        const uint8_t *mask = input->self_mask ? input->self_mask + l * c->heads : NULL;
        glossa_encoder_attend(model, layer, &whole, 1, mask, capture->self_attention + l * c->heads * n * n, x,
                              scratch);
        cross_attention(model, l, &part, x, scratch);
        glossa_feed_forward(model, layer, x, n, scratch);
        memcpy(capture->hidden + (l + 1) * cells, x, cells * sizeof *x);
    }
    glossa_stack_end(model, &model->decoder_norm, n, x);
}
