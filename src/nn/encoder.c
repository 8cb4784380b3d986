#include "nn/encoder.h"

size_t glossa_group_end(const glossa_span *spans, size_t sentences, size_t first, const glossa_scratch *scratch) {
    size_t end = first + 1;
    while (end < sentences && spans[end].start + spans[end].count - spans[first].start <= scratch->rows)
        end++;
    return end;
}

void glossa_encoder_embed(const glossa_model *model, const glossa_token *tokens, const glossa_span *spans,
                          size_t sentences, const float *positions, float *x) {
    const size_t d = model->config.d;
    for (size_t i = 0; i < sentences; i++) {
        for (size_t s = 0; s < spans[i].count; s++) {
            const size_t row = spans[i].start + s;
            glossa_embed(model, &model->source_embedding, tokens[row].id, positions + s * d, x + row * d);
        }
    }
}

void glossa_encoder_attend(const glossa_model *model, size_t l, const glossa_span *spans, size_t sentences,
                           const uint8_t *mask, float *attention, float *x, const glossa_scratch *scratch) {
    const glossa_layer *layer = &model->encoder[l];
    const size_t d = model->config.d, first = spans[0].start;
    const size_t rows = spans[sentences - 1].start + spans[sentences - 1].count - first; /* M */
    const float *input = glossa_sublayer_input(model, x, rows, &layer->attn_norm, scratch);
    const glossa_rows in = glossa_rows_prepare(model, input, rows, d, &layer->attn.q, scratch);
    glossa_linear(model, &in, &layer->attn.q, scratch->q, NULL);
    glossa_linear(model, &in, &layer->attn.k, scratch->k, NULL);
    glossa_linear(model, &in, &layer->attn.v, scratch->v, NULL);
    for (size_t i = 0; i < sentences; i++) {
        const size_t n = spans[i].count, at = (spans[i].start - first) * d;
        glossa_transpose_keys(scratch->k + at, n, d, scratch->kt, n, 0);
        for (size_t row = 0; row < n; row += GLOSSA_QUERY_ROWS) {
            const size_t m = n - row < GLOSSA_QUERY_ROWS ? n - row : GLOSSA_QUERY_ROWS;
            glossa_attend(model, scratch->q + at + row * d, scratch->kt, n, scratch->v + at, m, n, mask,
                          attention ? attention + row * n : NULL, n * n, n, scratch->context + at + row * d, scratch);
        }
    }
    const glossa_rows context = glossa_rows_prepare(model, scratch->context, rows, d, &layer->attn.o, scratch);
    glossa_linear(model, &context, &layer->attn.o, x, &(glossa_edge){.residual = x, .residual_stride = d});
    glossa_sublayer_end(model, x, rows, &layer->attn_norm);
}

void glossa_encoder_end(const glossa_model *model, size_t rows, float *x) {
    const glossa_config *c = &model->config;
    const glossa_norm *norm = &model->encoder_norm;
    if (c->pre_norm) model->kernels->layer_norm(x, rows, c->d, norm->weight, norm->bias, c->epsilon, x);
}
