/*
 * BLEU (Papineni et al. 2002) of a corpus with one reference, equal to sacrebleu's with its defaults: case counts,
 * n-grams of up to four tokens, exponential smoothing.
 */
#ifndef GLOSSA_LAB_BLEU_H
#define GLOSSA_LAB_BLEU_H

#include "base/base.h"

#define BLEU_ORDER 4

/* What a text's tokens are: sacrebleu's tokenizers of these names. */
typedef enum glossa_bleu_tokens { BLEU_13A, BLEU_CHAR, BLEU_ZH } glossa_bleu_tokens;

/* Begins as zeros but for the allocator and the tokens. */
typedef struct glossa_bleu {
    glossa_allocator allocator;
    glossa_bleu_tokens tokens;
    uint64_t correct[BLEU_ORDER], total[BLEU_ORDER]; /* n-grams of n + 1 tokens */
    uint64_t length, reference_length;               /* tokens */
} glossa_bleu;

/* Counts one translation; both are UTF-8. Fails with MEMORY. */
glossa_status glossa_bleu_add(glossa_bleu *bleu, glossa_text translation, glossa_text reference, glossa_error *error);

/* 0 to 100. */
double glossa_bleu_score(const glossa_bleu *bleu);

#endif
