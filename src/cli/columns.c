#include "cli/columns.h"

#include <stdlib.h>
#include <string.h>

/* Moves the next line of a file to `out`; bytes that were written. */
static size_t take_line(glossa_text *file, char *out) {
    const char *end = memchr(file->data, '\n', file->size);
    const size_t size = end ? (size_t)(end - file->data) : file->size, taken = size + (end != NULL);
    memcpy(out, file->data, size);
    file->data += taken;
    file->size -= taken;
    for (size_t i = 0; i < size; i++)
        if (out[i] == '\t') out[i] = ' ';
    return size > 0 && out[size - 1] == '\r' ? size - 1 : size;
}

char *glossa_join_columns(const glossa_text files[3], size_t *size, int *shortest) {
    glossa_text left[3] = {files[0], files[1], files[2]};
    char *table = malloc(files[0].size + files[1].size + files[2].size + 4);
    *size = 0;
    *shortest = 3;
    while (table) {
        size_t ended = 0;
        for (int i = 2; i >= 0; i--)
            if (left[i].size == 0) ended++, *shortest = i;
        if (ended == 3) return table;
        if (ended > 0) break;
        for (int i = 0; i < 3; i++) {
            *size += take_line(&left[i], table + *size);
            table[(*size)++] = i < 2 ? '\t' : '\n';
        }
    }
    free(table);
    return NULL;
}
