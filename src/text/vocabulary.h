/*
 * The pieces of a SentencePiece model, where they lie in the checkpoint: text, score and type of each, a hash table
 * from text to piece, and the map between pieces and the model's ids.
 */
#ifndef GLOSSA_VOCABULARY_H
#define GLOSSA_VOCABULARY_H

#include "file/gguf.h"

#define GLOSSA_MAX_PIECES     4194303 /* so that an id and a tag share 32 bits of the hash table */
#define GLOSSA_MAX_PIECE_SIZE 1024    /* bytes; bounds the work at each place of a text */

/* What stands for a space within pieces: U+2581. */
#define SPACE_SYMBOL      "\xE2\x96\x81"
#define SPACE_SYMBOL_SIZE 3

typedef enum glossa_piece_type {
    PIECE_NORMAL = 1,
    PIECE_UNKNOWN = 2,
    PIECE_CONTROL = 3,
    PIECE_USER_DEFINED = 4,
    PIECE_UNUSED = 5,
    PIECE_BYTE = 6
} glossa_piece_type;

typedef struct glossa_vocabulary {
    const uint8_t *texts;  /* strings of the checkpoint, each behind its length */
    const uint8_t *scores; /* (count) float32, unaligned */
    const uint8_t *types;  /* (count) int32, unaligned */
    const uint8_t *ids;    /* (count) int32, unaligned: model id of each piece, -1 for none; NULL: the same */
    uint32_t count;
    uint32_t *offsets;    /* (count + 1) place of each text and its length in `texts`, and the end */
    uint32_t *slots;      /* (1 << slot_bits) 0 where empty, else tag and piece + 1 */
    uint32_t hash_start;  /* of the hash of every text: one with which the pieces spread well */
    uint8_t *prefixes;    /* (1 << prefix_bits) bits: a Bloom filter of what pieces begin with */
    int32_t *pieces;      /* (model_count) piece of each model id, -1 for none; NULL: the same */
    uint32_t model_count; /* model ids run below this */
    unsigned slot_bits, prefix_bits;
    uint32_t longest;           /* bytes of the longest piece */
    float min_score, max_score; /* over normal pieces; the maximum at least FLT_MIN, as the reference has it */
    int32_t unknown;            /* the piece for unknown text; -1 for none */
    int32_t bytes[256];         /* the piece of each byte, if there is byte fallback */
    bool byte_fallback;         /* unknown text becomes its bytes */
    bool has_unused;
    uint8_t user_defined_starts[32]; /* bits: bytes that a user-defined piece begins with */
} glossa_vocabulary;

/* Reads and checks tokens, scores, token_type and ids under `prefix` (see tokenizer.h). */
glossa_status glossa_vocabulary_open(const glossa_gguf *gguf, const char *prefix, const glossa_allocator *allocator,
                                     glossa_vocabulary *vocabulary, glossa_error *error);
void glossa_vocabulary_close(glossa_vocabulary *vocabulary, const glossa_allocator *allocator);
size_t glossa_vocabulary_memory(const glossa_vocabulary *vocabulary);

/* Of a piece below `count`. */
glossa_text glossa_vocabulary_text(const glossa_vocabulary *vocabulary, uint32_t piece);
float glossa_vocabulary_score(const glossa_vocabulary *vocabulary, uint32_t piece);
glossa_piece_type glossa_vocabulary_type(const glossa_vocabulary *vocabulary, uint32_t piece);
int32_t glossa_vocabulary_model_id(const glossa_vocabulary *vocabulary, uint32_t piece);

/* The byte that the text of a byte piece, "<0xAB>", names; -1 for any other text. */
int glossa_vocabulary_byte(glossa_text text);

/* The piece of a model id, any id; -1 where there is none. */
int32_t glossa_vocabulary_piece(const glossa_vocabulary *vocabulary, uint32_t model_id);

/*
 * Looking up the prefixes of a text, one byte after the other (FNV-1a): start from `hash_start`, step over each byte,
 * and ask where a character ends. `goes_on` is false where no piece goes on from here; where it is true there may be
 * one, of at most `longest` bytes.
 */
static inline uint32_t glossa_hash_step(uint32_t hash, uint8_t byte) {
    return (hash ^ byte) * 16777619u;
}
static inline bool glossa_vocabulary_goes_on(const glossa_vocabulary *vocabulary, uint32_t hash) {
    const uint32_t bit = hash * 0x85EBCA6Bu >> (32 - vocabulary->prefix_bits);
    return vocabulary->prefixes[bit / 8] >> bit % 8 & 1;
}
/* The normal, user-defined or unused piece of exactly these bytes with that hash; -1 for none. */
int32_t glossa_vocabulary_find(const glossa_vocabulary *vocabulary, uint32_t hash, const uint8_t *text, size_t size);

/* Bytes of the longest user-defined piece that `text` starts with, 0 for none. */
size_t glossa_vocabulary_user_defined(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size);

/* "prefix.leaf", for a prefix of at most GLOSSA_MAX_KEY_PREFIX bytes and a leaf of this project. */
#define GLOSSA_MAX_KEY_PREFIX 63
typedef struct glossa_key_name {
    char text[GLOSSA_MAX_KEY_PREFIX + 33];
} glossa_key_name;
const char *glossa_key_join(glossa_key_name *name, const char *prefix, const char *leaf);

#endif
