/*
 * A tiny checkpoint of seeded weights, of any variant, for tests of the whole engine. Its vocabulary is "<pad>",
 * "<unk>",
 * "<s>", "</s>", the space mark and the letters a to z and A to Z, one token each.
 */
#ifndef GLOSSA_TESTS_TINY_MODEL_H
#define GLOSSA_TESTS_TINY_MODEL_H

#include <math.h>
#include <stdio.h>

#include "gguf_builder.h"

enum { TINY_PAD, TINY_UNK, TINY_BOS, TINY_EOS, TINY_SPACE, TINY_LETTERS, TINY_VOCABULARY = TINY_LETTERS + 52 };
enum { TINY_D = 32, TINY_F = 48, TINY_HEADS = 4, TINY_ENCODER = 2, TINY_DECODER = 2, TINY_CONTEXT = 40 };

typedef struct tiny_options {
    bool float32, pre_norm, ssru, untied, per_tensor_scale;
    const char *activation, *position; /* NULL: relu, sinusoid-interleaved */
    bool shortlist;                    /* one that names every id, so that it must change nothing */
    const char *spoil;                 /* a tensor that gets a NaN, or NULL */
    const char *omit;                  /* a tensor that is left out, or NULL */
    const char *widen;                 /* a tensor that is one row too long, or NULL */
    const char *mix;                   /* a matrix of the other type than all others, or NULL */
    int32_t far_id;                    /* model id of the last piece, where it is not its own; 0: its own */
    uint32_t format_version;           /* 0: 1 */
    uint32_t context;                  /* 0: TINY_CONTEXT */
    size_t targets;                    /* languages "de", "fr", "nl" that tokens 't', 'u', 'v' choose; 0: "de" alone */
    size_t target_tokens;              /* how many of these tokens the file has */
} tiny_options;

static inline float tiny_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    uint32_t x = *state ^ *state >> 15;
    x *= 0x2c1b3c6du;
    x ^= x >> 12;
    return (float)x / 2147483648.0f - 1;
}

static inline void tiny_vector(gguf_builder *b, const tiny_options *o, uint32_t *state, const char *name, float centre,
                               float width, uint32_t cols, uint32_t rows) {
    if (o->omit && !strcmp(o->omit, name)) return;
    if (o->widen && !strcmp(o->widen, name)) rows++;
    float *values = malloc((size_t)cols * rows * sizeof *values);
    if (!values) abort();
    for (uint32_t i = 0; i < cols * rows; i++)
        values[i] = centre + width * tiny_random(state);
    if (o->spoil && !strcmp(o->spoil, name)) values[cols * rows / 2] = NAN;
    put_tensor(b, name, 0, rows > 1 ? 2 : 1, (const uint64_t[]){cols, rows}, values, (size_t)cols * rows * 4);
    free(values);
}

static inline void tiny_matrix(gguf_builder *b, const tiny_options *o, uint32_t *state, const char *base, uint32_t rows,
                               uint32_t cols, float width) {
    char name[128];
    snprintf(name, sizeof name, "%s.weight", base);
    if (o->float32 != (o->mix && !strcmp(o->mix, base))) {
        tiny_vector(b, o, state, name, 0, width, cols, rows);
        return;
    }
    if (o->omit && !strcmp(o->omit, name)) return;
    int8_t *q = malloc((size_t)rows * cols);
    float *scale = malloc(rows * sizeof *scale);
    if (!q || !scale) abort();
    for (uint32_t i = 0; i < rows * cols; i++)
        q[i] = (int8_t)lrintf(127 * tiny_random(state));
    for (uint32_t i = 0; i < rows; i++)
        scale[i] = width / 127 * (o->per_tensor_scale ? 1 : 1 + 0.3f * tiny_random(state));
    put_tensor(b, name, 24, 2, (const uint64_t[]){cols, rows}, q, (size_t)rows * cols);
    snprintf(name, sizeof name, "%s.scale", base);
    if (o->spoil && !strcmp(o->spoil, name)) scale[0] = NAN;
    put_tensor(b, name, 0, 1, (const uint64_t[]){o->per_tensor_scale ? 1 : rows}, scale,
               o->per_tensor_scale ? 4 : rows * 4);
    free(q);
    free(scale);
}

static inline void tiny_linear(gguf_builder *b, const tiny_options *o, uint32_t *state, const char *prefix,
                               const char *block, uint32_t rows, uint32_t cols) {
    char name[96];
    snprintf(name, sizeof name, "%s.%s", prefix, block);
    tiny_matrix(b, o, state, name, rows, cols, sqrtf(6.0f / (float)cols));
    snprintf(name, sizeof name, "%s.%s.bias", prefix, block);
    tiny_vector(b, o, state, name, 0, 0.2f, rows, 1);
}

static inline void tiny_norm(gguf_builder *b, const tiny_options *o, uint32_t *state, const char *prefix,
                             const char *block) {
    char name[96];
    snprintf(name, sizeof name, "%s.%s.weight", prefix, block);
    tiny_vector(b, o, state, name, 1, 0.2f, TINY_D, 1);
    snprintf(name, sizeof name, "%s.%s.bias", prefix, block);
    tiny_vector(b, o, state, name, 0, 0.2f, TINY_D, 1);
}

static inline void tiny_layer(gguf_builder *b, const tiny_options *o, uint32_t *state, bool decoder, int layer) {
    char prefix[32];
    static const char *const self[] = {"attn_q", "attn_k", "attn_v", "attn_o"};
    static const char *const cross[] = {"cross_attn_q", "cross_attn_k", "cross_attn_v", "cross_attn_o"};
    snprintf(prefix, sizeof prefix, "%s.blk.%d", decoder ? "dec" : "enc", layer);
    if (decoder && o->ssru) {
        tiny_linear(b, o, state, prefix, "ssru_w", TINY_D, TINY_D);
        tiny_linear(b, o, state, prefix, "ssru_f", TINY_D, TINY_D);
        tiny_norm(b, o, state, prefix, "ssru_norm");
    } else {
        for (int i = 0; i < 4; i++)
            tiny_linear(b, o, state, prefix, self[i], TINY_D, TINY_D);
        tiny_norm(b, o, state, prefix, "attn_norm");
    }
    for (int i = 0; decoder && i < 4; i++)
        tiny_linear(b, o, state, prefix, cross[i], TINY_D, TINY_D);
    if (decoder) tiny_norm(b, o, state, prefix, "cross_attn_norm");
    tiny_linear(b, o, state, prefix, "ffn_up", TINY_F, TINY_D);
    tiny_linear(b, o, state, prefix, "ffn_down", TINY_D, TINY_F);
    tiny_norm(b, o, state, prefix, "ffn_norm");
}

static inline void tiny_vocabulary(gguf_builder *b, const tiny_options *o) {
    static const char *const special[] = {"<pad>", "<unk>", "<s>", "</s>", "\xe2\x96\x81"};
    const char *pieces[TINY_VOCABULARY];
    char letters[52][2];
    float scores[TINY_VOCABULARY];
    int32_t types[TINY_VOCABULARY];
    for (int i = 0; i < TINY_VOCABULARY; i++) {
        scores[i] = -1;
        types[i] = i == TINY_UNK ? 2 : i < TINY_SPACE ? 3 : 1;
        if (i < TINY_LETTERS) {
            pieces[i] = special[i];
        } else {
            const int letter = i - TINY_LETTERS;
            letters[letter][0] = (char)(letter < 26 ? 'a' + letter : 'A' + letter - 26);
            letters[letter][1] = 0;
            pieces[i] = letters[letter];
        }
    }
    put_string(b, "tokenizer.ggml.model", "unigram");
    put_strings(b, "tokenizer.ggml.tokens", pieces, TINY_VOCABULARY);
    put_f32s(b, "tokenizer.ggml.scores", scores, TINY_VOCABULARY);
    put_i32s(b, "tokenizer.ggml.token_type", types, TINY_VOCABULARY);
    int32_t ids[TINY_VOCABULARY];
    for (int32_t i = 0; i < TINY_VOCABULARY; i++)
        ids[i] = i;
    ids[TINY_VOCABULARY - 1] = o->far_id;
    if (o->far_id) put_i32s(b, "tokenizer.ggml.ids", ids, TINY_VOCABULARY);
    put_u32(b, "tokenizer.ggml.unknown_token_id", TINY_UNK);
    put_u32(b, "tokenizer.ggml.eos_token_id", TINY_EOS);
}

static inline void tiny_config(gguf_builder *b, const tiny_options *o) {
    put_string(b, "general.architecture", "glossa");
    put_string(b, "general.name", "tiny");
    put_u32(b, "glossa.format_version", o->format_version ? o->format_version : 1);
    put_string(b, "glossa.task", "translation");
    put_string(b, "glossa.source_language", "en");
    const int32_t tokens[] = {TINY_LETTERS + 't' - 'a', TINY_LETTERS + 'u' - 'a', TINY_VOCABULARY};
    if (o->targets)
        put_strings(b, "glossa.target_language", (const char *const[]){"de", "fr", "nl"}, o->targets);
    else
        put_string(b, "glossa.target_language", "de");
    if (o->target_tokens) put_i32s(b, "glossa.target_language_tokens", tokens, o->target_tokens);
    put_u32(b, "glossa.encoder.block_count", TINY_ENCODER);
    put_u32(b, "glossa.decoder.block_count", TINY_DECODER);
    put_u32(b, "glossa.embedding_length", TINY_D);
    put_u32(b, "glossa.feed_forward_length", TINY_F);
    put_u32(b, "glossa.attention.head_count", TINY_HEADS);
    put_u32(b, "glossa.context_length", o->context ? o->context : TINY_CONTEXT);
    put_string(b, "glossa.norm.placement", o->pre_norm ? "pre" : "post");
    put_f32(b, "glossa.norm.epsilon", 1e-5f);
    put_string(b, "glossa.activation", o->activation ? o->activation : "relu");
    put_string(b, "glossa.position", o->position ? o->position : "sinusoid-interleaved");
    put_string(b, "glossa.decoder.mixer", o->ssru ? "ssru" : "attention");
    if (o->ssru)
        put_string(b, "glossa.decoder.start", "zero-vector");
    else
        put_u32(b, "glossa.decoder.start", TINY_BOS);
    put_i32s(b, "glossa.banned_ids", (const int32_t[]){TINY_PAD, TINY_BOS}, 2);
    put_f32(b, "glossa.embedding.scale", sqrtf(TINY_D));
    put_bool(b, "glossa.output.shared", !o->untied);
    put_u32(b, "glossa.alignment.layer", 1);
    put_u32(b, "glossa.alignment.head", 2);
}

static inline void tiny_shortlist(gguf_builder *b) {
    int32_t offsets[TINY_VOCABULARY + 1], ids[TINY_VOCABULARY * TINY_VOCABULARY];
    for (int32_t i = 0; i < TINY_VOCABULARY; i++) {
        offsets[i + 1] = (i + 1) * TINY_VOCABULARY;
        for (int32_t j = 0; j < TINY_VOCABULARY; j++)
            ids[i * TINY_VOCABULARY + j] = j;
    }
    offsets[0] = 0;
    put_u32(b, "glossa.shortlist.first", 2);
    put_tensor(b, "shortlist.offsets", 26, 1, (const uint64_t[]){TINY_VOCABULARY + 1}, offsets, sizeof offsets);
    put_tensor(b, "shortlist.ids", 26, 1, (const uint64_t[]){TINY_VOCABULARY * TINY_VOCABULARY}, ids, sizeof ids);
}

/* The file's bytes, which the caller frees. */
static inline uint8_t *tiny_model(const tiny_options *o, uint32_t seed, size_t *size) {
    gguf_builder b = {0};
    uint32_t state = seed;
    tiny_config(&b, o);
    tiny_vocabulary(&b, o);
    tiny_matrix(&b, o, &state, "token_embd", TINY_VOCABULARY, TINY_D, 0.4f);
    if (o->position && !strcmp(o->position, "learned")) {
        tiny_vector(&b, o, &state, "enc.position_embd.weight", 0, 0.6f, TINY_D, TINY_CONTEXT);
        tiny_vector(&b, o, &state, "dec.position_embd.weight", 0, 0.6f, TINY_D, TINY_CONTEXT);
    }
    for (int i = 0; i < TINY_ENCODER; i++)
        tiny_layer(&b, o, &state, false, i);
    for (int i = 0; i < TINY_DECODER; i++)
        tiny_layer(&b, o, &state, true, i);
    if (o->pre_norm) {
        tiny_norm(&b, o, &state, "enc", "output_norm");
        tiny_norm(&b, o, &state, "dec", "output_norm");
    }
    if (o->untied) tiny_matrix(&b, o, &state, "output", TINY_VOCABULARY, TINY_D, 0.4f);
    float bias[TINY_VOCABULARY] = {0};
    bias[TINY_EOS] = 2;
    put_tensor(&b, "output.bias", 0, 1, (const uint64_t[]){TINY_VOCABULARY}, bias, sizeof bias);
    if (o->shortlist) tiny_shortlist(&b);
    return finish(&b, size);
}

#endif
