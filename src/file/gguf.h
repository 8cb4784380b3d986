/*
 * Bounds-checked reader of the GGUF v3 container (little-endian). Every byte is hostile: counts, lengths, types,
 * offsets and alignment are checked against the bytes that remain before they are used. Borrows the file's bytes.
 *
 *     u32 magic "GGUF"   u32 version = 3   u64 tensor count   u64 key count
 *     keys:    string name, u32 type, value          string = u64 length + bytes
 *     tensors: string name, u32 dimensions, u64 ne[dimensions], u32 type, u64 offset
 *     padding to general.alignment (default 32), then the tensor data, each at its offset
 */
#ifndef GLOSSA_GGUF_H
#define GLOSSA_GGUF_H

#include "base/base.h"

#define GLOSSA_GGUF_MAX_KEYS    4096
#define GLOSSA_GGUF_MAX_TENSORS 65536
#define GLOSSA_GGUF_MAX_DIMS    4
#define GLOSSA_GGUF_MAX_NAME    65535 /* bytes, as the specification has it */

typedef enum glossa_gguf_type {
    GGUF_U8 = 0,
    GGUF_I8 = 1,
    GGUF_U16 = 2,
    GGUF_I16 = 3,
    GGUF_U32 = 4,
    GGUF_I32 = 5,
    GGUF_F32 = 6,
    GGUF_BOOL = 7,
    GGUF_STRING = 8,
    GGUF_ARRAY = 9,
    GGUF_U64 = 10,
    GGUF_I64 = 11,
    GGUF_F64 = 12
} glossa_gguf_type;

/* Tensor types that Glossa runs; numbers are GGML's. */
typedef enum glossa_tensor_type { TENSOR_F32 = 0, TENSOR_I8 = 24, TENSOR_I32 = 26 } glossa_tensor_type;

typedef struct glossa_gguf_key {
    glossa_text name;
    glossa_gguf_type type; /* element type for an array */
    bool is_array;
    uint64_t count;      /* 1 unless an array */
    const uint8_t *data; /* first value, unaligned; strings as length + bytes, one after the other, all checked */
    const uint8_t *end;
} glossa_gguf_key;

typedef struct glossa_gguf_tensor {
    glossa_text name;
    uint32_t dims;
    uint64_t ne[GLOSSA_GGUF_MAX_DIMS]; /* ne[0] runs fastest; 1 beyond dims */
    glossa_tensor_type type;
    const void *data;
    size_t bytes;
} glossa_gguf_tensor;

typedef struct glossa_gguf {
    glossa_allocator allocator;
    glossa_gguf_key *keys; /* (key_count) sorted by name */
    size_t key_count;
    glossa_gguf_tensor *tensors; /* (tensor_count) sorted by name */
    size_t tensor_count;
    uint32_t alignment;
} glossa_gguf;

/*
 * Reads the directory of a file that is aligned to 16 bytes. On success close `gguf` when done: its keys and tensors
 * go, while texts and tensor data stay, being the file's. On failure there is nothing to close. Duplicate names,
 * tensors that overlap and tensors of other types are refused.
 */
glossa_status glossa_gguf_open(const void *bytes, size_t size, const glossa_allocator *allocator, glossa_gguf *gguf,
                               glossa_error *error);
void glossa_gguf_close(glossa_gguf *gguf);

/* NULL where there is none. */
const glossa_gguf_key *glossa_gguf_find(const glossa_gguf *gguf, const char *name);
const glossa_gguf_tensor *glossa_gguf_find_tensor(const glossa_gguf *gguf, const char *name);

/*
 * A value by key. `required`: a missing key is an error that names it; else *out stays as it is. A key of the wrong
 * type, or a number that does not fit, is an error that names the key. u32 takes integers of any width, f32 also an
 * f64; neither NaN nor an infinity.
 */
glossa_status glossa_gguf_u32(const glossa_gguf *gguf, const char *name, bool required, uint32_t *out,
                              glossa_error *error);
glossa_status glossa_gguf_f32(const glossa_gguf *gguf, const char *name, bool required, float *out,
                              glossa_error *error);
glossa_status glossa_gguf_bool(const glossa_gguf *gguf, const char *name, bool required, bool *out,
                               glossa_error *error);
glossa_status glossa_gguf_string(const glossa_gguf *gguf, const char *name, bool required, glossa_text *out,
                                 glossa_error *error);

/*
 * An array of `type`; *out is NULL where an optional key is missing. U32 and I32, U8 and I8 take each other's place,
 * and a string that of a one-element array of strings.
 */
glossa_status glossa_gguf_array(const glossa_gguf *gguf, const char *name, glossa_gguf_type type, bool required,
                                const glossa_gguf_key **out, glossa_error *error);

/* Element i < count of an array of I32 or U32, and the next string: *at starts at key->data and moves on. Bytes and F32
 * are read from key->data as they are (base/bytes.h). */
int32_t glossa_gguf_i32_at(const glossa_gguf_key *key, uint64_t i);
glossa_text glossa_gguf_next_string(const uint8_t **at);

#endif
