/*
 * Networks that see images: ViT (Dosovitskiy et al. 2021), whose patches are the tokens of an encoder, and Swin (Liu et
 * al. 2021), whose patches attend within windows and are merged from stage to stage.
 */
#include <string.h>

#include "lab/builder.h"
#include "lab/windows.h"

static uint32_t grid_of(const glossa_lab_config *c) {
    return c->image / c->patch;
}

static bool is_swin(const glossa_lab_config *c) {
    return c->architecture == ARCHITECTURE_SWIN;
}

/* Whether a row stands before those of the patches, by which the class is judged: it has no input of its own, so that
   its position is all that is learnt of it, which is what a class token and its position come to. */
static bool has_first(const glossa_lab_config *c) {
    return !is_swin(c) && c->pool == POOL_TOKEN;
}

/* The stage of a layer, and whether another one follows behind it. */
static uint32_t stage_of(const glossa_lab_config *c, uint32_t layer) {
    return is_swin(c) ? layer / (c->encoder_layers / c->stages) : 0;
}

static bool is_merged(const glossa_lab_config *c, uint32_t layer) {
    return layer + 1 < c->encoder_layers && stage_of(c, layer + 1) > stage_of(c, layer);
}

/* ---- the parameters --------------------------------------------------------------------------------------------- */

static const char *part_of_layer(char *name, uint32_t layer, const char *end) {
    glossa_layer_name(name, PART_OF_ENCODER, layer, end);
    return name;
}

static void fill_layer(glossa_network *n, uint32_t i) {
    const glossa_lab_config *c = &n->config;
    const uint32_t d = c->width << stage_of(c, i), ffn = c->feed_forward << stage_of(c, i);
    glossa_network_layer *l = &n->encoder[i];
    glossa_attention_part *a = &l->attn;
    char name[GLOSSA_PART_NAME];
    part_of_layer(l->name, i, "");
    part_of_layer(a->name, i, ".attn");
    a->norm = glossa_network_norm(n, part_of_layer(name, i, ".attn_norm"), d);
    a->q = glossa_network_own(n, ROLE_LINEAR, part_of_layer(name, i, ".attn_q"), d, d, true);
    a->k = glossa_network_own(n, ROLE_LINEAR, part_of_layer(name, i, ".attn_k"), d, d, true);
    a->v = glossa_network_own(n, ROLE_LINEAR, part_of_layer(name, i, ".attn_v"), d, d, true);
    a->o = glossa_network_own(n, ROLE_LINEAR, part_of_layer(name, i, ".attn_o"), d, d, true);
    if (is_swin(c)) {
        const uint32_t reach = 2 * c->window - 1, heads = c->heads << stage_of(c, i);
        a->bias =
            glossa_network_own(n, ROLE_POSITIONS, part_of_layer(name, i, ".attn_bias"), reach * reach, heads, false).w;
    }
    l->ffn_norm = glossa_network_norm(n, part_of_layer(name, i, ".ffn_norm"), d);
    l->up = glossa_network_own(n, ROLE_LINEAR, part_of_layer(name, i, ".ffn_up"), ffn, d, true);
    l->down = glossa_network_own(n, ROLE_LINEAR, part_of_layer(name, i, ".ffn_down"), d, ffn, true);
    if (!is_merged(c, i)) return;
    l->merge_norm = glossa_network_norm(n, part_of_layer(name, i, ".merge_norm"), 4 * d);
    l->merge = glossa_network_own(n, ROLE_LINEAR, part_of_layer(name, i, ".merge"), 2 * d, 4 * d, false);
}

void glossa_vision_fill(glossa_network *n) {
    const glossa_lab_config *c = &n->config;
    const uint32_t grid = grid_of(c), last = c->width << stage_of(c, c->encoder_layers - 1);
    n->patch = glossa_network_own(n, ROLE_LINEAR, "patch_embd", c->width, c->patch * c->patch, true);
    if (is_swin(c)) n->patch_norm = glossa_network_norm(n, "patch_norm", c->width);
    if ((glossa_position_kind)c->position == POSITION_LEARNED)
        n->source_positions =
            glossa_network_own(n, ROLE_POSITIONS, "enc.position_embd", grid * grid + has_first(c), c->width, false).w;
    for (uint32_t i = 0; i < c->encoder_layers; i++)
        fill_layer(n, i);
    if (c->norm == NORM_PRE) n->encoder_norm = glossa_network_norm(n, "enc.output_norm", last);
    glossa_classes_fill(n, last);
}

/* ---- the builder ------------------------------------------------------------------------------------------------ */

/* Sequences of `length` rows, `apiece` of them for each image, in the tape's memory; in `measured` while measuring. */
static const glossa_segments *even(const glossa_builder *b, uint32_t apiece, uint32_t length,
                                   glossa_segments *measured) {
    const size_t count = b->shard->sources.count * apiece;
    uint32_t *starts = TAKE(&b->tape->arena, uint32_t, count + 1);
    glossa_segments *s = TAKE(&b->tape->arena, glossa_segments, 1);
    for (size_t i = 0; starts && i <= count; i++)
        starts[i] = (uint32_t)i * length;
    *measured = (glossa_segments){starts, count, length, apiece};
    if (!s) return measured;
    *s = *measured;
    return s;
}

/* The rows of patches (images * (grid * grid + first), width), before any layer. */
static glossa_node embed(const glossa_builder *b, const glossa_segments *images) {
    const glossa_network *n = b->n;
    const glossa_lab_config *c = &n->config;
    const glossa_embedding e = {.positions = n->source_positions, .sinusoids = n->sinusoids};
    glossa_node x =
        glossa_tape_patches(b->tape, b->shard->source, b->shard->sources.count, c->image, c->patch, has_first(c));
    x = glossa_norm_of(b, glossa_apply(b, x, n->patch), n->patch_norm);
    if (c->position != POSITION_NO) x = glossa_tape_place(b->tape, x, &e, images);
    glossa_tape_show(b->tape, "enc.embd", x);
    return glossa_tape_dropout(b->tape, x, (float)b->rates->dropout, images);
}

/* The order `inner` of each of the images' `count` rows, as rows of all images. `before`: the order in which the rows
   lie already, or NULL. */
static const uint32_t *for_all(const glossa_builder *b, const uint32_t *before, const uint32_t *inner, size_t count) {
    const size_t images = b->shard->sources.count;
    uint32_t *all = TAKE(&b->tape->arena, uint32_t, images, count), *place = TAKE(&b->tape->arena, uint32_t, count);
    if (!all || !place) return NULL;
    for (size_t i = 0; i < count; i++)
        place[before ? before[i] : i] = (uint32_t)i;
    for (size_t i = 0; i < images * count; i++)
        all[i] = (uint32_t)(i / count * count) + place[inner[i % count]];
    return all;
}

/* Four patches that lie in a square become one of twice the width. */
static glossa_node merge(const glossa_builder *b, const glossa_network_layer *l, glossa_node x, uint32_t side,
                         const uint32_t *order) {
    const size_t count = (size_t)side * side;
    uint32_t *squares = TAKE(&b->tape->arena, uint32_t, count);
    if (squares) glossa_grid_squares(side, squares);
    x = glossa_tape_gather(b->tape, x, for_all(b, order, squares, count), x.rows);
    x.rows /= 4;
    x.width *= 4;
    return glossa_apply(b, glossa_norm_of(b, x, l->merge_norm), l->merge);
}

/* A layer whose patches attend within windows; its rows are left in the order of those. */
static glossa_node attend_in_windows(const glossa_builder *b, const glossa_network_layer *l, glossa_node x,
                                     const glossa_grid *grid, const uint32_t **order) {
    const uint32_t count = grid->side * grid->side, w = grid->window * grid->window;
    glossa_segments measured;
    uint32_t *next = TAKE(&b->tape->arena, uint32_t, count), *offsets = TAKE(&b->tape->arena, uint32_t, w, w);
    uint8_t *regions = TAKE(&b->tape->arena, uint8_t, x.rows);
    const glossa_segments *windows = even(b, count / w, w, &measured);
    if (regions) {
        glossa_grid_order(grid, next);
        glossa_window_offsets(grid->window, offsets);
        glossa_grid_regions(grid, regions);
        for (size_t i = count; i < x.rows; i++)
            regions[i] = regions[i % count];
    }
    x = glossa_tape_gather(b->tape, x, for_all(b, *order, next, count), x.rows);
    *order = next;
    const glossa_attending a = {
        .queries = windows, .keys = windows, .bias_index = offsets, .regions = grid->shift > 0 ? regions : NULL};
    return glossa_encoder_layer(b, l, x, a);
}

static glossa_node swin_layers(const glossa_builder *b, glossa_node x) {
    const glossa_lab_config *c = &b->n->config;
    const uint32_t each = c->encoder_layers / c->stages;
    const uint32_t *order = NULL; /* the rows lie in that of the image */
    uint32_t side = grid_of(c);
    for (uint32_t i = 0; i < c->encoder_layers; i++) {
        const glossa_network_layer *l = &b->n->encoder[i];
        const bool whole = side <= c->window; /* one window, which there is no use in moving */
        const glossa_grid grid = {side, whole ? side : c->window, whole || i % each % 2 == 0 ? 0 : c->window / 2};
        x = attend_in_windows(b, l, x, &grid, &order);
        if (!is_merged(c, i)) continue;
        x = merge(b, l, x, side, order);
        order = NULL;
        side /= 2;
    }
    return x;
}

/* One row an image, by which the class is judged. */
glossa_node glossa_vision_build(const glossa_builder *b) {
    const glossa_network *n = b->n;
    const glossa_lab_config *c = &n->config;
    const size_t images = b->shard->sources.count;
    const uint32_t rows = grid_of(c) * grid_of(c) + has_first(c);
    glossa_segments measured;
    const glossa_segments *s = even(b, 1, rows, &measured);
    glossa_node x = embed(b, s);
    if (is_swin(c)) x = swin_layers(b, x);
    for (uint32_t i = 0; !is_swin(c) && i < c->encoder_layers; i++)
        x = glossa_encoder_layer(b, &n->encoder[i], x, (glossa_attending){.queries = s, .keys = s});
    if (c->norm == NORM_PRE) x = glossa_norm_of(b, x, n->encoder_norm);
    glossa_tape_show(b->tape, "enc", x);
    if (!has_first(c)) return glossa_tape_pool(b->tape, x, even(b, 1, (uint32_t)(x.rows / images), &measured));
    uint32_t *firsts = TAKE(&b->tape->arena, uint32_t, images);
    for (size_t i = 0; firsts && i < images; i++)
        firsts[i] = (uint32_t)i * rows;
    return glossa_tape_gather(b->tape, x, firsts, images);
}
