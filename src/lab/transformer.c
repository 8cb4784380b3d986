/* The Transformer encoder-decoder (Vaswani et al. 2017) as the engine runs it, and with parts of it left out. */
#include <stddef.h>
#include <string.h>

#include "lab/builder.h"
#include "model/model.h"

/* ---- the parameters, by the tensor table ------------------------------------------------------------------------- */

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

/* Whether a part of the whole model belongs to what comes behind the encoder. */
static bool is_decoders(const glossa_part *part) {
    return part->of == PART_OF_MODEL &&
           (part->place == offsetof(glossa_model, decoder_position) ||
            part->place == offsetof(glossa_model, decoder_norm) || part->place == offsetof(glossa_model, output) ||
            part->place == offsetof(glossa_model, output.bias) ||
            part->place == offsetof(glossa_model, target_embedding));
}

void glossa_transformer_fill(glossa_network *n) {
    const glossa_lab_config *c = &n->config;
    const glossa_config engine = {.encoder_layers = c->encoder_layers,
                                  .decoder_layers = c->architecture == ARCHITECTURE_CLASSIFIER ? 0 : c->decoder_layers,
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
    const bool classifies = c->architecture == ARCHITECTURE_CLASSIFIER;
    glossa_part part = {.layer = 0};
    while (glossa_part_next(&shape, &part)) {
        if (classifies && is_decoders(&part)) continue;
        if (part.role == ROLE_BIAS && !c->output_bias) continue;
        if (part.role == ROLE_NORM && c->normalise == NORMALISE_NO) continue;
        const glossa_pair pair = glossa_network_add(n, &part);
        if (part.of == PART_OF_MODEL)
            bind_whole(n, &part, pair);
        else
            bind_layer(&part, pair, part.of == PART_OF_ENCODER ? &n->encoder[part.layer] : &n->decoder[part.layer]);
    }
    if (!classifies) return;
    n->classes = glossa_network_own(n, ROLE_LINEAR, "class", n->target_vocabulary, c->width, true);
    n->output = n->classes.w;
    n->output_bias = n->classes.b;
}

/* ---- the builder ------------------------------------------------------------------------------------------------ */

static bool is_pre(const glossa_builder *b) {
    return b->n->config.norm == NORM_PRE;
}

static glossa_node norm_of(const glossa_builder *b, glossa_node x, glossa_pair p) {
    if (!p.w) return x; /* a network without norms */
    return glossa_tape_norm(b->tape, x, p.w, p.b, (float)b->n->config.norm_epsilon);
}

static glossa_node sublayer_input(const glossa_builder *b, glossa_node x, glossa_pair norm_pair) {
    return is_pre(b) ? norm_of(b, x, norm_pair) : x;
}

/* Residual and norm: LN(x + f), or x + f where the norm stands before; f for x + f in a network without residuals. */
static glossa_node sublayer_end(const glossa_builder *b, glossa_node x, glossa_node f, glossa_pair norm_pair,
                                const glossa_segments *segments) {
    f = glossa_tape_dropout(b->tape, f, (float)b->rates->dropout, segments);
    x = b->n->config.residual == RESIDUAL_YES ? glossa_tape_add(b->tape, x, f) : f;
    return is_pre(b) ? x : norm_of(b, x, norm_pair);
}

/* Attention of x to `memory`, or to itself where that has no rows. */
static glossa_node attend(const glossa_builder *b, const glossa_attention_part *p, glossa_node x, glossa_node memory,
                          glossa_attending a) {
    const glossa_lab_config *c = &b->n->config;
    const glossa_node input = sublayer_input(b, x, p->norm);
    const glossa_node keys = a.queries == a.keys ? input : memory;
    const glossa_node q = glossa_apply(b, input, p->q), k = glossa_apply(b, keys, p->k),
                      v = glossa_apply(b, keys, p->v);
    a.name = p->name;
    a.heads = c->heads;
    a.scale = glossa_score_scale(c, c->width / c->heads);
    a.hard = c->selection == SELECTION_HARD;
    a.dropout = (float)b->rates->attention_dropout;
    const glossa_node y = glossa_apply(b, glossa_tape_attention(b->tape, q, k, v, &a), p->o);
    return sublayer_end(b, x, y, p->norm, a.queries);
}

static glossa_node feed_forward(const glossa_builder *b, const glossa_network_layer *l, glossa_node x,
                                const glossa_segments *segments) {
    const glossa_activation f = (glossa_activation)(b->n->config.activation + ACTIVATION_RELU);
    glossa_node y = glossa_apply(b, sublayer_input(b, x, l->ffn_norm), l->up);
    y = glossa_tape_activate(b->tape, f, y);
    y = glossa_tape_dropout(b->tape, y, (float)b->rates->activation_dropout, segments);
    x = sublayer_end(b, x, glossa_apply(b, y, l->down), l->ffn_norm, segments);
    glossa_tape_show(b->tape, l->name, x);
    return x;
}

static glossa_node encode(const glossa_builder *b) {
    const glossa_network *n = b->n;
    const glossa_segments *s = &b->shard->sources;
    glossa_node x = glossa_embed_source(b);
    for (uint32_t i = 0; i < n->config.encoder_layers; i++) {
        const glossa_network_layer *l = &n->encoder[i];
        x = attend(b, &l->attn, x, x, (glossa_attending){.queries = s, .keys = s});
        x = feed_forward(b, l, x, s);
    }
    return is_pre(b) ? norm_of(b, x, n->encoder_norm) : x;
}

static glossa_node mix(const glossa_builder *b, const glossa_network_layer *l, glossa_node x) {
    const glossa_segments *s = &b->shard->outputs;
    if (b->n->config.mixer == GLOSSA_MIXER_ATTENTION)
        return attend(b, &l->attn, x, x,
                      (glossa_attending){.queries = s, .keys = s, .causal = b->n->config.causal == CAUSAL_YES});
    const glossa_node input = sublayer_input(b, x, l->ssru_norm);
    const glossa_node w = glossa_apply(b, input, l->ssru_w);
    const glossa_node f = glossa_tape_activate(b->tape, ACTIVATION_SIGMOID, glossa_apply(b, input, l->ssru_f));
    return sublayer_end(b, x, glossa_tape_ssru(b->tape, f, w, s), l->ssru_norm, s);
}

static glossa_node decode(const glossa_builder *b, glossa_node memory) {
    const glossa_network *n = b->n;
    const glossa_shard *shard = b->shard;
    glossa_node x = glossa_embed_target(b);
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
    return is_pre(b) ? norm_of(b, x, n->decoder_norm) : x;
}

glossa_node glossa_transformer_build(const glossa_builder *b) {
    const glossa_node memory = encode(b);
    glossa_tape_show(b->tape, "enc", memory);
    return decode(b, memory);
}

/* One row a sequence, by which the class is judged. */
glossa_node glossa_classifier_build(const glossa_builder *b) {
    const glossa_segments *s = &b->shard->sources;
    const glossa_node x = encode(b);
    glossa_tape_show(b->tape, "enc", x);
    if (b->n->config.pool == POOL_MEAN) return glossa_tape_pool(b->tape, x, s);
    uint32_t *ends = TAKE(&b->tape->arena, uint32_t, s->count);
    for (size_t i = 0; ends && i < s->count; i++)
        ends[i] = s->starts[i + 1] - 1;
    return glossa_tape_gather(b->tape, x, ends, s->count);
}
