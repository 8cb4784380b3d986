#include "search/shortlist.h"

#include <string.h>

static size_t bounded_sum(size_t a, size_t b, size_t most) {
    return a < most && b < most - a ? a + b : most;
}

size_t glossa_shortlist_bound(const glossa_shortlist *list, const glossa_shortlist_query *query) {
    const size_t most = query->vocabulary;
    size_t bound = bounded_sum(list->first, query->source_count + query->prefix_count + 8, most);
    for (size_t i = 0; i < query->source_count; i++) {
        const uint32_t id = query->source[i].id;
        bound = bounded_sum(bound, (size_t)(list->offsets[id + 1] - list->offsets[id]), most);
    }
    return bound;
}

void glossa_shortlist_collect(const glossa_shortlist *list, const glossa_shortlist_query *query, uint8_t *chosen,
                              glossa_candidates *candidates) {
    const uint32_t vocabulary = query->vocabulary;
    memset(chosen, 0, vocabulary);
    memset(chosen, 1, list->first < vocabulary ? list->first : vocabulary);
    for (size_t i = 0; i < query->source_count; i++) {
        const uint32_t id = query->source[i].id;
        for (int32_t k = list->offsets[id]; k < list->offsets[id + 1]; k++)
            chosen[list->ids[k]] = 1;
        if (query->shared && id < vocabulary) chosen[id] = 1;
    }
    for (size_t i = 0; i < query->prefix_count; i++)
        chosen[query->prefix[i]] = 1;
    chosen[query->eos] = 1;
    size_t count = 0;
    for (uint32_t id = 0; id < vocabulary; id++)
        count += chosen[id];
    for (uint32_t id = list->first; id < vocabulary && count % 8; id++) {
        count += !chosen[id];
        chosen[id] = 1;
    }
    candidates->count = 0;
    for (uint32_t id = 0; id < vocabulary; id++) {
        if (chosen[id]) candidates->ids[candidates->count++] = id;
    }
}
