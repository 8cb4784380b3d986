/*
 * Pairs of texts, read from tables (a source, a tab, a target in each line) and from two files of lines. Broken input
 * is refused with the file and the line; what merely lacks a side is left out and counted.
 */
#ifndef GLOSSA_LAB_PAIRS_H
#define GLOSSA_LAB_PAIRS_H

#include "base/base.h"

/* Begins as zeros but for the allocator. Text i: [starts[i], starts[i + 1]) of texts; pair i has texts 2i and 2i + 1,
   the latter followed by a NUL and links, where it has these. */
typedef struct glossa_pairs {
    glossa_allocator allocator;
    char *texts;    /* (size) well-formed UTF-8, without line ends and tabs; of images any bytes */
    size_t *starts; /* (2 * count + 1) */
    size_t size, text_capacity, count, start_capacity;
    size_t empty; /* lines that were left out, because they lack one side */
} glossa_pairs;

/*
 * Adds the pairs of a table: UTF-8, lines ended by LF or CRLF, with or without a byte order mark; a third column
 * of links (links.h) is kept, other columns are ignored, empty lines skipped. `name` is what the messages call the
 * file. Fails with FORMAT for a line that has no tab or is not UTF-8 and for a file without a pair, with MEMORY and
 * LIMIT; then nothing was added.
 */
glossa_status glossa_pairs_add_table(glossa_pairs *pairs, const char *name, glossa_text file, glossa_error *error);

/* Adds pairs of lines with the same number. Fails with FORMAT too where one file has more lines than the other. */
glossa_status glossa_pairs_add_lines(glossa_pairs *pairs, const char *source_name, glossa_text source,
                                     const char *target_name, glossa_text target, glossa_error *error);

/* Adds one pair of well-formed texts; white space at their ends goes, and a pair with an empty side is counted alone.
   Fails with MEMORY or LIMIT; then nothing was added. */
glossa_status glossa_pairs_add(glossa_pairs *pairs, glossa_text source, glossa_text target, glossa_error *error);

/* Adds a pair of any bytes as they are. Fails with MEMORY or LIMIT; then nothing was added. */
glossa_status glossa_pairs_add_raw(glossa_pairs *pairs, glossa_text source, glossa_text target, glossa_error *error);

/* Adds the lines of a file as sources without targets; empty ones are skipped. Fails as glossa_pairs_add_table. */
glossa_status glossa_pairs_add_texts(glossa_pairs *pairs, const char *name, glossa_text file, glossa_error *error);

/* The source (side 0), the target (1) or the links (2) of a pair, which are empty where it has none. */
glossa_text glossa_pairs_text(const glossa_pairs *pairs, size_t pair, int side);

/* Keeps the pairs whose place in `kept` is true, in their order. */
void glossa_pairs_keep(glossa_pairs *pairs, const bool *kept);

void glossa_pairs_close(glossa_pairs *pairs);

#endif
