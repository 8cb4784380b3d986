/*
 * BLEU against sacrebleu: scores and counts of tests/golden/bleu/, recorded by tests/golden/make_bleu.py.
 */
#include <stdlib.h>

#include "check.h"
#include "lab/bleu.h"

#define MOST 4096

static size_t read_file(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "rb");
    const size_t count = file ? fread(text, 1, size - 1, file) : 0;
    if (file) fclose(file);
    text[count] = 0;
    return count;
}

/* The next column, cut off at its tab or line end. */
static char *column(char **at) {
    char *begin = *at;
    *at += strcspn(*at, "\t\n");
    if (**at) *(*at)++ = 0;
    return begin;
}

static void score(const char *group, glossa_bleu *bleu) {
    static char text[MOST * 4];
    glossa_error error;
    const size_t size = read_file("tests/golden/bleu/texts.tsv", text, sizeof text);
    CHECK(size > 1000 && size < sizeof text - 1);
    for (char *at = text; *at;) {
        const char *name = column(&at), *translation = column(&at), *reference = column(&at);
        if (strcmp(name, group) != 0) continue;
        CHECK_INT(glossa_bleu_add(bleu, (glossa_text){translation, strlen(translation)},
                                  (glossa_text){reference, strlen(reference)}, &error),
                  GLOSSA_OK);
    }
}

static void test_sacrebleu(void) {
    static char text[MOST];
    static const char *const names[] = {"13a", "char", "zh"};
    const size_t size = read_file("tests/golden/bleu/scores.tsv", text, sizeof text);
    CHECK(size > 500 && size < sizeof text - 1);
    for (char *at = text; *at;) {
        const char *group = column(&at), *tokenizer = column(&at), *expected = column(&at);
        glossa_bleu bleu = {.allocator = glossa_allocator_or_default(NULL)};
        while (bleu.tokens < BLEU_ZH && strcmp(names[bleu.tokens], tokenizer) != 0)
            bleu.tokens++;
        score(group, &bleu);
        const int before = check_failures;
        for (int i = 0; i < 10; i++) {
            const unsigned long long count = strtoull(column(&at), NULL, 10);
            const uint64_t own = i < 4 ? bleu.correct[i] : i < 8 ? bleu.total[i - 4] : i == 8 ? bleu.length : 0;
            CHECK_INT(i == 9 ? bleu.reference_length : own, count);
        }
        CHECK_NEAR(glossa_bleu_score(&bleu), strtod(expected, NULL), 1e-9);
        if (check_failures > before) fprintf(stderr, "  in group %s, tokens %s\n", group, tokenizer);
    }
}

static void test_nothing(void) {
    glossa_error error;
    glossa_bleu bleu = {.allocator = glossa_allocator_or_default(NULL)};
    CHECK_NEAR(glossa_bleu_score(&bleu), 0, 0);
    CHECK_INT(glossa_bleu_add(&bleu, (glossa_text){"", 0}, (glossa_text){"", 0}, &error), GLOSSA_OK);
    CHECK_INT(glossa_bleu_add(&bleu, (glossa_text){"\xFF\x80.\xC3", 4}, (glossa_text){"\x80", 1}, &error), GLOSSA_OK);
    CHECK_NEAR(glossa_bleu_score(&bleu), 0, 0);
}

int main(void) {
    RUN(test_sacrebleu);
    RUN(test_nothing);
    return CHECK_RESULT();
}
