#include "text/vocabulary.h"

#include <float.h>
#include <string.h>

#include "base/bytes.h"

#define PIECE_BITS 22
#define PIECE_MASK ((1u << PIECE_BITS) - 1)

#define LENGTH_SIZE 8 /* of the length in front of a text */

const char *glossa_key_join(glossa_key_name *name, const char *prefix, const char *leaf) {
    const size_t prefix_size = strlen(prefix), leaf_size = strlen(leaf);
    memcpy(name->text, prefix, prefix_size);
    name->text[prefix_size] = '.';
    memcpy(name->text + prefix_size + 1, leaf, leaf_size + 1);
    return name->text;
}

/* ---- pieces ----------------------------------------------------------------------------------------------------- */

static int32_t i32_at(const uint8_t *values, uint32_t i) {
    return (int32_t)glossa_u32_at(values + (size_t)i * 4);
}

glossa_text glossa_vocabulary_text(const glossa_vocabulary *self, uint32_t piece) {
    const uint32_t begin = self->offsets[piece] + LENGTH_SIZE;
    return (glossa_text){(const char *)self->texts + begin, self->offsets[piece + 1] - begin};
}

float glossa_vocabulary_score(const glossa_vocabulary *self, uint32_t piece) {
    return glossa_f32_at(self->scores + (size_t)piece * 4);
}

glossa_piece_type glossa_vocabulary_type(const glossa_vocabulary *self, uint32_t piece) {
    return (glossa_piece_type)i32_at(self->types, piece);
}

int32_t glossa_vocabulary_model_id(const glossa_vocabulary *self, uint32_t piece) {
    return self->ids ? i32_at(self->ids, piece) : (int32_t)piece;
}

int32_t glossa_vocabulary_piece(const glossa_vocabulary *self, uint32_t model_id) {
    if (model_id >= self->model_count) return -1;
    return self->pieces ? self->pieces[model_id] : (int32_t)model_id;
}

/* ---- the hash table --------------------------------------------------------------------------------------------- */

static uint32_t hash_of(uint32_t hash, const uint8_t *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        hash = glossa_hash_step(hash, text[i]);
    return hash;
}

/*
 * Pieces lie in the first free slot from their own on, but no further than this: pieces that a file has made to collide
 * would else take time without bound, to enter and to seek. By chance a table that is at most half full has runs of 80
 * where pieces are millions.
 */
#define MOST_PROBES 128
#define NOWHERE     UINT32_MAX

/* The slot of these bytes, whatever their type: taken by them, or empty; NOWHERE after too many probes. */
static NOINLINE uint32_t slot_of(const glossa_vocabulary *self, uint32_t hash, const uint8_t *text, size_t size) {
    const uint32_t tag = hash & ~PIECE_MASK, mask = (1u << self->slot_bits) - 1;
    uint32_t slot = hash * 0x9E3779B1u >> (32 - self->slot_bits);
    for (int probes = 0; probes < MOST_PROBES; probes++, slot = (slot + 1) & mask) {
        const uint32_t entry = self->slots[slot];
        if (entry == 0) return slot;
        if ((entry & ~PIECE_MASK) != tag) continue;
        const glossa_text piece = glossa_vocabulary_text(self, (entry & PIECE_MASK) - 1);
        if (piece.size == size && memcmp(piece.data, text, size) == 0) return slot;
    }
    return NOWHERE;
}

static bool in_dictionary(glossa_piece_type type) {
    return type == PIECE_NORMAL || type == PIECE_USER_DEFINED || type == PIECE_UNUSED;
}

int32_t glossa_vocabulary_find(const glossa_vocabulary *self, uint32_t hash, const uint8_t *text, size_t size) {
    const uint32_t slot = slot_of(self, hash, text, size);
    if (slot == NOWHERE || self->slots[slot] == 0) return -1;
    const uint32_t piece = (self->slots[slot] & PIECE_MASK) - 1;
    return in_dictionary(glossa_vocabulary_type(self, piece)) ? (int32_t)piece : -1;
}

size_t glossa_vocabulary_user_defined(const glossa_vocabulary *self, const uint8_t *text, size_t size) {
    if (size == 0 || !(self->user_defined_starts[text[0] / 8] >> text[0] % 8 & 1)) return 0;
    const size_t most = size < self->longest ? size : self->longest;
    uint32_t hash = self->hash_start;
    size_t longest = 0;
    for (size_t n = 1; n <= most; n++) {
        hash = glossa_hash_step(hash, text[n - 1]);
        const int32_t piece = glossa_vocabulary_find(self, hash, text, n);
        if (piece >= 0 && glossa_vocabulary_type(self, (uint32_t)piece) == PIECE_USER_DEFINED) longest = n;
        if (!glossa_vocabulary_goes_on(self, hash)) break;
    }
    return longest;
}

/*
 * The hash of a piece. On the way the places inside it where a search may pass are entered: ends of characters; any
 * byte for a user-defined piece, which is sought in text that is not normalized yet. A function of its own, because
 * nothing in opening a model takes longer than this loop.
 */
static NOINLINE uint32_t enter_prefixes(uint8_t *prefixes, unsigned prefix_bits, uint32_t hash, const uint8_t *text,
                                        size_t size, bool user_defined) {
    hash = glossa_hash_step(hash, text[0]);
    for (size_t i = 1; i < size; i++) {
        const uint8_t byte = text[i];
        if ((byte & 0xC0) != 0x80 || user_defined) {
            const uint32_t bit = hash * 0x85EBCA6Bu >> (32 - prefix_bits);
            prefixes[bit / 8] |= (uint8_t)(1u << bit % 8);
        }
        hash = glossa_hash_step(hash, byte);
    }
    return hash;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* Where the pieces come from, for messages. */
typedef struct source {
    const glossa_gguf *gguf;
    const char *prefix;
    glossa_error *error;
} source;

static glossa_status find_array(const source *from, const char *leaf, glossa_gguf_type type, bool required,
                                uint32_t count, const uint8_t **out) {
    const glossa_gguf_key *key;
    glossa_key_name name;
    FORWARD(
        glossa_gguf_array(from->gguf, glossa_key_join(&name, from->prefix, leaf), type, required, &key, from->error));
    *out = key ? key->data : NULL;
    FAIL_IF(key && key->count != count, from->error, GLOSSA_ERROR_FORMAT,
            "key %s has %llu elements, but %s.tokens has %u", name.text, (unsigned long long)key->count, from->prefix,
            count);
    return GLOSSA_OK;
}

static glossa_status find_arrays(glossa_vocabulary *self, const source *from) {
    const glossa_gguf_key *tokens;
    glossa_key_name name;
    FORWARD(glossa_gguf_array(from->gguf, glossa_key_join(&name, from->prefix, "tokens"), GGUF_STRING, true, &tokens,
                              from->error));
    FAIL_IF(tokens->count == 0 || tokens->count > GLOSSA_MAX_PIECES, from->error, GLOSSA_ERROR_UNSUPPORTED,
            "key %s has %llu elements, need 1 to %d", name.text, (unsigned long long)tokens->count, GLOSSA_MAX_PIECES);
    FAIL_IF((size_t)(tokens->end - tokens->data) > UINT32_MAX, from->error, GLOSSA_ERROR_UNSUPPORTED,
            "key %s has %zu bytes, need at most 4294967295", name.text, (size_t)(tokens->end - tokens->data));
    self->texts = tokens->data;
    self->count = (uint32_t)tokens->count;
    FORWARD(find_array(from, "scores", GGUF_F32, true, self->count, &self->scores));
    FORWARD(find_array(from, "token_type", GGUF_I32, true, self->count, &self->types));
    return find_array(from, "ids", GGUF_I32, false, self->count, &self->ids);
}

/* Memory of the tables; sizes are sound, as the count is bounded. */
static glossa_status allocate_tables(glossa_vocabulary *self, const glossa_allocator *allocator, glossa_error *error) {
    self->slot_bits = 4;
    while ((1u << self->slot_bits) < 2 * self->count)
        self->slot_bits++;
    self->prefix_bits = self->slot_bits + 4;
    self->offsets = glossa_allocate(allocator, self->count + 1, sizeof *self->offsets);
    self->slots = glossa_allocate(allocator, (size_t)1 << self->slot_bits, sizeof *self->slots);
    self->prefixes = glossa_allocate(allocator, ((size_t)1 << self->prefix_bits) / 8, 1);
    FAIL_IF(!self->offsets || !self->slots || !self->prefixes, error, GLOSSA_ERROR_MEMORY,
            "out of memory for a vocabulary of %u pieces", self->count);
    return GLOSSA_OK;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int glossa_vocabulary_byte(glossa_text text) {
    if (text.size != 6 || memcmp(text.data, "<0x", 3) != 0 || text.data[5] != '>') return -1;
    const int high = hex_digit(text.data[3]), low = hex_digit(text.data[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Takes up one piece; its offset and the next are set. *crowded: the table has no place for it. */
static glossa_status enter_piece(glossa_vocabulary *self, const source *from, uint32_t piece, bool *crowded) {
    glossa_error *const error = from->error;
    const glossa_text text = glossa_vocabulary_text(self, piece);
    const uint8_t *bytes = (const uint8_t *)text.data;
    const int type = i32_at(self->types, piece);
    const float score = glossa_vocabulary_score(self, piece);
    FAIL_IF(text.size == 0 || text.size > GLOSSA_MAX_PIECE_SIZE, error, GLOSSA_ERROR_FORMAT,
            "%s.tokens[%u] has %zu bytes, need 1 to %d", from->prefix, piece, text.size, GLOSSA_MAX_PIECE_SIZE);
    FAIL_IF(type < PIECE_NORMAL || type > PIECE_BYTE, error, GLOSSA_ERROR_FORMAT,
            "%s.token_type[%u] is %d, need 1 to 6", from->prefix, piece, type);
    FAIL_IF(!(score >= -FLT_MAX && score <= FLT_MAX), error, GLOSSA_ERROR_FORMAT,
            "%s.scores[%u] is not a finite number", from->prefix, piece);

    const uint32_t hash = in_dictionary((glossa_piece_type)type)
                              ? enter_prefixes(self->prefixes, self->prefix_bits, self->hash_start, bytes, text.size,
                                               type == PIECE_USER_DEFINED)
                              : hash_of(self->hash_start, bytes, text.size);
    const uint32_t slot = slot_of(self, hash, bytes, text.size);
    *crowded = slot == NOWHERE;
    if (*crowded) return GLOSSA_OK;
    FAIL_IF(self->slots[slot] != 0, error, GLOSSA_ERROR_FORMAT, "%s.tokens[%u] is the same as [%u]: %.*s", from->prefix,
            piece, (self->slots[slot] & PIECE_MASK) - 1, (int)text.size, text.data);
    self->slots[slot] = (hash & ~PIECE_MASK) | (piece + 1);
    if (text.size > self->longest) self->longest = (uint32_t)text.size;

    switch (type) {
    case PIECE_NORMAL:
        if (score < self->min_score) self->min_score = score;
        if (score > self->max_score) self->max_score = score;
        break;
    case PIECE_UNKNOWN:
        FAIL_IF(self->unknown >= 0, error, GLOSSA_ERROR_FORMAT, "%s.token_type has two unknown pieces, [%d] and [%u]",
                from->prefix, self->unknown, piece);
        self->unknown = (int32_t)piece;
        break;
    case PIECE_USER_DEFINED:
        self->user_defined_starts[bytes[0] / 8] |= (uint8_t)(1u << bytes[0] % 8);
        break;
    case PIECE_UNUSED:
        self->has_unused = true;
        break;
    case PIECE_BYTE: {
        const int byte = glossa_vocabulary_byte(text);
        FAIL_IF(byte < 0, error, GLOSSA_ERROR_FORMAT, "%s.tokens[%u] is of type byte but reads %.*s, need <0xAB>",
                from->prefix, piece, (int)text.size, text.data);
        self->bytes[byte] = (int32_t)piece;
        self->byte_fallback = true;
        break;
    }
    default:
        break;
    }
    return GLOSSA_OK;
}

/* Takes up all pieces, or gives up where the table is *crowded. */
static glossa_status enter_pieces(glossa_vocabulary *self, const source *from, bool *crowded) {
    const uint8_t *at = self->texts;
    self->unknown = -1;
    self->min_score = FLT_MAX;
    self->max_score = FLT_MIN;
    for (int byte = 0; byte < 256; byte++)
        self->bytes[byte] = -1;
    for (uint32_t piece = 0; piece < self->count; piece++) {
        (void)glossa_gguf_next_string(&at);
        self->offsets[piece + 1] = (uint32_t)(at - self->texts);
        FORWARD(enter_piece(self, from, piece, crowded));
        if (*crowded) return GLOSSA_OK;
    }
    for (unsigned byte = 0; self->byte_fallback && byte < 256; byte++)
        FAIL_IF(self->bytes[byte] < 0, from->error, GLOSSA_ERROR_FORMAT,
                "%s.tokens has byte pieces, but none for byte %u", from->prefix, byte);
    FAIL_IF(self->unknown < 0 && !self->byte_fallback, from->error, GLOSSA_ERROR_FORMAT,
            "%s.token_type has neither an unknown piece (2) nor byte pieces (6)", from->prefix);
    return GLOSSA_OK;
}

/* Fills the tables, with another start of the hash where pieces collide too often with one: they do not by chance. */
static glossa_status spread_pieces(glossa_vocabulary *self, const source *from) {
    enum { STARTS = 8 };
    self->hash_start = 2166136261u; /* FNV's own */
    for (int i = 0; i < STARTS; i++, self->hash_start += 0x9E3779B9u) {
        bool crowded = false;
        if (i > 0) {
            memset(self->slots, 0, sizeof *self->slots << self->slot_bits);
            memset(self->prefixes, 0, ((size_t)1 << self->prefix_bits) / 8);
        }
        FORWARD(enter_pieces(self, from, &crowded));
        if (!crowded) return GLOSSA_OK;
    }
    return glossa_fail(from->error, GLOSSA_ERROR_FORMAT,
                       "%s.tokens: too many of its pieces share their places in a hash table, from each of %d starts",
                       from->prefix, STARTS);
}

/* The way back from model ids to pieces. */
static glossa_status enter_ids(glossa_vocabulary *self, const source *from, const glossa_allocator *allocator) {
    self->model_count = self->count;
    if (!self->ids) return GLOSSA_OK;
    self->model_count = 0;
    for (uint32_t piece = 0; piece < self->count; piece++) {
        const int32_t id = i32_at(self->ids, piece);
        FAIL_IF(id < -1 || id >= GLOSSA_MAX_PIECES, from->error, GLOSSA_ERROR_FORMAT, "%s.ids[%u] is %d, need -1 to %d",
                from->prefix, piece, id, GLOSSA_MAX_PIECES - 1);
        FAIL_IF(id < 0 && self->unknown < 0, from->error, GLOSSA_ERROR_FORMAT,
                "%s.ids[%u] is -1, but there is no unknown piece to take its place", from->prefix, piece);
        FAIL_IF(id < 0 && (int32_t)piece == self->unknown, from->error, GLOSSA_ERROR_FORMAT,
                "%s.ids[%u] is -1, but the unknown piece must have an id", from->prefix, piece);
        if (id >= 0 && (uint32_t)id >= self->model_count) self->model_count = (uint32_t)id + 1;
    }
    self->pieces = glossa_allocate(allocator, self->model_count, sizeof *self->pieces);
    FAIL_IF(!self->pieces, from->error, GLOSSA_ERROR_MEMORY, "out of memory for %u model ids", self->model_count);
    for (uint32_t id = 0; id < self->model_count; id++)
        self->pieces[id] = -1;
    for (uint32_t piece = 0; piece < self->count; piece++) {
        const int32_t id = i32_at(self->ids, piece);
        if (id < 0) continue;
        FAIL_IF(self->pieces[id] >= 0, from->error, GLOSSA_ERROR_FORMAT, "%s.ids has %d twice, at [%d] and [%u]",
                from->prefix, id, self->pieces[id], piece);
        self->pieces[id] = (int32_t)piece;
    }
    return GLOSSA_OK;
}

static glossa_status open_tables(glossa_vocabulary *self, const source *from, const glossa_allocator *allocator) {
    FORWARD(find_arrays(self, from));
    FORWARD(allocate_tables(self, allocator, from->error));
    FORWARD(spread_pieces(self, from));
    return enter_ids(self, from, allocator);
}

glossa_status glossa_vocabulary_open(const glossa_gguf *gguf, const char *prefix, const glossa_allocator *allocator,
                                     glossa_vocabulary *vocabulary, glossa_error *error) {
    const source from = {gguf, prefix, error};
    *vocabulary = (glossa_vocabulary){0};
    const glossa_status status = open_tables(vocabulary, &from, allocator);
    if (status != GLOSSA_OK) glossa_vocabulary_close(vocabulary, allocator);
    return status;
}

void glossa_vocabulary_close(glossa_vocabulary *self, const glossa_allocator *allocator) {
    glossa_release(allocator, self->offsets);
    glossa_release(allocator, self->slots);
    glossa_release(allocator, self->prefixes);
    glossa_release(allocator, self->pieces);
    *self = (glossa_vocabulary){0};
}

size_t glossa_vocabulary_memory(const glossa_vocabulary *self) {
    return sizeof *self->offsets * (self->count + 1) + (sizeof *self->slots << self->slot_bits) +
           ((size_t)1 << self->prefix_bits) / 8 + (self->pieces ? sizeof *self->pieces * self->model_count : 0);
}
