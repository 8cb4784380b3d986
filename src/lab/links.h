/*
 * Word alignments of pairs: links such as "0-0 1-2", each of a source word and a target word, counted from 0 on, as
 * fast_align and its like write them. Words are parted by white space; each Chinese or Japanese character is one too.
 */
#ifndef GLOSSA_LAB_LINKS_H
#define GLOSSA_LAB_LINKS_H

#include "lab/pairs.h"

/* The word of a text's end. */
#define GLOSSA_NO_WORD UINT32_MAX

/* Whether a third column of a table is links: it begins as those do. */
bool glossa_links_like(glossa_text column);

/* Checks the links of all pairs. Fails with FORMAT for what is no link, for a word that its text does not have, and
   where no pair has links. */
glossa_status glossa_links_check(const glossa_pairs *pairs, glossa_error *error);

/* The word that each token of a text belongs to, by its first character that is no white space; words[count] is that of
   the end. */
void glossa_links_words(glossa_text text, const glossa_token *tokens, size_t count, uint32_t *words);

/* Wanted weights (m, n) for the words of m target and n source tokens: rows of tokens that are linked sum to 1, and the
   end looks at the end; the other rows are zeros. */
void glossa_links_weigh(glossa_text links, const uint32_t *source, size_t n, const uint32_t *target, size_t m,
                        float *weights);

#endif
