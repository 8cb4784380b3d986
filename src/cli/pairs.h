/*
 * What is learnt from as options of a command: files of pairs, of texts or of images, languages, vocabulary.
 */
#ifndef GLOSSA_CLI_PAIRS_H
#define GLOSSA_CLI_PAIRS_H

#include "glossa_lab.h"

#define MOST_PAIR_FILES 128
#define PAIR_TEXTS      16384

/* A table, or lines of a language model; two files of lines; or images and their labels. */
typedef struct glossa_pair_file {
    const char *source, *target; /* target NULL: one file */
    bool held_out, images;
    const char *links; /* of their words, a third file of lines, or NULL */
} glossa_pair_file;

typedef struct glossa_pair_files {
    glossa_pair_file files[MOST_PAIR_FILES];
    size_t count;
    const char *lines[4][2];     /* files of lines and of images, by held out and side, until both sides are there */
    const char *source, *target; /* languages; NULL: not said */
    const char *vocabulary;      /* a checkpoint, or NULL */
    char texts[PAIR_TEXTS];      /* names that a config gave */
    size_t texts_size;
} glossa_pair_files;

/* Takes the option that `words` begin with: words taken behind it, 0 if it is none of these, -1 after a complaint. */
int glossa_pair_option(glossa_pair_files *pairs, char **words, size_t count);

/* Four texts as one, kept with the pairs; NULL where there is no room. */
const char *glossa_pairs_keep_text(glossa_pair_files *pairs, const char *a, const char *b, const char *c,
                                   const char *d);

/* False where there are too many. */
bool glossa_pairs_add_file(glossa_pair_files *pairs, glossa_pair_file file);

/* Whether no file of lines lacks its other side; else after a complaint. */
bool glossa_pairs_whole(const glossa_pair_files *pairs);

bool glossa_pairs_given(const glossa_pair_files *pairs);

/* A lab that learns from the pairs, or the pairs for one; an exit status after a complaint. The lab of the latter stays
   the caller's. */
int glossa_open_with_pairs(const glossa_pair_files *pairs, const glossa_lab_config *config, glossa_lab **lab);
int glossa_attach_pairs(const glossa_pair_files *pairs, glossa_lab *lab);

#endif
