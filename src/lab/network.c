#include "lab/network.h"

#include <string.h>

#include "base/random.h"
#include "model/positions.h"

#define BORDER  16  /* floats from one tensor's begin to a multiple of which the next one has its own */
#define INITIAL 200 /* purpose of the streams that weights are drawn from */

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* "a", then "a" and the number, and so on: parts up to a NULL; "%" stands for the number. */
static void compose(char *name, size_t size, uint32_t number, const char *const *parts) {
    size_t at = 0;
    for (; *parts; parts++) {
        char digits[12];
        size_t first = sizeof digits - 1;
        const char *part = *parts;
        if (strcmp(part, "%") == 0) {
            uint32_t rest = number;
            digits[first] = 0;
            do
                digits[--first] = (char)('0' + rest % 10);
            while (rest /= 10);
            part = digits + first;
        }
        while (*part && at + 1 < size)
            name[at++] = *part++;
    }
    name[at] = 0;
}

#define COMPOSE(name, number, ...) compose((name), sizeof(name), (number), (const char *const[]){__VA_ARGS__, NULL})

/* ---- the table -------------------------------------------------------------------------------------------------- */

/* What names the tensors of one layer: "enc.blk.3." and a block; or a whole name with layer < 0. */
typedef struct place {
    const char *side;
    int32_t layer;
} place;

static const place nowhere = {"", -1};

/* Adds a tensor. Offsets go up and sizes are checked when the table is whole. */
static const glossa_parameter *add(glossa_network *n, place at, const char *block, const char *suffix, uint32_t rows,
                                   uint32_t cols, glossa_initial initial, float size) {
    glossa_parameter *p = &n->parameters[n->count++];
    *p = (glossa_parameter){.rows = rows, .cols = cols, .initial = initial, .size = size};
    p->hidden = at.layer >= 0 && rows > 1;
    p->vector = rows == 1;
    if (at.layer >= 0)
        COMPOSE(p->name, (uint32_t)at.layer, at.side, ".blk.", "%", ".", block, suffix);
    else
        COMPOSE(p->name, 0, block, suffix);
    return p;
}

/* The bound or deviation of a matrix's first values (Glorot & Bengio 2010; He et al. 2015; torch.nn.Linear). */
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

static glossa_pair linear(glossa_network *n, place at, const char *block, uint32_t rows, uint32_t cols) {
    const bool zero = n->config.initial == INITIAL_XAVIER;
    const glossa_parameter *w = add(n, at, block, ".weight", rows, cols, INITIAL_UNIFORM, spread(n, rows, cols));
    const glossa_parameter *b =
        add(n, at, block, ".bias", 1, rows, zero ? INITIAL_ZERO : INITIAL_UNIFORM, 1.0f / glossa_sqrt((float)cols));
    return (glossa_pair){w, b};
}

static glossa_pair norm(glossa_network *n, place at, const char *block) {
    const glossa_parameter *w = add(n, at, block, ".weight", 1, n->config.width, INITIAL_ONE, 0);
    return (glossa_pair){w, add(n, at, block, ".bias", 1, n->config.width, INITIAL_ZERO, 0)};
}

/* An embedding table, or an output layer that could be one. */
static const glossa_parameter *table(glossa_network *n, const char *name, uint32_t rows) {
    const uint32_t d = n->config.width;
    switch (n->config.initial) {
    case INITIAL_KAIMING:
        return add(n, nowhere, name, ".weight", rows, d, INITIAL_UNIFORM, spread(n, rows, d));
    case INITIAL_TORCH:
        return add(n, nowhere, name, ".weight", rows, d, INITIAL_NORMAL, 1);
    default:
        return add(n, nowhere, name, ".weight", rows, d, INITIAL_NORMAL, 1.0f / glossa_sqrt((float)d));
    }
}

static void attention(glossa_network *n, place at, const char *prefix, glossa_attention_part *out) {
    static const char *const parts[4] = {"_q", "_k", "_v", "_o"};
    glossa_pair *const pairs[4] = {&out->q, &out->k, &out->v, &out->o};
    char block[24];
    for (int i = 0; i < 4; i++) {
        COMPOSE(block, 0, prefix, parts[i]);
        *pairs[i] = linear(n, at, block, n->config.width, n->config.width);
    }
    COMPOSE(block, 0, prefix, "_norm");
    out->norm = norm(n, at, block);
    COMPOSE(out->name, (uint32_t)at.layer, at.side, ".blk.", "%", ".", prefix);
}

static void layer(glossa_network *n, bool decoder, uint32_t i, glossa_network_layer *out) {
    const glossa_lab_config *c = &n->config;
    const place at = {decoder ? "dec" : "enc", (int32_t)i};
    COMPOSE(out->name, i, at.side, ".blk.", "%");
    if (decoder && c->mixer == GLOSSA_MIXER_SSRU) {
        out->ssru_w = linear(n, at, "ssru_w", c->width, c->width);
        out->ssru_f = linear(n, at, "ssru_f", c->width, c->width);
        out->ssru_norm = norm(n, at, "ssru_norm");
    } else {
        attention(n, at, "attn", &out->attn);
    }
    if (decoder) attention(n, at, "cross_attn", &out->cross);
    out->up = linear(n, at, "ffn_up", c->feed_forward, c->width);
    out->down = linear(n, at, "ffn_down", c->width, c->feed_forward);
    out->ffn_norm = norm(n, at, "ffn_norm");
}

static void fill_table(glossa_network *n) {
    const glossa_lab_config *c = &n->config;
    n->source_table = table(n, "token_embd", n->source_vocabulary);
    n->target_table = n->separate ? table(n, "dec.token_embd", n->target_vocabulary) : n->source_table;
    if (!n->sinusoids) {
        n->source_positions =
            add(n, nowhere, "enc.position_embd", ".weight", c->context, c->width, INITIAL_NORMAL, 0.02f);
        n->target_positions =
            add(n, nowhere, "dec.position_embd", ".weight", c->context, c->width, INITIAL_NORMAL, 0.02f);
    }
    for (uint32_t i = 0; i < c->encoder_layers; i++)
        layer(n, false, i, &n->encoder[i]);
    for (uint32_t i = 0; i < c->decoder_layers; i++)
        layer(n, true, i, &n->decoder[i]);
    if (c->norm == NORM_PRE) {
        n->encoder_norm = norm(n, nowhere, "enc.output_norm");
        n->decoder_norm = norm(n, nowhere, "dec.output_norm");
    }
    n->output = c->output == OUTPUT_UNTIED ? table(n, "output", n->target_vocabulary) : n->target_table;
    if (c->output_bias) n->output_bias = add(n, nowhere, "output", ".bias", 1, n->target_vocabulary, INITIAL_ZERO, 0);
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
