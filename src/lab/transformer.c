/* The Transformer encoder-decoder (Vaswani et al. 2017) as the engine runs it, with parts of it left out, and what its
   encoder or its decoder makes alone: a classifier, a masked language model, a causal one. */
#include <stddef.h>
#include <string.h>

#include "lab/attend.h"
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

/* Whether a network without a decoder, or without an encoder, has a part nevertheless. */
static bool is_wanted(const glossa_lab_config *c, const glossa_part *part) {
    const bool causal = c->architecture == ARCHITECTURE_CAUSAL;
    if (c->architecture == ARCHITECTURE_TRANSFORMER) return true;
    if (part->of == PART_OF_ENCODER) return !causal;
    if (part->of == PART_OF_DECODER)
        return causal && (part->place < offsetof(glossa_layer, cross) || part->place >= offsetof(glossa_layer, ffn));
    switch (part->place) {
    case offsetof(glossa_model, source_embedding):
        return true;
    case offsetof(glossa_model, encoder_position):
    case offsetof(glossa_model, encoder_norm):
        return !causal;
    case offsetof(glossa_model, decoder_position):
    case offsetof(glossa_model, decoder_norm):
        return causal;
    default: /* the output layer */
        return c->architecture != ARCHITECTURE_CLASSIFIER && part->place != offsetof(glossa_model, target_embedding);
    }
}

void glossa_transformer_fill(glossa_network *n) {
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
        if (!is_wanted(c, &part)) continue;
        if (part.role == ROLE_BIAS && !c->output_bias) continue;
        if (part.role == ROLE_NORM && c->normalise == NORMALISE_NO) continue;
        const glossa_pair pair = glossa_network_add(n, &part);
        if (part.of == PART_OF_MODEL)
            bind_whole(n, &part, pair);
        else
            bind_layer(&part, pair, part.of == PART_OF_ENCODER ? &n->encoder[part.layer] : &n->decoder[part.layer]);
    }
    if (glossa_classifies(c)) glossa_classes_fill(n, c->width);
}

void glossa_classes_fill(glossa_network *n, uint32_t width) {
    n->classes = glossa_network_own(n, ROLE_LINEAR, "class", n->target_vocabulary, width, true);
    n->output = n->classes.w;
    n->output_bias = n->classes.b;
}

/* ---- the builder ------------------------------------------------------------------------------------------------ */

static bool is_pre(const glossa_builder *b) {
    return b->n->config.norm == NORM_PRE;
}

glossa_node glossa_norm_of(const glossa_builder *b, glossa_node x, glossa_pair p) {
    const float epsilon = (float)b->n->config.norm_epsilon;
    if (!p.w) return x;
    if (!p.mean) return glossa_tape_norm(b->tape, x, p.w, p.b, epsilon);
    return glossa_tape_batch_norm(b->tape, x, &(glossa_batch_norm){p.w, p.b, p.mean, p.variance, epsilon});
}

static glossa_node sublayer_input(const glossa_builder *b, glossa_node x, glossa_pair norm_pair) {
    return is_pre(b) ? glossa_norm_of(b, x, norm_pair) : x;
}

/* Residual and norm: LN(x + f), or x + f where the norm stands before; f for x + f in a network without residuals. */
static glossa_node sublayer_end(const glossa_builder *b, glossa_node x, glossa_node f, glossa_pair norm_pair,
                                const glossa_segments *segments) {
    f = glossa_tape_dropout(b->tape, f, (float)b->rates->dropout, segments);
    x = b->n->config.residual == RESIDUAL_YES ? glossa_tape_add(b->tape, x, f) : f;
    return is_pre(b) ? x : glossa_norm_of(b, x, norm_pair);
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
    a.heads = c->heads * x.width / c->width; /* wider layers have more heads of the same width */
    a.scale = glossa_score_scale(c->score, c->width / c->heads);
    a.bias = p->bias;
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

glossa_node glossa_encoder_layer(const glossa_builder *b, const glossa_network_layer *l, glossa_node x,
                                 glossa_attending a) {
    return feed_forward(b, l, attend(b, &l->attn, x, x, a), a.queries);
}

static glossa_node encode(const glossa_builder *b) {
    const glossa_network *n = b->n;
    const glossa_segments *s = &b->shard->sources;
    glossa_node x = glossa_embed_source(b);
    for (uint32_t i = 0; i < n->config.encoder_layers; i++)
        x = glossa_encoder_layer(b, &n->encoder[i], x, (glossa_attending){.queries = s, .keys = s});
    if (is_pre(b)) x = glossa_norm_of(b, x, n->encoder_norm);
    glossa_tape_show(b->tape, "enc", x);
    return x;
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
        if (l->cross.q.w)
            x = attend(b, &l->cross, x, memory,
                       (glossa_attending){.queries = &shard->outputs,
                                          .keys = &shard->sources,
                                          .guide = guided ? shard->alignment : NULL,
                                          .guide_weight = (float)b->rates->guided * shard->weight});
        x = feed_forward(b, l, x, &shard->outputs);
    }
    return is_pre(b) ? glossa_norm_of(b, x, n->decoder_norm) : x;
}

glossa_node glossa_transformer_build(const glossa_builder *b) {
    return decode(b, encode(b));
}

/* Devlin et al. 2019: every token of the text is predicted from all of them, of which some are masked. */
glossa_node glossa_masked_build(const glossa_builder *b) {
    return encode(b);
}

/* Radford et al. 2018: a decoder without an encoder, which reads what it has written. */
glossa_node glossa_causal_build(const glossa_builder *b) {
    return decode(b, (glossa_node){0});
}

/* One row a sequence, by which the class is judged. */
glossa_node glossa_classifier_build(const glossa_builder *b) {
    const glossa_segments *s = &b->shard->sources;
    const glossa_node x = encode(b);
    if (b->n->config.pool == POOL_MEAN) return glossa_tape_pool(b->tape, x, s);
    uint32_t *ends = TAKE(&b->tape->arena, uint32_t, s->count);
    for (size_t i = 0; ends && i < s->count; i++)
        ends[i] = s->starts[i + 1] - 1;
    return glossa_tape_gather(b->tape, x, ends, s->count);
}
