/* Values by key. */
#include <float.h>

#include "base/bytes.h"
#include "file/gguf.h"

static const char *const type_names[] = {
    [GGUF_U8] = "u8",   [GGUF_I8] = "i8",   [GGUF_U16] = "u16",   [GGUF_I16] = "i16",       [GGUF_U32] = "u32",
    [GGUF_I32] = "i32", [GGUF_F32] = "f32", [GGUF_BOOL] = "bool", [GGUF_STRING] = "string", [GGUF_ARRAY] = "array",
    [GGUF_U64] = "u64", [GGUF_I64] = "i64", [GGUF_F64] = "f64",
};

/* *out is NULL where an optional key is missing. */
static glossa_status find(const glossa_gguf *gguf, const char *name, bool required, const glossa_gguf_key **out,
                          glossa_error *error) {
    *out = glossa_gguf_find(gguf, name);
    FAIL_IF(required && !*out, error, GLOSSA_ERROR_FORMAT, "key %s is missing", name);
    return GLOSSA_OK;
}

static glossa_status wrong_type(const glossa_gguf_key *key, const char *expected, glossa_error *error) {
    return glossa_fail(error, GLOSSA_ERROR_FORMAT, "key %.*s is %s%s, need %s", SHOWN(key->name),
                       key->is_array ? "an array of " : "of type ", type_names[key->type], expected);
}

/* An integer of any width. The sign goes apart, so that the whole range of u64 and i64 fits. */
static bool integer(const glossa_gguf_key *key, bool *negative, uint64_t *value) {
    const uint8_t *b = key->data;
    int64_t with_sign;
    *negative = false;
    if (key->is_array) return false;
    switch (key->type) {
    case GGUF_U8:
        *value = b[0];
        return true;
    case GGUF_U16:
        *value = (uint64_t)b[0] | (uint64_t)b[1] << 8;
        return true;
    case GGUF_U32:
        *value = glossa_u32_at(b);
        return true;
    case GGUF_U64:
        *value = glossa_u64_at(b);
        return true;
    case GGUF_I8:
        with_sign = b[0] < 0x80 ? b[0] : b[0] - 0x100;
        break;
    case GGUF_I16:
        with_sign = (int16_t)(b[0] | b[1] << 8);
        break;
    case GGUF_I32:
        with_sign = (int32_t)glossa_u32_at(b);
        break;
    case GGUF_I64:
        with_sign = (int64_t)glossa_u64_at(b);
        break;
    default:
        return false;
    }
    *negative = with_sign < 0;
    *value = *negative ? 0 - (uint64_t)with_sign : (uint64_t)with_sign;
    return true;
}

glossa_status glossa_gguf_u32(const glossa_gguf *gguf, const char *name, bool required, uint32_t *out,
                              glossa_error *error) {
    const glossa_gguf_key *key;
    bool negative;
    uint64_t value;
    FORWARD(find(gguf, name, required, &key, error));
    if (!key) return GLOSSA_OK;
    if (!integer(key, &negative, &value)) return wrong_type(key, "an integer", error);
    FAIL_IF(negative || value > UINT32_MAX, error, GLOSSA_ERROR_FORMAT, "key %s is %s%llu, need 0 to 4294967295", name,
            negative ? "-" : "", (unsigned long long)value);
    *out = (uint32_t)value;
    return GLOSSA_OK;
}

glossa_status glossa_gguf_f32(const glossa_gguf *gguf, const char *name, bool required, float *out,
                              glossa_error *error) {
    const glossa_gguf_key *key;
    FORWARD(find(gguf, name, required, &key, error));
    if (!key) return GLOSSA_OK;
    if (key->is_array || (key->type != GGUF_F32 && key->type != GGUF_F64)) return wrong_type(key, "f32 or f64", error);
    const double value = key->type == GGUF_F32 ? (double)glossa_f32_at(key->data) : glossa_f64_at(key->data);
    FAIL_IF(!(value >= -FLT_MAX && value <= FLT_MAX), error, GLOSSA_ERROR_FORMAT, "key %s is not a finite f32", name);
    *out = (float)value;
    return GLOSSA_OK;
}

glossa_status glossa_gguf_bool(const glossa_gguf *gguf, const char *name, bool required, bool *out,
                               glossa_error *error) {
    const glossa_gguf_key *key;
    FORWARD(find(gguf, name, required, &key, error));
    if (!key) return GLOSSA_OK;
    if (key->is_array || key->type != GGUF_BOOL) return wrong_type(key, "bool", error);
    *out = key->data[0] != 0;
    return GLOSSA_OK;
}

glossa_status glossa_gguf_string(const glossa_gguf *gguf, const char *name, bool required, glossa_text *out,
                                 glossa_error *error) {
    const glossa_gguf_key *key;
    FORWARD(find(gguf, name, required, &key, error));
    if (!key) return GLOSSA_OK;
    if (key->is_array || key->type != GGUF_STRING) return wrong_type(key, "a string", error);
    const uint8_t *at = key->data;
    *out = glossa_gguf_next_string(&at);
    return GLOSSA_OK;
}

/* Types of one width, of which the sign is the reader's affair, take each other's place. */
static bool same_elements(glossa_gguf_type a, glossa_gguf_type b) {
    if (a == b) return true;
    if (a > b) return same_elements(b, a);
    return (a == GGUF_U8 && b == GGUF_I8) || (a == GGUF_U32 && b == GGUF_I32);
}

glossa_status glossa_gguf_array(const glossa_gguf *gguf, const char *name, glossa_gguf_type type, bool required,
                                const glossa_gguf_key **out, glossa_error *error) {
    const glossa_gguf_key *key;
    *out = NULL;
    FORWARD(find(gguf, name, required, &key, error));
    if (!key) return GLOSSA_OK;
    const bool single_string = !key->is_array && key->type == GGUF_STRING;
    FAIL_IF(!same_elements(key->type, type) || !(key->is_array || single_string), error, GLOSSA_ERROR_FORMAT,
            "key %s is %s%s, need an array of %s", name, key->is_array ? "an array of " : "of type ",
            type_names[key->type], type_names[type]);
    *out = key;
    return GLOSSA_OK;
}

int32_t glossa_gguf_i32_at(const glossa_gguf_key *key, uint64_t i) {
    return (int32_t)glossa_u32_at(key->data + i * 4);
}

glossa_text glossa_gguf_next_string(const uint8_t **at) {
    const glossa_text text = {(const char *)*at + 8, (size_t)glossa_u64_at(*at)};
    *at += 8 + text.size;
    return text;
}
