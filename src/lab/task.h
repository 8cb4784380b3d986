/*
 * The seeded tasks: strings made from nothing but a seed and a number, with a right answer by a rule. Each has a
 * vocabulary of single characters. A string is held out, or trained on, by a hash of itself, so the two never meet.
 */
#ifndef GLOSSA_TASK_H
#define GLOSSA_TASK_H

#include "base/base.h"
#include "glossa_lab.h"

/* Ids of every task's vocabulary; the characters follow. */
enum { TASK_PAD, TASK_UNK, TASK_BOS, TASK_EOS, TASK_CHARACTERS };

#define GLOSSA_TASK_TEXT 2048 /* bytes of the longest string of any task */

struct glossa_task_draw;

typedef struct glossa_task {
    const char *name;
    const char *characters; /* of source and target; ' ' is the space */
    void (*make)(const struct glossa_task_draw *draw, char *source, char *target);
    uint32_t source_factor, source_extra; /* the longest source is longest * factor + extra characters, */
    uint32_t target_factor, target_extra; /* and the longest target */
    uint32_t shortest, longest;           /* what the settings of that name become with the task */
} glossa_task;

/* NULL where there is none of that name. */
const glossa_task *glossa_task_find(const char *name);

/* Characters of the longest source and target that a config can give. */
uint64_t glossa_task_longest_source(const glossa_task *task, const glossa_lab_config *config);
uint64_t glossa_task_longest_target(const glossa_task *task, const glossa_lab_config *config);

/* String number `index`, both texts NUL-terminated; their longest are below GLOSSA_TASK_TEXT. Where a config has so few
   strings that none is held out, or none is left, any will do. */
void glossa_task_make(const glossa_task *task, const glossa_lab_config *config, bool held_out, uint32_t index,
                      char *source, char *target);

/* Tokens of the vocabulary, and of a text with its end; `ids` has room for all. */
uint32_t glossa_task_vocabulary(const glossa_task *task);
uint32_t glossa_task_token(const glossa_task *task, char character);
size_t glossa_task_encode(const glossa_task *task, const char *text, uint32_t *ids);

#endif
