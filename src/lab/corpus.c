#include "lab/corpus.h"

#include <string.h>

#include "base/random.h"
#include "lab/config.h"
#include "lab/labels.h"
#include "lab/links.h"

#define PURPOSE_PAIRS   310 /* of the random streams */
#define PURPOSE_BATCHES 311
#define PURPOSE_SAMPLE  312 /* and 313, for targets */
#define NO_EPOCH        UINT32_MAX

/* ---- encoding --------------------------------------------------------------------------------------------------- */

/* Ids that grow while texts are encoded. */
typedef struct growing {
    const glossa_allocator *allocator;
    uint32_t *ids;
    size_t count, capacity;
} growing;

static bool append(growing *to, uint32_t id) {
    if (to->count == to->capacity) {
        const size_t capacity = to->capacity + to->capacity / 2 + 1024;
        uint32_t *wider = glossa_widen(to->allocator, to->ids, to->count, capacity, sizeof *wider);
        if (!wider) return false;
        to->ids = wider;
        to->capacity = capacity;
    }
    to->ids[to->count++] = id;
    return true;
}

static glossa_status encode_label(const glossa_corpus *self, glossa_text label, growing *to, glossa_error *error) {
    const uint32_t id = glossa_labels_find(self->lexicon, label);
    FAIL_IF(id == GLOSSA_NO_LABEL, error, GLOSSA_ERROR_FORMAT,
            "no pair that the labels were learnt of has label '%.*s'", SHOWN(label));
    FAIL_IF(!append(to, id), error, GLOSSA_ERROR_MEMORY, "out of memory for %zu labels", to->count + 1);
    return GLOSSA_OK;
}

/* The bytes of an image as they are. */
static glossa_status encode_image(const glossa_corpus *self, glossa_text image, size_t number, growing *to,
                                  glossa_error *error) {
    bool room = true;
    FAIL_IF(image.size != self->context, error, GLOSSA_ERROR_FORMAT,
            "image %zu has %zu pixels, need %u: as many in a row as setting 'image' says, and as many rows", number,
            image.size, (unsigned)self->context);
    for (size_t i = 0; i < image.size && room; i++)
        room = append(to, (uint8_t)image.data[i]);
    FAIL_IF(!room, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu images", number + 1);
    return GLOSSA_OK;
}

static glossa_status encode(const glossa_tokenizer *tokenizer, glossa_text text, growing *to, glossa_error *error) {
    glossa_token *tokens;
    size_t count;
    FORWARD(glossa_tokenizer_encode(tokenizer, text, &tokens, &count, error));
    bool room = true;
    for (size_t i = 0; i < count && room; i++)
        room = append(to, tokens[i].id);
    room = room && append(to, (uint32_t)glossa_tokenizer_eos(tokenizer));
    glossa_tokenizer_free_tokens(tokenizer, tokens);
    FAIL_IF(!room, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu tokens", to->count + 1);
    return GLOSSA_OK;
}

/* One side of pair i. A text of a language model is source and target in one. */
static glossa_status encode_side(const glossa_corpus *self, const glossa_pairs *pairs, size_t i, int side, growing *to,
                                 glossa_error *error) {
    const glossa_lab_data_kind kind = self->data->kind;
    const glossa_text text = glossa_pairs_text(pairs, i, kind == GLOSSA_LAB_TEXTS ? 0 : side);
    if (side && self->labelled) return encode_label(self, text, to, error);
    if (kind == GLOSSA_LAB_IMAGES) return encode_image(self, text, i, to, error);
    return encode(side ? self->lexicon->target : self->lexicon->source, text, to, error);
}

/* Encodes pairs, and marks in `kept` those that fit the context. The arrays are NULL without memory. */
static glossa_status encode_pairs(const glossa_corpus *self, const glossa_pairs *pairs, glossa_encoded *out,
                                  growing to[2], bool *kept, glossa_error *error) {
    size_t *const starts[2] = {out->source.starts, out->target.starts};
    size_t count = 0;
    FAIL_IF(!kept || !starts[0] || !starts[1], error, GLOSSA_ERROR_MEMORY, "out of memory for %zu pairs", pairs->count);
    for (size_t i = 0; i < pairs->count; i++) {
        const size_t before[2] = {to[0].count, to[1].count};
        for (int side = 0; side < 2; side++)
            FORWARD(encode_side(self, pairs, i, side, &to[side], error));
        const size_t source = to[0].count - before[0], target = to[1].count - before[1];
        /* A text of nothing but what the normalizer drops has an end alone: there is nothing to learn from it. */
        kept[i] = source <= self->context && target <= self->context && source > 1 && target > (self->labelled ? 0 : 1);
        if (!kept[i]) {
            to[0].count = before[0];
            to[1].count = before[1];
            continue;
        }
        count++;
        for (int side = 0; side < 2; side++)
            starts[side][count] = to[side].count;
    }
    out->count = count;
    return GLOSSA_OK;
}

static glossa_status encode_all(glossa_corpus *self, glossa_pairs *pairs, glossa_encoded *out, glossa_error *error) {
    const glossa_allocator *allocator = &self->data->allocator;
    growing to[2] = {{.allocator = allocator}, {.allocator = allocator}};
    bool *kept = glossa_allocate(allocator, pairs->count + 1, sizeof *kept);
    out->source.starts = glossa_allocate(allocator, pairs->count + 1, sizeof *out->source.starts);
    out->target.starts = glossa_allocate(allocator, pairs->count + 1, sizeof *out->target.starts);
    const glossa_status status = encode_pairs(self, pairs, out, to, kept, error);
    if (status == GLOSSA_OK) {
        self->too_long += pairs->count - out->count;
        glossa_pairs_keep(pairs, kept);
    }
    out->source.ids = to[0].ids;
    out->target.ids = to[1].ids;
    glossa_release(allocator, kept);
    return status;
}

/* ---- the plan --------------------------------------------------------------------------------------------------- */

uint32_t glossa_corpus_length(const glossa_corpus *self, uint32_t pair) {
    const size_t *s = self->train.source.starts + pair, *t = self->train.target.starts + pair;
    const size_t source = s[1] - s[0], target = t[1] - t[0];
    return (uint32_t)(source > target ? source : target);
}

/* Sorts by counting: lengths are at most the context. */
static void sort_pairs(glossa_corpus *self, size_t *counts) {
    for (uint32_t i = 0; i < self->train.count; i++)
        counts[glossa_corpus_length(self, i) + 1]++;
    for (uint32_t length = 1; length <= self->context + 1; length++)
        counts[length] += counts[length - 1];
    for (uint32_t i = 0; i < self->train.count; i++)
        self->sorted[counts[glossa_corpus_length(self, i)]++] = i;
}

/* Cuts the sorted pairs into batches: as many pairs as fit, one at least. */
static void cut_batches(glossa_corpus *self, size_t most) {
    const uint32_t count = (uint32_t)self->train.count;
    uint32_t begin = 0;
    for (uint32_t i = 0; i < count; i++) {
        const size_t length = glossa_corpus_length(self, self->sorted[i]);
        if (i > begin && length * (i + 1 - begin) > most) self->batches[++self->batch_count] = begin = i;
        if (i + 1 - begin > self->most_pairs) self->most_pairs = i + 1 - begin;
        if (length * (i + 1 - begin) > self->most_tokens) self->most_tokens = length * (i + 1 - begin);
    }
    self->batches[++self->batch_count] = count;
}

static void shuffle(uint32_t *items, uint32_t count, glossa_random *random) {
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t other = glossa_random_below(random, i), item = items[i - 1];
        items[i - 1] = items[other];
        items[other] = item;
    }
}

static void plan_epoch(glossa_corpus *self, uint32_t epoch) {
    if (self->epoch == epoch) return;
    glossa_random pairs = glossa_random_start(self->seed, PURPOSE_PAIRS, epoch),
                  batches = glossa_random_start(self->seed, PURPOSE_BATCHES, epoch);
    const uint32_t count = (uint32_t)self->train.count;
    memcpy(self->order, self->sorted, count * sizeof *self->order);
    for (uint32_t begin = 0, end; begin < count; begin = end) {
        const uint32_t length = glossa_corpus_length(self, self->sorted[begin]);
        for (end = begin + 1; end < count && glossa_corpus_length(self, self->sorted[end]) == length;)
            end++;
        shuffle(self->order + begin, end - begin, &pairs);
    }
    for (uint32_t i = 0; i < self->batch_count; i++)
        self->sequence[i] = i;
    shuffle(self->sequence, self->batch_count, &batches);
    self->epoch = epoch;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static glossa_status plan(glossa_corpus *self, size_t most, glossa_error *error) {
    const glossa_allocator *allocator = &self->data->allocator;
    const size_t count = self->train.count;
    size_t *counts = glossa_allocate(allocator, (size_t)self->context + 2, sizeof *counts);
    self->sorted = glossa_allocate(allocator, count, sizeof *self->sorted);
    self->order = glossa_allocate(allocator, count, sizeof *self->order);
    self->batches = glossa_allocate(allocator, count + 1, sizeof *self->batches);
    if (counts && self->sorted && self->order && self->batches) {
        sort_pairs(self, counts);
        cut_batches(self, most);
        self->sequence = glossa_allocate(allocator, self->batch_count, sizeof *self->sequence);
    }
    glossa_release(allocator, counts);
    FAIL_IF(!self->sequence, error, GLOSSA_ERROR_MEMORY, "out of memory to plan %zu pairs", count);
    return GLOSSA_OK;
}

static glossa_status prepare(glossa_corpus *self, const glossa_lab_config *config, glossa_error *error) {
    FORWARD(glossa_data_split(self->data, config->set_aside, error));
    FORWARD(encode_all(self, &self->data->train, &self->train, error));
    FORWARD(encode_all(self, &self->data->held_out, &self->held_out, error));
    FAIL_IF(self->train.count == 0, error, GLOSSA_ERROR_FORMAT,
            "no pair is left to train on: all %zu are longer than the context of %u tokens", self->too_long,
            (unsigned)self->context);
    return plan(self, glossa_sees(config) ? (size_t)config->batch * config->context : config->batch_tokens, error);
}

glossa_status glossa_corpus_open(glossa_lab_data *data, const glossa_lab_config *config, const glossa_lexicon *lexicon,
                                 glossa_corpus **corpus, glossa_error *error) {
    glossa_corpus *self = *corpus = glossa_allocate(&data->allocator, 1, sizeof *self);
    if (!self) {
        glossa_lab_data_close(data);
        return glossa_fail(error, GLOSSA_ERROR_MEMORY, "out of memory for pairs");
    }
    *self = (glossa_corpus){.data = data,
                            .lexicon = lexicon,
                            .epoch = NO_EPOCH,
                            .seed = config->seed,
                            .share = config->sampling_share,
                            .alpha = config->sampling_alpha,
                            .context = config->context,
                            .labelled = glossa_classifies(config)};
    const glossa_status status = prepare(self, config, error);
    if (status != GLOSSA_OK) {
        glossa_corpus_close(self);
        *corpus = NULL;
    }
    return status;
}

void glossa_corpus_close(glossa_corpus *self) {
    if (!self) return;
    const glossa_allocator allocator = self->data->allocator;
    void *const parts[] = {self->train.source.ids,
                           self->train.source.starts,
                           self->train.target.ids,
                           self->train.target.starts,
                           self->held_out.source.ids,
                           self->held_out.source.starts,
                           self->held_out.target.ids,
                           self->held_out.target.starts,
                           self->sorted,
                           self->order,
                           self->batches,
                           self->sequence};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        glossa_release(&allocator, parts[i]);
    glossa_lab_data_close(self->data);
    glossa_release(&allocator, self);
}

static size_t bytes_of(const glossa_encoded *encoded, const glossa_pairs *pairs) {
    const size_t tokens = encoded->source.starts[encoded->count] + encoded->target.starts[encoded->count];
    return tokens * sizeof(uint32_t) + 2 * (encoded->count + 1) * sizeof(size_t) + pairs->text_capacity +
           pairs->start_capacity * sizeof(size_t);
}

size_t glossa_corpus_bytes(const glossa_corpus *self) {
    return sizeof *self + bytes_of(&self->train, &self->data->train) +
           bytes_of(&self->held_out, &self->data->held_out) +
           (3 * self->train.count + 2 * (size_t)self->batch_count + 1) * sizeof(uint32_t);
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */

/* The batch of the plan that training batch `number` is. */
static uint32_t planned(glossa_corpus *self, uint32_t number) {
    plan_epoch(self, number / self->batch_count);
    return self->sequence[number % self->batch_count];
}

uint32_t glossa_corpus_batch_size(glossa_corpus *self, uint32_t number) {
    const uint32_t *at = self->batches + planned(self, number);
    return at[1] - at[0];
}

uint32_t glossa_corpus_pair(glossa_corpus *self, uint32_t number, uint32_t place) {
    return self->order[self->batches[planned(self, number)] + place];
}

/* The drawn tokens, or without `random` the best ones; none of them where they are more than `room`. */
static glossa_status tokenize(const glossa_corpus *self, uint32_t pair, int side, glossa_random *random, uint32_t *ids,
                              uint32_t *words, size_t room, size_t *count, glossa_error *error) {
    const glossa_tokenizer *tokenizer = side ? self->lexicon->target : self->lexicon->source;
    const glossa_text text = glossa_pairs_text(&self->data->train, pair, side);
    glossa_token *tokens;
    size_t drawn;
    FORWARD(random ? glossa_tokenizer_sample(tokenizer, text, (float)self->alpha, random, &tokens, &drawn, error)
                   : glossa_tokenizer_encode(tokenizer, text, &tokens, &drawn, error));
    if (drawn < room) {
        for (size_t i = 0; i < drawn; i++)
            ids[i] = tokens[i].id;
        ids[drawn] = (uint32_t)glossa_tokenizer_eos(tokenizer);
        if (words) glossa_links_words(text, tokens, drawn, words);
        *count = drawn + 1;
    }
    glossa_tokenizer_free_tokens(tokenizer, tokens);
    return GLOSSA_OK;
}

glossa_status glossa_corpus_tokens(glossa_corpus *self, uint32_t pair, int side, uint32_t epoch, uint32_t *ids,
                                   uint32_t *words, size_t room, size_t *count, glossa_error *error) {
    const glossa_side *from = side ? &self->train.target : &self->train.source;
    *count = 0;
    if (self->share > 0 && !(side && self->labelled)) {
        glossa_random random =
            glossa_random_start(self->seed, PURPOSE_SAMPLE + (uint32_t)side, (uint64_t)epoch << 32 | pair);
        if ((double)glossa_unit(glossa_random_word(&random)) < self->share)
            FORWARD(tokenize(self, pair, side, &random, ids, words, room, count, error));
    }
    if (*count > 0) return GLOSSA_OK;
    if (words) return tokenize(self, pair, side, NULL, ids, words, SIZE_MAX, count, error);
    *count = from->starts[pair + 1] - from->starts[pair];
    memcpy(ids, from->ids + from->starts[pair], *count * sizeof *ids);
    return GLOSSA_OK;
}
