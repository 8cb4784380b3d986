#include "nn/decoder.h"

#include <string.h>

void glossa_decoder_remember(const glossa_model *model, const glossa_span *spans, size_t sentences, const float *x,
                             const glossa_memory *memories, const glossa_scratch *scratch) {
    const size_t d = model->config.d, first = spans[0].start;
    const size_t rows = spans[sentences - 1].start + spans[sentences - 1].count - first;
    const glossa_rows in = glossa_rows_prepare(model, x, rows, d, &model->decoder[0].cross.k, scratch);
    for (size_t l = 0; l < model->config.decoder_layers; l++) {
        const glossa_attention *cross = &model->decoder[l].cross;
        glossa_linear(model, &in, &cross->k, scratch->k, NULL);
        glossa_linear(model, &in, &cross->v, scratch->v, NULL);
        for (size_t i = 0; i < sentences; i++) {
            const glossa_memory *m = &memories[i];
            const size_t at = (spans[i].start - first) * d;
            glossa_transpose_keys(scratch->k + at, m->count, d, m->kt + l * d * m->stride, m->stride, 0);
            memcpy(m->v + l * m->count * d, scratch->v + at, m->count * d * sizeof *m->v);
        }
    }
}

void glossa_cache_clear(const glossa_model *model, const glossa_cache *cache) {
    const glossa_config *c = &model->config;
    if (c->mixer == GLOSSA_MIXER_SSRU) memset(cache->v, 0, (size_t)c->decoder_layers * c->d * sizeof *cache->v);
}

void glossa_cache_copy(const glossa_model *model, const glossa_cache *from, const glossa_cache *to, size_t count) {
    const glossa_config *c = &model->config;
    const size_t d = c->d, capacity = from->capacity;
    if (c->mixer == GLOSSA_MIXER_SSRU) {
        memcpy(to->v, from->v, c->decoder_layers * d * sizeof *to->v);
        return;
    }
    for (size_t l = 0; l < c->decoder_layers; l++) {
        const size_t at = l * d * capacity;
        for (size_t j = 0; j < d; j++) {
            memcpy(to->kt + at + j * capacity, from->kt + at + j * capacity, count * sizeof *to->kt);
        }
        memcpy(to->v + at, from->v + at, count * d * sizeof *to->v);
    }
}

/* Causal self-attention: position t sees the keys 0..t, because no later one exists yet. */
static void self_attention(const glossa_model *model, size_t l, const glossa_row *rows, size_t count, size_t t,
                           const uint8_t *mask, const glossa_capture *capture, float *x,
                           const glossa_scratch *scratch) {
    const glossa_layer *layer = &model->decoder[l];
    const size_t d = model->config.d, heads = model->config.heads;
    const float *input = glossa_sublayer_input(model, x, count, &layer->attn_norm, scratch);
    const glossa_rows in = glossa_rows_prepare(model, input, count, d, &layer->attn.q, scratch);
    glossa_linear(model, &in, &layer->attn.q, scratch->q, NULL);
    glossa_linear(model, &in, &layer->attn.k, scratch->k, NULL);
    glossa_linear(model, &in, &layer->attn.v, scratch->v, NULL);
    for (size_t r = 0; r < count; r++) {
        const glossa_cache *cache = rows[r].cache;
        float *kt = cache->kt + l * d * cache->capacity, *v = cache->v + l * d * cache->capacity;
        glossa_transpose_keys(scratch->k + r * d, 1, d, kt, cache->capacity, t);
        memcpy(v + t * d, scratch->v + r * d, d * sizeof *v);
        const size_t length = capture ? capture->length : 0;
        float *out = capture ? capture->self_attention + (l * heads * length + t) * length : NULL;
        glossa_attend(model, scratch->q + r * d, kt, cache->capacity, v, 1, t + 1, mask, out, length * length, length,
                      scratch->context + r * d, scratch);
    }
    const glossa_rows context = glossa_rows_prepare(model, scratch->context, count, d, &layer->attn.o, scratch);
    glossa_linear(model, &context, &layer->attn.o, x, &(glossa_edge){.residual = x, .residual_stride = d});
    glossa_sublayer_end(model, x, count, &layer->attn_norm);
}

/* The SSRU of Kim et al. 2019 in place of self-attention: one cell of D numbers is all that is remembered. */
static void ssru(const glossa_model *model, size_t l, const glossa_row *rows, size_t count, float *x,
                 const glossa_scratch *scratch) {
    const glossa_layer *layer = &model->decoder[l];
    const size_t d = model->config.d;
    const float *input = glossa_sublayer_input(model, x, count, &layer->ssru_norm, scratch);
    const glossa_rows in = glossa_rows_prepare(model, input, count, d, &layer->ssru_w, scratch);
    glossa_linear(model, &in, &layer->ssru_w, scratch->v, NULL);
    glossa_linear(model, &in, &layer->ssru_f, scratch->k, &(glossa_edge){.activation = ACTIVATION_SIGMOID});
    for (size_t r = 0; r < count; r++) {
        float *cell = rows[r].cache->v + l * d;
        model->kernels->ssru(scratch->k + r * d, scratch->v + r * d, x + r * d, d, cell, x + r * d);
    }
    glossa_sublayer_end(model, x, count, &layer->ssru_norm);
}

/* Hypotheses of one sentence share its memory, so their queries go together. */
static void cross_attention(const glossa_model *model, size_t l, const glossa_row *rows, size_t count, size_t t,
                            const glossa_memory *memories, const uint8_t *mask, const glossa_capture *capture, float *x,
                            const glossa_scratch *scratch) {
    const glossa_layer *layer = &model->decoder[l];
    const size_t d = model->config.d, heads = model->config.heads;
    const float *input = glossa_sublayer_input(model, x, count, &layer->cross_norm, scratch);
    const glossa_rows in = glossa_rows_prepare(model, input, count, d, &layer->cross.q, scratch);
    glossa_linear(model, &in, &layer->cross.q, scratch->q, NULL);
    for (size_t r = 0, end; r < count; r = end) {
        for (end = r + 1; end < count && rows[end].sentence == rows[r].sentence;)
            end++;
        const glossa_memory *m = &memories[rows[r].sentence];
        const size_t length = capture ? capture->length : 0;
        float *out = capture ? capture->cross_attention + (l * heads * length + t) * m->count : NULL;
        glossa_attend(model, scratch->q + r * d, m->kt + l * d * m->stride, m->stride, m->v + l * m->count * d, end - r,
                      m->count, mask, out, length * m->count, m->count, scratch->context + r * d, scratch);
    }
    const glossa_rows context = glossa_rows_prepare(model, scratch->context, count, d, &layer->cross.o, scratch);
    glossa_linear(model, &context, &layer->cross.o, x, &(glossa_edge){.residual = x, .residual_stride = d});
    glossa_sublayer_end(model, x, count, &layer->cross_norm);
}

static void embed_rows(const glossa_model *model, const glossa_row *rows, size_t count, size_t t, const float *position,
                       float *x) {
    const glossa_config *c = &model->config;
    for (size_t r = 0; r < count; r++) {
        if (t == 0 && c->start_is_zero) {
            model->kernels->embed(NULL, false, 0, position, c->d, x + r * c->d);
        } else {
            glossa_embed(model, &model->target_embedding, t == 0 ? c->start : rows[r].token, position, x + r * c->d);
        }
    }
}

void glossa_decoder_step(const glossa_model *model, const glossa_row *rows, size_t count, size_t t,
                         const float *position, const glossa_memory *memories, const uint8_t *self_mask,
                         const uint8_t *cross_mask, const glossa_capture *capture, float *x,
                         const glossa_scratch *scratch) {
    const glossa_config *c = &model->config;
    const size_t layers = c->decoder_layers, d = c->d;
    embed_rows(model, rows, count, t, position, x);
    if (capture) memcpy(capture->hidden + t * d, x, d * sizeof *x);
    for (size_t l = 0; l < layers; l++) {
        const uint8_t *self = self_mask ? self_mask + l * c->heads : NULL;
        const uint8_t *cross = cross_mask ? cross_mask + l * c->heads : NULL;
        if (c->mixer == GLOSSA_MIXER_SSRU)
            ssru(model, l, rows, count, x, scratch);
        else
            self_attention(model, l, rows, count, t, self, capture, x, scratch);
        cross_attention(model, l, rows, count, t, memories, cross, capture, x, scratch);
        glossa_feed_forward(model, &model->decoder[l], x, count, scratch);
        if (capture) memcpy(capture->hidden + ((l + 1) * capture->length + t) * d, x, d * sizeof *x);
    }
    if (c->pre_norm) {
        const glossa_norm *norm = &model->decoder_norm;
        model->kernels->layer_norm(x, count, d, norm->weight, norm->bias, c->epsilon, x);
    }
}
