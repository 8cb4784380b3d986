/* The WebAssembly boundary of the lab: glossa_lab.h as plain numbers and pointers. */
#include <stdlib.h>
#include <string.h>

#include "wasm/lab_context.h"

EXPORT lab_context *lab_context_open(void) {
    lab_context *context = calloc(1, sizeof *context);
    if (context) glossa_lab_defaults(&context->config);
    return context;
}

EXPORT void lab_context_close(lab_context *context) {
    if (!context) return;
    glossa_lab_close(context->lab);
    glossa_lab_data_close(context->data);
    free(context->allocation);
    free(context->file);
    free(context);
}

EXPORT uint32_t *lab_context_slots(lab_context *context) {
    return context->slots;
}

/* The message of the last failure, NUL-terminated. */
EXPORT const char *lab_context_error(const lab_context *context) {
    return context->error.message;
}

/* Room for `size` bytes, aligned to 64; NULL without memory. The old block is gone. */
EXPORT uint8_t *lab_context_block(lab_context *context, size_t size) {
    if (size > SIZE_MAX - 64) return NULL;
    if (!context->block || size > context->block_size) {
        free(context->allocation);
        context->allocation = malloc(size + 64);
        context->block_size = context->allocation ? size : 0;
        context->block = context->allocation + (64 - (uintptr_t)context->allocation % 64) % 64;
        if (!context->allocation) context->block = NULL;
    }
    return context->block;
}

/* The block holds a name and a value, each with a NUL behind it: a setting of the config, or of the lab once it runs.
 */
EXPORT uint32_t lab_context_set(lab_context *context) {
    const char *name = (const char *)context->block, *value = name + strlen(name) + 1;
    if (context->lab) return glossa_lab_change(context->lab, name, value, &context->error);
    return glossa_lab_set(&context->config, name, value, &context->error);
}

/* Sets what the config's JSON, `size` bytes of the block, says. */
EXPORT uint32_t lab_context_configure(lab_context *context, size_t size) {
    const glossa_text json = {(const char *)context->block, size};
    return glossa_lab_configure(&context->config, json, &context->error);
}

static uint32_t replace(lab_context *context, glossa_status status, glossa_lab *lab) {
    if (status != GLOSSA_OK) return status;
    glossa_lab_close(context->lab);
    context->lab = lab;
    return GLOSSA_OK;
}

EXPORT uint32_t lab_context_start(lab_context *context) {
    glossa_lab *lab;
    const glossa_status status = glossa_lab_open(&context->config, NULL, &lab, &context->error);
    return replace(context, status, lab);
}

/* Opens the checkpoint of `size` bytes in the block. */
EXPORT uint32_t lab_context_load(lab_context *context, size_t size) {
    glossa_lab *lab;
    const glossa_status status = glossa_lab_load(context->block, size, &context->config, NULL, &lab, &context->error);
    return replace(context, status, lab);
}

/* ---- pairs of text ---------------------------------------------------------------------------------------------- */

/* Behind the NUL of a name that begins at `at` in the block, of which `size` bytes are filled; 0 where it has none. */
static size_t name_end(const lab_context *context, size_t at, size_t size) {
    if (!context->block || size > context->block_size || at >= size) return 0;
    const uint8_t *end = memchr(context->block + at, 0, size - at);
    return end ? (size_t)(end - context->block) + 1 : 0;
}

static uint32_t no_names(lab_context *context) {
    return glossa_fail(&context->error, GLOSSA_ERROR_ARGUMENT, "the block holds no name with a NUL for each file");
}

typedef enum data_form { FORM_TABLE, FORM_TEXTS, FORM_LINES, FORM_IDX, FORM_IMAGE } data_form;

/* What is learnt from. The block holds a name with a NUL behind it, for two files a second one, then the first file,
   `first` bytes, and the second: `size` bytes in all. The name of a single image is its label. */
EXPORT uint32_t lab_context_data(lab_context *context, uint32_t form, uint32_t held_out, size_t first, size_t size) {
    const bool two = form == FORM_LINES || form == FORM_IDX;
    const size_t middle = name_end(context, 0, size),
                 skipped = middle && two ? name_end(context, middle, size) : middle;
    if (skipped == 0 || first > size - skipped) return no_names(context);
    const char *name = (const char *)context->block, *other = name + middle, *files = name + skipped;
    const glossa_text one = {files, first}, rest = {files + first, size - skipped - first};
    glossa_error *error = &context->error;
    if (!context->data) {
        const glossa_status status = glossa_lab_data_open(NULL, &context->data, error);
        if (status) return status;
    }
    glossa_lab_data *data = context->data;
    const bool held = held_out != 0;
    switch ((data_form)form) {
    case FORM_TEXTS:
        return glossa_lab_data_texts(data, held, name, one, error);
    case FORM_LINES:
        return glossa_lab_data_lines(data, held, name, one, other, rest, error);
    case FORM_IDX:
        return glossa_lab_data_idx(data, held, name, one, other, rest, error);
    case FORM_IMAGE:
        return glossa_lab_data_image(data, held, (const uint8_t *)files, first, (glossa_text){name, middle - 1}, error);
    default:
        return glossa_lab_data_table(data, held, name, one, error);
    }
}

static glossa_lab_data *take_data(lab_context *context) {
    glossa_lab_data *data = context->data;
    context->data = NULL;
    return data;
}

/* Opens a lab that learns from the pairs. The block holds a checkpoint for its vocabulary, which may have 0 bytes, then
   two languages, each with a NUL behind it. */
EXPORT uint32_t lab_context_start_pairs(lab_context *context, size_t vocabulary) {
    glossa_lab *lab;
    const char *source = (const char *)context->block + vocabulary, *target = source + strlen(source) + 1;
    if (!context->data) return glossa_fail(&context->error, GLOSSA_ERROR_STATE, "there is nothing to learn from");
    const glossa_status status =
        glossa_lab_open_pairs(&context->config, take_data(context), source, target, vocabulary ? context->block : NULL,
                              vocabulary, NULL, &lab, &context->error);
    return replace(context, status, lab);
}

/* Gives the pairs to the lab that was loaded. */
EXPORT uint32_t lab_context_attach(lab_context *context) {
    const uint32_t status = need_lab(context);
    if (status) return status;
    if (!context->data) return glossa_fail(&context->error, GLOSSA_ERROR_STATE, "there is nothing to learn from");
    return glossa_lab_attach(context->lab, take_data(context), &context->error);
}

/* slots: pairs to train on and held out; left out without a side, shared, too long; source and target tokens; batches;
   vocabulary. */
EXPORT uint32_t lab_context_pairs(lab_context *context) {
    glossa_lab_pairs p;
    const uint32_t status = need_lab(context);
    if (status) return status;
    glossa_lab_describe_pairs(context->lab, &p);
    const uint32_t slots[] = {
        (uint32_t)p.train,    (uint32_t)p.held_out,      (uint32_t)p.empty,         (uint32_t)p.shared,
        (uint32_t)p.too_long, (uint32_t)p.source_tokens, (uint32_t)p.target_tokens, p.batches,
        p.vocabulary};
    memcpy(context->slots, slots, sizeof slots);
    return GLOSSA_OK;
}

/* BLEU of the first `count` held-out pairs. slots: a double. */
EXPORT uint32_t lab_context_bleu(lab_context *context, uint32_t count) {
    double score;
    uint32_t status = need_lab(context);
    if (status) return status;
    status = glossa_lab_bleu(context->lab, count, &score, &context->error);
    if (status == GLOSSA_OK) memcpy(context->slots, &score, sizeof score);
    return status;
}

/* Tokens of the text in the block, `size` bytes, the end included. slots: the ids and how many. */
EXPORT uint32_t lab_context_encode(lab_context *context, uint32_t target, size_t size) {
    const uint32_t *ids;
    size_t count;
    const glossa_text text = {(const char *)context->block, size};
    uint32_t status = need_lab(context);
    if (status) return status;
    status = glossa_lab_encode(context->lab, target != 0, text, &ids, &count, &context->error);
    if (status) return status;
    context->slots[0] = address(ids);
    context->slots[1] = (uint32_t)count;
    return GLOSSA_OK;
}

/* slots: the text of a token and its bytes. */
EXPORT uint32_t lab_context_piece(lab_context *context, uint32_t target, uint32_t id) {
    const uint32_t status = need_lab(context);
    if (status) return status;
    const glossa_text piece = glossa_lab_piece(context->lab, target != 0, id);
    context->slots[0] = address(piece.data);
    context->slots[1] = (uint32_t)piece.size;
    return GLOSSA_OK;
}

/* ---- training --------------------------------------------------------------------------------------------------- */

/* slots: parameters, bytes, steps, name of the kernels, steps of the whole training. */
EXPORT uint32_t lab_context_describe(lab_context *context) {
    const uint32_t status = need_lab(context);
    if (status) return status;
    context->slots[0] = (uint32_t)glossa_lab_parameters(context->lab);
    context->slots[1] = (uint32_t)glossa_lab_bytes(context->lab);
    context->slots[2] = glossa_lab_steps(context->lab);
    context->slots[3] = address(glossa_lab_kernels(context->lab));
    context->slots[4] = glossa_lab_configuration(context->lab)->steps;
    return GLOSSA_OK;
}

/*
 * The block holds a batch as words: count, the starts of sources (count + 1), those of targets (count + 1), then all
 * source and all target tokens. False where that is more than the block's words.
 */
static bool batch_in_block(const lab_context *context, size_t words, glossa_lab_batch *batch) {
    const uint32_t *word = (const uint32_t *)(const void *)context->block;
    if (!word || words > context->block_size / 4 || words < 3) return false;
    const uint32_t count = word[0];
    if (count == 0 || count > (words - 3) / 2) return false;
    const uint32_t *sources = word + 1, *targets = sources + count + 1;
    const uint64_t tokens = (uint64_t)sources[count] + targets[count];
    if (tokens + 3 + 2 * (uint64_t)count > words || sources[0] != 0 || targets[0] != 0) return false;
    for (uint32_t i = 0; i < count; i++)
        if (sources[i] > sources[i + 1] || targets[i] > targets[i + 1]) return false;
    const uint32_t *ids = targets + count + 1;
    *batch = (glossa_lab_batch){count, ids, sources, ids + sources[count], targets, NULL};
    return true;
}

static uint32_t take_batch(lab_context *context, size_t words, glossa_lab_batch *batch) {
    const uint32_t status = need_lab(context);
    if (status || words == 0) return status;
    if (batch_in_block(context, words, batch)) return GLOSSA_OK;
    return glossa_fail(&context->error, GLOSSA_ERROR_ARGUMENT, "the %zu words of a batch do not hold together", words);
}

/* One step on the batch of `words` words in the block, or on the task's next where that is 0. */
EXPORT uint32_t lab_context_step(lab_context *context, size_t words) {
    glossa_lab_batch batch;
    const uint32_t status = take_batch(context, words, &batch);
    if (status) return status;
    return glossa_lab_step(context->lab, words ? &batch : NULL, &context->report, &context->error);
}

/* Loss and exact matches of the batch in the block, or of `count` held-out strings from number `first` on. */
EXPORT uint32_t lab_context_evaluate(lab_context *context, size_t words, uint32_t first, uint32_t count) {
    glossa_lab_batch batch;
    const uint32_t status = take_batch(context, words, &batch);
    if (status) return status;
    return glossa_lab_evaluate(context->lab, words ? &batch : NULL, first, count, &context->report, &context->error);
}

/* step, tokens, sequences, exact as words, then loss, norm and learning rate in double. */
EXPORT const glossa_lab_report *lab_context_report(const lab_context *context) {
    return &context->report;
}

EXPORT uint32_t lab_context_plateau(lab_context *context, double value) {
    const uint32_t status = need_lab(context);
    if (status == GLOSSA_OK) glossa_lab_plateau(context->lab, value);
    return status;
}

/* The array whose name is in the block. slots: data, rows, width, heads, sequences, starts of queries and of keys. */
EXPORT uint32_t lab_context_read(lab_context *context) {
    glossa_lab_array array;
    uint32_t status = need_lab(context);
    if (status) return status;
    status = glossa_lab_read(context->lab, (const char *)context->block, &array, &context->error);
    if (status) return status;
    const uint32_t slots[] = {address(array.data),      (uint32_t)array.rows,      (uint32_t)array.width,
                              (uint32_t)array.heads,    (uint32_t)array.sequences, address(array.query_starts),
                              address(array.key_starts)};
    memcpy(context->slots, slots, sizeof slots);
    return GLOSSA_OK;
}

/* Gives a row of a parameter other values: the block holds `width` floats, then the name with a NUL behind it. */
EXPORT uint32_t lab_context_write(lab_context *context, size_t row, size_t width) {
    const uint32_t status = need_lab(context);
    if (status) return status;
    if (!context->block || width >= context->block_size / sizeof(float))
        return glossa_fail(&context->error, GLOSSA_ERROR_ARGUMENT, "the block does not hold %zu numbers", width);
    const float *values = (const float *)(const void *)context->block;
    return glossa_lab_write(context->lab, (const char *)(values + width), row, values, width, &context->error);
}

/* A string of the task. slots: source and its bytes, target and its bytes. */
EXPORT uint32_t lab_context_example(lab_context *context, uint32_t held_out, uint32_t index) {
    glossa_text source, target;
    uint32_t status = need_lab(context);
    if (status) return status;
    status = glossa_lab_example(context->lab, held_out != 0, index, &source, &target, &context->error);
    if (status) return status;
    context->slots[0] = address(source.data);
    context->slots[1] = (uint32_t)source.size;
    context->slots[2] = address(target.data);
    context->slots[3] = (uint32_t)target.size;
    return GLOSSA_OK;
}

/* Setting `index`. slots: its name, what it takes; 0 beyond the last. */
EXPORT void lab_context_setting(lab_context *context, uint32_t index) {
    const char *takes = NULL, *name = glossa_lab_setting(index, &takes);
    context->slots[0] = address(name);
    context->slots[1] = name ? address(takes) : 0;
}

/* What the source in the block, NUL-terminated, becomes. slots: the text and its bytes. */
EXPORT uint32_t lab_context_predict(lab_context *context) {
    const char *text = (const char *)context->block;
    glossa_text target;
    uint32_t status = need_lab(context);
    if (status) return status;
    status = glossa_lab_predict(context->lab, (glossa_text){text, strlen(text)}, &target, &context->error);
    if (status) return status;
    context->slots[0] = address(target.data);
    context->slots[1] = (uint32_t)target.size;
    return GLOSSA_OK;
}

/* Labels of a classifier; 0 of another network. */
EXPORT uint32_t lab_context_labels(const lab_context *context) {
    return context->lab ? glossa_lab_labels(context->lab) : 0;
}

/* slots: the text of a label and its bytes. */
EXPORT void lab_context_label(lab_context *context, uint32_t label) {
    const glossa_text text = context->lab ? glossa_lab_label(context->lab, label) : (glossa_text){"", 0};
    context->slots[0] = address(text.data);
    context->slots[1] = (uint32_t)text.size;
}

/* The probability of each label for the text in the block, NUL-terminated, or for its image, of whose `size` bytes the
   block has room for as many floats behind them. slots: where they are. */
EXPORT uint32_t lab_context_classify(lab_context *context, uint32_t image, uint32_t size) {
    const char *text = (const char *)context->block;
    float *probability = (float *)(void *)(context->block + (size + 15) / 16 * 16);
    const uint32_t status = need_lab(context);
    if (status) return status;
    context->slots[0] = address(probability);
    if (image) return glossa_lab_classify_image(context->lab, context->block, size, probability, &context->error);
    return glossa_lab_classify(context->lab, (glossa_text){text, strlen(text)}, probability, &context->error);
}

/* The best tokens of each mask of the text in the block, `size` bytes. slots: pairs of a token and a float, and how
   many masks. */
EXPORT uint32_t lab_context_fill(lab_context *context, uint32_t most, size_t size) {
    const glossa_lab_guess *guesses;
    size_t masks;
    uint32_t status = need_lab(context);
    if (status) return status;
    status = glossa_lab_fill(context->lab, (glossa_text){(const char *)context->block, size}, most, &guesses, &masks,
                             &context->error);
    if (status) return status;
    context->slots[0] = address(guesses);
    context->slots[1] = (uint32_t)masks;
    return GLOSSA_OK;
}

/* What is written behind the prompt in the block, `size` bytes. slots: the text, its bytes, and whether it has ended.
 */
EXPORT uint32_t lab_context_continue(lab_context *context, size_t size, double temperature, uint32_t top_k,
                                     uint32_t tokens, uint32_t seed) {
    const glossa_lab_sampling sampling = {temperature, top_k, tokens, seed};
    glossa_text text;
    bool ended;
    uint32_t status = need_lab(context);
    if (status) return status;
    status = glossa_lab_continue(context->lab, (glossa_text){(const char *)context->block, size}, &sampling, &text,
                                 &ended, &context->error);
    if (status) return status;
    context->slots[0] = address(text.data);
    context->slots[1] = (uint32_t)text.size;
    context->slots[2] = ended;
    return GLOSSA_OK;
}

/* The value of the setting whose name is in the block. slots: a text and its bytes, or 0, then a number in double. */
EXPORT uint32_t lab_context_get(lab_context *context) {
    const glossa_lab_config *config = context->lab ? glossa_lab_configuration(context->lab) : &context->config;
    glossa_text text;
    double number;
    const glossa_status status = glossa_lab_get(config, (const char *)context->block, &number, &text, &context->error);
    context->slots[0] = address(text.data);
    context->slots[1] = (uint32_t)text.size;
    memcpy(context->slots + 2, &number, sizeof number);
    return status;
}

/* What the network of the config learns from, as glossa_lab_data_kind counts. */
EXPORT uint32_t lab_context_learns_from(const lab_context *context) {
    return glossa_lab_learns_from(context->lab ? glossa_lab_configuration(context->lab) : &context->config);
}

static bool keep(void *user, const void *bytes, size_t size) {
    lab_context *context = user;
    if (size > SIZE_MAX / 2 - context->file_size) return false;
    const size_t needed = context->file_size + size;
    if (needed > context->file_capacity) {
        const size_t capacity = needed + needed / 2;
        uint8_t *larger = realloc(context->file, capacity);
        if (!larger) return false;
        context->file = larger;
        context->file_capacity = capacity;
    }
    memcpy(context->file + context->file_size, bytes, size);
    context->file_size = needed;
    return true;
}

/* Writes a checkpoint of that kind into memory. slots: its bytes and how many. */
EXPORT uint32_t lab_context_save(lab_context *context, uint32_t kind) {
    uint32_t status = need_lab(context);
    if (status) return status;
    context->file_size = 0;
    const glossa_sink sink = {keep, context};
    status = glossa_lab_save(context->lab, (glossa_lab_kind)kind, sink, &context->error);
    if (status) return status;
    context->slots[0] = address(context->file);
    context->slots[1] = (uint32_t)context->file_size;
    return GLOSSA_OK;
}

/* Draws `count` places of curves, each five doubles in the block. slots: the picture's bytes and how many. */
EXPORT uint32_t lab_context_chart(lab_context *context, uint32_t count) {
    const glossa_lab_point *points = (const glossa_lab_point *)(const void *)context->block;
    context->file_size = 0;
    const uint32_t status = glossa_lab_chart(points, count, (glossa_sink){keep, context}, &context->error);
    if (status) return status;
    context->slots[0] = address(context->file);
    context->slots[1] = (uint32_t)context->file_size;
    return GLOSSA_OK;
}
