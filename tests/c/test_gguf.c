/* The checkpoint container: what a right file gives, and what every kind of wrong file is told. */
#include <math.h>

#include "base/bytes.h"
#include "check.h"
#include "file/gguf.h"
#include "gguf_builder.h"
#include "scarcity.h"

/* Opens a file that must be refused: its message goes to `error`. */
static void refuse(gguf_builder *builder, glossa_status status, glossa_error *error) {
    size_t size;
    uint8_t *file = finish(builder, &size);
    glossa_gguf gguf;
    CHECK_INT(glossa_gguf_open(file, size, NULL, &gguf, error), status);
    free(file);
}

#define REFUSED(builder, status, part)                                                                                 \
    do {                                                                                                               \
        glossa_error refused_error = {GLOSSA_OK, ""};                                                                  \
        refuse(builder, status, &refused_error);                                                                       \
        CHECK_CONTAINS(refused_error.message, part);                                                                   \
    } while (0)

static const float embedding[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

/* A file with every kind of key and tensor. */
static uint8_t *good_file(size_t *size) {
    gguf_builder b = {.alignment = 64};
    const int64_t minus = -3;
    const double tenth = 0.1;
    put_u32(&b, "z.last", 7);
    put_u32(&b, "general.alignment", 64);
    put_le(put_key(&b, "n.u8", 0), 200, 1);
    put_le(put_key(&b, "n.i8", 1), 100, 1);
    put_le(put_key(&b, "n.u16", 2), 60000, 2);
    put_le(put_key(&b, "n.i16", 3), 30000, 2);
    put_le(put_key(&b, "n.i32", 5), 2000000000, 4);
    put_le(put_key(&b, "n.u64", 10), UINT32_MAX, 8);
    put_le(put_key(&b, "n.i64", 11), (uint64_t)minus, 8);
    put_f32(&b, "f.f32", 0.5f);
    put(put_key(&b, "f.f64", 12), &tenth, 8);
    put_bool(&b, "yes", 1);
    put_string(&b, "name", "Gl\xC3\xB6ssa");
    put_strings(&b, "words", (const char *const[]){"one", "", "three"}, 3);
    put_f32s(&b, "scores", (const float[]){-1.5f, 2.25f}, 2);
    put_i32s(&b, "types", (const int32_t[]){1, -1, INT32_MIN}, 3);
    put_u8s(&b, "bytes", "\0\xFF", 2);
    put_tensor(&b, "token_embd.weight", TENSOR_F32, 2, (const uint64_t[]){4, 3}, embedding, sizeof embedding);
    put_tensor(&b, "a", TENSOR_I8, 1, (const uint64_t[]){5}, "hello", 5);
    put_tensor(&b, "ids", TENSOR_I32, 4, (const uint64_t[]){1, 1, 1, 2}, (const int32_t[]){4, 5}, 8);
    return finish(&b, size);
}

static void test_good_file(void) {
    size_t size;
    uint8_t *file = good_file(&size);
    glossa_gguf gguf;
    glossa_error error = {GLOSSA_OK, ""};
    CHECK_INT(glossa_gguf_open(file, size, NULL, &gguf, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    CHECK_INT(gguf.key_count, 17);
    CHECK_INT(gguf.alignment, 64);
    for (size_t i = 1; i < gguf.key_count; i++)
        CHECK(memcmp(gguf.keys[i - 1].name.data, gguf.keys[i].name.data, 3) <= 0);

    uint32_t u = 0;
    const struct {
        const char *name;
        uint32_t value;
    } integers[] = {{"z.last", 7},    {"n.u8", 200},         {"n.i8", 100},        {"n.u16", 60000},
                    {"n.i16", 30000}, {"n.i32", 2000000000}, {"n.u64", UINT32_MAX}};
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        CHECK_INT(glossa_gguf_u32(&gguf, integers[i].name, true, &u, &error), GLOSSA_OK);
        CHECK_INT(u, integers[i].value);
    }
    float f = 0;
    CHECK_INT(glossa_gguf_f32(&gguf, "f.f32", true, &f, &error), GLOSSA_OK);
    CHECK_NEAR(f, 0.5, 0);
    CHECK_INT(glossa_gguf_f32(&gguf, "f.f64", true, &f, &error), GLOSSA_OK);
    CHECK_NEAR(f, 0.1f, 0);
    bool yes = false;
    CHECK_INT(glossa_gguf_bool(&gguf, "yes", true, &yes, &error), GLOSSA_OK);
    CHECK(yes);
    glossa_text name = {0};
    CHECK_INT(glossa_gguf_string(&gguf, "name", true, &name, &error), GLOSSA_OK);
    CHECK_TEXT(name, "Gl\xC3\xB6ssa");

    const glossa_gguf_key *key;
    CHECK_INT(glossa_gguf_array(&gguf, "words", GGUF_STRING, true, &key, &error), GLOSSA_OK);
    CHECK_INT(key->count, 3);
    const uint8_t *at = key->data;
    CHECK_TEXT(glossa_gguf_next_string(&at), "one");
    CHECK_TEXT(glossa_gguf_next_string(&at), "");
    CHECK_TEXT(glossa_gguf_next_string(&at), "three");
    CHECK(at == key->end);
    CHECK_INT(glossa_gguf_array(&gguf, "name", GGUF_STRING, true, &key, &error), GLOSSA_OK);
    CHECK_INT(key->count, 1);
    CHECK_INT(glossa_gguf_array(&gguf, "scores", GGUF_F32, true, &key, &error), GLOSSA_OK);
    CHECK_NEAR(glossa_f32_at(key->data), -1.5, 0);
    CHECK_NEAR(glossa_f32_at(key->data + 4), 2.25, 0);
    CHECK_INT(glossa_gguf_array(&gguf, "types", GGUF_U32, true, &key, &error), GLOSSA_OK);
    CHECK_INT(glossa_gguf_i32_at(key, 1), -1);
    CHECK_INT(glossa_gguf_i32_at(key, 2), INT32_MIN);
    CHECK_INT(glossa_gguf_array(&gguf, "bytes", GGUF_U8, true, &key, &error), GLOSSA_OK);
    CHECK_INT(key->data[1], 255);

    CHECK_INT(gguf.tensor_count, 3);
    const glossa_gguf_tensor *tensor = glossa_gguf_find_tensor(&gguf, "token_embd.weight");
    CHECK(tensor != NULL && (uintptr_t)tensor->data % 16 == 0);
    CHECK_INT(((const uint8_t *)tensor->data - file) % 64, 0);
    CHECK_INT(tensor->bytes, sizeof embedding);
    for (int i = 0; i < 12; i++)
        CHECK_NEAR(((const float *)tensor->data)[i], embedding[i], 0);
    CHECK(tensor->dims == 2 && tensor->ne[0] == 4 && tensor->ne[1] == 3 && tensor->ne[2] == 1 && tensor->ne[3] == 1);
    tensor = glossa_gguf_find_tensor(&gguf, "a");
    CHECK(tensor != NULL && tensor->bytes == 5 && memcmp(tensor->data, "hello", 5) == 0);
    tensor = glossa_gguf_find_tensor(&gguf, "ids");
    CHECK(tensor != NULL && tensor->type == TENSOR_I32 && ((const int32_t *)tensor->data)[1] == 5);
    CHECK(glossa_gguf_find_tensor(&gguf, "b") == NULL);
    CHECK(glossa_gguf_find_tensor(&gguf, "") == NULL);
    glossa_gguf_close(&gguf);
    CHECK(glossa_gguf_find(&gguf, "name") == NULL); /* closed: empty, not dangling */
    free(file);
}

static void test_wrong_keys_are_named(void) {
    size_t size;
    uint8_t *file = good_file(&size);
    glossa_gguf gguf;
    glossa_error error;
    CHECK_INT(glossa_gguf_open(file, size, NULL, &gguf, &error), GLOSSA_OK);
    uint32_t u = 42;
    float f = 42;
    bool b = true;
    glossa_text t = {"42", 2};
    const glossa_gguf_key *key = &gguf.keys[0];

    CHECK_INT(glossa_gguf_u32(&gguf, "missing", false, &u, &error), GLOSSA_OK);
    CHECK_INT(glossa_gguf_f32(&gguf, "missing", false, &f, &error), GLOSSA_OK);
    CHECK_INT(glossa_gguf_bool(&gguf, "missing", false, &b, &error), GLOSSA_OK);
    CHECK_INT(glossa_gguf_string(&gguf, "missing", false, &t, &error), GLOSSA_OK);
    CHECK(u == 42 && b);
    CHECK_NEAR(f, 42, 0);
    CHECK_TEXT(t, "42");
    CHECK_INT(glossa_gguf_array(&gguf, "missing", GGUF_F32, false, &key, &error), GLOSSA_OK);
    CHECK(key == NULL);
    CHECK_INT(glossa_gguf_u32(&gguf, "some.thing", true, &u, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key some.thing is missing");

    CHECK_INT(glossa_gguf_u32(&gguf, "n.i64", true, &u, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key n.i64 is -3, need 0 to 4294967295");
    CHECK_INT(glossa_gguf_u32(&gguf, "f.f32", true, &u, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key f.f32 is of type f32, need an integer");
    CHECK_INT(glossa_gguf_u32(&gguf, "types", true, &u, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key types is an array of i32, need an integer");
    CHECK_INT(glossa_gguf_f32(&gguf, "n.u8", true, &f, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key n.u8 is of type u8, need f32 or f64");
    CHECK_INT(glossa_gguf_bool(&gguf, "n.u8", true, &b, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key n.u8 is of type u8, need bool");
    CHECK_INT(glossa_gguf_string(&gguf, "words", true, &t, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key words is an array of string, need a string");
    CHECK_INT(glossa_gguf_array(&gguf, "scores", GGUF_I32, true, &key, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key scores is an array of f32, need an array of i32");
    CHECK_INT(glossa_gguf_array(&gguf, "f.f32", GGUF_F32, true, &key, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key f.f32 is of type f32, need an array of f32");
    glossa_gguf_close(&gguf);
    free(file);

    gguf_builder builder = {0};
    put_le(put_key(&builder, "wide", 10), (uint64_t)UINT32_MAX + 1, 8);
    put_f32(&builder, "nan", NAN);
    put(put_key(&builder, "big", 12), &(double){1e300}, 8);
    file = finish(&builder, &size);
    CHECK_INT(glossa_gguf_open(file, size, NULL, &gguf, &error), GLOSSA_OK);
    CHECK_INT(glossa_gguf_u32(&gguf, "wide", true, &u, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key wide is 4294967296, need 0 to 4294967295");
    CHECK_INT(glossa_gguf_f32(&gguf, "nan", true, &f, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key nan is not a finite f32");
    CHECK_INT(glossa_gguf_f32(&gguf, "big", true, &f, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "key big is not a finite f32");
    glossa_gguf_close(&gguf);
    free(file);
}

static void test_not_a_checkpoint(void) {
    glossa_gguf gguf;
    glossa_error error;
    CHECK_INT(glossa_gguf_open(NULL, 0, NULL, &gguf, &error), GLOSSA_ERROR_FORMAT);
    CHECK_CONTAINS(error.message, "empty");
    CHECK_INT(glossa_gguf_open(NULL, 5, NULL, &gguf, &error), GLOSSA_ERROR_ARGUMENT);
    _Alignas(16) char bytes[64] = "<!doctype html><html>";
    CHECK_INT(glossa_gguf_open(bytes, 0, NULL, &gguf, &error), GLOSSA_ERROR_FORMAT);
    CHECK_INT(glossa_gguf_open(bytes, 3, NULL, &gguf, &error), GLOSSA_ERROR_FORMAT);
    CHECK_INT(glossa_gguf_open(bytes, sizeof bytes, NULL, &gguf, &error), GLOSSA_ERROR_FORMAT);
    CHECK_CONTAINS(error.message, "not a GGUF checkpoint: it starts with the bytes 3c 21 64 6f");
    CHECK_INT(glossa_gguf_open(bytes + 4, 16, NULL, &gguf, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "not aligned to 16 bytes");
    glossa_gguf_close(&gguf); /* harmless after a failure */

    REFUSED(&(gguf_builder){.version = 2}, GLOSSA_ERROR_UNSUPPORTED, "GGUF version 2; Glossa reads version 3");
    REFUSED(&(gguf_builder){.version = 4}, GLOSSA_ERROR_UNSUPPORTED, "GGUF version 4; Glossa reads version 3");
    REFUSED(&(gguf_builder){.version = 0x03000000}, GLOSSA_ERROR_UNSUPPORTED, "big-endian");
}

static void test_huge_counts(void) {
    gguf_builder b = {.key_count = UINT64_MAX};
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "18446744073709551615 keys");
    b = (gguf_builder){.tensor_count = 60000};
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "60000 tensors, too many for the 8 bytes");
    put_u32(&b, "a", 1);
    b.key_count = 2; /* one more than there is, though the bytes might hold it: they end inside */
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "2 keys, too many");
    for (int i = 0; i < 4097; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        put_u32(&b, name, 1);
    }
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "4097 keys, too many for the 84927 bytes that follow or for the limit of 4096");
    put_array(&b, "array", GGUF_F32, UINT64_MAX / 4 + 2); /* times 4 is 4 */
    put_le(&b.keys, 0, 8);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "key array has 4611686018427387905 values of 4 bytes");
    put_array(&b, "strings", GGUF_STRING, UINT64_MAX);
    put_le(&b.keys, 0, 8);
    REFUSED(&b, GLOSSA_ERROR_FORMAT,
            "key 1 of 1 (strings): its string needs 8 bytes at byte 63, but the file has only 0");
    put_key(&b, "long", GGUF_STRING);
    put_le(&b.keys, UINT64_MAX, 8);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "(long): its string needs 18446744073709551615 bytes");
    put_le(&b.keys, UINT64_MAX - 7, 8); /* the length of a name */
    put(&b.keys, "0123456789abcdef", 16);
    b.key_count = 1;
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "key 1 of 1 (name unread): its name needs");
}

static void test_wrong_directory(void) {
    gguf_builder b = {0};
    const uint64_t ne[] = {4, 3, 2, 1, 1};
    put_u32(&b, "twice", 1);
    put_u32(&b, "once", 1);
    put_u32(&b, "twice", 2);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "key twice appears twice");
    put_u32(&b, "", 1);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "key 1 has a name of 0 bytes");
    put_le(put_key(&b, "odd", 13), 0, 8);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "key odd has the unknown type 13");
    put_le(put_array(&b, "nested", GGUF_ARRAY, 1), 0, 8);
    REFUSED(&b, GLOSSA_ERROR_UNSUPPORTED, "key nested is an array of arrays");
    put_bool(&b, "maybe", 2);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "key maybe is a bool of value 2");
    for (size_t i = 0; i < 4; i++) {
        const uint32_t wrong[] = {0, 8, 48, 8192};
        put_u32(&b, "general.alignment", wrong[i]);
        REFUSED(&b, GLOSSA_ERROR_FORMAT, "key general.alignment is ");
    }
    put_string(&b, "general.alignment", "32");
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "key general.alignment is of type string, need an integer");

    put_tensor(&b, "w", TENSOR_F32, 2, ne, embedding, sizeof embedding);
    put_tensor(&b, "w", TENSOR_F32, 2, ne, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor w appears twice");
    put_tensor(&b, "half", 1, 2, ne, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_UNSUPPORTED, "tensor half has type 1 (F16)");
    put_tensor(&b, "q4", 12, 2, ne, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_UNSUPPORTED, "tensor q4 has type 12 (Q4_K)");
    put_tensor(&b, "future", 1000, 2, ne, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_UNSUPPORTED, "tensor future has type 1000 (unknown)");
    put_tensor(&b, "flat", TENSOR_F32, 0, ne, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor flat has 0 dimensions");
    put_tensor(&b, "deep", TENSOR_F32, 5, ne, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor deep has 5 dimensions");
    put_tensor(&b, "none", TENSOR_F32, 2, (const uint64_t[]){4, 0}, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor none: dimension 1 is 0");
}

static void test_wrong_places(void) {
    gguf_builder b = {0};
    put_tensor(&b, "big", TENSOR_F32, 2, (const uint64_t[]){4, 4}, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT,
            "tensor big (F32, 4 x 4 x 1 x 1) at offset 0 goes beyond the 48 bytes of tensor data");
    put_tensor(&b, "vast", TENSOR_F32, 2, (const uint64_t[]){1ULL << 32, 1ULL << 32}, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor vast (F32, 4294967296 x 4294967296 x 1 x 1)");
    put_tensor(&b, "wrap", TENSOR_I8, 2, (const uint64_t[]){UINT64_MAX, 2}, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor wrap (I8, 18446744073709551615 x 2 x 1 x 1)");
    put_tensor_info(&b, "odd", TENSOR_F32, 1, (const uint64_t[]){2}, 8);
    put(&b.data, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor odd has offset 8, which is no multiple of the file's alignment 32");
    put_tensor_info(&b, "far", TENSOR_F32, 1, (const uint64_t[]){1}, 64);
    put(&b.data, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor far (F32, 1 x 1 x 1 x 1) at offset 64 goes beyond the 48 bytes");
    put_tensor_info(&b, "wrapped", TENSOR_I8, 1, (const uint64_t[]){64}, UINT64_MAX - 31);
    put(&b.data, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor wrapped (I8, 64 x 1 x 1 x 1) at offset 18446744073709551584");
    put_tensor_info(&b, "unpadded", TENSOR_I8, 1, (const uint64_t[]){1}, 0);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensor unpadded (I8, 1 x 1 x 1 x 1) at offset 0 goes beyond the 0 bytes");
    char name[] = "\xFF\x01-name";
    put_tensor_info(&b, name, 1, 1, (const uint64_t[]){1}, 0);
    REFUSED(&b, GLOSSA_ERROR_UNSUPPORTED, "tensor ?\?-name has type 1");
}

/* Tensors may touch, but not share a byte: else a small file could stand for a large model. */
static void test_overlaps(void) {
    gguf_builder b = {0};
    put_tensor_info(&b, "a", TENSOR_F32, 1, (const uint64_t[]){8}, 0);
    put_tensor_info(&b, "b", TENSOR_F32, 1, (const uint64_t[]){4}, 32);
    put(&b.data, embedding, sizeof embedding);
    size_t size;
    uint8_t *file = finish(&b, &size);
    glossa_gguf gguf;
    CHECK_INT(glossa_gguf_open(file, size, NULL, &gguf, NULL), GLOSSA_OK);
    glossa_gguf_close(&gguf);
    free(file);

    put_tensor_info(&b, "b", TENSOR_F32, 1, (const uint64_t[]){12}, 0);
    put_tensor_info(&b, "a", TENSOR_F32, 1, (const uint64_t[]){12}, 0);
    put(&b.data, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensors a and b overlap: 48 bytes at byte 96 of the file, and 48 at byte 96");
    put_tensor_info(&b, "late", TENSOR_F32, 1, (const uint64_t[]){4}, 32);
    put_tensor_info(&b, "early", TENSOR_F32, 1, (const uint64_t[]){9}, 0);
    put(&b.data, embedding, sizeof embedding);
    REFUSED(&b, GLOSSA_ERROR_FORMAT, "tensors early and late overlap: 36 bytes");
}

static void test_every_truncation_is_refused(void) {
    size_t size;
    uint8_t *file = good_file(&size);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut + 1); /* malloc(0) may be NULL */
        memcpy(part, file, cut);
        glossa_gguf gguf;
        glossa_error error = {GLOSSA_OK, ""};
        CHECK_INT(glossa_gguf_open(part, cut, NULL, &gguf, &error), GLOSSA_ERROR_FORMAT);
        CHECK(strlen(error.message) > 0);
        free(part);
    }
    free(file);
}

static void test_every_flipped_bit_is_survived(void) {
    size_t size;
    uint8_t *file = good_file(&size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        glossa_gguf gguf;
        glossa_error error = {GLOSSA_OK, ""};
        const glossa_status status = glossa_gguf_open(file, size, NULL, &gguf, &error);
        CHECK_INT(status, error.status);
        if (status == GLOSSA_OK) {
            unsigned sum = 0;
            for (size_t i = 0; i < gguf.tensor_count; i++)
                for (size_t j = 0; j < gguf.tensors[i].bytes; j++)
                    sum += ((const uint8_t *)gguf.tensors[i].data)[j];
            CHECK(sum < UINT32_MAX);
            glossa_gguf_close(&gguf);
        }
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(file);
}

static void test_memory_that_runs_out(void) {
    size_t size;
    uint8_t *file = good_file(&size);
    for (int allowed = 0;; allowed++) {
        scarcity scarce = {.left = allowed};
        const glossa_allocator allocator = {scarce_allocate, scarce_release, &scarce};
        glossa_gguf gguf;
        glossa_error error = {GLOSSA_OK, ""};
        const glossa_status status = glossa_gguf_open(file, size, &allocator, &gguf, &error);
        if (status == GLOSSA_OK) {
            CHECK(allowed > 0);
            glossa_gguf_close(&gguf);
            CHECK_INT(scarce.live, 0);
            break;
        }
        CHECK_INT(status, GLOSSA_ERROR_MEMORY);
        CHECK_CONTAINS(error.message, "out of memory");
        CHECK_INT(scarce.live, 0);
    }
    free(file);
}

int main(void) {
    RUN(test_good_file);
    RUN(test_wrong_keys_are_named);
    RUN(test_not_a_checkpoint);
    RUN(test_huge_counts);
    RUN(test_wrong_directory);
    RUN(test_wrong_places);
    RUN(test_overlaps);
    RUN(test_every_truncation_is_refused);
    RUN(test_every_flipped_bit_is_survived);
    RUN(test_memory_that_runs_out);
    return CHECK_RESULT();
}
