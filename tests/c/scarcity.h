/*
 * An allocator whose memory runs out: `left` allocations succeed, and `live` says how many are not given back.
 */
#ifndef GLOSSA_SCARCITY_H
#define GLOSSA_SCARCITY_H

#include <stddef.h>
#include <stdlib.h>

typedef struct scarcity {
    int left, live;
} scarcity;

static void *scarce_allocate(void *user, size_t size) {
    scarcity *self = user;
    if (self->left-- <= 0) return NULL;
    self->live++;
    return aligned_alloc(16, (size + 15) / 16 * 16);
}

static void scarce_release(void *user, void *memory) {
    if (memory) ((scarcity *)user)->live--;
    free(memory);
}

#endif
