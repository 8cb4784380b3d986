#include "model/model.h"

#include <string.h>

#define MAX_LAYERS    256
#define MAX_CONTEXT   65536
#define MAX_LANGUAGES 1024
#define MAX_NAME      96

/* State of one loading. */
typedef struct loader {
    const glossa_gguf *gguf;
    glossa_model *model;
    glossa_error *error;
    uint64_t bound; /* most bytes beside the checkpoint */
    bool counting;  /* the tensors are gone through twice: first to count the row sums that they need */
    uint64_t sums;  /* row sums that are counted, or filled, so far */
} loader;

/* Notes that the model is about to hold `bytes` more; refuses a checkpoint that claims more than one of its size may.
 */
static glossa_status hold(loader *l, uint64_t bytes, const char *what) {
    glossa_model *m = l->model;
    FAIL_IF(bytes > l->bound || m->working_bytes > l->bound - bytes, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: its %s would take the model to %llu bytes beside the file, more than the bound of %llu for a "
            "file of its size (GLOSSA_MODEL_MEMORY)",
            what, (unsigned long long)(m->working_bytes + bytes), (unsigned long long)l->bound);
    m->working_bytes += bytes;
    return GLOSSA_OK;
}

/* Appends decimal digits or text to a tensor name. */
typedef struct name_builder {
    char text[MAX_NAME];
    size_t size;
} name_builder;

static void append(name_builder *name, const char *text) {
    while (*text && name->size + 1 < MAX_NAME)
        name->text[name->size++] = *text++;
    name->text[name->size] = 0;
}

static void append_number(name_builder *name, uint32_t number) {
    char digits[12];
    size_t count = sizeof digits - 1;
    digits[count] = 0;
    do
        digits[--count] = (char)('0' + number % 10);
    while (number /= 10);
    append(name, digits + count);
}

static name_builder name_of(const char *base, const char *suffix) {
    name_builder name = {.size = 0};
    append(&name, base);
    append(&name, suffix);
    return name;
}

static name_builder layer_name(const char *side, uint32_t layer, const char *block) {
    name_builder name = name_of(side, ".blk.");
    append_number(&name, layer);
    append(&name, ".");
    append(&name, block);
    return name;
}

static bool all_finite(const float *x, size_t count) {
    bool finite = true; /* without a jump, so that compilers make vectors of it; x - x is NaN for all others */
    for (size_t i = 0; i < count; i++)
        finite &= x[i] - x[i] == 0;
    return finite;
}

/* A float32 tensor of exactly `rows` x `cols` elements (cols 1: a vector); *out NULL where an optional one is missing.
 */
static glossa_status load_floats(loader *l, const char *name, bool required, uint64_t cols, uint64_t rows,
                                 const float **out) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(l->gguf, name);
    *out = NULL;
    FAIL_IF(!t && required, l->error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", name);
    if (!t) return GLOSSA_OK;
    FAIL_IF(t->type != TENSOR_F32, l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: tensor '%s' has type %u, need F32 (0)", name, (unsigned)t->type);
    const uint64_t count = t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    FAIL_IF(t->ne[0] != cols || count != cols * rows, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' has shape [%llu, %llu], need [%llu, %llu]", name, (unsigned long long)t->ne[0],
            (unsigned long long)t->ne[1], (unsigned long long)cols, (unsigned long long)rows);
    FAIL_IF(!l->counting && !all_finite(t->data, (size_t)count), l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' holds NaN or infinity", name);
    *out = t->data;
    return GLOSSA_OK;
}

/* `base`.weight of `rows` outputs and `cols` inputs, with .scale and .bias. */
static glossa_status load_matrix(loader *l, const char *base, uint32_t rows, uint32_t cols, glossa_matrix *out) {
    const name_builder name = name_of(base, ".weight");
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(l->gguf, name.text);
    *out = (glossa_matrix){.rows = rows, .cols = cols};
    FAIL_IF(!t, l->error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", name.text);
    FAIL_IF(t->type != TENSOR_F32 && t->type != TENSOR_I8, l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: tensor '%s' has type %u, need I8 (24) or F32 (0)", name.text, (unsigned)t->type);
    FAIL_IF(t->ne[0] != cols || t->ne[1] != rows || t->ne[2] != 1 || t->ne[3] != 1, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' has shape [%llu, %llu], need [%u, %u]", name.text, (unsigned long long)t->ne[0],
            (unsigned long long)t->ne[1], (unsigned)cols, (unsigned)rows);
    FAIL_IF(cols % GLOSSA_K_STEP != 0 || cols > GLOSSA_MAX_K, l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: tensor '%s' has %u inputs, need a multiple of %d, at most %d", name.text, (unsigned)cols,
            GLOSSA_K_STEP, GLOSSA_MAX_K);
    out->data = t->data;
    out->int8 = t->type == TENSOR_I8;
    FORWARD(load_floats(l, name_of(base, ".bias").text, false, rows, 1, &out->bias));
    if (!out->int8) {
        const float *ignored;
        return load_floats(l, name.text, true, cols, rows, &ignored); /* for the check of its values */
    }
    const name_builder scale = name_of(base, ".scale");
    const glossa_gguf_tensor *s = glossa_gguf_find_tensor(l->gguf, scale.text);
    out->scale_per_row = s && s->ne[0] != 1;
    FORWARD(load_floats(l, scale.text, true, out->scale_per_row ? rows : 1, 1, &out->scale));
    if (!l->counting) {
        int32_t *sums = l->model->row_sums + l->sums;
        l->model->kernels->row_sums(out->data, rows, cols, sums);
        out->row_sum = sums;
    }
    l->sums += rows;
    return GLOSSA_OK;
}

static glossa_status load_norm(loader *l, const char *base, glossa_norm *out) {
    const uint32_t d = l->model->config.d;
    FORWARD(load_floats(l, name_of(base, ".weight").text, true, d, 1, &out->weight));
    return load_floats(l, name_of(base, ".bias").text, true, d, 1, &out->bias);
}

static glossa_status load_attention(loader *l, const char *side, uint32_t layer, const char *prefix,
                                    glossa_attention *out) {
    const uint32_t d = l->model->config.d;
    static const char *const parts[4] = {"_q", "_k", "_v", "_o"};
    glossa_matrix *const matrices[4] = {&out->q, &out->k, &out->v, &out->o};
    for (int i = 0; i < 4; i++) {
        name_builder name = layer_name(side, layer, prefix);
        append(&name, parts[i]);
        FORWARD(load_matrix(l, name.text, d, d, matrices[i]));
    }
    return GLOSSA_OK;
}

static glossa_status load_layer(loader *l, bool decoder, uint32_t i, glossa_layer *out) {
    const glossa_config *c = &l->model->config;
    const char *side = decoder ? "dec" : "enc";
    if (decoder && c->mixer == GLOSSA_MIXER_SSRU) {
        FORWARD(load_matrix(l, layer_name(side, i, "ssru_w").text, c->d, c->d, &out->ssru_w));
        FORWARD(load_matrix(l, layer_name(side, i, "ssru_f").text, c->d, c->d, &out->ssru_f));
        FORWARD(load_norm(l, layer_name(side, i, "ssru_norm").text, &out->ssru_norm));
    } else {
        FORWARD(load_attention(l, side, i, "attn", &out->attn));
        FORWARD(load_norm(l, layer_name(side, i, "attn_norm").text, &out->attn_norm));
    }
    if (decoder) {
        FORWARD(load_attention(l, side, i, "cross_attn", &out->cross));
        FORWARD(load_norm(l, layer_name(side, i, "cross_attn_norm").text, &out->cross_norm));
    }
    FORWARD(load_matrix(l, layer_name(side, i, "ffn_up").text, c->ffn, c->d, &out->ffn.up));
    FORWARD(load_matrix(l, layer_name(side, i, "ffn_down").text, c->d, c->ffn, &out->ffn.down));
    return load_norm(l, layer_name(side, i, "ffn_norm").text, &out->ffn_norm);
}

/* Number of rows of an embedding table, which is the vocabulary that the model was made with. */
static glossa_status table_rows(loader *l, const char *name, uint32_t *rows) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(l->gguf, name);
    FAIL_IF(!t, l->error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", name);
    FAIL_IF(t->ne[1] == 0 || t->ne[1] > INT32_MAX, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' has %llu rows", name, (unsigned long long)t->ne[1]);
    *rows = (uint32_t)t->ne[1];
    return GLOSSA_OK;
}

static glossa_status load_tables(loader *l) {
    glossa_model *m = l->model;
    const glossa_config *c = &m->config;
    uint32_t rows;
    FORWARD(table_rows(l, "token_embd.weight", &rows));
    FORWARD(load_matrix(l, "token_embd", rows, c->d, &m->source_embedding));
    if (glossa_gguf_find_tensor(l->gguf, "dec.token_embd.weight")) {
        FORWARD(table_rows(l, "dec.token_embd.weight", &rows));
        FORWARD(load_matrix(l, "dec.token_embd", rows, c->d, &m->target_embedding));
    } else {
        m->target_embedding = m->source_embedding;
    }
    bool shared = !glossa_gguf_find_tensor(l->gguf, "output.weight");
    FORWARD(glossa_gguf_bool(l->gguf, "glossa.output.shared", false, &shared, l->error));
    if (shared) {
        m->output = m->target_embedding;
        FORWARD(load_floats(l, "output.bias", false, m->output.rows, 1, &m->output.bias));
    } else {
        FORWARD(load_matrix(l, "output", m->target_embedding.rows, c->d, &m->output));
    }
    if (c->position == POSITION_LEARNED) {
        FORWARD(load_floats(l, "enc.position_embd.weight", true, c->d, c->context, &m->encoder_position));
        FORWARD(load_floats(l, "dec.position_embd.weight", true, c->d, c->context, &m->decoder_position));
    }
    return GLOSSA_OK;
}

static glossa_status load_weights(loader *l) {
    glossa_model *m = l->model;
    l->sums = 0;
    FORWARD(load_tables(l));
    for (uint32_t i = 0; i < m->config.encoder_layers; i++)
        FORWARD(load_layer(l, false, i, &m->encoder[i]));
    for (uint32_t i = 0; i < m->config.decoder_layers; i++)
        FORWARD(load_layer(l, true, i, &m->decoder[i]));
    if (m->config.pre_norm) {
        FORWARD(load_norm(l, "enc.output_norm", &m->encoder_norm));
        FORWARD(load_norm(l, "dec.output_norm", &m->decoder_norm));
    }
    return GLOSSA_OK;
}

/* Matrices that read the same input take it quantized or not, so they must be of one type. The names are those of
   blocks `a` and `b` of two layers. */
static glossa_status same_type(const loader *l, const char *side, uint32_t layer_a, const char *a,
                               const glossa_matrix *x, uint32_t layer_b, const char *b, const glossa_matrix *y) {
    FAIL_IF(x->int8 != y->int8, l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: tensor '%s.weight' is %s, but '%s.weight', which reads the same input, is %s; they need one "
            "type",
            layer_name(side, layer_a, a).text, x->int8 ? "I8" : "F32", layer_name(side, layer_b, b).text,
            y->int8 ? "I8" : "F32");
    return GLOSSA_OK;
}

static glossa_status check_types(const loader *l) {
    const glossa_model *m = l->model;
    const glossa_config *c = &m->config;
    for (uint32_t i = 0; i < c->encoder_layers; i++) {
        const glossa_attention *self = &m->encoder[i].attn;
        FORWARD(same_type(l, "enc", i, "attn_q", &self->q, i, "attn_k", &self->k));
        FORWARD(same_type(l, "enc", i, "attn_q", &self->q, i, "attn_v", &self->v));
    }
    const glossa_matrix *memory = &m->decoder[0].cross.k;
    for (uint32_t i = 0; i < c->decoder_layers; i++) {
        const glossa_layer *layer = &m->decoder[i];
        const glossa_attention *self = &layer->attn; /* all float32 for an SSRU, being empty */
        FORWARD(same_type(l, "dec", i, "attn_q", &self->q, i, "attn_k", &self->k));
        FORWARD(same_type(l, "dec", i, "attn_q", &self->q, i, "attn_v", &self->v));
        FORWARD(same_type(l, "dec", i, "ssru_w", &layer->ssru_w, i, "ssru_f", &layer->ssru_f));
        FORWARD(same_type(l, "dec", 0, "cross_attn_k", memory, i, "cross_attn_k", &layer->cross.k));
        FORWARD(same_type(l, "dec", 0, "cross_attn_k", memory, i, "cross_attn_v", &layer->cross.v));
    }
    return GLOSSA_OK;
}

/* Twice through the weights: to count the row sums, and to bind, check and sum. */
static glossa_status load_tensors(loader *l) {
    glossa_model *m = l->model;
    l->counting = true;
    FORWARD(load_weights(l));
    FORWARD(hold(l, l->sums * sizeof *m->row_sums, "sums of rows"));
    m->row_sums = glossa_allocate(&m->allocator, (size_t)l->sums, sizeof *m->row_sums);
    FAIL_IF(!m->row_sums, l->error, GLOSSA_ERROR_MEMORY, "out of memory for %llu row sums",
            (unsigned long long)l->sums);
    l->counting = false;
    FORWARD(load_weights(l));
    return check_types(l);
}

/* The first of the ids that is not in 0..limit - 1; `count` if all are. */
static size_t first_beyond(const int32_t *ids, size_t count, uint32_t limit) {
    bool within = true; /* there are millions */
    for (size_t i = 0; i < count; i++)
        within &= (uint32_t)ids[i] < limit;
    if (within) return count;
    size_t i = 0;
    while ((uint32_t)ids[i] < limit)
        i++;
    return i;
}

static glossa_status load_shortlist(loader *l) {
    glossa_model *m = l->model;
    const glossa_gguf_tensor *offsets = glossa_gguf_find_tensor(l->gguf, "shortlist.offsets");
    const glossa_gguf_tensor *ids = glossa_gguf_find_tensor(l->gguf, "shortlist.ids");
    if (!offsets && !ids) return GLOSSA_OK;
    FAIL_IF(!offsets || !ids || offsets->type != TENSOR_I32 || ids->type != TENSOR_I32, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: the shortlist needs both tensors 'shortlist.offsets' and 'shortlist.ids', of type I32");
    const uint64_t lists = m->source_embedding.rows;
    FAIL_IF(offsets->ne[0] != lists + 1, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor 'shortlist.offsets' has %llu elements, need %llu (source vocabulary + 1)",
            (unsigned long long)offsets->ne[0], (unsigned long long)lists + 1);
    const int32_t *o = offsets->data, *id = ids->data;
    FAIL_IF(o[0] != 0 || o[lists] < 0 || (uint64_t)o[lists] != ids->ne[0], l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor 'shortlist.offsets' ends at %d, but 'shortlist.ids' has %llu elements", (int)o[lists],
            (unsigned long long)ids->ne[0]);
    for (uint64_t i = 0; i < lists; i++) {
        FAIL_IF(o[i] > o[i + 1] || o[i + 1] > o[lists], l->error, GLOSSA_ERROR_FORMAT,
                "checkpoint: tensor 'shortlist.offsets' falls at element %llu", (unsigned long long)i + 1);
    }
    const uint32_t rows = m->target_embedding.rows;
    const size_t count = (size_t)o[lists], wrong = first_beyond(id, count, rows);
    FAIL_IF(wrong < count, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor 'shortlist.ids' element %zu is %d, beyond the target vocabulary of %u", wrong,
            (int)id[wrong], (unsigned)rows);
    m->shortlist = (glossa_shortlist){.offsets = o, .ids = id};
    return glossa_gguf_u32(l->gguf, "glossa.shortlist.first", false, &m->shortlist.first, l->error);
}

static bool text_is(glossa_text text, const char *other) {
    return text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

/* Index of the value of string key `name` in `choices`; *out stays as it is where an optional key is missing. */
static glossa_status choose(loader *l, const char *name, bool required, const char *const *choices, size_t count,
                            int *out) {
    glossa_text value = {NULL, 0};
    FORWARD(glossa_gguf_string(l->gguf, name, required, &value, l->error));
    if (!value.data) return GLOSSA_OK;
    for (size_t i = 0; i < count; i++) {
        if (text_is(value, choices[i])) {
            *out = (int)i;
            return GLOSSA_OK;
        }
    }
    return glossa_fail(l->error, GLOSSA_ERROR_UNSUPPORTED,
                       "checkpoint: key '%s' is '%.*s', which this version does not know", name,
                       (int)(value.size > 40 ? 40 : value.size), value.data);
}

#define CHOOSE(l, name, required, out, ...)                                                                            \
    choose((l), (name), (required), (const char *const[]){__VA_ARGS__},                                                \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), (out))

static glossa_status bounded(loader *l, const char *name, uint32_t least, uint32_t most, uint32_t *out) {
    FORWARD(glossa_gguf_u32(l->gguf, name, true, out, l->error));
    FAIL_IF(*out < least || *out > most, l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key '%s' is %u, need %u to %u", name, (unsigned)*out, (unsigned)least, (unsigned)most);
    return GLOSSA_OK;
}

static glossa_status load_sizes(loader *l) {
    glossa_config *c = &l->model->config;
    uint32_t version = 0;
    FORWARD(glossa_gguf_u32(l->gguf, "glossa.format_version", true, &version, l->error));
    FAIL_IF(version != 1, l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'glossa.format_version' is %u, this library reads version 1", (unsigned)version);
    FORWARD(bounded(l, "glossa.encoder.block_count", 1, MAX_LAYERS, &c->encoder_layers));
    FORWARD(bounded(l, "glossa.decoder.block_count", 1, MAX_LAYERS, &c->decoder_layers));
    FORWARD(bounded(l, "glossa.embedding_length", GLOSSA_K_STEP, GLOSSA_MAX_K, &c->d));
    FORWARD(bounded(l, "glossa.feed_forward_length", GLOSSA_K_STEP, GLOSSA_MAX_K, &c->ffn));
    FORWARD(bounded(l, "glossa.attention.head_count", 1, c->d, &c->heads));
    FAIL_IF(c->d % c->heads != 0, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: key 'glossa.attention.head_count' is %u, which does not divide the embedding length %u",
            (unsigned)c->heads, (unsigned)c->d);
    return bounded(l, "glossa.context_length", 2, MAX_CONTEXT, &c->context);
}

static glossa_status load_config(loader *l) {
    glossa_config *c = &l->model->config;
    const glossa_gguf *g = l->gguf;
    glossa_text architecture;
    FORWARD(glossa_gguf_string(g, "general.architecture", true, &architecture, l->error));
    FAIL_IF(!text_is(architecture, "glossa"), l->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: key 'general.architecture' is '%.*s', need 'glossa'",
            (int)(architecture.size > 40 ? 40 : architecture.size), architecture.data);
    FORWARD(load_sizes(l));

    int task = 0, norm = 0, activation = 0, position = 0, mixer = 0;
    FORWARD(CHOOSE(l, "glossa.task", false, &task, "translation"));
    FORWARD(CHOOSE(l, "glossa.norm.placement", true, &norm, "post", "pre"));
    FORWARD(
        CHOOSE(l, "glossa.activation", true, &activation, "", "relu", "silu", "gelu-erf", "gelu-tanh", "gelu-sigmoid"));
    FORWARD(CHOOSE(l, "glossa.position", true, &position, "sinusoid-interleaved", "sinusoid-halves", "sinusoid-marian",
                   "learned"));
    FORWARD(CHOOSE(l, "glossa.decoder.mixer", false, &mixer, "attention", "ssru"));
    c->pre_norm = norm == 1;
    c->activation = (glossa_activation)activation;
    c->position = (glossa_position_kind)position;
    c->mixer = (glossa_mixer)mixer;
    c->epsilon = 1e-5f;
    c->embedding_scale = 1;
    FORWARD(glossa_gguf_f32(g, "glossa.norm.epsilon", true, &c->epsilon, l->error));
    FORWARD(glossa_gguf_f32(g, "glossa.embedding.scale", false, &c->embedding_scale, l->error));
    const float numbers[2] = {c->epsilon, c->embedding_scale};
    FAIL_IF(!all_finite(numbers, 2) || c->epsilon <= 0, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: 'glossa.norm.epsilon' or 'glossa.embedding.scale' is not a usable number");

    const glossa_gguf_key *start = glossa_gguf_find(g, "glossa.decoder.start");
    FAIL_IF(!start, l->error, GLOSSA_ERROR_FORMAT, "checkpoint: key 'glossa.decoder.start' is missing");
    if (!start->is_array && start->type == GGUF_STRING) {
        int zero = 0;
        FORWARD(CHOOSE(l, "glossa.decoder.start", true, &zero, "zero-vector"));
        c->start_is_zero = true;
    } else {
        FORWARD(glossa_gguf_u32(g, "glossa.decoder.start", true, &c->start, l->error));
    }

    FORWARD(glossa_gguf_u32(g, "glossa.training_length", false, &c->training_length, l->error));
    uint32_t layer = UINT32_MAX, head = UINT32_MAX;
    FORWARD(glossa_gguf_u32(g, "glossa.alignment.layer", false, &layer, l->error));
    FORWARD(glossa_gguf_u32(g, "glossa.alignment.head", false, &head, l->error));
    const bool known = layer != UINT32_MAX && head != UINT32_MAX;
    FAIL_IF(known && (layer >= c->decoder_layers || head >= c->heads), l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: the alignment head is layer %u, head %u, but the decoder has %u layers of %u heads",
            (unsigned)layer, (unsigned)head, (unsigned)c->decoder_layers, (unsigned)c->heads);
    c->alignment_layer = known ? (int32_t)layer : -1;
    c->alignment_head = known ? (int32_t)head : -1;

    glossa_model *m = l->model;
    FORWARD(glossa_gguf_string(g, "general.name", false, &m->name, l->error));
    const glossa_gguf_key *language;
    FORWARD(glossa_gguf_array(g, "glossa.source_language", GGUF_STRING, false, &language, l->error));
    if (language) m->source_languages = (glossa_languages){language->data, (size_t)language->count};
    FORWARD(glossa_gguf_array(g, "glossa.target_language", GGUF_STRING, false, &language, l->error));
    if (language) m->target_languages = (glossa_languages){language->data, (size_t)language->count};
    const glossa_languages *both[2] = {&m->source_languages, &m->target_languages};
    for (size_t i = 0; i < 2; i++) {
        FAIL_IF(both[i]->count > MAX_LANGUAGES, l->error, GLOSSA_ERROR_FORMAT,
                "checkpoint: key 'glossa.%s_language' has %zu elements, more than %d", i ? "target" : "source",
                both[i]->count, MAX_LANGUAGES);
    }
    return GLOSSA_OK;
}

/* The source tokens that choose the target language of a multilingual model. */
static glossa_status load_language_tokens(loader *l) {
    glossa_model *m = l->model;
    const glossa_gguf_key *key;
    FORWARD(glossa_gguf_array(l->gguf, "glossa.target_language_tokens", GGUF_I32, false, &key, l->error));
    if (!key) return GLOSSA_OK;
    const size_t count = m->target_languages.count;
    FAIL_IF(key->count != count, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: key 'glossa.target_language_tokens' has %zu elements for %zu target languages",
            (size_t)key->count, count);
    FORWARD(hold(l, count * sizeof *m->language_tokens, "language tokens"));
    m->language_tokens = glossa_allocate(&m->allocator, count, sizeof *m->language_tokens);
    FAIL_IF(!m->language_tokens, l->error, GLOSSA_ERROR_MEMORY, "out of memory for %zu language tokens", count);
    for (size_t i = 0; i < count; i++) {
        const int32_t id = glossa_gguf_i32_at(key, i);
        FAIL_IF(id < 0 || (uint32_t)id >= m->source_embedding.rows, l->error, GLOSSA_ERROR_FORMAT,
                "checkpoint: key 'glossa.target_language_tokens' element %zu is %d, beyond the vocabulary of %u", i,
                (int)id, (unsigned)m->source_embedding.rows);
        m->language_tokens[i] = (uint32_t)id;
    }
    return GLOSSA_OK;
}

static glossa_status load_vocabularies(loader *l) {
    glossa_model *m = l->model;
    const bool second = glossa_gguf_find(l->gguf, "glossa.target.tokenizer.model") != NULL;
    FORWARD(glossa_tokenizer_open(l->gguf, "tokenizer.ggml", &m->allocator, &m->source_tokenizer, l->error));
    m->target_tokenizer = m->source_tokenizer;
    if (second) {
        m->target_tokenizer = NULL;
        FORWARD(
            glossa_tokenizer_open(l->gguf, "glossa.target.tokenizer", &m->allocator, &m->target_tokenizer, l->error));
    }
    FORWARD(hold(l, glossa_tokenizer_bytes(m->source_tokenizer), "vocabulary"));
    if (second) FORWARD(hold(l, glossa_tokenizer_bytes(m->target_tokenizer), "target vocabulary"));
    const bool own_ids = glossa_gguf_find(l->gguf, "tokenizer.ggml.ids") != NULL;
    const size_t pieces = glossa_tokenizer_size(m->source_tokenizer);
    FAIL_IF(!own_ids && pieces > m->source_embedding.rows, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: the vocabulary has %zu pieces, but tensor 'token_embd.weight' has %u rows", pieces,
            (unsigned)m->source_embedding.rows);
    const size_t target_pieces = glossa_tokenizer_size(m->target_tokenizer);
    FAIL_IF(second && !glossa_gguf_find(l->gguf, "glossa.target.tokenizer.ids") &&
                target_pieces > m->target_embedding.rows,
            l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: the target vocabulary has %zu pieces, but its embedding table has %u rows", target_pieces,
            (unsigned)m->target_embedding.rows);

    const int32_t source_eos = glossa_tokenizer_eos(m->source_tokenizer);
    const int32_t target_eos = glossa_tokenizer_eos(m->target_tokenizer);
    FAIL_IF(source_eos < 0 || target_eos < 0, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: the vocabulary has no end-of-sentence token (key 'tokenizer.ggml.eos_token_id')");
    m->source_eos = (uint32_t)source_eos;
    m->target_eos = (uint32_t)target_eos;
    m->first_byte = glossa_tokenizer_first_byte(m->target_tokenizer);
    const struct {
        const char *what;
        uint32_t id, rows;
    } ids[] = {{"end-of-sentence", m->source_eos, m->source_embedding.rows},
               {"end-of-sentence", m->target_eos, m->target_embedding.rows},
               {"start", m->config.start_is_zero ? 0 : m->config.start, m->target_embedding.rows}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        FAIL_IF(ids[i].id >= ids[i].rows, l->error, GLOSSA_ERROR_FORMAT,
                "checkpoint: the %s token is %u, beyond the vocabulary of %u", ids[i].what, (unsigned)ids[i].id,
                (unsigned)ids[i].rows);
    }
    return GLOSSA_OK;
}

/* Ids that are never produced: those of the file, and the unknown token where the vocabulary has one. */
static glossa_status load_banned(loader *l) {
    glossa_model *m = l->model;
    const glossa_gguf_key *key;
    FORWARD(glossa_gguf_array(l->gguf, "glossa.banned_ids", GGUF_I32, false, &key, l->error));
    const size_t count = key ? (size_t)key->count : 0;
    FORWARD(hold(l, ((uint64_t)count + 1) * sizeof *m->banned, "banned ids"));
    m->banned = glossa_allocate(&m->allocator, count + 1, sizeof *m->banned);
    FAIL_IF(!m->banned, l->error, GLOSSA_ERROR_MEMORY, "out of memory for %zu banned ids", count);
    for (size_t i = 0; i < count; i++) {
        const int32_t id = glossa_gguf_i32_at(key, i);
        FAIL_IF(id < 0 || (uint32_t)id >= m->output.rows || (uint32_t)id == m->target_eos, l->error,
                GLOSSA_ERROR_FORMAT,
                "checkpoint: key 'glossa.banned_ids' element %zu is %d, which is not a token that can be banned", i,
                (int)id);
        m->banned[m->banned_count++] = (uint32_t)id;
    }
    const int32_t unk = glossa_tokenizer_unk(m->target_tokenizer);
    if (unk >= 0 && (uint32_t)unk < m->output.rows) m->banned[m->banned_count++] = (uint32_t)unk;
    return GLOSSA_OK;
}

static void count_parameters(loader *l) {
    glossa_model *m = l->model;
    for (size_t i = 0; i < l->gguf->tensor_count; i++) {
        const glossa_gguf_tensor *t = &l->gguf->tensors[i];
        m->tensor_bytes += t->bytes;
        const bool is_scale = (t->name.size > 6 && memcmp(t->name.data + t->name.size - 6, ".scale", 6) == 0) ||
                              (t->name.size > 10 && memcmp(t->name.data + t->name.size - 10, ".act_scale", 10) == 0);
        if (!is_scale && t->type != TENSOR_I32) m->parameters += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    }
}

static glossa_status load(loader *l) {
    glossa_model *m = l->model;
    FORWARD(load_config(l));
    const uint64_t layers = (uint64_t)m->config.encoder_layers + m->config.decoder_layers;
    FORWARD(hold(l, sizeof *m + layers * sizeof *m->encoder, "layers"));
    m->encoder = glossa_allocate(&m->allocator, m->config.encoder_layers, sizeof *m->encoder);
    m->decoder = glossa_allocate(&m->allocator, m->config.decoder_layers, sizeof *m->decoder);
    FAIL_IF(!m->encoder || !m->decoder, l->error, GLOSSA_ERROR_MEMORY, "out of memory for %u + %u layers",
            (unsigned)m->config.encoder_layers, (unsigned)m->config.decoder_layers);
    FORWARD(load_tensors(l));
    FORWARD(load_vocabularies(l));
    FORWARD(load_language_tokens(l));
    FORWARD(load_shortlist(l));
    if (m->shortlist.offsets) m->first_byte = -1; /* the byte that must come next may not be among the candidates */
    FORWARD(load_banned(l));
    count_parameters(l);
    return GLOSSA_OK;
}

glossa_status glossa_model_open(const void *bytes, size_t size, const glossa_allocator *allocator, glossa_model **model,
                                glossa_error *error) {
    NEED(model, "model", error);
    *model = NULL;
    NEED(bytes, "bytes", error);
    FAIL_IF(allocator && (!allocator->allocate || !allocator->release), error, GLOSSA_ERROR_ARGUMENT,
            "glossa_model_open: the allocator lacks a function");
    const glossa_allocator chosen = glossa_allocator_or_default(allocator);
    glossa_gguf gguf;
    FORWARD(glossa_gguf_open(bytes, size, &chosen, &gguf, error));
    glossa_model *m = glossa_allocate(&chosen, 1, sizeof *m);
    if (!m) {
        glossa_gguf_close(&gguf);
        return glossa_fail(error, GLOSSA_ERROR_MEMORY, "out of memory for a model");
    }
    m->allocator = chosen;
    m->kernels = glossa_kernels_select();
    loader l = {.gguf = &gguf, .model = m, .error = error, .bound = GLOSSA_MODEL_MEMORY(size)};
    const glossa_status status = load(&l);
    glossa_gguf_close(&gguf);
    if (status != GLOSSA_OK) {
        glossa_model_close(m);
        return status;
    }
    *model = m;
    return GLOSSA_OK;
}

void glossa_model_close(glossa_model *model) {
    if (!model) return;
    const glossa_allocator allocator = model->allocator;
    if (model->target_tokenizer != model->source_tokenizer) glossa_tokenizer_close(model->target_tokenizer);
    glossa_tokenizer_close(model->source_tokenizer);
    glossa_release(&allocator, model->encoder);
    glossa_release(&allocator, model->decoder);
    glossa_release(&allocator, model->banned);
    glossa_release(&allocator, model->language_tokens);
    glossa_release(&allocator, model->row_sums);
    glossa_release(&allocator, model);
}

void glossa_model_describe(const glossa_model *model, glossa_model_info *info) {
    const glossa_config *c = &model->config;
    *info = (glossa_model_info){
        .name = model->name,
        .source_language = glossa_model_language(model, false, 0).tag,
        .target_language = glossa_model_language(model, true, 0).tag,
        .encoder_layers = c->encoder_layers,
        .decoder_layers = c->decoder_layers,
        .heads = c->heads,
        .width = c->d,
        .ffn_width = c->ffn,
        .source_vocabulary = model->source_embedding.rows,
        .target_vocabulary = model->target_embedding.rows,
        .context = c->context,
        .mixer = c->mixer,
        .training_length = c->training_length,
        .alignment_layer = c->alignment_layer,
        .alignment_head = c->alignment_head,
        .parameters = model->parameters,
        .tensor_bytes = model->tensor_bytes,
        .working_bytes = model->working_bytes,
    };
}

glossa_text glossa_model_piece(const glossa_model *model, bool target, uint32_t id) {
    return glossa_tokenizer_piece(target ? model->target_tokenizer : model->source_tokenizer, id);
}

glossa_language glossa_model_language(const glossa_model *model, bool target, size_t index) {
    const glossa_languages *languages = target ? &model->target_languages : &model->source_languages;
    glossa_language language = {.token = -1};
    if (index >= languages->count) return language;
    const uint8_t *at = languages->names;
    for (size_t i = 0; i <= index; i++)
        language.tag = glossa_gguf_next_string(&at);
    if (target && model->language_tokens) language.token = (int32_t)model->language_tokens[index];
    return language;
}

const char *glossa_model_kernels(const glossa_model *model) {
    return model->kernels->name;
}

glossa_status glossa_model_use_kernels(glossa_model *model, const char *name, glossa_error *error) {
    NEED(model, "model", error);
    NEED(name, "name", error);
    const glossa_kernels *kernels = glossa_kernels_find(name);
    FAIL_IF(!kernels, error, GLOSSA_ERROR_ARGUMENT, "kernels '%s' are not in this build or do not run on this machine",
            name);
    model->kernels = kernels;
    return GLOSSA_OK;
}
