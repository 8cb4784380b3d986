/*
 * Beam search over one sentence: greedy is a beam of one. Knows scores and tokens, nothing of the network.
 *
 * Legend: B beam width, T longest target, N candidates of the output layer (the vocabulary or a shortlist of it).
 */
#ifndef GLOSSA_BEAM_H
#define GLOSSA_BEAM_H

#include "search/rules.h"

/* A live hypothesis, `row`, with one more token. */
typedef struct glossa_extension {
    float sum, logp;
    uint32_t row, id;
} glossa_extension;

/* The best extensions of one step, best first; on equal sums the earlier one stays in front. */
typedef struct glossa_extensions {
    glossa_extension items[2 * GLOSSA_MAX_BEAM];
    uint8_t fate[2 * GLOSSA_MAX_BEAM]; /* glossa_fate */
    uint32_t count, capacity;
} glossa_extensions;

typedef struct glossa_finished {
    float score, sum;
    uint32_t count; /* tokens, the end included if it came */
    uint32_t place; /* where its tokens lie */
} glossa_finished;

typedef struct glossa_beam {
    uint32_t limit;                   /* T */
    uint32_t length;                  /* tokens of each live hypothesis */
    uint32_t live;                    /* live hypotheses, at most B */
    uint32_t half;                    /* which half of tokens and logp is current */
    uint32_t *tokens;                 /* (2, B, T) */
    float *logp;                      /* (2, B, T) */
    float sum[GLOSSA_MAX_BEAM];       /* sum(log p) of each live hypothesis */
    uint32_t parent[GLOSSA_MAX_BEAM]; /* where each live hypothesis stood before the last advance */
    uint32_t finished_count;
    glossa_finished finished[GLOSSA_MAX_BEAM]; /* best first */
    uint32_t *finished_tokens;                 /* (B, T) by place */
    float *finished_logp;                      /* (B, T) by place */
    glossa_extensions seen;                    /* by the last advance; 0 before the first */
} glossa_beam;

/* Carves the token stores for width B and T = limit out of an arena. */
void glossa_beam_take(glossa_beam *beam, glossa_arena *arena, uint32_t width, uint32_t limit);

/* One live, empty hypothesis. */
void glossa_beam_start(glossa_beam *beam);

/*
 * Extends the live hypotheses by one token from logits (live, N), which are changed. `forced` >= 0: only this token may
 * follow. Afterwards `live` may be 0: the sentence is done; else tokens, sum and parent describe the new hypotheses.
 */
void glossa_beam_advance(glossa_beam *beam, const glossa_rules *rules, const glossa_kernels *kernels, float *logits,
                         const glossa_candidates *candidates, int32_t forced);

/* What the last advance saw, at most 2 B; 0 before the first. */
size_t glossa_beam_branches(const glossa_beam *beam, const glossa_rules *rules, glossa_branch *branches);

/* Current tokens (length) and log-probabilities of live hypothesis i; of finished hypothesis `rank`. */
const uint32_t *glossa_beam_tokens(const glossa_beam *beam, uint32_t width, uint32_t i);
const uint32_t *glossa_beam_finished_tokens(const glossa_beam *beam, uint32_t rank);
const float *glossa_beam_finished_logp(const glossa_beam *beam, uint32_t rank);

/* Length of the prefix that all live and finished hypotheses share; *tokens points to it. */
size_t glossa_beam_common(const glossa_beam *beam, uint32_t width, const uint32_t **tokens);
#endif
