#include <string.h>

#include "lab/checkpoint.h"
#include "lab/labels.h"

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
    const glossa_network_key *network;
    for (size_t i = 0; (network = glossa_network_key_at(i)); i++) {
        const glossa_setting *setting = glossa_setting_find(network->setting);
        const bool required = glossa_network_key_required(i);
        if (!required) *glossa_setting_count(setting, c) = 0; /* what a file does not say is as by default */
        FORWARD(read_setting(g, network->key, required, setting, c, error));
    }
    FAIL_IF(strcmp(task, glossa_network_task(c)) != 0, error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'glossa.task' is '%s', but its network is one of '%s'", task, glossa_network_task(c));
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

/* The settings of a saved state; those of the network are read already. One that the file lacks came later, and is as
   by default. */
static glossa_status read_settings(const glossa_gguf *g, glossa_lab_config *c, glossa_error *error) {
    const glossa_setting *setting;
    glossa_state_key name;
    for (size_t i = 0; (setting = glossa_setting_at(i)); i++) {
        if (glossa_network_key_of(setting)) continue;
        FORWARD(read_setting(g, glossa_state_key_of(&name, setting), false, setting, c, error));
    }
    for (size_t i = 0; (setting = glossa_setting_at(i)); i++) /* a task's name has set its lengths */
        if (!glossa_network_key_of(setting) && setting->kind == SETTING_COUNT)
            FORWARD(read_setting(g, glossa_state_key_of(&name, setting), false, setting, c, error));
    return GLOSSA_OK;
}

static glossa_status read_progress(const glossa_gguf *g, glossa_lab *lab, glossa_error *error) {
    glossa_plateau *p = &lab->plateau;
    FORWARD(glossa_gguf_u32(g, PREFIX "step", true, &lab->step, error));
    FORWARD(glossa_gguf_u32(g, PREFIX "pairs", false, &lab->data_fingerprint, error));
    lab->is_resumed = lab->data_fingerprint != 0;
    FORWARD(read_real(g, PREFIX "plateau.rate", true, &p->rate, error));
    FORWARD(read_real(g, PREFIX "plateau.best", true, &p->best, error));
    FORWARD(glossa_gguf_u32(g, PREFIX "plateau.calls", true, &p->calls, error));
    FORWARD(glossa_gguf_u32(g, PREFIX "plateau.bad", true, &p->bad, error));
    return glossa_gguf_u32(g, PREFIX "plateau.cooling", true, &p->cooling, error);
}

static glossa_status check_shape(const glossa_gguf_tensor *t, const char *name, uint64_t cols, uint64_t rows,
                                 glossa_error *error) {
    FAIL_IF(!t, error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", name);
    FAIL_IF(t->ne[0] != cols || t->ne[1] != rows || t->ne[2] != 1 || t->ne[3] != 1, error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' has shape [%llu, %llu], need [%llu, %llu]", name, (unsigned long long)t->ne[0],
            (unsigned long long)t->ne[1], (unsigned long long)cols, (unsigned long long)rows);
    return GLOSSA_OK;
}

/* Finite floats of a tensor of that shape. */
static glossa_status read_floats(const glossa_gguf *g, const char *name, uint64_t cols, uint64_t rows, float *out,
                                 glossa_error *error) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(g, name);
    FORWARD(check_shape(t, name, cols, rows, error));
    FAIL_IF(t->type != TENSOR_F32, error, GLOSSA_ERROR_UNSUPPORTED, "checkpoint: tensor '%s' has type %u, need F32 (0)",
            name, (unsigned)t->type);
    const float *data = t->data;
    for (uint64_t i = 0; i < cols * rows; i++)
        FAIL_IF(data[i] - data[i] != 0.0f, error, GLOSSA_ERROR_FORMAT,
                "checkpoint: tensor '%s' holds NaN or infinity at element %llu", name, (unsigned long long)i);
    memcpy(out, data, (size_t)(cols * rows) * sizeof *out);
    return GLOSSA_OK;
}

/* The name of a tensor that goes with a weight: its suffix in place of "weight". False for another tensor. */
static bool beside(const glossa_parameter *p, const char *suffix, char name[96]) {
    static const char weight[] = "weight";
    const size_t size = strlen(p->name), head = size - (sizeof weight - 1);
    if (size < sizeof weight || size >= 80 || strcmp(p->name + head, weight) != 0) return false;
    memcpy(name, p->name, head);
    memcpy(name + head, suffix, strlen(suffix) + 1);
    return true;
}

/* An int8 matrix: each number times the scale of its row, or that of all. */
static glossa_status read_quantized(const glossa_gguf *g, const glossa_gguf_tensor *t, const glossa_parameter *p,
                                    float *out, glossa_error *error) {
    char name[96];
    FORWARD(check_shape(t, p->name, p->cols, p->rows, error));
    FAIL_IF(!beside(p, "scale", name), error, GLOSSA_ERROR_UNSUPPORTED, "checkpoint: tensor '%s' has type I8 (24)",
            p->name);
    const glossa_gguf_tensor *s = glossa_gguf_find_tensor(g, name);
    const bool one = s && s->ne[0] == 1;
    FORWARD(check_shape(s, name, one ? 1 : p->rows, 1, error));
    FAIL_IF(!s || s->type != TENSOR_F32, error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: tensor '%s' has type %u, need F32 (0)", name, s ? (unsigned)s->type : 0);
    const int8_t *data = t->data;
    const float *scales = s->data;
    for (size_t row = 0; row < p->rows; row++) {
        const float scale = scales[one ? 0 : row];
        FAIL_IF(scale - scale != 0.0f, error, GLOSSA_ERROR_FORMAT,
                "checkpoint: tensor '%s' holds NaN or infinity at element %zu", name, row);
        for (size_t i = 0; i < p->cols; i++)
            out[row * p->cols + i] = scale * (float)data[row * p->cols + i];
    }
    return GLOSSA_OK;
}

/* A bias that a checkpoint of the engine may lack is zeros. */
static bool is_optional(const glossa_parameter *p) {
    static const char bias[] = ".bias", norm[] = "norm.bias";
    const size_t size = strlen(p->name);
    return size >= sizeof norm && strcmp(p->name + size - (sizeof bias - 1), bias) == 0 &&
           strcmp(p->name + size - (sizeof norm - 1), norm) != 0;
}

static glossa_status read_parameter(const glossa_gguf *g, const glossa_parameter *p, float *out, glossa_error *error) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(g, p->name);
    if (!t && is_optional(p)) return GLOSSA_OK;
    if (t && t->type == TENSOR_I8) return read_quantized(g, t, p, out, error);
    return read_floats(g, p->name, p->cols, p->rows, out, error);
}

static glossa_status read_tensors(const glossa_gguf *g, glossa_lab *lab, bool state, glossa_error *error) {
    const size_t floats = lab->network.floats;
    for (size_t i = 0; i < lab->network.count; i++) {
        const glossa_parameter *p = &lab->network.parameters[i];
        FORWARD(read_parameter(g, p, lab->blocks.values + p->offset, error));
    }
    if (lab->good) memcpy(lab->good, lab->blocks.values, floats * sizeof *lab->good);
    if (lab->average) memcpy(lab->average, lab->blocks.values, floats * sizeof *lab->average);
    if (!state) return GLOSSA_OK;
    if (lab->blocks.first) FORWARD(read_floats(g, PREFIX "first", floats, 1, lab->blocks.first, error));
    if (lab->blocks.second) FORWARD(read_floats(g, PREFIX "second", floats, 1, lab->blocks.second, error));
    if (lab->average) FORWARD(read_floats(g, PREFIX "average", floats, 1, lab->average, error));
    return GLOSSA_OK;
}

static bool starts_with(glossa_text text, const char *prefix) {
    return text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

/* Keys that the lab does not write itself, and that hold for the weights after training too. */
static bool is_kept(glossa_text name) {
    static const char *const own[] = {"general.architecture", "glossa.format_version", "glossa.task",
                                      "glossa.norm.epsilon",  "glossa.decoder.start",  "glossa.embedding.scale",
                                      "glossa.output.shared", "general.alignment"};
    const glossa_network_key *network;
    for (size_t i = 0; (network = glossa_network_key_at(i)); i++)
        if (name.size == strlen(network->key) && starts_with(name, network->key)) return false;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (name.size == strlen(own[i]) && starts_with(name, own[i])) return false;
    return !starts_with(name, PREFIX) && !starts_with(name, "glossa.shortlist");
}

static glossa_status rows_of(const glossa_gguf *g, const char *name, uint32_t least, uint32_t *rows,
                             glossa_error *error) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(g, name);
    FAIL_IF(!t, error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", name);
    FAIL_IF(t->ne[1] < least || t->ne[1] > 4194303, error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' has %llu rows",
            name, (unsigned long long)t->ne[1]);
    *rows = (uint32_t)t->ne[1];
    return GLOSSA_OK;
}

/* The start of the decoder; the lab's own id where the file does not say. */
static glossa_status read_ids(const glossa_gguf *g, glossa_lab *lab, glossa_error *error) {
    if (glossa_classifies(&lab->config)) return GLOSSA_OK;
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
    if (state) glossa_lab_defaults(&c);
    FORWARD(read_network(g, &c, error));
    if (state) FORWARD(read_settings(g, &c, error));
    const bool classifies = glossa_classifies(&c);
    source = GLOSSA_SHADES;
    if (!glossa_sees(&c)) FORWARD(rows_of(g, "token_embd.weight", TASK_CHARACTERS, &source, error));
    const bool separate =
        !classifies && !glossa_models_language(&c) && glossa_gguf_find_tensor(g, "dec.token_embd.weight") != NULL;
    target = source;
    if (separate) FORWARD(rows_of(g, "dec.token_embd.weight", TASK_CHARACTERS, &target, error));
    if (classifies) FORWARD(rows_of(g, "class.weight", 2, &target, error));
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
    if (!task) FORWARD(glossa_lexicon_keep(&(*lab)->lexicon, g, is_kept, allocator, error));
    if (classifies) FORWARD(glossa_labels_open(&(*lab)->lexicon, allocator, error));
    if (c.architecture == ARCHITECTURE_MASKED) FORWARD(glossa_lexicon_find_mask(&(*lab)->lexicon, source, error));
    FAIL_IF(classifies && (*lab)->lexicon.label_count != target, error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor 'class.weight' has %u rows, but there are %u labels", (unsigned)target,
            (unsigned)(*lab)->lexicon.label_count);
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
