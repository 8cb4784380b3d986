/*
 * What a lab learns from: pairs of text, texts alone, or images with labels; those that it trains on and those that it
 * is judged by, which never meet.
 */
#ifndef GLOSSA_LAB_DATA_H
#define GLOSSA_LAB_DATA_H

#include "glossa_lab.h"
#include "lab/pairs.h"

struct glossa_lab_data {
    glossa_allocator allocator;
    glossa_lab_data_kind kind; /* of images, their bytes are the sources, their labels the targets */
    glossa_pairs train, held_out;
    size_t shared; /* pairs that were not trained on because the held-out ones have one of their texts */
    bool split;
    bool labelled; /* targets are labels, which many pairs share */
};

/*
 * Holds out about `wanted` pairs, at most a tenth, where none were given to judge by: by a hash of their sources, so
 * that pairs of one source stay together. Then leaves out of the training what shares a text with them. Does it once.
 * Fails with FORMAT where nothing is left to train on, and with MEMORY.
 */
glossa_status glossa_data_split(glossa_lab_data *data, size_t wanted, glossa_error *error);

/* A number that tells these pairs from others. */
uint32_t glossa_data_fingerprint(const glossa_lab_data *data);

#endif
