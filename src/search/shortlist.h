/*
 * The lexical shortlist: the tokens that the output layer scores for one sentence in place of the whole vocabulary
 * (Jean et al. 2015, section 3.2, in Marian's form). It is made for each sentence, so that its neighbours change
 * nothing.
 *
 * Legend: S source tokens, V_source and V_target the vocabularies.
 */
#ifndef GLOSSA_SHORTLIST_H
#define GLOSSA_SHORTLIST_H

#include "base/base.h"

/* Candidates by source token. */
typedef struct glossa_shortlist {
    const int32_t *offsets; /* (V_source + 1), NULL: no shortlist */
    const int32_t *ids;     /* (offsets[V_source]) ascending within a list */
    uint32_t first;         /* ids below this are always candidates */
} glossa_shortlist;

/* Candidates of the output layer for one sentence; ids NULL: the whole vocabulary. */
typedef struct glossa_candidates {
    uint32_t *ids; /* (count) ascending */
    size_t count;
} glossa_candidates;

/* What asks for candidates: a sentence and what must be among them beside its lists. */
typedef struct glossa_shortlist_query {
    const glossa_token *source; /* (S) */
    size_t source_count;
    const uint32_t *prefix; /* (prefix_count) target tokens that will be forced */
    size_t prefix_count;
    uint32_t eos;
    uint32_t vocabulary; /* V_target */
    bool shared;         /* one vocabulary for both languages: the source tokens are candidates too */
} glossa_shortlist_query;

/* No sentence gets more candidates than this. */
size_t glossa_shortlist_bound(const glossa_shortlist *list, const glossa_shortlist_query *query);

/*
 * The union of the frequent ids, the lists of the source tokens, the source tokens themselves where the vocabulary is
 * shared, prefix and end; filled up to a multiple of 8 as Marian does. Overwrites `chosen` (V_target); candidates->ids
 * has room for the bound.
 */
void glossa_shortlist_collect(const glossa_shortlist *list, const glossa_shortlist_query *query, uint8_t *chosen,
                              glossa_candidates *candidates);

#endif
