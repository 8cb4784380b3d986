#include "text/segment.h"

#define UNKNOWN_PENALTY 10.0f

/* The best way to reach one place of the text. */
typedef struct node {
    float score;   /* sum over the path */
    uint32_t from; /* start of the last piece + 1; 0: not reached */
    int32_t piece;
} node;

/*
 * The reference compares a candidate in double with a best score kept in float where a piece is known, and in float
 * where it is not. Ties fall otherwise on one line in some thousands, so the same is done here.
 */
static void offer_piece(node *target, double candidate, uint32_t begin, int32_t piece) {
    if (target->from == 0 || candidate > (double)target->score) *target = (node){(float)candidate, begin + 1, piece};
}

static double piece_score(const glossa_vocabulary *vocabulary, uint32_t piece, glossa_piece_type type, size_t size) {
    if (type != PIECE_USER_DEFINED) return (double)glossa_vocabulary_score(vocabulary, piece);
    return (double)((float)size * vocabulary->max_score) - 0.1; /* a bonus, so that it is always taken */
}

/* Offers every piece that starts at `begin`; true if one of them is exactly one character. */
static bool offer_pieces(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t begin, size_t size,
                         node *nodes) {
    const size_t character = glossa_segment_step(text, begin, size);
    const size_t most = size - begin < vocabulary->longest ? size : begin + vocabulary->longest;
    const double before = (double)nodes[begin].score;
    uint32_t hash = vocabulary->hash_start;
    bool single = false;
    for (size_t end = begin; end < most;) {
        for (size_t next = end + glossa_segment_step(text, end, size); end < next; end++)
            hash = glossa_hash_step(hash, text[end]);
        const int32_t piece = glossa_vocabulary_find(vocabulary, hash, text + begin, end - begin);
        if (piece >= 0) {
            const glossa_piece_type type = glossa_vocabulary_type(vocabulary, (uint32_t)piece);
            if (type != PIECE_UNUSED) {
                const double score = piece_score(vocabulary, (uint32_t)piece, type, end - begin);
                offer_piece(&nodes[end], score + before, (uint32_t)begin, piece);
                single = single || end - begin == character;
            }
        }
        if (!glossa_vocabulary_goes_on(vocabulary, hash)) break;
    }
    return single;
}

/* Walks back from the end. */
static glossa_status trace(const node *nodes, size_t size, const glossa_allocator *allocator, glossa_segment **segments,
                           size_t *count, glossa_error *error) {
    *count = 0;
    for (size_t end = size; end > 0; end = nodes[end].from - 1)
        ++*count;
    *segments = glossa_allocate(allocator, *count, sizeof **segments);
    FAIL_IF(!*segments, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu tokens", *count);
    size_t i = *count;
    for (size_t end = size; end > 0; end = nodes[end].from - 1)
        (*segments)[--i] = (glossa_segment){(uint32_t)end, nodes[end].piece};
    return GLOSSA_OK;
}

glossa_status glossa_unigram_segment(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size,
                                     const glossa_allocator *allocator, glossa_segment **segments, size_t *count,
                                     glossa_error *error) {
    node *nodes = glossa_allocate(allocator, size + 1, sizeof *nodes); /* (size + 1) */
    FAIL_IF(!nodes, error, GLOSSA_ERROR_MEMORY, "out of memory to tokenize %zu bytes", size);
    const float unknown_score = vocabulary->min_score - UNKNOWN_PENALTY;
    for (size_t begin = 0; begin < size;) {
        const size_t end = begin + glossa_segment_step(text, begin, size);
        if (!offer_pieces(vocabulary, text, begin, size, nodes)) {
            const float candidate = unknown_score + nodes[begin].score;
            if (nodes[end].from == 0 || candidate > nodes[end].score)
                nodes[end] = (node){candidate, (uint32_t)begin + 1, -1};
        }
        begin = end;
    }
    const glossa_status status = trace(nodes, size, allocator, segments, count, error);
    glossa_release(allocator, nodes);
    return status;
}
