#include "text/segment.h"

#define NONE UINT32_MAX

/* A run of the text that has been merged so far; size 0 once it has gone into its left neighbour. */
typedef struct symbol {
    uint32_t begin, size;
    uint32_t previous, next; /* symbols, or NONE */
    bool frozen;             /* a user-defined piece, which never merges */
} symbol;

/* Two neighbours whose union is a piece. Stale once either has changed its size. */
typedef struct pair {
    float score;
    uint32_t left, right;
    uint32_t size; /* of the union */
} pair;

/* One text under way. */
typedef struct merger {
    const glossa_vocabulary *vocabulary;
    const uint8_t *text;
    symbol *symbols; /* (symbol_count) in text order */
    size_t symbol_count;
    pair *heap; /* (pair_count) the best on top; never more than twice the symbols, since a merge adds at most two */
    size_t pair_count;
    uint32_t *left_sizes; /* (pieces) how an unused piece was last made, to take it apart; NULL if there are none */
    uint32_t *ends;       /* (longest) scratch to take pieces apart */
    bool (*skips)(void *user); /* whether a merge is left out; NULL: none is */
    void *user;
} merger;

/* ---- the heap --------------------------------------------------------------------------------------------------- */

/* Highest score first, leftmost among equals. */
static bool before(const pair *a, const pair *b) {
    return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static void push_pair(merger *self, pair added) {
    size_t i = self->pair_count++;
    for (; i > 0 && before(&added, &self->heap[(i - 1) / 2]); i = (i - 1) / 2)
        self->heap[i] = self->heap[(i - 1) / 2];
    self->heap[i] = added;
}

static pair pop_pair(merger *self) {
    const pair top = self->heap[0], last = self->heap[--self->pair_count];
    size_t i = 0;
    for (size_t child = 1; child < self->pair_count; child = 2 * i + 1) {
        if (child + 1 < self->pair_count && before(&self->heap[child + 1], &self->heap[child])) child++;
        if (!before(&self->heap[child], &last)) break;
        self->heap[i] = self->heap[child];
        i = child;
    }
    self->heap[i] = last;
    return top;
}

/* ---- merging ---------------------------------------------------------------------------------------------------- */

static int32_t find_piece(const merger *self, uint32_t begin, uint32_t size) {
    if (size > self->vocabulary->longest) return -1;
    uint32_t hash = self->vocabulary->hash_start;
    for (uint32_t i = begin; i < begin + size; i++)
        hash = glossa_hash_step(hash, self->text[i]);
    return glossa_vocabulary_find(self->vocabulary, hash, self->text + begin, size);
}

static bool is_unused(const merger *self, int32_t piece) {
    return piece >= 0 && self->left_sizes && glossa_vocabulary_type(self->vocabulary, (uint32_t)piece) == PIECE_UNUSED;
}

/* Enters two neighbours if they could merge; either may be NONE. */
static void consider(merger *self, uint32_t left, uint32_t right) {
    if (left == NONE || right == NONE || self->symbols[left].frozen || self->symbols[right].frozen) return;
    const uint32_t size = self->symbols[left].size + self->symbols[right].size;
    const int32_t piece = find_piece(self, self->symbols[left].begin, size);
    if (piece < 0) return;
    push_pair(self, (pair){glossa_vocabulary_score(self->vocabulary, (uint32_t)piece), left, right, size});
    if (is_unused(self, piece)) self->left_sizes[piece] = self->symbols[left].size;
}

static void split_symbols(merger *self, size_t size) {
    uint32_t count = 0;
    for (size_t begin = 0; begin < size; count++) {
        const size_t user_defined = glossa_vocabulary_user_defined(self->vocabulary, self->text + begin, size - begin);
        const size_t step = user_defined ? user_defined : glossa_segment_step(self->text, begin, size);
        self->symbols[count] = (symbol){
            .begin = (uint32_t)begin,
            .size = (uint32_t)step,
            .previous = count > 0 ? count - 1 : NONE,
            .next = begin + step < size ? count + 1 : NONE,
            .frozen = user_defined > 0,
        };
        begin += step;
    }
    self->symbol_count = count;
}

static void merge_symbols(merger *self) {
    for (uint32_t i = 1; i < self->symbol_count; i++)
        consider(self, i - 1, i);
    while (self->pair_count > 0) {
        const pair top = pop_pair(self);
        symbol *left = &self->symbols[top.left], *right = &self->symbols[top.right];
        if (left->size == 0 || right->size == 0 || left->size + right->size != top.size) continue;
        if (self->skips && self->skips(self->user)) continue;
        left->size = top.size;
        left->next = right->next;
        if (right->next != NONE) self->symbols[right->next].previous = top.left;
        right->size = 0;
        consider(self, left->previous, top.left);
        consider(self, top.left, left->next);
    }
}

/* Gives out one symbol; a piece that is unused goes back to what it was merged from. */
static size_t emit(merger *self, const symbol *whole, glossa_segment *segments) {
    size_t depth = 0, count = 0;
    uint32_t begin = whole->begin, end = begin + whole->size;
    for (;;) {
        const int32_t piece = find_piece(self, begin, end - begin);
        if (is_unused(self, piece) && self->left_sizes[piece] > 0) {
            self->ends[depth++] = end;
            end = begin + self->left_sizes[piece];
            continue;
        }
        segments[count++] = (glossa_segment){end, piece};
        if (depth == 0) return count;
        begin = end;
        end = self->ends[--depth];
    }
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static glossa_status allocate_merger(merger *self, size_t size, const glossa_allocator *allocator,
                                     glossa_error *error) {
    self->symbols = glossa_allocate(allocator, size, sizeof *self->symbols);
    self->heap = glossa_allocate(allocator, 2 * size, sizeof *self->heap);
    if (self->vocabulary->has_unused) {
        self->left_sizes = glossa_allocate(allocator, self->vocabulary->count, sizeof *self->left_sizes);
        self->ends = glossa_allocate(allocator, self->vocabulary->longest, sizeof *self->ends);
    }
    FAIL_IF(!self->symbols || !self->heap || (self->vocabulary->has_unused && (!self->left_sizes || !self->ends)),
            error, GLOSSA_ERROR_MEMORY, "out of memory to tokenize %zu bytes", size);
    return GLOSSA_OK;
}

static void release_merger(merger *self, const glossa_allocator *allocator) {
    glossa_release(allocator, self->symbols);
    glossa_release(allocator, self->heap);
    glossa_release(allocator, self->left_sizes);
    glossa_release(allocator, self->ends);
}

static glossa_status segment(merger *self, size_t size, const glossa_allocator *allocator, glossa_segment **segments,
                             size_t *count, glossa_error *error) {
    glossa_status status = allocate_merger(self, size, allocator, error);
    *count = 0;
    *segments = status == GLOSSA_OK ? glossa_allocate(allocator, size, sizeof **segments) : NULL;
    if (*segments) {
        split_symbols(self, size);
        merge_symbols(self);
        for (uint32_t i = 0; i != NONE; i = self->symbols[i].next)
            *count += emit(self, &self->symbols[i], *segments + *count);
    } else if (status == GLOSSA_OK) {
        status = glossa_fail(error, GLOSSA_ERROR_MEMORY, "out of memory for %zu tokens", size);
    }
    release_merger(self, allocator);
    return status;
}

glossa_status glossa_bpe_segment(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size,
                                 const glossa_allocator *allocator, glossa_segment **segments, size_t *count,
                                 glossa_error *error) {
    merger self = {.vocabulary = vocabulary, .text = text};
    return segment(&self, size, allocator, segments, count, error);
}

typedef struct chance {
    glossa_random *random;
    float alpha;
} chance;

static bool draw_skip(void *user) {
    const chance *c = user;
    return glossa_unit(glossa_random_word(c->random)) < c->alpha;
}

glossa_status glossa_bpe_sample(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size, float alpha,
                                glossa_random *random, const glossa_allocator *allocator, glossa_segment **segments,
                                size_t *count, glossa_error *error) {
    chance c = {random, alpha};
    merger self = {.vocabulary = vocabulary, .text = text, .skips = draw_skip, .user = &c};
    return segment(&self, size, allocator, segments, count, error);
}
