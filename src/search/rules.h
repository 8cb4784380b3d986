/*
 * What may follow in a hypothesis: no banned token, no n-gram twice, no broken character. The lab decodes by the same
 * rules as the engine.
 */
#ifndef GLOSSA_RULES_H
#define GLOSSA_RULES_H

#include "kernels/kernels.h"
#include "search/shortlist.h"

/* Rules that hold for all sentences of a batch. */
typedef struct glossa_rules {
    glossa_search search;
    uint32_t beam; /* B */
    float normalize;
    uint32_t no_repeat_ngram;  /* 0: off */
    const uint32_t *banned[2]; /* ids never produced: the model's, the caller's */
    size_t banned_count[2];
    uint32_t eos;
    int32_t first_byte; /* piece of the byte 0, those of the others follow; -1: text need not be well-formed */
} glossa_rules;

/* Below every score that can arise, so that comparisons need no infinities; the logit of what is banned. */
#define GLOSSA_IMPOSSIBLE (-3.0e38f)

/*
 * Bans what must not follow `tokens` (length): its logit becomes GLOSSA_IMPOSSIBLE. Returns log(sum(exp(logits))),
 * taken before the ban, so that the rest keeps the model's own probabilities; after it under transformers' rules, which
 * renormalize. `limit` (T): how long the hypothesis may become.
 */
float glossa_rules_apply(const glossa_rules *rules, const glossa_kernels *kernels, float *logits,
                         const glossa_candidates *candidates, const uint32_t *tokens, uint32_t length, uint32_t limit);

/* The longest target of a source of so many tokens, ends included, where nothing else is asked for. */
uint32_t glossa_rules_limit(size_t source, uint32_t context);

/* Index of `id` among the candidates, or -1. */
ptrdiff_t glossa_candidates_index(const glossa_candidates *candidates, uint32_t id);

#endif
