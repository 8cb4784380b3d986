/*
 * A vocabulary small enough to work out by hand, and what it takes to open a tokenizer on it.
 */
#ifndef GLOSSA_TESTS_TINY_VOCABULARY_H
#define GLOSSA_TESTS_TINY_VOCABULARY_H

#include "check.h"
#include "gguf_builder.h"
#include "text/tokenizer.h"

#define SPACE "\xE2\x96\x81" /* U+2581 */
#define P     "tokenizer.ggml."

enum { NORMAL = 1, UNKNOWN, CONTROL, USER, UNUSED, BYTE };

typedef struct piece {
    const char *text;
    float score;
    int32_t type;
} piece;

/* A tokenizer and the file that it borrows. */
typedef struct opened {
    uint8_t *file;
    glossa_tokenizer *tokenizer;
    glossa_status status;
    glossa_error error;
} opened;

static inline void put_vocabulary(gguf_builder *b, const char *model, const piece *pieces, size_t count) {
    const char *texts[512];
    float scores[512];
    int32_t types[512];
    for (size_t i = 0; i < count; i++)
        texts[i] = pieces[i].text, scores[i] = pieces[i].score, types[i] = pieces[i].type;
    put_string(b, P "model", model);
    put_strings(b, P "tokens", texts, count);
    put_f32s(b, P "scores", scores, count);
    put_i32s(b, P "token_type", types, count);
}

static inline opened open_file(gguf_builder *b, const glossa_allocator *allocator) {
    size_t size;
    glossa_gguf gguf;
    glossa_error error = {GLOSSA_OK, ""};
    opened o = {.file = finish(b, &size)};
    CHECK_INT(glossa_gguf_open(o.file, size, NULL, &gguf, &error), GLOSSA_OK);
    o.status = glossa_tokenizer_open(&gguf, "tokenizer.ggml", allocator, &o.tokenizer, &error);
    CHECK((o.status == GLOSSA_OK) == (o.tokenizer != NULL));
    glossa_gguf_close(&gguf);
    o.error = error;
    return o;
}

static inline void close_file(opened *o) {
    glossa_tokenizer_close(o->tokenizer);
    free(o->file);
}

/* "id:begin-end id:begin-end ..." of a text. */
static inline const char *encoded(const opened *o, const char *text, size_t size, char *out, size_t capacity) {
    glossa_token *tokens;
    size_t count, at = 0;
    glossa_error error;
    CHECK_INT(glossa_tokenizer_encode(o->tokenizer, (glossa_text){text, size}, &tokens, &count, &error), GLOSSA_OK);
    out[0] = 0;
    for (size_t i = 0; i < count && at < capacity; i++)
        at += (size_t)snprintf(out + at, capacity - at, "%s%u:%u-%u", i ? " " : "", tokens[i].id, tokens[i].begin,
                               tokens[i].end);
    CHECK((tokens == NULL) == (count == 0));
    glossa_tokenizer_free_tokens(o->tokenizer, tokens);
    return out;
}

#define CHECK_ENCODED(o, text, expected)                                                                               \
    do {                                                                                                               \
        char encoded_text[512];                                                                                        \
        CHECK_STRING(encoded(o, text, sizeof(text) - 1, encoded_text, sizeof encoded_text), expected);                 \
    } while (0)

static const piece small[] = {
    {"<unk>", 0, UNKNOWN},   {"</s>", 0, CONTROL},     {SPACE, -2, NORMAL},
    {SPACE "a", -1, NORMAL}, {"b", -1, NORMAL},        {SPACE "ab", -3, NORMAL},
    {"bb", -1.5f, NORMAL},   {"\xC3\xA9", -4, NORMAL}, {"c", -1, UNUSED},
};
#define SMALL (sizeof small / sizeof *small)

#endif
