/*
 * Normalization rules in the shape that SentencePiece stores them in, for tests: a double array and its replacements.
 */
#ifndef GLOSSA_TESTS_CHARSMAP_BUILDER_H
#define GLOSSA_TESTS_CHARSMAP_BUILDER_H

#include "gguf_builder.h"

/* A charsmap of a few rules: a double array in which the children of node k stand in block k + 1 of 256 units. */
typedef struct charsmap {
    uint32_t units[64 * 256];
    uint32_t nodes;
    char replacements[256];
    size_t size;
} charsmap;

static inline void set_block(charsmap *self, uint32_t place, uint32_t block) {
    self->units[place] = (self->units[place] & 0x3FF) | ((place ^ (block * 256)) << 10);
}

static inline void add_rule(charsmap *self, const char *key, const char *replacement) {
    uint32_t place = 0;
    if (self->nodes == 0) set_block(self, 0, ++self->nodes);
    for (const char *c = key; *c; c++) {
        const uint32_t child = (place ^ (self->units[place] >> 10)) ^ (uint8_t)*c;
        if (self->units[child] == 0) {
            self->units[child] = (uint8_t)*c;
            set_block(self, child, ++self->nodes);
        }
        place = child;
    }
    self->units[place] |= 0x100;
    self->units[place ^ (self->units[place] >> 10)] = 0x80000000u | (uint32_t)self->size;
    memcpy(self->replacements + self->size, replacement, strlen(replacement) + 1);
    self->size += strlen(replacement) + 1;
}

static inline void put_charsmap(gguf_builder *b, const char *name, const charsmap *self) {
    const uint32_t size = (self->nodes + 1) * 256 * 4;
    put_le(put_array(b, name, 0, 4 + size + self->size), size, 4);
    put(&b->keys, self->units, size);
    put(&b->keys, self->replacements, self->size);
}

#endif
