/*
 * SentencePiece's normalizer: replaces characters by the rules in the checkpoint, tidies white space, and remembers
 * which byte of the original each byte came from. Ill-formed UTF-8 becomes U+FFFD, one for each byte.
 *
 * The rules are a "precompiled charsmap": u32 size of the trie, the trie (a double array of u32 units, as darts-clone
 * writes it), then NUL-terminated replacements; a key's value is the place of its replacement.
 */
#ifndef GLOSSA_NORMALIZER_H
#define GLOSSA_NORMALIZER_H

#include "text/vocabulary.h"

typedef struct glossa_normalizer {
    const glossa_vocabulary *vocabulary; /* its user-defined pieces pass unchanged */
    const uint8_t *units;                /* (unit_count) u32, unaligned; NULL without rules */
    uint32_t unit_count;
    const char *replacements;
    size_t replacements_size;
    bool add_space_prefix;           /* a space before the text (after it, as suffixes) */
    bool remove_extra_whitespaces;   /* no space at either end, no two in a row */
    bool escape_whitespaces;         /* a space becomes U+2581 */
    bool treat_whitespace_as_suffix; /* words end in their space instead of starting with it */
} glossa_normalizer;

/* Reads and checks the charsmap and the four flags under `prefix`. Borrows the checkpoint and `vocabulary`. */
glossa_status glossa_normalizer_open(const glossa_gguf *gguf, const char *prefix, const glossa_vocabulary *vocabulary,
                                     glossa_normalizer *normalizer, glossa_error *error);

typedef struct glossa_normalized {
    uint8_t *text;    /* (size) */
    uint32_t *origin; /* (size + 1) where in the original each byte, and the end, came from; never falls */
    size_t size, capacity;
} glossa_normalized;

/* Fills *out, which the caller releases, also after a failure. `text` has fewer than 2^32 bytes. */
glossa_status glossa_normalize(const glossa_normalizer *normalizer, glossa_text text, const glossa_allocator *allocator,
                               glossa_normalized *out, glossa_error *error);
void glossa_normalized_release(glossa_normalized *normalized, const glossa_allocator *allocator);

#endif
