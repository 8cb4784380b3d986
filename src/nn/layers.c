#include "nn/layers.h"

#include <string.h>

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

void glossa_scratch_take(glossa_scratch *scratch, glossa_arena *arena, const glossa_model *model, size_t rows,
                         size_t keys) {
    const glossa_config *config = &model->config;
    const size_t d = config->d, ffn_rows = rows < GLOSSA_GROUP_ROWS ? rows : GLOSSA_GROUP_ROWS;
    scratch->rows = rows;
    scratch->y = TAKE(arena, float, config->pre_norm ? rows : 0, d);
    scratch->q = TAKE(arena, float, rows, d);
    scratch->k = TAKE(arena, float, rows, d);
    scratch->v = TAKE(arena, float, rows, d);
    scratch->context = TAKE(arena, float, rows, d);
    scratch->hidden = TAKE(arena, float, ffn_rows, config->ffn);
    scratch->kt = TAKE(arena, float, d, keys);
    scratch->weights = TAKE(arena, float, larger(GLOSSA_QUERY_ROWS, GLOSSA_MAX_BEAM), keys);
    /* Rows and widths have 32 bits each, so neither product wraps. */
    const uint64_t quant = larger((uint64_t)rows * d, (uint64_t)ffn_rows * config->ffn);
    scratch->quant = TAKE(arena, uint8_t, quant, model->kernels->wide ? sizeof(int16_t) : sizeof(uint8_t));
    scratch->scale = TAKE(arena, float, rows);
    scratch->zero = TAKE(arena, int32_t, rows);
}

void glossa_embed(const glossa_model *model, const glossa_matrix *table, uint32_t id, const float *position, float *y) {
    const float scale = model->config.embedding_scale;
    const float row_scale = table->scale ? table->scale[(size_t)id * table->scale_step] : 1;
    model->kernels->embed(glossa_matrix_row(table, id), table->type, scale * row_scale, position, table->cols, y);
}

glossa_rows glossa_rows_prepare(const glossa_model *model, const float *x, size_t count, size_t width,
                                const glossa_matrix *w, const glossa_scratch *scratch) {
    const glossa_rows rows = {.f32 = x,
                              .stride = width,
                              .q = scratch->quant,
                              .scale = scratch->scale,
                              .zero = scratch->zero,
                              .count = count,
                              .width = width};
    if (w->type != WEIGHT_F32) model->kernels->quantize(&rows);
    return rows;
}

void glossa_linear(const glossa_model *model, const glossa_rows *rows, const glossa_matrix *w, float *y,
                   const glossa_epilogue *epilogue) {
    model->kernels->matmul(rows, w, NULL, w->rows, y, w->rows, epilogue);
}

const float *glossa_sublayer_input(const glossa_model *model, const float *x, size_t rows, const glossa_norm *norm,
                                   const glossa_scratch *scratch) {
    const glossa_config *c = &model->config;
    if (!c->pre_norm) return x;
    model->kernels->layer_norm(x, rows, c->d, norm->weight, norm->bias, c->epsilon, scratch->y);
    return scratch->y;
}

void glossa_sublayer_end(const glossa_model *model, float *x, size_t rows, const glossa_norm *norm) {
    const glossa_config *c = &model->config;
    if (!c->pre_norm) model->kernels->layer_norm(x, rows, c->d, norm->weight, norm->bias, c->epsilon, x);
}

void glossa_stack_end(const glossa_model *model, const glossa_norm *norm, size_t rows, float *x) {
    const glossa_config *c = &model->config;
    if (c->pre_norm) model->kernels->layer_norm(x, rows, c->d, norm->weight, norm->bias, c->epsilon, x);
}

void glossa_attention_begin(const glossa_model *model, const glossa_attention *attention, const glossa_norm *norm,
                            const float *x, size_t rows, const glossa_scratch *scratch) {
    const float *input = glossa_sublayer_input(model, x, rows, norm, scratch);
    const glossa_rows in = glossa_rows_prepare(model, input, rows, model->config.d, &attention->q, scratch);
    glossa_linear(model, &in, &attention->q, scratch->q, NULL);
    glossa_linear(model, &in, &attention->k, scratch->k, NULL);
    glossa_linear(model, &in, &attention->v, scratch->v, NULL);
}

void glossa_attention_end(const glossa_model *model, const glossa_matrix *o, const glossa_norm *norm, float *x,
                          size_t rows, const glossa_scratch *scratch) {
    const size_t d = model->config.d;
    const glossa_rows context = glossa_rows_prepare(model, scratch->context, rows, d, o, scratch);
    glossa_linear(model, &context, o, x, &(glossa_epilogue){.residual = x, .residual_stride = d});
    glossa_sublayer_end(model, x, rows, norm);
}

void glossa_transpose_keys(const float *k, size_t n, size_t d, float *kt, size_t stride, size_t at) {
    for (size_t c = 0; c < d; c++) {
        float *out = kt + c * stride + at;
        for (size_t j = 0; j < n; j++)
            out[j] = k[j * d + c];
    }
}

void glossa_attend(const glossa_model *model, const glossa_heads *heads, const glossa_scratch *scratch) {
    const size_t wide = model->config.d, count = model->config.heads, d = wide / count;
    glossa_head head = {.q_stride = wide,
                        .kt_stride = heads->kt_stride,
                        .v_stride = wide,
                        .m = heads->m,
                        .n = heads->n,
                        .d = d,
                        .scale = 1.0f / glossa_sqrt((float)d), /* sqrt is exact to the bit everywhere */
                        .weights_stride = heads->capture ? heads->capture_row : heads->n,
                        .out_stride = wide};
    for (size_t h = 0; h < count; h++) {
        head.q = heads->q + h * d;
        head.kt = heads->kt + h * d * heads->kt_stride;
        head.v = heads->v + h * d;
        head.weights = heads->capture ? heads->capture + h * heads->capture_head : scratch->weights;
        head.out = heads->context + h * d;
        model->kernels->attend(&head);
        if (heads->mask && heads->mask[h]) {
            for (size_t i = 0; i < heads->m; i++)
                memset(head.out + i * wide, 0, d * sizeof *head.out);
        }
    }
}

void glossa_feed_forward(const glossa_model *model, const glossa_layer *layer, float *x, size_t rows,
                         const glossa_scratch *scratch) {
    const glossa_config *c = &model->config;
    for (size_t at = 0; at < rows; at += GLOSSA_GROUP_ROWS) {
        const size_t count = rows - at < GLOSSA_GROUP_ROWS ? rows - at : GLOSSA_GROUP_ROWS;
        float *part = x + at * c->d;
        const float *input = glossa_sublayer_input(model, part, count, &layer->ffn_norm, scratch);
        const glossa_rows in = glossa_rows_prepare(model, input, count, c->d, &layer->ffn.up, scratch);
        glossa_linear(model, &in, &layer->ffn.up, scratch->hidden, &(glossa_epilogue){.activation = c->activation});
        const glossa_rows hidden =
            glossa_rows_prepare(model, scratch->hidden, count, c->ffn, &layer->ffn.down, scratch);
        glossa_linear(model, &hidden, &layer->ffn.down, part,
                      &(glossa_epilogue){.residual = part, .residual_stride = c->d});
        glossa_sublayer_end(model, part, count, &layer->ffn_norm);
    }
}
