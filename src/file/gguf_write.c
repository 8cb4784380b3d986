#include "file/gguf_write.h"

#include <string.h>

#define ALIGNMENT 32 /* GGUF's default; no key need name it */

void glossa_gguf_writer_open(glossa_gguf_writer *writer, const glossa_allocator *allocator) {
    *writer = (glossa_gguf_writer){.allocator = glossa_allocator_or_default(allocator)};
}

void glossa_gguf_writer_close(glossa_gguf_writer *writer) {
    glossa_release(&writer->allocator, writer->keys.data);
    glossa_release(&writer->allocator, writer->tensors.data);
    glossa_release(&writer->allocator, writer->blobs.data);
    *writer = (glossa_gguf_writer){.allocator = writer->allocator};
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

static void put(glossa_gguf_writer *writer, glossa_gguf_bytes *to, const void *bytes, size_t size) {
    if (writer->failure != GLOSSA_OK) return;
    size_t needed;
    if (!glossa_add_size(to->size, size, &needed) || needed > SIZE_MAX / 2) {
        writer->failure = GLOSSA_ERROR_LIMIT;
        return;
    }
    if (needed > to->capacity) {
        const size_t capacity = needed < 512 ? 1024 : 2 * needed;
        uint8_t *wider = glossa_widen(&writer->allocator, to->data, to->size, capacity, 1);
        if (!wider) {
            writer->failure = GLOSSA_ERROR_MEMORY;
            return;
        }
        to->data = wider;
        to->capacity = capacity;
    }
    if (size > 0) memcpy(to->data + to->size, bytes, size);
    to->size = needed;
}

/* The low `size` bytes of a value, little-endian. */
static void put_number(glossa_gguf_writer *writer, glossa_gguf_bytes *to, uint64_t value, size_t size) {
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    put(writer, to, bytes, size);
}

static void put_text(glossa_gguf_writer *writer, glossa_gguf_bytes *to, const char *text) {
    const size_t size = strlen(text);
    put_number(writer, to, size, 8);
    put(writer, to, text, size);
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t aligned(uint64_t size) {
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

static void put_key(glossa_gguf_writer *writer, const char *name, glossa_gguf_type type) {
    put_text(writer, &writer->keys, name);
    put_number(writer, &writer->keys, type, 4);
    writer->key_count++;
}

static void put_array(glossa_gguf_writer *writer, const char *name, glossa_gguf_type type, size_t count) {
    put_key(writer, name, GGUF_ARRAY);
    put_number(writer, &writer->keys, type, 4);
    put_number(writer, &writer->keys, count, 8);
}

void glossa_gguf_put_u32(glossa_gguf_writer *writer, const char *name, uint32_t value) {
    put_key(writer, name, GGUF_U32);
    put_number(writer, &writer->keys, value, 4);
}

void glossa_gguf_put_f32(glossa_gguf_writer *writer, const char *name, float value) {
    put_key(writer, name, GGUF_F32);
    put_number(writer, &writer->keys, bits_of(value), 4);
}

void glossa_gguf_put_f64(glossa_gguf_writer *writer, const char *name, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(writer, name, GGUF_F64);
    put_number(writer, &writer->keys, bits, 8);
}

void glossa_gguf_put_bool(glossa_gguf_writer *writer, const char *name, bool value) {
    put_key(writer, name, GGUF_BOOL);
    put_number(writer, &writer->keys, value, 1);
}

void glossa_gguf_put_string(glossa_gguf_writer *writer, const char *name, const char *value) {
    put_key(writer, name, GGUF_STRING);
    put_text(writer, &writer->keys, value);
}

void glossa_gguf_put_strings(glossa_gguf_writer *writer, const char *name, const char *const *values, size_t count) {
    put_array(writer, name, GGUF_STRING, count);
    for (size_t i = 0; i < count; i++)
        put_text(writer, &writer->keys, values[i]);
}

void glossa_gguf_put_f32s(glossa_gguf_writer *writer, const char *name, const float *values, size_t count) {
    put_array(writer, name, GGUF_F32, count);
    for (size_t i = 0; i < count; i++)
        put_number(writer, &writer->keys, bits_of(values[i]), 4);
}

void glossa_gguf_put_i32s(glossa_gguf_writer *writer, const char *name, const int32_t *values, size_t count) {
    put_array(writer, name, GGUF_I32, count);
    for (size_t i = 0; i < count; i++)
        put_number(writer, &writer->keys, (uint32_t)values[i], 4);
}

void glossa_gguf_put_copy(glossa_gguf_writer *writer, const char *name, glossa_gguf_type type, bool is_array,
                          uint64_t count, const void *data, size_t size) {
    if (is_array)
        put_array(writer, name, type, (size_t)count);
    else
        put_key(writer, name, type);
    put(writer, &writer->keys, data, size);
}

/* ---- tensors ---------------------------------------------------------------------------------------------------- */

void glossa_gguf_put_tensor(glossa_gguf_writer *writer, const char *name, glossa_tensor_type type, uint32_t dims,
                            const uint64_t *ne, const void *data) {
    size_t size = type == TENSOR_I8 ? 1 : 4;
    for (uint32_t d = 0; d < dims; d++) {
        if (ne[d] > SIZE_MAX || !glossa_mul_size(size, (size_t)ne[d], &size)) writer->failure = GLOSSA_ERROR_LIMIT;
    }
    if (size > UINT64_MAX / 2 - writer->data_size) writer->failure = GLOSSA_ERROR_LIMIT;
    put_text(writer, &writer->tensors, name);
    put_number(writer, &writer->tensors, dims, 4);
    for (uint32_t d = 0; d < dims; d++)
        put_number(writer, &writer->tensors, ne[d], 8);
    put_number(writer, &writer->tensors, type, 4);
    put_number(writer, &writer->tensors, writer->data_size, 8);
    put(writer, &writer->blobs, &(glossa_gguf_blob){data, size}, sizeof(glossa_gguf_blob));
    if (writer->failure != GLOSSA_OK) return;
    writer->data_size += aligned(size);
    writer->tensor_count++;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

#define HEAD_SIZE 24

static uint64_t directory_size(const glossa_gguf_writer *writer) {
    return (uint64_t)HEAD_SIZE + writer->keys.size + writer->tensors.size;
}

uint64_t glossa_gguf_written_size(const glossa_gguf_writer *writer) {
    return writer->tensor_count ? aligned(directory_size(writer)) + writer->data_size : directory_size(writer);
}

static bool give(glossa_sink sink, const void *bytes, size_t size) {
    return size == 0 || sink.write(sink.user, bytes, size);
}

/* What is missing to the border. */
static bool pad(glossa_sink sink, uint64_t size) {
    static const uint8_t zeros[ALIGNMENT];
    return give(sink, zeros, (size_t)(aligned(size) - size));
}

static void store_number(uint8_t *at, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Tensors are float32 or int32 in the order of this machine, as the reader takes them: little-endian. */
static bool write_all(const glossa_gguf_writer *writer, glossa_sink sink) {
    uint8_t head[HEAD_SIZE] = {'G', 'G', 'U', 'F'};
    store_number(head + 4, 3, 4);
    store_number(head + 8, writer->tensor_count, 8);
    store_number(head + 16, writer->key_count, 8);
    if (!give(sink, head, sizeof head) || !give(sink, writer->keys.data, writer->keys.size) ||
        !give(sink, writer->tensors.data, writer->tensors.size))
        return false;
    if (writer->tensor_count && !pad(sink, directory_size(writer))) return false;
    for (size_t i = 0; i < writer->tensor_count; i++) {
        glossa_gguf_blob blob;
        memcpy(&blob, writer->blobs.data + i * sizeof blob, sizeof blob);
        if (!give(sink, blob.data, blob.size) || !pad(sink, blob.size)) return false;
    }
    return true;
}

glossa_status glossa_gguf_write(const glossa_gguf_writer *writer, glossa_sink sink, glossa_error *error) {
    const unsigned long long size = (unsigned long long)glossa_gguf_written_size(writer);
    FAIL_IF(writer->failure == GLOSSA_ERROR_MEMORY, error, GLOSSA_ERROR_MEMORY, "out of memory for a file's directory");
    FAIL_IF(writer->failure != GLOSSA_OK, error, writer->failure, "a file's tensors are too large");
    FAIL_IF(!write_all(writer, sink), error, GLOSSA_ERROR_IO, "the %llu bytes of the file could not be written", size);
    return GLOSSA_OK;
}
