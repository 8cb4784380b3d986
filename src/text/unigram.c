#include "text/segment.h"

#include <string.h>

#include "kernels/kernels.h"

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
static void offer_node(void *nodes, size_t begin, size_t end, double score, int32_t piece) {
    const double candidate = score + (double)((node *)nodes)[begin].score;
    node *target = (node *)nodes + end;
    if (target->from == 0 || candidate > (double)target->score)
        *target = (node){(float)candidate, (uint32_t)begin + 1, piece};
}

static double piece_score(const glossa_vocabulary *vocabulary, uint32_t piece, glossa_piece_type type, size_t size) {
    if (type != PIECE_USER_DEFINED) return (double)glossa_vocabulary_score(vocabulary, piece);
    return (double)((float)size * vocabulary->max_score) - 0.1; /* a bonus, so that it is always taken */
}

/* Takes the piece of the text's bytes [begin, end) with its score. */
typedef void offer(void *nodes, size_t begin, size_t end, double score, int32_t piece);

/* Offers every piece that starts at `begin`; true if one of them is exactly one character. */
static bool offer_pieces(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t begin, size_t size,
                         offer *take, void *nodes) {
    const size_t character = glossa_segment_step(text, begin, size);
    const size_t most = size - begin < vocabulary->longest ? size : begin + vocabulary->longest;
    uint32_t hash = vocabulary->hash_start;
    bool single = false;
    for (size_t end = begin; end < most;) {
        for (size_t next = end + glossa_segment_step(text, end, size); end < next; end++)
            hash = glossa_hash_step(hash, text[end]);
        const int32_t piece = glossa_vocabulary_find(vocabulary, hash, text + begin, end - begin);
        if (piece >= 0) {
            const glossa_piece_type type = glossa_vocabulary_type(vocabulary, (uint32_t)piece);
            if (type != PIECE_UNUSED) {
                take(nodes, begin, end, piece_score(vocabulary, (uint32_t)piece, type, end - begin), piece);
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
        if (!offer_pieces(vocabulary, text, begin, size, offer_node, nodes)) {
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

/* ---- more than one way ------------------------------------------------------------------------------------------ */

/* One of the best ways to reach a place of the text. */
typedef struct path {
    float score;
    uint32_t from; /* as in a node */
    uint32_t rank; /* among the ways to reach the start of the last piece */
    int32_t piece;
} path;

typedef struct lattice {
    path *paths; /* (size + 1, most), best first; what is not reached comes last */
    size_t most;
} lattice;

static void offer_path(void *nodes, size_t begin, size_t end, double score, int32_t piece) {
    const lattice *l = nodes;
    const path *before = l->paths + begin * l->most;
    path *after = l->paths + end * l->most;
    for (uint32_t rank = 0; rank < l->most && before[rank].from; rank++) {
        const float candidate = (float)(score + (double)before[rank].score);
        size_t at = l->most;
        while (at > 0 && (after[at - 1].from == 0 || after[at - 1].score < candidate))
            at--;
        if (at == l->most) return; /* the next ones are no better */
        memmove(after + at + 1, after + at, (l->most - at - 1) * sizeof *after);
        after[at] = (path){candidate, (uint32_t)begin + 1, rank, piece};
    }
}

/* The segments of way `rank`, or only their number where `segments` is NULL. */
static size_t trace_path(const lattice *l, size_t size, size_t rank, glossa_segment *segments, size_t count) {
    size_t n = 0;
    for (size_t end = size; end > 0; n++) {
        const path p = l->paths[end * l->most + rank];
        if (segments) segments[count - 1 - n] = (glossa_segment){(uint32_t)end, p.piece};
        rank = p.rank;
        end = p.from - 1;
    }
    return n;
}

static glossa_status trace_all(const lattice *l, size_t size, const glossa_allocator *allocator, glossa_cut *cuts,
                               size_t *found, glossa_segment **segments, glossa_error *error) {
    size_t total = 0;
    const path *ends = l->paths + size * l->most;
    for (*found = 0; *found < l->most && ends[*found].from; ++*found) {
        cuts[*found] = (glossa_cut){trace_path(l, size, *found, NULL, 0), ends[*found].score};
        total += cuts[*found].count;
    }
    *segments = glossa_allocate(allocator, total, sizeof **segments);
    FAIL_IF(!*segments, error, GLOSSA_ERROR_MEMORY, "no memory for %zu tokens", total);
    glossa_segment *out = *segments;
    for (size_t i = 0; i < *found; out += cuts[i].count, i++)
        trace_path(l, size, i, out, cuts[i].count);
    return GLOSSA_OK;
}

glossa_status glossa_unigram_cuts(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size, size_t most,
                                  const glossa_allocator *allocator, glossa_cut *cuts, size_t *found,
                                  glossa_segment **segments, glossa_error *error) {
    lattice l = {.most = most};
    l.paths = glossa_allocate(allocator, size + 1, most * sizeof *l.paths);
    FAIL_IF(!l.paths, error, GLOSSA_ERROR_MEMORY, "no memory to cut %zu bytes", size);
    l.paths[0].from = 1; /* the beginning is reached */
    for (size_t begin = 0; begin < size;) {
        const size_t end = begin + glossa_segment_step(text, begin, size);
        if (!offer_pieces(vocabulary, text, begin, size, offer_path, &l))
            offer_path(&l, begin, end, (double)(vocabulary->min_score - UNKNOWN_PENALTY), -1);
        begin = end;
    }
    const glossa_status status = trace_all(&l, size, allocator, cuts, found, segments, error);
    glossa_release(allocator, l.paths);
    return status;
}

/* ---- a way drawn at random -------------------------------------------------------------------------------------- */

/* Kudo 2018: a segmentation with a probability in proportion to that of its pieces to the power of `alpha`. `ahead` is
   the logarithm of the sum over all ways from a place to the end; from right to left it is known, from left to right a
   piece is drawn by it at each place. */
typedef struct draw {
    float *ahead; /* (size + 1) */
    float alpha;
    bool reached; /* ahead[begin] holds a sum */
    float left;   /* what is left of a number in [0, 1) after the pieces before */
    bool chosen;
    glossa_segment segment; /* the last piece offered, until one is chosen */
} draw;

static void add_way(void *nodes, size_t begin, size_t end, double score, int32_t piece) {
    draw *d = nodes;
    (void)piece;
    const float way = d->alpha * (float)score + d->ahead[end], sum = d->ahead[begin];
    const float high = d->reached && sum > way ? sum : way, low = d->reached && sum > way ? way : sum;
    d->ahead[begin] = d->reached ? high + glossa_log(1.0f + glossa_exp(low - high)) : way;
    d->reached = true;
}

static void draw_way(void *nodes, size_t begin, size_t end, double score, int32_t piece) {
    draw *d = nodes;
    if (d->chosen) return;
    d->segment = (glossa_segment){(uint32_t)end, piece};
    d->left -= glossa_exp(d->alpha * (float)score + d->ahead[end] - d->ahead[begin]);
    d->chosen = d->left < 0.0f;
}

glossa_status glossa_unigram_sample(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size, float alpha,
                                    glossa_random *random, const glossa_allocator *allocator, glossa_segment **segments,
                                    size_t *count, glossa_error *error) {
    const double unknown = (double)(vocabulary->min_score - UNKNOWN_PENALTY);
    draw d = {.ahead = glossa_allocate(allocator, size + 1, sizeof *d.ahead), .alpha = alpha};
    uint32_t *starts = glossa_allocate(allocator, size, sizeof *starts);
    size_t characters = 0;
    *count = 0;
    *segments = glossa_allocate(allocator, size, sizeof **segments);
    const bool ready = d.ahead && starts && *segments;
    for (size_t at = 0; ready && at < size; at += glossa_segment_step(text, at, size))
        starts[characters++] = (uint32_t)at;
    for (size_t i = characters; i-- > 0;) {
        const size_t begin = starts[i];
        d.reached = false;
        if (!offer_pieces(vocabulary, text, begin, size, add_way, &d))
            add_way(&d, begin, begin + glossa_segment_step(text, begin, size), unknown, -1);
    }
    for (size_t begin = 0; ready && begin < size; begin = d.segment.end) {
        d.left = glossa_unit(glossa_random_word(random));
        d.chosen = false;
        if (!offer_pieces(vocabulary, text, begin, size, draw_way, &d))
            draw_way(&d, begin, begin + glossa_segment_step(text, begin, size), unknown, -1);
        (*segments)[(*count)++] = d.segment;
    }
    glossa_release(allocator, d.ahead);
    glossa_release(allocator, starts);
    FAIL_IF(!ready, error, GLOSSA_ERROR_MEMORY, "out of memory to tokenize %zu bytes", size);
    return GLOSSA_OK;
}
