/* A training as JSON: the lab's settings, and the names that models/recipes/ has for some. */
#include <string.h>

#include "base/json.h"
#include "lab/config.h"

/* What the recipes call a setting; what has no setting is the caller's to look at, or says nothing to a trainer. */
static const struct {
    const char *key, *setting;
} names[] = {
    {"d_model", "width"},    {"ffn", "feed_forward"},   {"lr", "learning_rate"},
    {"vocab", "vocabulary"}, {"max_length", "context"}, {"guided_alignment", "guided"},
    {"source", NULL},        {"target", NULL},          {"train", NULL},
    {"valid", NULL},         {"vocabulary_of", NULL},   {"from", NULL},
    {"log_every", NULL},     {"validate_every", NULL},  {"bleu_lines", NULL},
    {"general", NULL},       {"samples", NULL},         {"samples_note", NULL},
    {"score", NULL},
};
#define NAMES (sizeof names / sizeof *names)

const char *glossa_lab_config_key(size_t index, const char **setting) {
    if (index >= NAMES) return NULL;
    *setting = names[index].setting;
    return names[index].key;
}

#define MOST_VALUE 64

/* A value as glossa_lab_set takes it. */
static bool text_of(glossa_text value, char out[MOST_VALUE]) {
    const char *word;
    switch (glossa_json_kind_of(value)) {
    case JSON_STRING:
        return glossa_json_string(value, out, MOST_VALUE);
    case JSON_NUMBER:
        if (value.size >= MOST_VALUE) return false;
        memcpy(out, value.data, value.size);
        out[value.size] = 0;
        return true;
    case JSON_BOOL:
        word = value.data[0] == 't' ? "yes" : "no";
        memcpy(out, word, strlen(word) + 1);
        return true;
    default:
        return false;
    }
}

/* "bleu": {"tokenize": "zh"} as the recipes have it. */
static glossa_status set_bleu(glossa_lab_config *config, glossa_text object, glossa_error *error) {
    glossa_text key, value;
    char text[MOST_VALUE];
    for (size_t at = 0; glossa_json_next(object, &at, &key, &value);) {
        FAIL_IF(!glossa_json_is(key, "tokenize") || !text_of(value, text), error, GLOSSA_ERROR_ARGUMENT,
                "config: key 'bleu.%.*s' is none that this trainer knows", SHOWN(key));
        FORWARD(glossa_lab_set(config, "bleu", text, error));
    }
    return GLOSSA_OK;
}

static glossa_status set_member(glossa_lab_config *config, glossa_text key, glossa_text value, glossa_error *error) {
    char name[MOST_VALUE], text[MOST_VALUE];
    const char *setting = name;
    FAIL_IF(key.size >= sizeof name, error, GLOSSA_ERROR_ARGUMENT,
            "config: key '%.*s' is none that this trainer knows; --help lists them", SHOWN(key));
    memcpy(name, key.data, key.size);
    name[key.size] = 0;
    for (size_t i = 0; i < NAMES; i++)
        if (strcmp(names[i].key, name) == 0) setting = names[i].setting;
    if (!setting) return GLOSSA_OK;
    FAIL_IF(!glossa_setting_find(setting), error, GLOSSA_ERROR_ARGUMENT,
            "config: key '%s' is none that this trainer knows; --help lists them", name);
    if (strcmp(setting, "bleu") == 0 && glossa_json_kind_of(value) == JSON_OBJECT)
        return set_bleu(config, value, error);
    FAIL_IF(!text_of(value, text), error, GLOSSA_ERROR_ARGUMENT, "config: key '%s' is %.*s, need a number or a name",
            name, SHOWN(value));
    return glossa_lab_set(config, setting, text, error);
}

static bool has_member(glossa_text object, const char *name) {
    glossa_text key, value;
    for (size_t at = 0; glossa_json_next(object, &at, &key, &value);)
        if (glossa_json_is(key, name)) return true;
    return false;
}

/* One of the members that others build on comes first. */
static glossa_status set_first(glossa_lab_config *config, glossa_text object, const char *name, glossa_error *error) {
    glossa_text key, value;
    char text[MOST_VALUE];
    for (size_t at = 0; glossa_json_next(object, &at, &key, &value);) {
        if (!glossa_json_is(key, name)) continue;
        FAIL_IF(!text_of(value, text), error, GLOSSA_ERROR_ARGUMENT, "config: key '%s' is %.*s, need a name", name,
                SHOWN(value));
        FORWARD(glossa_lab_set(config, name, text, error));
    }
    return GLOSSA_OK;
}

glossa_status glossa_lab_configure(glossa_lab_config *config, glossa_text json, glossa_error *error) {
    size_t fault;
    glossa_text key, value, inner;
    if (!glossa_json_check(json, &fault)) {
        size_t line = 1;
        for (size_t i = 0; i < fault; i++)
            line += json.data[i] == '\n';
        return glossa_fail(error, GLOSSA_ERROR_FORMAT, "config: no JSON: line %zu, at byte %zu of the file", line,
                           fault + 1);
    }
    const glossa_text object = glossa_json_trim(json);
    FAIL_IF(glossa_json_kind_of(object) != JSON_OBJECT, error, GLOSSA_ERROR_FORMAT,
            "config: it is %.*s, need an object", SHOWN(object));
    if (!has_member(object, "preset") && !has_member(object, "task"))
        FORWARD(glossa_lab_set(config, "preset", "pairs", error));
    FORWARD(set_first(config, object, "preset", error));
    FORWARD(set_first(config, object, "task", error));
    for (size_t at = 0; glossa_json_next(object, &at, &key, &value);) {
        const bool group =
            glossa_json_is(key, "model") || glossa_json_is(key, "network") || glossa_json_is(key, "training");
        if (glossa_json_is(key, "preset") || glossa_json_is(key, "task")) continue;
        if (!group) {
            FORWARD(set_member(config, key, value, error));
            continue;
        }
        FAIL_IF(glossa_json_kind_of(value) != JSON_OBJECT, error, GLOSSA_ERROR_ARGUMENT,
                "config: key '%.*s' is %.*s, need an object of settings", SHOWN(key), SHOWN(value));
        for (size_t place = 0; glossa_json_next(value, &place, &key, &inner);)
            FORWARD(set_member(config, key, inner, error));
    }
    return GLOSSA_OK;
}
