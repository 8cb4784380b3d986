#include "base/random.h"

#define ROUNDS     10
#define MULTIPLY_0 0xD2511F53u
#define MULTIPLY_1 0xCD9E8D57u
#define KEY_STEP_0 0x9E3779B9u
#define KEY_STEP_1 0xBB67AE85u
#define ABREAST    8 /* counters side by side, for compilers to make vectors of */

/* ABREAST counters that differ in their first word alone. */
static void run(uint64_t key, const uint32_t counter[4], uint32_t *words) {
    uint32_t a[ABREAST], b[ABREAST], c[ABREAST], d[ABREAST];
    for (uint32_t i = 0; i < ABREAST; i++)
        a[i] = counter[0] + i, b[i] = counter[1], c[i] = counter[2], d[i] = counter[3];
    uint32_t key_0 = (uint32_t)key, key_1 = (uint32_t)(key >> 32);
    for (int round = 0; round < ROUNDS; round++, key_0 += KEY_STEP_0, key_1 += KEY_STEP_1) {
        for (size_t i = 0; i < ABREAST; i++) {
            const uint64_t p = (uint64_t)MULTIPLY_0 * a[i], q = (uint64_t)MULTIPLY_1 * c[i];
            a[i] = (uint32_t)(q >> 32) ^ b[i] ^ key_0;
            b[i] = (uint32_t)q;
            c[i] = (uint32_t)(p >> 32) ^ d[i] ^ key_1;
            d[i] = (uint32_t)p;
        }
    }
    for (size_t i = 0; i < ABREAST; i++) {
        words[4 * i] = a[i];
        words[4 * i + 1] = b[i];
        words[4 * i + 2] = c[i];
        words[4 * i + 3] = d[i];
    }
}

void glossa_philox(uint64_t key, const uint32_t counter[4], uint32_t words[4]) {
    glossa_philox_run(key, counter, 1, words);
}

void glossa_philox_run(uint64_t key, const uint32_t counter[4], size_t blocks, uint32_t *words) {
    uint32_t at[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (; blocks >= ABREAST; blocks -= ABREAST, at[0] += ABREAST, words += 4 * ABREAST)
        run(key, at, words);
    if (blocks == 0) return;
    uint32_t last[4 * ABREAST];
    run(key, at, last);
    for (size_t i = 0; i < 4 * blocks; i++)
        words[i] = last[i];
}

glossa_random glossa_random_start(uint64_t key, uint32_t purpose, uint64_t index) {
    return (glossa_random){.key = key, .counter = {0, purpose, (uint32_t)index, (uint32_t)(index >> 32)}};
}

uint32_t glossa_random_word(glossa_random *self) {
    if (self->left == 0) {
        glossa_philox(self->key, self->counter, self->words);
        self->counter[0]++;
        self->left = 4;
    }
    return self->words[4 - self->left--];
}

uint32_t glossa_random_below(glossa_random *self, uint32_t limit) {
    uint64_t product = (uint64_t)glossa_random_word(self) * limit;
    if ((uint32_t)product < limit) {
        const uint32_t uneven = (0u - limit) % limit; /* 2^32 mod limit */
        while ((uint32_t)product < uneven)
            product = (uint64_t)glossa_random_word(self) * limit;
    }
    return (uint32_t)(product >> 32);
}
