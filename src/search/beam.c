#include "search/beam.h"

#include <string.h>

#define BLOCK 16

void glossa_beam_take(glossa_beam *beam, glossa_arena *arena, uint32_t width, uint32_t limit) {
    beam->limit = limit;
    beam->tokens = TAKE(arena, uint32_t, 2, width, limit);
    beam->logp = TAKE(arena, float, 2, width, limit);
    beam->finished_tokens = TAKE(arena, uint32_t, width, limit);
    beam->finished_logp = TAKE(arena, float, width, limit);
}

void glossa_beam_start(glossa_beam *beam) {
    beam->length = 0;
    beam->live = 1;
    beam->half = 0;
    beam->sum[0] = 0;
    beam->parent[0] = 0;
    beam->finished_count = 0;
    beam->seen.count = 0;
}

static size_t place_of(const glossa_beam *beam, uint32_t width, uint32_t half, uint32_t i) {
    return ((size_t)half * width + i) * beam->limit;
}

const uint32_t *glossa_beam_tokens(const glossa_beam *beam, uint32_t width, uint32_t i) {
    return beam->tokens + place_of(beam, width, beam->half, i);
}

const uint32_t *glossa_beam_finished_tokens(const glossa_beam *beam, uint32_t rank) {
    return beam->finished_tokens + (size_t)beam->finished[rank].place * beam->limit;
}

const float *glossa_beam_finished_logp(const glossa_beam *beam, uint32_t rank) {
    return beam->finished_logp + (size_t)beam->finished[rank].place * beam->limit;
}

static float power(float base, float exponent) {
    if (exponent == 1) return base;
    if (exponent == 0) return 1;
    return glossa_exp(exponent * glossa_log(base));
}

static float score_of(const glossa_rules *rules, float sum, uint32_t length) {
    return sum / power((float)length, rules->normalize);
}

/* Keeps the B best finished hypotheses, sorted; an equal score stands behind the older one. */
static void finish(glossa_beam *beam, const glossa_rules *rules, const uint32_t *tokens, const float *logp,
                   uint32_t count, float sum) {
    const float score = score_of(rules, sum, count ? count : 1);
    uint32_t place = beam->finished_count;
    if (beam->finished_count == rules->beam) {
        if (score <= beam->finished[rules->beam - 1].score) return;
        place = beam->finished[rules->beam - 1].place;
        beam->finished_count--;
    }
    uint32_t rank = beam->finished_count;
    while (rank > 0 && beam->finished[rank - 1].score < score) {
        beam->finished[rank] = beam->finished[rank - 1];
        rank--;
    }
    beam->finished[rank] = (glossa_finished){.score = score, .sum = sum, .count = count, .place = place};
    beam->finished_count++;
    memcpy(beam->finished_tokens + (size_t)place * beam->limit, tokens, count * sizeof *tokens);
    memcpy(beam->finished_logp + (size_t)place * beam->limit, logp, count * sizeof *logp);
}

static void offer(glossa_extensions *list, glossa_extension e) {
    if (list->count == list->capacity) {
        if (!(e.sum > list->items[list->count - 1].sum)) return;
        list->count--;
    }
    uint32_t i = list->count++;
    while (i > 0 && list->items[i - 1].sum < e.sum) {
        list->items[i] = list->items[i - 1];
        i--;
    }
    list->items[i] = e;
}

/* Offers all extensions of one row. Most blocks hold nothing of interest, and their maximum tells. */
static void scan(glossa_extensions *list, const float *logits, const glossa_candidates *candidates, uint32_t row,
                 float sum, float log_total) {
    const uint32_t *ids = candidates->ids;
    const size_t n = candidates->count;
    for (size_t at = 0; at < n; at += BLOCK) {
        const size_t end = at + BLOCK < n ? at + BLOCK : n;
        const float least = list->count == list->capacity ? list->items[list->count - 1].sum : GLOSSA_IMPOSSIBLE;
        if (end == at + BLOCK) {
            float top[4] = {logits[at], logits[at + 1], logits[at + 2], logits[at + 3]};
            for (size_t j = 4; j < BLOCK; j += 4) {
                for (size_t i = 0; i < 4; i++)
                    top[i] = logits[at + j + i] > top[i] ? logits[at + j + i] : top[i];
            }
            const float left = top[0] > top[1] ? top[0] : top[1], right = top[2] > top[3] ? top[2] : top[3];
            if (!(sum + ((left > right ? left : right) - log_total) > least)) continue;
        }
        for (size_t i = at; i < end; i++) {
            const float logp = logits[i] - log_total;
            if (!(sum + logp > GLOSSA_IMPOSSIBLE)) continue;
            offer(list,
                  (glossa_extension){.sum = sum + logp, .logp = logp, .row = row, .id = ids ? ids[i] : (uint32_t)i});
        }
    }
}

/* The best extensions of this step, best first. */
static void gather(const glossa_beam *beam, const glossa_rules *rules, const glossa_kernels *kernels, float *logits,
                   const glossa_candidates *candidates, int32_t forced, glossa_extensions *list) {
    const bool last = beam->length + 1 == beam->limit;
    const ptrdiff_t only = forced < 0 ? -1 : glossa_candidates_index(candidates, (uint32_t)forced);
    for (uint32_t row = 0; row < beam->live; row++) {
        float *x = logits + row * candidates->count;
        const float sum = beam->sum[row];
        if (last && forced < 0 && rules->search == GLOSSA_SEARCH_HUGGINGFACE) {
            /* transformers' forced_eos_token_id: certain, so its log-probability is 0 */
            offer(list, (glossa_extension){.sum = sum, .logp = 0, .row = row, .id = rules->eos});
            continue;
        }
        const float raw = only < 0 ? 0 : x[only];
        const uint32_t *tokens = glossa_beam_tokens(beam, rules->beam, row);
        const float total = glossa_rules_apply(rules, kernels, x, candidates, tokens, beam->length, beam->limit);
        if (forced < 0)
            scan(list, x, candidates, row, sum, total);
        else if (only >= 0) {
            offer(list, (glossa_extension){
                            .sum = sum + (raw - total), .logp = raw - total, .row = row, .id = (uint32_t)forced});
        }
    }
}

/* Whether some live hypothesis could still enter where it matters. */
static bool decided(const glossa_beam *beam, const glossa_rules *rules, float best_extension) {
    if (beam->finished_count < rules->beam) return false;
    if (rules->search == GLOSSA_SEARCH_HUGGINGFACE) {
        return score_of(rules, best_extension, beam->length) <= beam->finished[rules->beam - 1].score;
    }
    if (rules->search == GLOSSA_SEARCH_MARIAN) return true;
    /* log p <= 0: the best that a live hypothesis can reach is its present sum over the kindest length. */
    const float soon = score_of(rules, beam->sum[0], beam->length + 1),
                late = score_of(rules, beam->sum[0], beam->limit);
    return (soon > late ? soon : late) <= beam->finished[0].score;
}

void glossa_beam_advance(glossa_beam *beam, const glossa_rules *rules, const glossa_kernels *kernels, float *logits,
                         const glossa_candidates *candidates, int32_t forced) {
    const uint32_t width = rules->beam;
    const bool marian = rules->search == GLOSSA_SEARCH_MARIAN;
    glossa_extensions *list = &beam->seen;
    list->count = 0;
    memset(list->fate, GLOSSA_BRANCH_DROPPED, sizeof list->fate);
    /* Twice the width leaves `width` candidates that go on even if `width` of them end. Marian gives up a place
     * instead. */
    list->capacity = marian ? width - beam->finished_count : width == 1 ? 1 : 2 * width;
    gather(beam, rules, kernels, logits, candidates, forced, list);

    const uint32_t next = 1 - beam->half, length = beam->length;
    uint32_t live = 0;
    float sums[GLOSSA_MAX_BEAM];
    for (uint32_t i = 0; i < list->count && live < width; i++) {
        const glossa_extension e = list->items[i];
        uint32_t *tokens = beam->tokens + place_of(beam, width, next, live);
        float *logp = beam->logp + place_of(beam, width, next, live);
        const size_t from = place_of(beam, width, beam->half, e.row);
        memcpy(tokens, beam->tokens + from, length * sizeof *tokens);
        memcpy(logp, beam->logp + from, length * sizeof *logp);
        tokens[length] = e.id;
        logp[length] = e.logp;
        if (e.id == rules->eos) {
            if (i < width) {
                finish(beam, rules, tokens, logp, length + 1, e.sum);
                list->fate[i] = GLOSSA_BRANCH_FINISHED;
            }
            if (width == 1) break;
        } else {
            list->fate[i] = GLOSSA_BRANCH_LIVE;
            sums[live] = e.sum;
            beam->parent[live++] = e.row;
        }
    }
    if (list->count == 0) { /* everything is banned: what there is has to do */
        for (uint32_t i = 0; i < beam->live; i++) {
            const size_t at = place_of(beam, width, beam->half, i);
            finish(beam, rules, beam->tokens + at, beam->logp + at, length, beam->sum[i]);
        }
    }
    beam->half = next;
    beam->length = length + 1;
    beam->live = live;
    memcpy(beam->sum, sums, live * sizeof *sums);
    if (live == 0) return;
    if (beam->length >= beam->limit) { /* out of length: the live ones end as they are */
        for (uint32_t i = 0; i < live; i++) {
            const size_t at = place_of(beam, width, next, i);
            finish(beam, rules, beam->tokens + at, beam->logp + at, beam->length, sums[i]);
        }
        beam->live = 0;
    } else if (decided(beam, rules, list->items[0].sum)) {
        beam->live = 0;
    }
}

size_t glossa_beam_branches(const glossa_beam *beam, const glossa_rules *rules, glossa_branch *branches) {
    const glossa_extensions *seen = &beam->seen;
    for (uint32_t i = 0; i < seen->count; i++) {
        const glossa_extension e = seen->items[i];
        branches[i] = (glossa_branch){.parent = e.row,
                                      .token = e.id,
                                      .log_probability = e.logp,
                                      .score = score_of(rules, e.sum, beam->length),
                                      .fate = (glossa_fate)seen->fate[i]};
    }
    return seen->count;
}

size_t glossa_beam_common(const glossa_beam *beam, uint32_t width, const uint32_t **tokens) {
    const uint32_t *first = beam->live ? glossa_beam_tokens(beam, width, 0) : NULL;
    size_t common = beam->live ? beam->length : 0;
    if (!beam->live && beam->finished_count) { /* done: the best is certain */
        *tokens = glossa_beam_finished_tokens(beam, 0);
        return beam->finished[0].count;
    }
    for (uint32_t i = 1; i < beam->live; i++) {
        const uint32_t *other = glossa_beam_tokens(beam, width, i);
        size_t same = 0;
        while (same < common && first[same] == other[same])
            same++;
        common = same;
    }
    for (uint32_t i = 0; i < beam->finished_count; i++) {
        const uint32_t *other = glossa_beam_finished_tokens(beam, i);
        const size_t most = common < beam->finished[i].count ? common : beam->finished[i].count;
        size_t same = 0;
        while (same < most && first[same] == other[same])
            same++;
        common = same;
    }
    *tokens = first;
    return common;
}
