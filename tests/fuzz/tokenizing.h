/*
 * What must hold of any tokenizer and any text.
 */
#ifndef GLOSSA_FUZZ_TOKENIZING_H
#define GLOSSA_FUZZ_TOKENIZING_H

#include "require.h"
#include "text/tokenizer.h"

/* Spans follow each other without a gap; decoding fills them again, within the bound. */
static inline void check_decoding(const glossa_tokenizer *tokenizer, glossa_token *tokens, size_t count) {
    const size_t bound = glossa_tokenizer_decode_bound(tokenizer, count);
    char *text = malloc(bound + 1);
    size_t size, smaller;
    glossa_error error;
    require(text != NULL);
    require(glossa_tokenizer_decode(tokenizer, tokens, count, text, bound, &size, &error) == GLOSSA_OK);
    require(size <= bound);
    for (size_t i = 0; i < count; i++)
        require(tokens[i].begin == (i > 0 ? tokens[i - 1].end : 0) && tokens[i].end >= tokens[i].begin);
    require(count == 0 || tokens[count - 1].end == size);
    if (size > 0)
        require(glossa_tokenizer_decode(tokenizer, tokens, count, text, size - 1, &smaller, &error) ==
                GLOSSA_ERROR_LIMIT);
    free(text);
}

static inline void check_encoding(const glossa_tokenizer *tokenizer, glossa_text text) {
    glossa_token *tokens;
    size_t count;
    glossa_error error;
    require(glossa_tokenizer_encode(tokenizer, text, &tokens, &count, &error) == GLOSSA_OK);
    for (size_t i = 0; i < count; i++) {
        require(glossa_tokenizer_piece(tokenizer, tokens[i].id).size > 0);
        require(i == 0 || tokens[i].begin == tokens[i - 1].end);
        require(tokens[i].begin <= tokens[i].end && tokens[i].end <= text.size);
    }
    check_decoding(tokenizer, tokens, count);
    glossa_tokenizer_free_tokens(tokenizer, tokens);
}

#endif
