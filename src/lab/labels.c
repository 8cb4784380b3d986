#include "lab/labels.h"

#include <stdlib.h> /* qsort */
#include <string.h>

#define KEY "glossa.labels"

static int compare(glossa_text a, glossa_text b) {
    const int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order ? order : a.size < b.size ? -1 : a.size > b.size;
}

static int by_text(const void *left, const void *right) {
    return compare(*(const glossa_text *)left, *(const glossa_text *)right);
}

/* ---- learning --------------------------------------------------------------------------------------------------- */

/* Moves the different ones of sorted texts to the front; how many there are. */
static size_t different(glossa_text *all, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || compare(all[kept - 1], all[i]) != 0) all[kept++] = all[i];
    return kept;
}

/* The strings with a NUL behind each, as the writer wants them. NULL without memory. */
static const char **terminated(const glossa_text *all, size_t count, const glossa_allocator *allocator) {
    size_t size = count * sizeof(char *);
    for (size_t i = 0; i < count; i++)
        size += all[i].size + 1;
    const char **out = glossa_allocate(allocator, size, 1);
    char *at = out ? (char *)(out + count) : NULL;
    for (size_t i = 0; out && i < count; i++) {
        out[i] = at;
        memcpy(at, all[i].data, all[i].size);
        at += all[i].size + 1;
    }
    return out;
}

static glossa_status keep_labels(glossa_lexicon *self, const glossa_text *all, size_t count,
                                 const glossa_allocator *allocator, glossa_error *error) {
    FAIL_IF(count < 2 || count > GLOSSA_MOST_LABELS, error, GLOSSA_ERROR_FORMAT,
            "the pairs have %zu different labels, need 2 to %d", count, GLOSSA_MOST_LABELS);
    const char **strings = terminated(all, count, allocator);
    FAIL_IF(!strings, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu labels", count);
    glossa_gguf_writer w;
    glossa_gguf_writer_open(&w, allocator);
    glossa_gguf_put_strings(&w, KEY, strings, count);
    const glossa_status status = glossa_lexicon_keep_written(self, &w, allocator, error);
    glossa_gguf_writer_close(&w);
    glossa_release(allocator, (void *)(uintptr_t)strings);
    return status;
}

glossa_status glossa_labels_learn(glossa_lexicon *self, const glossa_pairs *pairs, const glossa_allocator *allocator,
                                  glossa_error *error) {
    glossa_text *all = glossa_allocate(allocator, pairs->count, sizeof *all);
    FAIL_IF(!all, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu labels", pairs->count);
    for (size_t i = 0; i < pairs->count; i++)
        all[i] = glossa_pairs_text(pairs, i, 1);
    qsort(all, pairs->count, sizeof *all, by_text);
    const glossa_status status = keep_labels(self, all, different(all, pairs->count), allocator, error);
    glossa_release(allocator, all);
    return status;
}

/* ---- those that are kept ---------------------------------------------------------------------------------------- */

static const glossa_kept_key *find_key(const glossa_lexicon *self) {
    for (size_t i = 0; i < self->kept_count; i++)
        if (strcmp(self->kept[i].name, KEY) == 0) return &self->kept[i];
    return NULL;
}

/* The next string of an array, as GGUF has them: its size in eight bytes, and its bytes. */
static bool next_string(const glossa_kept_key *key, size_t *at, glossa_text *out) {
    uint64_t size;
    if (key->size - *at < sizeof size) return false;
    memcpy(&size, key->data + *at, sizeof size);
    *at += sizeof size;
    if (size > key->size - *at) return false;
    *out = (glossa_text){(const char *)key->data + *at, (size_t)size};
    *at += (size_t)size;
    return true;
}

glossa_status glossa_labels_open(glossa_lexicon *self, const glossa_allocator *allocator, glossa_error *error) {
    const glossa_kept_key *key = find_key(self);
    size_t at = 0;
    if (self->labels) return GLOSSA_OK;
    FAIL_IF(!key || !key->is_array || key->type != GGUF_STRING || key->count < 2 || key->count > GLOSSA_MOST_LABELS,
            error, GLOSSA_ERROR_FORMAT, "checkpoint: key '" KEY "' is no list of 2 to %d labels", GLOSSA_MOST_LABELS);
    glossa_text *labels = glossa_allocate(allocator, (size_t)key->count, sizeof *labels);
    FAIL_IF(!labels, error, GLOSSA_ERROR_MEMORY, "out of memory for %llu labels", (unsigned long long)key->count);
    bool whole = true;
    for (uint64_t i = 0; whole && i < key->count; i++)
        whole = next_string(key, &at, &labels[i]) && (i == 0 || compare(labels[i - 1], labels[i]) < 0);
    if (!whole) {
        glossa_release(allocator, labels);
        return glossa_fail(error, GLOSSA_ERROR_FORMAT,
                           "checkpoint: key '" KEY "' has labels twice or out of their order");
    }
    self->labels = labels;
    self->label_count = (uint32_t)key->count;
    return GLOSSA_OK;
}

uint32_t glossa_labels_find(const glossa_lexicon *self, glossa_text label) {
    const glossa_text *found =
        self->labels ? bsearch(&label, self->labels, self->label_count, sizeof label, by_text) : NULL;
    return found ? (uint32_t)(found - self->labels) : GLOSSA_NO_LABEL;
}
