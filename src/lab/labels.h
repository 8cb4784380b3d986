/*
 * The classes of a classifier: the different targets of its pairs, in order of their bytes, kept as the key
 * "glossa.labels" of its checkpoint.
 */
#ifndef GLOSSA_LAB_LABELS_H
#define GLOSSA_LAB_LABELS_H

#include "lab/lexicon.h"

#define GLOSSA_NO_LABEL    UINT32_MAX
#define GLOSSA_MOST_LABELS 1000

/* Keeps the labels of pairs in the lexicon. Fails with FORMAT for one label alone and for more than
   GLOSSA_MOST_LABELS, and with MEMORY. */
glossa_status glossa_labels_learn(glossa_lexicon *lexicon, const glossa_pairs *pairs, const glossa_allocator *allocator,
                                  glossa_error *error);

/* Opens those that are kept, where they are not open. Fails with FORMAT where there are none, and with MEMORY. */
glossa_status glossa_labels_open(glossa_lexicon *lexicon, const glossa_allocator *allocator, glossa_error *error);

/* The number of a label, or GLOSSA_NO_LABEL. */
uint32_t glossa_labels_find(const glossa_lexicon *lexicon, glossa_text label);

#endif
