/*
 * Any bytes as a checkpoint: the container, its tokenizers, and, where a whole model opens, a translation with it.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -Isrc fuzz_checkpoint.c and all sources of the library
 */
#include <stdlib.h>
#include <string.h>

#include "require.h"
#include "text/tokenizer.h"

#define BUDGET 0x4000000 /* bytes; a hostile size must fail as lack of memory does, not bring the machine down */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the parts -------------------------------------------------------------------------------------------------- */

static unsigned sum_of(const void *bytes, size_t size) {
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += ((const uint8_t *)bytes)[i];
    return sum;
}

/* Reads every byte that the directory promises. */
static void read_container(const glossa_gguf *gguf) {
    unsigned sum = 0;
    for (size_t i = 0; i < gguf->key_count; i++) {
        const glossa_gguf_key *key = &gguf->keys[i];
        sum += sum_of(key->name.data, key->name.size) + sum_of(key->data, (size_t)(key->end - key->data));
        if (key->type != GGUF_STRING) continue;
        const uint8_t *at = key->data;
        for (uint64_t n = 0; n < key->count; n++) {
            const glossa_text text = glossa_gguf_next_string(&at);
            sum += sum_of(text.data, text.size);
        }
        require(at == key->end);
    }
    for (size_t i = 0; i < gguf->tensor_count; i++) {
        require((uintptr_t)gguf->tensors[i].data % 16 == 0);
        sum += sum_of(gguf->tensors[i].data, gguf->tensors[i].bytes < 4096 ? gguf->tensors[i].bytes : 4096);
    }
    volatile unsigned sink = sum; /* so that nothing above is left out as useless */
    (void)sink;
}

static void use_tokenizer(const glossa_gguf *gguf, const char *prefix, const glossa_allocator *allocator) {
    static const char sample[] =
        "  Hello, w\xC3\xB6rld! \xEF\xBC\xA1\xE2\x91\xA0 \xF0\x9F\x98\x80 ab\tba </s> <0x41>\xFF ";
    glossa_tokenizer *tokenizer;
    glossa_token *tokens;
    glossa_error error;
    size_t count, size;
    if (glossa_tokenizer_open(gguf, prefix, allocator, &tokenizer, &error) != GLOSSA_OK) return;
    if (glossa_tokenizer_encode(tokenizer, (glossa_text){sample, sizeof sample - 1}, &tokens, &count, &error) ==
        GLOSSA_OK) {
        char *text = malloc(glossa_tokenizer_decode_bound(tokenizer, count) + 1);
        require(text != NULL);
        require(glossa_tokenizer_decode(tokenizer, tokens, count, text, glossa_tokenizer_decode_bound(tokenizer, count),
                                        &size, &error) == GLOSSA_OK);
        free(text);
        glossa_tokenizer_free_tokens(tokenizer, tokens);
    }
    for (uint32_t id = 0; id < 300; id++)
        (void)glossa_tokenizer_piece(tokenizer, id);
    glossa_tokenizer_close(tokenizer);
}

static void translate(const glossa_model *model) {
    const glossa_limits limits = {.sentences = 2, .source_tokens = 64, .beam = 2, .rows = 4};
    const glossa_options options = {.beam = 2, .max_length = 8, .top_k = 2};
    const glossa_text texts[] = {{"A b", 3}, {"ba", 2}};
    glossa_session *session;
    glossa_error error;
    glossa_progress progress = {0};
    glossa_hypothesis best;
    glossa_explanation explanation;
    if (glossa_session_open(model, &limits, &session, &error) != GLOSSA_OK) return;
    glossa_status status = glossa_begin(session, texts, 2, &options, &error);
    for (int step = 0; status == GLOSSA_OK && !progress.done && step < 300; step++)
        status = glossa_step(session, &progress, &error);
    if (status == GLOSSA_OK && progress.done && glossa_result(session, 0, 0, &best, &error) == GLOSSA_OK)
        (void)glossa_explain(session, 0, 0, &explanation, &error);
    glossa_session_close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    void *file = malloc(size > 0 ? size : 1); /* aligned, and not a byte longer */
    require(file != NULL);
    if (size > 0) memcpy(file, data, size);
    size_t left = BUDGET;
    const glossa_allocator allocator = {budget_allocate, budget_release, &left};
    glossa_error error;
    glossa_gguf gguf;
    if (glossa_gguf_open(file, size, &allocator, &gguf, &error) == GLOSSA_OK) {
        read_container(&gguf);
        use_tokenizer(&gguf, "tokenizer.ggml", &allocator);
        use_tokenizer(&gguf, "glossa.target.tokenizer", &allocator);
        glossa_gguf_close(&gguf);
    }
    glossa_model *model;
    if (glossa_model_open(file, size, &allocator, &model, &error) == GLOSSA_OK) {
        translate(model);
        glossa_model_close(model);
    }
    require(left == BUDGET); /* all memory has come back */
    free(file);
    return 0;
}
