/*
 * Labs to checkpoints (saving.c) and back (loading.c). A saved model has the keys and tensors of glossa_model_open; a
 * saved state has, beside them, every setting under "glossa.lab.", where the training stands, and the blocks of both
 * moments.
 */
#ifndef GLOSSA_LAB_CHECKPOINT_H
#define GLOSSA_LAB_CHECKPOINT_H

#include "file/gguf.h"
#include "file/gguf_write.h"
#include "lab/lab.h"

#define PREFIX "glossa.lab."

/* The keys of the engine that are settings of the lab; NULL beyond the last. */
typedef struct glossa_network_key {
    const char *key, *setting;
} glossa_network_key;
const glossa_network_key *glossa_network_key_at(size_t index);

/* Whether every checkpoint has key `index`. */
bool glossa_network_key_required(size_t index);

/* The key "glossa.task": "translation" for what the engine runs, "recurrent-translation", "classification", or
   "switched-translation" for a Transformer of which a part is left out or changed. */
const char *glossa_network_task(const glossa_lab_config *config);

/* The engine's key of a setting; NULL where it has none. */
const char *glossa_network_key_of(const glossa_setting *setting);

/* The lab's own key of a setting. */
typedef struct glossa_state_key {
    char text[96];
} glossa_state_key;
const char *glossa_state_key_of(glossa_state_key *name, const glossa_setting *setting);

#endif
