/* What may follow in a hypothesis. */
#include "search/rules.h"

#include <string.h>

#include "base/utf8.h"

NOINLINE ptrdiff_t glossa_candidates_index(const glossa_candidates *candidates, uint32_t id) {
    const uint32_t *ids = candidates->ids;
    const size_t n = candidates->count;
    if (!ids) return id < n ? (ptrdiff_t)id : -1;
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && ids[low] == id ? (ptrdiff_t)low : -1;
}

static void ban(float *logits, const glossa_candidates *candidates, uint32_t id) {
    const ptrdiff_t at = glossa_candidates_index(candidates, id);
    if (at >= 0) logits[at] = GLOSSA_IMPOSSIBLE;
}

/* Bans every token that would complete an n-gram that the hypothesis already has. */
static void ban_repeats(float *logits, const glossa_candidates *candidates, const uint32_t *tokens, uint32_t length,
                        uint32_t gram) {
    if (gram == 0 || length + 1 < gram) return;
    const uint32_t *tail = tokens + length + 1 - gram;
    for (uint32_t i = 0; i + gram <= length; i++) {
        if (memcmp(tokens + i, tail, (gram - 1) * sizeof *tokens) == 0) ban(logits, candidates, tokens[i + gram - 1]);
    }
}

/* Bytes of the character that a byte other than ASCII begins; 0 where it begins none. */
static uint32_t bytes_from(uint32_t lead) {
    return lead < 0xC2 || lead > 0xF4 ? 0 : (uint32_t)glossa_utf8_step((uint8_t)lead);
}

/* Bans what would leave ill-formed UTF-8 (RFC 3629, section 4). Where no character is open, that is a byte that begins
   none, or one that has no room before the limit; else everything but the next byte of the open one. */
static void ban_ill_formed(const glossa_rules *rules, float *logits, const glossa_candidates *candidates,
                           const uint32_t *tokens, uint32_t length, uint32_t limit) {
    const uint32_t first = (uint32_t)rules->first_byte;
    uint32_t count = 0, lead = 0; /* the bytes at the end, back to one that begins a character */
    for (bool inside = true; inside && count < 3 && count < length; count++) {
        const uint32_t byte = tokens[length - 1 - count] - first; /* wraps for the ids before, far beyond a byte */
        inside = byte >= 0x80 && byte < 0xC0;
        if (bytes_from(byte)) lead = byte;
    }
    if (count >= bytes_from(lead)) {
        for (uint32_t byte = 0x80; byte <= 0xFF; byte++) {
            if (bytes_from(byte) == 0 || length + bytes_from(byte) > limit) ban(logits, candidates, first + byte);
        }
        return;
    }
    const uint32_t low = count > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const uint32_t high = count > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    float kept[64];
    for (uint32_t byte = low; byte <= high; byte++) {
        const ptrdiff_t at = glossa_candidates_index(candidates, first + byte);
        kept[byte - low] = at < 0 ? GLOSSA_IMPOSSIBLE : logits[at];
    }
    for (size_t i = 0; i < candidates->count; i++)
        logits[i] = GLOSSA_IMPOSSIBLE;
    for (uint32_t byte = low; byte <= high; byte++) {
        const ptrdiff_t at = glossa_candidates_index(candidates, first + byte);
        if (at >= 0) logits[at] = kept[byte - low];
    }
}

float glossa_rules_apply(const glossa_rules *rules, const glossa_kernels *kernels, float *logits,
                         const glossa_candidates *candidates, const uint32_t *tokens, uint32_t length, uint32_t limit) {
    const bool renormalize = rules->search == GLOSSA_SEARCH_HUGGINGFACE;
    const float total = renormalize ? 0 : kernels->log_sum_exp(logits, candidates->count);
    for (int i = 0; i < 2; i++) {
        for (size_t j = 0; j < rules->banned_count[i]; j++)
            ban(logits, candidates, rules->banned[i][j]);
    }
    ban_repeats(logits, candidates, tokens, length, rules->no_repeat_ngram);
    if (rules->first_byte >= 0) ban_ill_formed(rules, logits, candidates, tokens, length, limit);
    return renormalize ? kernels->log_sum_exp(logits, candidates->count) : total;
}

uint32_t glossa_rules_limit(size_t source, uint32_t context) {
    const uint64_t limit = 2 * (uint64_t)source + 10;
    return limit < context ? (uint32_t)limit : context;
}
