/* Tensors of a checkpoint to weights: bound, checked, and the rows of int8 matrices summed. */
#include <string.h>

#include "model/loader.h"
#include "model/tensors.h"

/* One of the two walks over the tensors. */
typedef struct binder {
    const glossa_gguf *gguf;
    glossa_model *model;
    glossa_error *error;
    bool counting; /* the first walk counts the row sums that the second one fills */
    uint64_t sums; /* that are counted, or filled, so far */
} binder;

bool glossa_all_finite(const float *x, size_t count) {
    bool finite = true; /* without a jump, so that compilers make vectors of it; x - x is NaN for all others */
    for (size_t i = 0; i < count; i++)
        finite &= x[i] - x[i] == 0;
    return finite;
}

/* A float32 tensor of exactly that shape; *out NULL where an optional one is missing. */
static glossa_status load_floats(binder *b, const glossa_tensor_entry *e, const float **out) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(b->gguf, e->name);
    *out = NULL;
    FAIL_IF(!t && !e->optional, b->error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", e->name);
    if (!t) return GLOSSA_OK;
    FAIL_IF(t->type != TENSOR_F32, b->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: tensor '%s' has type %u, need F32 (0)", e->name, (unsigned)t->type);
    const uint64_t count = t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    FAIL_IF(t->ne[0] != e->ne[0] || count != e->ne[0] * e->ne[1], b->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' has shape [%llu, %llu], need [%llu, %llu]", e->name, (unsigned long long)t->ne[0],
            (unsigned long long)t->ne[1], (unsigned long long)e->ne[0], (unsigned long long)e->ne[1]);
    FAIL_IF(!b->counting && !glossa_all_finite(t->data, (size_t)count), b->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' holds NaN or infinity", e->name);
    *out = t->data;
    return GLOSSA_OK;
}

/* The scales of an int8 matrix, one for each row or one for all, and the sums of its rows. */
static glossa_status load_scale(binder *b, const glossa_part *part, glossa_matrix *out) {
    glossa_tensor_entry scale = {.dims = 1, .ne = {1, 1}};
    glossa_part_name(part, ".scale", scale.name);
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(b->gguf, scale.name);
    out->scale_step = t && t->ne[0] != 1;
    if (out->scale_step) scale.ne[0] = part->rows;
    FORWARD(load_floats(b, &scale, &out->scale));
    if (!b->counting) {
        int32_t *sums = b->model->row_sums + b->sums;
        b->model->kernels->row_sums(out->data, part->rows, part->cols, sums);
        out->row_sum = sums;
    }
    b->sums += part->rows;
    return GLOSSA_OK;
}

static glossa_status load_matrix(binder *b, const glossa_part *part, const glossa_tensor_entry *e, glossa_matrix *out) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(b->gguf, e->name);
    *out = (glossa_matrix){.rows = part->rows, .cols = part->cols};
    FAIL_IF(!t, b->error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", e->name);
    FAIL_IF(t->type != TENSOR_F32 && t->type != TENSOR_I8, b->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: tensor '%s' has type %u, need I8 (24) or F32 (0)", e->name, (unsigned)t->type);
    FAIL_IF(t->ne[0] != part->cols || t->ne[1] != part->rows || t->ne[2] != 1 || t->ne[3] != 1, b->error,
            GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' has shape [%llu, %llu], need [%u, %u]", e->name,
            (unsigned long long)t->ne[0], (unsigned long long)t->ne[1], (unsigned)part->cols, (unsigned)part->rows);
    FAIL_IF(part->cols % GLOSSA_K_STEP != 0 || part->cols > GLOSSA_MAX_K, b->error, GLOSSA_ERROR_UNSUPPORTED,
            "checkpoint: tensor '%s' has %u inputs, need a multiple of %d, at most %d", e->name, (unsigned)part->cols,
            GLOSSA_K_STEP, GLOSSA_MAX_K);
    out->data = t->data;
    out->type = t->type == TENSOR_I8 ? WEIGHT_I8 : WEIGHT_F32;
    out->pitch = glossa_weight_pitch(out->type, part->cols);
    const float *values;
    if (out->type == WEIGHT_F32) return load_floats(b, e, &values); /* for the check of its values */
    return load_scale(b, part, out);
}

/* Where a part lies. */
static void *place_of(const glossa_model *m, glossa_part_of of, uint32_t layer, size_t place) {
    uint8_t *owner = of == PART_OF_ENCODER   ? (uint8_t *)&m->encoder[layer]
                     : of == PART_OF_DECODER ? (uint8_t *)&m->decoder[layer]
                                             : (uint8_t *)(uintptr_t)m;
    return owner + place;
}

static glossa_status load_part(binder *b, const glossa_part *part) {
    glossa_tensor_entry e[2];
    void *place = place_of(b->model, part->of, part->layer, part->place);
    glossa_matrix *matrix = place;
    glossa_norm *norm = place;
    glossa_part_tensors(part, e);
    switch (part->role) {
    case ROLE_TABLE:
        return load_matrix(b, part, &e[0], matrix);
    case ROLE_LINEAR:
        FORWARD(load_matrix(b, part, &e[0], matrix));
        return load_floats(b, &e[1], &matrix->bias);
    case ROLE_NORM:
        FORWARD(load_floats(b, &e[0], &norm->weight));
        return load_floats(b, &e[1], &norm->bias);
    case ROLE_POSITIONS:
    case ROLE_BIAS:
        break;
    }
    return load_floats(b, &e[0], place);
}

static glossa_status load_parts(binder *b, const glossa_network_shape *network) {
    glossa_model *m = b->model;
    glossa_part part = {0};
    b->sums = 0;
    while (glossa_part_next(network, &part))
        FORWARD(load_part(b, &part));
    if (!network->own_target) m->target_embedding = m->source_embedding;
    if (!network->own_output) {
        const float *bias = m->output.bias;
        m->output = m->target_embedding;
        m->output.bias = bias;
    }
    return GLOSSA_OK;
}

/* Matrices that read the same input take it quantized or not, so they must be of one type. */
static glossa_status check_types(const binder *b, const glossa_network_shape *network) {
    static const char *const type_names[] = {[WEIGHT_F32] = "F32", [WEIGHT_I8] = "I8"};
    glossa_part part = {0};
    while (glossa_part_next(network, &part)) {
        if (part.role != ROLE_LINEAR) continue;
        const glossa_matrix *first = place_of(b->model, part.of, part.shares_layer, part.shares_input);
        const glossa_matrix *own = place_of(b->model, part.of, part.layer, part.place);
        if (own->type == first->type) continue;
        glossa_part other = {0};
        do
            glossa_part_next(network, &other);
        while (other.of != part.of || other.layer != part.shares_layer || other.place != part.shares_input);
        return glossa_fail(b->error, GLOSSA_ERROR_UNSUPPORTED,
                           "checkpoint: tensor '%s.weight' is %s, but '%s.weight', which reads the same input, is %s; "
                           "they need one type",
                           other.name, type_names[first->type], part.name, type_names[own->type]);
    }
    return GLOSSA_OK;
}

/* Number of rows of an embedding table, which is the vocabulary that the model was made with. */
static glossa_status table_rows(binder *b, const char *name, uint32_t *rows) {
    const glossa_gguf_tensor *t = glossa_gguf_find_tensor(b->gguf, name);
    FAIL_IF(!t, b->error, GLOSSA_ERROR_FORMAT, "checkpoint: tensor '%s' is missing", name);
    FAIL_IF(t->ne[1] == 0 || t->ne[1] > INT32_MAX, b->error, GLOSSA_ERROR_FORMAT,
            "checkpoint: tensor '%s' has %llu rows", name, (unsigned long long)t->ne[1]);
    *rows = (uint32_t)t->ne[1];
    return GLOSSA_OK;
}

glossa_status glossa_load_weights(glossa_loader *loader) {
    glossa_model *m = loader->model;
    binder b = {.gguf = loader->gguf, .model = m, .error = loader->error, .counting = true};
    bool shared = !glossa_gguf_find_tensor(b.gguf, "output.weight");
    FORWARD(glossa_gguf_bool(b.gguf, "glossa.output.shared", false, &shared, b.error));
    glossa_network_shape network = {.config = &m->config, .own_output = !shared};
    FORWARD(table_rows(&b, "token_embd.weight", &network.source_vocabulary));
    network.target_vocabulary = network.source_vocabulary;
    network.own_target = glossa_gguf_find_tensor(b.gguf, "dec.token_embd.weight") != NULL;
    if (network.own_target) FORWARD(table_rows(&b, "dec.token_embd.weight", &network.target_vocabulary));
    FORWARD(load_parts(&b, &network));
    FORWARD(glossa_loader_hold(loader, b.sums * sizeof *m->row_sums, "sums of rows"));
    m->row_sums = glossa_allocate(&m->allocator, (size_t)b.sums, sizeof *m->row_sums);
    FAIL_IF(!m->row_sums, b.error, GLOSSA_ERROR_MEMORY, "out of memory for %llu row sums", (unsigned long long)b.sums);
    b.counting = false;
    FORWARD(load_parts(&b, &network));
    return check_types(&b, &network);
}

/* ---- the shortlist ---------------------------------------------------------------------------------------------- */

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

glossa_status glossa_load_shortlist(glossa_loader *l) {
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
