#include "lab/batch.h"

#include <string.h>

#include "base/random.h"
#include "lab/links.h"

glossa_status glossa_lab_grow(glossa_lab *lab, glossa_room *room, size_t bytes, const char *what, glossa_error *error) {
    if (bytes <= room->size) return GLOSSA_OK;
    glossa_release(&lab->allocator, room->data);
    room->data = glossa_allocate(&lab->allocator, bytes, 1);
    room->size = room->data ? bytes : 0;
    FAIL_IF(!room->data, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu %s", bytes, what);
    return GLOSSA_OK;
}

static glossa_status grow(glossa_lab *lab, glossa_room *room, size_t count, size_t size, const char *what,
                          glossa_error *error) {
    size_t bytes;
    FAIL_IF(!glossa_mul_size(count, size, &bytes), error, GLOSSA_ERROR_LIMIT, "%zu %s are too many", count, what);
    return glossa_lab_grow(lab, room, bytes, what, error);
}

static glossa_status check_side(const char *side, const uint32_t *ids, const uint32_t *starts, size_t count,
                                uint32_t vocabulary, uint32_t context, bool masked, glossa_error *error) {
    FAIL_IF(!ids || !starts, error, GLOSSA_ERROR_ARGUMENT, "the batch has no %s", side);
    for (size_t i = 0; i < count; i++) {
        const uint32_t begin = starts[i], end = starts[i + 1];
        FAIL_IF(end <= begin, error, GLOSSA_ERROR_ARGUMENT, "%s %zu of the batch is empty", side, i);
        FAIL_IF(end - begin > context, error, GLOSSA_ERROR_LIMIT,
                "%s %zu of the batch has %u tokens, more than the context of %u", side, i, (unsigned)(end - begin),
                (unsigned)context);
        for (uint32_t j = begin; j < end; j++)
            FAIL_IF(ids[j] >= vocabulary && !(masked && ids[j] == GLOSSA_IGNORED), error, GLOSSA_ERROR_ARGUMENT,
                    "%s %zu of the batch has token %u, beyond the vocabulary of %u", side, i, (unsigned)ids[j],
                    (unsigned)vocabulary);
    }
    return GLOSSA_OK;
}

/* Whether wanted attention weights are finite; they reach no further than the sizes that the starts give. */
static glossa_status check_alignment(const glossa_lab_batch *b, glossa_error *error) {
    size_t at = 0;
    for (size_t i = 0; b->alignment && i < b->count; i++) {
        const size_t m = b->target_starts[i + 1] - b->target_starts[i];
        for (const size_t end = at + m * (b->source_starts[i + 1] - b->source_starts[i]); at < end; at++)
            FAIL_IF(!(b->alignment[at] >= 0.0f && b->alignment[at] <= 1.0f), error, GLOSSA_ERROR_ARGUMENT,
                    "the alignment of pair %zu holds a number that is not from 0 to 1", i);
    }
    return GLOSSA_OK;
}

/* Whether sources and targets are as long as the network takes them to be. */
static glossa_status check_lengths(const glossa_lab *lab, const glossa_lab_batch *b, glossa_error *error) {
    const glossa_lab_config *c = &lab->config;
    const bool masked = c->architecture == ARCHITECTURE_MASKED;
    for (size_t i = 0; i < b->count; i++) {
        const uint32_t source = b->source_starts[i + 1] - b->source_starts[i],
                       target = b->target_starts[i + 1] - b->target_starts[i];
        FAIL_IF(masked && source != target, error, GLOSSA_ERROR_ARGUMENT,
                "text %zu of the batch has %u tokens and %u to tell, need as many", i, (unsigned)source,
                (unsigned)target);
        FAIL_IF(glossa_sees(c) && source != c->context, error, GLOSSA_ERROR_ARGUMENT,
                "image %zu of the batch has %u pixels, need %u", i, (unsigned)source, (unsigned)c->context);
        FAIL_IF(glossa_classifies(c) && target != 1, error, GLOSSA_ERROR_ARGUMENT,
                "source %zu of the batch has %u labels, need one", i, (unsigned)target);
    }
    return GLOSSA_OK;
}

glossa_status glossa_batch_check(const glossa_lab *lab, const glossa_lab_batch *b, glossa_error *error) {
    FAIL_IF(b->count == 0 || b->count > INT32_MAX, error, GLOSSA_ERROR_ARGUMENT, "the batch has %zu pairs", b->count);
    FORWARD(check_side("source", b->source, b->source_starts, b->count, lab->network.source_vocabulary,
                       lab->config.context, false, error));
    FORWARD(check_side("target", b->target, b->target_starts, b->count, lab->network.target_vocabulary,
                       lab->config.context, lab->config.architecture == ARCHITECTURE_MASKED, error));
    FORWARD(check_lengths(lab, b, error));
    return check_alignment(b, error);
}

/* The starts of sequences [first, end) from 0 on. */
static glossa_segments starts_of(const uint32_t *starts, size_t first, size_t end, uint32_t **at) {
    uint32_t *out = *at;
    for (size_t i = first; i <= end; i++)
        out[i - first] = starts[i] - starts[first];
    *at += end - first + 1;
    return (glossa_segments){.starts = out, .count = end - first};
}

static const uint32_t *limits_of(const glossa_lab *lab, const uint32_t *starts, size_t first, size_t end,
                                 uint32_t **at) {
    const uint32_t *out = *at;
    for (size_t i = first; i < end; i++)
        *(*at)++ = glossa_rules_limit(starts[i + 1] - starts[i], lab->config.context);
    return out;
}

/* What the decoder reads: each target moved one to the right behind the start. */
static const uint32_t *inputs_of(const glossa_lab *lab, const glossa_lab_batch *b, size_t first, size_t end,
                                 uint32_t **at) {
    uint32_t *out = *at;
    for (size_t i = first; i < end; i++) {
        for (uint32_t j = b->target_starts[i]; j < b->target_starts[i + 1]; j++)
            *(*at)++ = j == b->target_starts[i] ? lab->bos : b->target[j - 1];
    }
    return out;
}

/* Targets of sequences [first, end) that count. */
static uint32_t counted(const glossa_lab_batch *b, size_t first, size_t end) {
    uint32_t count = 0;
    for (uint32_t i = b->target_starts[first]; i < b->target_starts[end]; i++)
        count += b->target[i] != GLOSSA_IGNORED;
    return count;
}

glossa_status glossa_batch_cut(glossa_lab *lab, const glossa_lab_batch *b, double weight, glossa_error *error) {
    const size_t shards = lab->config.shards;
    const uint32_t tokens = b->target_starts[b->count] - b->target_starts[0], all = counted(b, 0, b->count);
    FORWARD(
        grow(lab, &lab->indices, 3 * b->count + 2 * shards + tokens, sizeof(uint32_t), "numbers of a batch", error));
    uint32_t *at = lab->indices.data;
    size_t aligned = 0;
    lab->part_count = 0;
    for (size_t s = 0; s < shards; s++) {
        const size_t first = b->count * s / shards, end = b->count * (s + 1) / shards;
        if (first == end) continue;
        glossa_batch_part *part = &lab->parts[lab->part_count++];
        *part = (glossa_batch_part){.first = (uint32_t)first, .tokens = counted(b, first, end)};
        part->shard = (glossa_shard){
            .source = b->source + b->source_starts[first],
            .targets = b->target + b->target_starts[first],
            .inputs = inputs_of(lab, b, first, end, &at),
            .sources = starts_of(b->source_starts, first, end, &at),
            .outputs = starts_of(b->target_starts, first, end, &at),
            .limits = limits_of(lab, b->source_starts, first, end, &at),
            .alignment = b->alignment ? b->alignment + aligned : NULL,
            .weight = (float)(weight / (all > 0 ? all : 1)),
            .share = (float)(weight * (double)(end - first) / (double)b->count),
        };
        for (size_t i = first; i < end; i++)
            aligned += (size_t)(b->target_starts[i + 1] - b->target_starts[i]) *
                       (b->source_starts[i + 1] - b->source_starts[i]);
    }
    return GLOSSA_OK;
}

/* ---- strings of a task ------------------------------------------------------------------------------------------ */

/* Where the strings of a batch lie in the lab's memory. */
typedef struct strings {
    uint32_t *starts, *ends;     /* (count + 1) of sources and of targets */
    uint32_t *sources, *targets; /* tokens */
} strings;

/* Room for `count` pairs of at most so many tokens in all. */
static glossa_status place(glossa_lab *lab, size_t count, size_t sources, size_t targets, strings *out,
                           glossa_error *error) {
    FORWARD(grow(lab, &lab->drawn, sources + targets + 2 * (count + 1), sizeof(uint32_t), "tokens of a batch", error));
    out->starts = lab->drawn.data;
    out->ends = out->starts + count + 1;
    out->sources = out->ends + count + 1;
    out->targets = out->sources + sources;
    out->starts[0] = out->ends[0] = 0;
    return GLOSSA_OK;
}

static glossa_status place_drawn(glossa_lab *lab, uint32_t count, strings *out, glossa_error *error) {
    const size_t source = (size_t)glossa_task_longest_source(lab->task, &lab->config) + 1;
    const size_t target = (size_t)glossa_task_longest_target(lab->task, &lab->config) + 1;
    return place(lab, count, source * count, target * count, out, error);
}

static glossa_lab_batch batch_of(const strings *d, size_t count) {
    return (glossa_lab_batch){count, d->sources, d->starts, d->targets, d->ends, NULL};
}

glossa_status glossa_batch_place_source(glossa_lab *lab, size_t tokens, uint32_t **ids, uint32_t **starts,
                                        glossa_error *error) {
    strings d;
    FORWARD(place(lab, 1, tokens, 0, &d, error));
    *ids = d.sources;
    *starts = d.starts;
    return GLOSSA_OK;
}

/* ---- of a task -------------------------------------------------------------------------------------------------- */

static glossa_status draw_strings(glossa_lab *lab, bool held_out, uint32_t first, uint32_t count, glossa_lab_batch *out,
                                  glossa_error *error) {
    strings d;
    FAIL_IF(!lab->task, error, GLOSSA_ERROR_STATE, "there is no batch, and neither a task nor data to make one of");
    FORWARD(place_drawn(lab, count, &d, error));
    for (uint32_t i = 0; i < count; i++) {
        glossa_task_make(lab->task, &lab->config, held_out, first + i, lab->source_text, lab->target_text);
        d.starts[i + 1] =
            d.starts[i] + (uint32_t)glossa_task_encode(lab->task, lab->source_text, d.sources + d.starts[i]);
        d.ends[i + 1] = d.ends[i] + (uint32_t)glossa_task_encode(lab->task, lab->target_text, d.targets + d.ends[i]);
    }
    *out = batch_of(&d, count);
    return GLOSSA_OK;
}

/* ---- of pairs --------------------------------------------------------------------------------------------------- */

static size_t copy_side(const glossa_side *from, size_t pair, uint32_t *to) {
    const size_t count = from->starts[pair + 1] - from->starts[pair];
    memcpy(to, from->ids + from->starts[pair], count * sizeof *to);
    return count;
}

/* ---- tokens to tell, and pixels moved --------------------------------------------------------------------------- */

#define PURPOSE_MASK     320 /* of the random streams; 321 for what is held out */
#define PURPOSE_SHIFT    322
#define SHARE_OF_MASKS   0.8f /* Devlin et al. 2019, 3.1 */
#define SHARE_OF_CHANGES 0.1f /* of other tokens; the rest stays as it is */

/* Chooses which tokens of a text are to be told, at least one and never the end: those are hidden in `source`, and all
   others ignored in `target`. */
static void hide(const glossa_lab *lab, glossa_random *random, uint32_t *source, uint32_t *target, size_t count) {
    const uint32_t vocabulary = lab->network.source_vocabulary;
    const size_t sure = glossa_random_below(random, count > 1 ? (uint32_t)count - 1 : 1);
    size_t chosen = 0;
    for (int turn = 0; chosen == 0 && turn < 2; turn++) /* the second one chooses the sure token alone */
        for (size_t i = 0; i < count; i++) {
            const bool drawn = (double)glossa_unit(glossa_random_word(random)) < lab->config.masked_share;
            const bool tells = i + 1 < count && (turn == 0 ? drawn : i == sure);
            const float how = glossa_unit(glossa_random_word(random));
            const uint32_t other = TASK_CHARACTERS + glossa_random_below(random, vocabulary - TASK_CHARACTERS);
            target[i] = tells ? source[i] : GLOSSA_IGNORED;
            if (!tells) continue;
            if (how < SHARE_OF_MASKS) source[i] = lab->lexicon.mask;
            if (how >= 1 - SHARE_OF_CHANGES) source[i] = other;
            chosen++;
        }
}

/* Moves an image by some pixels; what comes in is as dark as its first pixel. */
static void move_image(const glossa_lab *lab, glossa_random *random, const uint32_t *from, uint32_t *to) {
    const int side = (int)lab->config.image, most = (int)lab->config.shift;
    const int down = (int)glossa_random_below(random, 2 * (uint32_t)most + 1) - most,
              right = (int)glossa_random_below(random, 2 * (uint32_t)most + 1) - most;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const int row = y - down, column = x - right;
            const bool within = row >= 0 && row < side && column >= 0 && column < side;
            to[y * side + x] = from[within ? row * side + column : 0];
        }
}

/* ---- of data ---------------------------------------------------------------------------------------------------- */

static glossa_status draw_held_out(glossa_lab *lab, uint32_t first, uint32_t count, glossa_lab_batch *out,
                                   glossa_error *error) {
    const glossa_encoded *all = &lab->corpus->held_out;
    strings d;
    FAIL_IF(first > all->count || count > all->count - first, error, GLOSSA_ERROR_ARGUMENT,
            "%zu pairs are held out, there are none from %u to %llu", all->count, (unsigned)first,
            (unsigned long long)first + count);
    const size_t *s = all->source.starts + first, *t = all->target.starts + first;
    FORWARD(place(lab, count, s[count] - s[0], t[count] - t[0], &d, error));
    for (uint32_t i = 0; i < count; i++) {
        d.starts[i + 1] = d.starts[i] + (uint32_t)copy_side(&all->source, first + i, d.sources + d.starts[i]);
        d.ends[i + 1] = d.ends[i] + (uint32_t)copy_side(&all->target, first + i, d.targets + d.ends[i]);
        if (lab->config.architecture != ARCHITECTURE_MASKED) continue;
        glossa_random random = glossa_random_start(lab->config.seed, PURPOSE_MASK + 1, first + i);
        hide(lab, &random, d.sources + d.starts[i], d.targets + d.ends[i], d.ends[i + 1] - d.ends[i]);
    }
    *out = batch_of(&d, count);
    return GLOSSA_OK;
}

/* Tokens of a side of any batch. A drawn segmentation may be longer than the best, by which batches are planned: there
   is room for as many tokens again, and for one text as long as the context. */
static size_t room_of(const glossa_corpus *corpus) {
    return corpus->share > 0 ? 2 * corpus->most_tokens + corpus->context : corpus->most_tokens;
}

/* Room for the largest batch: tokens, and behind those their words, where these are asked for. */
static glossa_status place_pairs(glossa_lab *lab, strings *out, glossa_error *error) {
    const size_t room = room_of(lab->corpus), all = lab->config.guided > 0 ? 2 * room : room;
    return place(lab, lab->corpus->most_pairs, all, all, out, error);
}

static glossa_status place_alignment(glossa_lab *lab, size_t weights, glossa_error *error) {
    return grow(lab, &lab->aligned, weights, sizeof(float), "weights of an alignment", error);
}

/* Wanted attention of a batch that was drawn; words[side] are those of its tokens. */
static glossa_status draw_alignment(glossa_lab *lab, uint32_t number, const uint32_t *const words[2],
                                    glossa_lab_batch *batch, glossa_error *error) {
    const uint32_t *s = batch->source_starts, *t = batch->target_starts;
    size_t weights = 0, at = 0;
    for (size_t i = 0; i < batch->count; i++)
        weights += (size_t)(s[i + 1] - s[i]) * (t[i + 1] - t[i]);
    FORWARD(place_alignment(lab, weights, error));
    float *out = lab->aligned.data;
    for (uint32_t i = 0; i < batch->count; i++) {
        const uint32_t pair = glossa_corpus_pair(lab->corpus, number, i);
        const size_t n = s[i + 1] - s[i], m = t[i + 1] - t[i];
        glossa_links_weigh(glossa_pairs_text(&lab->corpus->data->train, pair, 2), words[0] + s[i], n, words[1] + t[i],
                           m, out + at);
        at += m * n;
    }
    batch->alignment = out;
    return GLOSSA_OK;
}

/* Pair `place` of a batch as the network is to see it this time. */
static void vary(const glossa_lab *lab, const strings *d, uint32_t place, uint32_t pair, uint32_t epoch) {
    const glossa_side *from = &lab->corpus->train.source;
    const uint64_t stream = (uint64_t)epoch << 32 | pair;
    if (lab->config.architecture == ARCHITECTURE_MASKED) {
        glossa_random random = glossa_random_start(lab->config.seed, PURPOSE_MASK, stream);
        hide(lab, &random, d->sources + d->starts[place], d->targets + d->ends[place],
             d->starts[place + 1] - d->starts[place]);
    } else if (glossa_sees(&lab->config) && lab->config.shift > 0) {
        glossa_random random = glossa_random_start(lab->config.seed, PURPOSE_SHIFT, stream);
        move_image(lab, &random, from->ids + from->starts[pair], d->sources + d->starts[place]);
    }
}

/* A text of a language model is source and target in one. */
static void double_text(const strings *d, uint32_t place) {
    const uint32_t count = d->starts[place + 1] - d->starts[place];
    memcpy(d->targets + d->ends[place], d->sources + d->starts[place], count * sizeof *d->targets);
    d->ends[place + 1] = d->ends[place] + count;
}

static glossa_status draw_pairs(glossa_lab *lab, uint32_t number, glossa_lab_batch *out, glossa_error *error) {
    glossa_corpus *corpus = lab->corpus;
    const uint32_t count = glossa_corpus_batch_size(corpus, number), epoch = number / corpus->batch_count;
    const bool guided = lab->config.guided > 0;
    const size_t room = room_of(corpus);
    strings d;
    FORWARD(place_pairs(lab, &d, error));
    uint32_t *const ids[2] = {d.sources, d.targets}, *const starts[2] = {d.starts, d.ends};
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t pair = glossa_corpus_pair(corpus, number, i);
        for (int side = 0; side < (corpus->data->kind == GLOSSA_LAB_TEXTS ? 1 : 2); side++) {
            const size_t used = starts[side][i], needed = used + corpus->most_tokens; /* for the best ones behind */
            const size_t left = room > needed ? room - needed : 0;
            size_t tokens;
            FORWARD(glossa_corpus_tokens(corpus, pair, side, epoch, ids[side] + used,
                                         guided ? ids[side] + room + used : NULL,
                                         left < corpus->context ? left : corpus->context, &tokens, error));
            starts[side][i + 1] = (uint32_t)(used + tokens);
        }
        if (corpus->data->kind == GLOSSA_LAB_TEXTS) double_text(&d, i);
        vary(lab, &d, i, pair, epoch);
    }
    *out = batch_of(&d, count);
    return guided ? draw_alignment(lab, number, (const uint32_t *const[]){ids[0] + room, ids[1] + room}, out, error)
                  : GLOSSA_OK;
}

/* ---- either ----------------------------------------------------------------------------------------------------- */

uint32_t glossa_batch_size(const glossa_lab *lab, uint32_t number) {
    return lab->corpus ? glossa_corpus_batch_size(lab->corpus, number) : lab->config.batch;
}

glossa_status glossa_batch_next(glossa_lab *lab, uint32_t number, glossa_lab_batch *out, glossa_error *error) {
    if (lab->corpus) return draw_pairs(lab, number, out, error);
    return draw_strings(lab, false, number * lab->config.batch, lab->config.batch, out, error);
}

glossa_status glossa_batch_held_out(glossa_lab *lab, uint32_t first, uint32_t count, glossa_lab_batch *out,
                                    glossa_error *error) {
    if (lab->corpus) return draw_held_out(lab, first, count, out, error);
    return draw_strings(lab, true, first, count, out, error);
}

/* Batches are cut from pairs in order of length: the first of a length is followed by others that are as large at most.
 */
static bool next_shape(const glossa_corpus *corpus, uint32_t *at, uint32_t *count, uint32_t *length) {
    const uint32_t before_count = *count, before_length = *length;
    for (; *at < corpus->batch_count; ++*at) {
        const uint32_t begin = corpus->batches[*at], end = corpus->batches[*at + 1];
        *count = end - begin;
        *length = glossa_corpus_length(corpus, corpus->sorted[end - 1]);
        if (*count != before_count || *length != before_length) return true;
    }
    return false;
}

bool glossa_batch_shape(glossa_lab *lab, glossa_batch_shapes *shape, glossa_lab_batch *out, glossa_status *status,
                        glossa_error *error) {
    const glossa_corpus *corpus = lab->corpus;
    uint32_t source, target;
    strings d;
    if (corpus) {
        if (!next_shape(corpus, &shape->next, &shape->count, &shape->length)) return false;
        *status = place_pairs(lab, &d, error);
        source = target = shape->length;
        if (*status == GLOSSA_OK && lab->config.guided > 0)
            *status = place_alignment(lab, (size_t)shape->count * source * target, error);
    } else {
        if (!lab->task || shape->next++ > 0) return false;
        shape->count = lab->config.batch;
        source = (uint32_t)glossa_task_longest_source(lab->task, &lab->config) + 1;
        target = (uint32_t)glossa_task_longest_target(lab->task, &lab->config) + 1;
        *status = place_drawn(lab, shape->count, &d, error);
    }
    if (*status != GLOSSA_OK) return false;
    for (uint32_t i = 0; i < shape->count; i++) {
        d.starts[i + 1] = d.starts[i] + source;
        d.ends[i + 1] = d.ends[i] + target;
    }
    *out = batch_of(&d, shape->count);
    return true;
}
