/*
 * Pairs as tokens, and the plan by which they become batches.
 *
 * Pairs are sorted by the longer of their sides, and cut into batches of `batch_tokens` of that length. Each epoch
 * shuffles the pairs of one length among themselves, and the batches. So every epoch has the same number of batches,
 * and what a step trains on follows from its number alone.
 */
#ifndef GLOSSA_LAB_CORPUS_H
#define GLOSSA_LAB_CORPUS_H

#include "lab/data.h"
#include "lab/lexicon.h"

/* One side of pairs. */
typedef struct glossa_side {
    uint32_t *ids;  /* the end of each included */
    size_t *starts; /* (count + 1) */
} glossa_side;

typedef struct glossa_encoded {
    glossa_side source, target;
    size_t count;
} glossa_encoded;

typedef struct glossa_corpus {
    glossa_lab_data *data; /* owned; its pairs are those below */
    const glossa_lexicon *lexicon;
    glossa_encoded train, held_out;
    size_t too_long;    /* pairs that were left out */
    uint32_t *sorted;   /* (train.count) pairs by length */
    uint32_t *order;    /* (train.count) the same, shuffled for `epoch` */
    uint32_t *batches;  /* (batch_count + 1) where in the order each begins */
    uint32_t *sequence; /* (batch_count) batches, shuffled for `epoch` */
    uint32_t batch_count, epoch;
    uint32_t most_pairs; /* of a batch */
    size_t most_tokens;  /* of a side of a batch, as far as best segmentations go */
    uint32_t seed;
    double share, alpha; /* of sub-word sampling */
    bool labelled;       /* a target is the number of a label, without an end */
    uint32_t context;
} glossa_corpus;

/* Encodes pairs by the tokenizers of `lexicon`, which it borrows; takes `data` in every case. Leaves out pairs longer
   than config.context. Fails with FORMAT where nothing is left to train on, and with MEMORY. */
glossa_status glossa_corpus_open(glossa_lab_data *data, const glossa_lab_config *config, const glossa_lexicon *lexicon,
                                 glossa_corpus **corpus, glossa_error *error);
void glossa_corpus_close(glossa_corpus *corpus);

/* Bytes that it holds, those of its data among them. */
size_t glossa_corpus_bytes(const glossa_corpus *corpus);

/* Tokens of the longer side of a pair. */
uint32_t glossa_corpus_length(const glossa_corpus *corpus, uint32_t pair);

/* Pairs of training batch `number`. */
uint32_t glossa_corpus_batch_size(glossa_corpus *corpus, uint32_t number);

/* Pair `place` of training batch `number`. */
uint32_t glossa_corpus_pair(glossa_corpus *corpus, uint32_t number, uint32_t place);

/*
 * A segmentation of one side of a training pair for an epoch: drawn where sub-word sampling says so, else the best. The
 * tokens are written to `ids` (`room`), the end included; a drawn one that has more gives way to the best. `words`
 * (`room`), where it is not NULL, becomes the word of each (links.h).
 */
glossa_status glossa_corpus_tokens(glossa_corpus *corpus, uint32_t pair, int side, uint32_t epoch, uint32_t *ids,
                                   uint32_t *words, size_t room, size_t *count, glossa_error *error);

#endif
