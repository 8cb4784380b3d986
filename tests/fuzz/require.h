/*
 * What every fuzz target stands on: a condition that must hold, and memory within a budget.
 */
#ifndef GLOSSA_FUZZ_REQUIRE_H
#define GLOSSA_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* A fuzzer sees an abort; a person, what was wanted. */
#define require(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                              \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* In front of each block that the budget gave; as wide as the alignment that the library asks for. */
typedef union header {
    size_t size;
    char room[16];
} header;

/* Allocates from `user`, the bytes that are left: a hostile size must fail as lack of memory does, not bring the
   machine down. */
static inline void *budget_allocate(void *user, size_t size) {
    size_t *left = user;
    header *memory = size > *left ? NULL : aligned_alloc(16, (sizeof *memory + size + 15) / 16 * 16);
    if (!memory) return NULL;
    memory->size = size;
    *left -= size;
    return memory + 1;
}

static inline void budget_release(void *user, void *memory) {
    header *start = (header *)memory - 1;
    *(size_t *)user += start->size;
    free(start);
}

#endif
