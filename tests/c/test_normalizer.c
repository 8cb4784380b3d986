/* White space, rules and their spans, on a vocabulary small enough to work out by hand. */
#include "charsmap_builder.h"
#include "tiny_vocabulary.h"

static void test_flags(void) {
    gguf_builder b = {0};
    put_vocabulary(&b, "t5", small, SMALL);
    put_bool(&b, P "add_space_prefix", 0);
    put_bool(&b, P "remove_extra_whitespaces", 0);
    opened o = open_file(&b, NULL);
    CHECK_ENCODED(&o, "b ab", "4:0-1 3:1-3 4:3-4");
    CHECK_ENCODED(&o, " ", "2:0-1");
    CHECK_ENCODED(&o, "b  b ", "4:0-1 2:1-2 2:2-3 4:3-4 2:4-5");
    close_file(&o);

    put_vocabulary(&b, "unigram", small, SMALL);
    put_bool(&b, P "treat_whitespace_as_suffix", 1);
    o = open_file(&b, NULL);
    CHECK_ENCODED(&o, " b ", "4:1-2 2:2-2");
    close_file(&o);

    const piece plain[] = {{"<unk>", 0, UNKNOWN}, {" ", -1, NORMAL}, {"a", -1, NORMAL}};
    put_vocabulary(&b, "unigram", plain, 3);
    put_bool(&b, P "escape_whitespaces", 0);
    o = open_file(&b, NULL);
    CHECK_ENCODED(&o, "a  a", "1:0-0 2:0-1 1:1-3 2:3-4");
    close_file(&o);
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

static void test_rules(void) {
    static charsmap map;
    add_rule(&map, "\t", " ");
    add_rule(&map, "B", "b");
    add_rule(&map, "BB", "a");               /* the longest wins */
    add_rule(&map, "\xE2\x91\xA0", "b b");   /* one character becomes three */
    add_rule(&map, "\xC2\xAD", "");          /* deleted */
    add_rule(&map, "e\xCC\x81", "\xC3\xA9"); /* two characters become one */
    const piece pieces[] = {{"<unk>", 0, UNKNOWN},    {SPACE, -1, NORMAL},     {"a", -1, NORMAL}, {"b", -1, NORMAL},
                            {"\xC3\xA9", -1, NORMAL}, {SPACE "b", -1, NORMAL}, {"\t", 0, USER}};
    gguf_builder b = {0};
    put_vocabulary(&b, "unigram", pieces, 6);
    put_charsmap(&b, P "precompiled_charsmap", &map);
    opened o = open_file(&b, NULL);
    CHECK_ENCODED(&o, "Ba", "5:0-1 2:1-2");
    CHECK_ENCODED(&o, "BBB", "1:0-0 2:0-2 3:2-3");
    CHECK_ENCODED(&o, "\t\tb\t \ta\t", "5:2-3 1:3-6 2:6-7");
    CHECK_ENCODED(&o,
                  "b\xC2\xAD"
                  "b",
                  "5:0-3 3:3-4"); /* goes with what precedes it */
    CHECK_ENCODED(&o, "a\xE2\x91\xA0", "1:0-0 2:0-1 3:1-1 5:1-4");
    CHECK_ENCODED(&o, "be\xCC\x81", "5:0-1 4:1-4");
    CHECK_ENCODED(&o, "be", "5:0-1 0:1-2"); /* half a key is none */
    CHECK_ENCODED(&o, "\xC2\xAD", "");
    close_file(&o);

    put_vocabulary(&b, "unigram", pieces, 7);
    put_charsmap(&b, P "precompiled_charsmap", &map);
    o = open_file(&b, NULL);
    CHECK_ENCODED(&o, "b\tb", "5:0-1 6:1-2 3:2-3"); /* a user-defined piece is not normalized */
    close_file(&o);
}

static void test_damaged_rules(void) {
    const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } wrong[] = {
        {"\4\0\0", 3, "a trie of 0 bytes does not fit its 3 bytes"},
        {"\4\0\0\0\0\0\0", 7, "a trie of 4 bytes does not fit its 7 bytes"},
        {"\0\0\0\0abc", 8, "a trie of 0 bytes does not fit its 8 bytes"},
        {"\6\0\0\0abcdef", 10, "a trie of 6 bytes does not fit its 10 bytes"},
        {"\xFF\xFF\xFF\xFF"
         "abcd",
         8, "a trie of 4294967295 bytes"},
        {"\4\0\0\0\0\0\0\0abc", 11, "the last replacement, at 0, has no end"},
    };
    gguf_builder b = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put_vocabulary(&b, "unigram", small, SMALL);
        put_u8s(&b, P "precompiled_charsmap", wrong[i].bytes, wrong[i].size);
        opened o = open_file(&b, NULL);
        CHECK_INT(o.status, GLOSSA_ERROR_FORMAT);
        CHECK_CONTAINS(o.error.message, wrong[i].message);
        CHECK_CONTAINS(o.error.message, "tokenizer.ggml.precompiled_charsmap");
        close_file(&o);
    }
    static uint8_t bytes[4 + 256 * 4 + 300] = {0, 4};
    memset(bytes + 4 + 256 * 4, 'x', 299);
    put_vocabulary(&b, "unigram", small, SMALL);
    put_u8s(&b, P "precompiled_charsmap", bytes, sizeof bytes);
    opened o = open_file(&b, NULL);
    CHECK_INT(o.status, GLOSSA_ERROR_UNSUPPORTED);
    CHECK_CONTAINS(o.error.message, "the replacement at 0 is longer than 256 bytes");
    close_file(&o);

    /* Noise in place of a trie leads nowhere, but not out of bounds and not round in circles. */
    uint32_t state = 1;
    for (int round = 0; round < 200; round++) {
        for (size_t i = 4; i < sizeof bytes - 8; i++)
            bytes[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
        for (size_t i = 4 + 256 * 4 + 7; i < sizeof bytes; i += 8)
            bytes[i] = 0;
        bytes[sizeof bytes - 1] = 0;
        put_vocabulary(&b, "unigram", small, SMALL);
        put_u8s(&b, P "precompiled_charsmap", bytes, sizeof bytes);
        o = open_file(&b, NULL);
        CHECK_INT(o.status, GLOSSA_OK);
        glossa_token *tokens;
        size_t count;
        CHECK_INT(glossa_tokenizer_encode(o.tokenizer, (glossa_text){(char *)bytes, 1000}, &tokens, &count, NULL),
                  GLOSSA_OK);
        for (size_t i = 1; i < count; i++)
            CHECK(tokens[i].begin == tokens[i - 1].end);
        CHECK(count > 0 && tokens[count - 1].end <= 1000);
        glossa_tokenizer_free_tokens(o.tokenizer, tokens);
        close_file(&o);
    }
}

int main(void) {
    RUN(test_flags);
    RUN(test_rules);
    RUN(test_damaged_rules);
    return CHECK_RESULT();
}
