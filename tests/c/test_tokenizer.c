/*
 * The tokenizer on vocabularies small enough to work out by hand. That it equals the reference on real text is shown by
 * tests/js/tokenizer-parity.test.js.
 */
#include <math.h>

#include "scarcity.h"
#include "tiny_vocabulary.h"

/* ---- unigram ---------------------------------------------------------------------------------------------------- */

static opened open_small(void) {
    gguf_builder b = {0};
    put_vocabulary(&b, "unigram", small, SMALL);
    put_u32(&b, P "eos_token_id", 1);
    put_u32(&b, P "unknown_token_id", 0);
    return open_file(&b, NULL);
}

static void test_best_path(void) {
    opened o = open_small();
    CHECK_ENCODED(&o, "ab", "3:0-1 4:1-2");        /* -1 - 1 beats -3 */
    CHECK_ENCODED(&o, "abb", "3:0-1 6:1-3");       /* -1 - 1.5 beats -1 - 1 - 1 and -3 - 1 */
    CHECK_ENCODED(&o, "a\xC3\xA9", "3:0-1 7:1-3"); /* two bytes, one character */
    CHECK_ENCODED(&o, "ab ab", "3:0-1 4:1-2 3:2-4 4:4-5");
    CHECK_ENCODED(&o, "  ab  \xC3\xA9 ", "3:2-3 4:3-4 2:4-6 7:6-8"); /* spaces around and between */
    CHECK_INT(glossa_tokenizer_size(o.tokenizer), SMALL);
    CHECK_INT(glossa_tokenizer_unk(o.tokenizer), 0);
    CHECK_INT(glossa_tokenizer_eos(o.tokenizer), 1);
    CHECK_TEXT(glossa_tokenizer_piece(o.tokenizer, 5), SPACE "ab");
    CHECK_TEXT(glossa_tokenizer_piece(o.tokenizer, SMALL), "");
    CHECK_TEXT(glossa_tokenizer_piece(o.tokenizer, UINT32_MAX), "");
    CHECK(glossa_tokenizer_bytes(o.tokenizer) > SMALL * 4);
    close_file(&o);
}

static void test_blank_text(void) {
    opened o = open_small();
    CHECK_ENCODED(&o, "", "");
    CHECK_ENCODED(&o, " ", "");
    CHECK_ENCODED(&o, "      ", "");
    glossa_token *tokens;
    size_t count = 9;
    CHECK_INT(glossa_tokenizer_encode(o.tokenizer, (glossa_text){NULL, 0}, &tokens, &count, NULL), GLOSSA_OK);
    CHECK(count == 0 && tokens == NULL);
    close_file(&o);
}

static void test_unknown_runs_are_one_token(void) {
    opened o = open_small();
    CHECK_ENCODED(&o, "axyzb", "3:0-1 0:1-4 4:4-5");
    CHECK_ENCODED(&o, "x y", "2:0-0 0:0-1 2:1-2 0:2-3"); /* the space in front is nowhere in the text */
    CHECK_ENCODED(&o, "ac", "3:0-1 0:1-2");              /* an unused piece is unknown */
    CHECK_ENCODED(&o, "</s>", "2:0-0 0:0-4");            /* a control piece is never read from text */
    CHECK_ENCODED(&o, "\xF0\x9F\x98\x80\xE4\xB8\xAD", "2:0-0 0:0-7");
    CHECK_ENCODED(&o,
                  "a\xFF\xE2\x82"
                  "b",
                  "3:0-1 0:1-4 4:4-5"); /* three ill-formed bytes, three U+FFFD, one run */
    CHECK_ENCODED(&o, "a\0b", "3:0-1 0:1-2 4:2-3");
    close_file(&o);
}

static void put_byte_pieces(piece *pieces, char texts[256][8]) {
    for (int i = 0; i < 256; i++) {
        snprintf(texts[i], 8, "<0x%02X>", (unsigned)i);
        pieces[i] = (piece){texts[i], 0, BYTE};
    }
}

static void test_byte_fallback(void) {
    char texts[256][8];
    piece pieces[256 + SMALL - 1];
    put_byte_pieces(pieces, texts);
    memcpy(pieces + 256, small + 1, (SMALL - 1) * sizeof *pieces); /* without <unk>: 256 is </s>, 258 is _a */
    gguf_builder b = {0};
    put_vocabulary(&b, "unigram", pieces, sizeof pieces / sizeof *pieces);
    opened o = open_file(&b, NULL);
    CHECK_INT(glossa_tokenizer_unk(o.tokenizer), -1);
    CHECK_INT(glossa_tokenizer_eos(o.tokenizer), -1);
    CHECK_ENCODED(&o, "axb", "258:0-1 120:1-2 259:2-3");
    /* The last byte of a character has its span; characters are not merged. */
    CHECK_ENCODED(&o, "a\xE4\xB8\xAD\xC3\xBC", "258:0-1 228:1-1 184:1-1 173:1-4 195:4-4 188:4-6");
    CHECK_ENCODED(&o, "a\xFF", "258:0-1 239:1-1 191:1-1 189:1-2");                     /* the bytes of U+FFFD */
    CHECK_ENCODED(&o, "<0x41>", "257:0-0 60:0-1 48:1-2 120:2-3 52:3-4 49:4-5 62:5-6"); /* never read from text */
    close_file(&o);

    pieces[77].text = "<0xZZ>";
    put_vocabulary(&b, "unigram", pieces, 300 - 36);
    o = open_file(&b, NULL);
    CHECK_INT(o.status, GLOSSA_ERROR_FORMAT);
    CHECK_CONTAINS(o.error.message, "tokenizer.ggml.tokens[77] is of type byte but reads <0xZZ>");
    close_file(&o);
    pieces[77] = (piece){"M", 0, NORMAL};
    put_vocabulary(&b, "unigram", pieces, 300 - 36);
    o = open_file(&b, NULL);
    CHECK_INT(o.status, GLOSSA_ERROR_FORMAT);
    CHECK_CONTAINS(o.error.message, "has byte pieces, but none for byte 77");
    close_file(&o);
}

/* ---- BPE -------------------------------------------------------------------------------------------------------- */

static void test_merges(void) {
    const piece pieces[] = {
        {"<unk>", 0, UNKNOWN}, {"aa", -1, NORMAL},   {"ab", -2, NORMAL}, {"aab", -3, NORMAL}, {"a", -9, NORMAL},
        {"b", -9, NORMAL},     {SPACE, -9, NORMAL},  {"cd", -4, UNUSED}, {"c", -9, NORMAL},   {"d", -9, NORMAL},
        {"cde", -5, NORMAL},   {"cdef", -6, UNUSED}, {"e", -9, NORMAL},  {"f", -9, NORMAL},   {"ba", 0, USER},
    };
    gguf_builder b = {0};
    put_vocabulary(&b, "llama", pieces, sizeof pieces / sizeof *pieces - 1);
    opened o = open_file(&b, NULL);
    CHECK_ENCODED(&o, "aaa", "6:0-0 1:0-2 4:2-3"); /* leftmost of equals */
    CHECK_ENCODED(&o, "aab", "6:0-0 3:0-3");       /* aa before ab, then aa b */
    CHECK_ENCODED(&o, "ab aab", "6:0-0 2:0-2 6:2-3 3:3-6");
    CHECK_ENCODED(&o, "aaab", "6:0-0 1:0-2 2:2-4"); /* aa at 0 and at 1: the first; then a b */
    CHECK_ENCODED(&o, "cd", "6:0-0 8:0-1 9:1-2");   /* an unused piece falls apart */
    CHECK_ENCODED(&o, "cde", "6:0-0 10:0-3");       /* but may be a step on the way */
    CHECK_ENCODED(&o, "cdef", "6:0-0 10:0-3 13:3-4");
    CHECK_ENCODED(&o, "xyz a", "6:0-0 0:0-3 6:3-4 4:4-5");
    close_file(&o);

    put_vocabulary(&b, "bpe", pieces, sizeof pieces / sizeof *pieces);
    o = open_file(&b, NULL);
    CHECK_ENCODED(&o, "abaa", "6:0-0 4:0-1 14:1-3 4:3-4"); /* a user-defined piece does not merge */
    close_file(&o);
}

/* ---- decoding --------------------------------------------------------------------------------------------------- */

/* "text|begin-end begin-end ..." of ids that are written with spaces between them. */
static const char *decoded(const opened *o, const char *ids, char *out, size_t capacity) {
    glossa_token tokens[8];
    size_t count = 0, size = 0;
    char *end;
    for (const char *at = ids; count < 8; at = end, count++) {
        tokens[count] = (glossa_token){(uint32_t)strtoul(at, &end, 10), 0, 0};
        if (end == at) break;
    }
    const size_t bound = glossa_tokenizer_decode_bound(o->tokenizer, count);
    CHECK(bound < capacity / 2);
    CHECK_INT(glossa_tokenizer_decode(o->tokenizer, tokens, count, out, bound, &size, NULL), GLOSSA_OK);
    for (size_t i = 0; i < count; i++)
        size += (size_t)snprintf(out + size, capacity - size, "%c%u-%u", i ? ' ' : '|', tokens[i].begin, tokens[i].end);
    return out;
}

#define CHECK_DECODED(o, ids, expected)                                                                                \
    do {                                                                                                               \
        char decoded_text[512];                                                                                        \
        CHECK_STRING(decoded(o, ids, decoded_text, sizeof decoded_text), expected);                                    \
    } while (0)

static void test_decoding(void) {
    char texts[256][8], text[8];
    piece pieces[256 + SMALL];
    put_byte_pieces(pieces, texts);
    memcpy(pieces + 256, small, sizeof small); /* 256 is <unk>, 257 </s>, 258 _, 259 _a, 260 b */
    gguf_builder b = {0};
    put_vocabulary(&b, "unigram", pieces, 256 + SMALL);
    opened o = open_file(&b, NULL);
    CHECK_DECODED(&o, "259 260 259 257", "ab a|0-1 1-2 2-4 4-4");
    CHECK_DECODED(&o, "258 258 260", "b|0-0 0-0 0-1"); /* spaces go until there is text */
    CHECK_DECODED(&o, "257 259", "a|0-0 0-1");
    CHECK_DECODED(&o, "256 259", " \xE2\x81\x87  a|0-5 5-7");
    CHECK_DECODED(&o, "259 195 188 260",
                  "a\xC3\xBC"
                  "b|0-1 1-1 1-3 3-4");
    CHECK_DECODED(&o, "240 159 152 128", "\xF0\x9F\x98\x80|0-0 0-0 0-0 0-4");
    /* E2 82 is cut short, FF is nothing, 41 is A. */
    CHECK_DECODED(&o, "226 130 255 65",
                  "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
                  "A|0-3 3-6 6-9 9-10");
    CHECK_DECODED(&o, "226 130 259", "\xEF\xBF\xBD\xEF\xBF\xBD a|0-3 3-6 6-8");
    CHECK_DECODED(&o, "4000000000 259", "a|0-0 0-1");

    glossa_token two[] = {{.id = 259}, {.id = 259}};
    size_t size = 7;
    glossa_error error;
    CHECK_INT(glossa_tokenizer_decode(o.tokenizer, two, 2, text, 3, &size, &error), GLOSSA_OK);
    CHECK_TEXT(((glossa_text){text, size}), "a a");
    CHECK_INT(glossa_tokenizer_decode(o.tokenizer, two, 2, text, 2, &size, &error), GLOSSA_ERROR_LIMIT);
    CHECK_STRING(error.message, "the text of 2 tokens needs more than 2 bytes");
    CHECK_INT(glossa_tokenizer_decode(o.tokenizer, NULL, 0, NULL, 0, &size, &error), GLOSSA_OK);
    CHECK_INT(size, 0);
    CHECK(glossa_tokenizer_decode_bound(o.tokenizer, SIZE_MAX / 2) == SIZE_MAX);
    close_file(&o);

    put_vocabulary(&b, "unigram", small, SMALL);
    put_bool(&b, P "remove_extra_whitespaces", 0);
    o = open_file(&b, NULL);
    CHECK_DECODED(&o, "2 2 4", " b|0-0 0-1 1-2"); /* one space goes, no more */
    CHECK_DECODED(&o, "1 3", "a|0-0 0-1");
    close_file(&o);
    put_vocabulary(&b, "unigram", small, SMALL);
    put_bool(&b, P "remove_extra_whitespaces", 0);
    put_bool(&b, P "add_space_prefix", 0);
    o = open_file(&b, NULL);
    CHECK_DECODED(&o, "3 4", " ab|0-2 2-3");
    close_file(&o);
}

/* ---- ids -------------------------------------------------------------------------------------------------------- */

static void test_model_ids(void) {
    gguf_builder b = {0};
    put_vocabulary(&b, "unigram", small, SMALL);
    put_i32s(&b, P "ids", (const int32_t[]){1, 0, 40, 3, -1, -1, 6, 1000, -1}, SMALL);
    put_u32(&b, P "eos_token_id", 0);
    put_u32(&b, P "unknown_token_id", 1);
    opened o = open_file(&b, NULL);
    CHECK_INT(glossa_tokenizer_unk(o.tokenizer), 1);
    CHECK_INT(glossa_tokenizer_eos(o.tokenizer), 0);
    CHECK_ENCODED(&o, "ab \xC3\xA9 xy", "3:0-1 1:1-2 40:2-3 1000:3-5 40:5-6 1:6-8");
    CHECK_TEXT(glossa_tokenizer_piece(o.tokenizer, 3), SPACE "a");
    CHECK_TEXT(glossa_tokenizer_piece(o.tokenizer, 2), "");
    CHECK_TEXT(glossa_tokenizer_piece(o.tokenizer, 1000), "\xC3\xA9");
    CHECK_TEXT(glossa_tokenizer_piece(o.tokenizer, 1001), "");
    CHECK_DECODED(&o, "3 2 1000 999999 0", "a\xC3\xA9|0-1 1-1 1-3 3-3 3-3");
    close_file(&o);
}

/* ---- bad vocabularies ------------------------------------------------------------------------------------------- */

/* Opens a file that must be refused with a message that contains `part`. */
static void refuse(gguf_builder *b, glossa_status status, const char *part) {
    opened o = open_file(b, NULL);
    CHECK_INT(o.status, status);
    CHECK_CONTAINS(o.error.message, part);
    close_file(&o);
}

static void refuse_piece(size_t at, piece wrong, const char *part) {
    gguf_builder b = {0};
    piece pieces[SMALL];
    memcpy(pieces, small, sizeof small);
    pieces[at] = wrong;
    put_vocabulary(&b, "unigram", pieces, SMALL);
    refuse(&b, GLOSSA_ERROR_FORMAT, part);
}

static void test_bad_vocabularies(void) {
    gguf_builder b = {0};
    refuse(&b, GLOSSA_ERROR_FORMAT, "key tokenizer.ggml.model is missing");
    put_vocabulary(&b, "gpt2", small, SMALL);
    refuse(&b, GLOSSA_ERROR_UNSUPPORTED, "key tokenizer.ggml.model is \"gpt2\"; Glossa has unigram and bpe");
    put_string(&b, P "model", "bpe");
    refuse(&b, GLOSSA_ERROR_FORMAT, "key tokenizer.ggml.tokens is missing");
    put_vocabulary(&b, "bpe", small, 0);
    refuse(&b, GLOSSA_ERROR_UNSUPPORTED, "key tokenizer.ggml.tokens has 0 elements");

    const char *const texts[] = {"<unk>", "a"};
    const float scores[] = {0, 0, 0};
    const int32_t types[] = {2, 1, 1};
    put_string(&b, P "model", "bpe");
    put_strings(&b, P "tokens", texts, 2);
    put_f32s(&b, P "scores", scores, 3);
    put_i32s(&b, P "token_type", types, 2);
    refuse(&b, GLOSSA_ERROR_FORMAT, "key tokenizer.ggml.scores has 3 elements, but tokenizer.ggml.tokens has 2");
    put_string(&b, P "model", "bpe");
    put_strings(&b, P "tokens", texts, 2);
    put_f32s(&b, P "scores", scores, 2);
    put_i32s(&b, P "token_type", types, 1);
    refuse(&b, GLOSSA_ERROR_FORMAT, "key tokenizer.ggml.token_type has 1 elements, but tokenizer.ggml.tokens has 2");
    put_string(&b, P "model", "bpe");
    put_strings(&b, P "tokens", texts, 2);
    put_i32s(&b, P "scores", types, 2);
    refuse(&b, GLOSSA_ERROR_FORMAT, "key tokenizer.ggml.scores is an array of i32, need an array of f32");
    put_vocabulary(&b, "bpe", small, SMALL);
    put_i32s(&b, P "ids", types, 3);
    refuse(&b, GLOSSA_ERROR_FORMAT, "key tokenizer.ggml.ids has 3 elements, but tokenizer.ggml.tokens has 9");

    char longest[1026];
    memset(longest, 'x', 1025);
    longest[1025] = 0;
    refuse_piece(4, (piece){"", -1, NORMAL}, "tokenizer.ggml.tokens[4] has 0 bytes, need 1 to 1024");
    refuse_piece(4, (piece){longest, -1, NORMAL}, "tokenizer.ggml.tokens[4] has 1025 bytes, need 1 to 1024");
    refuse_piece(4, (piece){"bb", -1, NORMAL}, "tokenizer.ggml.tokens[6] is the same as [4]: bb");
    refuse_piece(4, (piece){"b", -1, 0}, "tokenizer.ggml.token_type[4] is 0, need 1 to 6");
    refuse_piece(4, (piece){"b", -1, 7}, "tokenizer.ggml.token_type[4] is 7, need 1 to 6");
    refuse_piece(4, (piece){"b", NAN, NORMAL}, "tokenizer.ggml.scores[4] is not a finite number");
    refuse_piece(4, (piece){"b", -INFINITY, NORMAL}, "tokenizer.ggml.scores[4] is not a finite number");
    refuse_piece(4, (piece){"b", 0, UNKNOWN}, "tokenizer.ggml.token_type has two unknown pieces, [0] and [4]");
    refuse_piece(4, (piece){"b", 0, BYTE}, "tokenizer.ggml.tokens[4] is of type byte but reads b, need <0xAB>");
    refuse_piece(4, (piece){"<0x4a>", 0, BYTE}, "tokens[4] is of type byte but reads <0x4a>");
    refuse_piece(0, (piece){"<unk>", 0, NORMAL}, "has neither an unknown piece (2) nor byte pieces (6)");

    put_vocabulary(&b, "unigram", small, SMALL);
    put_u32(&b, P "eos_token_id", SMALL);
    refuse(&b, GLOSSA_ERROR_FORMAT, "key tokenizer.ggml.eos_token_id is 9, need less than 9");
    put_vocabulary(&b, "unigram", small, SMALL);
    put_u32(&b, P "unknown_token_id", 3);
    refuse(&b, GLOSSA_ERROR_FORMAT,
           "key tokenizer.ggml.unknown_token_id is 3, but the piece of type unknown (2) has "
           "the id 0");
    put_vocabulary(&b, "unigram", small, SMALL);
    put_u32(&b, P "add_space_prefix", 1);
    refuse(&b, GLOSSA_ERROR_FORMAT, "key tokenizer.ggml.add_space_prefix is of type u32, need bool");

    const struct {
        int32_t ids[SMALL];
        const char *message;
    } wrong[] = {
        {{0, 1, 2, 3, 4, 5, 6, 7, -2}, "tokenizer.ggml.ids[8] is -2, need -1 to 4194302"},
        {{0, 1, 2, 3, 4, 5, 6, 7, 4194303}, "tokenizer.ggml.ids[8] is 4194303, need -1 to 4194302"},
        {{0, 1, 2, 3, 4, 5, 6, 7, 3}, "tokenizer.ggml.ids has 3 twice, at [3] and [8]"},
        {{-1, 1, 2, 3, 4, 5, 6, 7, 8}, "tokenizer.ggml.ids[0] is -1, but the unknown piece must have an id"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put_vocabulary(&b, "unigram", small, SMALL);
        put_i32s(&b, P "ids", wrong[i].ids, SMALL);
        refuse(&b, GLOSSA_ERROR_FORMAT, wrong[i].message);
    }

    glossa_gguf empty = {0};
    glossa_tokenizer *tokenizer;
    glossa_error error;
    CHECK_INT(glossa_tokenizer_open(&empty, longest, NULL, &tokenizer, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK(tokenizer == NULL);
    glossa_tokenizer_close(NULL);
}

/* ---- hostile vocabularies -----------------------------------------------------------------------------------------
 */

/* The slot that a text wants in a table of 2^bits with FNV-1a's own start, as vocabulary.c has it. */
static uint32_t slot_of(const char *text, unsigned bits) {
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    return hash * 0x9E3779B1u >> (32 - bits);
}

/* Pieces that all want one slot of the hash table: every one is entered, found, and none is taken for another. */
static void test_colliding_pieces(void) {
    enum { COUNT = 400, BITS = 10 };
    static char texts[COUNT][8];
    piece pieces[COUNT + 1] = {{"<unk>", 0, UNKNOWN}};
    uint32_t number = 0;
    for (size_t i = 0; i < COUNT; i++) {
        do
            snprintf(texts[i], sizeof texts[i], "%07u", number++);
        while (slot_of(texts[i], BITS) != 5);
        pieces[i + 1] = (piece){texts[i], -1, NORMAL};
    }
    gguf_builder b = {0};
    put_vocabulary(&b, "unigram", pieces, COUNT + 1);
    put_bool(&b, P "add_space_prefix", 0);
    opened o = open_file(&b, NULL);
    CHECK_INT(o.status, GLOSSA_OK);
    for (size_t i = 0; o.tokenizer && i < COUNT; i++) {
        char expected[32], actual[64];
        snprintf(expected, sizeof expected, "%zu:0-7", i + 1);
        CHECK_STRING(encoded(&o, texts[i], 7, actual, sizeof actual), expected);
    }
    if (o.tokenizer) CHECK_ENCODED(&o, "x123", "0:0-4");
    close_file(&o);

    pieces[COUNT] = pieces[3]; /* and a text that is there twice is still seen */
    put_vocabulary(&b, "unigram", pieces, COUNT + 1);
    refuse(&b, GLOSSA_ERROR_FORMAT, "tokenizer.ggml.tokens[400] is the same as [3]");
}

/* Many long pieces, so that the filter of prefixes lets everything pass: the longest piece still ends the search, and
   no sooner. */
static void test_longest_pieces(void) {
    enum { COUNT = 96, SIZE = 1024 };
    static char texts[COUNT][SIZE + 1];
    for (int type = NORMAL; type <= USER; type += USER - NORMAL) {
        for (int bpe = 0; bpe < 2; bpe++) {
            if (bpe && type == NORMAL) continue; /* no merges lead to them */
            piece pieces[COUNT + 2] = {{"<unk>", 0, UNKNOWN}, {"y", -5, NORMAL}};
            for (size_t i = 0; i < COUNT; i++) {
                memset(texts[i], 'a', SIZE);
                texts[i][SIZE - 1 - i] = 'b';
                pieces[i + 2] = (piece){texts[i], -1, type};
            }
            gguf_builder b = {0};
            put_vocabulary(&b, bpe ? "bpe" : "unigram", pieces, COUNT + 2);
            put_bool(&b, P "add_space_prefix", 0);
            opened o = open_file(&b, NULL);
            CHECK_INT(o.status, GLOSSA_OK);
            if (!o.tokenizer) continue;
            char text[SIZE + 2] = "y";
            memcpy(text + 1, texts[95], SIZE + 1);
            CHECK_ENCODED(&o, text, "1:0-1 97:1-1025");
            close_file(&o);
        }
    }
}

/* ---- long text, little memory ----------------------------------------------------------------------------------- */

static void test_long_text(void) {
    const size_t size = 100000;
    char *text = malloc(size);
    memset(text, 'b', size);
    for (size_t i = 0; i < size; i += 7)
        text[i] = ' ';
    gguf_builder b = {0};
    for (int bpe = 0; bpe < 2; bpe++) {
        put_vocabulary(&b, bpe ? "bpe" : "unigram", small, SMALL);
        opened o = open_file(&b, NULL);
        glossa_token *tokens;
        size_t count;
        CHECK_INT(glossa_tokenizer_encode(o.tokenizer, (glossa_text){text, size}, &tokens, &count, NULL), GLOSSA_OK);
        /* 14286 words: a space and three times bb, the last with 4 letters. */
        CHECK_INT(count, 14285 * 4 + 3);
        CHECK_INT(tokens[count - 1].end, size);
        glossa_tokenizer_free_tokens(o.tokenizer, tokens);
        close_file(&o);
    }
    free(text);
}

static void test_memory_that_runs_out(void) {
    const int32_t ids[SMALL] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    const glossa_text text = {"ab xyz \xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD cb", 20};
    for (int bpe = 0; bpe < 2; bpe++) {
        bool done = false;
        for (int allowed = 0; !done; allowed++) {
            scarcity scarce = {.left = allowed};
            const glossa_allocator allocator = {scarce_allocate, scarce_release, &scarce};
            gguf_builder b = {0};
            put_vocabulary(&b, bpe ? "bpe" : "unigram", small, SMALL);
            put_i32s(&b, P "ids", ids, SMALL);
            opened o = open_file(&b, &allocator);
            glossa_token *tokens = NULL;
            size_t count = 0;
            glossa_status status = o.status;
            if (status == GLOSSA_OK) {
                const int held = scarce.live;
                status = glossa_tokenizer_encode(o.tokenizer, text, &tokens, &count, &o.error);
                CHECK_INT(scarce.live, held + (status == GLOSSA_OK));
                glossa_tokenizer_free_tokens(o.tokenizer, tokens);
            }
            done = status == GLOSSA_OK;
            CHECK(done ? count > 0 : status == GLOSSA_ERROR_MEMORY && count == 0);
            if (!done) CHECK_CONTAINS(o.error.message, "out of memory");
            close_file(&o);
            CHECK_INT(scarce.live, 0);
        }
    }
}

int main(void) {
    RUN(test_best_path);
    RUN(test_blank_text);
    RUN(test_unknown_runs_are_one_token);
    RUN(test_byte_fallback);
    RUN(test_merges);
    RUN(test_decoding);
    RUN(test_model_ids);
    RUN(test_bad_vocabularies);
    RUN(test_colliding_pieces);
    RUN(test_longest_pieces);
    RUN(test_long_text);
    RUN(test_memory_that_runs_out);
    return CHECK_RESULT();
}
