#include "text/tokenizer.h"

#include <string.h>

#include "base/utf8.h"
#include "text/normalizer.h"
#include "text/segment.h"

#define UNKNOWN_SURFACE      " \xE2\x81\x87 " /* what the reference decodes the unknown piece to */
#define UNKNOWN_SURFACE_SIZE 5

typedef glossa_status segmenter(const glossa_vocabulary *vocabulary, const uint8_t *text, size_t size,
                                const glossa_allocator *allocator, glossa_segment **segments, size_t *count,
                                glossa_error *error);

struct glossa_tokenizer {
    glossa_allocator allocator;
    glossa_vocabulary vocabulary;
    glossa_normalizer normalizer;
    segmenter *segment;
    int32_t eos; /* model id or -1 */
};

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static glossa_status open_model(glossa_tokenizer *self, const glossa_gguf *gguf, const char *prefix,
                                glossa_error *error) {
    const struct {
        const char *name;
        segmenter *segment;
    } models[] = {
        {"unigram", glossa_unigram_segment},
        {"t5", glossa_unigram_segment},
        {"bpe", glossa_bpe_segment},
        {"llama", glossa_bpe_segment},
    };
    glossa_key_name name;
    glossa_text value;
    FORWARD(glossa_gguf_string(gguf, glossa_key_join(&name, prefix, "model"), true, &value, error));
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (value.size == strlen(models[i].name) && memcmp(value.data, models[i].name, value.size) == 0)
            self->segment = models[i].segment;
    FAIL_IF(!self->segment, error, GLOSSA_ERROR_UNSUPPORTED, "key %s is \"%.*s\"; Glossa has unigram and bpe",
            name.text, (int)(value.size < 40 ? value.size : 40), value.data);
    return GLOSSA_OK;
}

/* Special ids are model ids. Without a map of ids that is the same as a piece. */
static glossa_status open_specials(glossa_tokenizer *self, const glossa_gguf *gguf, const char *prefix,
                                   glossa_error *error) {
    const uint32_t limit = self->vocabulary.ids ? GLOSSA_MAX_PIECES : self->vocabulary.count;
    glossa_key_name name;
    uint32_t eos = UINT32_MAX, unknown = (uint32_t)glossa_tokenizer_unk(self);
    FORWARD(glossa_gguf_u32(gguf, glossa_key_join(&name, prefix, "eos_token_id"), false, &eos, error));
    FAIL_IF(eos != UINT32_MAX && eos >= limit, error, GLOSSA_ERROR_FORMAT, "key %s is %u, need less than %u", name.text,
            eos, limit);
    self->eos = (int32_t)eos;
    FORWARD(glossa_gguf_u32(gguf, glossa_key_join(&name, prefix, "unknown_token_id"), false, &unknown, error));
    FAIL_IF(unknown != (uint32_t)glossa_tokenizer_unk(self), error, GLOSSA_ERROR_FORMAT,
            "key %s is %u, but the piece of type unknown (2) has the id %d", name.text, unknown,
            glossa_tokenizer_unk(self));
    return GLOSSA_OK;
}

static glossa_status open_parts(glossa_tokenizer *self, const glossa_gguf *gguf, const char *prefix,
                                glossa_error *error) {
    FORWARD(open_model(self, gguf, prefix, error));
    FORWARD(glossa_vocabulary_open(gguf, prefix, &self->allocator, &self->vocabulary, error));
    FORWARD(glossa_normalizer_open(gguf, prefix, &self->vocabulary, &self->normalizer, error));
    return open_specials(self, gguf, prefix, error);
}

glossa_status glossa_tokenizer_open(const glossa_gguf *gguf, const char *prefix, const glossa_allocator *allocator,
                                    glossa_tokenizer **tokenizer, glossa_error *error) {
    const glossa_allocator own = glossa_allocator_or_default(allocator);
    *tokenizer = NULL;
    FAIL_IF(strlen(prefix) > GLOSSA_MAX_KEY_PREFIX, error, GLOSSA_ERROR_ARGUMENT, "the key prefix %s is too long",
            prefix);
    glossa_tokenizer *self = glossa_allocate(&own, 1, sizeof *self);
    FAIL_IF(!self, error, GLOSSA_ERROR_MEMORY, "out of memory for a tokenizer");
    self->allocator = own;
    const glossa_status status = open_parts(self, gguf, prefix, error);
    if (status != GLOSSA_OK) {
        glossa_tokenizer_close(self);
        return status;
    }
    *tokenizer = self;
    return GLOSSA_OK;
}

void glossa_tokenizer_close(glossa_tokenizer *self) {
    if (!self) return;
    const glossa_allocator allocator = self->allocator;
    glossa_vocabulary_close(&self->vocabulary, &allocator);
    glossa_release(&allocator, self);
}

size_t glossa_tokenizer_size(const glossa_tokenizer *self) {
    return self->vocabulary.count;
}

uint32_t glossa_tokenizer_ids(const glossa_tokenizer *self) {
    return self->vocabulary.model_count;
}

size_t glossa_tokenizer_bytes(const glossa_tokenizer *self) {
    return sizeof *self + glossa_vocabulary_memory(&self->vocabulary);
}

glossa_text glossa_tokenizer_piece(const glossa_tokenizer *self, uint32_t id) {
    const int32_t piece = glossa_vocabulary_piece(&self->vocabulary, id);
    return piece < 0 ? (glossa_text){"", 0} : glossa_vocabulary_text(&self->vocabulary, (uint32_t)piece);
}

int32_t glossa_tokenizer_first_byte(const glossa_tokenizer *self) {
    const glossa_vocabulary *v = &self->vocabulary;
    if (!v->byte_fallback) return -1;
    const int32_t first = glossa_vocabulary_model_id(v, (uint32_t)v->bytes[0]);
    for (int32_t byte = 1; byte < 256; byte++) {
        if (glossa_vocabulary_model_id(v, (uint32_t)v->bytes[byte]) != first + byte) return -1;
    }
    return first;
}

int32_t glossa_tokenizer_unk(const glossa_tokenizer *self) {
    const int32_t unknown = self->vocabulary.unknown;
    return unknown < 0 ? -1 : glossa_vocabulary_model_id(&self->vocabulary, (uint32_t)unknown);
}

int32_t glossa_tokenizer_eos(const glossa_tokenizer *self) {
    return self->eos;
}

/* ---- encoding --------------------------------------------------------------------------------------------------- */

/* What encoding holds on its way from text to tokens. */
typedef struct encoding {
    glossa_normalized normalized;
    glossa_segment *segments; /* (segment_count) */
    size_t segment_count;
} encoding;

/* The model id of a piece; that of the unknown piece where the model has none for it. */
static uint32_t id_of(const glossa_tokenizer *self, int32_t piece) {
    const int32_t id = glossa_vocabulary_model_id(&self->vocabulary, (uint32_t)piece);
    return (uint32_t)(id >= 0 ? id : glossa_tokenizer_unk(self));
}

/*
 * Turns segments into tokens, or only counts them where `tokens` is NULL. Unknown characters become their bytes, the
 * last of which carries the span; without byte fallback a run of them is one token.
 */
static size_t write_tokens(const glossa_tokenizer *self, const encoding *from, glossa_token *tokens) {
    const glossa_vocabulary *vocabulary = &self->vocabulary;
    size_t count = 0;
    uint32_t at = 0;
    bool after_unknown = false;
    for (size_t i = 0; i < from->segment_count; i++) {
        const glossa_segment segment = from->segments[i];
        const uint32_t begin = from->normalized.origin[at], end = from->normalized.origin[segment.end];
        const bool unknown = segment.piece < 0;
        if (unknown && vocabulary->byte_fallback) {
            for (; at < segment.end; at++, count++) {
                if (!tokens) continue;
                const uint32_t id = id_of(self, vocabulary->bytes[from->normalized.text[at]]);
                tokens[count] = (glossa_token){id, begin, at + 1 == segment.end ? end : begin};
            }
        } else if (unknown && after_unknown) {
            if (tokens) tokens[count - 1].end = end;
        } else {
            if (tokens)
                tokens[count] = (glossa_token){id_of(self, unknown ? vocabulary->unknown : segment.piece), begin, end};
            count++;
        }
        at = segment.end;
        after_unknown = unknown;
    }
    return count;
}

static glossa_status give_tokens(const glossa_tokenizer *self, const encoding *steps, glossa_token **tokens,
                                 size_t *count, glossa_error *error) {
    const size_t needed = write_tokens(self, steps, NULL);
    *tokens = glossa_allocate(&self->allocator, needed, sizeof **tokens);
    FAIL_IF(!*tokens, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu tokens", needed);
    *count = write_tokens(self, steps, *tokens);
    return GLOSSA_OK;
}

static glossa_status encode_into(const glossa_tokenizer *self, glossa_text text, encoding *steps, glossa_token **tokens,
                                 size_t *count, glossa_error *error) {
    FORWARD(glossa_normalize(&self->normalizer, text, &self->allocator, &steps->normalized, error));
    if (steps->normalized.size == 0) return GLOSSA_OK;
    FORWARD(self->segment(&self->vocabulary, steps->normalized.text, steps->normalized.size, &self->allocator,
                          &steps->segments, &steps->segment_count, error));
    return give_tokens(self, steps, tokens, count, error);
}

glossa_status glossa_tokenizer_encode(const glossa_tokenizer *self, glossa_text text, glossa_token **tokens,
                                      size_t *count, glossa_error *error) {
    *tokens = NULL;
    *count = 0;
    FAIL_IF(text.size >= UINT32_MAX / 2, error, GLOSSA_ERROR_LIMIT, "the text has %zu bytes, need at most %u",
            text.size, UINT32_MAX / 2 - 1);
    encoding steps = {0};
    const glossa_status status = encode_into(self, text, &steps, tokens, count, error);
    glossa_normalized_release(&steps.normalized, &self->allocator);
    glossa_release(&self->allocator, steps.segments);
    return status;
}

static glossa_status sample_into(const glossa_tokenizer *self, glossa_text text, float alpha, glossa_random *random,
                                 encoding *steps, glossa_token **tokens, size_t *count, glossa_error *error) {
    const bool unigram = self->segment == glossa_unigram_segment;
    FORWARD(glossa_normalize(&self->normalizer, text, &self->allocator, &steps->normalized, error));
    if (steps->normalized.size == 0) return GLOSSA_OK;
    FORWARD((unigram ? glossa_unigram_sample
                     : glossa_bpe_sample)(&self->vocabulary, steps->normalized.text, steps->normalized.size, alpha,
                                          random, &self->allocator, &steps->segments, &steps->segment_count, error));
    return give_tokens(self, steps, tokens, count, error);
}

glossa_status glossa_tokenizer_sample(const glossa_tokenizer *self, glossa_text text, float alpha,
                                      glossa_random *random, glossa_token **tokens, size_t *count,
                                      glossa_error *error) {
    *tokens = NULL;
    *count = 0;
    encoding steps = {0};
    const glossa_status status = sample_into(self, text, alpha, random, &steps, tokens, count, error);
    glossa_normalized_release(&steps.normalized, &self->allocator);
    glossa_release(&self->allocator, steps.segments);
    return status;
}

/* The tokens of all cuts, whose counts are of segments and become counts of tokens. */
static glossa_status cut_into(const glossa_tokenizer *self, glossa_text text, size_t most, encoding *steps,
                              glossa_cut *cuts, size_t *found, glossa_token **tokens, glossa_error *error) {
    FORWARD(glossa_normalize(&self->normalizer, text, &self->allocator, &steps->normalized, error));
    if (steps->normalized.size == 0) return GLOSSA_OK;
    if (self->segment == glossa_unigram_segment) {
        FORWARD(glossa_unigram_cuts(&self->vocabulary, steps->normalized.text, steps->normalized.size, most,
                                    &self->allocator, cuts, found, &steps->segments, error));
    } else {
        FORWARD(self->segment(&self->vocabulary, steps->normalized.text, steps->normalized.size, &self->allocator,
                              &steps->segments, &steps->segment_count, error));
        cuts[0] = (glossa_cut){.count = steps->segment_count};
        *found = 1;
    }
    size_t needed = 0;
    encoding part = *steps;
    for (size_t i = 0; i < *found; i++, part.segments += part.segment_count) {
        part.segment_count = cuts[i].count;
        needed += write_tokens(self, &part, NULL);
    }
    *tokens = glossa_allocate(&self->allocator, needed, sizeof **tokens);
    FAIL_IF(!*tokens, error, GLOSSA_ERROR_MEMORY, "no memory for %zu tokens", needed);
    part.segments = steps->segments;
    glossa_token *out = *tokens;
    for (size_t i = 0; i < *found; i++, part.segments += part.segment_count) {
        part.segment_count = cuts[i].count;
        cuts[i].count = write_tokens(self, &part, out);
        out += cuts[i].count;
    }
    return GLOSSA_OK;
}

glossa_status glossa_tokenizer_cuts(const glossa_tokenizer *self, glossa_text text, size_t most, glossa_cut *cuts,
                                    size_t *found, glossa_token **tokens, glossa_error *error) {
    *tokens = NULL;
    *found = 0;
    encoding steps = {0};
    const glossa_status status = cut_into(self, text, most, &steps, cuts, found, tokens, error);
    glossa_normalized_release(&steps.normalized, &self->allocator);
    glossa_release(&self->allocator, steps.segments);
    return status;
}

void glossa_tokenizer_free_tokens(const glossa_tokenizer *self, glossa_token *tokens) {
    glossa_release(&self->allocator, tokens);
}

/* ---- decoding --------------------------------------------------------------------------------------------------- */

/* Text under way. */
typedef struct output {
    char *text;
    size_t size, capacity;
    bool full;
} output;

static void append(output *self, const char *bytes, size_t size) {
    if (size > self->capacity - self->size) {
        self->full = true;
        return;
    }
    if (size > 0) memcpy(self->text + self->size, bytes, size);
    self->size += size;
}

/* A piece with spaces for its space symbols. */
static void append_piece(output *self, glossa_text piece) {
    size_t from = 0;
    for (size_t i = 0; i < piece.size;) {
        if (piece.size - i >= SPACE_SYMBOL_SIZE && memcmp(piece.data + i, SPACE_SYMBOL, SPACE_SYMBOL_SIZE) == 0) {
            append(self, piece.data + from, i - from);
            append(self, " ", 1);
            from = i += SPACE_SYMBOL_SIZE;
        } else {
            i++;
        }
    }
    append(self, piece.data + from, piece.size - from);
}

/* The piece type of a token; an id without a piece gives nothing, as a control piece does. */
static glossa_piece_type type_of(const glossa_tokenizer *self, uint32_t id, int32_t *piece) {
    *piece = glossa_vocabulary_piece(&self->vocabulary, id);
    return *piece < 0 ? PIECE_CONTROL : glossa_vocabulary_type(&self->vocabulary, (uint32_t)*piece);
}

/* The character that the byte tokens at the start of `tokens` make up; its bytes are tokens too. Ill-formed: one. */
static size_t append_bytes(const glossa_tokenizer *self, output *out, glossa_token *tokens, size_t count) {
    uint8_t bytes[4];
    size_t known = 0;
    int32_t piece;
    while (known < 4 && known < count && type_of(self, tokens[known].id, &piece) == PIECE_BYTE) {
        const glossa_text text = glossa_vocabulary_text(&self->vocabulary, (uint32_t)piece);
        bytes[known++] = (uint8_t)glossa_vocabulary_byte(text);
    }
    const size_t length = glossa_utf8_length(bytes, known);
    for (size_t i = 0; i + 1 < length; i++)
        tokens[i].begin = tokens[i].end = (uint32_t)out->size;
    glossa_token *last = &tokens[length > 0 ? length - 1 : 0];
    last->begin = (uint32_t)out->size;
    if (length > 0) {
        append(out, (const char *)bytes, length);
    } else {
        append(out, UTF8_REPLACEMENT, UTF8_REPLACEMENT_SIZE);
    }
    last->end = (uint32_t)out->size;
    return length > 0 ? length : 1;
}

glossa_status glossa_tokenizer_decode(const glossa_tokenizer *self, glossa_token *tokens, size_t count, char *text,
                                      size_t capacity, size_t *size, glossa_error *error) {
    output out = {.text = text, .capacity = capacity < UINT32_MAX ? capacity : UINT32_MAX};
    const glossa_normalizer *normalizer = &self->normalizer;
    const bool drops_space = normalizer->add_space_prefix || normalizer->remove_extra_whitespaces;
    bool at_start = true;      /* whether a leading space is still to be dropped */
    bool dropped_last = false; /* by the token before */
    *size = 0;
    for (size_t i = 0; i < count && !out.full;) {
        int32_t piece;
        const glossa_piece_type type = type_of(self, tokens[i].id, &piece);
        if (type == PIECE_BYTE) {
            i += append_bytes(self, &out, tokens + i, count - i);
            continue;
        }
        at_start = at_start && !dropped_last && out.size == 0;
        dropped_last = false;
        tokens[i].begin = (uint32_t)out.size;
        if (type == PIECE_UNKNOWN) {
            append(&out, UNKNOWN_SURFACE, UNKNOWN_SURFACE_SIZE);
        } else if (type != PIECE_CONTROL) {
            glossa_text surface = glossa_vocabulary_text(&self->vocabulary, (uint32_t)piece);
            if (at_start && drops_space && surface.size >= SPACE_SYMBOL_SIZE &&
                memcmp(surface.data, SPACE_SYMBOL, SPACE_SYMBOL_SIZE) == 0) {
                surface.data += SPACE_SYMBOL_SIZE;
                surface.size -= SPACE_SYMBOL_SIZE;
                dropped_last = !normalizer->remove_extra_whitespaces;
            }
            append_piece(&out, surface);
        }
        tokens[i++].end = (uint32_t)out.size;
    }
    FAIL_IF(out.full, error, GLOSSA_ERROR_LIMIT, "the text of %zu tokens needs more than %zu bytes", count, capacity);
    *size = out.size;
    return GLOSSA_OK;
}

size_t glossa_tokenizer_decode_bound(const glossa_tokenizer *self, size_t count) {
    const size_t longest = self->vocabulary.longest;
    size_t bound;
    return glossa_mul_size(count, longest > UNKNOWN_SURFACE_SIZE ? longest : UNKNOWN_SURFACE_SIZE, &bound) ? bound
                                                                                                           : SIZE_MAX;
}
