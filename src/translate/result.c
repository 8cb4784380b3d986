/* Finished and partial hypotheses as text. */
#include "translate/session.h"

#include <string.h>

glossa_status glossa_session_check(const glossa_session *s, size_t sentence, size_t rank, glossa_error *error) {
    FAIL_IF(s->phase != PHASE_DONE, error, GLOSSA_ERROR_STATE, "there is no finished batch");
    FAIL_IF(sentence >= s->sentences, error, GLOSSA_ERROR_ARGUMENT, "sentence %zu of a batch of %zu", sentence,
            s->sentences);
    FAIL_IF(rank >= s->beams[sentence].finished_count, error, GLOSSA_ERROR_ARGUMENT,
            "hypothesis %zu of sentence %zu, which has %u", rank, sentence,
            (unsigned)s->beams[sentence].finished_count);
    return GLOSSA_OK;
}

glossa_status glossa_session_render(glossa_session *s, size_t sentence, size_t rank, glossa_rendering **rendering,
                                    glossa_error *error) {
    const glossa_model *m = s->model;
    const glossa_allocator *a = &m->allocator;
    const glossa_beam *beam = &s->beams[sentence];
    glossa_rendering *r = &s->renderings[sentence * s->rules.beam + rank];
    *rendering = r;
    if (r->bytes) return GLOSSA_OK;
    const size_t count = beam->finished[rank].count;
    const size_t capacity = glossa_tokenizer_decode_bound(m->target_tokenizer, count) + 1;
    const uint64_t needed = (uint64_t)capacity + (uint64_t)(count + 1) * sizeof(glossa_token);
    FORWARD(glossa_session_afford(s, "a translation's text", glossa_session_bytes(s), needed, error));
    char *text = glossa_allocate(a, capacity, 1);
    glossa_token *tokens = glossa_allocate(a, count + 1, sizeof *tokens);
    glossa_status status = GLOSSA_ERROR_MEMORY;
    size_t size = 0;
    if (text && tokens) {
        const uint32_t *ids = count ? glossa_beam_finished_tokens(beam, (uint32_t)rank) : NULL;
        for (size_t i = 0; i < count; i++)
            tokens[i].id = ids[i];
        status = glossa_tokenizer_decode(m->target_tokenizer, tokens, count, text, capacity, &size, error);
    } else {
        glossa_fail(error, status, "out of memory for a text of %zu bytes", capacity);
    }
    if (status != GLOSSA_OK) {
        glossa_release(a, text);
        glossa_release(a, tokens);
        return status;
    }
    *r = (glossa_rendering){.text = text, .size = size, .tokens = tokens, .bytes = (size_t)needed};
    s->bytes += r->bytes;
    return GLOSSA_OK;
}

glossa_status glossa_result(glossa_session *s, size_t sentence, size_t rank, glossa_hypothesis *hypothesis,
                            glossa_error *error) {
    NEED(s, "session", error);
    NEED(hypothesis, "hypothesis", error);
    FORWARD(glossa_session_check(s, sentence, rank, error));
    glossa_rendering *r;
    FORWARD(glossa_session_render(s, sentence, rank, &r, error));
    const glossa_beam *beam = &s->beams[sentence];
    const glossa_finished *f = &beam->finished[rank];
    *hypothesis =
        (glossa_hypothesis){.text = {r->text, r->size},
                            .tokens = r->tokens,
                            .log_probability = f->count ? glossa_beam_finished_logp(beam, (uint32_t)rank) : NULL,
                            .count = f->count,
                            .score = f->score};
    return GLOSSA_OK;
}

size_t glossa_result_count(const glossa_session *s, size_t sentence) {
    return s->phase == PHASE_DONE && sentence < s->sentences ? s->beams[sentence].finished_count : 0;
}

size_t glossa_branches(const glossa_session *s, size_t sentence, glossa_branch *branches) {
    const bool there = s->phase >= PHASE_DECODE && sentence < s->sentences;
    return there ? glossa_beam_branches(&s->beams[sentence], &s->rules, branches) : 0;
}

/* A byte token may be the first part of a character, which is not certain before the next token. */
static bool is_byte_piece(glossa_text piece) {
    return piece.size == 6 && memcmp(piece.data, "<0x", 3) == 0 && piece.data[5] == '>';
}

glossa_status glossa_partial(glossa_session *s, size_t sentence, glossa_text *text, glossa_error *error) {
    NEED(s, "session", error);
    NEED(text, "text", error);
    *text = (glossa_text){s->partial, 0};
    FAIL_IF(s->phase == PHASE_IDLE, error, GLOSSA_ERROR_STATE, "glossa_partial: there is no batch");
    FAIL_IF(sentence >= s->sentences, error, GLOSSA_ERROR_ARGUMENT, "sentence %zu of a batch of %zu", sentence,
            s->sentences);
    const glossa_tokenizer *tokenizer = s->model->target_tokenizer;
    const glossa_beam *beam = &s->beams[sentence];
    const uint32_t *ids;
    size_t count = s->phase < PHASE_DECODE ? 0 : glossa_beam_common(beam, s->rules.beam, &ids);
    while (beam->live && count && is_byte_piece(glossa_tokenizer_piece(tokenizer, ids[count - 1])))
        count--;
    for (size_t i = 0; i < count; i++)
        s->partial_tokens[i] = (glossa_token){.id = ids[i]};
    return glossa_tokenizer_decode(tokenizer, s->partial_tokens, count, s->partial, s->partial_size, &text->size,
                                   error);
}
