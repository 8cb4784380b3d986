/*
 * Cutting normalized text into pieces: the best path through a unigram model (Kudo 2018), or byte-pair merges
 * (Sennrich et al. 2016). Both equal the reference, ties included.
 */
#ifndef GLOSSA_SEGMENT_H
#define GLOSSA_SEGMENT_H

#include "base/random.h"
#include "base/utf8.h"
#include "text/vocabulary.h"

/* A segment starts where the one before it ends. */
typedef struct glossa_segment {
    uint32_t end;
    int32_t piece; /* -1: unknown, one character */
} glossa_segment;

/* `size` is at least 1 and below 2^31. *segments is allocated with `allocator` and belongs to the caller. */
glossa_status glossa_unigram_segment(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size,
                                     const glossa_allocator *allocator, glossa_segment **segments, size_t *count,
                                     glossa_error *error);

/* The `most` best paths, best first: scores and segments of each in cuts (most), their number in *found, and the
   segments of all, one path after the other, in *segments. `size` is at most GLOSSA_MAX_CUT_BYTES times what the
   normalizer makes of a byte. */
glossa_status glossa_unigram_cuts(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size, size_t most,
                                  const glossa_allocator *allocator, glossa_cut *cuts, size_t *found,
                                  glossa_segment **segments, glossa_error *error);

glossa_status glossa_bpe_segment(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size,
                                 const glossa_allocator *allocator, glossa_segment **segments, size_t *count,
                                 glossa_error *error);

/* One of all ways to cut, drawn: a unigram path with a probability to the power of `alpha`, or merges of which each is
   left out with the probability `alpha` (Provilkov et al. 2020), as the reference does with the same names. */
glossa_status glossa_unigram_sample(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size, float alpha,
                                    glossa_random *random, const glossa_allocator *allocator, glossa_segment **segments,
                                    size_t *count, glossa_error *error);
glossa_status glossa_bpe_sample(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size, float alpha,
                                glossa_random *random, const glossa_allocator *allocator, glossa_segment **segments,
                                size_t *count, glossa_error *error);

/* Bytes of the character that starts at `begin` < size, never beyond the end. */
static inline size_t glossa_segment_step(const uint8_t *text, size_t begin, size_t size) {
    const size_t step = glossa_utf8_step(text[begin]);
    return step < size - begin ? step : size - begin;
}

#endif
