#include "lab/data.h"

#include <stdlib.h> /* qsort */
#include <string.h>

#include "text/hash.h"

#define MOST_SHARE 10 /* at most one pair of so many is held out */

/* ---- taking pairs in -------------------------------------------------------------------------------------------- */

glossa_status glossa_lab_data_open(const glossa_allocator *allocator, glossa_lab_data **data, glossa_error *error) {
    FAIL_IF(!data, error, GLOSSA_ERROR_ARGUMENT, "glossa_lab_data_open: 'data' is NULL");
    const glossa_allocator own = glossa_allocator_or_default(allocator);
    glossa_lab_data *self = *data = glossa_allocate(&own, 1, sizeof *self);
    FAIL_IF(!self, error, GLOSSA_ERROR_MEMORY, "out of memory for the data of a lab");
    *self = (glossa_lab_data){.allocator = own, .train.allocator = own, .held_out.allocator = own};
    return GLOSSA_OK;
}

void glossa_lab_data_close(glossa_lab_data *data) {
    if (!data) return;
    const glossa_allocator allocator = data->allocator;
    glossa_pairs_close(&data->train);
    glossa_pairs_close(&data->held_out);
    glossa_release(&allocator, data);
}

/* One kind for all that is added. */
static glossa_status take_kind(glossa_lab_data *data, glossa_lab_data_kind kind, const char *name,
                               glossa_error *error) {
    static const char *const names[] = {"pairs", "texts", "images"};
    const bool none = data->train.count + data->held_out.count == 0;
    FAIL_IF(!none && data->kind != kind, error, GLOSSA_ERROR_ARGUMENT, "%s: these are %s, but before there were %s",
            name, names[kind], names[data->kind]);
    data->kind = kind;
    return GLOSSA_OK;
}

glossa_status glossa_lab_data_texts(glossa_lab_data *data, bool held_out, const char *name, glossa_text file,
                                    glossa_error *error) {
    FORWARD(take_kind(data, GLOSSA_LAB_TEXTS, name, error));
    return glossa_pairs_add_texts(held_out ? &data->held_out : &data->train, name, file, error);
}

glossa_status glossa_lab_data_image(glossa_lab_data *data, bool held_out, const uint8_t *pixels, size_t count,
                                    glossa_text label, glossa_error *error) {
    glossa_pairs *to = held_out ? &data->held_out : &data->train;
    FORWARD(take_kind(data, GLOSSA_LAB_IMAGES, "the images", error));
    FAIL_IF(!pixels || count == 0 || label.size == 0, error, GLOSSA_ERROR_ARGUMENT, "image %zu has no %s", to->count,
            label.size == 0 ? "label" : "pixels");
    return glossa_pairs_add_raw(to, (glossa_text){(const char *)pixels, count}, label, error);
}

glossa_status glossa_lab_data_table(glossa_lab_data *data, bool held_out, const char *name, glossa_text file,
                                    glossa_error *error) {
    FORWARD(take_kind(data, GLOSSA_LAB_PAIRS, name, error));
    return glossa_pairs_add_table(held_out ? &data->held_out : &data->train, name, file, error);
}

glossa_status glossa_lab_data_lines(glossa_lab_data *data, bool held_out, const char *source_name, glossa_text source,
                                    const char *target_name, glossa_text target, glossa_error *error) {
    FORWARD(take_kind(data, GLOSSA_LAB_PAIRS, source_name, error));
    return glossa_pairs_add_lines(held_out ? &data->held_out : &data->train, source_name, source, target_name, target,
                                  error);
}

/* ---- holding out ------------------------------------------------------------------------------------------------ */

static uint64_t hash_of(glossa_text text) {
    uint64_t hash = glossa_hash_text(GLOSSA_HASH_START, text.data, text.size);
    hash ^= hash >> 32; /* so that each bit depends on all characters */
    hash *= 0xD6E8FEB86659FD93u;
    return hash ^ hash >> 32;
}

typedef struct hashed {
    uint64_t hash;
    uint32_t pair;
} hashed;

static int by_hash(const void *left, const void *right) {
    const hashed *a = left, *b = right;
    if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
    return a->pair < b->pair ? -1 : a->pair > b->pair;
}

/* Moves the pairs whose hashes come first, whole groups of one source. */
static glossa_status hold_out(glossa_lab_data *self, hashed *all, bool *kept, size_t wanted, glossa_error *error) {
    const size_t count = self->train.count;
    size_t taken = 0;
    if (wanted > count / MOST_SHARE) wanted = count / MOST_SHARE;
    for (size_t i = 0; i < count; i++) {
        all[i] = (hashed){hash_of(glossa_pairs_text(&self->train, i, 0)), (uint32_t)i};
        kept[i] = true;
    }
    qsort(all, count, sizeof *all, by_hash);
    for (size_t i = 0, end; i < count && taken < wanted; i = end) {
        for (end = i + 1; end < count && all[end].hash == all[i].hash;)
            end++;
        if (end - i > wanted - taken) continue;
        taken += end - i;
        for (size_t j = i; j < end; j++)
            kept[all[j].pair] = false;
    }
    for (size_t i = 0; i < count; i++)
        if (!kept[i])
            FORWARD(glossa_pairs_add_raw(&self->held_out, glossa_pairs_text(&self->train, i, 0),
                                         glossa_pairs_text(&self->train, i, 1), error));
    glossa_pairs_keep(&self->train, kept);
    return GLOSSA_OK;
}

/* Leaves out what shares a text with the held-out pairs. `all` has room for both sides of those. */
static void part_ways(glossa_lab_data *self, hashed *all, bool *kept) {
    const size_t count = 2 * self->held_out.count;
    for (size_t i = 0; i < count; i++) /* another seed for targets: a name may be source here and target there */
        all[i] = (hashed){hash_of(glossa_pairs_text(&self->held_out, i / 2, i % 2)) + i % 2, 0};
    qsort(all, count, sizeof *all, by_hash);
    for (size_t i = 0; i < self->train.count; i++) {
        kept[i] = true;
        for (int side = 0; side < (self->labelled || self->kind != GLOSSA_LAB_PAIRS ? 1 : 2); side++) {
            const hashed key = {hash_of(glossa_pairs_text(&self->train, i, side)) + (uint64_t)side, 0};
            if (bsearch(&key, all, count, sizeof key, by_hash)) kept[i] = false;
        }
        self->shared += !kept[i];
    }
    glossa_pairs_keep(&self->train, kept);
}

/* `all` and `kept` are scratch, NULL without memory. */
static glossa_status split(glossa_lab_data *self, hashed *all, bool *kept, size_t wanted, glossa_error *error) {
    FAIL_IF(!all || !kept, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu pairs", self->train.count);
    if (self->held_out.count == 0) FORWARD(hold_out(self, all, kept, wanted, error));
    part_ways(self, all, kept);
    FAIL_IF(self->train.count == 0, error, GLOSSA_ERROR_FORMAT,
            "nothing is left to train on: each shares a text with what is held out");
    self->split = true;
    return GLOSSA_OK;
}

glossa_status glossa_data_split(glossa_lab_data *self, size_t wanted, glossa_error *error) {
    if (self->split) return GLOSSA_OK;
    FAIL_IF(self->train.count == 0, error, GLOSSA_ERROR_ARGUMENT, "there is nothing to train on");
    const size_t most = 2 * (self->train.count + self->held_out.count);
    hashed *all = glossa_allocate(&self->allocator, most, sizeof *all);
    bool *kept = glossa_allocate(&self->allocator, self->train.count, sizeof *kept);
    const glossa_status status = split(self, all, kept, wanted, error);
    glossa_release(&self->allocator, all);
    glossa_release(&self->allocator, kept);
    return status;
}

uint32_t glossa_data_fingerprint(const glossa_lab_data *self) {
    const glossa_pairs *parts[] = {&self->train, &self->held_out};
    uint64_t hash = 0;
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < 2 * parts[p]->count; i++)
            hash = (hash ^ hash_of(glossa_pairs_text(parts[p], i / 2, i % 2))) * 0x9E3779B97F4A7C15u;
    for (size_t i = 0; i < self->train.count; i++) {
        const glossa_text links = glossa_pairs_text(&self->train, i, 2);
        if (links.size > 0) hash = (hash ^ hash_of(links)) * 0x9E3779B97F4A7C15u;
    }
    return (uint32_t)(hash >> 32);
}
