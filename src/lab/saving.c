#include <string.h>

#include "lab/checkpoint.h"

/* ---- keys ------------------------------------------------------------------------------------------------------- */

static const glossa_network_key network_keys[] = {
    {"glossa.encoder.block_count", "encoder_layers"},
    {"glossa.decoder.block_count", "decoder_layers"},
    {"glossa.embedding_length", "width"},
    {"glossa.feed_forward_length", "feed_forward"},
    {"glossa.attention.head_count", "heads"},
    {"glossa.context_length", "context"},
    {"glossa.norm.placement", "norm"},
    {"glossa.activation", "activation"},
    {"glossa.position", "position"},
    {"glossa.decoder.mixer", "mixer"},
    {"glossa.architecture", "architecture"},
    {"glossa.normalise", "normalise"},
    {"glossa.residual", "residual"},
    {"glossa.causal", "causal"},
    {"glossa.attention.score", "score"},
    {"glossa.attention.selection", "selection"},
    {"glossa.attention.keys", "keys"},
    {"glossa.pool", "pool"},
    {"glossa.recurrent.cell", "cell"},
    {"glossa.recurrent.direction", "direction"},
    {"glossa.image.size", "image"},
    {"glossa.image.patch", "patch"},
    {"glossa.swin.window", "window"},
    {"glossa.swin.stages", "stages"},
};
#define NETWORK_KEYS (sizeof network_keys / sizeof *network_keys)
#define ENGINE_KEYS  9 /* those before "mixer", which every checkpoint has; the others are what they are by default */

bool glossa_network_key_required(size_t index) {
    return index < ENGINE_KEYS;
}

const glossa_network_key *glossa_network_key_at(size_t index) {
    return index < NETWORK_KEYS ? &network_keys[index] : NULL;
}

const char *glossa_network_task(const glossa_lab_config *c) {
    static const char *const tasks[] = {NULL,
                                        "recurrent-translation",
                                        "classification",
                                        "masked-language-model",
                                        "causal-language-model",
                                        "image-classification",
                                        "image-classification"};
    if (tasks[c->architecture]) return tasks[c->architecture];
    const bool whole = c->normalise == NORMALISE_LAYER && c->residual == RESIDUAL_YES && c->causal == CAUSAL_YES &&
                       c->position != POSITION_NO;
    const bool usual = c->score == SCORING_SCALED_DOT && c->selection == SELECTION_SOFT;
    return whole && usual ? "translation" : "switched-translation";
}

const char *glossa_network_key_of(const glossa_setting *setting) {
    for (size_t i = 0; i < NETWORK_KEYS; i++)
        if (strcmp(network_keys[i].setting, setting->name) == 0) return network_keys[i].key;
    return NULL;
}

const char *glossa_state_key_of(glossa_state_key *name, const glossa_setting *setting) {
    const size_t size = strlen(setting->name); /* of any setting far less than the room */
    memcpy(name->text, PREFIX, sizeof PREFIX - 1);
    memcpy(name->text + sizeof PREFIX - 1, setting->name, size + 1);
    return name->text;
}

/* ---- saving ----------------------------------------------------------------------------------------------------- */

static void put_choice(glossa_gguf_writer *w, const char *key, const glossa_setting *setting, uint32_t value) {
    const glossa_text choice = glossa_setting_choice(setting, value);
    char text[32] = {0};
    memcpy(text, choice.data, choice.size < sizeof text ? choice.size : sizeof text - 1);
    glossa_gguf_put_string(w, key, text);
}

static void put_setting(glossa_gguf_writer *w, const char *key, const glossa_setting *setting,
                        glossa_lab_config *config) {
    switch (setting->kind) {
    case SETTING_COUNT:
        glossa_gguf_put_u32(w, key, *glossa_setting_count(setting, config));
        break;
    case SETTING_REAL:
        glossa_gguf_put_f64(w, key, *glossa_setting_real(setting, config));
        break;
    case SETTING_CHOICE:
        put_choice(w, key, setting, *glossa_setting_count(setting, config));
        break;
    case SETTING_TEXT:
        glossa_gguf_put_string(w, key, glossa_setting_text(setting, config));
        break;
    }
}

/* The head that was guided, where no checkpoint said of one before. */
static void put_alignment(const glossa_lab *lab, glossa_gguf_writer *w) {
    const glossa_lab_config *c = &lab->config;
    if (c->guided == 0 || c->architecture != ARCHITECTURE_TRANSFORMER) return;
    for (size_t i = 0; i < lab->lexicon.kept_count; i++)
        if (strcmp(lab->lexicon.kept[i].name, "glossa.alignment.layer") == 0) return;
    glossa_gguf_put_u32(w, "glossa.alignment.layer", c->decoder_layers - 1);
    glossa_gguf_put_u32(w, "glossa.alignment.head", 0);
}

static void put_network(const glossa_lab *lab, glossa_gguf_writer *w) {
    glossa_lab_config c = lab->config;
    glossa_gguf_put_string(w, "general.architecture", "glossa");
    glossa_gguf_put_u32(w, "glossa.format_version", 1);
    glossa_gguf_put_string(w, "glossa.task", glossa_network_task(&c));
    for (size_t i = 0; i < NETWORK_KEYS; i++) {
        const glossa_setting *setting = glossa_setting_find(network_keys[i].setting);
        if (i < ENGINE_KEYS || *glossa_setting_count(setting, &c) > 0) put_setting(w, network_keys[i].key, setting, &c);
    }
    glossa_gguf_put_f32(w, "glossa.norm.epsilon", (float)c.norm_epsilon);
    if (c.start == START_ZERO_VECTOR)
        glossa_gguf_put_string(w, "glossa.decoder.start", "zero-vector");
    else
        glossa_gguf_put_u32(w, "glossa.decoder.start", lab->bos);
    glossa_gguf_put_f32(w, "glossa.embedding.scale", lab->network.embedding_scale);
    glossa_gguf_put_bool(w, "glossa.output.shared", c.output == OUTPUT_TIED);
}

#define SPACE           "\xE2\x96\x81" /* U+2581 */
#define CHARACTERS_MOST 128

/* The vocabulary of a task: single characters of one score, so that a text falls apart into them. */
static void put_vocabulary(const glossa_task *task, glossa_gguf_writer *w) {
    static const char *const special[TASK_CHARACTERS] = {"<pad>", "<unk>", "<s>", "</s>"};
    static const int32_t special_types[TASK_CHARACTERS] = {3, 2, 3, 3}; /* control, unknown */
    const uint32_t count = glossa_task_vocabulary(task);
    const char *pieces[TASK_CHARACTERS + CHARACTERS_MOST];
    char letters[CHARACTERS_MOST][2];
    float scores[TASK_CHARACTERS + CHARACTERS_MOST];
    int32_t types[TASK_CHARACTERS + CHARACTERS_MOST];
    for (uint32_t i = 0; i < count && i < TASK_CHARACTERS + CHARACTERS_MOST; i++) {
        scores[i] = -1;
        types[i] = i < TASK_CHARACTERS ? special_types[i] : 1; /* normal */
        if (i < TASK_CHARACTERS) {
            pieces[i] = special[i];
            continue;
        }
        const char letter = task->characters[i - TASK_CHARACTERS];
        letters[i - TASK_CHARACTERS][0] = letter;
        letters[i - TASK_CHARACTERS][1] = 0;
        pieces[i] = letter == ' ' ? SPACE : letters[i - TASK_CHARACTERS];
    }
    glossa_gguf_put_string(w, "general.name", task->name);
    glossa_gguf_put_string(w, "glossa.source_language", "zxx");
    glossa_gguf_put_string(w, "glossa.target_language", "zxx");
    glossa_gguf_put_string(w, "tokenizer.ggml.model", "unigram");
    glossa_gguf_put_strings(w, "tokenizer.ggml.tokens", pieces, count);
    glossa_gguf_put_f32s(w, "tokenizer.ggml.scores", scores, count);
    glossa_gguf_put_i32s(w, "tokenizer.ggml.token_type", types, count);
    glossa_gguf_put_bool(w, "tokenizer.ggml.add_space_prefix", false);
    glossa_gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", TASK_UNK);
    glossa_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", TASK_EOS);
    glossa_gguf_put_i32s(w, "glossa.banned_ids", (const int32_t[]){TASK_PAD, TASK_BOS}, 2);
}

static void put_progress(const glossa_lab *lab, glossa_gguf_writer *w) {
    glossa_lab_config c = lab->config;
    glossa_state_key name;
    const glossa_setting *setting;
    for (size_t i = 0; (setting = glossa_setting_at(i)); i++)
        if (!glossa_network_key_of(setting)) put_setting(w, glossa_state_key_of(&name, setting), setting, &c);
    glossa_gguf_put_u32(w, PREFIX "step", lab->step);
    glossa_gguf_put_u32(w, PREFIX "pairs", lab->data_fingerprint);
    glossa_gguf_put_f64(w, PREFIX "plateau.rate", lab->plateau.rate);
    glossa_gguf_put_f64(w, PREFIX "plateau.best", lab->plateau.best);
    glossa_gguf_put_u32(w, PREFIX "plateau.calls", lab->plateau.calls);
    glossa_gguf_put_u32(w, PREFIX "plateau.bad", lab->plateau.bad);
    glossa_gguf_put_u32(w, PREFIX "plateau.cooling", lab->plateau.cooling);
}

static void put_tensors(const glossa_lab *lab, const float *values, glossa_gguf_writer *w) {
    for (size_t i = 0; i < lab->network.count; i++) {
        const glossa_parameter *p = &lab->network.parameters[i];
        const uint64_t ne[2] = {p->cols, p->rows};
        glossa_gguf_put_tensor(w, p->name, TENSOR_F32, p->vector ? 1 : 2, ne, values + p->offset);
    }
}

/* An int8 matrix with a scale for each row, as the engine has them (symmetric, -127 to 127). */
static void put_quantized(const glossa_parameter *p, const float *values, int8_t *bytes, float *scales,
                          glossa_gguf_writer *w) {
    static const char weight[] = "weight", scale[] = "scale";
    const size_t head = strlen(p->name) - (sizeof weight - 1);
    char name[sizeof p->name];
    for (size_t i = 0; i < p->rows; i++) {
        const float *row = values + i * p->cols;
        float most = 0;
        for (size_t j = 0; j < p->cols; j++)
            most = row[j] > most ? row[j] : -row[j] > most ? -row[j] : most;
        scales[i] = most / 127.0f;
        for (size_t j = 0; j < p->cols; j++) {
            const float x = most > 0 ? row[j] / scales[i] : 0.0f;
            bytes[i * p->cols + j] = (int8_t)(x < 0 ? x - 0.5f : x + 0.5f);
        }
    }
    memcpy(name, p->name, sizeof name);
    memcpy(name + head, scale, sizeof scale);
    glossa_gguf_put_tensor(w, p->name, TENSOR_I8, 2, (const uint64_t[]){p->cols, p->rows}, bytes);
    glossa_gguf_put_tensor(w, name, TENSOR_F32, 1, (const uint64_t[]){p->rows}, scales);
}

/* The tensors, matrices as int8. *memory is the caller's to release, once the writer is done. */
static glossa_status put_small_tensors(const glossa_lab *lab, const float *values, glossa_gguf_writer *w, void **memory,
                                       glossa_error *error) {
    glossa_arena arena = {0};
    size_t size = 0;
    for (int carving = 0; carving < 2; carving++) {
        for (size_t i = 0; i < lab->network.count; i++) {
            const glossa_parameter *p = &lab->network.parameters[i];
            const uint64_t ne[2] = {p->cols, p->rows};
            int8_t *bytes = p->quantizable ? TAKE(&arena, int8_t, p->rows, p->cols) : NULL;
            float *scales = p->quantizable ? TAKE(&arena, float, p->rows) : NULL;
            if (!carving) continue;
            if (p->quantizable)
                put_quantized(p, values + p->offset, bytes, scales, w);
            else
                glossa_gguf_put_tensor(w, p->name, TENSOR_F32, p->vector ? 1 : 2, ne, values + p->offset);
        }
        if (carving) break;
        FAIL_IF(!glossa_arena_place(&arena, &lab->allocator, memory, &size), error, GLOSSA_ERROR_MEMORY,
                "out of memory to save %zu parameters as int8", lab->network.elements);
    }
    return GLOSSA_OK;
}

static void put_block(glossa_gguf_writer *w, const char *name, const float *block, size_t floats) {
    glossa_gguf_put_tensor(w, name, TENSOR_F32, 1, (const uint64_t[]){floats}, block);
}

glossa_status glossa_lab_save(const glossa_lab *lab, glossa_lab_kind kind, glossa_sink sink, glossa_error *error) {
    FAIL_IF(!lab->task && lab->lexicon.kept_count == 0 && kind != GLOSSA_LAB_STATE, error, GLOSSA_ERROR_STATE,
            "the lab has no vocabulary, which a model needs");
    glossa_gguf_writer w;
    void *memory = NULL;
    glossa_status status = GLOSSA_OK;
    glossa_gguf_writer_open(&w, &lab->allocator);
    put_network(lab, &w);
    if (lab->task) put_vocabulary(lab->task, &w);
    glossa_lexicon_put(&lab->lexicon, &w);
    put_alignment(lab, &w);
    if (kind == GLOSSA_LAB_STATE) put_progress(lab, &w);
    if (kind == GLOSSA_LAB_SMALL)
        status = put_small_tensors(lab, glossa_lab_values(lab), &w, &memory, error);
    else
        put_tensors(lab, kind == GLOSSA_LAB_MODEL ? glossa_lab_values(lab) : lab->blocks.values, &w);
    if (kind == GLOSSA_LAB_STATE) {
        if (lab->blocks.first) put_block(&w, PREFIX "first", lab->blocks.first, lab->network.floats);
        if (lab->blocks.second) put_block(&w, PREFIX "second", lab->blocks.second, lab->network.floats);
        if (lab->average) put_block(&w, PREFIX "average", lab->average, lab->network.floats);
    }
    if (status == GLOSSA_OK) status = glossa_gguf_write(&w, sink, error);
    glossa_gguf_writer_close(&w);
    glossa_release(&lab->allocator, memory);
    return status;
}
