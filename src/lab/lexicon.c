#include "lab/lexicon.h"

#include <string.h>

#include "lab/config.h"
#include "lab/task.h"
#include "text/merges.h"
#include "text/normalizer.h"

#define FIRST_PIECE (TASK_CHARACTERS + 256)
#define UNION       16                 /* characters of the longest piece */
#define SAMPLE      ((size_t)16 << 20) /* bytes of text that a vocabulary is learnt from */

/* ---- keys ------------------------------------------------------------------------------------------------------- */

static bool starts_with(glossa_text text, const char *prefix) {
    return text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

#define MASK_KEY "tokenizer.ggml.mask_token_id"

static const char *const language_keys[2] = {"glossa.source_language", "glossa.target_language"};

static bool is_owned(glossa_text name) {
    return starts_with(name, "tokenizer.") || starts_with(name, "glossa.target.tokenizer.") ||
           starts_with(name, language_keys[0]) || starts_with(name, language_keys[1]) ||
           starts_with(name, "glossa.banned_ids") || starts_with(name, "glossa.labels");
}

glossa_status glossa_lexicon_keep(glossa_lexicon *self, const glossa_gguf *g, bool (*wanted)(glossa_text name),
                                  const glossa_allocator *allocator, glossa_error *error) {
    glossa_kept_key *all = glossa_allocate(allocator, self->kept_count + g->key_count, sizeof *all);
    FAIL_IF(!all, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu keys", g->key_count);
    if (self->kept_count > 0) memcpy(all, self->kept, self->kept_count * sizeof *all);
    glossa_release(allocator, self->kept);
    self->kept = all;
    for (size_t i = 0; i < g->key_count; i++) {
        const glossa_gguf_key *k = &g->keys[i];
        if (!wanted(k->name)) continue;
        const size_t size = (size_t)(k->end - k->data);
        glossa_kept_key *kept = &self->kept[self->kept_count++];
        *kept = (glossa_kept_key){.type = k->type, .is_array = k->is_array, .count = k->count, .size = size};
        kept->name = glossa_allocate(allocator, k->name.size + 1, 1);
        kept->data = glossa_allocate(allocator, size, 1);
        FAIL_IF(!kept->name || !kept->data, error, GLOSSA_ERROR_MEMORY, "out of memory for a key of %zu bytes", size);
        memcpy(kept->name, k->name.data, k->name.size);
        if (size > 0) memcpy(kept->data, k->data, size);
    }
    return GLOSSA_OK;
}

void glossa_lexicon_put(const glossa_lexicon *self, glossa_gguf_writer *w) {
    for (size_t i = 0; i < self->kept_count; i++) {
        const glossa_kept_key *k = &self->kept[i];
        glossa_gguf_put_copy(w, k->name, (glossa_gguf_type)k->type, k->is_array, k->count, k->data, k->size);
    }
}

glossa_status glossa_lexicon_find_mask(glossa_lexicon *self, uint32_t tokens, glossa_error *error) {
    self->mask = GLOSSA_NO_MASK;
    for (size_t i = 0; i < self->kept_count; i++) {
        const glossa_kept_key *k = &self->kept[i];
        if (strcmp(k->name, MASK_KEY) == 0 && !k->is_array && k->type == GGUF_U32 && k->size == sizeof self->mask)
            memcpy(&self->mask, k->data, sizeof self->mask);
    }
    FAIL_IF(tokens <= TASK_CHARACTERS, error, GLOSSA_ERROR_UNSUPPORTED,
            "the vocabulary has %u tokens, a masked language model needs more than %d", (unsigned)tokens,
            TASK_CHARACTERS);
    FAIL_IF(self->mask >= tokens, error, GLOSSA_ERROR_UNSUPPORTED,
            "the vocabulary names no mask ('" MASK_KEY "'), which a masked language model needs");
    return GLOSSA_OK;
}

/* ---- files in memory -------------------------------------------------------------------------------------------- */

typedef struct room {
    uint8_t *at;
    size_t left;
} room;

static bool fill(void *user, const void *bytes, size_t size) {
    room *to = user;
    if (size > to->left) return false;
    memcpy(to->at, bytes, size);
    to->at += size;
    to->left -= size;
    return true;
}

/* What a writer has, opened; *file is what it lies in. */
static glossa_status write_and_open(const glossa_gguf_writer *w, const glossa_allocator *allocator, void **file,
                                    glossa_gguf *gguf, glossa_error *error) {
    const uint64_t size = glossa_gguf_written_size(w);
    *file = size < SIZE_MAX - 64 ? glossa_allocate(allocator, (size_t)size + 64, 1) : NULL;
    FAIL_IF(!*file, error, GLOSSA_ERROR_MEMORY, "out of memory for a vocabulary of %llu bytes",
            (unsigned long long)size);
    uint8_t *begin = (uint8_t *)*file + (64 - (uintptr_t)*file % 64) % 64;
    room to = {begin, (size_t)size};
    FORWARD(glossa_gguf_write(w, (glossa_sink){fill, &to}, error));
    return glossa_gguf_open(begin, (size_t)size, allocator, gguf, error);
}

glossa_status glossa_lexicon_keep_written(glossa_lexicon *self, const glossa_gguf_writer *w,
                                          const glossa_allocator *allocator, glossa_error *error) {
    void *file = NULL;
    glossa_gguf gguf;
    glossa_status status = write_and_open(w, allocator, &file, &gguf, error);
    if (status == GLOSSA_OK) {
        status = glossa_lexicon_keep(self, &gguf, is_owned, allocator, error);
        glossa_gguf_close(&gguf);
    }
    glossa_release(allocator, file);
    return status;
}

/* ---- learning --------------------------------------------------------------------------------------------------- */

/* Counts the words of the first `sides` sides: of every pair, or, where the text is long, of every so many. */
static glossa_status count_words(glossa_merges *merges, const glossa_pairs *pairs, int sides, bool prefix,
                                 glossa_error *error) {
    const glossa_vocabulary none = {0};
    const glossa_normalizer normalizer = {
        .vocabulary = &none, .add_space_prefix = prefix, .remove_extra_whitespaces = true, .escape_whitespaces = true};
    const size_t step = pairs->size / SAMPLE + 1;
    for (size_t i = 0; i < pairs->count; i += step) {
        for (int side = 0; side < sides; side++) {
            glossa_normalized text;
            glossa_status status =
                glossa_normalize(&normalizer, glossa_pairs_text(pairs, i, side), &merges->allocator, &text, error);
            if (status == GLOSSA_OK)
                status = glossa_merges_count(merges, (glossa_text){(const char *)text.text, text.size}, error);
            glossa_normalized_release(&text, &merges->allocator);
            FORWARD(status);
        }
    }
    return GLOSSA_OK;
}

/* The lists of a vocabulary, as long as each other. */
typedef struct lists {
    const char **tokens;
    char *texts; /* of the pieces, each with a NUL behind it */
    float *scores;
    int32_t *types;
} lists;

static void put_hex(char *to, unsigned byte) {
    static const char digits[] = "0123456789ABCDEF";
    memcpy(to, "<0x00>", 7);
    to[3] = digits[byte / 16];
    to[4] = digits[byte % 16];
}

/* Special tokens, bytes, then pieces: the earlier a union was found, the higher its score. The first token, which fills
   no text, is the mask of a vocabulary that has one. */
static void fill_lists(const lists *to, char bytes[256][8], const glossa_pieces *pieces, bool mask) {
    const char *const special[TASK_CHARACTERS] = {mask ? "<mask>" : "<pad>", "<unk>", "<s>", "</s>"};
    char *text = to->texts;
    for (unsigned i = 0; i < FIRST_PIECE; i++) {
        const unsigned byte = i < TASK_CHARACTERS ? 0 : i - TASK_CHARACTERS;
        put_hex(bytes[byte], byte);
        to->tokens[i] = i < TASK_CHARACTERS ? special[i] : bytes[byte];
        to->types[i] = i == TASK_UNK ? PIECE_UNKNOWN : i < TASK_CHARACTERS ? PIECE_CONTROL : PIECE_BYTE;
        to->scores[i] = 0;
    }
    for (uint32_t i = 0, begin = 0; i < pieces->count; begin = pieces->ends[i++]) {
        const size_t size = pieces->ends[i] - begin;
        memcpy(text, pieces->texts + begin, size);
        to->tokens[FIRST_PIECE + i] = text;
        to->types[FIRST_PIECE + i] = PIECE_NORMAL;
        to->scores[FIRST_PIECE + i] = -(float)i;
        text += size + 1;
    }
}

static void put_vocabulary(glossa_gguf_writer *w, const lists *from, size_t count, bool prefix, bool mask) {
    static const int32_t banned[] = {TASK_PAD, TASK_UNK, TASK_BOS};
    glossa_gguf_put_string(w, "tokenizer.ggml.model", "bpe");
    glossa_gguf_put_strings(w, "tokenizer.ggml.tokens", from->tokens, count);
    glossa_gguf_put_f32s(w, "tokenizer.ggml.scores", from->scores, count);
    glossa_gguf_put_i32s(w, "tokenizer.ggml.token_type", from->types, count);
    glossa_gguf_put_bool(w, "tokenizer.ggml.add_space_prefix", prefix);
    glossa_gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", TASK_UNK);
    glossa_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", TASK_EOS);
    glossa_gguf_put_i32s(w, "glossa.banned_ids", banned, sizeof banned / sizeof *banned);
    if (mask) glossa_gguf_put_u32(w, MASK_KEY, TASK_PAD);
}

/* Puts the keys of learnt pieces, and keeps them. The lists are NULL without memory. */
static glossa_status keep_lists(glossa_lexicon *self, glossa_gguf_writer *w, const lists *all,
                                const glossa_pieces *pieces, bool prefix, bool mask, const glossa_allocator *allocator,
                                glossa_error *error) {
    const size_t count = FIRST_PIECE + (size_t)pieces->count;
    char bytes[256][8];
    FAIL_IF(!all->tokens || !all->texts || !all->scores || !all->types, error, GLOSSA_ERROR_MEMORY,
            "out of memory for a vocabulary of %zu tokens", count);
    fill_lists(all, bytes, pieces, mask);
    put_vocabulary(w, all, count, prefix, mask);
    return glossa_lexicon_keep_written(self, w, allocator, error);
}

static glossa_status keep_pieces(glossa_lexicon *self, glossa_gguf_writer *w, const glossa_pieces *pieces, bool prefix,
                                 bool mask, const glossa_allocator *allocator, glossa_error *error) {
    const size_t count = FIRST_PIECE + (size_t)pieces->count,
                 size = (pieces->count ? pieces->ends[pieces->count - 1] : 0) + (size_t)pieces->count + 1;
    const lists all = {glossa_allocate(allocator, count, sizeof *all.tokens), glossa_allocate(allocator, size, 1),
                       glossa_allocate(allocator, count, sizeof *all.scores),
                       glossa_allocate(allocator, count, sizeof *all.types)};
    const glossa_status status = keep_lists(self, w, &all, pieces, prefix, mask, allocator, error);
    glossa_release(allocator, all.tokens);
    glossa_release(allocator, all.texts);
    glossa_release(allocator, all.scores);
    glossa_release(allocator, all.types);
    return status;
}

glossa_status glossa_lexicon_learn(glossa_lexicon *self, const glossa_lab_config *config, const glossa_pairs *pairs,
                                   const char *source, const char *target, const glossa_allocator *allocator,
                                   glossa_error *error) {
    const bool words = config->tokens == TOKENS_BPE;
    FAIL_IF(config->vocabulary <= FIRST_PIECE, error, GLOSSA_ERROR_ARGUMENT,
            "setting 'vocabulary' is %u, need more than the %d tokens of bytes and signs", (unsigned)config->vocabulary,
            FIRST_PIECE);
    const uint32_t most = config->vocabulary - FIRST_PIECE;
    glossa_merges merges = {.allocator = *allocator};
    glossa_pieces pieces = {0};
    glossa_gguf_writer w;
    glossa_gguf_writer_open(&w, allocator);
    glossa_gguf_put_string(&w, language_keys[0], source);
    glossa_gguf_put_string(&w, language_keys[1], target);
    const bool mask = config->architecture == ARCHITECTURE_MASKED;
    const int sides = config->architecture == ARCHITECTURE_CLASSIFIER || glossa_models_language(config) ? 1 : 2;
    glossa_status status = count_words(&merges, pairs, sides, words, error);
    if (status == GLOSSA_OK) /* a quarter at least is left for unions */
        status = glossa_merges_learn(&merges, words ? config->coverage : 1, words ? most - most / 4 : most, most,
                                     words ? UNION : 1, &pieces, error);
    if (status == GLOSSA_OK) status = keep_pieces(self, &w, &pieces, words, mask, allocator, error);
    glossa_gguf_writer_close(&w);
    glossa_pieces_release(&pieces, allocator);
    glossa_merges_close(&merges);
    return status;
}

/* ---- the vocabulary of a checkpoint ----------------------------------------------------------------------------- */

static void forget_key(glossa_lexicon *self, const char *prefix, const glossa_allocator *allocator) {
    size_t left = 0;
    for (size_t i = 0; i < self->kept_count; i++) {
        const glossa_kept_key k = self->kept[i];
        if (strncmp(k.name, prefix, strlen(prefix)) != 0) {
            self->kept[left++] = k;
            continue;
        }
        glossa_release(allocator, k.name);
        glossa_release(allocator, k.data);
    }
    self->kept_count = left;
}

glossa_status glossa_lexicon_take(glossa_lexicon *self, const glossa_gguf *from, const char *source, const char *target,
                                  const glossa_allocator *allocator, glossa_error *error) {
    const char *const given[2] = {source, target};
    glossa_gguf_writer w;
    FORWARD(glossa_lexicon_keep(self, from, is_owned, allocator, error));
    if (strcmp(source, "und") == 0 && strcmp(target, "und") == 0) return GLOSSA_OK;
    glossa_gguf_writer_open(&w, allocator);
    for (int side = 0; side < 2; side++) {
        if (strcmp(given[side], "und") == 0) continue;
        forget_key(self, language_keys[side], allocator);
        glossa_gguf_put_string(&w, language_keys[side], given[side]);
    }
    const glossa_status status = glossa_lexicon_keep_written(self, &w, allocator, error);
    glossa_gguf_writer_close(&w);
    return status;
}

/* ---- tokenizers ------------------------------------------------------------------------------------------------- */

static glossa_status open_tokenizers(glossa_lexicon *self, const glossa_gguf *gguf, const glossa_allocator *allocator,
                                     glossa_error *error) {
    const bool two = glossa_gguf_find(gguf, "glossa.target.tokenizer.model") != NULL;
    FORWARD(glossa_tokenizer_open(gguf, "tokenizer.ggml", allocator, &self->source, error));
    if (two) return glossa_tokenizer_open(gguf, "glossa.target.tokenizer", allocator, &self->target, error);
    self->target = self->source;
    return GLOSSA_OK;
}

/* Those of the file, and the unknown token. */
static glossa_status read_banned(glossa_lexicon *self, const glossa_gguf *gguf, const glossa_allocator *allocator,
                                 glossa_error *error) {
    const glossa_gguf_key *key;
    FORWARD(glossa_gguf_array(gguf, "glossa.banned_ids", GGUF_I32, false, &key, error));
    const size_t count = key ? (size_t)key->count : 0;
    self->banned = glossa_allocate(allocator, count + 1, sizeof *self->banned);
    FAIL_IF(!self->banned, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu banned ids", count);
    for (size_t i = 0; i < count; i++)
        self->banned[i] = (uint32_t)glossa_gguf_i32_at(key, i);
    self->banned[count] = (uint32_t)glossa_tokenizer_unk(self->target); /* where there is none, beyond all ids */
    self->banned_count = count + 1;
    return GLOSSA_OK;
}

static void close_tokenizers(glossa_lexicon *self, const glossa_allocator *allocator) {
    if (self->target != self->source) glossa_tokenizer_close(self->target);
    glossa_tokenizer_close(self->source);
    glossa_release(allocator, self->banned);
    self->source = self->target = NULL;
    self->banned = NULL;
}

glossa_status glossa_lexicon_open(glossa_lexicon *self, const glossa_allocator *allocator, glossa_error *error) {
    if (self->target) return GLOSSA_OK;
    FAIL_IF(self->kept_count == 0, error, GLOSSA_ERROR_STATE, "the lab has no vocabulary");
    glossa_gguf_writer w;
    glossa_gguf gguf;
    glossa_gguf_writer_open(&w, allocator);
    glossa_lexicon_put(self, &w);
    glossa_release(allocator, self->file);
    glossa_status status = write_and_open(&w, allocator, &self->file, &gguf, error);
    glossa_gguf_writer_close(&w);
    FORWARD(status);
    status = open_tokenizers(self, &gguf, allocator, error);
    if (status == GLOSSA_OK) status = read_banned(self, &gguf, allocator, error);
    glossa_gguf_close(&gguf);
    if (status == GLOSSA_OK && (glossa_tokenizer_eos(self->source) < 0 || glossa_tokenizer_eos(self->target) < 0))
        status =
            glossa_fail(error, GLOSSA_ERROR_UNSUPPORTED, "the vocabulary names no token for the end of a sentence");
    if (status != GLOSSA_OK) close_tokenizers(self, allocator);
    return status;
}

void glossa_lexicon_close(glossa_lexicon *self, const glossa_allocator *allocator) {
    close_tokenizers(self, allocator);
    for (size_t i = 0; i < self->kept_count; i++) {
        glossa_release(allocator, self->kept[i].name);
        glossa_release(allocator, self->kept[i].data);
    }
    glossa_release(allocator, self->labels);
    glossa_release(allocator, self->kept);
    glossa_release(allocator, self->file);
    *self = (glossa_lexicon){0};
}
