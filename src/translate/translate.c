/* Text -> tokens -> encoder -> decoder and beam: the steps of glossa.h, in this order. */
#include "translate/session.h"

#include <string.h>

#include "model/positions.h"

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t standard) {
    return value ? value : standard;
}

glossa_status glossa_session_open(const glossa_model *model, const glossa_limits *limits, glossa_session **session,
                                  glossa_error *error) {
    NEED(session, "session", error);
    *session = NULL;
    NEED(model, "model", error);
    glossa_limits l = limits ? *limits : (glossa_limits){0};
    l.sentences = or_default(l.sentences, 16);
    l.source_tokens = or_default(l.source_tokens, 1024);
    l.beam = or_default(l.beam, 5);
    l.rows = or_default(l.rows, 32);
    l.memory = l.memory ? l.memory : GLOSSA_DEFAULT_MEMORY;
    FAIL_IF(l.beam > GLOSSA_MAX_BEAM, error, GLOSSA_ERROR_ARGUMENT, "limits: beam is %u, need 1 to %d",
            (unsigned)l.beam, GLOSSA_MAX_BEAM);
    FAIL_IF(l.rows < l.beam, error, GLOSSA_ERROR_ARGUMENT, "limits: rows is %u, below the beam of %u", (unsigned)l.rows,
            (unsigned)l.beam);
    const uint64_t needed = sizeof(glossa_session) + (uint64_t)l.source_tokens * sizeof(glossa_token) +
                            (uint64_t)l.sentences * sizeof(glossa_span);
    FAIL_IF(
        needed > l.memory, error, GLOSSA_ERROR_LIMIT,
        "limits: a session of %u tokens in %u sentences needs %llu bytes, more than its bound of %llu (limits.memory)",
        (unsigned)l.source_tokens, (unsigned)l.sentences, (unsigned long long)needed, (unsigned long long)l.memory);
    glossa_session *s = glossa_allocate(&model->allocator, 1, sizeof *s);
    FAIL_IF(!s, error, GLOSSA_ERROR_MEMORY, "out of memory for a session");
    s->model = model;
    s->limits = l;
    s->bytes = (size_t)needed;
    s->tokens = glossa_allocate(&model->allocator, l.source_tokens, sizeof *s->tokens);
    s->spans = glossa_allocate(&model->allocator, l.sentences, sizeof *s->spans);
    if (!s->tokens || !s->spans) {
        glossa_session_close(s);
        return glossa_fail(error, GLOSSA_ERROR_MEMORY, "out of memory for a session of %u tokens in %u sentences",
                           (unsigned)l.source_tokens, (unsigned)l.sentences);
    }
    *session = s;
    return GLOSSA_OK;
}

static void drop_results(glossa_session *s) {
    const glossa_allocator *a = &s->model->allocator;
    if (s->phase != PHASE_IDLE) {
        for (size_t i = 0; i < s->sentences * s->rules.beam; i++) {
            glossa_rendering *r = &s->renderings[i];
            glossa_release(a, r->text);
            glossa_release(a, r->tokens);
            s->bytes -= r->bytes;
            *r = (glossa_rendering){0};
        }
    }
    glossa_release(a, s->explanation);
    glossa_release(a, s->tokenized);
    s->explanation = NULL;
    s->explanation_size = 0;
    s->tokenized = NULL;
    s->phase = PHASE_IDLE;
}

void glossa_session_close(glossa_session *s) {
    if (!s) return;
    const glossa_allocator allocator = s->model->allocator;
    drop_results(s);
    glossa_release(&allocator, s->memory);
    glossa_release(&allocator, s->tokens);
    glossa_release(&allocator, s->spans);
    glossa_release(&allocator, s->positions);
    glossa_release(&allocator, s);
}

size_t glossa_session_bytes(const glossa_session *s) {
    return s->bytes + s->memory_size + s->explanation_size;
}

glossa_status glossa_session_afford(const glossa_session *s, const char *what, uint64_t held, uint64_t needed,
                                    glossa_error *error) {
    const uint64_t bound = s->limits.memory;
    FAIL_IF(needed > bound || held > bound - needed, error, GLOSSA_ERROR_LIMIT,
            "%s needs %s%llu bytes beside the %llu that the session holds, more than its bound of %llu (limits.memory)",
            what, needed == UINT64_MAX ? "more than " : "", (unsigned long long)needed, (unsigned long long)held,
            (unsigned long long)bound);
    return GLOSSA_OK;
}

void glossa_session_set_clock(glossa_session *s, glossa_clock clock, void *user) {
    s->clock = clock;
    s->clock_user = user;
}

void glossa_session_timings(const glossa_session *s, glossa_timings *timings) {
    *timings = s->timings;
}

uint64_t glossa_session_now(const glossa_session *s) {
    return s->clock ? s->clock(s->clock_user) : 0;
}

const float *glossa_session_positions(glossa_session *s, bool decoder, size_t count) {
    if (s->model->config.position == POSITION_LEARNED)
        return decoder ? s->model->decoder_position : s->model->encoder_position;
    if (count > s->positions_ready) {
        glossa_sinusoids(&s->model->config, s->positions_ready, count - s->positions_ready, s->positions);
        s->positions_ready = count;
    }
    return s->positions;
}

const uint8_t *glossa_session_head_mask(const glossa_session *s, int part, size_t layer) {
    const glossa_config *c = &s->model->config;
    if (!s->head_mask) return NULL;
    const size_t before = part == 0 ? 0 : part == 1 ? c->encoder_layers : c->encoder_layers + c->decoder_layers;
    return s->head_mask + (before + layer) * c->heads;
}

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
    const size_t limit = 2 * source + 10;
    return limit < m->config.context ? (uint32_t)limit : m->config.context;
}

static size_t bounded_sum(size_t a, size_t b, size_t most) {
    return a < most && b < most - a ? a + b : most;
}

/* Upper bound of a sentence's candidates; 0 without a shortlist. */
static size_t candidate_bound(const glossa_session *s, const glossa_span *span, size_t prefix_count) {
    const glossa_model *m = s->model;
    if (!m->shortlist.offsets) return 0;
    const size_t most = m->output.rows;
    size_t bound = bounded_sum(m->shortlist.first, span->count + prefix_count + 8, most);
    for (size_t i = 0; i < span->count; i++) {
        const uint32_t id = s->tokens[span->start + i].id;
        bound = bounded_sum(bound, (size_t)(m->shortlist.offsets[id + 1] - m->shortlist.offsets[id]), most);
    }
    return bound;
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
        const size_t bound = candidate_bound(s, &s->spans[i], prefix_count);
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
    const size_t sources = (size_t)p->rows, rows = larger(sources, hypotheses);
    const bool measuring = arena->base == NULL;
    s->prefix = TAKE(arena, uint32_t, p->options->prefix_count);
    s->head_mask = p->options->head_mask ? TAKE(arena, uint8_t, head_count(c)) : NULL;
    s->beams = TAKE(arena, glossa_beam, n);
    s->memories = TAKE(arena, glossa_memory, n);
    s->caches = TAKE(arena, glossa_cache, hypotheses);
    s->slots = TAKE(arena, uint32_t, hypotheses);
    s->candidates = TAKE(arena, glossa_candidates, n);
    s->live = TAKE(arena, glossa_row, hypotheses);
    s->renderings = TAKE(arena, glossa_rendering, hypotheses);
    for (size_t i = 0; i < n; i++) {
        const size_t count = s->spans[i].count, layers = c->decoder_layers;
        const uint32_t limit = target_limit(m, p->options, count);
        glossa_beam unused;
        glossa_beam_take(measuring ? &unused : &s->beams[i], arena, p->beam, limit);
        const size_t stride = (count + 3) / 4 * 4, capacity = ((size_t)limit + 3) / 4 * 4;
        glossa_memory memory = {.count = count, .stride = stride};
        memory.kt = TAKE(arena, float, layers, d, stride);
        memory.v = TAKE(arena, float, layers, count, d);
        if (!measuring) s->memories[i] = memory;
        for (size_t b = 0; b < beam; b++) {
            glossa_cache cache = {.capacity = capacity};
            if (c->mixer == GLOSSA_MIXER_SSRU) {
                cache.v = TAKE(arena, float, layers, d);
            } else {
                cache.kt = TAKE(arena, float, layers, d, capacity);
                cache.v = TAKE(arena, float, layers, capacity, d);
            }
            if (!measuring) s->caches[i * beam + b] = cache;
        }
        const size_t bound = candidate_bound(s, &s->spans[i], p->options->prefix_count);
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
    glossa_scratch_take(&s->scratch, arena, s->model, larger(larger(together, p->longest_source), hypotheses),
                        larger(p->longest_source, p->longest_target));
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

/* The union of: the frequent ids, the lists of the source tokens, the source tokens themselves where the vocabulary is
   shared, prefix and end; filled up to a multiple of 8 as Marian does. */
static void build_candidates(glossa_session *s, size_t sentence) {
    const glossa_model *m = s->model;
    const glossa_shortlist *list = &m->shortlist;
    glossa_candidates *c = &s->candidates[sentence];
    if (!c->ids) return;
    uint8_t *chosen = s->chosen;
    memset(chosen, 0, m->output.rows);
    memset(chosen, 1, list->first < m->output.rows ? list->first : m->output.rows);
    for (size_t i = 0; i < s->spans[sentence].count; i++) {
        const uint32_t id = s->tokens[s->spans[sentence].start + i].id;
        for (int32_t k = list->offsets[id]; k < list->offsets[id + 1]; k++)
            chosen[list->ids[k]] = 1;
        if (m->target_tokenizer == m->source_tokenizer && id < m->output.rows) chosen[id] = 1;
    }
    for (size_t i = 0; i < s->prefix_count; i++)
        chosen[s->prefix[i]] = 1;
    chosen[m->target_eos] = 1;
    size_t count = 0;
    for (uint32_t id = 0; id < m->output.rows; id++)
        count += chosen[id];
    for (uint32_t id = list->first; id < m->output.rows && count % 8; id++) {
        count += !chosen[id];
        chosen[id] = 1;
    }
    c->count = 0;
    for (uint32_t id = 0; id < m->output.rows; id++) {
        if (chosen[id]) c->ids[c->count++] = id;
    }
}

static void fill(glossa_session *s, const plan *p) {
    const glossa_model *m = s->model;
    const glossa_options *o = p->options;
    s->sentences = p->sentences;
    s->rows = (size_t)p->rows;
    s->layer = s->next = s->t = 0;
    s->top_k = o->top_k;
    s->rules = (glossa_rules){.search = o->search,
                              .beam = p->beam,
                              .normalize = o->normalize_set ? o->normalize : 1,
                              .no_repeat_ngram = o->no_repeat_ngram,
                              .banned = {m->banned, o->banned},
                              .banned_count = {m->banned_count, o->banned_count},
                              .eos = m->target_eos,
                              .first_byte = o->search == GLOSSA_SEARCH_GLOSSA ? m->first_byte : -1};
    s->prefix_count = o->prefix_count;
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
            build_candidates(s, i);
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
    drop_results(s);
    s->timings = (glossa_timings){0};
    plan p = {.sentences = count, .options = options ? options : &none};
    p.beam = or_default(p.options->beam, 1);
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

/* ---- step ------------------------------------------------------------------------------------------------------- */

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
            glossa_encoder_end(m, s->rows, s->x);
            s->phase = PHASE_REMEMBER;
        }
        return;
    }
    const glossa_span *spans = s->spans + first;
    s->next = glossa_group_end(s->spans, s->sentences, first, &s->scratch);
    float *x = s->x + spans->start * d;
    if (s->phase == PHASE_ATTEND) {
        if (s->layer == 0 && first == 0) embed(s);
        glossa_encoder_attend(m, s->layer, spans, s->next - first, glossa_session_head_mask(s, 0, s->layer), NULL, x,
                              &s->scratch);
    } else {
        glossa_decoder_remember(m, spans, s->next - first, x, s->memories + first, &s->scratch);
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
        for (end = r + 1; end < to && s->live[end].sentence == sentence;)
            end++;
        glossa_beam *beam = &s->beams[sentence];
        glossa_beam_advance(beam, &s->rules, m->kernels, s->logits + (r - from) * candidates->count, candidates->ids,
                            candidates->count, forced);
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
            s->live[rows++] = (glossa_row){.sentence = (uint32_t)i,
                                           .token = s->t ? glossa_beam_tokens(beam, width, b)[s->t - 1] : 0,
                                           .cache = &s->caches[i * width + s->slots[i * width + b]]};
        }
        s->progress.target_tokens += beam->live > 0;
    }
    const float *position = glossa_session_positions(s, true, s->t + 1) + s->t * m->config.d;
    glossa_decoder_step(m, s->live, rows, s->t, position, s->memories, glossa_session_head_mask(s, 1, 0),
                        glossa_session_head_mask(s, 2, 0), NULL, s->x, &s->scratch);

    const uint64_t started = glossa_session_now(s);
    const bool own_candidates = m->shortlist.offsets != NULL;
    for (size_t from = 0, to; from < rows; from = to) {
        to = from;
        do { /* whole sentences, as many as the logits have room for; one alone where each has its own candidates */
            size_t end = to;
            while (end < rows && s->live[end].sentence == s->live[to].sentence)
                end++;
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
