#include "file/gguf_write.h"

#include <stdlib.h>

#include "check.h"
#include "gguf_builder.h"

static bool keep(void *user, const void *bytes, size_t size) {
    put(user, bytes, size);
    return true;
}

static bool refuse(void *user, const void *bytes, size_t size) {
    (void)bytes;
    size_t *left = user;
    if (size > *left) return false;
    *left -= size;
    return true;
}

static const float values[3] = {1.5f, -2.0f, 0x1p-149f};
static const int32_t ids[2] = {-1, INT32_MAX};

static void fill(glossa_gguf_writer *writer) {
    glossa_gguf_put_string(writer, "name", "\xC3\xA9t\xC3\xA9");
    glossa_gguf_put_u32(writer, "number", 4294967295u);
    glossa_gguf_put_f32(writer, "rate", 1e-5f);
    glossa_gguf_put_bool(writer, "flag", true);
    glossa_gguf_put_strings(writer, "pieces", (const char *const[]){"a", "", "bc"}, 3);
    glossa_gguf_put_f32s(writer, "scores", values, 3);
    glossa_gguf_put_i32s(writer, "ids", ids, 2);
    glossa_gguf_put_tensor(writer, "w", TENSOR_F32, 2, (const uint64_t[]){3, 1}, values);
    glossa_gguf_put_tensor(writer, "i", TENSOR_I32, 1, (const uint64_t[]){2}, ids);
}

/* The bytes that the tests' own builder makes of the same, which the reader's tests hold against the specification. */
static void test_same_bytes_as_the_builder(void) {
    gguf_builder b = {0};
    put_string(&b, "name", "\xC3\xA9t\xC3\xA9");
    put_u32(&b, "number", 4294967295u);
    put_f32(&b, "rate", 1e-5f);
    put_bool(&b, "flag", 1);
    put_strings(&b, "pieces", (const char *const[]){"a", "", "bc"}, 3);
    put_f32s(&b, "scores", values, 3);
    put_i32s(&b, "ids", ids, 2);
    put_tensor(&b, "w", 0, 2, (const uint64_t[]){3, 1}, values, sizeof values);
    put_tensor(&b, "i", 26, 1, (const uint64_t[]){2}, ids, sizeof ids);
    put_padding(&b.data, 32);
    size_t size;
    uint8_t *expected = finish(&b, &size);

    buffer out = {0};
    glossa_gguf_writer writer;
    glossa_error error;
    glossa_gguf_writer_open(&writer, NULL);
    fill(&writer);
    CHECK_INT(glossa_gguf_write(&writer, (glossa_sink){keep, &out}, &error), GLOSSA_OK);
    CHECK_INT(glossa_gguf_written_size(&writer), out.size);
    glossa_gguf_writer_close(&writer);
    CHECK_INT(out.size, size);
    CHECK(out.size == size && memcmp(out.bytes, expected, size) == 0);
    free(out.bytes);
    free(expected);
}

static void test_a_full_disk(void) {
    glossa_gguf_writer writer;
    glossa_gguf_writer_open(&writer, NULL);
    fill(&writer);
    const size_t size = (size_t)glossa_gguf_written_size(&writer);
    for (size_t room = 0; room <= size; room++) {
        glossa_error error = {GLOSSA_OK, ""};
        size_t left = room;
        const glossa_status status = glossa_gguf_write(&writer, (glossa_sink){refuse, &left}, &error);
        CHECK_INT(status, room < size ? GLOSSA_ERROR_IO : GLOSSA_OK);
        if (status) CHECK_CONTAINS(error.message, "could not be written");
    }
    glossa_gguf_writer_close(&writer);
}

static void test_sizes_that_overflow(void) {
    glossa_gguf_writer writer;
    glossa_error error;
    buffer out = {0};
    glossa_gguf_writer_open(&writer, NULL);
    glossa_gguf_put_tensor(&writer, "w", TENSOR_F32, 2, (const uint64_t[]){UINT64_C(1) << 40, UINT64_C(1) << 40},
                           values);
    CHECK_INT(glossa_gguf_write(&writer, (glossa_sink){keep, &out}, &error), GLOSSA_ERROR_LIMIT);
    glossa_gguf_writer_close(&writer);
    CHECK_INT(out.size, 0);
}

int main(void) {
    RUN(test_same_bytes_as_the_builder);
    RUN(test_a_full_disk);
    RUN(test_sizes_that_overflow);
    return CHECK_RESULT();
}
