#include "lab/network.h"

#include <string.h>

#include "base/random.h"
#include "lab/builder.h"
#include "model/positions.h"

#define BORDER  16  /* floats from one tensor's begin to a multiple of which the next one has its own */
#define INITIAL 200 /* purpose of the streams that weights are drawn from */

/* ---- the table of parameters ------------------------------------------------------------------------- */

/* The bound of a matrix's uniform first values (Glorot & Bengio 2010; He et al. 2015; torch.nn.Linear). */
static float spread(const glossa_network *n, uint32_t rows, uint32_t cols) {
    const float sum = (float)rows + (float)cols;
    switch (n->config.initial) {
    case INITIAL_KAIMING:
        return glossa_sqrt(6.0f / (float)cols);
    case INITIAL_TORCH:
        return 1.0f / glossa_sqrt((float)cols);
    default:
        return glossa_sqrt(6.0f / sum);
    }
}

/* How the first values of a part's weight, or else of its bias, are drawn. */
static void choose_initial(const glossa_network *n, const glossa_part *part, bool weight, glossa_parameter *p) {
    const uint32_t how = n->config.initial;
    const float width = glossa_sqrt((float)part->cols);
    p->initial = INITIAL_ZERO;
    switch (part->role) {
    case ROLE_TABLE:
        p->initial = how == INITIAL_KAIMING ? INITIAL_UNIFORM : INITIAL_NORMAL;
        p->size = how == INITIAL_KAIMING ? spread(n, part->rows, part->cols) : how == INITIAL_TORCH ? 1 : 1 / width;
        break;
    case ROLE_POSITIONS:
        p->initial = INITIAL_NORMAL;
        p->size = 0.02f;
        break;
    case ROLE_LINEAR:
        if (weight || how != INITIAL_XAVIER) p->initial = INITIAL_UNIFORM;
        p->size = weight ? spread(n, part->rows, part->cols) : 1 / width;
        break;
    case ROLE_NORM:
        if (weight) p->initial = INITIAL_ONE;
        break;
    case ROLE_BIAS:
        break;
    }
}

/* Adds the first `count` of a part's tensors. Offsets go up and sizes are checked when the table is whole. */
static glossa_pair add(glossa_network *n, const glossa_part *part, size_t count) {
    glossa_tensor_entry entries[2];
    glossa_pair pair = {.w = NULL};
    const size_t all = glossa_part_tensors(part, entries);
    for (size_t i = 0; i < all && i < count; i++) {
        const glossa_tensor_entry *e = &entries[i];
        const bool weight = part->role != ROLE_BIAS && i == 0;
        glossa_parameter *p = &n->parameters[n->count++];
        *p = (glossa_parameter){.rows = (uint32_t)e->ne[1], .cols = (uint32_t)e->ne[0], .vector = e->dims == 1};
        memcpy(p->name, e->name, strlen(e->name) + 1);
        p->hidden = part->of != PART_OF_MODEL && !p->vector;
        p->quantizable = e->quantizable && p->rows > 1;
        choose_initial(n, part, weight, p);
        *(weight ? &pair.w : &pair.b) = p;
    }
    return pair;
}

/* What a batch norm keeps beside weight and bias. */
static const glossa_parameter *add_statistic(glossa_network *n, const glossa_part *part, const char *suffix,
                                             glossa_initial initial) {
    glossa_parameter *p = &n->parameters[n->count++];
    char name[GLOSSA_TENSOR_NAME];
    *p = (glossa_parameter){.rows = 1, .cols = part->cols, .initial = initial, .vector = true, .statistic = true};
    glossa_part_name(part, suffix, name);
    memcpy(p->name, name, strlen(name) + 1);
    return p;
}

glossa_pair glossa_network_add(glossa_network *n, const glossa_part *part) {
    glossa_pair pair = add(n, part, 2);
    if (part->role != ROLE_NORM || n->config.normalise != NORMALISE_BATCH) return pair;
    pair.mean = add_statistic(n, part, ".mean", INITIAL_ZERO);
    pair.variance = add_statistic(n, part, ".var", INITIAL_ONE);
    return pair;
}

glossa_pair glossa_network_norm(glossa_network *n, const char *name, uint32_t width) {
    glossa_part part = {.role = ROLE_NORM, .rows = 1, .cols = width};
    memcpy(part.name, name, strlen(name) + 1);
    return n->config.normalise == NORMALISE_NO ? (glossa_pair){.w = NULL} : glossa_network_add(n, &part);
}

glossa_pair glossa_network_own(glossa_network *n, glossa_role role, const char *name, uint32_t rows, uint32_t cols,
                               bool biased) {
    glossa_part part = {.role = role, .rows = rows, .cols = cols};
    part.of = role == ROLE_LINEAR ? PART_OF_ENCODER : PART_OF_MODEL;
    memcpy(part.name, name, strlen(name) + 1);
    return add(n, &part, biased ? 2 : 1);
}

/* Where each tensor lies that is learnt, or is a statistic. */
static bool lay_out(glossa_network *n, bool statistic) {
    for (size_t i = 0; i < n->count; i++) {
        glossa_parameter *p = &n->parameters[i];
        size_t size;
        if (p->statistic != statistic) continue;
        if (!glossa_mul_size(p->rows, p->cols, &size) || !glossa_add_size(n->elements, size, &n->elements) ||
            !glossa_add_size(size, BORDER - 1, &size))
            return false;
        p->offset = n->floats;
        if (!glossa_add_size(n->floats, size / BORDER * BORDER, &n->floats)) return false;
    }
    if (!statistic) n->learnt = n->floats;
    return n->floats <= SIZE_MAX / 64; /* so that sums of blocks fit too */
}

static void fill_sinusoids(const glossa_network *n) {
    const glossa_lab_config *c = &n->config;
    const glossa_config engine = {.d = c->width, .position = (glossa_position_kind)c->position};
    if (c->position != POSITION_NO && c->architecture != ARCHITECTURE_RECURRENT) /* else zeros */
        glossa_sinusoids(&engine, 0, c->context, n->sinusoids);
}

glossa_status glossa_network_open(const glossa_lab_config *config, uint32_t source_vocabulary,
                                  uint32_t target_vocabulary, bool separate, const glossa_allocator *allocator,
                                  glossa_network *n, glossa_error *error) {
    *n = (glossa_network){.config = *config,
                          .source_vocabulary = source_vocabulary,
                          .target_vocabulary = target_vocabulary,
                          .separate = separate};
    n->embedding_scale = config->embedding_scale > 0                      ? (float)config->embedding_scale
                         : config->architecture == ARCHITECTURE_RECURRENT ? 1.0f
                                                                          : glossa_sqrt((float)config->width);
    const bool learned =
        (glossa_position_kind)config->position == POSITION_LEARNED && config->architecture != ARCHITECTURE_RECURRENT;
    const size_t layers = (size_t)config->encoder_layers + config->decoder_layers;
    size_t positions;
    FAIL_IF(!glossa_mul_size(config->context, config->width, &positions), error, GLOSSA_ERROR_LIMIT,
            "a context of %u rows of %u numbers is too large", (unsigned)config->context, (unsigned)config->width);
    n->parameters = glossa_allocate(allocator, 24 + 40 * layers, sizeof *n->parameters);
    n->encoder = glossa_allocate(allocator, config->encoder_layers, sizeof *n->encoder);
    n->decoder = glossa_allocate(allocator, config->decoder_layers, sizeof *n->decoder);
    if (!learned) n->sinusoids = glossa_allocate(allocator, positions, sizeof *n->sinusoids);
    if (!n->parameters || !n->encoder || !n->decoder || (!learned && !n->sinusoids)) {
        glossa_network_close(n, allocator);
        return glossa_fail(error, GLOSSA_ERROR_MEMORY, "out of memory for a network of %zu layers", layers);
    }
    if (config->architecture == ARCHITECTURE_RECURRENT)
        glossa_recurrent_fill(n);
    else if (glossa_sees(config))
        glossa_vision_fill(n);
    else
        glossa_transformer_fill(n);
    if (!n->target_table) n->target_table = n->source_table;
    if (!n->output) n->output = n->target_table;
    if (!lay_out(n, false) || !lay_out(n, true)) {
        glossa_network_close(n, allocator);
        return glossa_fail(error, GLOSSA_ERROR_LIMIT, "a network of width %u and %zu layers is too large",
                           (unsigned)config->width, layers);
    }
    if (n->sinusoids) fill_sinusoids(n);
    return GLOSSA_OK;
}

void glossa_network_close(glossa_network *n, const glossa_allocator *allocator) {
    glossa_release(allocator, n->parameters);
    glossa_release(allocator, n->encoder);
    glossa_release(allocator, n->decoder);
    glossa_release(allocator, n->sinusoids);
    *n = (glossa_network){.count = 0};
}

const glossa_parameter *glossa_network_find(const glossa_network *n, const char *name) {
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->parameters[i].name, name) == 0) return &n->parameters[i];
    return NULL;
}

/* ---- first values ----------------------------------------------------------------------------------------------- */

/* Two normal numbers of two uniform ones (Box & Muller 1958), in double so that rounding shows nowhere. */
static void normal_pair(glossa_random *random, float out[2]) {
    double sine, cosine;
    const float u = glossa_unit(glossa_random_word(random)) + 0x1p-25f, v = glossa_unit(glossa_random_word(random));
    const float radius = glossa_sqrt(-2.0f * glossa_log(u));
    glossa_sin_cos64(6.28318530717958647692 * (double)v, &sine, &cosine);
    out[0] = (float)((double)radius * cosine);
    out[1] = (float)((double)radius * sine);
}

static void draw(const glossa_parameter *p, glossa_random *random, float *values) {
    const size_t count = (size_t)p->rows * p->cols;
    for (size_t i = 0; i < count; i += 2) {
        float two[2] = {0.0f, 0.0f};
        if (p->initial == INITIAL_NORMAL) normal_pair(random, two);
        for (size_t j = i; j < count && j < i + 2; j++) {
            switch (p->initial) {
            case INITIAL_ZERO:
                values[j] = 0.0f;
                break;
            case INITIAL_ONE:
                values[j] = 1.0f;
                break;
            case INITIAL_NORMAL:
                values[j] = p->size * two[j - i];
                break;
            case INITIAL_UNIFORM:
                values[j] = p->size * (2.0f * glossa_unit(glossa_random_word(random)) - 1.0f);
                break;
            }
        }
    }
}

void glossa_network_initialise(const glossa_network *n, uint64_t seed, float *values) {
    for (size_t i = 0; i < n->count; i++) {
        glossa_random random = glossa_random_start(seed, INITIAL, i);
        draw(&n->parameters[i], &random, values + n->parameters[i].offset);
    }
}

/* ---- the pass --------------------------------------------------------------------------------------------------- */

static glossa_node embed(const glossa_builder *b, glossa_embedding e, const uint32_t *ids,
                         const glossa_segments *segments, const char *name) {
    e.sinusoids = b->n->sinusoids;
    e.scale = b->n->embedding_scale;
    const glossa_node x = glossa_tape_embed(b->tape, &e, ids, segments);
    glossa_tape_show(b->tape, name, x);
    return glossa_tape_dropout(b->tape, x, (float)b->rates->dropout, segments);
}

glossa_node glossa_embed_source(const glossa_builder *b) {
    const glossa_embedding e = {.table = b->n->source_table, .positions = b->n->source_positions};
    return embed(b, e, b->shard->source, &b->shard->sources, "enc.embd");
}

glossa_node glossa_embed_target(const glossa_builder *b) {
    const glossa_embedding e = {.table = b->n->target_table,
                                .positions = b->n->target_positions,
                                .start_is_zero = b->n->config.start == START_ZERO_VECTOR};
    return embed(b, e, b->shard->inputs, &b->shard->outputs, "dec.embd");
}

glossa_predicted glossa_network_run(const glossa_network *n, const glossa_lab_config *rates, const glossa_shard *shard,
                                    glossa_tape *tape) {
    const glossa_builder b = {n, rates, shard, tape};
    static glossa_node (*const builds[])(const glossa_builder *) = {
        glossa_transformer_build, glossa_recurrent_build, glossa_classifier_build, glossa_masked_build,
        glossa_causal_build,      glossa_vision_build,    glossa_vision_build};
    const glossa_node x = builds[n->config.architecture](&b);
    glossa_tape_show(tape, glossa_classifies(&n->config) ? "pool" : "dec", x);
    const glossa_prediction p = {.w = n->output,
                                 .bias = n->output_bias,
                                 .targets = shard->targets,
                                 .smoothing = (float)rates->label_smoothing,
                                 .weight = shard->weight,
                                 .rules = shard->rules,
                                 .outputs = &shard->outputs,
                                 .inputs = shard->inputs,
                                 .limits = shard->limits};
    return glossa_tape_predict(tape, x, &p);
}
