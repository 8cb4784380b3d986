/*
 * Hashes of texts for tables whose keys come from anybody: 64 bits, well mixed, so that comparing them settles nearly
 * all comparisons of texts, and the high bits make a slot.
 */
#ifndef GLOSSA_HASH_H
#define GLOSSA_HASH_H

#include <stddef.h>
#include <stdint.h>

#define GLOSSA_HASH_START 0xCBF29CE484222325u /* FNV-1a of 64 bits */

/* The hash of a text so far, and after `size` bytes more. */
static inline uint64_t glossa_hash_text(uint64_t hash, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001B3u;
    return hash;
}

/* Each bit of the input changes each of the output (the finaliser of SplitMix64, Steele et al. 2014). */
static inline uint64_t glossa_hash_mix(uint64_t hash) {
    hash = (hash ^ hash >> 30) * 0xBF58476D1CE4E5B9u;
    hash = (hash ^ hash >> 27) * 0x94D049BB133111EBu;
    return hash ^ hash >> 31;
}

#endif
