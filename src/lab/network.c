#include "lab/network.h"

#include <stddef.h>
#include <string.h>

#include "base/random.h"
#include "model/model.h"
#include "model/positions.h"
#include "model/tensors.h"

#define BORDER  16  /* floats from one tensor's begin to a multiple of which the next one has its own */
#define INITIAL 200 /* purpose of the streams that weights are drawn from */

/* ---- the parameters, by the tensor table ------------------------------------------------------------------------- */

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

/* Adds the tensors of a part. Offsets go up and sizes are checked when the table is whole. */
static glossa_pair add(glossa_network *n, const glossa_part *part) {
    glossa_tensor_entry entries[2];
    const size_t count = glossa_part_tensors(part, entries);
    glossa_pair pair = {NULL, NULL};
    for (size_t i = 0; i < count; i++) {
        const glossa_tensor_entry *e = &entries[i];
        const bool weight = part->role != ROLE_BIAS && i == 0;
        glossa_parameter *p = &n->parameters[n->count++];
        *p = (glossa_parameter){.rows = (uint32_t)e->ne[1], .cols = (uint32_t)e->ne[0], .vector = e->dims == 1};
        memcpy(p->name, e->name, strlen(e->name) + 1);
        p->hidden = part->of != PART_OF_MODEL && !p->vector;
        choose_initial(n, part, weight, p);
        *(weight ? &pair.w : &pair.b) = p;
    }
    return pair;
}

/* Where the pair of a part lies in a layer of the lab, by its place in one of the engine. */
static const struct field {
    uint16_t engine, lab;
} fields[] = {
#define FIELD(engine, lab) {offsetof(glossa_layer, engine), offsetof(glossa_network_layer, lab)}
    FIELD(attn.q, attn.q),       FIELD(attn.k, attn.k),         FIELD(attn.v, attn.v),       FIELD(attn.o, attn.o),
    FIELD(cross.q, cross.q),     FIELD(cross.k, cross.k),       FIELD(cross.v, cross.v),     FIELD(cross.o, cross.o),
    FIELD(ssru_w, ssru_w),       FIELD(ssru_f, ssru_f),         FIELD(ffn.up, up),           FIELD(ffn.down, down),
    FIELD(attn_norm, attn.norm), FIELD(cross_norm, cross.norm), FIELD(ssru_norm, ssru_norm), FIELD(ffn_norm, ffn_norm),
#undef FIELD
};

/* The name of a part without its last `less` characters. */
static void name_begin(char *name, const glossa_part *part, size_t less) {
    const size_t size = strlen(part->name) - less;
    memcpy(name, part->name, size);
    name[size] = 0;
}

static void bind_layer(const glossa_part *part, glossa_pair pair, glossa_network_layer *layer) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].engine == part->place) memcpy((char *)layer + fields[i].lab, &pair, sizeof pair);
    if (part->place == offsetof(glossa_layer, attn.q)) name_begin(layer->attn.name, part, strlen("_q"));
    if (part->place == offsetof(glossa_layer, cross.q)) name_begin(layer->cross.name, part, strlen("_q"));
    if (part->place == offsetof(glossa_layer, ffn.up)) name_begin(layer->name, part, strlen(".ffn_up"));
}

static void bind_whole(glossa_network *n, const glossa_part *part, glossa_pair pair) {
    switch (part->place) {
    case offsetof(glossa_model, source_embedding):
        n->source_table = pair.w;
        break;
    case offsetof(glossa_model, target_embedding):
        n->target_table = pair.w;
        break;
    case offsetof(glossa_model, encoder_position):
        n->source_positions = pair.w;
        break;
    case offsetof(glossa_model, decoder_position):
        n->target_positions = pair.w;
        break;
    case offsetof(glossa_model, encoder_norm):
        n->encoder_norm = pair;
        break;
    case offsetof(glossa_model, decoder_norm):
        n->decoder_norm = pair;
        break;
    case offsetof(glossa_model, output):
        n->output = pair.w;
        break;
    default:
        n->output_bias = pair.b;
    }
}

static void fill_table(glossa_network *n) {
    const glossa_lab_config *c = &n->config;
    const glossa_config engine = {.encoder_layers = c->encoder_layers,
                                  .decoder_layers = c->decoder_layers,
                                  .d = c->width,
                                  .ffn = c->feed_forward,
                                  .context = c->context,
                                  .pre_norm = c->norm == NORM_PRE,
                                  .position = (glossa_position_kind)c->position,
                                  .mixer = (glossa_mixer)c->mixer};
    const glossa_network_shape shape = {.config = &engine,
                                        .source_vocabulary = n->source_vocabulary,
                                        .target_vocabulary = n->target_vocabulary,
                                        .own_target = n->separate,
                                        .own_output = c->output == OUTPUT_UNTIED};
    glossa_part part = {.layer = 0};
    while (glossa_part_next(&shape, &part)) {
        if (part.role == ROLE_BIAS && !c->output_bias) continue;
        const glossa_pair pair = add(n, &part);
        if (part.of == PART_OF_MODEL)
            bind_whole(n, &part, pair);
        else
            bind_layer(&part, pair, part.of == PART_OF_ENCODER ? &n->encoder[part.layer] : &n->decoder[part.layer]);
    }
    if (!n->target_table) n->target_table = n->source_table;
    if (!n->output) n->output = n->target_table;
}

/* Where each tensor lies. */
static bool lay_out(glossa_network *n) {
    for (size_t i = 0; i < n->count; i++) {
        glossa_parameter *p = &n->parameters[i];
        size_t size;
        if (!glossa_mul_size(p->rows, p->cols, &size) || !glossa_add_size(n->elements, size, &n->elements) ||
            !glossa_add_size(size, BORDER - 1, &size))
            return false;
        p->offset = n->floats;
        if (!glossa_add_size(n->floats, size / BORDER * BORDER, &n->floats)) return false;
    }
    return n->floats <= SIZE_MAX / 64; /* so that sums of blocks fit too */
}

static void fill_sinusoids(const glossa_network *n) {
    const glossa_lab_config *c = &n->config;
    const glossa_config engine = {.d = c->width, .position = (glossa_position_kind)c->position};
    glossa_sinusoids(&engine, 0, c->context, n->sinusoids);
}

glossa_status glossa_network_open(const glossa_lab_config *config, uint32_t source_vocabulary,
                                  uint32_t target_vocabulary, bool separate, const glossa_allocator *allocator,
                                  glossa_network *n, glossa_error *error) {
    *n = (glossa_network){.config = *config,
                          .source_vocabulary = source_vocabulary,
                          .target_vocabulary = target_vocabulary,
                          .separate = separate};
    n->embedding_scale =
        config->embedding_scale > 0 ? (float)config->embedding_scale : glossa_sqrt((float)config->width);
    const bool learned = (glossa_position_kind)config->position == POSITION_LEARNED;
    const size_t layers = (size_t)config->encoder_layers + config->decoder_layers;
    size_t positions;
    FAIL_IF(!glossa_mul_size(config->context, config->width, &positions), error, GLOSSA_ERROR_LIMIT,
            "a context of %u rows of %u numbers is too large", (unsigned)config->context, (unsigned)config->width);
    n->parameters = glossa_allocate(allocator, 8 + 32 * layers, sizeof *n->parameters);
    n->encoder = glossa_allocate(allocator, config->encoder_layers, sizeof *n->encoder);
    n->decoder = glossa_allocate(allocator, config->decoder_layers, sizeof *n->decoder);
    if (!learned) n->sinusoids = glossa_allocate(allocator, positions, sizeof *n->sinusoids);
    if (!n->parameters || !n->encoder || !n->decoder || (!learned && !n->sinusoids)) {
        glossa_network_close(n, allocator);
        return glossa_fail(error, GLOSSA_ERROR_MEMORY, "out of memory for a network of %zu layers", layers);
    }
    fill_table(n);
    if (!lay_out(n)) {
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

/* ---- the builder ------------------------------------------------------------------------------------------------ */

/* What the functions below share. */
typedef struct builder {
    const glossa_network *n;
    const glossa_lab_config *rates;
    const glossa_shard *shard;
    glossa_tape *tape;
    bool pre;
} builder;

static glossa_node apply(const builder *b, glossa_node x, glossa_pair p) {
    return glossa_tape_linear(b->tape, x, p.w, p.b);
}

static glossa_node norm_of(const builder *b, glossa_node x, glossa_pair p) {
    return glossa_tape_norm(b->tape, x, p.w, p.b, (float)b->n->config.norm_epsilon);
}

static glossa_node sublayer_input(const builder *b, glossa_node x, glossa_pair norm_pair) {
    return b->pre ? norm_of(b, x, norm_pair) : x;
}

/* Residual and norm: LN(x + f), or x + f where the norm stands before. */
static glossa_node sublayer_end(const builder *b, glossa_node x, glossa_node f, glossa_pair norm_pair,
                                const glossa_segments *segments) {
    f = glossa_tape_dropout(b->tape, f, (float)b->rates->dropout, segments);
    x = glossa_tape_add(b->tape, x, f);
    return b->pre ? x : norm_of(b, x, norm_pair);
}

/* Attention of x to `memory`, or to itself where that has no rows. */
static glossa_node attend(const builder *b, const glossa_attention_part *p, glossa_node x, glossa_node memory,
                          glossa_attending a) {
    const glossa_lab_config *c = &b->n->config;
    const glossa_node input = sublayer_input(b, x, p->norm);
    const glossa_node keys = a.causal || a.queries == a.keys ? input : memory;
    const glossa_node q = apply(b, input, p->q), k = apply(b, keys, p->k), v = apply(b, keys, p->v);
    a.name = p->name;
    a.heads = c->heads;
    const uint32_t d = c->width / c->heads;
    a.scale = 1.0f / glossa_sqrt((float)d);
    a.dropout = (float)b->rates->attention_dropout;
    const glossa_node y = apply(b, glossa_tape_attention(b->tape, q, k, v, &a), p->o);
    return sublayer_end(b, x, y, p->norm, a.queries);
}

static glossa_node feed_forward(const builder *b, const glossa_network_layer *l, glossa_node x,
                                const glossa_segments *segments) {
    const glossa_activation f = (glossa_activation)(b->n->config.activation + ACTIVATION_RELU);
    glossa_node y = apply(b, sublayer_input(b, x, l->ffn_norm), l->up);
    y = glossa_tape_activate(b->tape, f, y);
    y = glossa_tape_dropout(b->tape, y, (float)b->rates->activation_dropout, segments);
    x = sublayer_end(b, x, apply(b, y, l->down), l->ffn_norm, segments);
    glossa_tape_show(b->tape, l->name, x);
    return x;
}

static glossa_node embed(const builder *b, const glossa_parameter *rows, const glossa_parameter *positions,
                         bool start_is_zero, const uint32_t *ids, const glossa_segments *segments, const char *name) {
    const glossa_embedding e = {rows, positions, b->n->sinusoids, b->n->embedding_scale, start_is_zero};
    const glossa_node x = glossa_tape_embed(b->tape, &e, ids, segments);
    glossa_tape_show(b->tape, name, x);
    return glossa_tape_dropout(b->tape, x, (float)b->rates->dropout, segments);
}

static glossa_node encode(const builder *b) {
    const glossa_network *n = b->n;
    const glossa_segments *s = &b->shard->sources;
    glossa_node x = embed(b, n->source_table, n->source_positions, false, b->shard->source, s, "enc.embd");
    for (uint32_t i = 0; i < n->config.encoder_layers; i++) {
        const glossa_network_layer *l = &n->encoder[i];
        x = attend(b, &l->attn, x, x, (glossa_attending){.queries = s, .keys = s});
        x = feed_forward(b, l, x, s);
    }
    return b->pre ? norm_of(b, x, n->encoder_norm) : x;
}

static glossa_node mix(const builder *b, const glossa_network_layer *l, glossa_node x) {
    const glossa_segments *s = &b->shard->outputs;
    if (b->n->config.mixer == GLOSSA_MIXER_ATTENTION)
        return attend(b, &l->attn, x, x, (glossa_attending){.queries = s, .keys = s, .causal = true});
    const glossa_node input = sublayer_input(b, x, l->ssru_norm);
    const glossa_node w = apply(b, input, l->ssru_w);
    const glossa_node f = glossa_tape_activate(b->tape, ACTIVATION_SIGMOID, apply(b, input, l->ssru_f));
    return sublayer_end(b, x, glossa_tape_ssru(b->tape, f, w, s), l->ssru_norm, s);
}

static glossa_node decode(const builder *b, glossa_node memory) {
    const glossa_network *n = b->n;
    const glossa_shard *shard = b->shard;
    const bool zero = n->config.start == START_ZERO_VECTOR;
    glossa_node x = embed(b, n->target_table, n->target_positions, zero, shard->inputs, &shard->outputs, "dec.embd");
    for (uint32_t i = 0; i < n->config.decoder_layers; i++) {
        const glossa_network_layer *l = &n->decoder[i];
        const bool guided = shard->alignment && b->rates->guided > 0 && i + 1 == n->config.decoder_layers;
        x = mix(b, l, x);
        x = attend(b, &l->cross, x, memory,
                   (glossa_attending){.queries = &shard->outputs,
                                      .keys = &shard->sources,
                                      .guide = guided ? shard->alignment : NULL,
                                      .guide_weight = (float)b->rates->guided * shard->weight});
        x = feed_forward(b, l, x, &shard->outputs);
    }
    return b->pre ? norm_of(b, x, n->decoder_norm) : x;
}

glossa_predicted glossa_network_run(const glossa_network *n, const glossa_lab_config *rates, const glossa_shard *shard,
                                    glossa_tape *tape) {
    const builder b = {n, rates, shard, tape, n->config.norm == NORM_PRE};
    const glossa_node memory = encode(&b);
    glossa_tape_show(tape, "enc", memory);
    const glossa_node x = decode(&b, memory);
    glossa_tape_show(tape, "dec", x);
    const glossa_prediction p = {n->output, n->output_bias, shard->targets, (float)rates->label_smoothing,
                                 shard->weight};
    return glossa_tape_predict(tape, x, &p);
}
