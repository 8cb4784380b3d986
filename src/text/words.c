/* Counting words, the first half of merges.h. */
#include <string.h>

#include "base/utf8.h"
#include "text/hash.h"
#include "text/merges.h"
#include "text/vocabulary.h"

#define FIRST_SLOTS 12 /* bits */

typedef enum letter_kind { KIND_LETTER, KIND_DIGIT, KIND_SIGN } letter_kind;

/* ASCII by its kind; beyond it all are letters but general, CJK and full-width punctuation. */
static letter_kind kind_of(const uint8_t *at, size_t size) {
    const uint8_t c = at[0];
    if (c >= '0' && c <= '9') return KIND_DIGIT;
    if (size == 1) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? KIND_LETTER : KIND_SIGN;
    if (size == 2) return c == 0xC2 ? KIND_SIGN : KIND_LETTER; /* U+0080 to U+00BF */
    const uint32_t code = size == 3 ? glossa_utf8_code(at, size) : 0;
    const bool sign = (code >= 0x2000 && code <= 0x206F) || (code >= 0x3000 && code <= 0x303F) ||
                      (code >= 0xFF00 && code <= 0xFF0F) || (code >= 0xFF1A && code <= 0xFF20);
    return sign ? KIND_SIGN : KIND_LETTER;
}

/* Bytes of the word at the start of a text that is not empty. A space goes with what follows it. */
static size_t word_size(const uint8_t *text, size_t size) {
    size_t at = 0;
    while (size - at >= SPACE_SYMBOL_SIZE && memcmp(text + at, SPACE_SYMBOL, SPACE_SYMBOL_SIZE) == 0)
        at += SPACE_SYMBOL_SIZE;
    if (at == size) return size;
    const letter_kind kind = kind_of(text + at, glossa_utf8_step(text[at]));
    do {
        at += glossa_utf8_step(text[at]);
        if (size - at >= SPACE_SYMBOL_SIZE && memcmp(text + at, SPACE_SYMBOL, SPACE_SYMBOL_SIZE) == 0) break;
    } while (at < size && kind_of(text + at, glossa_utf8_step(text[at])) == kind);
    return at < size ? at : size;
}

/* Where a word of that hash lies, or the empty slot where it would. */
static uint32_t slot_of(const glossa_merges *self, uint64_t hash, const char *text, size_t size) {
    const uint32_t mask = (1u << self->slot_bits) - 1;
    uint32_t slot = (uint32_t)(hash >> (64 - self->slot_bits));
    for (; self->slots[slot]; slot = (slot + 1) & mask) {
        const uint32_t word = self->slots[slot] - 1, begin = word ? self->ends[word - 1] : 0;
        if (self->hashes[word] != hash) continue;
        if (self->ends[word] - begin == size && memcmp(self->texts + begin, text, size) == 0) break;
    }
    return slot;
}

static bool reserve(glossa_merges *self, size_t size) {
    if (self->size + size > self->size_capacity) {
        const size_t capacity = 2 * (self->size + size) + 4096;
        char *texts = glossa_widen(&self->allocator, self->texts, self->size, capacity, 1);
        if (!texts) return false;
        self->texts = texts;
        self->size_capacity = capacity;
    }
    if (self->count == self->count_capacity) {
        const size_t capacity = 2 * self->count + 1024;
        uint32_t *ends = glossa_widen(&self->allocator, self->ends, self->count, capacity, sizeof *ends);
        if (!ends) return false;
        self->ends = ends;
        uint64_t *counts = glossa_widen(&self->allocator, self->counts, self->count, capacity, sizeof *counts);
        if (!counts) return false;
        self->counts = counts;
        uint64_t *hashes = glossa_widen(&self->allocator, self->hashes, self->count, capacity, sizeof *hashes);
        if (!hashes) return false;
        self->hashes = hashes;
        self->count_capacity = capacity;
    }
    if (self->slots && self->count < ((size_t)1 << self->slot_bits) / 2) return true;
    const unsigned bits = self->slots ? self->slot_bits + 1 : FIRST_SLOTS;
    uint32_t *slots = bits < 32 ? glossa_allocate(&self->allocator, (size_t)1 << bits, sizeof *slots) : NULL;
    if (!slots) return false;
    glossa_release(&self->allocator, self->slots);
    self->slots = slots;
    self->slot_bits = bits;
    for (uint32_t i = 0, begin = 0; i < self->count; begin = self->ends[i++])
        self->slots[slot_of(self, self->hashes[i], self->texts + begin, self->ends[i] - begin)] = i + 1;
    return true;
}

glossa_status glossa_merges_count(glossa_merges *self, glossa_text text, glossa_error *error) {
    for (size_t at = 0, size; at < text.size; at += size) {
        size = word_size((const uint8_t *)text.data + at, text.size - at);
        FAIL_IF(self->size + size > UINT32_MAX / 2, error, GLOSSA_ERROR_LIMIT,
                "the different words of the text have more than %u bytes", UINT32_MAX / 2);
        FAIL_IF(!reserve(self, size), error, GLOSSA_ERROR_MEMORY, "out of memory for %zu words", self->count + 1);
        const uint64_t hash = glossa_hash_mix(glossa_hash_text(GLOSSA_HASH_START, text.data + at, size));
        const uint32_t slot = slot_of(self, hash, text.data + at, size);
        if (self->slots[slot] == 0) {
            memcpy(self->texts + self->size, text.data + at, size);
            self->size += size;
            self->ends[self->count] = (uint32_t)self->size;
            self->counts[self->count] = 0;
            self->hashes[self->count] = hash;
            self->slots[slot] = (uint32_t)++self->count;
        }
        self->counts[self->slots[slot] - 1]++;
    }
    return GLOSSA_OK;
}

void glossa_merges_close(glossa_merges *self) {
    glossa_release(&self->allocator, self->texts);
    glossa_release(&self->allocator, self->ends);
    glossa_release(&self->allocator, self->counts);
    glossa_release(&self->allocator, self->hashes);
    glossa_release(&self->allocator, self->slots);
    *self = (glossa_merges){.allocator = self->allocator};
}

void glossa_pieces_release(glossa_pieces *pieces, const glossa_allocator *allocator) {
    glossa_release(allocator, pieces->texts);
    glossa_release(allocator, pieces->ends);
    *pieces = (glossa_pieces){0};
}
