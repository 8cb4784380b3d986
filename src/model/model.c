#include "model/model.h"

#include <string.h>

#include "model/loader.h"

glossa_status glossa_loader_hold(glossa_loader *l, uint64_t bytes, const char *what) {
    glossa_model *m = l->model;
    FAIL_IF(bytes > l->bound || m->working_bytes > l->bound - bytes, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: its %s would take the model to %llu bytes beside the file, more than the bound of %llu for a "
            "file of its size (GLOSSA_MODEL_MEMORY)",
            what, (unsigned long long)(m->working_bytes + bytes), (unsigned long long)l->bound);
    m->working_bytes += bytes;
    return GLOSSA_OK;
}

/* The source tokens that choose the target language of a multilingual model. */
static glossa_status load_language_tokens(glossa_loader *l) {
    glossa_model *m = l->model;
    const glossa_gguf_key *key;
    FORWARD(glossa_gguf_array(l->gguf, "glossa.target_language_tokens", GGUF_I32, false, &key, l->error));
    if (!key) return GLOSSA_OK;
    const size_t count = m->target_languages.count;
    FAIL_IF(key->count != count, l->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: key 'glossa.target_language_tokens' has %zu elements for %zu target languages",
            (size_t)key->count, count);
    FORWARD(glossa_loader_hold(l, count * sizeof *m->language_tokens, "language tokens"));
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

static glossa_status load_vocabularies(glossa_loader *l) {
    glossa_model *m = l->model;
    const bool second = glossa_gguf_find(l->gguf, "glossa.target.tokenizer.model") != NULL;
    FORWARD(glossa_tokenizer_open(l->gguf, "tokenizer.ggml", &m->allocator, &m->source_tokenizer, l->error));
    m->target_tokenizer = m->source_tokenizer;
    if (second) {
        m->target_tokenizer = NULL;
        FORWARD(
            glossa_tokenizer_open(l->gguf, "glossa.target.tokenizer", &m->allocator, &m->target_tokenizer, l->error));
    }
    FORWARD(glossa_loader_hold(l, glossa_tokenizer_bytes(m->source_tokenizer), "vocabulary"));
    if (second) FORWARD(glossa_loader_hold(l, glossa_tokenizer_bytes(m->target_tokenizer), "target vocabulary"));
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
static glossa_status load_banned(glossa_loader *l) {
    glossa_model *m = l->model;
    const glossa_gguf_key *key;
    FORWARD(glossa_gguf_array(l->gguf, "glossa.banned_ids", GGUF_I32, false, &key, l->error));
    const size_t count = key ? (size_t)key->count : 0;
    FORWARD(glossa_loader_hold(l, ((uint64_t)count + 1) * sizeof *m->banned, "banned ids"));
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

static void count_parameters(glossa_loader *l) {
    glossa_model *m = l->model;
    for (size_t i = 0; i < l->gguf->tensor_count; i++) {
        const glossa_gguf_tensor *t = &l->gguf->tensors[i];
        m->tensor_bytes += t->bytes;
        const bool is_scale = (t->name.size > 6 && memcmp(t->name.data + t->name.size - 6, ".scale", 6) == 0) ||
                              (t->name.size > 10 && memcmp(t->name.data + t->name.size - 10, ".act_scale", 10) == 0);
        if (!is_scale && t->type != TENSOR_I32) m->parameters += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    }
}

static glossa_status load(glossa_loader *l) {
    glossa_model *m = l->model;
    FORWARD(glossa_load_config(l));
    const uint64_t layers = (uint64_t)m->config.encoder_layers + m->config.decoder_layers;
    FORWARD(glossa_loader_hold(l, sizeof *m + layers * sizeof *m->encoder, "layers"));
    m->encoder = glossa_allocate(&m->allocator, m->config.encoder_layers, sizeof *m->encoder);
    m->decoder = glossa_allocate(&m->allocator, m->config.decoder_layers, sizeof *m->decoder);
    FAIL_IF(!m->encoder || !m->decoder, l->error, GLOSSA_ERROR_MEMORY, "out of memory for %u + %u layers",
            (unsigned)m->config.encoder_layers, (unsigned)m->config.decoder_layers);
    FORWARD(glossa_load_weights(l));
    FORWARD(load_vocabularies(l));
    FORWARD(load_language_tokens(l));
    FORWARD(glossa_load_shortlist(l));
    const bool has_bytes = !m->shortlist.offsets || (int64_t)m->shortlist.first >= (int64_t)m->first_byte + 256;
    if (!has_bytes) m->first_byte = -1; /* the byte that must come next may not be among the candidates */
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
    glossa_loader l = {.gguf = &gguf, .model = m, .error = error, .bound = GLOSSA_MODEL_MEMORY(size)};
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
