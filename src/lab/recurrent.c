/*
 * The recurrent encoder-decoder (Cho et al. 2014; Sutskever et al. 2014), without attention and with it. The decoder
 * attends by the state it has come to and predicts from state and context together (Luong et al. 2015, 3.1 and
 * "global attention"): all its steps attend at once, as states do not depend on contexts.
 */
#include <string.h>

#include "lab/attend.h"
#include "lab/builder.h"

/* ---- the parameters --------------------------------------------------------------------------------------------- */

static glossa_pair layer_part(glossa_network *n, glossa_part_of side, uint32_t layer, const char *end, uint32_t rows,
                              uint32_t cols) {
    char name[GLOSSA_PART_NAME];
    glossa_layer_name(name, side, layer, end);
    return glossa_network_own(n, ROLE_LINEAR, name, rows, cols, true);
}

/* Rows of the matrices of a layer whose state has width d. */
static uint32_t gates_of(const glossa_lab_config *c, uint32_t d) {
    return c->cell == CELL_GATED ? 3 * d : d;
}

static bool is_split(const glossa_lab_config *c) {
    return c->keys == KEYS_SPLIT;
}

static void fill_encoder(glossa_network *n) {
    static const char *const inputs[2] = {".input", ".back_input"}, *const states[2] = {".state", ".back_state"};
    const glossa_lab_config *c = &n->config;
    const uint32_t directions = c->direction == DIRECTION_BOTH ? 2 : 1, d = c->width / directions;
    for (uint32_t i = 0; i < c->encoder_layers; i++) {
        glossa_network_layer *l = &n->encoder[i];
        glossa_layer_name(l->name, PART_OF_ENCODER, i, "");
        for (uint32_t way = 0; way < directions; way++) {
            l->input[way] = layer_part(n, PART_OF_ENCODER, i, inputs[way], gates_of(c, d), c->width);
            l->state[way] = layer_part(n, PART_OF_ENCODER, i, states[way], gates_of(c, d), d);
        }
    }
}

static void fill_decoder(glossa_network *n) {
    const glossa_lab_config *c = &n->config;
    const uint32_t d = c->width;
    for (uint32_t i = 0; i < c->decoder_layers; i++) {
        glossa_network_layer *l = &n->decoder[i];
        glossa_layer_name(l->name, PART_OF_DECODER, i, "");
        l->begin = layer_part(n, PART_OF_DECODER, i, ".begin", d, d);
        l->input[0] = layer_part(n, PART_OF_DECODER, i, ".input", gates_of(c, d), d);
        l->state[0] = layer_part(n, PART_OF_DECODER, i, ".state", gates_of(c, d), d);
    }
}

static void fill_attention(glossa_network *n) {
    static const char name[] = "dec.attn";
    const glossa_lab_config *c = &n->config;
    glossa_attention_part *a = &n->attention;
    const uint32_t d = is_split(c) ? c->width / 2 : c->width;
    memcpy(a->name, name, sizeof name);
    switch (c->score) {
    case SCORING_GENERAL:
        a->k = glossa_network_own(n, ROLE_LINEAR, "dec.attn_k", d, d, false);
        break;
    case SCORING_ADDITIVE:
        a->q = glossa_network_own(n, ROLE_LINEAR, "dec.attn_q", d, d, false);
        a->k = glossa_network_own(n, ROLE_LINEAR, "dec.attn_k", d, d, true);
        n->score = glossa_network_own(n, ROLE_LINEAR, "dec.attn_score", 1, d, false).w;
        break;
    case SCORING_CONCAT:
        a->q = glossa_network_own(n, ROLE_LINEAR, "dec.attn_qk", d, 2 * d, true);
        n->score = glossa_network_own(n, ROLE_LINEAR, "dec.attn_score", 1, d, false).w;
        break;
    case SCORING_COSINE:
        n->score = glossa_network_own(n, ROLE_NORM, "dec.attn_score", 1, c->heads, false).w; /* begins at 1 */
        break;
    default:
        break;
    }
    a->o = glossa_network_own(n, ROLE_LINEAR, "dec.attn_o", c->width, d + c->width, true);
}

void glossa_recurrent_fill(glossa_network *n) {
    const glossa_lab_config *c = &n->config;
    const uint32_t d = c->width, target = n->target_vocabulary;
    n->source_table = glossa_network_own(n, ROLE_TABLE, "token_embd", n->source_vocabulary, d, false).w;
    if (n->separate) n->target_table = glossa_network_own(n, ROLE_TABLE, "dec.token_embd", target, d, false).w;
    fill_encoder(n);
    fill_decoder(n);
    if (c->score != SCORING_NO) fill_attention(n);
    if (c->output == OUTPUT_UNTIED) n->output = glossa_network_own(n, ROLE_TABLE, "output", target, d, false).w;
    if (c->output_bias) n->output_bias = glossa_network_own(n, ROLE_BIAS, "output", 1, target, true).b;
}

/* ---- the builder ------------------------------------------------------------------------------------------------ */

static glossa_node recur(const glossa_builder *b, const glossa_network_layer *l, int way, glossa_node x,
                         glossa_node begin, const glossa_segments *segments) {
    const glossa_cell cell = {l->state[way].w, l->state[way].b, b->n->config.cell == CELL_GATED, way == 1};
    return glossa_tape_recur(b->tape, glossa_apply(b, x, l->input[way]), begin, &cell, segments);
}

/* The encoder's states (source tokens, width), and of its last layer the states at the ends that its directions have
   come to (sequences, width). */
static glossa_node encode(const glossa_builder *b, glossa_node *last) {
    const glossa_network *n = b->n;
    const glossa_segments *s = &b->shard->sources;
    const bool both = n->config.direction == DIRECTION_BOTH;
    uint32_t *ends = TAKE(&b->tape->arena, uint32_t, s->count), *begins = TAKE(&b->tape->arena, uint32_t, s->count);
    for (size_t i = 0; i < s->count && ends && begins; i++) {
        ends[i] = s->starts[i + 1] - 1;
        begins[i] = s->starts[i];
    }
    const glossa_node none = {0};
    glossa_node x = glossa_embed_source(b);
    for (uint32_t i = 0; i < n->config.encoder_layers; i++) {
        const glossa_network_layer *l = &n->encoder[i];
        const glossa_node ahead = recur(b, l, 0, x, none, s);
        *last = glossa_tape_gather(b->tape, ahead, ends, s->count);
        if (both) {
            const glossa_node back = recur(b, l, 1, x, none, s);
            x = glossa_tape_beside(b->tape, ahead, back);
            *last = glossa_tape_beside(b->tape, *last, glossa_tape_gather(b->tape, back, begins, s->count));
        } else {
            x = ahead;
        }
        glossa_tape_show(b->tape, l->name, x);
        x = glossa_tape_dropout(b->tape, x, (float)b->rates->dropout, s);
    }
    return x;
}

/* tanh(W [context state] + b), the context being what the state attends to. */
static glossa_node attend(const glossa_builder *b, glossa_node state, glossa_node memory) {
    const glossa_network *n = b->n;
    const glossa_lab_config *c = &n->config;
    const glossa_shard *s = b->shard;
    const size_t half = c->width / 2;
    const bool guided = s->alignment && b->rates->guided > 0;
    glossa_attending a = {.name = n->attention.name,
                          .queries = &s->outputs,
                          .keys = &s->sources,
                          .heads = c->heads,
                          .hard = c->selection == SELECTION_HARD,
                          .dropout = (float)b->rates->attention_dropout,
                          .guide = guided ? s->alignment : NULL,
                          .guide_weight = (float)b->rates->guided * s->weight};
    glossa_node q = state, k = memory, v = memory;
    if (is_split(c)) { /* keys and values are halves of the states (Daniluk et al. 2017) */
        q = glossa_tape_columns(b->tape, state, 0, half);
        k = glossa_tape_columns(b->tape, memory, 0, half);
        v = glossa_tape_columns(b->tape, memory, half, half);
    }
    const glossa_projections p = {n->attention.q, n->attention.k, n->score};
    glossa_project(b->tape, c->score, &p, &q, &k, &a);
    const glossa_node context = glossa_tape_attention(b->tape, q, k, v, &a);
    const glossa_pair o = n->attention.o;
    const glossa_node x = glossa_tape_add(b->tape, glossa_tape_linear_part(b->tape, context, o.w, 0, o.b),
                                          glossa_tape_linear_part(b->tape, state, o.w, context.width, NULL));
    return glossa_tape_dropout(b->tape, glossa_tape_tanh(b->tape, x), (float)b->rates->dropout, &s->outputs);
}

glossa_node glossa_recurrent_build(const glossa_builder *b) {
    const glossa_network *n = b->n;
    const glossa_segments *s = &b->shard->outputs;
    glossa_node last = {0};
    const glossa_node memory = encode(b, &last);
    glossa_tape_show(b->tape, "enc", memory);
    glossa_node x = glossa_embed_target(b);
    for (uint32_t i = 0; i < n->config.decoder_layers; i++) {
        const glossa_network_layer *l = &n->decoder[i];
        const glossa_node begin = glossa_tape_tanh(b->tape, glossa_apply(b, last, l->begin));
        x = recur(b, l, 0, x, begin, s);
        glossa_tape_show(b->tape, l->name, x);
        x = glossa_tape_dropout(b->tape, x, (float)b->rates->dropout, s);
    }
    return n->config.score == SCORING_NO ? x : attend(b, x, memory);
}
