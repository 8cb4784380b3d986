#include "text/merges.h"

#include <stdlib.h> /* qsort */
#include <string.h>

#include "base/utf8.h"
#include "text/hash.h"
#include "text/vocabulary.h"

#define NONE         UINT32_MAX       /* no symbol, place, pair or occurrence */
#define UNKNOWN      (UINT32_MAX - 1) /* a character without a piece: no neighbour merges with it */
#define MOST_LETTERS 16               /* characters of a union */
#define CODES        0x110000

/* A piece: a character or a union, by where its text lies. */
typedef struct symbol {
    uint64_t hash; /* of its text, without the finish */
    uint32_t begin, size, letters;
} symbol;

/* One place of a word. */
typedef struct place {
    uint32_t symbol; /* NONE once it has gone into its left neighbour */
    uint32_t previous, next, word;
} place;

typedef struct pair {
    uint64_t count;
    uint32_t left, right; /* symbols */
    uint32_t first, last; /* occurrences; some may be stale */
    uint32_t raised;      /* the merge in which its count last grew */
} pair;

typedef struct occurrence {
    uint32_t place, next;
} occurrence;

typedef struct entry {
    uint64_t count; /* when it was entered: a pair whose count has changed since is entered anew or was already */
    uint32_t pair;
} entry;

typedef struct list {
    void *data;
    size_t count, capacity;
} list;

typedef struct learner {
    const glossa_allocator *allocator;
    const glossa_merges *words;
    list texts;         /* char */
    list symbols;       /* symbol: characters, then unions */
    uint32_t *by_text;  /* (1 << text_bits) symbol + 1 by the hash of its text */
    unsigned text_bits; /* a table at most half full */
    place *places;      /* (place_count) */
    size_t place_count;
    list pairs, occurrences, heap;
    uint32_t *by_pair; /* (1 << pair_bits) pair + 1 */
    unsigned pair_bits;
    list raised; /* uint32_t: pairs whose count this merge has raised */
    uint32_t merge, longest;
    bool failed; /* out of memory */
} learner;

/* ---- lists ------------------------------------------------------------------------------------------------------ */

/* The next element, or NULL without memory. */
static void *append(learner *self, list *to, size_t size) {
    if (to->count == to->capacity) {
        const size_t capacity = 2 * to->capacity + 64;
        void *wider = capacity < NONE ? glossa_widen(self->allocator, to->data, to->count, capacity, size) : NULL;
        if (!wider) {
            self->failed = true;
            return NULL;
        }
        to->data = wider;
        to->capacity = capacity;
    }
    return (char *)to->data + to->count++ * size;
}

static symbol *symbol_at(const learner *self, uint32_t i) {
    return (symbol *)self->symbols.data + i;
}

static pair *pair_at(const learner *self, uint32_t i) {
    return (pair *)self->pairs.data + i;
}

/* ---- characters ------------------------------------------------------------------------------------------------- */

typedef struct character {
    uint64_t count;
    uint32_t code;
} character;

static uint32_t code_of(const uint8_t *at, size_t size) {
    const uint32_t code = glossa_utf8_code(at, size);
    return code < CODES ? code : CODES - 1;
}

static int by_frequency(const void *left, const void *right) {
    const character *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    return a->code < b->code ? -1 : a->code > b->code;
}

/* How often each code occurs, and in how many different ones. */
static uint64_t count_codes(const glossa_merges *words, uint64_t *counts, size_t *different) {
    uint64_t total = 0;
    const uint8_t *text = (const uint8_t *)words->texts;
    for (uint32_t word = 0, at = 0; word < words->count; word++) {
        for (size_t size; at < words->ends[word]; at += (uint32_t)size) {
            size = glossa_utf8_step(text[at]);
            uint64_t *count = &counts[code_of(text + at, size)];
            *different += *count == 0;
            *count += words->counts[word];
            total += words->counts[word];
        }
    }
    return total;
}

static void add_symbol(learner *self, const char *text, size_t size, uint32_t letters) {
    const uint32_t begin = (uint32_t)self->texts.count;
    for (size_t i = 0; i < size; i++) {
        char *at = append(self, &self->texts, 1);
        if (at) *at = text[i];
    }
    symbol *added = append(self, &self->symbols, sizeof *added);
    if (added) *added = (symbol){glossa_hash_text(GLOSSA_HASH_START, text, size), begin, (uint32_t)size, letters};
}

/* Makes symbols of the most frequent characters, and sets symbol_of[code] + 1 for each. */
static void choose_characters(learner *self, double coverage, uint32_t most, uint64_t *counts) {
    size_t different = 0, listed = 0;
    const uint64_t total = count_codes(self->words, counts, &different);
    character *all = glossa_allocate(self->allocator, different + 1, sizeof *all);
    self->failed = !all;
    if (!all) return;
    for (uint32_t code = 0; code < CODES; code++)
        if (counts[code]) all[listed++] = (character){counts[code], code};
    memset(counts, 0, CODES * sizeof *counts);
    qsort(all, listed, sizeof *all, by_frequency);
    uint64_t covered = 0;
    for (uint32_t i = 0; i < listed && i < most && (double)covered < coverage * (double)total; i++) {
        char text[4];
        add_symbol(self, text, glossa_utf8_put(all[i].code, text), 1);
        counts[all[i].code] = i + 1;
        covered += all[i].count;
    }
    glossa_release(self->allocator, all);
}

/* The words as places, one after the other. */
static void place_words(learner *self, const uint64_t *symbol_of) {
    const glossa_merges *words = self->words;
    const uint8_t *text = (const uint8_t *)words->texts;
    uint32_t count = 0;
    self->places = glossa_allocate(self->allocator, words->size + 1, sizeof *self->places);
    self->failed = self->failed || !self->places;
    for (uint32_t word = 0, at = 0; self->places && word < words->count; word++) {
        for (const uint32_t begin = count, end = words->ends[word]; at < end; count++) {
            const size_t size = glossa_utf8_step(text[at]);
            const uint64_t number = symbol_of[code_of(text + at, size)];
            at += (uint32_t)size;
            self->places[count] = (place){.symbol = number ? (uint32_t)number - 1 : UNKNOWN,
                                          .previous = count > begin ? count - 1 : NONE,
                                          .next = at < end ? count + 1 : NONE,
                                          .word = word};
        }
    }
    self->place_count = count;
}

/* ---- texts of symbols ------------------------------------------------------------------------------------------- */

static const char *text_of(const learner *self, uint32_t i) {
    return (const char *)self->texts.data + symbol_at(self, i)->begin;
}

/* The slot of the text of two symbols together, or of one where `right` is NONE. */
static uint32_t *slot_of_text(learner *self, uint32_t left, uint32_t right) {
    const size_t a = symbol_at(self, left)->size, b = right == NONE ? 0 : symbol_at(self, right)->size;
    const char *head = text_of(self, left), *tail = right == NONE ? "" : text_of(self, right);
    const uint64_t hash = glossa_hash_text(symbol_at(self, left)->hash, tail, b);
    const uint32_t mask = (1u << self->text_bits) - 1;
    uint32_t slot = (uint32_t)(glossa_hash_mix(hash) >> (64 - self->text_bits));
    for (; self->by_text[slot]; slot = (slot + 1) & mask) {
        const uint32_t other = self->by_text[slot] - 1;
        if (symbol_at(self, other)->hash != hash || symbol_at(self, other)->size != a + b) continue;
        if (memcmp(text_of(self, other), head, a) == 0 && memcmp(text_of(self, other) + a, tail, b) == 0) break;
    }
    return &self->by_text[slot];
}

/* ---- pairs ------------------------------------------------------------------------------------------------------ */

static uint32_t *slot_of_pair(const learner *self, uint32_t left, uint32_t right) {
    const uint64_t key = glossa_hash_mix((uint64_t)left << 32 | right);
    const uint32_t mask = (1u << self->pair_bits) - 1;
    uint32_t slot = (uint32_t)(key >> (64 - self->pair_bits));
    for (; self->by_pair[slot]; slot = (slot + 1) & mask) {
        const pair *p = pair_at(self, self->by_pair[slot] - 1);
        if (p->left == left && p->right == right) break;
    }
    return &self->by_pair[slot];
}

static void widen_pairs(learner *self) {
    const unsigned bits = self->by_pair ? self->pair_bits + 1 : 12;
    uint32_t *slots = glossa_allocate(self->allocator, (size_t)1 << bits, sizeof *slots);
    if (!slots) {
        self->failed = true;
        return;
    }
    glossa_release(self->allocator, self->by_pair);
    self->by_pair = slots;
    self->pair_bits = bits;
    for (uint32_t i = 0; i < self->pairs.count; i++)
        *slot_of_pair(self, pair_at(self, i)->left, pair_at(self, i)->right) = i + 1;
}

static bool can_merge(const learner *self, uint32_t left, uint32_t right) {
    if (left == UNKNOWN || right == UNKNOWN) return false;
    return symbol_at(self, left)->letters + symbol_at(self, right)->letters <= self->longest;
}

/* The symbols at `at` and behind it are neighbours now. */
static void raise_pair(learner *self, uint32_t at) {
    const uint32_t left = self->places[at].symbol, right = self->places[self->places[at].next].symbol;
    if (!can_merge(self, left, right)) return;
    if (!self->by_pair || 2 * (self->pairs.count + 1) > (size_t)1 << self->pair_bits) widen_pairs(self);
    if (self->failed) return;
    uint32_t *slot = slot_of_pair(self, left, right);
    if (*slot == 0) {
        pair *added = append(self, &self->pairs, sizeof *added);
        if (!added) return;
        *added = (pair){.left = left, .right = right, .first = NONE, .last = NONE, .raised = NONE};
        *slot = (uint32_t)self->pairs.count;
    }
    const uint32_t number = *slot - 1, here = (uint32_t)self->occurrences.count;
    pair *p = pair_at(self, number);
    occurrence *o = append(self, &self->occurrences, sizeof *o);
    if (!o) return;
    *o = (occurrence){at, NONE};
    if (p->last != NONE) ((occurrence *)self->occurrences.data)[p->last].next = here;
    if (p->first == NONE) p->first = here;
    p->last = here;
    p->count += self->words->counts[self->places[at].word];
    if (p->raised == self->merge) return;
    p->raised = self->merge;
    uint32_t *raised = append(self, &self->raised, sizeof *raised);
    if (raised) *raised = number;
}

/* ... and these are no longer. */
static void lower_pair(learner *self, uint32_t at) {
    const uint32_t left = self->places[at].symbol, right = self->places[self->places[at].next].symbol;
    if (!can_merge(self, left, right)) return;
    const uint32_t *slot = slot_of_pair(self, left, right);
    if (*slot) pair_at(self, *slot - 1)->count -= self->words->counts[self->places[at].word];
}

/* ---- the heap: highest count first, the oldest pair among equals ------------------------------------------------ */

static bool before(const entry *a, const entry *b) {
    return a->count > b->count || (a->count == b->count && a->pair < b->pair);
}

static void push_entry(learner *self, entry added) {
    if (added.count < 2 || !append(self, &self->heap, sizeof added)) return;
    entry *heap = self->heap.data;
    size_t i = self->heap.count - 1;
    for (; i > 0 && before(&added, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = added;
}

static entry pop_entry(learner *self) {
    entry *heap = self->heap.data;
    const entry top = heap[0], last = heap[--self->heap.count];
    size_t i = 0;
    for (size_t child = 1; child < self->heap.count; child = 2 * i + 1) {
        if (child + 1 < self->heap.count && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &last)) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

static void enter_raised(learner *self) {
    const uint32_t *raised = self->raised.data;
    for (size_t i = 0; i < self->raised.count; i++)
        push_entry(self, (entry){pair_at(self, raised[i])->count, raised[i]});
    self->raised.count = 0;
}

/* The most frequent pair, NONE where none occurs twice. */
static uint32_t next_pair(learner *self) {
    while (self->heap.count > 0) {
        const entry top = pop_entry(self);
        const uint64_t count = pair_at(self, top.pair)->count;
        if (count == top.count) return top.pair;
        if (count < top.count) push_entry(self, (entry){count, top.pair});
    }
    return NONE;
}

/* ---- merging ---------------------------------------------------------------------------------------------------- */

/* The symbol of a pair's union: a new one, or the one that has this text already. */
static uint32_t unite(learner *self, const pair *p, uint32_t *added) {
    uint32_t *slot = slot_of_text(self, p->left, p->right);
    if (*slot) return *slot - 1;
    const symbol a = *symbol_at(self, p->left), b = *symbol_at(self, p->right);
    char text[4 * MOST_LETTERS];
    memcpy(text, text_of(self, p->left), a.size);
    memcpy(text + a.size, text_of(self, p->right), b.size);
    add_symbol(self, text, a.size + b.size, a.letters + b.letters);
    *slot = (uint32_t)self->symbols.count;
    ++*added;
    return *slot - 1;
}

static void merge_at(learner *self, uint32_t at, uint32_t into) {
    place *left = &self->places[at], *right = &self->places[left->next];
    if (left->previous != NONE) lower_pair(self, left->previous);
    if (right->next != NONE) lower_pair(self, left->next);
    right->symbol = NONE;
    left->symbol = into;
    left->next = right->next;
    if (left->next != NONE) self->places[left->next].previous = at;
    if (left->previous != NONE) raise_pair(self, left->previous);
    if (left->next != NONE) raise_pair(self, at);
}

static void merge_pair(learner *self, uint32_t number, uint32_t *added) {
    const pair p = *pair_at(self, number);
    const uint32_t into = unite(self, &p, added);
    self->merge++;
    for (uint32_t i = p.first; i != NONE && !self->failed;) {
        const occurrence here = ((occurrence *)self->occurrences.data)[i];
        const place *at = &self->places[here.place];
        if (at->symbol == p.left && at->next != NONE && self->places[at->next].symbol == p.right)
            merge_at(self, here.place, into);
        i = i == p.last ? NONE : here.next;
    }
    pair_at(self, number)->count = 0;
    enter_raised(self);
}

static void learn(learner *self, uint32_t unions) {
    const uint32_t characters = (uint32_t)self->symbols.count;
    for (self->text_bits = 8; (1u << self->text_bits) < 2 * (characters + (uint64_t)unions); self->text_bits++)
        ;
    self->by_text = glossa_allocate(self->allocator, (size_t)1 << self->text_bits, sizeof *self->by_text);
    self->failed = self->failed || !self->by_text;
    if (self->failed) return;
    for (uint32_t i = 0; i < characters; i++)
        *slot_of_text(self, i, NONE) = i + 1;
    for (uint32_t i = 0; i < self->place_count && !self->failed; i++)
        if (self->places[i].next != NONE) raise_pair(self, i);
    enter_raised(self);
    for (uint32_t added = 0, best; added < unions && !self->failed && (best = next_pair(self)) != NONE;)
        merge_pair(self, best, &added);
}

static bool give(const learner *self, uint32_t characters, glossa_pieces *out) {
    const uint32_t count = (uint32_t)self->symbols.count;
    *out = (glossa_pieces){.count = count, .unions = count - characters};
    out->texts = glossa_allocate(self->allocator, self->texts.count + 1, 1);
    out->ends = glossa_allocate(self->allocator, count + 1, sizeof *out->ends);
    if (!out->texts || !out->ends) return false;
    for (uint32_t i = 0, end = 0; i < count; i++) {
        const uint32_t from = i < out->unions ? characters + i : i - out->unions, size = symbol_at(self, from)->size;
        memcpy(out->texts + end, text_of(self, from), size);
        out->ends[i] = end += size;
    }
    return true;
}

glossa_status glossa_merges_learn(const glossa_merges *words, double coverage, uint32_t characters, uint32_t most,
                                  uint32_t longest, glossa_pieces *pieces, glossa_error *error) {
    learner self = {
        .allocator = &words->allocator, .words = words, .longest = longest < MOST_LETTERS ? longest : MOST_LETTERS};
    *pieces = (glossa_pieces){0};
    uint64_t *codes = glossa_allocate(self.allocator, CODES, sizeof *codes);
    if (codes) choose_characters(&self, coverage, characters < most ? characters : most, codes);
    self.failed = self.failed || !codes;
    const uint32_t chosen = (uint32_t)self.symbols.count;
    if (!self.failed) place_words(&self, codes);
    if (!self.failed) learn(&self, most - chosen);
    if (!self.failed) self.failed = !give(&self, chosen, pieces);
    void *const parts[] = {codes,           self.texts.data,       self.symbols.data, self.by_text, self.places,
                           self.pairs.data, self.occurrences.data, self.heap.data,    self.by_pair, self.raised.data};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        glossa_release(self.allocator, parts[i]);
    FAIL_IF(self.failed, error, GLOSSA_ERROR_MEMORY, "out of memory to learn a vocabulary from %zu words",
            words->count);
    return GLOSSA_OK;
}
