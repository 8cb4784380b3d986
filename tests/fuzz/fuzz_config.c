/*
 * Any bytes as the JSON of a training: refused with a message, or walked to its last string, and settings that hold.
 */
#include <string.h>

#include "base/json.h"
#include "lab/config.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(glossa_text value, int depth) {
    const glossa_json_kind kind = glossa_json_kind_of(value);
    glossa_text key, inner;
    char text[16];
    require(depth <= GLOSSA_JSON_DEPTH && value.size > 0);
    if (kind == JSON_STRING && glossa_json_string(value, text, sizeof text)) require(strlen(text) < sizeof text);
    if (kind != JSON_ARRAY && kind != JSON_OBJECT) return;
    for (size_t at = 0, last = 0; glossa_json_next(value, &at, &key, &inner); last = at) {
        require(at > last && at < value.size);
        walk(inner, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    glossa_lab_config config;
    glossa_error error = {GLOSSA_OK, ""};
    size_t fault;
    char *json = malloc(size + 1); /* not a byte longer than the text, but for the allocation of none */
    require(json != NULL);
    if (size > 0) memcpy(json, data, size);
    const glossa_text text = {json, size};
    const bool sound = glossa_json_check(text, &fault);
    require(sound ? fault == size : fault <= size);
    if (sound) walk(glossa_json_trim(text), 0);
    glossa_lab_defaults(&config);
    const glossa_status status = glossa_lab_configure(&config, text, &error);
    require(status == GLOSSA_OK || error.message[0]);
    require(sound || status == GLOSSA_ERROR_FORMAT);
    free(json);
    return 0;
}
