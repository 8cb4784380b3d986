/*
 * The text side of a lab: a vocabulary learnt from pairs or taken from a checkpoint, as keys that the engine's
 * tokenizer reads, and those tokenizers.
 */
#ifndef GLOSSA_LAB_LEXICON_H
#define GLOSSA_LAB_LEXICON_H

#include "file/gguf.h"
#include "file/gguf_write.h"
#include "glossa_lab.h"
#include "lab/pairs.h"
#include "text/tokenizer.h"

/* A key of a checkpoint that the lab does not use and writes again: vocabulary, languages, name. */
typedef struct glossa_kept_key {
    char *name;
    uint32_t type; /* as in GGUF, of the elements of an array */
    bool is_array;
    uint64_t count;
    uint8_t *data;
    size_t size;
} glossa_kept_key;

typedef struct glossa_lexicon {
    glossa_kept_key *kept; /* (kept_count) */
    size_t kept_count;
    void *file; /* GGUF of the kept keys alone, which the tokenizers borrow; NULL until they are wanted */
    glossa_tokenizer *source, *target;
    uint32_t *banned; /* (banned_count) targets that are never produced, as in the engine; of the tokenizers too */
    size_t banned_count;
    glossa_text *labels; /* (label_count) of a classifier, in order, within the kept keys; NULL until they are wanted */
    uint32_t label_count;
    uint32_t mask; /* the token that hides another, of a masked language model; GLOSSA_NO_MASK: none */
} glossa_lexicon;

#define GLOSSA_NO_MASK UINT32_MAX

/* Copies keys of a checkpoint to those that are kept: all that `wanted` says. Fails with MEMORY; closing frees what was
   copied. */
glossa_status glossa_lexicon_keep(glossa_lexicon *lexicon, const glossa_gguf *gguf, bool (*wanted)(glossa_text name),
                                  const glossa_allocator *allocator, glossa_error *error);

/* Takes the vocabulary of a checkpoint. A language that is "und", undetermined, is the checkpoint's own. Fails with
   MEMORY. */
glossa_status glossa_lexicon_take(glossa_lexicon *lexicon, const glossa_gguf *gguf, const char *source,
                                  const char *target, const glossa_allocator *allocator, glossa_error *error);

/* Finds the mask among the kept keys. Fails with UNSUPPORTED where there is none below
   `tokens`, and where the special tokens are all. */
glossa_status glossa_lexicon_find_mask(glossa_lexicon *lexicon, uint32_t tokens, glossa_error *error);

/* Keeps the keys of a writer. Fails with MEMORY. */
glossa_status glossa_lexicon_keep_written(glossa_lexicon *lexicon, const glossa_gguf_writer *writer,
                                          const glossa_allocator *allocator, glossa_error *error);

/*
 * Learns one vocabulary for both sides of the pairs, or for the sources alone where the targets are labels, and keeps
 * its keys: as config.tokens and config.vocabulary say, the four special tokens of tasks first, then the 256 bytes, so
 * that any text has tokens. Fails with ARGUMENT where the vocabulary leaves no room for characters, with LIMIT for 2 GB
 * of different words, and with MEMORY.
 */
glossa_status glossa_lexicon_learn(glossa_lexicon *lexicon, const glossa_lab_config *config, const glossa_pairs *pairs,
                                   const char *source, const char *target, const glossa_allocator *allocator,
                                   glossa_error *error);

/* Opens the tokenizers, where they are not open. Fails with STATE where no vocabulary is kept, and with FORMAT. */
glossa_status glossa_lexicon_open(glossa_lexicon *lexicon, const glossa_allocator *allocator, glossa_error *error);

void glossa_lexicon_put(const glossa_lexicon *lexicon, glossa_gguf_writer *writer);
void glossa_lexicon_close(glossa_lexicon *lexicon, const glossa_allocator *allocator);

#endif
