/*
 * Any vocabulary with any text. The input, byte by byte:
 *
 *     flags: bit 0 BPE, bits 1-4 the normalizer's, bit 5 model ids, bit 6 byte pieces, bit 7 a piece for the unknown
 *     number of pieces
 *     for each piece: its type and the high bits of its length, the low bits of its length, its score, its text
 *     the text to tokenize
 */
#include <stdio.h>

#include "../c/gguf_builder.h"
#include "tokenizing.h"

#define P "tokenizer.ggml."

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BPE = 1, IDS = 32, BYTES = 64, UNKNOWN = 128, MOST = 256 + 256 + 1 };

typedef struct reader {
    const uint8_t *at, *end;
} reader;

static unsigned next(reader *self) {
    return self->at < self->end ? *self->at++ : 0;
}

static glossa_text next_text(reader *self, size_t size) {
    const size_t left = (size_t)(self->end - self->at);
    const glossa_text text = {(const char *)self->at, size < left ? size : left};
    self->at += text.size;
    return text;
}

typedef struct vocabulary {
    glossa_text texts[MOST];
    float scores[MOST];
    int32_t types[MOST], ids[MOST];
    size_t count;
} vocabulary;

static void add(vocabulary *self, glossa_text text, float score, int32_t type) {
    self->texts[self->count] = text;
    self->scores[self->count] = score;
    self->ids[self->count] = (int32_t)(self->count % 7 == 6 ? 2000 + self->count : self->count);
    self->types[self->count++] = type;
}

static void read_pieces(vocabulary *self, reader *from, unsigned flags) {
    static char names[256][7];
    self->count = 0;
    if (flags & UNKNOWN) add(self, (glossa_text){"<unk>", 5}, 0, 2);
    for (unsigned byte = 0; flags & BYTES && byte < 256; byte++) {
        snprintf(names[byte], sizeof names[byte], "<0x%02X>", byte);
        add(self, (glossa_text){names[byte], 6}, 0, 6);
    }
    for (unsigned left = next(from); left > 0; left--) {
        const unsigned kind = next(from), low = next(from);
        const float score = (float)(int8_t)next(from) / 4;
        add(self, next_text(from, (kind >> 5) * 146 + low % 160), score, (int32_t)(kind & 31) % 7);
    }
}

static uint8_t *make_file(const vocabulary *v, unsigned flags, size_t *size) {
    static const char *const names[] = {P "add_space_prefix", P "remove_extra_whitespaces", P "escape_whitespaces",
                                        P "treat_whitespace_as_suffix"};
    gguf_builder b = {0};
    put_string(&b, P "model", flags & BPE ? "bpe" : "unigram");
    put_array(&b, P "tokens", 8, v->count);
    for (size_t i = 0; i < v->count; i++)
        put_bytes_with_length(&b.keys, v->texts[i].data, v->texts[i].size);
    put_f32s(&b, P "scores", v->scores, v->count);
    put_i32s(&b, P "token_type", v->types, v->count);
    if (flags & IDS) put_i32s(&b, P "ids", v->ids, v->count);
    for (unsigned i = 0; i < 4; i++)
        put_bool(&b, names[i], flags >> (i + 1) & 1);
    return finish(&b, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static vocabulary v;
    reader from = {data, data + size};
    const unsigned flags = next(&from);
    read_pieces(&v, &from, flags);
    size_t bytes, left = 1 << 26;
    uint8_t *file = make_file(&v, flags, &bytes);
    const glossa_allocator allocator = {budget_allocate, budget_release, &left};
    glossa_gguf gguf;
    glossa_tokenizer *tokenizer;
    glossa_error error;
    require(glossa_gguf_open(file, bytes, &allocator, &gguf, &error) == GLOSSA_OK);
    if (glossa_tokenizer_open(&gguf, "tokenizer.ggml", &allocator, &tokenizer, &error) == GLOSSA_OK) {
        const glossa_text text = next_text(&from, SIZE_MAX);
        char *exact = malloc(text.size ? text.size : 1); /* not a byte longer than the text */
        require(exact != NULL);
        if (text.size) memcpy(exact, text.data, text.size);
        check_encoding(tokenizer, (glossa_text){exact, text.size});
        free(exact);
        glossa_tokenizer_close(tokenizer);
    }
    glossa_gguf_close(&gguf);
    require(left == 1 << 26);
    free(file);
    return 0;
}
