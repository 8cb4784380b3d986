/*
 * SentencePiece models (Kudo & Richardson 2018), unigram and BPE, out of a checkpoint: text to ids with byte spans, ids
 * to text. Equal to the reference spm_encode, id by id. Immutable after opening, safe to share by threads.
 *
 * Keys under a prefix P ("tokenizer.ggml" or "glossa.target.tokenizer"):
 *     P.model                      string    "unigram" ("t5" is the same) or "bpe" ("llama" is the same)
 *     P.tokens                     [string]  the pieces, all different, 1 to 1024 bytes each
 *     P.scores                     [f32]
 *     P.token_type                 [i32]     1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte
 *     P.ids                        [i32]     model id of each piece, for models whose ids are not the tokenizer's;
 *                                            -1: none, encoded as the unknown piece. Optional
 *     P.precompiled_charsmap       [u8]      normalization rules. Optional
 *     P.add_space_prefix, P.remove_extra_whitespaces, P.escape_whitespaces   bool, default true
 *     P.treat_whitespace_as_suffix bool, default false
 *     P.unknown_token_id, P.eos_token_id   u32, model ids. Optional
 * One piece is of type unknown, or there are all 256 byte pieces <0x00> to <0xFF>: byte fallback is on if there are
 * any.
 */
#ifndef GLOSSA_TOKENIZER_H
#define GLOSSA_TOKENIZER_H

#include "base/random.h"
#include "file/gguf.h"

typedef struct glossa_tokenizer glossa_tokenizer;

/* Reads and checks the keys under `prefix`. Borrows the checkpoint's bytes; `gguf` itself need not outlive the call. */
glossa_status glossa_tokenizer_open(const glossa_gguf *gguf, const char *prefix, const glossa_allocator *allocator,
                                    glossa_tokenizer **tokenizer, glossa_error *error);
void glossa_tokenizer_close(glossa_tokenizer *tokenizer);

size_t glossa_tokenizer_size(const glossa_tokenizer *tokenizer);                    /* number of pieces */
uint32_t glossa_tokenizer_ids(const glossa_tokenizer *tokenizer);                   /* highest model id + 1 */
size_t glossa_tokenizer_bytes(const glossa_tokenizer *tokenizer);                   /* memory held */
glossa_text glossa_tokenizer_piece(const glossa_tokenizer *tokenizer, uint32_t id); /* by model id; empty if unknown */
int32_t glossa_tokenizer_unk(const glossa_tokenizer *tokenizer);                    /* model id; -1: there is none */
int32_t glossa_tokenizer_eos(const glossa_tokenizer *tokenizer);                    /* model id; -1: there is none */

/* Model id of the piece of byte 0, if those of the other bytes follow it in order; else -1. */
int32_t glossa_tokenizer_first_byte(const glossa_tokenizer *tokenizer);

/*
 * Text to model ids, without an end-of-sentence token. Spans are byte offsets into `text`; the tokens of a text tile
 * the part of it that was not dropped by the normaliser. *tokens is allocated with the tokenizer's allocator and
 * belongs to the caller (glossa_tokenizer_free_tokens), NULL when *count is 0. Text of any length up to 2 GB, in time
 * that grows with the length alone.
 */
glossa_status glossa_tokenizer_encode(const glossa_tokenizer *tokenizer, glossa_text text, glossa_token **tokens,
                                      size_t *count, glossa_error *error);

/* The same for a way to cut the text that is drawn at random, as spm_encode --enable_sampling (of all ways) with this
   --alpha. Text of fewer than 2^31 bytes. */
glossa_status glossa_tokenizer_sample(const glossa_tokenizer *tokenizer, glossa_text text, float alpha,
                                      glossa_random *random, glossa_token **tokens, size_t *count, glossa_error *error);

/* As glossa_cuts (glossa.h): the best ways to cut a text, their tokens one way after the other. *tokens belongs to the
   caller, NULL when *found is 0. */
glossa_status glossa_tokenizer_cuts(const glossa_tokenizer *tokenizer, glossa_text text, size_t most, glossa_cut *cuts,
                                    size_t *found, glossa_token **tokens, glossa_error *error);
void glossa_tokenizer_free_tokens(const glossa_tokenizer *tokenizer, glossa_token *tokens);

/*
 * Ids to text, as spm_decode. Writes at most `capacity` bytes to `text` and sets *size to the bytes written; fails with
 * LIMIT where more are needed. For each of the `count` tokens, begin and end are set to its span in `text`: bytes of a
 * character that several byte tokens make up belong to the last of them. Control tokens and ids without a piece give
 * nothing. No allocation.
 */
glossa_status glossa_tokenizer_decode(const glossa_tokenizer *tokenizer, glossa_token *tokens, size_t count, char *text,
                                      size_t capacity, size_t *size, glossa_error *error);

/* Upper bound of the bytes that decoding any `count` tokens can give. */
size_t glossa_tokenizer_decode_bound(const glossa_tokenizer *tokenizer, size_t count);

#endif
