#include "lab/links.h"

#include <string.h>

#include "base/utf8.h"

/* ---- words ------------------------------------------------------------------------------------------------------ */

/* Characters that are words of their own: kana, Chinese characters, their signs. */
static bool stands_alone(uint32_t code) {
    return (code >= 0x3000 && code < 0xA000) || (code >= 0xF900 && code < 0xFB00) || (code >= 0xFF00 && code < 0xFFF0);
}

/* A way through a text, character by character. */
typedef struct walk {
    glossa_text text;
    size_t at;     /* behind the character */
    uint32_t word; /* of the character, NO_WORD before the first one */
    bool blank;    /* the character is white space ... */
    bool open;     /* ... or the word may go on behind it */
} walk;

static bool next_character(walk *w) {
    if (w->at >= w->text.size) return false;
    const char *character = w->text.data + w->at;
    const size_t size = glossa_utf8_step((uint8_t)*character);
    w->blank = *character == ' ' || *character == '\t';
    const bool alone = !w->blank && stands_alone(glossa_utf8_code(character, size));
    if (!w->blank && (alone || !w->open)) w->word++;
    w->open = !w->blank && !alone;
    w->at += size;
    return true;
}

void glossa_links_words(glossa_text text, const glossa_token *tokens, size_t count, uint32_t *words) {
    walk w = {.text = text, .word = GLOSSA_NO_WORD, .blank = true};
    for (size_t i = 0; i < count; i++) {
        while ((w.at <= tokens[i].begin || w.blank) && next_character(&w))
            ;
        words[i] = w.word;
    }
    words[count] = GLOSSA_NO_WORD;
}

static uint32_t count_words(glossa_text text) {
    walk w = {.text = text, .word = GLOSSA_NO_WORD};
    while (next_character(&w))
        ;
    return w.word + 1;
}

/* ---- links ------------------------------------------------------------------------------------------------------ */

static bool read_number(glossa_text *text, uint32_t *number) {
    const size_t before = text->size;
    for (*number = 0; text->size > 0 && text->data[0] >= '0' && text->data[0] <= '9' && before - text->size < 6;
         text->data++, text->size--)
        *number = *number * 10 + (uint32_t)(text->data[0] - '0');
    return text->size < before;
}

/* Takes one link from the front; false at the end, or where there is none. */
static bool next_link(glossa_text *links, uint32_t link[2]) {
    if (!read_number(links, &link[0]) || links->size == 0 || *links->data != '-') return false;
    links->data++, links->size--;
    if (!read_number(links, &link[1]) || (links->size > 0 && *links->data != ' ')) return false;
    while (links->size > 0 && *links->data == ' ')
        links->data++, links->size--;
    return true;
}

bool glossa_links_like(glossa_text column) {
    uint32_t number;
    return read_number(&column, &number) && column.size > 0 && *column.data == '-';
}

glossa_status glossa_links_check(const glossa_pairs *pairs, glossa_error *error) {
    bool any = false;
    for (size_t i = 0; i < pairs->count; i++) {
        const glossa_text all = glossa_pairs_text(pairs, i, 2), source = glossa_pairs_text(pairs, i, 0);
        glossa_text links = all;
        uint32_t link[2] = {0, 0}, words[2];
        if (all.size == 0) continue;
        any = true;
        for (int side = 0; side < 2; side++)
            words[side] = count_words(glossa_pairs_text(pairs, i, side));
        while (next_link(&links, link))
            FAIL_IF(link[0] >= words[0] || link[1] >= words[1], error, GLOSSA_ERROR_FORMAT,
                    "the link %u-%u of '%.*s' is beyond its %u words and their %u", (unsigned)link[0],
                    (unsigned)link[1], SHOWN(source), (unsigned)words[0], (unsigned)words[1]);
        FAIL_IF(links.size > 0, error, GLOSSA_ERROR_FORMAT, "the links of '%.*s' are '%.*s', need such as 0-0 1-2",
                SHOWN(source), SHOWN(all));
    }
    FAIL_IF(!any, error, GLOSSA_ERROR_FORMAT,
            "setting 'guided' wants alignments, which no pair has: need a third column of links such as 0-0 1-2");
    return GLOSSA_OK;
}

void glossa_links_weigh(glossa_text links, const uint32_t *source, size_t n, const uint32_t *target, size_t m,
                        float *weights) {
    uint32_t link[2];
    const bool linked = links.size > 0;
    memset(weights, 0, m * n * sizeof *weights);
    while (next_link(&links, link))
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n && target[i] == link[1]; j++)
                if (source[j] == link[0]) weights[i * n + j] = 1.0f;
    if (linked) weights[m * n - 1] = 1.0f;
    for (size_t i = 0; i < m; i++) {
        float sum = 0.0f;
        for (size_t j = 0; j < n; j++)
            sum += weights[i * n + j];
        for (size_t j = 0; j < n && sum > 1.0f; j++)
            weights[i * n + j] /= sum;
    }
}
