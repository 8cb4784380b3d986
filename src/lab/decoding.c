/* What the network makes of sources: greedy, each token from a pass over all before it, as texts of a lab are short. */
#include <string.h>

#include "lab/batch.h"
#include "lab/bleu.h"
#include "lab/decoding.h"
#include "lab/labels.h"
#include "lab/pass.h"

/* Sources that are decoded together. */
typedef struct decoder {
    glossa_lab *lab;
    const glossa_lab_batch *sources;
    glossa_rules rules;
    size_t width;                                                     /* tokens of the longest output */
    uint32_t *outputs;                                                /* (count, width) */
    uint32_t *lengths;                                                /* (count) without the end */
    uint32_t *limits;                                                 /* (count) */
    bool *ended;                                                      /* (count) */
    uint32_t *source, *source_starts, *target, *target_starts, *best; /* of those that go on, as a batch */
    size_t total;                                                     /* of tokens in `target` */
} decoder;

static glossa_status allocate(decoder *d, void **memory, glossa_error *error) {
    const size_t count = d->sources->count, tokens = d->sources->source_starts[count];
    glossa_arena arena = {0};
    size_t size = 0;
    for (int carving = 0; carving < 2; carving++) {
        d->outputs = TAKE(&arena, uint32_t, count, d->width);
        d->target = TAKE(&arena, uint32_t, count, d->width);
        d->best = TAKE(&arena, uint32_t, count, d->width);
        d->source = TAKE(&arena, uint32_t, tokens);
        d->source_starts = TAKE(&arena, uint32_t, count + 1);
        d->target_starts = TAKE(&arena, uint32_t, count + 1);
        d->lengths = TAKE(&arena, uint32_t, count);
        d->limits = TAKE(&arena, uint32_t, count);
        d->ended = TAKE(&arena, bool, count);
        if (carving) break;
        FAIL_IF(!glossa_arena_place(&arena, &d->lab->allocator, memory, &size), error, GLOSSA_ERROR_MEMORY,
                "out of memory to decode %zu texts", count);
    }
    return GLOSSA_OK;
}

/* Those that go on as a batch, each with its output so far and one token more, which is not looked at. */
static glossa_lab_batch gather(decoder *d) {
    const glossa_lab_batch *s = d->sources;
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (d->ended[i]) continue;
        const uint32_t length = s->source_starts[i + 1] - s->source_starts[i];
        memcpy(d->source + d->source_starts[count], s->source + s->source_starts[i], length * sizeof *d->source);
        d->source_starts[count + 1] = d->source_starts[count] + length;
        uint32_t *to = d->target + d->target_starts[count];
        memcpy(to, d->outputs + i * d->width, d->lengths[i] * sizeof *to);
        to[d->lengths[i]] = d->rules.eos;
        d->target_starts[count + 1] = d->target_starts[count] + d->lengths[i] + 1;
        count++;
    }
    return (glossa_lab_batch){count, d->source, d->source_starts, d->target, d->target_starts, NULL};
}

static glossa_status decode(decoder *d, glossa_error *error) {
    glossa_pass pass = {.values = glossa_lab_values(d->lab), .best = d->best, .rules = &d->rules};
    for (;;) {
        const glossa_lab_batch batch = gather(d);
        if (batch.count == 0) return GLOSSA_OK;
        FORWARD(glossa_pass_run(d->lab, &batch, 1, &pass, error));
        for (size_t i = 0, at = 0; i < d->sources->count; i++) {
            if (d->ended[i]) continue;
            const uint32_t token = d->best[d->target_starts[++at] - 1];
            d->ended[i] = token == d->rules.eos;
            if (d->ended[i]) continue;
            d->outputs[i * d->width + d->lengths[i]++] = token;
            d->ended[i] = d->lengths[i] >= d->limits[i];
        }
    }
}

/* Opens a decoder for sources; outputs are as long as the engine's at most. *memory is the caller's to release, also
   after a failure. */
static glossa_status open_decoder(glossa_lab *lab, const glossa_lab_batch *sources, decoder *d, void **memory,
                                  glossa_error *error) {
    const uint32_t *starts = sources->source_starts;
    *d = (decoder){.lab = lab, .sources = sources, .rules = glossa_decoding_rules(lab)};
    for (size_t i = 0; i < sources->count; i++) {
        const uint32_t limit = glossa_rules_limit(starts[i + 1] - starts[i], lab->config.context);
        if (limit > d->width) d->width = limit;
    }
    FORWARD(allocate(d, memory, error));
    for (size_t i = 0; i < sources->count; i++)
        d->limits[i] = glossa_rules_limit(starts[i + 1] - starts[i], lab->config.context);
    return GLOSSA_OK;
}

glossa_rules glossa_decoding_rules(const glossa_lab *lab) {
    static const uint32_t special[] = {TASK_PAD, TASK_UNK, TASK_BOS};
    const glossa_lexicon *text = &lab->lexicon;
    if (lab->task)
        return (glossa_rules){.beam = 1, .banned = {special}, .banned_count = {3}, .eos = TASK_EOS, .first_byte = -1};
    if (!text->target || lab->config.architecture == ARCHITECTURE_CLASSIFIER ||
        lab->config.architecture == ARCHITECTURE_MASKED)
        return (glossa_rules){0};
    return (glossa_rules){.beam = 1,
                          .banned = {text->banned},
                          .banned_count = {text->banned_count},
                          .eos = (uint32_t)glossa_tokenizer_eos(text->target),
                          .first_byte = glossa_tokenizer_first_byte(text->target)};
}

glossa_status glossa_decode_exact(glossa_lab *lab, const glossa_lab_batch *batch, uint32_t *exact,
                                  glossa_error *error) {
    decoder d;
    void *memory = NULL;
    *exact = 0;
    glossa_status status = open_decoder(lab, batch, &d, &memory, error);
    if (status == GLOSSA_OK) status = decode(&d, error);
    for (size_t i = 0; i < batch->count && status == GLOSSA_OK; i++) {
        const uint32_t *target = batch->target + batch->target_starts[i];
        const uint32_t count = batch->target_starts[i + 1] - batch->target_starts[i]; /* the end included */
        *exact +=
            d.lengths[i] + 1 == count && memcmp(d.outputs + i * d.width, target, d.lengths[i] * sizeof *target) == 0;
    }
    glossa_release(&lab->allocator, memory);
    return status;
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

glossa_status glossa_decoding_text(glossa_lab *lab, const uint32_t *ids, size_t count, glossa_text *text,
                                   glossa_error *error) {
    const glossa_tokenizer *tokenizer = lab->lexicon.target;
    const size_t room = glossa_tokenizer_decode_bound(tokenizer, count);
    FORWARD(glossa_lab_grow(lab, &lab->text, count * sizeof(glossa_token) + room + 1, "bytes of a text", error));
    glossa_token *tokens = lab->text.data;
    char *out = (char *)(tokens + count);
    for (size_t i = 0; i < count; i++)
        tokens[i] = (glossa_token){.id = ids[i]};
    text->data = out;
    return glossa_tokenizer_decode(tokenizer, tokens, count, out, room, &text->size, error);
}

static glossa_status decode_task(glossa_lab *lab, const decoder *d, glossa_text *target) {
    for (size_t i = 0; i < d->lengths[0]; i++)
        lab->target_text[i] =
            d->outputs[i] < TASK_CHARACTERS ? '?' : lab->task->characters[d->outputs[i] - TASK_CHARACTERS];
    lab->target_text[d->lengths[0]] = 0;
    *target = (glossa_text){lab->target_text, d->lengths[0]};
    return GLOSSA_OK;
}

/* The tokens of a task's source, in memory of the lab. */
static glossa_status encode_task(glossa_lab *lab, glossa_text source, glossa_lab_batch *out, glossa_error *error) {
    const size_t room = lab->config.context < GLOSSA_TASK_TEXT ? lab->config.context : GLOSSA_TASK_TEXT;
    FAIL_IF(source.size == 0 || source.size + 1 > room, error, GLOSSA_ERROR_LIMIT,
            "the source has %zu characters, need 1 to %zu", source.size, room - 1);
    uint32_t *ids, *starts;
    FORWARD(glossa_batch_place_source(lab, source.size + 1, &ids, &starts, error));
    memcpy(lab->source_text, source.data, source.size);
    lab->source_text[source.size] = 0;
    const size_t size =
        strlen(lab->source_text) == source.size ? glossa_task_encode(lab->task, lab->source_text, ids) : 0;
    for (size_t i = 0; i < source.size; i++)
        FAIL_IF(size == 0 || ids[i] == TASK_UNK, error, GLOSSA_ERROR_ARGUMENT,
                "character %zu of the source is none of task '%s': %s", i, lab->task->name, lab->task->characters);
    starts[1] = (uint32_t)size;
    *out = (glossa_lab_batch){1, ids, starts, NULL, NULL, NULL};
    return GLOSSA_OK;
}

glossa_status glossa_decoding_source(glossa_lab *lab, const glossa_token *tokens, size_t count, glossa_lab_batch *out,
                                     glossa_error *error) {
    uint32_t *ids, *starts;
    FAIL_IF(count == 0 || count >= lab->config.context, error, GLOSSA_ERROR_LIMIT,
            "the source has %zu tokens, need 1 to %u", count, (unsigned)lab->config.context - 1);
    FORWARD(glossa_batch_place_source(lab, count + 1, &ids, &starts, error));
    for (size_t i = 0; i < count; i++)
        ids[i] = tokens[i].id;
    ids[count] = (uint32_t)glossa_tokenizer_eos(lab->lexicon.source);
    starts[1] = (uint32_t)count + 1;
    *out = (glossa_lab_batch){1, ids, starts, NULL, NULL, NULL};
    return GLOSSA_OK;
}

static glossa_status encode_text(glossa_lab *lab, glossa_text source, glossa_lab_batch *out, glossa_error *error) {
    glossa_token *tokens;
    size_t count;
    FORWARD(glossa_tokenizer_encode(lab->lexicon.source, source, &tokens, &count, error));
    const glossa_status status = glossa_decoding_source(lab, tokens, count, out, error);
    glossa_tokenizer_free_tokens(lab->lexicon.source, tokens);
    return status;
}

static glossa_status encode_label(glossa_lab *lab, glossa_text label, const uint32_t **ids, size_t *count,
                                  glossa_error *error) {
    FORWARD(glossa_lab_grow(lab, &lab->text, sizeof **ids, "bytes of a label", error));
    uint32_t *out = lab->text.data;
    *out = glossa_labels_find(&lab->lexicon, label);
    FAIL_IF(*out == GLOSSA_NO_LABEL, error, GLOSSA_ERROR_ARGUMENT, "the classifier has no label '%.*s'", SHOWN(label));
    *ids = out;
    *count = 1;
    return GLOSSA_OK;
}

/* ---- tokens ----------------------------------------------------------------------------------------------------- */

glossa_status glossa_lab_encode(glossa_lab *lab, bool target, glossa_text text, const uint32_t **ids, size_t *count,
                                glossa_error *error) {
    if (!lab->task) FORWARD(glossa_lexicon_open(&lab->lexicon, &lab->allocator, error));
    if (target && lab->lexicon.labels) return encode_label(lab, text, ids, count, error);
    const glossa_tokenizer *tokenizer = target ? lab->lexicon.target : lab->lexicon.source;
    glossa_token *tokens = NULL;
    *count = text.size;
    if (!lab->task) FORWARD(glossa_tokenizer_encode(tokenizer, text, &tokens, count, error));
    const glossa_status status =
        glossa_lab_grow(lab, &lab->text, (*count + 1) * sizeof **ids, "bytes of tokens", error);
    uint32_t *out = status == GLOSSA_OK ? lab->text.data : NULL;
    for (size_t i = 0; out && i < *count; i++)
        out[i] = tokens ? tokens[i].id : glossa_task_token(lab->task, text.data[i]);
    if (out) out[*count] = lab->task ? TASK_EOS : (uint32_t)glossa_tokenizer_eos(tokenizer);
    *ids = out;
    ++*count;
    if (tokens) glossa_tokenizer_free_tokens(tokenizer, tokens);
    return status;
}

glossa_text glossa_lab_piece(const glossa_lab *lab, bool target, uint32_t id) {
    const glossa_tokenizer *tokenizer = target ? lab->lexicon.target : lab->lexicon.source;
    if (target && lab->lexicon.labels) return glossa_lab_label(lab, id);
    if (!lab->task) return tokenizer ? glossa_tokenizer_piece(tokenizer, id) : (glossa_text){"", 0};
    if (id == TASK_EOS) return (glossa_text){"</s>", 4};
    if (id < TASK_CHARACTERS || id >= glossa_task_vocabulary(lab->task)) return (glossa_text){"", 0};
    return (glossa_text){lab->task->characters + id - TASK_CHARACTERS, 1};
}

/* ---- labels ----------------------------------------------------------------------------------------------------- */

uint32_t glossa_lab_labels(const glossa_lab *lab) {
    return glossa_classifies(&lab->config) ? lab->network.target_vocabulary : 0;
}

glossa_text glossa_lab_label(const glossa_lab *lab, uint32_t label) {
    return label < lab->lexicon.label_count ? lab->lexicon.labels[label] : (glossa_text){"", 0};
}

void glossa_decoding_row(const glossa_lab *lab, size_t row, float *logits) {
    const glossa_network *n = &lab->network;
    const glossa_tape *tape = &lab->lanes[0].tape;
    const glossa_view *rows = glossa_tape_view(tape, glossa_classifies(&lab->config) ? "pool" : "dec");
    const float *values = glossa_lab_values(lab);
    tape->kernels->linear(rows->data + row * rows->width, values + n->output->offset,
                          n->output_bias ? values + n->output_bias->offset : NULL, 1, n->output->rows, rows->width,
                          logits, tape->work);
}

/* The probability of each label for the source of a batch. */
static glossa_status classify(glossa_lab *lab, const glossa_lab_batch *source, float *probability,
                              glossa_error *error) {
    static const uint32_t label[] = {0}, starts[] = {0, 1};
    const glossa_lab_batch batch = {1, source->source, source->source_starts, label, starts, NULL};
    FORWARD(glossa_lab_forward(lab, &batch, NULL, NULL, error));
    glossa_decoding_row(lab, 0, probability);
    lab->kernels->forward->softmax(probability, glossa_lab_labels(lab));
    return GLOSSA_OK;
}

glossa_status glossa_lab_classify(glossa_lab *lab, glossa_text text, float *probability, glossa_error *error) {
    glossa_lab_batch source;
    FAIL_IF(lab->config.architecture != ARCHITECTURE_CLASSIFIER, error, GLOSSA_ERROR_STATE,
            "the lab's network is no classifier of texts");
    FORWARD(glossa_lexicon_open(&lab->lexicon, &lab->allocator, error));
    FORWARD(glossa_labels_open(&lab->lexicon, &lab->allocator, error));
    FORWARD(encode_text(lab, text, &source, error));
    return classify(lab, &source, probability, error);
}

glossa_status glossa_lab_classify_image(glossa_lab *lab, const uint8_t *pixels, size_t count, float *probability,
                                        glossa_error *error) {
    uint32_t *ids, *starts;
    FAIL_IF(!glossa_sees(&lab->config), error, GLOSSA_ERROR_STATE, "the lab's network sees no images");
    FAIL_IF(count != lab->config.context, error, GLOSSA_ERROR_ARGUMENT, "the image has %zu pixels, need %u x %u", count,
            (unsigned)lab->config.image, (unsigned)lab->config.image);
    FORWARD(glossa_batch_place_source(lab, count, &ids, &starts, error));
    for (size_t i = 0; i < count; i++)
        ids[i] = pixels[i];
    starts[1] = (uint32_t)count;
    return classify(lab, &(glossa_lab_batch){1, ids, starts, NULL, NULL, NULL}, probability, error);
}

static glossa_status predict_label(glossa_lab *lab, glossa_text source, glossa_text *label, glossa_error *error) {
    const uint32_t count = glossa_lab_labels(lab);
    float *probability = glossa_allocate(&lab->allocator, count, sizeof *probability);
    FAIL_IF(!probability, error, GLOSSA_ERROR_MEMORY, "out of memory for %u labels", (unsigned)count);
    const glossa_status status = glossa_lab_classify(lab, source, probability, error);
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++)
        if (probability[i] > probability[best]) best = i;
    *label = glossa_lab_label(lab, best);
    glossa_release(&lab->allocator, probability);
    return status;
}

/* ---- predictions ------------------------------------------------------------------------------------------------ */

/* What a causal language model writes. */
static glossa_status predict_text(glossa_lab *lab, glossa_text source, glossa_text *target, glossa_error *error) {
    bool ended;
    FAIL_IF(lab->config.architecture == ARCHITECTURE_MASKED, error, GLOSSA_ERROR_STATE,
            "a masked language model fills masks in, it predicts nothing else");
    return glossa_lab_continue(lab, source, &(glossa_lab_sampling){0}, target, &ended, error);
}

glossa_status glossa_lab_predict(glossa_lab *lab, glossa_text source, glossa_text *target, glossa_error *error) {
    glossa_lab_batch sources;
    decoder d;
    void *memory = NULL;
    if (glossa_classifies(&lab->config)) return predict_label(lab, source, target, error);
    if (glossa_models_language(&lab->config)) return predict_text(lab, source, target, error);
    if (!lab->task) FORWARD(glossa_lexicon_open(&lab->lexicon, &lab->allocator, error));
    FORWARD(lab->task ? encode_task(lab, source, &sources, error) : encode_text(lab, source, &sources, error));
    glossa_status status = open_decoder(lab, &sources, &d, &memory, error);
    if (status == GLOSSA_OK) status = decode(&d, error);
    if (status == GLOSSA_OK)
        status = lab->task ? decode_task(lab, &d, target)
                           : glossa_decoding_text(lab, d.outputs, d.lengths[0], target, error);
    glossa_release(&lab->allocator, memory);
    return status;
}

static glossa_status score_group(glossa_lab *lab, uint32_t first, uint32_t count, glossa_bleu *bleu,
                                 glossa_error *error) {
    glossa_lab_batch sources;
    decoder d;
    void *memory = NULL;
    FORWARD(glossa_batch_held_out(lab, first, count, &sources, error));
    glossa_status status = open_decoder(lab, &sources, &d, &memory, error);
    if (status == GLOSSA_OK) status = decode(&d, error);
    for (uint32_t i = 0; i < count && status == GLOSSA_OK; i++) {
        glossa_text text;
        status = glossa_decoding_text(lab, d.outputs + i * d.width, d.lengths[i], &text, error);
        if (status == GLOSSA_OK)
            status = glossa_bleu_add(bleu, text, glossa_pairs_text(&lab->corpus->data->held_out, first + i, 1), error);
    }
    glossa_release(&lab->allocator, memory);
    return status;
}

glossa_status glossa_lab_bleu(glossa_lab *lab, uint32_t count, double *score, glossa_error *error) {
    FAIL_IF(!lab->corpus || lab->corpus->held_out.count == 0, error, GLOSSA_ERROR_STATE,
            "no pairs are held out to judge by");
    FAIL_IF(glossa_classifies(&lab->config) || glossa_models_language(&lab->config), error, GLOSSA_ERROR_STATE,
            "only translations have BLEU");
    glossa_bleu bleu = {.allocator = lab->allocator, .tokens = (glossa_bleu_tokens)lab->config.bleu};
    const uint32_t all = (uint32_t)lab->corpus->held_out.count, total = count < all ? count : all,
                   group = lab->config.batch;
    for (uint32_t at = 0; at < total; at += group)
        FORWARD(score_group(lab, at, total - at < group ? total - at : group, &bleu, error));
    *score = glossa_bleu_score(&bleu);
    return GLOSSA_OK;
}
