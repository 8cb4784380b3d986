/* A batch: texts to tokens, and the memory of all that the steps will need. */
#include "translate/session.h"

#include <string.h>

/* ---- tokenizing ------------------------------------------------------------------------------------------------- */

/* The text's own tokens, without the end: none where it is blank. The caller frees them. */
static glossa_status tokenize(const glossa_model *m, glossa_text text, glossa_token **tokens, size_t *count,
                              glossa_error *error) {
    FAIL_IF(text.size > UINT32_MAX / 2, error, GLOSSA_ERROR_LIMIT, "the text has %zu bytes, more than %u", text.size,
            (unsigned)(UINT32_MAX / 2));
    FAIL_IF(!text.data && text.size, error, GLOSSA_ERROR_ARGUMENT, "the text is NULL, but its size is %zu", text.size);
    FORWARD(glossa_tokenizer_encode(m->source_tokenizer, text, tokens, count, error));
    for (size_t i = 0; i < *count; i++) {
        const uint32_t id = (*tokens)[i].id;
        if (id < m->source_embedding.rows) continue;
        glossa_tokenizer_free_tokens(m->source_tokenizer, *tokens);
        return glossa_fail(error, GLOSSA_ERROR_FORMAT,
                           "the vocabulary gives token %u, beyond the embedding table of %u rows", (unsigned)id,
                           (unsigned)m->source_embedding.rows);
    }
    return GLOSSA_OK;
}

static glossa_token end_of(const glossa_model *m, glossa_text text) {
    return (glossa_token){m->source_eos, (uint32_t)text.size, (uint32_t)text.size};
}

glossa_status glossa_tokenize(glossa_session *s, glossa_text text, const glossa_token **tokens, size_t *count,
                              glossa_error *error) {
    NEED(s, "session", error);
    NEED(tokens, "tokens", error);
    NEED(count, "count", error);
    const glossa_model *m = s->model;
    glossa_token *body = NULL;
    glossa_release(&m->allocator, s->tokenized);
    s->tokenized = NULL;
    FORWARD(tokenize(m, text, &body, count, error));
    if (*count) {
        s->tokenized = glossa_allocate(&m->allocator, *count + 1, sizeof *s->tokenized);
        if (s->tokenized) {
            memcpy(s->tokenized, body, *count * sizeof *body);
            s->tokenized[(*count)++] = end_of(m, text);
        }
    }
    glossa_tokenizer_free_tokens(m->source_tokenizer, body);
    FAIL_IF(*count && !s->tokenized, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu tokens", *count + 1);
    *tokens = s->tokenized;
    return GLOSSA_OK;
}

glossa_status glossa_cuts(glossa_session *s, glossa_text text, size_t most, glossa_cut *cuts, size_t *found,
                          const glossa_token **tokens, glossa_error *error) {
    NEED(s, "session", error);
    NEED(cuts, "cuts", error);
    NEED(found, "found", error);
    NEED(tokens, "tokens", error);
    FAIL_IF(most == 0 || most > GLOSSA_MAX_CUTS, error, GLOSSA_ERROR_ARGUMENT, "%zu cuts are asked for, need 1 to %d",
            most, GLOSSA_MAX_CUTS);
    FAIL_IF(!text.data && text.size, error, GLOSSA_ERROR_ARGUMENT, "the text is NULL, but its size is %zu", text.size);
    FAIL_IF(text.size > GLOSSA_MAX_CUT_BYTES, error, GLOSSA_ERROR_LIMIT, "the text has %zu bytes, more than %d",
            text.size, GLOSSA_MAX_CUT_BYTES);
    const glossa_tokenizer *tokenizer = s->model->source_tokenizer;
    glossa_tokenizer_free_tokens(tokenizer, s->tokenized);
    s->tokenized = NULL;
    FORWARD(glossa_tokenizer_cuts(tokenizer, text, most, cuts, found, &s->tokenized, error));
    *tokens = s->tokenized;
    return GLOSSA_OK;
}

/* ---- begin ------------------------------------------------------------------------------------------------------ */

/* What glossa_begin collects before the arena's size is known. */
typedef struct plan {
    uint64_t rows; /* in 64 bits: many sentences of the longest kind */
    size_t sentences, longest_source, longest_target, candidates;
    const glossa_options *options;
    uint32_t beam;
} plan;

static glossa_status check_options(const glossa_session *s, const glossa_options *o, size_t sentences, uint32_t beam,
                                   glossa_error *error) {
    const glossa_model *m = s->model;
    FAIL_IF(beam > s->limits.beam, error, GLOSSA_ERROR_ARGUMENT, "options: beam is %u, need 1 to %u", (unsigned)beam,
            (unsigned)s->limits.beam);
    FAIL_IF((unsigned)o->search > GLOSSA_SEARCH_MARIAN, error, GLOSSA_ERROR_ARGUMENT,
            "options: search is %d, need 0 to 2", (int)o->search);
    FAIL_IF(o->normalize_set && !(o->normalize >= -8 && o->normalize <= 8), error, GLOSSA_ERROR_ARGUMENT,
            "options: normalize is not a number from -8 to 8");
    FAIL_IF(o->max_length > m->config.context, error, GLOSSA_ERROR_ARGUMENT,
            "options: the longest target is %u tokens, but the model's context is %u", (unsigned)o->max_length,
            (unsigned)m->config.context);
    FAIL_IF(o->top_k > GLOSSA_MAX_TOP_K || o->top_k > m->output.rows, error, GLOSSA_ERROR_ARGUMENT,
            "options: top_k is %u, need 0 to %d and at most the vocabulary", (unsigned)o->top_k, GLOSSA_MAX_TOP_K);
    FAIL_IF(o->prefix_count && sentences != 1, error, GLOSSA_ERROR_ARGUMENT,
            "options: a prefix needs a batch of one sentence, this one has %zu", sentences);
    FAIL_IF((o->prefix_count && !o->prefix) || (o->banned_count && !o->banned), error, GLOSSA_ERROR_ARGUMENT,
            "options: prefix or banned is NULL, but its count is not 0");
    for (size_t i = 0; i < o->prefix_count; i++) {
        FAIL_IF(o->prefix[i] >= m->output.rows, error, GLOSSA_ERROR_ARGUMENT,
                "options: prefix token %zu is %u, beyond the vocabulary of %u", i, (unsigned)o->prefix[i],
                (unsigned)m->output.rows);
    }
    FAIL_IF(o->without & ~(uint32_t)(GLOSSA_WITHOUT_POSITIONS | GLOSSA_WITHOUT_CAUSAL), error, GLOSSA_ERROR_ARGUMENT,
            "options: without is %u, need a sum of 1 and 2", (unsigned)o->without);
    FAIL_IF(o->without & GLOSSA_WITHOUT_CAUSAL && !glossa_decoder_attends(m), error, GLOSSA_ERROR_UNSUPPORTED,
            "options: this decoder has no self-attention that a causal mask could be taken from");
    FAIL_IF((o->source_prefix_count && !o->source_prefix) || o->source_prefix_count >= m->config.context, error,
            GLOSSA_ERROR_ARGUMENT, "options: the source prefix of %zu tokens is NULL or too long",
            o->source_prefix_count);
    for (size_t i = 0; i < o->source_prefix_count; i++) {
        FAIL_IF(o->source_prefix[i] >= m->source_embedding.rows, error, GLOSSA_ERROR_ARGUMENT,
                "options: source prefix token %zu is %u, beyond the vocabulary of %u", i, (unsigned)o->source_prefix[i],
                (unsigned)m->source_embedding.rows);
    }
    for (size_t i = 0; i < o->banned_count; i++) {
        FAIL_IF(o->banned[i] >= m->output.rows || o->banned[i] == m->target_eos, error, GLOSSA_ERROR_ARGUMENT,
                "options: banned token %zu is %u, which is the end or beyond the vocabulary of %u", i,
                (unsigned)o->banned[i], (unsigned)m->output.rows);
    }
    return GLOSSA_OK;
}

static uint32_t target_limit(const glossa_model *m, const glossa_options *o, size_t source) {
    if (o->max_length) return o->max_length;
    return glossa_rules_limit(source, m->config.context);
}

/* What sentence i asks the model's shortlist for. */
static glossa_shortlist_query shortlist_query(const glossa_session *s, size_t i, const glossa_options *o) {
    const glossa_model *m = s->model;
    return (glossa_shortlist_query){.source = s->tokens + s->spans[i].start,
                                    .source_count = s->spans[i].count,
                                    .prefix = o->prefix,
                                    .prefix_count = o->prefix_count,
                                    .eos = m->target_eos,
                                    .vocabulary = m->output.rows,
                                    .shared = m->target_tokenizer == m->source_tokenizer};
}

/* Upper bound of the candidates of sentence i; 0 without a shortlist. */
static size_t candidate_bound(const glossa_session *s, size_t i, const glossa_options *o) {
    if (!s->model->shortlist.offsets) return 0;
    const glossa_shortlist_query query = shortlist_query(s, i, o);
    return glossa_shortlist_bound(&s->model->shortlist, &query);
}

/* Puts prefix, tokens and end behind what s->tokens has; only counts them where there is no room. */
static glossa_status tokenize_sentence(glossa_session *s, size_t i, glossa_text text, const glossa_options *o,
                                       uint64_t start, glossa_error *error) {
    const glossa_model *m = s->model;
    glossa_token *body = NULL;
    size_t n = 0;
    FORWARD(tokenize(m, text, &body, &n, error));
    const size_t count = n ? o->source_prefix_count + n + 1 : 0;
    s->spans[i] = (glossa_span){.start = (size_t)start, .count = count};
    if (count && start + count <= s->limits.source_tokens) {
        glossa_token *out = s->tokens + start;
        for (size_t k = 0; k < o->source_prefix_count; k++)
            *out++ = (glossa_token){.id = o->source_prefix[k]};
        memcpy(out, body, n * sizeof *out);
        out[n] = end_of(m, text);
    }
    glossa_tokenizer_free_tokens(m->source_tokenizer, body);
    FAIL_IF(count > m->config.context, error, GLOSSA_ERROR_LIMIT,
            "sentence %zu has %zu tokens, but the model's context is %u", i, count, (unsigned)m->config.context);
    return GLOSSA_OK;
}

static glossa_status tokenize_batch(glossa_session *s, plan *p, const glossa_text *texts, glossa_error *error) {
    const glossa_model *m = s->model;
    const size_t prefix_count = p->options->prefix_count;
    for (size_t i = 0; i < p->sentences; i++) {
        FORWARD(tokenize_sentence(s, i, texts[i], p->options, p->rows, error));
        const size_t n = s->spans[i].count;
        p->rows += n;
        if (n > p->longest_source) p->longest_source = n;
        const uint32_t limit = target_limit(m, p->options, n);
        if (limit > p->longest_target) p->longest_target = limit;
        FAIL_IF(prefix_count >= limit, error, GLOSSA_ERROR_LIMIT,
                "options: the prefix has %zu tokens, but the longest target is %u", prefix_count, (unsigned)limit);
    }
    FAIL_IF(p->rows > s->limits.source_tokens, error, GLOSSA_ERROR_LIMIT,
            "the batch has %llu source tokens, but the session takes %u", (unsigned long long)p->rows,
            (unsigned)s->limits.source_tokens);
    p->candidates = m->shortlist.offsets ? 0 : m->output.rows;
    for (size_t i = 0; i < p->sentences; i++) {
        const size_t bound = candidate_bound(s, i, p->options);
        if (bound > p->candidates) p->candidates = bound;
    }
    return GLOSSA_OK;
}

#define POSITIONS_STEP 256 /* rows that the table of positions grows by */

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t head_count(const glossa_config *c) {
    return (c->encoder_layers + 2 * (size_t)c->decoder_layers) * c->heads;
}

/* One sequence of takes, run twice: to measure and to carve. */
static void carve(glossa_session *s, glossa_arena *arena, const plan *p) {
    const glossa_model *m = s->model;
    const glossa_config *c = &m->config;
    const size_t n = p->sentences, beam = p->beam, d = c->d, hypotheses = n * beam;
    const uint32_t without = p->options->without;
    const size_t longest = larger(p->longest_source, p->longest_target);
    const size_t live = larger(hypotheses, without & GLOSSA_WITHOUT_CAUSAL ? p->longest_target : 0);
    const size_t sources = (size_t)p->rows, rows = larger(sources, live);
    const bool measuring = arena->base == NULL;
    s->prefix = TAKE(arena, uint32_t, p->options->prefix_count);
    s->head_mask = p->options->head_mask ? TAKE(arena, uint8_t, head_count(c)) : NULL;
    s->beams = TAKE(arena, glossa_beam, n);
    s->source_keys = TAKE(arena, glossa_source_keys, n);
    s->caches = TAKE(arena, glossa_cache, hypotheses);
    s->slots = TAKE(arena, uint32_t, hypotheses);
    s->candidates = TAKE(arena, glossa_candidates, n);
    s->live = TAKE(arena, glossa_live, live);
    s->nowhere = without & GLOSSA_WITHOUT_POSITIONS ? TAKE(arena, float, longest, d) : NULL;
    s->renderings = TAKE(arena, glossa_rendering, hypotheses);
    for (size_t i = 0; i < n; i++) {
        const size_t count = s->spans[i].count;
        const uint32_t limit = target_limit(m, p->options, count);
        glossa_beam unused;
        glossa_beam_take(measuring ? &unused : &s->beams[i], arena, p->beam, limit);
        const glossa_source_keys source_keys = glossa_source_keys_take(m, arena, count);
        if (!measuring) s->source_keys[i] = source_keys;
        for (size_t b = 0; b < beam; b++) {
            const glossa_cache cache = glossa_cache_take(m, arena, limit);
            if (!measuring) s->caches[i * beam + b] = cache;
        }
        const size_t bound = candidate_bound(s, i, p->options);
        uint32_t *ids = bound ? TAKE(arena, uint32_t, bound) : NULL;
        if (!measuring) s->candidates[i] = (glossa_candidates){.ids = ids, .count = m->output.rows};
    }
    s->x = TAKE(arena, float, rows, d);
    s->logits = TAKE(arena, float, m->shortlist.offsets ? beam : larger(beam, GLOSSA_LOGIT_ROWS), p->candidates);
    s->chosen = m->shortlist.offsets ? TAKE(arena, uint8_t, m->output.rows) : NULL;
    s->partial_size = glossa_tokenizer_decode_bound(m->target_tokenizer, p->longest_target);
    s->partial = TAKE(arena, char, s->partial_size);
    s->partial_tokens = TAKE(arena, glossa_token, p->longest_target);
    const size_t together = sources < GLOSSA_GROUP_ROWS ? sources : GLOSSA_GROUP_ROWS;
    glossa_scratch_take(&s->scratch, arena, s->model, larger(larger(together, p->longest_source), live), longest);
}

/* Room for the sinusoids of the batch's longest sentence; those that were made before are kept. */
static glossa_status reserve_positions(glossa_session *s, const plan *p, glossa_error *error) {
    const glossa_config *c = &s->model->config;
    const size_t longest = larger(p->longest_source, p->longest_target), row = c->d * sizeof *s->positions;
    if (c->position == POSITION_LEARNED || longest <= s->positions_room) return GLOSSA_OK;
    const size_t rounded = (longest + POSITIONS_STEP - 1) / POSITIONS_STEP * POSITIONS_STEP;
    const size_t rows = rounded < c->context ? rounded : c->context;
    const uint64_t needed = (uint64_t)rows * row;
    FORWARD(glossa_session_afford(s, "the table of positions", s->bytes, needed, error));
    float *table = glossa_allocate(&s->model->allocator, rows, row);
    FAIL_IF(!table, error, GLOSSA_ERROR_MEMORY, "out of memory: the table of positions needs %llu bytes",
            (unsigned long long)needed);
    if (s->positions_ready) memcpy(table, s->positions, s->positions_ready * row);
    glossa_release(&s->model->allocator, s->positions);
    s->bytes += (rows - s->positions_room) * row;
    s->positions = table;
    s->positions_room = rows;
    return GLOSSA_OK;
}

static glossa_status reserve(glossa_session *s, const plan *p, glossa_error *error) {
    FORWARD(reserve_positions(s, p, error));
    glossa_arena arena = {0};
    carve(s, &arena, p);
    const uint64_t needed = arena.used;
    FORWARD(glossa_session_afford(s, "the batch", s->bytes, needed, error));
    FAIL_IF(!glossa_arena_place(&arena, &s->model->allocator, &s->memory, &s->memory_size), error, GLOSSA_ERROR_MEMORY,
            "out of memory: the batch needs %llu bytes", (unsigned long long)needed);
    carve(s, &arena, p);
    FAIL_IF(arena.failed, error, GLOSSA_ERROR_MEMORY, "the batch needs more memory than was measured");
    return GLOSSA_OK;
}

static void fill(glossa_session *s, const plan *p) {
    const glossa_model *m = s->model;
    const glossa_options *o = p->options;
    s->sentences = p->sentences;
    s->rows = (size_t)p->rows;
    s->layer = s->next = s->t = 0;
    s->top_k = o->top_k;
    s->without = o->without;
    s->rules = (glossa_rules){.search = o->search,
                              .beam = p->beam,
                              .normalize = o->normalize_set ? o->normalize : 1,
                              .no_repeat_ngram = o->no_repeat_ngram,
                              .banned = {m->banned, o->banned},
                              .banned_count = {m->banned_count, o->banned_count},
                              .eos = m->target_eos,
                              .first_byte = o->search == GLOSSA_SEARCH_GLOSSA ? m->first_byte : -1};
    s->prefix_count = o->prefix_count;
    if (s->nowhere) memset(s->nowhere, 0, larger(p->longest_source, p->longest_target) * m->config.d * sizeof(float));
    if (o->prefix_count) memcpy(s->prefix, o->prefix, o->prefix_count * sizeof *s->prefix);
    if (o->head_mask) memcpy(s->head_mask, o->head_mask, head_count(&m->config));
    memset(s->renderings, 0, p->sentences * p->beam * sizeof *s->renderings);
    s->progress = (glossa_progress){0};
    for (size_t i = 0; i < p->sentences; i++) {
        glossa_beam_start(&s->beams[i]);
        s->slots[i * p->beam] = 0;
        if (s->spans[i].count == 0) { /* blank: nothing to translate, an empty hypothesis */
            s->beams[i].live = 0;
            s->beams[i].finished_count = 1;
            s->beams[i].finished[0] = (glossa_finished){0};
            s->progress.sentences_done++;
        } else {
            if (m->shortlist.offsets) {
                const glossa_shortlist_query query = shortlist_query(s, i, o);
                glossa_shortlist_collect(&m->shortlist, &query, s->chosen, &s->candidates[i]);
            }
            glossa_cache_clear(m, &s->caches[i * p->beam]);
        }
    }
    s->progress.done = s->progress.sentences_done == s->sentences;
    s->phase = s->progress.done ? PHASE_DONE : PHASE_ATTEND;
}

glossa_status glossa_begin(glossa_session *s, const glossa_text *texts, size_t count, const glossa_options *options,
                           glossa_error *error) {
    static const glossa_options none = {0};
    NEED(s, "session", error);
    glossa_session_drop(s);
    s->timings = (glossa_timings){0};
    plan p = {.sentences = count, .options = options ? options : &none};
    p.beam = p.options->beam ? p.options->beam : 1;
    NEED(texts, "texts", error);
    FAIL_IF(count == 0, error, GLOSSA_ERROR_ARGUMENT, "glossa_begin: a batch needs at least one text");
    FAIL_IF(count > s->limits.sentences, error, GLOSSA_ERROR_LIMIT,
            "the batch has %zu sentences, but the session takes %u", count, (unsigned)s->limits.sentences);
    FORWARD(check_options(s, p.options, count, p.beam, error));
    FAIL_IF(count > s->limits.rows / p.beam, error, GLOSSA_ERROR_LIMIT,
            "%zu sentences with a beam of %u are more rows than the session's %u", count, (unsigned)p.beam,
            (unsigned)s->limits.rows);
    const uint64_t started = glossa_session_now(s);
    FORWARD(tokenize_batch(s, &p, texts, error));
    FORWARD(reserve(s, &p, error));
    fill(s, &p);
    s->timings.tokenize = glossa_session_now(s) - started;
    return GLOSSA_OK;
}
