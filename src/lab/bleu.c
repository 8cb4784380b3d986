#include "lab/bleu.h"

#include <math.h>   /* sqrt */
#include <stdlib.h> /* qsort */
#include <string.h>

#include "base/utf8.h"
#include "kernels/kernels.h"
#include "text/hash.h"

/* A text under way from one rewriting to the next. Two of them take turns. */
typedef struct line {
    char *text;
    size_t size, capacity;
} line;

static void put(line *to, const char *bytes, size_t size) {
    if (size > to->capacity - to->size) size = to->capacity - to->size; /* never: the capacity is for the worst case */
    memcpy(to->text + to->size, bytes, size);
    to->size += size;
}

/* ---- tokens ----------------------------------------------------------------------------------------------------- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_stop(char c) {
    return c == '.' || c == ',';
}

/* ASCII signs but ' , - . */
static bool is_sign(char c) {
    return (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' || (c >= ':' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

static void replace(const line *from, line *to, const char *what, const char *by) {
    const size_t size = strlen(what);
    to->size = 0;
    for (size_t i = 0; i < from->size;) {
        const bool found = from->size - i >= size && memcmp(from->text + i, what, size) == 0;
        put(to, found ? by : from->text + i, found ? strlen(by) : 1);
        i += found ? size : 1;
    }
}

/* Space around signs. */
static void part_signs(const line *from, line *to) {
    to->size = 0;
    for (size_t i = 0; i < from->size; i++) {
        const char parted[3] = {' ', from->text[i], ' '};
        if (is_sign(from->text[i]))
            put(to, parted, 3);
        else
            put(to, from->text + i, 1);
    }
}

/* A full stop or comma stands alone, but after a digit and ... */
static void part_stops_behind(const line *from, line *to) {
    to->size = 0;
    for (size_t i = 0; i < from->size; i++) {
        put(to, from->text + i, 1);
        if (is_digit(from->text[i]) || i + 1 == from->size || !is_stop(from->text[i + 1])) continue;
        const char parted[3] = {' ', from->text[++i], ' '};
        put(to, parted, 3);
    }
}

/* ... before a digit. */
static void part_stops_before(const line *from, line *to) {
    to->size = 0;
    for (size_t i = 0; i < from->size; i++) {
        const bool parts = is_stop(from->text[i]) && i + 1 < from->size && !is_digit(from->text[i + 1]);
        const char parted[4] = {' ', from->text[i], ' ', parts ? from->text[i + 1] : ' '};
        if (parts)
            put(to, parted, 4), i++;
        else
            put(to, from->text + i, 1);
    }
}

static void part_dashes(const line *from, line *to) {
    to->size = 0;
    for (size_t i = 0; i < from->size; i++) {
        put(to, from->text + i, 1);
        if (is_digit(from->text[i]) && i + 1 < from->size && from->text[i + 1] == '-') put(to, " - ", 3), i++;
    }
}

static size_t step_at(const line *from, size_t i) {
    const size_t size = glossa_utf8_length(from->text + i, from->size - i);
    return size > 0 ? size : 1;
}

/* What the reference holds for Chinese. Two of its ranges are meant for planes beyond the first, but begin and end
   where these do. */
static bool is_chinese(uint32_t c) {
    static const uint32_t ranges[][2] = {
        {0x2001, 0x2A6D}, {0x2E80, 0x2EFF}, {0x2F00, 0x2FDF}, {0x2F81, 0x2FA1}, {0x2FF0, 0x2FFF}, {0x3000, 0x303F},
        {0x3100, 0x312F}, {0x31A0, 0x31BF}, {0x31C0, 0x31EF}, {0x3200, 0x33FF}, {0x3400, 0x4DB5}, {0x4E00, 0x9FBB},
        {0xF900, 0xFA2D}, {0xFA30, 0xFA6A}, {0xFA70, 0xFAD9}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0xFF00, 0xFFEF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
    return false;
}

/* Space around Chinese characters, or around all. */
static void part_characters(const line *from, line *to, bool all) {
    to->size = 0;
    for (size_t i = 0, size; i < from->size; i += size) {
        size = step_at(from, i);
        const bool parts = all || is_chinese(glossa_utf8_code(from->text + i, size));
        if (parts) put(to, " ", 1);
        put(to, from->text + i, size);
        if (parts) put(to, " ", 1);
    }
}

static void part_words(line *a, line *b) {
    part_signs(a, b);
    part_stops_behind(b, a);
    part_stops_before(a, b);
    part_dashes(b, a);
}

/* Python's white space. */
static bool is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static glossa_text strip(glossa_text text) {
    for (size_t size; text.size > 0; text.data += size, text.size -= size) {
        size = glossa_utf8_length(text.data, text.size);
        if (size == 0 || !is_space(glossa_utf8_code(text.data, size))) break;
    }
    for (;;) {
        size_t size = 1;
        while (size < 4 && size < text.size && (text.data[text.size - size] & 0xC0) == 0x80)
            size++;
        if (text.size == 0 || !is_space(glossa_utf8_code(text.data + text.size - size, size))) return text;
        text.size -= size;
    }
}

/* The text with spaces between its tokens, in `a`. */
static void tokenize(glossa_text text, glossa_bleu_tokens tokens, line *a, line *b) {
    text = strip(text);
    a->size = b->size = 0;
    if (tokens == BLEU_CHAR) {
        put(b, text.data, text.size);
        part_characters(b, a, true);
    } else if (tokens == BLEU_ZH) {
        put(b, text.data, text.size);
        part_characters(b, a, false);
        part_words(a, b);
    } else {
        static const char *const changes[][2] = {{"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}};
        put(b, " ", 1);
        put(b, text.data, text.size);
        put(b, " ", 1);
        replace(b, a, "<skipped>", "");
        for (size_t i = 0; i < 4; i += 2) {
            replace(a, b, changes[i][0], changes[i][1]);
            replace(b, a, changes[i + 1][0], changes[i + 1][1]);
        }
        part_words(a, b);
    }
}

/* ---- n-grams ---------------------------------------------------------------------------------------------------- */

/* Hashes of a line's tokens; how many there are. */
static size_t hash_tokens(const line *from, uint64_t *hashes) {
    size_t count = 0;
    bool within = false;
    for (size_t i = 0, size; i < from->size; i += size) {
        size = step_at(from, i);
        const bool space = is_space(glossa_utf8_code(from->text + i, size));
        if (!space && !within) hashes[count++] = GLOSSA_HASH_START;
        within = !space;
        if (within) hashes[count - 1] = glossa_hash_text(hashes[count - 1], from->text + i, size);
    }
    return count;
}

static int by_value(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* The sorted hashes of all n-grams. */
static void make_grams(const uint64_t *tokens, size_t count, size_t n, uint64_t *grams) {
    for (size_t i = 0; i < count; i++) {
        grams[i] = 0;
        for (size_t j = 0; j < n; j++) {
            grams[i] = (grams[i] ^ tokens[i + j]) * 0x9E3779B97F4A7C15u;
            grams[i] ^= grams[i] >> 29;
        }
    }
    qsort(grams, count, sizeof *grams, by_value);
}

static uint64_t count_common(const uint64_t *a, size_t m, const uint64_t *b, size_t n) {
    uint64_t common = 0;
    for (size_t i = 0, j = 0; i < m && j < n;) {
        if (a[i] == b[j])
            common++, i++, j++;
        else if (a[i] < b[j])
            i++;
        else
            j++;
    }
    return common;
}

/* Room for lines as long as tokens can make them, and for as many hashes, in one block. */
glossa_status glossa_bleu_add(glossa_bleu *self, glossa_text translation, glossa_text reference, glossa_error *error) {
    const size_t longest = translation.size > reference.size ? translation.size : reference.size;
    const size_t capacity =
        longest < SIZE_MAX / 256 ? 6 * (longest + 2) : 0; /* a sign may get two spaces, then a stop */
    char *texts = capacity ? glossa_allocate(&self->allocator, 2, capacity) : NULL;
    uint64_t *hashes = capacity ? glossa_allocate(&self->allocator, 4 * (longest + 2), sizeof *hashes) : NULL;
    if (texts && hashes) {
        line a = {texts, 0, capacity}, b = {texts + capacity, 0, capacity};
        uint64_t *ours = hashes, *theirs = ours + longest + 2, *left = theirs + longest + 2,
                 *right = left + longest + 2;
        tokenize(translation, self->tokens, &a, &b);
        const size_t m = hash_tokens(&a, ours);
        tokenize(reference, self->tokens, &a, &b);
        const size_t n = hash_tokens(&a, theirs);
        for (size_t order = 1; order <= BLEU_ORDER; order++) {
            const size_t p = m >= order ? m - order + 1 : 0, q = n >= order ? n - order + 1 : 0;
            make_grams(ours, p, order, left);
            make_grams(theirs, q, order, right);
            self->correct[order - 1] += count_common(left, p, right, q);
            self->total[order - 1] += p;
        }
        self->length += m;
        self->reference_length += n;
    }
    const bool done = texts && hashes;
    glossa_release(&self->allocator, texts);
    glossa_release(&self->allocator, hashes);
    FAIL_IF(!done, error, GLOSSA_ERROR_MEMORY, "out of memory to score a text of %zu bytes", longest);
    return GLOSSA_OK;
}

double glossa_bleu_score(const glossa_bleu *self) {
    double product = 1, smooth = 1;
    if (self->correct[0] == 0) return 0; /* then there is no longer n-gram either */
    for (size_t i = 0; i < BLEU_ORDER; i++) {
        if (self->total[i] == 0) return 0;
        if (self->correct[i] == 0) smooth *= 2;
        product *= 100.0 * (self->correct[i] ? (double)self->correct[i] : 1 / smooth) / (double)self->total[i];
    }
    const double ratio = (double)self->reference_length / (double)self->length;
    return sqrt(sqrt(product)) * (ratio > 1 ? glossa_exp64(1 - ratio) : 1);
}
