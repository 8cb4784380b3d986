/*
 * The draws of dropout, by counter (Philox, Salmon et al. 2011): a mask depends on no order of computing.
 */
#ifndef GLOSSA_DROPOUT_H
#define GLOSSA_DROPOUT_H

#include "lab/tape.h"

/* What a place of the network draws. */
typedef struct glossa_draw {
    uint64_t seed;
    uint32_t site, step;
    uint32_t threshold; /* a word below it drops the element */
    float keep;         /* 1 / (1 - p) */
} glossa_draw;

/* The draw of the next place on the tape. */
glossa_draw glossa_draw_next(glossa_tape *tape, float p);

/* Which elements of a row stay: 1 or 0; `row` counts within its sequence. */
void glossa_draw_row(const glossa_draw *draw, uint32_t sequence, size_t row, size_t count, uint8_t *kept);

#endif
