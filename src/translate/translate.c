/* The steps of a batch: encoder, decoder, search. */
#include "translate/session.h"

#include <string.h>

static void embed(glossa_session *s) {
    size_t longest = 0;
    for (size_t i = 0; i < s->sentences; i++)
        longest = s->spans[i].count > longest ? s->spans[i].count : longest;
    glossa_encoder_embed(s->model, s->tokens, s->spans, s->sentences, glossa_session_positions(s, false, longest),
                         s->x);
}

/* The next group of sentences or rows. */
static void encode_group(glossa_session *s) {
    const glossa_model *m = s->model;
    const size_t d = m->config.d, first = s->next;
    if (s->phase == PHASE_FEED) {
        const size_t left = s->rows - first, count = left < GLOSSA_GROUP_ROWS ? left : GLOSSA_GROUP_ROWS;
        glossa_feed_forward(m, &m->encoder[s->layer], s->x + first * d, count, &s->scratch);
        s->next += count;
        if (s->next < s->rows) return;
        s->next = 0;
        if (++s->layer < m->config.encoder_layers) {
            s->phase = PHASE_ATTEND;
        } else {
            glossa_stack_end(m, &m->encoder_norm, s->rows, s->x);
            s->phase = PHASE_REMEMBER;
        }
        return;
    }
    const glossa_span *spans = s->spans + first;
    s->next = glossa_group_end(s->spans, s->sentences, first, &s->scratch);
    float *x = s->x + spans->start * d;
    if (s->phase == PHASE_ATTEND) {
        if (s->layer == 0 && first == 0) embed(s);
        glossa_encoder_attend(m, &m->encoder[s->layer], spans, s->next - first,
                              glossa_session_head_mask(s, 0, s->layer), NULL, x, &s->scratch);
    } else {
        glossa_source_keys_fill(m, spans, s->next - first, x, s->source_keys + first, &s->scratch);
    }
    if (s->next < s->sentences) return;
    s->next = 0;
    s->phase = s->phase == PHASE_ATTEND ? PHASE_FEED : PHASE_DECODE;
}

void glossa_session_logits(glossa_session *s, const float *x, size_t count, const glossa_candidates *candidates) {
    const glossa_model *m = s->model;
    const glossa_rows rows = glossa_rows_prepare(m, x, count, m->config.d, &m->output, &s->scratch);
    m->kernels->matmul(&rows, &m->output, candidates->ids, candidates->count, s->logits, candidates->count, NULL);
}

/* Gives every new hypothesis a cache: its parent's where it is the first child, else a copy in a free one. */
static void reorder_caches(glossa_session *s, size_t sentence) {
    const glossa_beam *beam = &s->beams[sentence];
    const uint32_t width = s->rules.beam;
    uint32_t *slots = s->slots + sentence * width;
    const glossa_cache *caches = s->caches + sentence * width;
    uint32_t fresh[GLOSSA_MAX_BEAM];
    bool taken[GLOSSA_MAX_BEAM] = {false}, owner[GLOSSA_MAX_BEAM] = {false};
    for (uint32_t i = 0; i < beam->live; i++) {
        fresh[i] = slots[beam->parent[i]];
        owner[i] = !taken[fresh[i]];
        taken[fresh[i]] = true;
    }
    for (uint32_t i = 0; i < beam->live; i++) {
        if (owner[i]) continue;
        uint32_t free_slot = 0;
        while (taken[free_slot])
            free_slot++;
        taken[free_slot] = true;
        glossa_cache_copy(s->model, &caches[fresh[i]], &caches[free_slot], beam->length);
        fresh[i] = free_slot;
    }
    memcpy(slots, fresh, beam->live * sizeof *slots);
}

/* Logits and search for the rows [from, to) of s->x, which belong to whole sentences. */
static void advance_rows(glossa_session *s, size_t from, size_t to) {
    const glossa_model *m = s->model;
    const size_t d = m->config.d;
    const glossa_candidates *candidates = &s->candidates[s->live[from].sentence];
    glossa_session_logits(s, s->x + from * d, to - from, candidates);
    const int32_t forced = s->t < s->prefix_count ? (int32_t)s->prefix[s->t] : -1;
    for (size_t r = from, end; r < to; r = end) {
        const uint32_t sentence = s->live[r].sentence;
        end = glossa_live_end(s->live, to, r);
        glossa_beam *beam = &s->beams[sentence];
        glossa_beam_advance(beam, &s->rules, m->kernels, s->logits + (r - from) * candidates->count, candidates,
                            forced);
        if (beam->live)
            reorder_caches(s, sentence);
        else
            s->progress.sentences_done++;
    }
}

static void decode_position(glossa_session *s) {
    const glossa_model *m = s->model;
    const uint32_t width = s->rules.beam;
    size_t rows = 0;
    for (size_t i = 0; i < s->sentences; i++) {
        const glossa_beam *beam = &s->beams[i];
        for (uint32_t b = 0; b < beam->live; b++) {
            s->live[rows++] = (glossa_live){.sentence = (uint32_t)i,
                                            .token = s->t ? glossa_beam_tokens(beam, width, b)[s->t - 1] : 0,
                                            .cache = &s->caches[i * width + s->slots[i * width + b]]};
        }
        s->progress.target_tokens += beam->live > 0;
    }
    const glossa_decoder_input input = {.rows = s->live,
                                        .count = rows,
                                        .t = s->t,
                                        .position = glossa_session_positions(s, true, s->t + 1) + s->t * m->config.d,
                                        .source_keys = s->source_keys,
                                        .self_mask = glossa_session_head_mask(s, 1, 0),
                                        .cross_mask = glossa_session_head_mask(s, 2, 0)};
    glossa_decoder_step(m, &input, s->x, &s->scratch);

    const uint64_t started = glossa_session_now(s);
    const bool own_candidates = m->shortlist.offsets != NULL;
    for (size_t from = 0, to; from < rows; from = to) {
        to = from;
        do { /* whole sentences, as many as the logits have room for; one alone where each has its own candidates */
            const size_t end = glossa_live_end(s->live, rows, to);
            if (to > from && (own_candidates || end - from > GLOSSA_LOGIT_ROWS)) break;
            to = end;
        } while (to < rows);
        advance_rows(s, from, to);
    }
    s->timings.output += glossa_session_now(s) - started;
    s->t++;
    if (s->progress.sentences_done == s->sentences) s->phase = PHASE_DONE;
}

glossa_status glossa_step(glossa_session *s, glossa_progress *progress, glossa_error *error) {
    NEED(s, "session", error);
    FAIL_IF(s->phase == PHASE_IDLE, error, GLOSSA_ERROR_STATE,
            "glossa_step: there is no batch; call glossa_begin first");
    const uint64_t started = glossa_session_now(s), output = s->timings.output;
    if (s->phase < PHASE_DECODE) {
        encode_group(s);
        s->timings.encode += glossa_session_now(s) - started;
        s->progress.steps_done++;
    } else if (s->phase == PHASE_DECODE) {
        decode_position(s);
        s->timings.decode += glossa_session_now(s) - started - (s->timings.output - output);
        s->progress.steps_done++;
    }
    s->progress.done = s->phase == PHASE_DONE;
    if (progress) *progress = s->progress;
    return GLOSSA_OK;
}
