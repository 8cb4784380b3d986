/*
 * The session: one batch on its way through the network, with all its memory. Private to this folder: session.c opens
 * and closes it, batch.c fills it, translate.c steps, result.c and explain.c read it.
 *
 * Legend: B beam width, M source rows of the batch, S source tokens of a sentence, D width, V target vocabulary.
 */
#ifndef GLOSSA_SESSION_H
#define GLOSSA_SESSION_H

#include "nn/decoder.h"
#include "search/beam.h"

/* The output layer works on at least this many rows at a time where sentences share it. */
#define GLOSSA_LOGIT_ROWS 16

/* What the next step does. For every encoder layer: attention, a group of sentences at a time, then feed-forward, a
   group of rows at a time. */
typedef enum glossa_phase {
    PHASE_IDLE,
    PHASE_ATTEND,
    PHASE_FEED,
    PHASE_REMEMBER,
    PHASE_DECODE,
    PHASE_DONE
} glossa_phase;

/* A finished hypothesis as text; made when asked for. */
typedef struct glossa_rendering {
    char *text;
    size_t size;
    glossa_token *tokens;
    size_t bytes;
} glossa_rendering;

struct glossa_session {
    const glossa_model *model;
    glossa_limits limits;
    size_t bytes; /* held, beside memory and explanation */

    float *positions; /* (positions_room, D) sinusoids, as many as a batch may need; NULL with learned ones */
    size_t positions_room, positions_ready;
    glossa_token *tokenized; /* the answer of glossa_tokenize */
    glossa_token *tokens;    /* (M) source tokens; room for the limit */
    glossa_span *spans;      /* (sentences); room for the limit */

    void *memory; /* the batch's arena; kept from batch to batch while it is large enough */
    size_t memory_size;
    glossa_phase phase;
    size_t sentences, rows, t;
    size_t layer, next; /* of the encoder; the group's first sentence or row */
    glossa_progress progress;
    glossa_rules rules;
    uint32_t top_k;
    uint32_t without; /* glossa_without */
    float *nowhere;   /* positions that say nothing: (longest, D) zeros, or NULL */
    uint32_t *prefix; /* (prefix_count) */
    size_t prefix_count;
    uint8_t *head_mask;              /* (encoder, decoder, cross) heads, or NULL */
    glossa_beam *beams;              /* (sentences) */
    glossa_source_keys *source_keys; /* (sentences) */
    glossa_cache *caches;            /* (sentences, B) */
    uint32_t *slots;                 /* (sentences, B) cache of each live hypothesis */
    glossa_candidates *candidates;   /* (sentences) */
    uint8_t *chosen;                 /* (target vocabulary) marks while candidates are collected; NULL: no shortlist */
    glossa_live *live;               /* (sentences x B, or the positions of a pass without causal mask) */
    glossa_rendering *renderings;    /* (sentences, B) */
    float *x;                        /* (max(M, length of live), D) */
    float *logits;                   /* (B or, where sentences share them, max(B, GLOSSA_LOGIT_ROWS); candidates) */
    char *partial;                   /* (partial_size) */
    glossa_token *partial_tokens;
    size_t partial_size;
    glossa_scratch scratch;

    void *explanation;
    size_t explanation_size;

    glossa_clock clock;
    void *clock_user;
    glossa_timings timings;
};

/* Forgets the batch: its results, its explanation and the answer of glossa_tokenize. */
void glossa_session_drop(glossa_session *session);

/*
 * Fails with LIMIT where `needed` more bytes beside the `held` ones are beyond limits.memory; `what` needs them.
 * UINT64_MAX stands for more than can be counted.
 */
glossa_status glossa_session_afford(const glossa_session *session, const char *what, uint64_t held, uint64_t needed,
                                    glossa_error *error);

/* Position rows up to `count`, of the encoder or of the decoder. */
const float *glossa_session_positions(glossa_session *session, bool decoder, size_t count);

/* Logits (count, N) of hidden states x (count, D) over the candidates. */
void glossa_session_logits(glossa_session *session, const float *x, size_t count, const glossa_candidates *candidates);

/* Heads of one layer that are off, or NULL: part 0 encoder, 1 decoder, 2 cross. */
const uint8_t *glossa_session_head_mask(const glossa_session *session, int part, size_t layer);

/* Makes text and tokens of a finished hypothesis, once. */
glossa_status glossa_session_render(glossa_session *session, size_t sentence, size_t rank, glossa_rendering **rendering,
                                    glossa_error *error);

/* Fails unless the batch is finished and has that hypothesis. */
glossa_status glossa_session_check(const glossa_session *session, size_t sentence, size_t rank, glossa_error *error);

/* The clock's time; 0 where there is none. */
uint64_t glossa_session_now(const glossa_session *session);

#endif
