#include "model/tensors.h"

#include <stddef.h>
#include <string.h>

#include "model/model.h"

typedef enum dimension { ONE, WIDTH, FFN, SOURCE, TARGET, CONTEXT } dimension;

typedef enum condition { ALWAYS, ATTENTION_MIXER, SSRU_MIXER, LEARNED, PRE_NORM, OWN_TARGET, OWN_OUTPUT } condition;

/* A part as it stands in the table. */
typedef struct line {
    const char *name; /* behind "enc.blk.N." in a layer */
    uint8_t role, rows, cols, when;
    bool first; /* shares its input with the first layer's part, else with its own layer's */
    uint16_t place, shares_input;
} line;

#define MODEL(field) offsetof(glossa_model, field)
#define LAYER(field) offsetof(glossa_layer, field)

#define WHOLE(name, role, rows, when, field) {name, role, rows, WIDTH, when, false, MODEL(field), MODEL(field)}
#define LINEAR(name, rows, cols, when, field, with)                                                                    \
    {name, ROLE_LINEAR, rows, cols, when, false, LAYER(field), LAYER(with)}
#define NORM(name, when, field) {name, ROLE_NORM, ONE, WIDTH, when, false, LAYER(field), LAYER(field)}

static const line model_head[] = {
    WHOLE("token_embd", ROLE_TABLE, SOURCE, ALWAYS, source_embedding),
    WHOLE("dec.token_embd", ROLE_TABLE, TARGET, OWN_TARGET, target_embedding),
    WHOLE("enc.position_embd", ROLE_POSITIONS, CONTEXT, LEARNED, encoder_position),
    WHOLE("dec.position_embd", ROLE_POSITIONS, CONTEXT, LEARNED, decoder_position),
};

#define SELF_ATTENTION(when)                                                                                           \
    LINEAR("attn_q", WIDTH, WIDTH, when, attn.q, attn.q), LINEAR("attn_k", WIDTH, WIDTH, when, attn.k, attn.q),        \
        LINEAR("attn_v", WIDTH, WIDTH, when, attn.v, attn.q), LINEAR("attn_o", WIDTH, WIDTH, when, attn.o, attn.o),    \
        NORM("attn_norm", when, attn_norm)
#define FEED_FORWARD                                                                                                   \
    LINEAR("ffn_up", FFN, WIDTH, ALWAYS, ffn.up, ffn.up), LINEAR("ffn_down", WIDTH, FFN, ALWAYS, ffn.down, ffn.down),  \
        NORM("ffn_norm", ALWAYS, ffn_norm)

static const line encoder_layer[] = {SELF_ATTENTION(ALWAYS), FEED_FORWARD};

static const line decoder_layer[] = {
    SELF_ATTENTION(ATTENTION_MIXER),
    LINEAR("ssru_w", WIDTH, WIDTH, SSRU_MIXER, ssru_w, ssru_w),
    LINEAR("ssru_f", WIDTH, WIDTH, SSRU_MIXER, ssru_f, ssru_w),
    NORM("ssru_norm", SSRU_MIXER, ssru_norm),
    LINEAR("cross_attn_q", WIDTH, WIDTH, ALWAYS, cross.q, cross.q),
    /* Keys and values of all layers read the encoder's output, which is prepared once. */
    {"cross_attn_k", ROLE_LINEAR, WIDTH, WIDTH, ALWAYS, true, LAYER(cross.k), LAYER(cross.k)},
    {"cross_attn_v", ROLE_LINEAR, WIDTH, WIDTH, ALWAYS, true, LAYER(cross.v), LAYER(cross.k)},
    LINEAR("cross_attn_o", WIDTH, WIDTH, ALWAYS, cross.o, cross.o),
    NORM("cross_attn_norm", ALWAYS, cross_norm),
    FEED_FORWARD,
};

static const line model_tail[] = {
    WHOLE("enc.output_norm", ROLE_NORM, ONE, PRE_NORM, encoder_norm),
    WHOLE("dec.output_norm", ROLE_NORM, ONE, PRE_NORM, decoder_norm),
    WHOLE("output", ROLE_TABLE, TARGET, OWN_OUTPUT, output),
    {"output", ROLE_BIAS, ONE, TARGET, ALWAYS, false, MODEL(output.bias), MODEL(output.bias)},
};

/* The sections in their order; one of a side is repeated for each of its layers. */
static const struct section {
    const line *lines;
    size_t count;
    glossa_part_of of;
} sections[] = {
    {model_head, sizeof model_head / sizeof *model_head, PART_OF_MODEL},
    {encoder_layer, sizeof encoder_layer / sizeof *encoder_layer, PART_OF_ENCODER},
    {decoder_layer, sizeof decoder_layer / sizeof *decoder_layer, PART_OF_DECODER},
    {model_tail, sizeof model_tail / sizeof *model_tail, PART_OF_MODEL},
};
#define SECTIONS (sizeof sections / sizeof *sections)

static bool holds(const glossa_network_shape *n, condition when) {
    switch (when) {
    case ALWAYS:
        break;
    case ATTENTION_MIXER:
        return n->config->mixer == GLOSSA_MIXER_ATTENTION;
    case SSRU_MIXER:
        return n->config->mixer == GLOSSA_MIXER_SSRU;
    case LEARNED:
        return n->config->position == POSITION_LEARNED;
    case PRE_NORM:
        return n->config->pre_norm;
    case OWN_TARGET:
        return n->own_target;
    case OWN_OUTPUT:
        return n->own_output;
    }
    return true;
}

static uint32_t size_of(const glossa_network_shape *n, dimension of) {
    const uint32_t sizes[] = {[ONE] = 1,
                              [WIDTH] = n->config->d,
                              [FFN] = n->config->ffn,
                              [SOURCE] = n->source_vocabulary,
                              [TARGET] = n->target_vocabulary,
                              [CONTEXT] = n->config->context};
    return sizes[of];
}

static char *append(char *at, const char *text) {
    const size_t size = strlen(text);
    memcpy(at, text, size + 1);
    return at + size;
}

char *glossa_layer_name(char *at, glossa_part_of of, uint32_t layer, const char *end) {
    char digits[12];
    size_t first = sizeof digits - 1;
    digits[first] = 0;
    do
        digits[--first] = (char)('0' + layer % 10);
    while (layer /= 10);
    at = append(at, of == PART_OF_ENCODER ? "enc.blk." : "dec.blk.");
    at = append(at, digits + first);
    return append(at, end);
}

static void fill(const glossa_network_shape *n, const line *from, glossa_part *part) {
    char *at = part->name;
    part->role = (glossa_role)from->role;
    part->rows = size_of(n, (dimension)from->rows);
    part->cols = size_of(n, (dimension)from->cols);
    part->of = sections[part->section].of;
    part->place = from->place;
    part->shares_input = from->shares_input;
    part->shares_layer = from->first ? 0 : part->layer;
    if (part->of != PART_OF_MODEL) at = glossa_layer_name(at, part->of, part->layer, ".");
    append(at, from->name);
}

bool glossa_part_next(const glossa_network_shape *n, glossa_part *part) {
    while (part->section < SECTIONS) {
        const struct section *s = &sections[part->section];
        const uint32_t layers = s->of == PART_OF_ENCODER   ? n->config->encoder_layers
                                : s->of == PART_OF_DECODER ? n->config->decoder_layers
                                                           : 1;
        if (part->layer == layers) {
            part->section++;
            part->layer = 0;
        } else if (part->next == s->count) {
            part->layer++;
            part->next = 0;
        } else {
            const line *next = &s->lines[part->next++];
            if (!holds(n, (condition)next->when)) continue;
            fill(n, next, part);
            return true;
        }
    }
    return false;
}

void glossa_part_name(const glossa_part *part, const char *suffix, char name[GLOSSA_TENSOR_NAME]) {
    append(append(name, part->name), suffix);
}

static void tensor(const glossa_part *part, const char *suffix, bool matrix, glossa_tensor_entry *out) {
    glossa_part_name(part, suffix, out->name);
    out->dims = matrix ? 2 : 1;
    out->ne[0] = matrix || part->role != ROLE_LINEAR ? part->cols : part->rows;
    out->ne[1] = matrix ? part->rows : 1;
    out->quantizable = matrix && part->role != ROLE_POSITIONS;
    out->optional = !matrix && part->role != ROLE_NORM;
}

size_t glossa_part_tensors(const glossa_part *part, glossa_tensor_entry entries[2]) {
    size_t count = 0; /* ROLE_TABLE and ROLE_POSITIONS have a weight alone */
    if (part->role != ROLE_BIAS) tensor(part, ".weight", part->role != ROLE_NORM, &entries[count++]);
    if (part->role == ROLE_LINEAR || part->role == ROLE_NORM || part->role == ROLE_BIAS)
        tensor(part, ".bias", false, &entries[count++]);
    return count;
}
