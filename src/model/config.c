#include "model/config.h"

#include <string.h>

#include "model/loader.h"

const char *const glossa_tasks[] = {"translation", NULL};
const char *const glossa_norms[] = {"post", "pre", NULL};
const char *const glossa_activations[] = {"", "relu", "silu", "gelu-erf", "gelu-tanh", "gelu-sigmoid", NULL};
const char *const glossa_positions[] = {"sinusoid-interleaved", "sinusoid-halves", "sinusoid-marian", "learned", NULL};
const char *const glossa_mixers[] = {"attention", "ssru", NULL};

static bool text_is(glossa_text text, const char *other) {
    return text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

/* Index of the value of string key `name` in `choices`; *out stays as it is where an optional key is missing. */
static glossa_status choose(glossa_loader *l, const char *name, bool required, const char *const *choices, int *out) {
    glossa_text value = {NULL, 0};
    FORWARD(glossa_gguf_string(l->gguf, name, required, &value, l->error));
    if (!value.data) return GLOSSA_OK;
    for (int i = 0; choices[i]; i++) {
        if (text_is(value, choices[i])) {
            *out = i;
            return GLOSSA_OK;
        }
    }
    return glossa_fail(l->error, GLOSSA_ERROR_UNSUPPORTED,
                       "checkpoint: key '%s' is '%.*s', which this version does not know", name, SHOWN(value));
}

static glossa_status bounded(glossa_loader *l, const char *name, uint32_t least, uint32_t most, uint32_t *out) {
    FORWARD(glossa_gguf_u32(l->gguf, name, true, out, l->error));
    FAIL_IF(*out < least || *out > most, l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key '%s' is %u, need %u to %u", name, (unsigned)*out, (unsigned)least, (unsigned)most);
    return GLOSSA_OK;
}

/* Whether the file is one of ours, and of a version that this library reads. */
static glossa_status check_kind(glossa_loader *l) {
    glossa_text architecture, task = {NULL, 0};
    uint32_t version = 0;
    FORWARD(glossa_gguf_string(l->gguf, "general.architecture", true, &architecture, l->error));
    FAIL_IF(!text_is(architecture, "glossa"), l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'general.architecture' is '%.*s', need 'glossa'", SHOWN(architecture));
    FORWARD(glossa_gguf_u32(l->gguf, "glossa.format_version", true, &version, l->error));
    FAIL_IF(version != GLOSSA_FORMAT_VERSION, l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'glossa.format_version' is %u, this library reads version %d", (unsigned)version,
            GLOSSA_FORMAT_VERSION);
    FORWARD(glossa_gguf_string(l->gguf, "glossa.task", false, &task, l->error));
    FAIL_IF(task.data && !text_is(task, glossa_tasks[0]), l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'glossa.task' is '%.*s', need '%s'; models of other tasks are for 'glossa lab'",
            SHOWN(task), glossa_tasks[0]);
    return GLOSSA_OK;
}

static glossa_status load_sizes(glossa_loader *l, glossa_config *c) {
    FORWARD(bounded(l, "glossa.encoder.block_count", 1, GLOSSA_MAX_LAYERS, &c->encoder_layers));
    FORWARD(bounded(l, "glossa.decoder.block_count", 1, GLOSSA_MAX_LAYERS, &c->decoder_layers));
    FORWARD(bounded(l, "glossa.embedding_length", GLOSSA_K_STEP, GLOSSA_MAX_K, &c->d));
    FORWARD(bounded(l, "glossa.feed_forward_length", GLOSSA_K_STEP, GLOSSA_MAX_K, &c->ffn));
    FORWARD(bounded(l, "glossa.attention.head_count", 1, c->d, &c->heads));
    FAIL_IF(c->d % c->heads != 0, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: key 'glossa.attention.head_count' is %u, which does not divide the embedding length %u",
            (unsigned)c->heads, (unsigned)c->d);
    return bounded(l, "glossa.context_length", 2, GLOSSA_MAX_CONTEXT, &c->context);
}

static glossa_status load_choices(glossa_loader *l, glossa_config *c) {
    int norm = 0, activation = 0, position = 0, mixer = 0;
    FORWARD(choose(l, "glossa.norm.placement", true, glossa_norms, &norm));
    FORWARD(choose(l, "glossa.activation", true, glossa_activations, &activation));
    FORWARD(choose(l, "glossa.position", true, glossa_positions, &position));
    FORWARD(choose(l, "glossa.decoder.mixer", false, glossa_mixers, &mixer));
    c->pre_norm = norm == 1;
    c->activation = (glossa_activation)activation;
    c->position = (glossa_position_kind)position;
    c->mixer = (glossa_mixer)mixer;
    return GLOSSA_OK;
}

static glossa_status load_numbers(glossa_loader *l, glossa_config *c) {
    c->epsilon = 1e-5f;
    c->embedding_scale = 1;
    FORWARD(glossa_gguf_f32(l->gguf, "glossa.norm.epsilon", true, &c->epsilon, l->error));
    FORWARD(glossa_gguf_f32(l->gguf, "glossa.embedding.scale", false, &c->embedding_scale, l->error));
    const float numbers[2] = {c->epsilon, c->embedding_scale};
    FAIL_IF(!glossa_all_finite(numbers, 2) || c->epsilon <= 0, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: 'glossa.norm.epsilon' or 'glossa.embedding.scale' is not a usable number");
    return glossa_gguf_u32(l->gguf, "glossa.training_length", false, &c->training_length, l->error);
}

/* What the decoder starts from: a token, or the zero vector. */
static glossa_status load_start(glossa_loader *l, glossa_config *c) {
    static const char *const vectors[] = {"zero-vector", NULL};
    const glossa_gguf_key *start = glossa_gguf_find(l->gguf, "glossa.decoder.start");
    FAIL_IF(!start, l->error, GLOSSA_ERROR_FORMAT, "checkpoint: key 'glossa.decoder.start' is missing");
    c->start_is_zero = !start->is_array && start->type == GGUF_STRING;
    int zero = 0;
    if (c->start_is_zero) return choose(l, "glossa.decoder.start", true, vectors, &zero);
    return glossa_gguf_u32(l->gguf, "glossa.decoder.start", true, &c->start, l->error);
}

static glossa_status load_alignment(glossa_loader *l, glossa_config *c) {
    uint32_t layer = UINT32_MAX, head = UINT32_MAX;
    FORWARD(glossa_gguf_u32(l->gguf, "glossa.alignment.layer", false, &layer, l->error));
    FORWARD(glossa_gguf_u32(l->gguf, "glossa.alignment.head", false, &head, l->error));
    const bool known = layer != UINT32_MAX && head != UINT32_MAX;
    FAIL_IF(known && (layer >= c->decoder_layers || head >= c->heads), l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: the alignment head is layer %u, head %u, but the decoder has %u layers of %u heads",
            (unsigned)layer, (unsigned)head, (unsigned)c->decoder_layers, (unsigned)c->heads);
    c->alignment_layer = known ? (int32_t)layer : -1;
    c->alignment_head = known ? (int32_t)head : -1;
    return GLOSSA_OK;
}

static glossa_status load_languages(glossa_loader *l, const char *name, glossa_languages *out) {
    const glossa_gguf_key *key;
    FORWARD(glossa_gguf_array(l->gguf, name, GGUF_STRING, false, &key, l->error));
    if (!key) return GLOSSA_OK;
    *out = (glossa_languages){key->data, (size_t)key->count};
    FAIL_IF(out->count > GLOSSA_MAX_LANGUAGES, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: key '%s' has %zu elements, more than %d", name, out->count, GLOSSA_MAX_LANGUAGES);
    return GLOSSA_OK;
}

glossa_status glossa_load_config(glossa_loader *l) {
    glossa_model *m = l->model;
    glossa_config *c = &m->config;
    FORWARD(check_kind(l));
    FORWARD(load_sizes(l, c));
    FORWARD(load_choices(l, c));
    FORWARD(load_numbers(l, c));
    FORWARD(load_start(l, c));
    FORWARD(load_alignment(l, c));
    FORWARD(glossa_gguf_string(l->gguf, "general.name", false, &m->name, l->error));
    FORWARD(load_languages(l, "glossa.source_language", &m->source_languages));
    return load_languages(l, "glossa.target_language", &m->target_languages);
}
