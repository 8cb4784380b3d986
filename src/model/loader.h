/*
 * A model while it is opened. Private to this folder: model.c opens, config.c reads keys, weights.c binds tensors.
 */
#ifndef GLOSSA_LOADER_H
#define GLOSSA_LOADER_H

#include "file/gguf.h"
#include "model/model.h"

typedef struct glossa_loader {
    const glossa_gguf *gguf;
    glossa_model *model;
    glossa_error *error;
    uint64_t bound; /* most bytes beside the checkpoint */
} glossa_loader;

/* Notes that the model is about to hold `bytes` more for its `what`; refuses a checkpoint that claims more than one of
   its size may. */
glossa_status glossa_loader_hold(glossa_loader *loader, uint64_t bytes, const char *what);

/* Fills the config, the name and the languages. */
glossa_status glossa_load_config(glossa_loader *loader);

/* Binds every tensor of the table (tensors.h) and sums the rows of int8 matrices. The layers are allocated. */
glossa_status glossa_load_weights(glossa_loader *loader);

/* Binds the shortlist, where there is one. */
glossa_status glossa_load_shortlist(glossa_loader *loader);

bool glossa_all_finite(const float *x, size_t count);

#endif
