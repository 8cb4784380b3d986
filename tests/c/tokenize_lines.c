/*
 * Runs the tokenizer of a checkpoint over lines, for comparison with the reference tools:
 *
 *     tokenize_lines ids MODEL.gguf < text     ids of each line, as spm_encode --output_format=id
 *     tokenize_lines spans MODEL.gguf < text   id:begin:end of each token, byte offsets into the line
 *     tokenize_lines decode MODEL.gguf < ids   text of each line of ids, as spm_decode --input_format=id
 *     tokenize_lines time MODEL.gguf < text    how long opening, and encoding all lines, takes
 *
 * A last argument names the tokenizer's key prefix (tokenizer.ggml).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text/tokenizer.h"

static int fail(const char *what) {
    fprintf(stderr, "tokenize_lines: %s\n", what);
    return 1;
}

/* All bytes of a file and a NUL behind them, aligned to 16; NULL on failure. */
static char *read_all(FILE *file, size_t *size) {
    size_t capacity = 1 << 16;
    char *bytes = malloc(capacity);
    *size = 0;
    while (bytes) {
        *size += fread(bytes + *size, 1, capacity - *size - 1, file);
        if (*size < capacity - 1) break;
        char *larger = realloc(bytes, capacity *= 2);
        if (!larger) free(bytes);
        bytes = larger;
    }
    if (bytes) bytes[*size] = 0;
    return bytes;
}

/* Of the processor, so that a busy machine does not count. */
static double seconds(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

/* One line through the tokenizer, printed unless `quiet`. */
static glossa_status encode_line(const glossa_tokenizer *tokenizer, glossa_text line, bool spans, bool quiet,
                                 size_t *total, glossa_error *error) {
    glossa_token *tokens;
    size_t count;
    FORWARD(glossa_tokenizer_encode(tokenizer, line, &tokens, &count, error));
    for (size_t i = 0; i < count && !quiet; i++) {
        printf(i > 0 ? " %u" : "%u", tokens[i].id);
        if (spans) printf(":%u:%u", tokens[i].begin, tokens[i].end);
    }
    if (!quiet) putchar('\n');
    *total += count;
    glossa_tokenizer_free_tokens(tokenizer, tokens);
    return GLOSSA_OK;
}

static glossa_status decode_line(const glossa_tokenizer *tokenizer, char *line, glossa_error *error) {
    const size_t most = strlen(line) / 2 + 2; /* and one to end on */
    glossa_token *tokens = calloc(most, sizeof *tokens);
    char *text = malloc(glossa_tokenizer_decode_bound(tokenizer, most));
    size_t count = 0, size = 0;
    glossa_status status = GLOSSA_ERROR_MEMORY;
    if (tokens && text) {
        char *end;
        for (char *at = line; tokens[count].id = (uint32_t)strtoul(at, &end, 10), end != at; at = end)
            count++;
        const size_t bound = glossa_tokenizer_decode_bound(tokenizer, count);
        status = glossa_tokenizer_decode(tokenizer, tokens, count, text, bound, &size, error);
        fwrite(text, 1, size, stdout);
        putchar('\n');
    }
    free(tokens);
    free(text);
    return status;
}

static int run(const char *command, const glossa_tokenizer *tokenizer) {
    const bool decode = strcmp(command, "decode") == 0, spans = strcmp(command, "spans") == 0;
    const bool quiet = strcmp(command, "time") == 0;
    size_t size, lines = 0, tokens = 0;
    char *input = read_all(stdin, &size);
    if (!input) return fail("cannot read the lines");
    glossa_error error;
    glossa_status status = GLOSSA_OK;
    const double start = seconds();
    for (char *line = input, *next; status == GLOSSA_OK && line < input + size; line = next, lines++) {
        char *end = memchr(line, '\n', (size_t)(input + size - line));
        if (!end) end = input + size;
        next = end + 1;
        *end = 0;
        status = decode
                     ? decode_line(tokenizer, line, &error)
                     : encode_line(tokenizer, (glossa_text){line, (size_t)(end - line)}, spans, quiet, &tokens, &error);
    }
    const double spent = seconds() - start;
    free(input);
    if (status != GLOSSA_OK) return fail(error.message);
    if (quiet)
        printf("%zu lines, %zu bytes, %zu tokens in %.3f ms: %.1f MB/s\n", lines, size, tokens, spent * 1e3,
               (double)size / spent * 1e-6);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) return fail("usage: tokenize_lines ids|spans|decode|time MODEL.gguf [PREFIX]"), 2;
    size_t size = 0;
    FILE *file = fopen(argv[2], "rb");
    char *bytes = file ? read_all(file, &size) : NULL;
    if (file) fclose(file);
    if (!bytes) return fail("cannot read the model");

    glossa_error error;
    glossa_gguf gguf;
    glossa_tokenizer *tokenizer;
    if (glossa_gguf_open(bytes, size, NULL, &gguf, &error) != GLOSSA_OK) {
        free(bytes);
        return fail(error.message);
    }
    const double start = seconds();
    const glossa_status status =
        glossa_tokenizer_open(&gguf, argc > 3 ? argv[3] : "tokenizer.ggml", NULL, &tokenizer, &error);
    const double spent = seconds() - start;
    glossa_gguf_close(&gguf);
    int result = 1;
    if (status != GLOSSA_OK) {
        fail(error.message);
    } else {
        if (strcmp(argv[1], "time") == 0)
            printf("%zu pieces opened in %.3f ms, %zu bytes held\n", glossa_tokenizer_size(tokenizer), spent * 1e3,
                   glossa_tokenizer_bytes(tokenizer));
        result = run(argv[1], tokenizer);
    }
    glossa_tokenizer_close(tokenizer);
    free(bytes);
    return result;
}
