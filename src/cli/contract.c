#include "cli/contract.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file/gguf.h"
#include "model/tensors.h"
#include "text/vocabulary.h"

typedef struct constant {
    const char *name;
    long long value;
} constant;

#define CONSTANT(prefix, name) {#name, prefix##name}
#define PRINT(name, constants) print(name, constants, sizeof(constants) / sizeof *(constants))

static void print(const char *name, const constant *constants, size_t count) {
    printf("  \"%s\": {", name);
    for (size_t i = 0; i < count; i++)
        printf("%s\"%s\": %lld", i ? ", " : "", constants[i].name, constants[i].value);
    printf("},\n");
}

static void print_words(const char *name, const char *const *words, const char *end) {
    printf("  \"%s\": [", name);
    for (size_t i = 0; words[i]; i++)
        printf("%s\"%s\"", i ? ", " : "", words[i]);
    printf("]%s\n", end);
}

int glossa_print_constants(void) {
    static const constant limits[] = {
        {"beam", GLOSSA_MAX_BEAM},
        {"topK", GLOSSA_MAX_TOP_K},
        {"layers", GLOSSA_MAX_LAYERS},
        {"context", GLOSSA_MAX_CONTEXT},
        {"inputs", GLOSSA_MAX_K},
        {"inputStep", GLOSSA_K_STEP},
        {"languages", GLOSSA_MAX_LANGUAGES},
        {"pieces", GLOSSA_MAX_PIECES},
        {"pieceBytes", GLOSSA_MAX_PIECE_SIZE},
        {"keys", GLOSSA_GGUF_MAX_KEYS},
        {"tensors", GLOSSA_GGUF_MAX_TENSORS},
        {"dimensions", GLOSSA_GGUF_MAX_DIMS},
        {"nameBytes", GLOSSA_GGUF_MAX_NAME},
    };
    static const constant statuses[] = {
        CONSTANT(GLOSSA_, OK),           CONSTANT(GLOSSA_ERROR_, ARGUMENT), CONSTANT(GLOSSA_ERROR_, STATE),
        CONSTANT(GLOSSA_ERROR_, MEMORY), CONSTANT(GLOSSA_ERROR_, FORMAT),   CONSTANT(GLOSSA_ERROR_, UNSUPPORTED),
        CONSTANT(GLOSSA_ERROR_, LIMIT),  CONSTANT(GLOSSA_ERROR_, IO),       CONSTANT(GLOSSA_ERROR_, DIVERGED),
    };
    static const constant searches[] = {
        {"glossa", GLOSSA_SEARCH_GLOSSA},
        {"huggingface", GLOSSA_SEARCH_HUGGINGFACE},
        {"marian", GLOSSA_SEARCH_MARIAN},
    };
    static const constant pieces[] = {
        CONSTANT(PIECE_, NORMAL),       CONSTANT(PIECE_, UNKNOWN), CONSTANT(PIECE_, CONTROL),
        CONSTANT(PIECE_, USER_DEFINED), CONSTANT(PIECE_, UNUSED),  CONSTANT(PIECE_, BYTE),
    };
    static const constant tensors[] = {CONSTANT(TENSOR_, F32), CONSTANT(TENSOR_, I8), CONSTANT(TENSOR_, I32)};
    static const constant values[] = {
        {"u8", GGUF_U8},   {"i8", GGUF_I8},   {"u16", GGUF_U16},   {"i16", GGUF_I16},       {"u32", GGUF_U32},
        {"i32", GGUF_I32}, {"f32", GGUF_F32}, {"bool", GGUF_BOOL}, {"string", GGUF_STRING}, {"array", GGUF_ARRAY},
        {"u64", GGUF_U64}, {"i64", GGUF_I64}, {"f64", GGUF_F64},
    };
    printf("{\n  \"version\": \"%s\",\n  \"formatVersion\": %d,\n", glossa_version(), GLOSSA_FORMAT_VERSION);
    PRINT("limits", limits);
    PRINT("statuses", statuses);
    PRINT("searches", searches);
    PRINT("pieceTypes", pieces);
    PRINT("tensorTypes", tensors);
    PRINT("valueTypes", values);
    print_words("tasks", glossa_tasks, ",");
    print_words("norms", glossa_norms, ",");
    print_words("activations", glossa_activations + ACTIVATION_RELU, ",");
    print_words("positions", glossa_positions, ",");
    print_words("mixers", glossa_mixers, "");
    puts("}");
    return 0;
}

/* What the words may set, each a number. */
typedef struct settings {
    uint32_t encoder_layers, decoder_layers, width, feed_forward, context, source, target;
    uint32_t norm, position, mixer, own_target, own_output;
} settings;

static bool set(settings *s, const char *word) {
    const struct {
        const char *name;
        uint32_t *value;
        unsigned long most;
    } known[] = {
        {"encoder_layers", &s->encoder_layers, GLOSSA_MAX_LAYERS},
        {"decoder_layers", &s->decoder_layers, GLOSSA_MAX_LAYERS},
        {"width", &s->width, GLOSSA_MAX_K},
        {"feed_forward", &s->feed_forward, GLOSSA_MAX_K},
        {"context", &s->context, GLOSSA_MAX_CONTEXT},
        {"source", &s->source, INT32_MAX},
        {"target", &s->target, INT32_MAX},
        {"norm", &s->norm, 1},
        {"position", &s->position, POSITION_LEARNED},
        {"mixer", &s->mixer, GLOSSA_MIXER_SSRU},
        {"own_target", &s->own_target, 1},
        {"own_output", &s->own_output, 1},
    };
    const char *equals = strchr(word, '=');
    for (size_t i = 0; equals && i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) != (size_t)(equals - word) ||
            memcmp(known[i].name, word, (size_t)(equals - word)) != 0)
            continue;
        char *end;
        const unsigned long value = strtoul(equals + 1, &end, 10);
        *known[i].value = (uint32_t)value;
        return *end == 0 && end > equals + 1 && value <= known[i].most;
    }
    return false;
}

static void print_tensor(const glossa_tensor_entry *e, bool first) {
    printf("%s  {\"name\": \"%s\", \"shape\": [", first ? "" : ",\n", e->name);
    if (e->dims == 2) printf("%" PRIu64 ", ", e->ne[1]);
    printf("%" PRIu64 "], \"quantizable\": %s, \"optional\": %s}", e->ne[0], e->quantizable ? "true" : "false",
           e->optional ? "true" : "false");
}

int glossa_print_tensors(int count, char **words) {
    settings s = {.encoder_layers = 1,
                  .decoder_layers = 1,
                  .width = 16,
                  .feed_forward = 16,
                  .context = 2,
                  .source = 1,
                  .target = 1};
    for (int i = 0; i < count; i++) {
        if (set(&s, words[i])) continue;
        fprintf(stderr, "glossa-native tensors: %s is no setting with a number that it takes\n", words[i]);
        return 2;
    }
    const glossa_config config = {.encoder_layers = s.encoder_layers,
                                  .decoder_layers = s.decoder_layers,
                                  .d = s.width,
                                  .ffn = s.feed_forward,
                                  .context = s.context,
                                  .pre_norm = s.norm == 1,
                                  .position = (glossa_position_kind)s.position,
                                  .mixer = (glossa_mixer)s.mixer};
    const glossa_network_shape network = {.config = &config,
                                          .source_vocabulary = s.source,
                                          .target_vocabulary = s.target,
                                          .own_target = s.own_target,
                                          .own_output = s.own_output};
    glossa_part part = {0};
    bool first = true;
    puts("[");
    while (glossa_part_next(&network, &part)) {
        glossa_tensor_entry entries[2];
        const size_t tensors = glossa_part_tensors(&part, entries);
        for (size_t i = 0; i < tensors; i++, first = false)
            print_tensor(&entries[i], first);
    }
    puts("\n]");
    return 0;
}
