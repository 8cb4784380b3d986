/*
 * What glossa_lab.h hides: the blocks of a training, the lanes that work on parts of a batch, and the batch of a task.
 */
#ifndef GLOSSA_LAB_LAB_H
#define GLOSSA_LAB_LAB_H

#include "lab/corpus.h"
#include "lab/network.h"
#include "lab/optimizer.h"
#include "lab/task.h"
#include "lab/workers.h"

/* What one worker computes with. */
typedef struct glossa_lane {
    glossa_tape tape;
    void *memory; /* of the tape's arena */
    size_t memory_size;
    float *work;
    float *gradients; /* of one part of a batch, before it is added to the others'; NULL where there is but one part */
} glossa_lane;

/* Parts of a batch, and what came of each. */
typedef struct glossa_batch_part {
    glossa_shard shard;
    uint32_t first;  /* number of its first sequence in the batch */
    uint32_t tokens; /* of its targets that count */
    double loss;
    uint32_t exact, correct;
} glossa_batch_part;

/* A buffer that grows where a batch is larger than any before it. */
typedef struct glossa_room {
    void *data;
    size_t size; /* bytes */
} glossa_room;

struct glossa_lab {
    glossa_allocator allocator;
    glossa_lab_config config;
    const glossa_gradients *kernels;
    glossa_network network;
    const glossa_task *task;
    float *memory; /* of all blocks */
    glossa_blocks blocks;
    float *average; /* NULL: no mean of weights */
    float *good;    /* values that a training which diverges goes back to; NULL without an optimizer */
    float *optimizer_work;
    uint32_t step, good_step;
    glossa_plateau plateau;
    uint32_t bos;
    glossa_workers *workers;
    glossa_lane *lanes;       /* one for each worker */
    glossa_batch_part *parts; /* (config.shards) */
    size_t part_count;
    glossa_room indices; /* inputs and starts of the parts */
    glossa_room drawn;   /* batch of a task or of pairs */
    glossa_room aligned; /* wanted attention of a batch of pairs */
    glossa_room text;    /* of a prediction */
    char source_text[GLOSSA_TASK_TEXT], target_text[GLOSSA_TASK_TEXT];
    glossa_lexicon lexicon;
    glossa_corpus *corpus;     /* NULL: no pairs */
    bool is_resumed;           /* from a state, which was trained on pairs of ... */
    uint32_t data_fingerprint; /* ... this fingerprint; 0: none */
    glossa_lab_report sum;     /* of the parts that glossa_lab_add was given for the next step: ... */
    uint32_t added;            /* ... so many */
    bool seen;                 /* the lanes' tapes hold arrays */
};

/* Opens a lab for vocabularies that are known; the weights are zeros. */
glossa_status glossa_lab_prepare(const glossa_lab_config *config, uint32_t source_vocabulary,
                                 uint32_t target_vocabulary, bool separate, const glossa_allocator *allocator,
                                 glossa_lab **lab, glossa_error *error);

/* Allocates for the longest batch of the task or the pairs, where there is one, so that no step allocates but for texts
   that are cut into tokens anew (config.sampling_share): those, and lanes where they have become longer. */
glossa_status glossa_lab_reserve(glossa_lab *lab, glossa_error *error);

/* Makes room for so many bytes; what was in it is lost where it was smaller. */
glossa_status glossa_lab_grow(glossa_lab *lab, glossa_room *room, size_t bytes, const char *what, glossa_error *error);

/* Clips, steps and counts, once the gradients are in their block; `own` has loss, tokens and sequences. */
glossa_status glossa_lab_make_step(glossa_lab *lab, glossa_lab_report own, glossa_lab_report *report,
                                   glossa_error *error);

/* The weights that an evaluation and a saved model have. */
const float *glossa_lab_values(const glossa_lab *lab);

#endif
