/*
 * The whole pipeline: a checkpoint, options, texts; batches, beams, partial texts and explanations. The input:
 *
 *     HEAD bytes of options (see read_options), two of the texts' size, the texts with a line feed between them, and a
 *     checkpoint
 *
 * What must hold: nothing is read or written out of place, all memory comes back and stays within the bounds that
 * glossa.h names, spans tile their texts, and a sentence alone gives what it gave in its batch. The mutator knows the
 * parts, and the fields of a GGUF directory, so that it gets beyond the reader.
 */
#include <stdio.h>
#include <string.h>

#include "gguf_fields.h"
#include "glossa.h"
#include "require.h"

enum {
    HEAD = 32,
    TEXTS = 4,
    STEPS = 120,              /* of one batch; the rest of a longer one is not run */
    BUDGET = 0x4000000,       /* bytes */
    SESSION = 0x1000000,      /* bytes */
    MOST_PARAMETERS = 100000, /* of a model that is run */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most); /* libFuzzer's own */

typedef struct input {
    const uint8_t *head;
    glossa_text texts[TEXTS];
    size_t count;
    const uint8_t *checkpoint;
    size_t checkpoint_size;
} input;

static bool read_input(const uint8_t *data, size_t size, input *out) {
    if (size < HEAD + 2) return false;
    size_t text_size = (size_t)data[HEAD] | (size_t)data[HEAD + 1] << 8;
    const char *text = (const char *)data + HEAD + 2;
    if (text_size > size - HEAD - 2) text_size = size - HEAD - 2;
    *out = (input){.head = data, .checkpoint = data + HEAD + 2 + text_size};
    out->checkpoint_size = size - HEAD - 2 - text_size;
    while (out->count < TEXTS) {
        const char *end = text_size ? memchr(text, '\n', text_size) : NULL;
        const size_t length = end ? (size_t)(end - text) : text_size;
        out->texts[out->count++] = (glossa_text){text, length};
        if (!end) break;
        text = end + 1;
        text_size -= length + 1;
    }
    return true;
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

typedef struct choices {
    glossa_options options;
    uint32_t ids[3][2];
    uint8_t mask[1024];
} choices;

static void read_options(const uint8_t *head, const glossa_model_info *info, choices *out) {
    const unsigned flags = head[2];
    *out = (choices){.options = {.beam = head[0] % 7, .search = (glossa_search)(head[1] % 4)}};
    glossa_options *o = &out->options;
    o->normalize_set = flags & 1;
    memcpy(&o->normalize, head + 8, sizeof o->normalize);
    o->max_length = head[3];
    o->no_repeat_ngram = head[4] % 8;
    o->top_k = head[5] % 80;
    for (size_t i = 0; i < 6; i++)
        out->ids[i / 2][i % 2] = head[12 + i];
    if (flags & 2) o->prefix = out->ids[0], o->prefix_count = flags & 16 ? 2 : 1;
    if (flags & 4) o->banned = out->ids[1], o->banned_count = flags & 32 ? 2 : 1;
    if (flags & 8) o->source_prefix = out->ids[2], o->source_prefix_count = 1;
    o->without = head[6] % 5;
    const size_t heads = (info->encoder_layers + 2 * (size_t)info->decoder_layers) * info->heads;
    if (flags & 64 && heads <= sizeof out->mask) {
        for (size_t i = 0; i < heads; i++)
            out->mask[i] = head[20 + i % 4] >> i % 8 & 1;
        o->head_mask = out->mask;
    }
}

/* ---- what must hold --------------------------------------------------------------------------------------------- */

static void check_result(glossa_session *session, size_t sentence, size_t rank, bool explained) {
    glossa_hypothesis h;
    glossa_explanation e;
    glossa_error error;
    const glossa_status status = glossa_result(session, sentence, rank, &h, &error);
    if (status != GLOSSA_OK) {
        require(status == GLOSSA_ERROR_MEMORY || status == GLOSSA_ERROR_LIMIT);
        return;
    }
    for (size_t i = 0; i < h.count; i++)
        require(h.tokens[i].begin == (i ? h.tokens[i - 1].end : 0) && h.tokens[i].end <= h.text.size);
    if (!explained || glossa_explain(session, sentence, rank, &e, &error) != GLOSSA_OK) return;
    require(e.target_count == h.count);
    float sum = 0;
    for (size_t i = 0; i < h.count; i++)
        sum += e.log_probability[i] + (e.top_k ? e.top_log_probability[(i + 1) * e.top_k - 1] : 0);
    for (size_t i = 0; i < e.source_count * e.source_count && h.count; i++)
        sum += e.encoder_attention[i];
    volatile float sink = sum; /* read, so that a sanitizer sees what is not there */
    (void)sink;
}

/* Runs a batch; true where it came to its end. */
static bool run(glossa_session *session, const glossa_text *texts, size_t count, const glossa_options *options) {
    glossa_error error;
    glossa_progress progress = {0};
    glossa_text partial;
    glossa_cut cuts[GLOSSA_MAX_CUTS];
    const glossa_token *tokens;
    size_t found;
    if (glossa_cuts(session, texts[0], options->beam + 1, cuts, &found, &tokens, &error) == GLOSSA_OK) {
        for (size_t i = 0; i < found; tokens += cuts[i].count, i++)
            require(cuts[i].count > 0 && tokens[cuts[i].count - 1].end <= texts[0].size);
    }
    if (glossa_begin(session, texts, count, options, &error) != GLOSSA_OK) return false;
    for (int step = 0; !progress.done; step++) {
        if (step == STEPS) return false;
        require(glossa_step(session, &progress, &error) == GLOSSA_OK);
        glossa_branch branches[2 * GLOSSA_MAX_BEAM];
        require(glossa_branches(session, count - 1, branches) <= 2 * GLOSSA_MAX_BEAM);
        if (step % 8 == 7) require(glossa_partial(session, count - 1, &partial, &error) == GLOSSA_OK);
    }
    return true;
}

/* The first sentence again, alone: its best hypothesis is the same to the bit. */
static void check_alone(glossa_session *session, const glossa_model *model, const input *in, choices *c) {
    glossa_session *alone;
    glossa_hypothesis a, b;
    glossa_error error;
    const glossa_limits limits = {.beam = 8, .memory = SESSION};
    if (glossa_session_open(model, &limits, &alone, &error) != GLOSSA_OK) return;
    if (run(alone, in->texts, 1, &c->options) && glossa_result(alone, 0, 0, &a, &error) == GLOSSA_OK &&
        glossa_result(session, 0, 0, &b, &error) == GLOSSA_OK) {
        require(a.count == b.count && a.text.size == b.text.size);
        require(a.text.size == 0 || memcmp(a.text.data, b.text.data, a.text.size) == 0);
        require(a.count == 0 || memcmp(a.log_probability, b.log_probability, a.count * sizeof(float)) == 0);
    }
    glossa_session_close(alone);
}

static void translate(glossa_model *model, const input *in) {
    glossa_model_info info;
    glossa_error error;
    glossa_session *session;
    choices c;
    const uint8_t *head = in->head;
    glossa_model_describe(model, &info);
    if (info.parameters > MOST_PARAMETERS) return;
    if (head[6] & 1) require(glossa_model_use_kernels(model, "scalar", &error) == GLOSSA_OK);
    read_options(head, &info, &c);
    const glossa_limits limits = {.sentences = head[24] % 8,
                                  .source_tokens = head[25],
                                  .beam = head[26] % 20,
                                  .rows = head[27] % 64,
                                  .memory = head[6] & 2 ? (uint64_t)head[28] << 10 : SESSION};
    if (glossa_session_open(model, &limits, &session, &error) != GLOSSA_OK) return;
    for (int again = 0; again < 2; again++) {
        if (run(session, in->texts, in->count, &c.options)) {
            for (size_t i = 0; i < in->count; i++)
                for (size_t rank = 0; rank < glossa_result_count(session, i); rank++)
                    check_result(session, i, rank, rank < 2);
            if (in->count > 1 && !again) check_alone(session, model, in, &c);
        }
        if (limits.memory) require(glossa_session_bytes(session) <= limits.memory);
        c.options.beam = 1;
    }
    glossa_session_close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in;
    if (!read_input(data, size, &in)) return 0;
    void *file = malloc(in.checkpoint_size ? in.checkpoint_size : 1); /* aligned, and not a byte longer */
    require(file != NULL);
    if (in.checkpoint_size) memcpy(file, in.checkpoint, in.checkpoint_size);
    size_t left = BUDGET;
    const glossa_allocator allocator = {budget_allocate, budget_release, &left};
    glossa_model *model;
    glossa_error error;
    if (glossa_model_open(file, in.checkpoint_size, &allocator, &model, &error) == GLOSSA_OK) {
        glossa_model_info info;
        glossa_model_describe(model, &info);
        require(info.working_bytes <= GLOSSA_MODEL_MEMORY(in.checkpoint_size));
        translate(model, &in);
        glossa_model_close(model);
    }
    require(left == BUDGET);
    free(file);
    return 0;
}

/* ---- the mutator ------------------------------------------------------------------------------------------------ */

/* Replaces the text by a mutation of it; the checkpoint moves. */
static size_t mutate_text(uint8_t *data, size_t size, size_t most) {
    static uint8_t text[256];
    const size_t old = (size_t)data[HEAD] | (size_t)data[HEAD + 1] << 8;
    if (old > sizeof text || old > size - HEAD - 2) return LLVMFuzzerMutate(data, size, most);
    const size_t rest = size - HEAD - 2 - old;
    if (most <= size - old) return LLVMFuzzerMutate(data, size, most); /* libFuzzer's makes a byte at least */
    const size_t room = most - (size - old);
    memcpy(text, data + HEAD + 2, old);
    const size_t fresh = LLVMFuzzerMutate(text, old, room < sizeof text ? room : sizeof text);
    memmove(data + HEAD + 2 + fresh, data + HEAD + 2 + old, rest);
    memcpy(data + HEAD + 2, text, fresh);
    data[HEAD] = (uint8_t)fresh;
    data[HEAD + 1] = (uint8_t)(fresh >> 8);
    return HEAD + 2 + fresh + rest;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    input in;
    uint32_t random = seed | 1;
    const uint32_t choice = next_random(&random) % 16;
    if (!read_input(data, size, &in) || choice == 0) return LLVMFuzzerMutate(data, size, most);
    if (choice < 4) {
        (void)LLVMFuzzerMutate(data, HEAD, HEAD);
        return size;
    }
    if (choice < 6) return mutate_text(data, size, most);
    uint8_t *checkpoint = data + (in.checkpoint - data);
    const unsigned times = 1 + next_random(&random) % 3;
    for (unsigned i = 0; i < times; i++)
        if (!mutate_field(checkpoint, in.checkpoint_size, &random)) return LLVMFuzzerMutate(data, size, most);
    return size;
}
