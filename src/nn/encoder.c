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

void glossa_encoder_attend(const glossa_model *model, const glossa_layer *layer, const glossa_span *spans,
                           size_t sentences, const uint8_t *mask, float *attention, float *x,
                           const glossa_scratch *scratch) {
    const size_t d = model->config.d, first = spans[0].start;
    const size_t rows = spans[sentences - 1].start + spans[sentences - 1].count - first; /* M */
    glossa_attention_begin(model, &layer->attn, &layer->attn_norm, x, rows, scratch);
    for (size_t i = 0; i < sentences; i++) {
        const size_t n = spans[i].count, at = (spans[i].start - first) * d;
        glossa_transpose_keys(scratch->k + at, n, d, scratch->kt, n, 0);
        for (size_t row = 0; row < n; row += GLOSSA_QUERY_ROWS) {
            const size_t m = n - row < GLOSSA_QUERY_ROWS ? n - row : GLOSSA_QUERY_ROWS;
            const glossa_heads heads = {.q = scratch->q + at + row * d,
                                        .kt = scratch->kt,
                                        .v = scratch->v + at,
                                        .context = scratch->context + at + row * d,
                                        .kt_stride = n,
                                        .m = m,
                                        .n = n,
                                        .mask = mask,
                                        .capture = attention ? attention + row * n : NULL,
                                        .capture_head = n * n,
                                        .capture_row = n};
            glossa_attend(model, &heads, scratch);
        }
    }
    glossa_attention_end(model, &layer->attn.o, &layer->attn_norm, x, rows, scratch);
}
