/*
 * Learns the pieces of a byte-pair vocabulary (Sennrich et al. 2016) from text: words are counted first, then the pair
 * of neighbours that is most frequent becomes a piece, again and again. A heap over pairs, and for each pair the places
 * where it stands, make that near linear in the length of all different words.
 *
 *     glossa_merges merges = {.allocator = allocator};
 *     for each line: status = glossa_merges_count(&merges, normalized, error);
 *     status = glossa_merges_learn(&merges, 0.9995, 1000, 4000, 16, &pieces, error);
 *     glossa_merges_close(&merges);
 */
#ifndef GLOSSA_MERGES_H
#define GLOSSA_MERGES_H

#include "base/base.h"

/* Words and how often each has been seen. Begins as zeros but for the allocator. */
typedef struct glossa_merges {
    glossa_allocator allocator;
    char *texts;      /* (size) of the words, one after the other */
    uint32_t *ends;   /* (count) of each in texts */
    uint64_t *counts; /* (count) */
    uint64_t *hashes; /* (count) */
    uint32_t *slots;  /* (1 << slot_bits) word + 1, 0 where empty */
    size_t size, size_capacity, count, count_capacity;
    unsigned slot_bits;
} glossa_merges;

/* Pieces: unions, the first found in front, then single characters, the most frequent in front. */
typedef struct glossa_pieces {
    char *texts;     /* (ends[count - 1]) */
    uint32_t *ends;  /* (count) */
    uint32_t count;  /* of all */
    uint32_t unions; /* of them */
} glossa_pieces;

/* Counts the words of a normalized text, well-formed UTF-8. A word ends before U+2581, and where letters, digits and
   signs meet. Fails with MEMORY, or with LIMIT for 2 GB of different words. */
glossa_status glossa_merges_count(glossa_merges *merges, glossa_text text, glossa_error *error);

/*
 * Learns `most` pieces or fewer: the most frequent characters, as many as make up `coverage` of all text but at most
 * `characters`, and unions of at most `longest` of them, 1 to 16, that occur twice at least. Another character is in no
 * piece. The same words, counted in the same order, give the same pieces everywhere. Fails with MEMORY;
 * glossa_pieces_release frees the pieces, also after a failure.
 */
glossa_status glossa_merges_learn(const glossa_merges *merges, double coverage, uint32_t characters, uint32_t most,
                                  uint32_t longest, glossa_pieces *pieces, glossa_error *error);

void glossa_merges_close(glossa_merges *merges);
void glossa_pieces_release(glossa_pieces *pieces, const glossa_allocator *allocator);

#endif
