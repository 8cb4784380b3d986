/*
 * Labs to checkpoints and back. A saved model has the keys and tensors of glossa_model_open; a saved state has, beside
 * them, every setting under "glossa.lab.", where the training stands, and the blocks of both moments.
 */
#include <string.h>

#include "file/gguf.h"
#include "file/gguf_write.h"
#include "lab/lab.h"

#define PREFIX "glossa.lab."

/* The keys of the engine that are settings of the lab. */
static const struct {
    const char *key, *setting;
} network_keys[] = {
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
};
#define NETWORK_KEYS (sizeof network_keys / sizeof *network_keys)

static const char *key_of(const glossa_setting *setting) {
    for (size_t i = 0; i < NETWORK_KEYS; i++)
        if (strcmp(network_keys[i].setting, setting->name) == 0) return network_keys[i].key;
    return NULL;
}

typedef struct key_name {
    char text[96];
} key_name;

static const char *join(key_name *name, const char *a, const char *b) {
    size_t at = 0;
    for (; *a && at + 1 < sizeof name->text; a++)
        name->text[at++] = *a;
    for (; *b && at + 1 < sizeof name->text; b++)
        name->text[at++] = *b;
    name->text[at] = 0;
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

static void put_network(const glossa_lab *lab, glossa_gguf_writer *w) {
    glossa_lab_config c = lab->config;
    glossa_gguf_put_string(w, "general.architecture", "glossa");
    glossa_gguf_put_u32(w, "glossa.format_version", 1);
    glossa_gguf_put_string(w, "glossa.task", "translation");
    for (size_t i = 0; i < NETWORK_KEYS; i++)
        put_setting(w, network_keys[i].key, glossa_setting_find(network_keys[i].setting), &c);
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
    key_name name;
    const glossa_setting *setting;
    for (size_t i = 0; (setting = glossa_setting_at(i)); i++)
        if (!key_of(setting)) put_setting(w, join(&name, PREFIX, setting->name), setting, &c);
    glossa_gguf_put_u32(w, PREFIX "step", lab->step);
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

static void put_block(glossa_gguf_writer *w, const char *name, const float *block, size_t floats) {
    glossa_gguf_put_tensor(w, name, TENSOR_F32, 1, (const uint64_t[]){floats}, block);
}

glossa_status glossa_lab_save(const glossa_lab *lab, glossa_lab_kind kind, glossa_sink sink, glossa_error *error) {
    FAIL_IF(!lab->task && lab->kept_count == 0 && kind == GLOSSA_LAB_MODEL, error, GLOSSA_ERROR_STATE,
            "the lab has no vocabulary, which a model needs");
    glossa_gguf_writer w;
    glossa_gguf_writer_open(&w, &lab->allocator);
    put_network(lab, &w);
    if (lab->task) put_vocabulary(lab->task, &w);
    for (size_t i = 0; i < lab->kept_count; i++) {
        const glossa_kept_key *k = &lab->kept[i];
        glossa_gguf_put_copy(&w, k->name, (glossa_gguf_type)k->type, k->is_array, k->count, k->data, k->size);
    }
    if (kind == GLOSSA_LAB_STATE) put_progress(lab, &w);
    put_tensors(lab, kind == GLOSSA_LAB_MODEL ? glossa_lab_values(lab) : lab->blocks.values, &w);
    if (kind == GLOSSA_LAB_STATE) {
        put_block(&w, PREFIX "first", lab->blocks.first, lab->network.floats);
        put_block(&w, PREFIX "second", lab->blocks.second, lab->network.floats);
        if (lab->average) put_block(&w, PREFIX "average", lab->average, lab->network.floats);
    }
    const glossa_status status = glossa_gguf_write(&w, sink, error);
    glossa_gguf_writer_close(&w);
    return status;
}

/* ---- loading ---------------------------------------------------------------------------------------------------- */

/* An f64 as it is, infinities among them; other numbers by the reader. */
static glossa_status read_real(const glossa_gguf *g, const char *key, bool required, double *out, glossa_error *error) {
    const glossa_gguf_key *k = glossa_gguf_find(g, key);
    if (k && !k->is_array && k->type == GGUF_F64) {
        memcpy(out, k->data, sizeof *out);
        return GLOSSA_OK;
    }
    float value = (float)*out;
    FORWARD(glossa_gguf_f32(g, key, required, &value, error));
    if (k) *out = (double)value;
    return GLOSSA_OK;
}

static glossa_status read_text(const glossa_gguf *g, const char *key, bool required, char *out, size_t size,
                               glossa_error *error) {
    glossa_text text = {NULL, 0};
    FORWARD(glossa_gguf_string(g, key, required, &text, error));
    if (!text.data) return GLOSSA_OK;
    FAIL_IF(text.size >= size, error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key '%s' is '%.*s', which this version does not know", key,
            (int)(text.size < 40 ? text.size : 40), text.data);
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
    return GLOSSA_OK;
}

static glossa_status read_setting(const glossa_gguf *g, const char *key, bool required, const glossa_setting *setting,
                                  glossa_lab_config *config, glossa_error *error) {
    char text[32] = {0};
    switch (setting->kind) {
    case SETTING_COUNT:
        return glossa_gguf_u32(g, key, required, glossa_setting_count(setting, config), error);
    case SETTING_REAL:
        return read_real(g, key, required, glossa_setting_real(setting, config), error);
    case SETTING_CHOICE:
    case SETTING_TEXT:
        break;
    }
    FORWARD(read_text(g, key, required, text, setting->kind == SETTING_TEXT ? 16 : sizeof text, error));
    if (text[0]) FORWARD(glossa_lab_set(config, setting->name, text, error));
    return GLOSSA_OK;
}

static glossa_status read_network(const glossa_gguf *g, glossa_lab_config *c, glossa_error *error) {
    char architecture[32] = {0}, task[32] = "translation", start[32] = {0};
    uint32_t version = 0;
    bool shared = glossa_gguf_find_tensor(g, "output.weight") == NULL;
    float epsilon = 0, scale = 1;
    FORWARD(read_text(g, "general.architecture", true, architecture, sizeof architecture, error));
    FAIL_IF(strcmp(architecture, "glossa") != 0, error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'general.architecture' is '%s', need 'glossa'", architecture);
    FORWARD(glossa_gguf_u32(g, "glossa.format_version", true, &version, error));
    FAIL_IF(version != 1, error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'glossa.format_version' is %u, this library reads version 1", (unsigned)version);
    FORWARD(read_text(g, "glossa.task", false, task, sizeof task, error));
    FAIL_IF(strcmp(task, "translation") != 0, error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'glossa.task' is '%s', need 'translation'", task);
    for (size_t i = 0; i < NETWORK_KEYS; i++) {
        const bool required = strcmp(network_keys[i].setting, "mixer") != 0;
        FORWARD(read_setting(g, network_keys[i].key, required, glossa_setting_find(network_keys[i].setting), c, error));
    }
    FORWARD(glossa_gguf_f32(g, "glossa.norm.epsilon", true, &epsilon, error));
    FORWARD(glossa_gguf_f32(g, "glossa.embedding.scale", false, &scale, error));
    FORWARD(glossa_gguf_bool(g, "glossa.output.shared", false, &shared, error));
    c->norm_epsilon = (double)epsilon;
    c->embedding_scale = (double)scale;
    c->output = shared ? OUTPUT_TIED : OUTPUT_UNTIED;
    c->output_bias = glossa_gguf_find_tensor(g, "output.bias") != NULL;
    const glossa_gguf_key *key = glossa_gguf_find(g, "glossa.decoder.start");
    FAIL_IF(!key, error, GLOSSA_ERROR_FORMAT, "checkpoint: key 'glossa.decoder.start' is missing");
    c->start = key->type == GGUF_STRING && !key->is_array ? START_ZERO_VECTOR : START_BOS;
    if (c->start == START_ZERO_VECTOR) FORWARD(read_text(g, "glossa.decoder.start", true, start, sizeof start, error));
    FAIL_IF(c->start == START_ZERO_VECTOR && strcmp(start, "zero-vector") != 0, error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'glossa.decoder.start' is '%s', which this version does not know", start);
    return GLOSSA_OK;
}

/* The settings of a saved state; those of the network are read already. */
static glossa_status read_settings(const glossa_gguf *g, glossa_lab_config *c, glossa_error *error) {
    const glossa_setting *setting;
    key_name name;
    for (size_t i = 0; (setting = glossa_setting_at(i)); i++) {
        if (key_of(setting)) continue;
        FORWARD(read_setting(g, join(&name, PREFIX, setting->name), true, setting, c, error));
    }
    for (size_t i = 0; (setting = glossa_setting_at(i)); i++) /* a task's name has set its lengths */
        if (!key_of(setting) && setting->kind == SETTING_COUNT)
            FORWARD(read_setting(g, join(&name, PREFIX, setting->name), true, setting, c, error));
    return GLOSSA_OK;
}

static glossa_status read_progress(const glossa_gguf *g, glossa_lab *lab, glossa_error *error) {
    glossa_plateau *p = &lab->plateau;
    FORWARD(glossa_gguf_u32(g, PREFIX "step", true, &lab->step, error));
    FORWARD(read_real(g, PREFIX "plateau.rate", true, &p->rate, error));
    FORWARD(read_real(g, PREFIX "plateau.best", true, &p->best, error));
    FORWARD(glossa_gguf_u32(g, PREFIX "plateau.calls", true, &p->calls, error));
    FORWARD(glossa_gguf_u32(g, PREFIX "plateau.bad", true, &p->bad, error));
    return glossa_gguf_u32(g, PREFIX "plateau.cooling", true, &p->cooling, error);
}

/* `count` finite floats of a tensor of that shape. */
static glossa_status read_floats(const glossa_gguf *g, const char *name, uint64_t cols, uint64_t rows, float *out,
                                 glossa_error *error) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(g, name);
    FAIL_IF(!t, error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", name);
    FAIL_IF(t->type != TENSOR_F32, error, GLOSSA_ERROR_UNSUPPORTED, "checkpoint: tensor '%s' has type %u, need F32 (0)",
            name, (unsigned)t->type);
    FAIL_IF(t->ne[0] != cols || t->ne[1] != rows || t->ne[2] != 1 || t->ne[3] != 1, error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' has shape [%llu, %llu], need [%llu, %llu]", name, (unsigned long long)t->ne[0],
            (unsigned long long)t->ne[1], (unsigned long long)cols, (unsigned long long)rows);
    const float *data = t->data;
    for (uint64_t i = 0; i < cols * rows; i++)
        FAIL_IF(data[i] - data[i] != 0.0f, error, GLOSSA_ERROR_FORMAT,
                "checkpoint: tensor '%s' holds NaN or infinity at element %llu", name, (unsigned long long)i);
    memcpy(out, data, (size_t)(cols * rows) * sizeof *out);
    return GLOSSA_OK;
}

static glossa_status read_tensors(const glossa_gguf *g, glossa_lab *lab, bool state, glossa_error *error) {
    const size_t floats = lab->network.floats;
    for (size_t i = 0; i < lab->network.count; i++) {
        const glossa_parameter *p = &lab->network.parameters[i];
        FORWARD(read_floats(g, p->name, p->cols, p->rows, lab->blocks.values + p->offset, error));
    }
    memcpy(lab->good, lab->blocks.values, floats * sizeof *lab->good);
    if (lab->average) memcpy(lab->average, lab->blocks.values, floats * sizeof *lab->average);
    if (!state) return GLOSSA_OK;
    FORWARD(read_floats(g, PREFIX "first", floats, 1, lab->blocks.first, error));
    FORWARD(read_floats(g, PREFIX "second", floats, 1, lab->blocks.second, error));
    if (lab->average) FORWARD(read_floats(g, PREFIX "average", floats, 1, lab->average, error));
    return GLOSSA_OK;
}

static bool starts_with(glossa_text text, const char *prefix) {
    return text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

/* Keys that the lab writes itself. */
static bool is_written(glossa_text name, bool task) {
    static const char *const own[] = {"general.architecture", "glossa.format_version", "glossa.task",
                                      "glossa.norm.epsilon",  "glossa.decoder.start",  "glossa.embedding.scale",
                                      "glossa.output.shared", "general.alignment"};
    for (size_t i = 0; i < NETWORK_KEYS; i++)
        if (name.size == strlen(network_keys[i].key) && starts_with(name, network_keys[i].key)) return true;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (name.size == strlen(own[i]) && starts_with(name, own[i])) return true;
    return task || starts_with(name, PREFIX) || starts_with(name, "glossa.shortlist");
}

/* Copies what is to be written again: a task's checkpoint needs nothing, its vocabulary is the task's. */
static glossa_status keep_keys(const glossa_gguf *g, glossa_lab *lab, glossa_error *error) {
    lab->kept = glossa_allocate(&lab->allocator, g->key_count, sizeof *lab->kept);
    FAIL_IF(!lab->kept, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu keys", g->key_count);
    for (size_t i = 0; i < g->key_count; i++) {
        const glossa_gguf_key *k = &g->keys[i];
        if (is_written(k->name, lab->task != NULL)) continue;
        const size_t size = (size_t)(k->end - k->data);
        glossa_kept_key *kept = &lab->kept[lab->kept_count++];
        *kept = (glossa_kept_key){.type = k->type, .is_array = k->is_array, .count = k->count, .size = size};
        kept->name = glossa_allocate(&lab->allocator, k->name.size + 1, 1);
        kept->data = glossa_allocate(&lab->allocator, size, 1);
        FAIL_IF(!kept->name || !kept->data, error, GLOSSA_ERROR_MEMORY, "out of memory for a key of %zu bytes", size);
        memcpy(kept->name, k->name.data, k->name.size);
        if (size > 0) memcpy(kept->data, k->data, size);
    }
    return GLOSSA_OK;
}

static glossa_status rows_of(const glossa_gguf *g, const char *name, uint32_t *rows, glossa_error *error) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(g, name);
    FAIL_IF(!t, error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", name);
    FAIL_IF(t->ne[1] < TASK_CHARACTERS || t->ne[1] > 4194303, error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' has %llu rows", name, (unsigned long long)t->ne[1]);
    *rows = (uint32_t)t->ne[1];
    return GLOSSA_OK;
}

/* The start of the decoder and the end of a target; the lab's own ids where the file does not say. */
static glossa_status read_ids(const glossa_gguf *g, glossa_lab *lab, glossa_error *error) {
    if (lab->config.start == START_BOS) FORWARD(glossa_gguf_u32(g, "glossa.decoder.start", true, &lab->bos, error));
    FAIL_IF(lab->bos >= lab->network.target_vocabulary, error, GLOSSA_ERROR_FORMAT,
            "checkpoint: the start token is %u, beyond the vocabulary of %u", (unsigned)lab->bos,
            (unsigned)lab->network.target_vocabulary);
    return GLOSSA_OK;
}

static glossa_status load(const glossa_gguf *g, const glossa_lab_config *config, const glossa_allocator *allocator,
                          glossa_lab **lab, glossa_error *error) {
    glossa_lab_config c = *config;
    const bool state = glossa_gguf_find(g, PREFIX "step") != NULL;
    uint32_t source, target;
    FORWARD(read_network(g, &c, error));
    if (state) FORWARD(read_settings(g, &c, error));
    FORWARD(rows_of(g, "token_embd.weight", &source, error));
    const bool separate = glossa_gguf_find_tensor(g, "dec.token_embd.weight") != NULL;
    target = source;
    if (separate) FORWARD(rows_of(g, "dec.token_embd.weight", &target, error));
    const glossa_task *task = glossa_task_find(c.task);
    FAIL_IF(task && (separate || glossa_task_vocabulary(task) != source), error, GLOSSA_ERROR_FORMAT,
            "checkpoint: the vocabulary has %u tokens, task '%s' has %u", (unsigned)source, c.task,
            task ? (unsigned)glossa_task_vocabulary(task) : 0);
    c.vocabulary = source;
    FORWARD(glossa_lab_prepare(&c, source, target, separate, allocator, lab, error));
    FORWARD(read_ids(g, *lab, error));
    FORWARD(read_tensors(g, *lab, state, error));
    if (state) FORWARD(read_progress(g, *lab, error));
    (*lab)->good_step = (*lab)->step;
    FORWARD(keep_keys(g, *lab, error));
    return glossa_lab_reserve(*lab, error);
}

glossa_status glossa_lab_load(const void *bytes, size_t size, const glossa_lab_config *config,
                              const glossa_allocator *allocator, glossa_lab **lab, glossa_error *error) {
    FAIL_IF(!lab, error, GLOSSA_ERROR_ARGUMENT, "glossa_lab_load: 'lab' is NULL");
    *lab = NULL;
    FAIL_IF(!bytes, error, GLOSSA_ERROR_ARGUMENT, "glossa_lab_load: 'bytes' is NULL");
    const glossa_allocator own = glossa_allocator_or_default(allocator);
    glossa_lab_config defaults;
    glossa_gguf gguf;
    glossa_lab_defaults(&defaults);
    FORWARD(glossa_gguf_open(bytes, size, &own, &gguf, error));
    const glossa_status status = load(&gguf, config ? config : &defaults, &own, lab, error);
    glossa_gguf_close(&gguf);
    if (status != GLOSSA_OK) {
        glossa_lab_close(*lab);
        *lab = NULL;
    }
    return status;
}
