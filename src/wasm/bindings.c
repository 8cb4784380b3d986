/*
 * The WebAssembly boundary: glossa.h as plain numbers and pointers for one JavaScript file (src/js/core.js).
 *
 * A context owns one checkpoint, its model and one session. What a call gives beside its status is written to the
 * context's slots, 32-bit words that the caller reads before the next call. Texts and arrays that a call takes are
 * written by the caller into a block from glossa_context_input (glossa_begin's, kept until the next one) or
 * glossa_context_scratch (anything shorter-lived), and named by offsets or pointers into it.
 */
#include "glossa.h"
#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT        __attribute__((used, visibility("default")))
#define SLOTS         32
#define MODEL_BORDER  64
#define MAX_SENTENCES 4096
#define BLOCK_LEAST   32768 /* texts and options of most batches */

_Static_assert(sizeof(void *) == 4 && sizeof(size_t) == 4, "slots carry pointers and sizes");
_Static_assert(sizeof(glossa_token) == 12, "tokens cross the boundary as three words");
_Static_assert(sizeof(glossa_branch) == 20, "branches cross the boundary as five words");
_Static_assert(sizeof(glossa_cut) == 8, "cuts cross the boundary as two words");

typedef struct glossa_context {
    uint32_t slots[SLOTS];
    glossa_error error;
    uint8_t *allocation; /* what malloc gave for the checkpoint */
    uint8_t *checkpoint; /* its first 64-byte border */
    size_t checkpoint_size;
    glossa_model *model;
    glossa_session *session;
    uint8_t *input;   /* the texts and arrays of the batch under way */
    uint8_t *scratch; /* the text of one call */
    size_t input_size, scratch_size;
    bool timed;
    glossa_branch branches[2 * GLOSSA_MAX_BEAM];
    glossa_cut cuts[GLOSSA_MAX_CUTS];
} glossa_context;

/* Milliseconds of a monotonic clock. */
__attribute__((import_module("glossa"), import_name("now"))) double glossa_import_now(void);

static uint64_t clock_now(void *user) {
    (void)user;
    return (uint64_t)(glossa_import_now() * 1e6);
}

static uint32_t word_of(float value) {
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

static uint32_t address(const void *pointer) {
    return (uint32_t)(uintptr_t)pointer;
}

static uint32_t fail(glossa_context *context, glossa_status status, const char *message) {
    context->error.status = status;
    strncpy(context->error.message, message, sizeof context->error.message - 1);
    context->error.message[sizeof context->error.message - 1] = 0;
    return status;
}

static uint32_t need_session(glossa_context *context) {
    if (context->session) return GLOSSA_OK;
    return fail(context, GLOSSA_ERROR_STATE, "no session is open: open a model and a session first");
}

/* ---- the context ------------------------------------------------------------------------------------------------ */

/* Blocks that stay where they are: one that came and went with every batch would lie behind the session's memory and
   keep that from growing in place, so that the heap held it twice. */
static uint8_t *reserve(uint8_t **block, size_t *capacity, size_t size) {
    if (!*block || size > *capacity) {
        free(*block);
        *capacity = size > BLOCK_LEAST ? size : BLOCK_LEAST;
        *block = malloc(*capacity);
    }
    return *block;
}

/* NULL where there is no memory. */
EXPORT glossa_context *glossa_context_open(void) {
    glossa_context *context = calloc(1, sizeof *context);
    if (!context) return NULL;
    if (reserve(&context->input, &context->input_size, 0) && reserve(&context->scratch, &context->scratch_size, 0))
        return context;
    free(context->input);
    free(context);
    return NULL;
}

static void close_model(glossa_context *context) {
    glossa_session_close(context->session);
    glossa_model_close(context->model);
    free(context->allocation);
    context->session = NULL;
    context->model = NULL;
    context->allocation = NULL;
    context->checkpoint = NULL;
    context->checkpoint_size = 0;
}

EXPORT void glossa_context_close(glossa_context *context) {
    if (!context) return;
    close_model(context);
    free(context->input);
    free(context->scratch);
    free(context);
}

EXPORT uint32_t *glossa_context_slots(glossa_context *context) {
    return context->slots;
}

/* The last message, NUL-terminated. */
EXPORT const char *glossa_context_error(const glossa_context *context) {
    return context->error.message;
}

/* A block of at least `size` bytes in place of the last one; NULL where there is no memory. */
EXPORT uint8_t *glossa_context_input(glossa_context *context, size_t size) {
    return reserve(&context->input, &context->input_size, size);
}

EXPORT uint8_t *glossa_context_scratch(glossa_context *context, size_t size) {
    return reserve(&context->scratch, &context->scratch_size, size);
}

/* ---- the model -------------------------------------------------------------------------------------------------- */

/* Room for a checkpoint of `size` bytes on a 64-byte border, in place of an open one; the caller writes it there. */
EXPORT uint8_t *glossa_context_checkpoint(glossa_context *context, size_t size) {
    close_model(context);
    if (size > SIZE_MAX - MODEL_BORDER) return NULL;
    context->allocation = malloc(size + MODEL_BORDER);
    if (!context->allocation) return NULL;
    const uintptr_t border = ((uintptr_t)context->allocation + MODEL_BORDER - 1) & ~(uintptr_t)(MODEL_BORDER - 1);
    context->checkpoint = (uint8_t *)border;
    context->checkpoint_size = size;
    return context->checkpoint;
}

/* Opens the checkpoint that was written. After a failure its memory is free again. */
EXPORT uint32_t glossa_context_open_model(glossa_context *context) {
    if (!context->checkpoint || context->model)
        return fail(context, GLOSSA_ERROR_STATE, "no checkpoint has been written");
    const glossa_status status =
        glossa_model_open(context->checkpoint, context->checkpoint_size, NULL, &context->model, &context->error);
    if (status != GLOSSA_OK) close_model(context);
    return status;
}

/* Slots: name (pointer, size), then numbers in the order written here. */
EXPORT uint32_t glossa_context_describe(glossa_context *context) {
    if (!context->model) return fail(context, GLOSSA_ERROR_STATE, "no model is open");
    glossa_model_info info;
    glossa_model_describe(context->model, &info);
    uint32_t *out = context->slots;
    *out++ = address(info.name.data);
    *out++ = (uint32_t)info.name.size;
    const uint32_t numbers[] = {info.encoder_layers,
                                info.decoder_layers,
                                info.heads,
                                info.width,
                                info.ffn_width,
                                info.source_vocabulary,
                                info.target_vocabulary,
                                info.context,
                                (uint32_t)info.mixer,
                                (uint32_t)info.alignment_layer,
                                (uint32_t)info.alignment_head,
                                (uint32_t)info.parameters,
                                (uint32_t)(info.parameters >> 32),
                                (uint32_t)info.tensor_bytes,
                                (uint32_t)info.working_bytes,
                                info.training_length};
    memcpy(out, numbers, sizeof numbers);
    return GLOSSA_OK;
}

/* Slots: tag (pointer, size; 0 beyond the last language), token (-1: none). */
EXPORT uint32_t glossa_context_language(glossa_context *context, uint32_t target, uint32_t index) {
    if (!context->model) return fail(context, GLOSSA_ERROR_STATE, "no model is open");
    const glossa_language language = glossa_model_language(context->model, target != 0, index);
    context->slots[0] = address(language.tag.data);
    context->slots[1] = (uint32_t)language.tag.size;
    context->slots[2] = (uint32_t)language.token;
    return GLOSSA_OK;
}

/* Slots: pointer, size. */
EXPORT uint32_t glossa_context_piece(glossa_context *context, uint32_t target, uint32_t id) {
    if (!context->model) return fail(context, GLOSSA_ERROR_STATE, "no model is open");
    const glossa_text piece = glossa_model_piece(context->model, target != 0, id);
    context->slots[0] = address(piece.data);
    context->slots[1] = (uint32_t)piece.size;
    return GLOSSA_OK;
}

/* NUL-terminated; empty without a model. */
EXPORT const char *glossa_context_kernels(const glossa_context *context) {
    return context->model ? glossa_model_kernels(context->model) : "";
}

/* 0 if the kernels that this build is made for give the scalar bits on this machine, else the verb that does not. */
EXPORT uint32_t glossa_kernels_check(void) {
    return (uint32_t)glossa_kernels_self_test(glossa_kernels_all()[0]);
}

EXPORT const char *glossa_context_version(void) {
    return glossa_version();
}

/* ---- the session ------------------------------------------------------------------------------------------------ */

/* Opens a session, in place of one that is open; 0 takes the default of a limit. */
EXPORT uint32_t glossa_context_open_session(glossa_context *context, uint32_t sentences, uint32_t source_tokens,
                                            uint32_t beam, uint32_t rows) {
    if (!context->model) return fail(context, GLOSSA_ERROR_STATE, "no model is open");
    const glossa_limits limits = {.sentences = sentences, .source_tokens = source_tokens, .beam = beam, .rows = rows};
    glossa_session_close(context->session);
    context->session = NULL;
    const glossa_status status = glossa_session_open(context->model, &limits, &context->session, &context->error);
    if (status == GLOSSA_OK && context->timed) glossa_session_set_clock(context->session, clock_now, NULL);
    return status;
}

/* Bytes that the session and the model hold beside the checkpoint. */
EXPORT uint32_t glossa_context_working_bytes(const glossa_context *context) {
    if (!context->model) return 0;
    glossa_model_info info;
    glossa_model_describe(context->model, &info);
    return (uint32_t)info.working_bytes + (context->session ? (uint32_t)glossa_session_bytes(context->session) : 0);
}

EXPORT void glossa_context_set_timed(glossa_context *context, uint32_t timed) {
    context->timed = timed != 0;
    if (context->session) glossa_session_set_clock(context->session, context->timed ? clock_now : NULL, NULL);
}

/* Slots: microseconds of tokenize, encode, decode, output. */
EXPORT uint32_t glossa_context_timings(glossa_context *context) {
    const uint32_t status = need_session(context);
    if (status) return status;
    glossa_timings timings;
    glossa_session_timings(context->session, &timings);
    context->slots[0] = (uint32_t)(timings.tokenize / 1000);
    context->slots[1] = (uint32_t)(timings.encode / 1000);
    context->slots[2] = (uint32_t)(timings.decode / 1000);
    context->slots[3] = (uint32_t)(timings.output / 1000);
    return GLOSSA_OK;
}

/* Slots: tokens, their count. */
EXPORT uint32_t glossa_context_tokenize(glossa_context *context, const char *text, size_t size) {
    const uint32_t status = need_session(context);
    if (status) return status;
    const glossa_token *tokens = NULL;
    size_t count = 0;
    const glossa_text source = {text, size};
    const glossa_status tokenized = glossa_tokenize(context->session, source, &tokens, &count, &context->error);
    context->slots[0] = address(tokens);
    context->slots[1] = (uint32_t)count;
    return tokenized;
}

/* Slots: cuts (count and score of each), how many, tokens of all. `most` is GLOSSA_MAX_CUTS at most. */
EXPORT uint32_t glossa_context_cuts(glossa_context *context, const char *text, size_t size, uint32_t most) {
    const uint32_t status = need_session(context);
    if (status) return status;
    const glossa_token *tokens = NULL;
    size_t found = 0;
    const glossa_text source = {text, size};
    const glossa_status cut =
        glossa_cuts(context->session, source, most, context->cuts, &found, &tokens, &context->error);
    context->slots[0] = address(context->cuts);
    context->slots[1] = (uint32_t)found;
    context->slots[2] = address(tokens);
    return cut;
}

/* ---- translation ------------------------------------------------------------------------------------------------ */

/*
 * `input` is the block from glossa_context_input: `count` sizes of texts (words), then `options` as words, then the
 * banned ids, the prefix ids, the source prefix ids, the head mask, and the texts one after the other. The options, in
 * order: beam, search, whether normalize is set, normalize (a float), max_length, no_repeat_ngram, top_k, number of
 * banned ids, of prefix ids, of source prefix ids, bytes of head mask (0: none), what to leave out (glossa_without).
 */
enum {
    BEAM,
    SEARCH,
    NORMALIZE_SET,
    NORMALIZE,
    MAX_LENGTH,
    NO_REPEAT,
    TOP_K,
    BANNED,
    PREFIX,
    SOURCE_PREFIX,
    MASK,
    WITHOUT,
    OPTION_WORDS
};

/* How many words the options take, by which JavaScript of another release is told apart. */
EXPORT uint32_t glossa_option_words(void) {
    return OPTION_WORDS;
}

EXPORT uint32_t glossa_context_begin(glossa_context *context, uint32_t count) {
    const uint32_t ready = need_session(context);
    if (ready) return ready;
    if (!context->input || count > MAX_SENTENCES)
        return fail(context, GLOSSA_ERROR_ARGUMENT, "a batch needs its input block and at most 4096 texts");

    const uint32_t *sizes = (const uint32_t *)context->input;
    const uint32_t *words = sizes + count;
    const uint32_t *banned = words + OPTION_WORDS;
    const uint32_t *prefix = banned + words[BANNED];
    const uint32_t *source_prefix = prefix + words[PREFIX];
    const uint8_t *mask = (const uint8_t *)(source_prefix + words[SOURCE_PREFIX]);
    const char *text = (const char *)mask + words[MASK];

    glossa_options options = {.beam = words[BEAM],
                              .search = (glossa_search)words[SEARCH],
                              .normalize_set = words[NORMALIZE_SET] != 0,
                              .max_length = words[MAX_LENGTH],
                              .no_repeat_ngram = words[NO_REPEAT],
                              .top_k = words[TOP_K],
                              .banned = words[BANNED] ? banned : NULL,
                              .banned_count = words[BANNED],
                              .prefix = words[PREFIX] ? prefix : NULL,
                              .prefix_count = words[PREFIX],
                              .source_prefix = words[SOURCE_PREFIX] ? source_prefix : NULL,
                              .source_prefix_count = words[SOURCE_PREFIX],
                              .head_mask = words[MASK] ? mask : NULL,
                              .without = words[WITHOUT]};
    memcpy(&options.normalize, &words[NORMALIZE], sizeof options.normalize);

    glossa_text *texts = malloc((count ? count : 1) * sizeof *texts);
    if (!texts) return fail(context, GLOSSA_ERROR_MEMORY, "out of memory for the batch");
    for (uint32_t i = 0; i < count; i++) {
        texts[i].data = text;
        texts[i].size = sizes[i];
        text += sizes[i];
    }
    const glossa_status status = glossa_begin(context->session, texts, count, &options, &context->error);
    free(texts);
    return status;
}

/* Slots: done, steps done, sentences done, target tokens. */
EXPORT uint32_t glossa_context_step(glossa_context *context) {
    const uint32_t ready = need_session(context);
    if (ready) return ready;
    glossa_progress progress = {0};
    const glossa_status status = glossa_step(context->session, &progress, &context->error);
    context->slots[0] = progress.done;
    context->slots[1] = progress.steps_done;
    context->slots[2] = progress.sentences_done;
    context->slots[3] = progress.target_tokens;
    return status;
}

EXPORT uint32_t glossa_context_result_count(const glossa_context *context, uint32_t sentence) {
    return context->session ? (uint32_t)glossa_result_count(context->session, sentence) : 0;
}

/* Slots: text, its size, tokens, log-probabilities, their count, score (a float). */
EXPORT uint32_t glossa_context_result(glossa_context *context, uint32_t sentence, uint32_t rank) {
    const uint32_t ready = need_session(context);
    if (ready) return ready;
    glossa_hypothesis best = {0};
    const glossa_status status = glossa_result(context->session, sentence, rank, &best, &context->error);
    context->slots[0] = address(best.text.data);
    context->slots[1] = (uint32_t)best.text.size;
    context->slots[2] = address(best.tokens);
    context->slots[3] = address(best.log_probability);
    context->slots[4] = (uint32_t)best.count;
    context->slots[5] = word_of(best.score);
    return status;
}

/* Slots: branches (as glossa_branch has them), their count. */
EXPORT uint32_t glossa_context_branches(glossa_context *context, uint32_t sentence) {
    const uint32_t ready = need_session(context);
    if (ready) return ready;
    context->slots[0] = address(context->branches);
    context->slots[1] = (uint32_t)glossa_branches(context->session, sentence, context->branches);
    return GLOSSA_OK;
}

/* Slots: text, its size. */
EXPORT uint32_t glossa_context_partial(glossa_context *context, uint32_t sentence) {
    const uint32_t ready = need_session(context);
    if (ready) return ready;
    glossa_text text = {0};
    const glossa_status status = glossa_partial(context->session, sentence, &text, &context->error);
    context->slots[0] = address(text.data);
    context->slots[1] = (uint32_t)text.size;
    return status;
}

/* Slots: the fields of glossa_explanation in their order. */
EXPORT uint32_t glossa_context_explain(glossa_context *context, uint32_t sentence, uint32_t rank) {
    const uint32_t ready = need_session(context);
    if (ready) return ready;
    glossa_explanation seen = {0};
    const glossa_status status = glossa_explain(context->session, sentence, rank, &seen, &context->error);
    const uint32_t words[] = {address(seen.source),
                              (uint32_t)seen.source_count,
                              address(seen.target),
                              (uint32_t)seen.target_count,
                              address(seen.encoder_attention),
                              address(seen.decoder_attention),
                              address(seen.cross_attention),
                              address(seen.encoder_hidden),
                              address(seen.decoder_hidden),
                              address(seen.log_probability),
                              seen.top_k,
                              address(seen.top_ids),
                              address(seen.top_log_probability)};
    memcpy(context->slots, words, sizeof words);
    return status;
}
