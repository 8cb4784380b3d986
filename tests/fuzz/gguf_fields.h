/*
 * Finds the fields of a GGUF file, damaged or not, and changes one: what a mutator needs to know of the format.
 */
#ifndef GLOSSA_FUZZ_GGUF_FIELDS_H
#define GLOSSA_FUZZ_GGUF_FIELDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef enum field_kind { FIELD_INTEGER, FIELD_FLOAT, FIELD_BYTES, FIELD_SHAPE } field_kind;

typedef struct field {
    size_t at, size; /* an integer of `size` bytes, a float32, a run of bytes, or the two sizes of a matrix */
    field_kind kind;
} field;

enum { MOST_FIELDS = 4096, MOST_ELEMENTS = 64 };

typedef struct field_list {
    const uint8_t *bytes;
    size_t size, at;
    bool broken;
    field fields[MOST_FIELDS];
    size_t count;
} field_list;

static inline uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* Moves over `size` bytes, and notes them as a field; gives them as a number where they are one. */
static inline uint64_t step_over(field_list *self, uint64_t size, field_kind kind, bool noted) {
    uint64_t value = 0;
    if (self->broken || size > self->size - self->at) {
        self->broken = true;
        return 0;
    }
    if (size <= 8) memcpy(&value, self->bytes + self->at, (size_t)size);
    if (noted && self->count < MOST_FIELDS) self->fields[self->count++] = (field){self->at, (size_t)size, kind};
    self->at += (size_t)size;
    return value;
}

static inline void step_over_string(field_list *self, bool noted) {
    const uint64_t size = step_over(self, 8, FIELD_INTEGER, false);
    (void)step_over(self, size, FIELD_BYTES, noted && size > 0);
}

static inline void find_value(field_list *self, uint64_t type, bool noted) {
    static const uint8_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == 8)
        step_over_string(self, noted);
    else if (type >= sizeof sizes || sizes[type] == 0)
        self->broken = true;
    else
        (void)step_over(self, sizes[type], type == 6 ? FIELD_FLOAT : FIELD_INTEGER, noted);
}

static inline void find_key(field_list *self) {
    step_over_string(self, true);
    uint64_t type = step_over(self, 4, FIELD_INTEGER, true), count = 1;
    if (type == 9) {
        type = step_over(self, 4, FIELD_INTEGER, true);
        count = step_over(self, 8, FIELD_INTEGER, true);
    }
    for (uint64_t i = 0; i < count && !self->broken; i++)
        find_value(self, type, i < MOST_ELEMENTS);
}

static inline void find_tensor(field_list *self) {
    step_over_string(self, true);
    const uint64_t dims = step_over(self, 4, FIELD_INTEGER, true);
    const size_t shape = self->at;
    for (uint64_t d = 0; d < dims && !self->broken; d++)
        (void)step_over(self, 8, FIELD_INTEGER, true);
    if (!self->broken && dims == 2 && self->count < MOST_FIELDS)
        self->fields[self->count++] = (field){shape, 16, FIELD_SHAPE};
    (void)step_over(self, 4, FIELD_INTEGER, true);
    (void)step_over(self, 8, FIELD_INTEGER, true);
}

/* All fields up to the first that is broken, and the tensor data as one. */
static inline void find_fields(field_list *self) {
    (void)step_over(self, 8, FIELD_BYTES, false);
    const uint64_t tensors = step_over(self, 8, FIELD_INTEGER, true), keys = step_over(self, 8, FIELD_INTEGER, true);
    for (uint64_t i = 0; i < keys && !self->broken; i++)
        find_key(self);
    for (uint64_t i = 0; i < tensors && !self->broken; i++)
        find_tensor(self);
    for (size_t at = self->at; !self->broken && at + 256 <= self->size && self->count < MOST_FIELDS; at += 256)
        self->fields[self->count++] = (field){at, 256, at / 256 % 2 ? FIELD_FLOAT : FIELD_BYTES};
}

static inline void change_integer(uint8_t *at, size_t size, uint32_t *random) {
    static const uint64_t odd[] = {0,
                                   1,
                                   2,
                                   3,
                                   5,
                                   16,
                                   17,
                                   24,
                                   255,
                                   256,
                                   1024,
                                   65535,
                                   65536,
                                   0x7FFFFFFF,
                                   0xFFFFFFFF,
                                   0x100000000,
                                   0x4000000000000000,
                                   UINT64_MAX};
    uint64_t value = 0;
    memcpy(&value, at, size);
    switch (next_random(random) % 5) {
    case 0:
        value++;
        break;
    case 1:
        value--;
        break;
    case 2:
        value ^= (uint64_t)1 << next_random(random) % (8 * size);
        break;
    case 3:
        value = value * 2;
        break;
    default:
        value = odd[next_random(random) % (sizeof odd / sizeof *odd)];
    }
    memcpy(at, &value, size);
}

static inline void change_float(uint8_t *at, uint32_t *random) {
    static const uint32_t odd[] = {0,          0x80000000, 0x3F800000, 0xBF800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000,
                                   0x7FC00000, 1,          0x00800000, 0x7149F2CA, 0xF149F2CA, 0x0DA24260};
    const uint32_t choice = next_random(random);
    const uint32_t value = choice % 4 ? odd[choice / 4 % (sizeof odd / sizeof *odd)] : choice;
    memcpy(at, &value, 4);
}

/* Changes one field of a file in place; false where the file has none. */
static inline bool mutate_field(uint8_t *bytes, size_t size, uint32_t *random) {
    static field_list list;
    list.bytes = bytes;
    list.size = size;
    list.at = list.count = 0;
    list.broken = false;
    find_fields(&list);
    if (list.count == 0) return false;
    const field f = list.fields[next_random(random) % list.count];
    uint8_t *at = bytes + f.at;
    if (f.kind == FIELD_INTEGER) {
        change_integer(at, f.size, random);
    } else if (f.kind == FIELD_FLOAT) {
        change_float(at + next_random(random) % (f.size / 4) * 4, random);
    } else if (f.kind == FIELD_SHAPE) {
        uint8_t first[8];
        memcpy(first, at, 8);
        memcpy(at, at + 8, 8);
        memcpy(at + 8, first, 8);
    } else {
        const field other = list.fields[next_random(random) % list.count]; /* a name or a text in place of another */
        if (other.kind == FIELD_BYTES && other.size == f.size)
            memmove(at, bytes + other.at, f.size);
        else
            at[next_random(random) % f.size] = (uint8_t)next_random(random);
    }
    return true;
}

#endif
