/*
 * Any bytes as text to encode, and as ids to decode, with small vocabularies of every kind. The first byte chooses:
 * bits 0-1 the vocabulary, the others the flags of the normalizer.
 */
#include <stdlib.h>

#include "../c/charsmap_builder.h"
#include "../c/gguf_builder.h"
#include "tokenizing.h"

#define P "tokenizer.ggml."

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- vocabularies ----------------------------------------------------------------------------------------------- */

enum { BYTES = 1, BPE = 2 }; /* bits of the choice */

typedef struct vocabulary {
    const char *texts[320];
    float scores[320];
    int32_t types[320];
    size_t count;
} vocabulary;

static void add(vocabulary *self, const char *text, float score, int32_t type) {
    self->texts[self->count] = text;
    self->scores[self->count] = score;
    self->types[self->count++] = type;
}

static void add_pieces(vocabulary *self) {
    static const char *const normal[] = {"\342\226\201",
                                         "a",
                                         "b",
                                         "\342\226\201a",
                                         "ab",
                                         "ba",
                                         "aba",
                                         "abab",
                                         "\303\251",
                                         "e",
                                         "o",
                                         "\344\270\255",
                                         "h",
                                         "he",
                                         "hel",
                                         "hello",
                                         "l",
                                         "ll",
                                         "lo",
                                         "\342\226\201he",
                                         "\342\226\201\342\226\201",
                                         "\360\237\230\200",
                                         " ",
                                         "a b"};
    add(self, "<unk>", 0, 2);
    add(self, "</s>", 0, 3);
    for (size_t i = 0; i < sizeof normal / sizeof *normal; i++)
        add(self, normal[i], -1 - 0.37f * (float)(i * 7 % 13), 1);
    add(self, "bab", -0.5f, 5);
    add(self, "aa", -0.25f, 5);
    add(self, "<br>", 0, 4);
    add(self, "b\xFF", 0, 4); /* ill-formed, and yet found */
}

static void add_bytes(vocabulary *self, char names[256][8]) {
    for (unsigned byte = 0; byte < 256; byte++) {
        static const char digits[] = "0123456789ABCDEF";
        const char name[8] = {'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>'};
        memcpy(names[byte], name, sizeof name);
        add(self, names[byte], 0, 6);
    }
}

static void put_rules(gguf_builder *b) {
    static charsmap map;
    if (map.nodes == 0) {
        add_rule(&map, "\t", " ");
        add_rule(&map, "\xE3\x80\x80", " ");
        add_rule(&map, "A", "a");
        add_rule(&map, "\xC2\xAD", "");
        add_rule(&map, "e\xCC\x81", "\xC3\xA9");
        add_rule(&map, "\xE2\x91\xA0", " 1 ");
    }
    put_charsmap(b, P "precompiled_charsmap", &map);
}

/* A checkpoint that holds a tokenizer alone. */
static uint8_t *make_file(uint8_t choice, size_t *size) {
    char names[256][8];
    vocabulary v = {.count = 0};
    gguf_builder b = {0};
    add_pieces(&v);
    if (choice & BYTES) add_bytes(&v, names);
    put_string(&b, P "model", choice & BPE ? "bpe" : "unigram");
    put_strings(&b, P "tokens", v.texts, v.count);
    put_f32s(&b, P "scores", v.scores, v.count);
    put_i32s(&b, P "token_type", v.types, v.count);
    put_bool(&b, P "add_space_prefix", choice >> 2 & 1);
    put_bool(&b, P "remove_extra_whitespaces", choice >> 3 & 1);
    put_bool(&b, P "escape_whitespaces", choice >> 4 & 1);
    put_bool(&b, P "treat_whitespace_as_suffix", choice >> 5 & 1);
    if (choice >> 6 & 1) put_rules(&b);
    return finish(&b, size);
}

/* ---- the target ---------------------------------------------------------------------------------------------------
 */

static void decode_ids(const glossa_tokenizer *tokenizer, const uint8_t *data, size_t size) {
    glossa_token *tokens = calloc(size + 1, sizeof *tokens);
    require(tokens != NULL);
    for (size_t i = 0; i < size; i++) /* every kind of piece lies within a byte's reach of the ends */
        tokens[i].id = i % 2 ? data[i] : data[i] + 64u;
    check_decoding(tokenizer, tokens, size);
    free(tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t *files[128];
    static glossa_tokenizer *tokenizers[128];
    if (size == 0) return 0;
    const uint8_t choice = data[0] & 127;
    if (!tokenizers[choice]) { /* opened once, kept until the end */
        size_t bytes;
        glossa_gguf gguf;
        glossa_error error;
        files[choice] = make_file(choice, &bytes);
        require(glossa_gguf_open(files[choice], bytes, NULL, &gguf, &error) == GLOSSA_OK);
        require(glossa_tokenizer_open(&gguf, "tokenizer.ggml", NULL, &tokenizers[choice], &error) == GLOSSA_OK);
        glossa_gguf_close(&gguf);
    }
    char *text = malloc(size); /* not a byte longer than the text */
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    check_encoding(tokenizers[choice], (glossa_text){text, size - 1});
    decode_ids(tokenizers[choice], data + 1, size - 1);
    free(text);
    return 0;
}
