/*
 * Random numbers by counter: Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"). A block
 * of four words is a function of a 64-bit key and a 128-bit counter and of nothing else, so numbers can be made anew,
 * in any order and by any thread, and are the same on every machine.
 */
#ifndef GLOSSA_RANDOM_H
#define GLOSSA_RANDOM_H

#include "base/base.h"

/* The four words of one counter. */
void glossa_philox(uint64_t key, const uint32_t counter[4], uint32_t words[4]);

/* `blocks` times four words: those of `counter`, of counter[0] + 1 and so on; counter[0] + blocks must not wrap. */
void glossa_philox_run(uint64_t key, const uint32_t counter[4], size_t blocks, uint32_t *words);

/* A word as a number in [0, 1), in steps of 2^-24. */
static inline float glossa_unit(uint32_t word) {
    return (float)(word >> 8) * 0x1p-24f;
}

/* One word after the other, of the counters {0, counter[1..3]}, {1, ...} and so on. */
typedef struct glossa_random {
    uint64_t key;
    uint32_t counter[4];
    uint32_t words[4];
    uint32_t left; /* words not yet given */
} glossa_random;

/* A stream of its own for each pair of `purpose` and `index`. */
glossa_random glossa_random_start(uint64_t key, uint32_t purpose, uint64_t index);

uint32_t glossa_random_word(glossa_random *self);

/* Uniform in 0..limit - 1, without bias (Lemire 2019); limit >= 1. */
uint32_t glossa_random_below(glossa_random *self, uint32_t limit);

#endif
