/*
 * Writes GGUF v3 files (see gguf.h for the layout). Keys and tensors are named first, in the order that the file shall
 * have; the bytes go to a sink in one pass, so that a file never lies in memory as a whole.
 *
 *     glossa_gguf_writer writer;
 *     glossa_gguf_writer_open(&writer, NULL);
 *     glossa_gguf_put_string(&writer, "general.architecture", "glossa");
 *     glossa_gguf_put_tensor(&writer, "token_embd.weight", TENSOR_F32, 2, (uint64_t[]){width, rows}, weights);
 *     status = glossa_gguf_write(&writer, sink, error);
 *     glossa_gguf_writer_close(&writer);
 *
 * The puts return nothing: a failed allocation or a size that overflows is kept and reported by the write.
 */
#ifndef GLOSSA_GGUF_WRITE_H
#define GLOSSA_GGUF_WRITE_H

#include "file/gguf.h"

typedef struct glossa_gguf_bytes {
    uint8_t *data;
    size_t size, capacity;
} glossa_gguf_bytes;

typedef struct glossa_gguf_blob {
    const void *data;
    size_t size;
} glossa_gguf_blob;

typedef struct glossa_gguf_writer {
    glossa_allocator allocator;
    glossa_gguf_bytes keys, tensors;
    glossa_gguf_bytes blobs; /* of glossa_gguf_blob */
    uint64_t key_count, tensor_count, data_size;
    glossa_status failure;
} glossa_gguf_writer;

/* `allocator` may be NULL; it is copied. */
void glossa_gguf_writer_open(glossa_gguf_writer *writer, const glossa_allocator *allocator);
void glossa_gguf_writer_close(glossa_gguf_writer *writer);

/* Names and texts are UTF-8 and copied; names must differ from each other. */
void glossa_gguf_put_u32(glossa_gguf_writer *writer, const char *name, uint32_t value);
void glossa_gguf_put_f32(glossa_gguf_writer *writer, const char *name, float value);
void glossa_gguf_put_f64(glossa_gguf_writer *writer, const char *name, double value);
void glossa_gguf_put_bool(glossa_gguf_writer *writer, const char *name, bool value);
void glossa_gguf_put_string(glossa_gguf_writer *writer, const char *name, const char *value);
void glossa_gguf_put_strings(glossa_gguf_writer *writer, const char *name, const char *const *values, size_t count);
void glossa_gguf_put_f32s(glossa_gguf_writer *writer, const char *name, const float *values, size_t count);
void glossa_gguf_put_i32s(glossa_gguf_writer *writer, const char *name, const int32_t *values, size_t count);

/* A key as a reader has it: `size` bytes of `count` values of `type`. */
void glossa_gguf_put_copy(glossa_gguf_writer *writer, const char *name, glossa_gguf_type type, bool is_array,
                          uint64_t count, const void *data, size_t size);

/* ne[0] runs fastest, `dims` is 1 to GLOSSA_GGUF_MAX_DIMS. `data` is borrowed until the write. */
void glossa_gguf_put_tensor(glossa_gguf_writer *writer, const char *name, glossa_tensor_type type, uint32_t dims,
                            const uint64_t *ne, const void *data);

/* Bytes that the write will give. */
uint64_t glossa_gguf_written_size(const glossa_gguf_writer *writer);

/* Fails with MEMORY or LIMIT where a put failed, and with IO where the sink did. */
glossa_status glossa_gguf_write(const glossa_gguf_writer *writer, glossa_sink sink, glossa_error *error);

#endif
