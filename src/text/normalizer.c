#include "text/normalizer.h"

#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"

/* Longest key that is looked up and longest replacement, in bytes. The rules of Unicode's NFKC have 18 and 33; the
   bounds keep a hostile trie from taking quadratic time and memory. */
#define MAX_KEY         256
#define MAX_REPLACEMENT 256

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static glossa_status open_charsmap(glossa_normalizer *self, const glossa_gguf *gguf, const char *prefix,
                                   glossa_error *error) {
    const glossa_gguf_key *key;
    glossa_key_name name;
    FORWARD(
        glossa_gguf_array(gguf, glossa_key_join(&name, prefix, "precompiled_charsmap"), GGUF_U8, false, &key, error));
    if (!key || key->count == 0) return GLOSSA_OK;

    const size_t size = (size_t)key->count;
    const size_t trie_size = size < 4 ? 0 : glossa_u32_at(key->data);
    FAIL_IF(trie_size == 0 || trie_size % 4 != 0 || trie_size > size - 4, error, GLOSSA_ERROR_FORMAT,
            "key %s: a trie of %zu bytes does not fit its %zu bytes", name.text, trie_size, size);
    self->units = key->data + 4;
    self->unit_count = (uint32_t)(trie_size / 4);
    self->replacements = (const char *)key->data + 4 + trie_size;
    self->replacements_size = size - 4 - trie_size;

    size_t begin = 0;
    for (size_t i = 0; i < self->replacements_size; i++) {
        FAIL_IF(i - begin > MAX_REPLACEMENT, error, GLOSSA_ERROR_UNSUPPORTED,
                "key %s: the replacement at %zu is longer than %d bytes", name.text, begin, MAX_REPLACEMENT);
        if (self->replacements[i] == 0) begin = i + 1;
    }
    FAIL_IF(begin != self->replacements_size, error, GLOSSA_ERROR_FORMAT,
            "key %s: the last replacement, at %zu, has no end", name.text, begin);
    return GLOSSA_OK;
}

glossa_status glossa_normalizer_open(const glossa_gguf *gguf, const char *prefix, const glossa_vocabulary *vocabulary,
                                     glossa_normalizer *self, glossa_error *error) {
    *self = (glossa_normalizer){
        .vocabulary = vocabulary,
        .add_space_prefix = true,
        .remove_extra_whitespaces = true,
        .escape_whitespaces = true,
    };
    const struct {
        const char *leaf;
        bool *flag;
    } flags[] = {
        {"add_space_prefix", &self->add_space_prefix},
        {"remove_extra_whitespaces", &self->remove_extra_whitespaces},
        {"escape_whitespaces", &self->escape_whitespaces},
        {"treat_whitespace_as_suffix", &self->treat_whitespace_as_suffix},
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        glossa_key_name name;
        FORWARD(glossa_gguf_bool(gguf, glossa_key_join(&name, prefix, flags[i].leaf), false, flags[i].flag, error));
    }
    return open_charsmap(self, gguf, prefix, error);
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

/* What the start of a text becomes. */
typedef struct change {
    const char *text;
    size_t size;
    size_t consumed; /* bytes of the original */
} change;

/* The longest key that `text` starts with; false for none. The trie is not to be trusted. */
static bool longest_rule(const glossa_normalizer *self, const uint8_t *text, size_t size, change *out) {
    if (self->unit_count == 0) return false;
    uint32_t unit = glossa_u32_at(self->units);
    uint32_t node = unit >> 10 << ((unit & 0x200) >> 6);
    bool found = false;
    for (size_t i = 0; i < size && i < MAX_KEY; i++) {
        node ^= text[i];
        if (node >= self->unit_count) break;
        unit = glossa_u32_at(self->units + (size_t)node * 4);
        if ((unit & 0x800000FF) != text[i]) break;
        node ^= unit >> 10 << ((unit & 0x200) >> 6);
        if (!(unit >> 8 & 1)) continue;
        if (node >= self->unit_count) break;
        const uint32_t place = glossa_u32_at(self->units + (size_t)node * 4) & 0x7FFFFFFF;
        if (place >= self->replacements_size) break;
        out->text = self->replacements + place;
        out->consumed = i + 1;
        found = true;
    }
    if (found) out->size = strlen(out->text);
    return found;
}

static change next_change(const glossa_normalizer *self, const char *text, size_t size) {
    const uint8_t *bytes = (const uint8_t *)text;
    change out;
    const size_t user_defined = glossa_vocabulary_user_defined(self->vocabulary, bytes, size);
    if (user_defined > 0) return (change){text, user_defined, user_defined};
    if (longest_rule(self, bytes, size, &out)) return out;
    const size_t length = glossa_utf8_length(text, size);
    if (length > 0) return (change){text, length, length};
    return (change){UTF8_REPLACEMENT, UTF8_REPLACEMENT_SIZE, 1};
}

/* ---- normalizing ------------------------------------------------------------------------------------------------ */

void glossa_normalized_release(glossa_normalized *self, const glossa_allocator *allocator) {
    glossa_release(allocator, self->text);
    glossa_release(allocator, self->origin);
    *self = (glossa_normalized){0};
}

/* Makes room for `more` bytes and the end. */
static glossa_status reserve(glossa_normalized *self, size_t more, const glossa_allocator *allocator,
                             glossa_error *error) {
    const size_t needed = self->size + more + 1;
    if (self->text && needed <= self->capacity) return GLOSSA_OK;
    FAIL_IF(needed > UINT32_MAX / 2, error, GLOSSA_ERROR_LIMIT, "the text is too long: %zu bytes after normalization",
            needed);
    glossa_normalized larger = {.size = self->size, .capacity = needed + needed / 2};
    larger.text = glossa_allocate(allocator, larger.capacity, sizeof *larger.text);
    larger.origin = glossa_allocate(allocator, larger.capacity, sizeof *larger.origin);
    if (!larger.text || !larger.origin) {
        glossa_normalized_release(&larger, allocator);
        glossa_fail(error, GLOSSA_ERROR_MEMORY, "out of memory to normalize a text of %zu bytes", needed);
        return GLOSSA_ERROR_MEMORY;
    }
    if (self->size > 0) {
        memcpy(larger.text, self->text, self->size * sizeof *self->text);
        memcpy(larger.origin, self->origin, self->size * sizeof *self->origin);
    }
    glossa_normalized_release(self, allocator);
    *self = larger;
    return GLOSSA_OK;
}

static void append(glossa_normalized *self, const char *bytes, size_t size, size_t origin) {
    for (size_t i = 0; i < size; i++) {
        self->text[self->size] = (uint8_t)bytes[i];
        self->origin[self->size++] = (uint32_t)origin;
    }
}

static void append_space(const glossa_normalizer *self, glossa_normalized *out, size_t origin) {
    if (self->escape_whitespaces) {
        append(out, SPACE_SYMBOL, SPACE_SYMBOL_SIZE, origin);
    } else {
        append(out, " ", 1, origin);
    }
}

/* Takes spaces off the end; the place where the text now ends in the original. */
static size_t strip_spaces(const glossa_normalizer *self, glossa_normalized *out, size_t end) {
    const char *space = self->escape_whitespaces ? SPACE_SYMBOL : " ";
    const size_t size = strlen(space);
    while (out->size >= size && memcmp(out->text + out->size - size, space, size) == 0) {
        out->size -= size;
        end = out->origin[out->size];
    }
    return end;
}

glossa_status glossa_normalize(const glossa_normalizer *self, glossa_text text, const glossa_allocator *allocator,
                               glossa_normalized *out, glossa_error *error) {
    *out = (glossa_normalized){0};
    size_t at = 0;
    while (self->remove_extra_whitespaces && at < text.size) {
        const change next = next_change(self, text.data + at, text.size - at);
        if (next.size != 1 || next.text[0] != ' ') break;
        at += next.consumed;
    }
    if (at == text.size) return GLOSSA_OK;

    /* Room for a text that stays as it is but for its spaces. */
    FORWARD(reserve(out, (text.size - at) / 2 * 3 + 2 * SPACE_SYMBOL_SIZE, allocator, error));
    if (self->add_space_prefix && !self->treat_whitespace_as_suffix) append_space(self, out, at);

    bool after_space = self->remove_extra_whitespaces;
    while (at < text.size) {
        change next = next_change(self, text.data + at, text.size - at);
        const size_t origin = at;
        at += next.consumed;
        while (after_space && next.size > 0 && next.text[0] == ' ')
            next.text++, next.size--;
        if (next.size > 0) {
            FORWARD(reserve(out, next.size * SPACE_SYMBOL_SIZE + SPACE_SYMBOL_SIZE, allocator, error));
            for (size_t i = 0; i < next.size; i++) {
                if (next.text[i] == ' ') {
                    append_space(self, out, origin);
                } else {
                    append(out, next.text + i, 1, origin);
                }
            }
            after_space = next.text[next.size - 1] == ' ';
        }
        if (!self->remove_extra_whitespaces) after_space = false;
    }
    if (self->remove_extra_whitespaces) at = strip_spaces(self, out, at);
    if (self->add_space_prefix && self->treat_whitespace_as_suffix) append_space(self, out, at);
    out->origin[out->size] = (uint32_t)at;
    return GLOSSA_OK;
}
