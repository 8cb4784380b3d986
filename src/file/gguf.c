#include "file/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* Bytes of one value; 0 for types that vary. */
static const uint8_t value_sizes[] = {
    [GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2,  [GGUF_I16] = 2,    [GGUF_U32] = 4,
    [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_STRING] = 0, [GGUF_ARRAY] = 0,
    [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};
#define VALUE_TYPES (sizeof value_sizes / sizeof *value_sizes)

/* GGML's names by number, for messages about types that Glossa does not run. */
static const char *tensor_type_name(uint32_t type) {
    static const char *const names[] = {"F32",     "F16",    "Q4_0",    "Q4_1",  "4",      "5",     "Q5_0",  "Q5_1",
                                        "Q8_0",    "Q8_1",   "Q2_K",    "Q3_K",  "Q4_K",   "Q5_K",  "Q6_K",  "Q8_K",
                                        "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS",
                                        "I8",      "I16",    "I32",     "I64",   "F64",    "IQ1_M", "BF16"};
    return type < sizeof names / sizeof *names ? names[type] : "unknown";
}

static size_t tensor_type_size(uint32_t type) {
    return type == TENSOR_F32 || type == TENSOR_I32 ? 4 : type == TENSOR_I8 ? 1 : 0;
}

/* ---- the directory ---------------------------------------------------------------------------------------------- */

/* Reads on through the bytes; its place goes into every message. */
typedef struct reader {
    const uint8_t *begin, *at, *end;
    const char *entry; /* "key" or "tensor" */
    uint64_t index, count;
    glossa_text name; /* of the entry, once it is known */
    glossa_error *error;
} reader;

static size_t left(const reader *self) {
    return (size_t)(self->end - self->at);
}

/* Moves over `bytes` that must be there; `what` says what they hold. */
static glossa_status take(reader *self, uint64_t bytes, const char *what, const uint8_t **out) {
    FAIL_IF(bytes > left(self), self->error, GLOSSA_ERROR_FORMAT,
            "%s %llu of %llu (%.*s): its %s needs %llu bytes at byte %zu, but the file has only %zu more", self->entry,
            (unsigned long long)self->index + 1, (unsigned long long)self->count, SHOWN(self->name), what,
            (unsigned long long)bytes, (size_t)(self->at - self->begin), left(self));
    *out = self->at;
    self->at += bytes;
    return GLOSSA_OK;
}

static glossa_status take_u32(reader *self, const char *what, uint32_t *out) {
    const uint8_t *bytes;
    FORWARD(take(self, 4, what, &bytes));
    *out = glossa_u32_at(bytes);
    return GLOSSA_OK;
}

static glossa_status take_u64(reader *self, const char *what, uint64_t *out) {
    const uint8_t *bytes;
    FORWARD(take(self, 8, what, &bytes));
    *out = glossa_u64_at(bytes);
    return GLOSSA_OK;
}

static glossa_status take_string(reader *self, const char *what, glossa_text *out) {
    uint64_t size;
    const uint8_t *bytes;
    FORWARD(take_u64(self, what, &size));
    FORWARD(take(self, size, what, &bytes));
    *out = (glossa_text){(const char *)bytes, (size_t)size};
    return GLOSSA_OK;
}

static glossa_status take_name(reader *self, uint64_t index) {
    glossa_text name;
    self->index = index;
    self->name = (glossa_text){"name unread", 11};
    FORWARD(take_string(self, "name", &name));
    FAIL_IF(name.size == 0 || name.size > GLOSSA_GGUF_MAX_NAME, self->error, GLOSSA_ERROR_FORMAT,
            "%s %llu has a name of %zu bytes, need 1 to %d", self->entry, (unsigned long long)index + 1, name.size,
            GLOSSA_GGUF_MAX_NAME);
    self->name = name;
    return GLOSSA_OK;
}

static glossa_status take_values(reader *self, glossa_gguf_key *key) {
    const uint32_t size = value_sizes[key->type];
    const uint8_t *bytes;
    glossa_text text;
    key->data = self->at;
    if (key->type == GGUF_STRING) {
        /* A string takes 8 bytes at least, so a wrong count ends with the file. */
        for (uint64_t i = 0; i < key->count; i++)
            FORWARD(take_string(self, "string", &text));
    } else {
        FAIL_IF(key->count > left(self) / size, self->error, GLOSSA_ERROR_FORMAT,
                "key %.*s has %llu values of %u bytes at byte %zu, but the file has only %zu more bytes",
                SHOWN(key->name), (unsigned long long)key->count, size, (size_t)(self->at - self->begin), left(self));
        FORWARD(take(self, key->count * size, "value", &bytes));
    }
    key->end = self->at;
    if (key->type == GGUF_BOOL) {
        for (const uint8_t *b = key->data; b < key->end; b++)
            FAIL_IF(*b > 1, self->error, GLOSSA_ERROR_FORMAT, "key %.*s is a bool of value %u, need 0 or 1",
                    SHOWN(key->name), (unsigned)*b);
    }
    return GLOSSA_OK;
}

static glossa_status take_key(reader *self, uint64_t index, glossa_gguf_key *key) {
    uint32_t type;
    FORWARD(take_name(self, index));
    key->name = self->name;
    key->count = 1;
    FORWARD(take_u32(self, "type", &type));
    key->is_array = type == GGUF_ARRAY;
    if (key->is_array) {
        FORWARD(take_u32(self, "element type", &type));
        FORWARD(take_u64(self, "count", &key->count));
        FAIL_IF(type == GGUF_ARRAY, self->error, GLOSSA_ERROR_UNSUPPORTED, "key %.*s is an array of arrays",
                SHOWN(key->name));
    }
    FAIL_IF(type >= VALUE_TYPES, self->error, GLOSSA_ERROR_FORMAT, "key %.*s has the unknown type %u", SHOWN(key->name),
            type);
    key->type = (glossa_gguf_type)type;
    return take_values(self, key);
}

/* Everything but the address, which place_tensor makes of the offset. */
static glossa_status take_tensor(reader *self, uint64_t index, uint32_t alignment, glossa_gguf_tensor *tensor,
                                 uint64_t *offset) {
    uint32_t type;
    FORWARD(take_name(self, index));
    tensor->name = self->name;
    FORWARD(take_u32(self, "number of dimensions", &tensor->dims));
    FAIL_IF(tensor->dims < 1 || tensor->dims > GLOSSA_GGUF_MAX_DIMS, self->error, GLOSSA_ERROR_FORMAT,
            "tensor %.*s has %u dimensions, need 1 to %d", SHOWN(tensor->name), tensor->dims, GLOSSA_GGUF_MAX_DIMS);
    for (uint32_t d = 0; d < GLOSSA_GGUF_MAX_DIMS; d++) {
        tensor->ne[d] = 1;
        if (d < tensor->dims) FORWARD(take_u64(self, "shape", &tensor->ne[d]));
        FAIL_IF(tensor->ne[d] == 0, self->error, GLOSSA_ERROR_FORMAT, "tensor %.*s: dimension %u is 0",
                SHOWN(tensor->name), d);
    }
    FORWARD(take_u32(self, "type", &type));
    FAIL_IF(tensor_type_size(type) == 0, self->error, GLOSSA_ERROR_UNSUPPORTED,
            "tensor %.*s has type %u (%s); Glossa reads F32, I8 and I32: convert the model again with --type i8 or f32",
            SHOWN(tensor->name), type, tensor_type_name(type));
    tensor->type = (glossa_tensor_type)type;
    FORWARD(take_u64(self, "offset", offset));
    FAIL_IF(*offset % alignment != 0, self->error, GLOSSA_ERROR_FORMAT,
            "tensor %.*s has offset %llu, which is no multiple of the file's alignment %u", SHOWN(tensor->name),
            (unsigned long long)*offset, alignment);
    return GLOSSA_OK;
}

/* Turns a checked offset into an address. The tensor data are `size` bytes at `data`. */
static glossa_status place_tensor(glossa_gguf_tensor *tensor, uint64_t offset, const uint8_t *data, size_t size,
                                  glossa_error *error) {
    size_t bytes = tensor_type_size(tensor->type);
    bool fits = true;
    for (uint32_t d = 0; d < tensor->dims; d++)
        fits = fits && tensor->ne[d] <= SIZE_MAX && glossa_mul_size(bytes, (size_t)tensor->ne[d], &bytes);
    FAIL_IF(!fits || offset > size || bytes > size - offset, error, GLOSSA_ERROR_FORMAT,
            "tensor %.*s (%s, %llu x %llu x %llu x %llu) at offset %llu goes beyond the %zu bytes of tensor data",
            SHOWN(tensor->name), tensor_type_name(tensor->type), (unsigned long long)tensor->ne[0],
            (unsigned long long)tensor->ne[1], (unsigned long long)tensor->ne[2], (unsigned long long)tensor->ne[3],
            (unsigned long long)offset, size);
    tensor->data = data + offset;
    tensor->bytes = bytes;
    return GLOSSA_OK;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static int compare_names(glossa_text a, glossa_text b) {
    const int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_keys(const void *a, const void *b) {
    return compare_names(((const glossa_gguf_key *)a)->name, ((const glossa_gguf_key *)b)->name);
}

static int compare_tensors(const void *a, const void *b) {
    return compare_names(((const glossa_gguf_tensor *)a)->name, ((const glossa_gguf_tensor *)b)->name);
}

static int compare_places(const void *a, const void *b) {
    const uint8_t *x = ((const glossa_gguf_tensor *)a)->data, *y = ((const glossa_gguf_tensor *)b)->data;
    return x != y ? (x > y) - (x < y) : compare_tensors(a, b); /* names, so that a message does not depend on qsort */
}

const glossa_gguf_key *glossa_gguf_find(const glossa_gguf *gguf, const char *name) {
    const glossa_gguf_key wanted = {.name = {name, strlen(name)}};
    if (gguf->key_count == 0) return NULL;
    return bsearch(&wanted, gguf->keys, gguf->key_count, sizeof wanted, compare_keys);
}

const glossa_gguf_tensor *glossa_gguf_find_tensor(const glossa_gguf *gguf, const char *name) {
    const glossa_gguf_tensor wanted = {.name = {name, strlen(name)}};
    if (gguf->tensor_count == 0) return NULL;
    return bsearch(&wanted, gguf->tensors, gguf->tensor_count, sizeof wanted, compare_tensors);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* Magic, version and counts. */
static glossa_status read_header(reader *self, uint64_t *tensors, uint64_t *keys) {
    enum { HEADER = 24, LEAST_KEY = 8 + 1 + 4 + 1, LEAST_TENSOR = 8 + 1 + 4 + 8 + 4 + 8 };
    const size_t size = left(self);
    FAIL_IF(size == 0, self->error, GLOSSA_ERROR_FORMAT, "the checkpoint is empty (0 bytes)");
    FAIL_IF(size >= 4 && memcmp(self->at, "GGUF", 4) != 0, self->error, GLOSSA_ERROR_FORMAT,
            "not a GGUF checkpoint: it starts with the bytes %x %x %x %x instead of 47 47 55 46", self->at[0],
            self->at[1], self->at[2], self->at[3]);
    FAIL_IF(size < HEADER, self->error, GLOSSA_ERROR_FORMAT, "the checkpoint has %zu bytes, fewer than a header's %d",
            size, HEADER);
    const uint32_t version = glossa_u32_at(self->at + 4);
    FAIL_IF(version != 3, self->error, GLOSSA_ERROR_UNSUPPORTED, "GGUF version %u%s; Glossa reads version 3", version,
            version == 0x03000000 ? " (a big-endian file)" : "");
    *tensors = glossa_u64_at(self->at + 8);
    *keys = glossa_u64_at(self->at + 16);
    self->at += HEADER;
    FAIL_IF(*keys > GLOSSA_GGUF_MAX_KEYS || *keys > left(self) / LEAST_KEY, self->error, GLOSSA_ERROR_FORMAT,
            "the header claims %llu keys, too many for the %zu bytes that follow or for the limit of %d",
            (unsigned long long)*keys, left(self), GLOSSA_GGUF_MAX_KEYS);
    FAIL_IF(*tensors > GLOSSA_GGUF_MAX_TENSORS || *tensors > left(self) / LEAST_TENSOR, self->error,
            GLOSSA_ERROR_FORMAT,
            "the header claims %llu tensors, too many for the %zu bytes that follow or for the limit of %d",
            (unsigned long long)*tensors, left(self), GLOSSA_GGUF_MAX_TENSORS);
    return GLOSSA_OK;
}

static glossa_status read_keys(reader *self, glossa_gguf *gguf) {
    self->entry = "key";
    self->count = gguf->key_count;
    for (size_t i = 0; i < gguf->key_count; i++)
        FORWARD(take_key(self, i, &gguf->keys[i]));
    if (gguf->key_count > 0) qsort(gguf->keys, gguf->key_count, sizeof *gguf->keys, compare_keys);
    for (size_t i = 1; i < gguf->key_count; i++)
        FAIL_IF(compare_keys(&gguf->keys[i - 1], &gguf->keys[i]) == 0, self->error, GLOSSA_ERROR_FORMAT,
                "key %.*s appears twice", SHOWN(gguf->keys[i].name));

    gguf->alignment = 32;
    FORWARD(glossa_gguf_u32(gguf, "general.alignment", false, &gguf->alignment, self->error));
    const uint32_t a = gguf->alignment;
    FAIL_IF(a < 16 || a > 4096 || (a & (a - 1)) != 0, self->error, GLOSSA_ERROR_FORMAT,
            "key general.alignment is %u, need a power of two from 16 to 4096", a);
    return GLOSSA_OK;
}

/* `offsets` is scratch, one a tensor. */
static glossa_status read_tensors(reader *self, glossa_gguf *gguf, uint64_t *offsets) {
    self->entry = "tensor";
    self->count = gguf->tensor_count;
    for (size_t i = 0; i < gguf->tensor_count; i++)
        FORWARD(take_tensor(self, i, gguf->alignment, &gguf->tensors[i], &offsets[i]));
    if (gguf->tensor_count == 0) return GLOSSA_OK;

    const size_t padding = (gguf->alignment - (size_t)(self->at - self->begin) % gguf->alignment) % gguf->alignment;
    const size_t size = left(self) > padding ? left(self) - padding : 0;
    for (size_t i = 0; i < gguf->tensor_count; i++)
        FORWARD(place_tensor(&gguf->tensors[i], offsets[i], self->end - size, size, self->error));

    qsort(gguf->tensors, gguf->tensor_count, sizeof *gguf->tensors, compare_places);
    for (size_t i = 1; i < gguf->tensor_count; i++) {
        const glossa_gguf_tensor *a = &gguf->tensors[i - 1], *b = &gguf->tensors[i];
        FAIL_IF((const uint8_t *)a->data + a->bytes > (const uint8_t *)b->data, self->error, GLOSSA_ERROR_FORMAT,
                "tensors %.*s and %.*s overlap: %zu bytes at byte %zu of the file, and %zu at byte %zu", SHOWN(a->name),
                SHOWN(b->name), a->bytes, (size_t)((const uint8_t *)a->data - self->begin), b->bytes,
                (size_t)((const uint8_t *)b->data - self->begin));
    }

    qsort(gguf->tensors, gguf->tensor_count, sizeof *gguf->tensors, compare_tensors);
    for (size_t i = 1; i < gguf->tensor_count; i++)
        FAIL_IF(compare_tensors(&gguf->tensors[i - 1], &gguf->tensors[i]) == 0, self->error, GLOSSA_ERROR_FORMAT,
                "tensor %.*s appears twice", SHOWN(gguf->tensors[i].name));
    return GLOSSA_OK;
}

static glossa_status read_directory(reader *self, glossa_gguf *gguf) {
    uint64_t tensors, keys;
    FORWARD(read_header(self, &tensors, &keys));
    gguf->key_count = (size_t)keys;
    gguf->tensor_count = (size_t)tensors;
    gguf->keys = glossa_allocate(&gguf->allocator, gguf->key_count, sizeof *gguf->keys);
    gguf->tensors = glossa_allocate(&gguf->allocator, gguf->tensor_count, sizeof *gguf->tensors);
    FAIL_IF(!gguf->keys || !gguf->tensors, self->error, GLOSSA_ERROR_MEMORY,
            "out of memory for a directory of %zu keys and %zu tensors", gguf->key_count, gguf->tensor_count);
    FORWARD(read_keys(self, gguf));

    uint64_t *offsets = glossa_allocate(&gguf->allocator, gguf->tensor_count, sizeof *offsets);
    FAIL_IF(!offsets, self->error, GLOSSA_ERROR_MEMORY, "out of memory for %zu tensor offsets", gguf->tensor_count);
    const glossa_status status = read_tensors(self, gguf, offsets);
    glossa_release(&gguf->allocator, offsets);
    return status;
}

glossa_status glossa_gguf_open(const void *bytes, size_t size, const glossa_allocator *allocator, glossa_gguf *gguf,
                               glossa_error *error) {
    *gguf = (glossa_gguf){.allocator = glossa_allocator_or_default(allocator)};
    FAIL_IF(!bytes && size > 0, error, GLOSSA_ERROR_ARGUMENT, "the checkpoint is NULL");
    FAIL_IF((uintptr_t)bytes % 16 != 0, error, GLOSSA_ERROR_ARGUMENT,
            "the checkpoint's memory is not aligned to 16 bytes but %u beyond", (unsigned)((uintptr_t)bytes % 16));
    reader self = {.begin = bytes, .at = bytes, .end = bytes ? (const uint8_t *)bytes + size : bytes, .error = error};
    const glossa_status status = read_directory(&self, gguf);
    if (status != GLOSSA_OK) glossa_gguf_close(gguf);
    return status;
}

void glossa_gguf_close(glossa_gguf *gguf) {
    if (gguf->keys) glossa_release(&gguf->allocator, gguf->keys);
    if (gguf->tensors) glossa_release(&gguf->allocator, gguf->tensors);
    *gguf = (glossa_gguf){.allocator = gguf->allocator};
}
