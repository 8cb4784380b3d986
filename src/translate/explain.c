/* What happened inside: one forced pass over a finished hypothesis, with everything captured. */
#include "translate/session.h"

#include <string.h>

typedef struct captured {
    float *encoder_attention, *decoder_attention, *cross_attention; /* (L, H, rows, cols) */
    float *encoder_hidden, *decoder_hidden;                         /* (L + 1, rows, D) */
    float *log_probability;                                         /* (T) */
    uint32_t *top_ids;                                              /* (T, K) */
    float *top_log_probability;                                     /* (T, K) */
} captured;

static void carve(const glossa_session *s, glossa_arena *arena, size_t source, size_t target, captured *out) {
    const glossa_config *c = &s->model->config;
    const uint64_t enc = c->encoder_layers, dec = c->decoder_layers, heads = c->heads, d = c->d;
    out->encoder_attention = TAKE(arena, float, enc, heads, source, source);
    out->decoder_attention = glossa_decoder_attends(s->model) ? TAKE(arena, float, dec, heads, target, target) : NULL;
    out->cross_attention = TAKE(arena, float, dec, heads, target, source);
    out->encoder_hidden = TAKE(arena, float, enc + 1, source, d);
    out->decoder_hidden = TAKE(arena, float, dec + 1, target, d);
    out->log_probability = TAKE(arena, float, target);
    out->top_ids = TAKE(arena, uint32_t, target, s->top_k);
    out->top_log_probability = TAKE(arena, float, target, s->top_k);
}

static glossa_status reserve(glossa_session *s, size_t source, size_t target, captured *out, glossa_error *error) {
    const glossa_allocator *a = &s->model->allocator;
    glossa_release(a, s->explanation); /* a new one is zeroed, which the causal attention counts on */
    s->explanation = NULL;
    s->explanation_size = 0;
    glossa_arena arena = {0};
    carve(s, &arena, source, target, out);
    const uint64_t needed = arena.used;
    FORWARD(glossa_session_afford(s, "the explanation", glossa_session_bytes(s), needed, error));
    FAIL_IF(!glossa_arena_place(&arena, a, &s->explanation, &s->explanation_size), error, GLOSSA_ERROR_MEMORY,
            "out of memory: the explanation needs %llu bytes", (unsigned long long)needed);
    carve(s, &arena, source, target, out);
    return GLOSSA_OK;
}

static void encode(glossa_session *s, size_t sentence, const captured *out) {
    const glossa_model *m = s->model;
    const glossa_config *c = &m->config;
    const glossa_span whole = {.start = 0, .count = s->spans[sentence].count};
    const glossa_token *tokens = s->tokens + s->spans[sentence].start;
    const size_t n = whole.count, cells = n * c->d;
    glossa_encoder_embed(m, tokens, &whole, 1, glossa_session_positions(s, false, n), s->x);
    memcpy(out->encoder_hidden, s->x, cells * sizeof(float));
    for (size_t l = 0; l < c->encoder_layers; l++) {
        glossa_encoder_attend(m, &m->encoder[l], &whole, 1, glossa_session_head_mask(s, 0, l),
                              out->encoder_attention + l * c->heads * n * n, s->x, &s->scratch);
        glossa_feed_forward(m, &m->encoder[l], s->x, n, &s->scratch);
        memcpy(out->encoder_hidden + (l + 1) * cells, s->x, cells * sizeof(float));
    }
    glossa_stack_end(m, &m->encoder_norm, n, s->x);
    glossa_source_keys_fill(m, &whole, 1, s->x, &s->source_keys[sentence], &s->scratch);
}

/* The K best candidates of one position by log-probability; equal ones in order of their ids. */
static void best_candidates(glossa_session *s, const glossa_candidates *candidates, float log_total, uint32_t *ids,
                            float *logp) {
    uint32_t count = 0;
    if (s->top_k == 0) return;
    for (size_t i = 0; i < candidates->count; i++) {
        const float value = s->logits[i] - log_total;
        if (count == s->top_k && !(value > logp[count - 1])) continue;
        uint32_t at = count < s->top_k ? count++ : count - 1;
        for (; at > 0 && logp[at - 1] < value; at--) {
            logp[at] = logp[at - 1];
            ids[at] = ids[at - 1];
        }
        logp[at] = value;
        ids[at] = candidates->ids ? candidates->ids[i] : (uint32_t)i;
    }
    for (; count < s->top_k; count++) { /* fewer candidates than asked for */
        ids[count] = s->rules.eos;
        logp[count] = GLOSSA_IMPOSSIBLE;
    }
}

/* What position t, hidden state x (D), makes of the candidates; returns the log-probability of the target's token. */
static float judge(glossa_session *s, size_t sentence, const float *x, const uint32_t *target, size_t t,
                   const captured *out) {
    const glossa_candidates *candidates = &s->candidates[sentence];
    glossa_session_logits(s, x, 1, candidates);
    const float log_total = glossa_rules_apply(&s->rules, s->model->kernels, s->logits, candidates, target, (uint32_t)t,
                                               s->beams[sentence].limit);
    best_candidates(s, candidates, log_total, out->top_ids + t * s->top_k, out->top_log_probability + t * s->top_k);
    const ptrdiff_t own = glossa_candidates_index(candidates, target[t]);
    return own < 0 ? GLOSSA_IMPOSSIBLE : s->logits[own] - log_total;
}

/* `target` (length) are the hypothesis's tokens, `logp` what the search found for them. */
static void decode(glossa_session *s, size_t sentence, const uint32_t *target, const float *logp, size_t length,
                   const captured *out) {
    const glossa_model *m = s->model;
    const glossa_config *c = &m->config;
    const glossa_cache *cache = &s->caches[sentence * s->rules.beam];
    const glossa_capture capture = {.self_attention = out->decoder_attention,
                                    .cross_attention = out->cross_attention,
                                    .hidden = out->decoder_hidden,
                                    .length = length};
    const float *positions = glossa_session_positions(s, true, length);
    glossa_decoder_input input = {.rows = s->live,
                                  .count = length,
                                  .position = positions,
                                  .source_keys = s->source_keys,
                                  .self_mask = glossa_session_head_mask(s, 1, 0),
                                  .cross_mask = glossa_session_head_mask(s, 2, 0),
                                  .capture = &capture};
    if (s->without & GLOSSA_WITHOUT_CAUSAL) {
        for (size_t t = 0; t < length; t++)
            s->live[t] = (glossa_live){.sentence = (uint32_t)sentence, .token = t ? target[t - 1] : 0};
        glossa_decoder_unmasked(m, &input, s->x, &s->scratch);
        for (size_t t = 0; t < length; t++)
            out->log_probability[t] = judge(s, sentence, s->x + t * c->d, target, t, out);
        return;
    }
    glossa_cache_clear(m, cache);
    memcpy(out->log_probability, logp, length * sizeof *logp);
    for (size_t t = 0; t < length; t++) {
        const glossa_live row = {.sentence = (uint32_t)sentence, .token = t ? target[t - 1] : 0, .cache = cache};
        input.rows = &row;
        input.count = 1;
        input.t = t;
        input.position = positions + t * c->d;
        glossa_decoder_step(m, &input, s->x, &s->scratch);
        if (s->top_k) judge(s, sentence, s->x, target, t, out);
    }
}

glossa_status glossa_explain(glossa_session *s, size_t sentence, size_t rank, glossa_explanation *explanation,
                             glossa_error *error) {
    NEED(s, "session", error);
    NEED(explanation, "explanation", error);
    FORWARD(glossa_session_check(s, sentence, rank, error));
    glossa_rendering *rendering;
    FORWARD(glossa_session_render(s, sentence, rank, &rendering, error));
    const glossa_beam *beam = &s->beams[sentence];
    const size_t source = s->spans[sentence].count, target = beam->finished[rank].count;
    captured out;
    FORWARD(reserve(s, source, target, &out, error));
    if (target) {
        encode(s, sentence, &out);
        decode(s, sentence, glossa_beam_finished_tokens(beam, (uint32_t)rank),
               glossa_beam_finished_logp(beam, (uint32_t)rank), target, &out);
    }
    *explanation = (glossa_explanation){.source = s->tokens + s->spans[sentence].start,
                                        .source_count = source,
                                        .target = rendering->tokens,
                                        .target_count = target,
                                        .encoder_attention = out.encoder_attention,
                                        .decoder_attention = out.decoder_attention,
                                        .cross_attention = out.cross_attention,
                                        .encoder_hidden = out.encoder_hidden,
                                        .decoder_hidden = out.decoder_hidden,
                                        .log_probability = out.log_probability,
                                        .top_k = s->top_k,
                                        .top_ids = out.top_ids,
                                        .top_log_probability = out.top_log_probability};
    return GLOSSA_OK;
}
