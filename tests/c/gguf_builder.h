/*
 * Writes GGUF files in memory, right ones and, on request, wrong ones, for tests.
 *
 *     gguf_builder b = {0};
 *     put_string(&b, "general.architecture", "glossa");
 *     put_tensor(&b, "token_embd.weight", 0, 2, (uint64_t[]){4, 3}, data, sizeof data);
 *     size_t size;
 *     uint8_t *file = finish(&b, &size);      // exactly `size` bytes, aligned to 16; free it
 */
#ifndef GLOSSA_TESTS_GGUF_BUILDER_H
#define GLOSSA_TESTS_GGUF_BUILDER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct buffer {
    uint8_t *bytes;
    size_t size, capacity;
} buffer;

typedef struct gguf_builder {
    buffer keys, tensors, data;
    uint64_t key_count, tensor_count;
    uint32_t version;   /* 0: 3 */
    uint32_t alignment; /* 0: 32; write general.alignment as well where it differs */
} gguf_builder;

static inline void put(buffer *self, const void *bytes, size_t size) {
    if (self->size + size > self->capacity) {
        self->capacity = 2 * (self->size + size);
        uint8_t *larger = realloc(self->bytes, self->capacity);
        if (!larger) abort();
        self->bytes = larger;
    }
    if (size > 0) memcpy(self->bytes + self->size, bytes, size);
    self->size += size;
}

/* The low `size` bytes of a value, little-endian. */
static inline void put_le(buffer *self, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++)
        put(self, &(uint8_t){(uint8_t)(value >> (8 * i))}, 1);
}

static inline void put_bytes_with_length(buffer *self, const char *bytes, size_t size) {
    put_le(self, size, 8);
    put(self, bytes, size);
}

/* Name and type number of a key; the value is up to the caller. */
static inline buffer *put_key(gguf_builder *self, const char *name, uint32_t type) {
    put_bytes_with_length(&self->keys, name, strlen(name));
    put_le(&self->keys, type, 4);
    self->key_count++;
    return &self->keys;
}

static inline buffer *put_array(gguf_builder *self, const char *name, uint32_t type, uint64_t count) {
    put_key(self, name, 9);
    put_le(&self->keys, type, 4);
    put_le(&self->keys, count, 8);
    return &self->keys;
}

static inline void put_u32(gguf_builder *self, const char *name, uint32_t value) {
    put_le(put_key(self, name, 4), value, 4);
}

static inline void put_f32(gguf_builder *self, const char *name, float value) {
    put(put_key(self, name, 6), &value, 4);
}

static inline void put_bool(gguf_builder *self, const char *name, uint8_t value) {
    put(put_key(self, name, 7), &value, 1);
}

static inline void put_string(gguf_builder *self, const char *name, const char *value) {
    put_bytes_with_length(put_key(self, name, 8), value, strlen(value));
}

static inline void put_strings(gguf_builder *self, const char *name, const char *const *values, size_t count) {
    put_array(self, name, 8, count);
    for (size_t i = 0; i < count; i++)
        put_bytes_with_length(&self->keys, values[i], strlen(values[i]));
}

static inline void put_f32s(gguf_builder *self, const char *name, const float *values, size_t count) {
    put(put_array(self, name, 6, count), values, count * 4);
}

static inline void put_i32s(gguf_builder *self, const char *name, const int32_t *values, size_t count) {
    put(put_array(self, name, 5, count), values, count * 4);
}

static inline void put_u8s(gguf_builder *self, const char *name, const void *values, size_t count) {
    put(put_array(self, name, 0, count), values, count);
}

static inline uint32_t builder_alignment(const gguf_builder *self) {
    return self->alignment ? self->alignment : 32;
}

static inline void put_padding(buffer *self, size_t alignment) {
    while (self->size % alignment)
        put(self, "", 1);
}

/* A directory entry alone. */
static inline void put_tensor_info(gguf_builder *self, const char *name, uint32_t type, uint32_t dims,
                                   const uint64_t *ne, uint64_t offset) {
    put_bytes_with_length(&self->tensors, name, strlen(name));
    put_le(&self->tensors, dims, 4);
    for (uint32_t d = 0; d < dims; d++)
        put_le(&self->tensors, ne[d], 8);
    put_le(&self->tensors, type, 4);
    put_le(&self->tensors, offset, 8);
    self->tensor_count++;
}

static inline void put_tensor(gguf_builder *self, const char *name, uint32_t type, uint32_t dims, const uint64_t *ne,
                              const void *data, size_t bytes) {
    put_padding(&self->data, builder_alignment(self));
    put_tensor_info(self, name, type, dims, ne, self->data.size);
    put(&self->data, data, bytes);
}

/* The whole file, which the caller frees; the builder is empty again. */
static inline uint8_t *finish(gguf_builder *self, size_t *size) {
    buffer head = {0};
    put(&head, "GGUF", 4);
    put_le(&head, self->version ? self->version : 3, 4);
    put_le(&head, self->tensor_count, 8);
    put_le(&head, self->key_count, 8);
    put(&head, self->keys.bytes, self->keys.size);
    put(&head, self->tensors.bytes, self->tensors.size);
    if (self->tensor_count > 0) put_padding(&head, builder_alignment(self));
    put(&head, self->data.bytes, self->data.size);

    uint8_t *file = malloc(head.size); /* no spare room, so that a sanitizer sees a read beyond the end */
    if (!file) abort();
    memcpy(file, head.bytes, head.size);
    *size = head.size;
    free(head.bytes);
    free(self->keys.bytes);
    free(self->tensors.bytes);
    free(self->data.bytes);
    *self = (gguf_builder){0};
    return file;
}

#endif
