/* The life of a session: opening, what it holds, closing. */
#include "translate/session.h"

#include "model/positions.h"

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

void glossa_session_drop(glossa_session *s) {
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
    glossa_session_drop(s);
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
    if (s->nowhere) return s->nowhere;
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
