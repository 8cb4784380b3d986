#include "lab/pairs.h"

#include <string.h>

#include "base/utf8.h"
#include "lab/links.h"

/* ---- lines ------------------------------------------------------------------------------------------------------ */

typedef struct reader {
    const char *name;
    glossa_text left; /* of the file */
    size_t number;    /* of the line that was read last, from 1 on */
} reader;

static bool starts_with(glossa_text text, const char *bytes, size_t size) {
    return text.size >= size && memcmp(text.data, bytes, size) == 0;
}

static glossa_status start(reader *r, const char *name, glossa_text file, glossa_error *error) {
    *r = (reader){name, file, 0};
    FAIL_IF(starts_with(file, "\xFF\xFE", 2) || starts_with(file, "\xFE\xFF", 2), error, GLOSSA_ERROR_FORMAT,
            "%s is UTF-16; save it as UTF-8", name);
    FAIL_IF(starts_with(file, "\x1F\x8B", 2), error, GLOSSA_ERROR_FORMAT, "%s is compressed with gzip; unpack it first",
            name);
    if (starts_with(file, "\xEF\xBB\xBF", 3)) r->left = (glossa_text){file.data + 3, file.size - 3};
    return GLOSSA_OK;
}

static glossa_status check(const reader *r, glossa_text line, glossa_error *error) {
    for (size_t at = 0, size; at < line.size; at += size) {
        size = glossa_utf8_length(line.data + at, line.size - at);
        FAIL_IF(size == 0, error, GLOSSA_ERROR_FORMAT,
                "%s, line %zu is not UTF-8: byte %zu of the line is 0x%x. Save the file as UTF-8", r->name, r->number,
                at + 1, (unsigned)(uint8_t)line.data[at]);
        FAIL_IF(line.data[at] == 0, error, GLOSSA_ERROR_FORMAT,
                "%s, line %zu holds a NUL byte. If the file is UTF-16, save it as UTF-8", r->name, r->number);
    }
    return GLOSSA_OK;
}

/* The next line without its end; false behind the last. */
static bool next(reader *r, glossa_text *line) {
    if (r->left.size == 0) return false;
    const char *end = memchr(r->left.data, '\n', r->left.size);
    const size_t size = end ? (size_t)(end - r->left.data) : r->left.size, taken = size + (end != NULL);
    *line = (glossa_text){r->left.data, size};
    if (size > 0 && line->data[size - 1] == '\r') line->size--;
    r->left = (glossa_text){r->left.data + taken, r->left.size - taken};
    r->number++;
    return true;
}

static glossa_text trimmed(glossa_text text) {
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text.data++, text.size--;
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* ---- pairs ------------------------------------------------------------------------------------------------------ */

static bool grow(const glossa_allocator *allocator, void *data, size_t used, size_t needed, size_t *capacity,
                 size_t size) {
    void **place = data;
    if (*place && needed <= *capacity) return true;
    const size_t larger = needed + needed / 2 + 64;
    void *wider = larger < needed ? NULL : glossa_widen(allocator, *place, *place ? used : 0, larger, size);
    if (!wider) return false;
    *place = wider;
    *capacity = larger;
    return true;
}

glossa_status glossa_pairs_add(glossa_pairs *self, glossa_text source, glossa_text target, glossa_error *error) {
    source = trimmed(source);
    target = trimmed(target);
    if (source.size > 0 && target.size > 0) return glossa_pairs_add_raw(self, source, target, error);
    self->empty++;
    return GLOSSA_OK;
}

glossa_status glossa_pairs_add_raw(glossa_pairs *self, glossa_text source, glossa_text target, glossa_error *error) {
    const size_t end = self->size + source.size + target.size, starts = 2 * self->count + 1;
    void *texts = self->texts, *places = self->starts;
    FAIL_IF(self->count >= UINT32_MAX / 2, error, GLOSSA_ERROR_LIMIT, "there are more than %u pairs", UINT32_MAX / 2);
    const bool wide = grow(&self->allocator, &texts, self->size, end, &self->text_capacity, 1);
    self->texts = texts;
    const bool many =
        grow(&self->allocator, &places, self->starts ? starts : 0, starts + 2, &self->start_capacity, sizeof(size_t));
    self->starts = places;
    FAIL_IF(!wide || !many, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu pairs of %zu bytes", self->count + 1,
            end);
    memcpy(self->texts + self->size, source.data, source.size);
    if (target.size > 0) memcpy(self->texts + self->size + source.size, target.data, target.size);
    self->starts[starts] = self->size + source.size;
    self->starts[starts + 1] = self->size = end;
    self->count++;
    return GLOSSA_OK;
}

/* Adds links to the last pair. */
static glossa_status add_links(glossa_pairs *self, glossa_text links, glossa_error *error) {
    const size_t end = self->size + 1 + links.size;
    void *texts = self->texts;
    const bool wide = grow(&self->allocator, &texts, self->size, end, &self->text_capacity, 1);
    self->texts = texts;
    FAIL_IF(!wide, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu bytes of pairs", end);
    self->texts[self->size] = 0;
    memcpy(self->texts + self->size + 1, links.data, links.size);
    self->starts[2 * self->count] = self->size = end;
    return GLOSSA_OK;
}

/* Adds a row of a table: what is left of it behind the source's column. */
static glossa_status add_row(glossa_pairs *self, glossa_text source, glossa_text rest, glossa_error *error) {
    const size_t before = self->count;
    const char *end = memchr(rest.data, '\t', rest.size);
    const glossa_text target = {rest.data, end ? (size_t)(end - rest.data) : rest.size};
    FORWARD(glossa_pairs_add(self, source, target, error));
    if (!end || self->count == before) return GLOSSA_OK;
    const char *third = end + 1;
    const size_t left = rest.size - target.size - 1;
    end = memchr(third, '\t', left);
    const glossa_text links = trimmed((glossa_text){third, end ? (size_t)(end - third) : left});
    return glossa_links_like(links) ? add_links(self, links, error) : GLOSSA_OK;
}

static glossa_status add_table(glossa_pairs *self, const char *name, glossa_text file, glossa_error *error) {
    reader r;
    glossa_text line;
    FORWARD(start(&r, name, file, error));
    while (next(&r, &line)) {
        FORWARD(check(&r, line, error));
        if (trimmed(line).size == 0 && !memchr(line.data, '\t', line.size)) continue;
        const char *tab = memchr(line.data, '\t', line.size);
        FAIL_IF(!tab, error, GLOSSA_ERROR_FORMAT, "%s, line %zu has no tab between source and target: %.*s", name,
                r.number, SHOWN(line));
        const glossa_text rest = {tab + 1, line.size - (size_t)(tab + 1 - line.data)};
        FORWARD(add_row(self, (glossa_text){line.data, (size_t)(tab - line.data)}, rest, error));
    }
    return GLOSSA_OK;
}

static glossa_status add_texts(glossa_pairs *self, const char *name, glossa_text file, glossa_error *error) {
    reader r;
    glossa_text line;
    FORWARD(start(&r, name, file, error));
    while (next(&r, &line)) {
        FORWARD(check(&r, line, error));
        line = trimmed(line);
        if (line.size > 0) FORWARD(glossa_pairs_add_raw(self, line, (glossa_text){"", 0}, error));
    }
    return GLOSSA_OK;
}

static glossa_status add_lines(glossa_pairs *self, const char *source_name, glossa_text source, const char *target_name,
                               glossa_text target, glossa_error *error) {
    reader a, b;
    glossa_text left, right;
    FORWARD(start(&a, source_name, source, error));
    FORWARD(start(&b, target_name, target, error));
    for (;;) {
        const bool first = next(&a, &left), second = next(&b, &right);
        FAIL_IF(first != second, error, GLOSSA_ERROR_FORMAT, "%s ends at line %zu, but %s goes on",
                first ? target_name : source_name, first ? b.number : a.number, first ? source_name : target_name);
        if (!first) return GLOSSA_OK;
        FORWARD(check(&a, left, error));
        FORWARD(check(&b, right, error));
        FORWARD(glossa_pairs_add(self, left, right, error));
    }
}

/* Takes back what a call has added, where it failed or has found no pair. */
static glossa_status settle(glossa_pairs *self, const glossa_pairs *before, const char *name, const char *what,
                            glossa_status status, glossa_error *error) {
    if (status == GLOSSA_OK && self->count == before->count)
        status = glossa_fail(error, GLOSSA_ERROR_FORMAT, "%s holds no %s%s", name, what,
                             self->empty > before->empty ? ": every line lacks one side" : "");
    if (status == GLOSSA_OK) return status;
    self->size = before->size;
    self->count = before->count;
    self->empty = before->empty;
    return status;
}

glossa_status glossa_pairs_add_table(glossa_pairs *self, const char *name, glossa_text file, glossa_error *error) {
    const glossa_pairs before = *self;
    return settle(self, &before, name, "pair of texts", add_table(self, name, file, error), error);
}

glossa_status glossa_pairs_add_texts(glossa_pairs *self, const char *name, glossa_text file, glossa_error *error) {
    const glossa_pairs before = *self;
    return settle(self, &before, name, "text", add_texts(self, name, file, error), error);
}

glossa_status glossa_pairs_add_lines(glossa_pairs *self, const char *source_name, glossa_text source,
                                     const char *target_name, glossa_text target, glossa_error *error) {
    const glossa_pairs before = *self;
    return settle(self, &before, source_name, "pair of texts",
                  add_lines(self, source_name, source, target_name, target, error), error);
}

glossa_text glossa_pairs_text(const glossa_pairs *self, size_t pair, int side) {
    const size_t *start = self->starts + 2 * pair + (side > 0);
    const glossa_text text = {self->texts + start[0], start[1] - start[0]};
    const char *end = side > 0 ? memchr(text.data, 0, text.size) : NULL; /* of a target that has links */
    const size_t size = end ? (size_t)(end - text.data) : text.size;
    if (side == 2) return end ? (glossa_text){end + 1, text.size - size - 1} : (glossa_text){"", 0};
    return (glossa_text){text.data, size};
}

void glossa_pairs_keep(glossa_pairs *self, const bool *kept) {
    size_t count = 0, size = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (!kept[i]) continue;
        const size_t begin = self->starts[2 * i], middle = self->starts[2 * i + 1], end = self->starts[2 * i + 2];
        memmove(self->texts + size, self->texts + begin, end - begin);
        self->starts[2 * count + 1] = size + (middle - begin);
        self->starts[2 * count + 2] = size += end - begin;
        count++;
    }
    self->count = count;
    self->size = size;
}

void glossa_pairs_close(glossa_pairs *self) {
    glossa_release(&self->allocator, self->texts);
    glossa_release(&self->allocator, self->starts);
    *self = (glossa_pairs){.allocator = self->allocator};
}
