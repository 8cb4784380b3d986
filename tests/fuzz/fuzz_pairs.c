/*
 * Any bytes as pairs of text: a table, or two files of lines parted by a NUL byte and bit 0 of the first byte. What was
 * read is well-formed and as it was promised; the words of it are learnt from, and what is learnt has the texts' own
 * characters; links weigh as they should.
 */
#include <string.h>

#include "base/utf8.h"
#include "lab/links.h"
#include "lab/pairs.h"
#include "require.h"
#include "text/merges.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(glossa_text text) {
    require(text.size > 0 && text.data[0] != ' ' && text.data[text.size - 1] != ' ');
    for (size_t at = 0, step; at < text.size; at += step) {
        step = glossa_utf8_length(text.data + at, text.size - at);
        require(step > 0 && text.data[at] != 0 && text.data[at] != '\n');
    }
}

static void check_pieces(const glossa_pieces *pieces) {
    for (uint32_t i = 0, begin = 0; i < pieces->count; begin = pieces->ends[i++]) {
        const size_t end = pieces->ends[i];
        size_t letters = 0;
        for (size_t at = begin, step; at < end; at += step, letters++) {
            step = glossa_utf8_length(pieces->texts + at, end - at);
            require(step > 0);
        }
        require(i < pieces->unions ? letters >= 2 && letters <= 16 : letters == 1);
    }
}

/* Links that are taken weigh as distributions, whatever the tokens are. */
static void check_links(const glossa_pairs *pairs) {
    glossa_error error;
    if (glossa_links_check(pairs, &error) != GLOSSA_OK) return;
    for (size_t i = 0; i < pairs->count; i++) {
        uint32_t words[2][9];
        float weights[81];
        for (int side = 0; side < 2; side++) {
            glossa_token tokens[8];
            const glossa_text text = glossa_pairs_text(pairs, i, side);
            for (uint32_t j = 0; j < 8; j++)
                tokens[j] = (glossa_token){.begin = (uint32_t)(text.size * j / 8), .end = (uint32_t)text.size};
            glossa_links_words(text, tokens, 8, words[side]);
        }
        glossa_links_weigh(glossa_pairs_text(pairs, i, 2), words[0], 9, words[1], 9, weights);
        for (size_t row = 0; row < 9; row++) {
            float sum = 0;
            for (size_t j = 0; j < 9; j++)
                sum += weights[row * 9 + j];
            require(sum == 0 || (sum > 0.999f && sum < 1.001f));
        }
    }
}

static void learn(const glossa_pairs *pairs, const glossa_allocator *allocator) {
    glossa_merges merges = {.allocator = *allocator};
    glossa_pieces pieces = {0};
    glossa_error error;
    glossa_status status = GLOSSA_OK;
    for (size_t i = 0; i < pairs->count && status == GLOSSA_OK; i++)
        status = glossa_merges_count(&merges, glossa_pairs_text(pairs, i, i % 2), &error);
    if (status == GLOSSA_OK) status = glossa_merges_learn(&merges, 0.99, 30, 60, 16, &pieces, &error);
    require(status == GLOSSA_OK || status == GLOSSA_ERROR_MEMORY);
    check_pieces(&pieces);
    require(pieces.count <= 60);
    glossa_pieces_release(&pieces, allocator);
    glossa_merges_close(&merges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t left = (size_t)64 << 20;
    const size_t budget = left;
    const glossa_allocator allocator = {budget_allocate, budget_release, &left};
    if (size == 0) return 0;
    char *file = malloc(size); /* not a byte longer than the file */
    require(file != NULL);
    memcpy(file, data + 1, size - 1);
    const char *nul = data[0] & 1 ? memchr(file, 0, size - 1) : NULL;
    glossa_pairs pairs = {.allocator = allocator};
    glossa_error error;
    const glossa_text first = {file, nul ? (size_t)(nul - file) : size - 1};
    const glossa_text second = {nul ? nul + 1 : NULL, nul ? size - 2 - first.size : 0};
    const glossa_status status = nul ? glossa_pairs_add_lines(&pairs, "a", first, "b", second, &error)
                                     : glossa_pairs_add_table(&pairs, "a", first, &error);
    require((status == GLOSSA_OK) == (pairs.count > 0));
    for (size_t i = 0; i < 2 * pairs.count; i++)
        check_text(glossa_pairs_text(&pairs, i / 2, (int)(i % 2)));
    if (status == GLOSSA_OK) {
        check_links(&pairs);
        learn(&pairs, &allocator);
    }
    glossa_pairs_close(&pairs);
    require(left == budget);
    free(file);
    return 0;
}
