/*
 * A lab that learns from pairs of text: what files hold, what is held out, how batches are made, and that a training
 * goes on to the bit. The ids of a learnt vocabulary are held against spm_encode in tests/js/lab-pairs.test.js.
 */
#include <stdlib.h>

#include "check.h"
#include "glossa.h"
#include "glossa_lab_sharing.h"
#include "lab/batch.h"
#include "lab/links.h"
#include "lab/pairs.h"
#include "lab_helpers.h"
#include "scarcity.h"
#include "text/merges.h"

/* ---- helpers ---- */

static glossa_text text_of(const char *text) {
    return (glossa_text){text, strlen(text)};
}

static glossa_pairs no_pairs(void) {
    return (glossa_pairs){.allocator = glossa_allocator_or_default(NULL)};
}

static uint32_t state;

static uint32_t below(uint32_t limit) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % limit;
}

/* Made-up sentences of up to `most` words, 8 at most, and the same with each word backwards in capital letters; the
   caller frees. */
static char *table_of(size_t count, uint32_t most, uint32_t seed) {
    static const char *const words[] = {"ba", "tu", "kilo", "ren", "größe", "na", "mi", "sol", "词", "x1"};
    static const char *const others[] = {"AB", "UT", "OLIK", "NER", "ESSÖRG", "AN", "IM", "LOS", "語", "1X"};
    char *table = malloc(count * 160 + 1), *at = table;
    if (!table) abort();
    state = seed;
    for (size_t i = 0; i < count; i++) {
        uint32_t chosen[8];
        const size_t length = 1 + below(most);
        for (size_t j = 0; j < length; j++)
            at += sprintf(at, "%s%s", j ? " " : "", words[chosen[j] = below(10)]);
        *at++ = '\t';
        for (size_t j = 0; j < length; j++)
            at += sprintf(at, "%s%s", others[chosen[j]], j + 1 < length ? " " : ".");
        *at++ = '\n';
    }
    *at = 0;
    return table;
}

static glossa_lab *open_lab(const char *table, const char *const *settings, glossa_error *error) {
    glossa_lab_config config;
    glossa_lab_data *data;
    glossa_lab *lab = NULL;
    *error = (glossa_error){GLOSSA_OK, ""};
    glossa_lab_defaults(&config);
    for (; *settings; settings += 2)
        if (glossa_lab_set(&config, settings[0], settings[1], error)) return NULL;
    if (glossa_lab_data_open(NULL, &data, error)) return NULL;
    if (glossa_lab_data_table(data, false, "table", text_of(table), error)) {
        glossa_lab_data_close(data);
        return NULL;
    }
    glossa_lab_open_pairs(&config, data, "en", "de", NULL, 0, NULL, &lab, error);
    return lab;
}

#define OPEN(table, error, ...)                                                                                        \
    open_lab((table),                                                                                                  \
             (const char *const[]){"width", "16", "feed_forward", "32", "vocabulary", "300", "kernels", "exact",       \
                                   "threads", "1", __VA_ARGS__, NULL},                                                 \
             (error))

/* ---- files ---- */

static void test_tables(void) {
    glossa_error error;
    glossa_pairs pairs = no_pairs();
    const char *file = "\xEF\xBB\xBF"
                       "one\teins\r\n\r\n two \tzwei\tCC-BY\n\t drei\nfour\t\n \nfive\tfünf";
    CHECK_INT(glossa_pairs_add_table(&pairs, "t", text_of(file), &error), GLOSSA_OK);
    CHECK_INT(pairs.count, 3);
    CHECK_INT(pairs.empty, 2);
    CHECK_TEXT(glossa_pairs_text(&pairs, 0, 0), "one");
    CHECK_TEXT(glossa_pairs_text(&pairs, 0, 1), "eins");
    CHECK_TEXT(glossa_pairs_text(&pairs, 1, 0), "two");
    CHECK_TEXT(glossa_pairs_text(&pairs, 1, 1), "zwei");
    CHECK_TEXT(glossa_pairs_text(&pairs, 2, 1), "fünf");
    CHECK_INT(glossa_pairs_add_table(&pairs, "t", text_of("a\tb"), &error), GLOSSA_OK);
    glossa_pairs_keep(&pairs, (const bool[]){false, true, false, true});
    CHECK_INT(pairs.count, 2);
    CHECK_TEXT(glossa_pairs_text(&pairs, 0, 0), "two");
    CHECK_TEXT(glossa_pairs_text(&pairs, 1, 1), "b");
    glossa_pairs_close(&pairs);
}

static void test_broken_tables(void) {
    static const struct {
        const char *file;
        size_t size;
        const char *message;
    } broken[] = {
        {"a\tb\nno tab here\n", 0, "pairs.tsv, line 2 has no tab between source and target: no tab here"},
        {"a\tb\nc\tgr\xFC\xDF\n", 0, "pairs.tsv, line 2 is not UTF-8: byte 5 of the line is 0xfc"},
        {"a\tb\n\xC0\x80\tc\n", 0, "pairs.tsv, line 2 is not UTF-8: byte 1"},
        {"\xFF\xFE"
         "a\0\t\0b\0",
         8, "pairs.tsv is UTF-16; save it as UTF-8"},
        {"a\0\t\0b\0\n\0", 8, "pairs.tsv, line 1 holds a NUL byte"},
        {"\x1F\x8B\x08", 0, "pairs.tsv is compressed with gzip; unpack it first"},
        {"", 0, "pairs.tsv holds no pair of texts"},
        {"\n\n", 0, "pairs.tsv holds no pair of texts"},
        {"a\t\n\tb\n", 0, "pairs.tsv holds no pair of texts: every line lacks one side"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        glossa_error error = {GLOSSA_OK, ""};
        glossa_pairs pairs = no_pairs();
        const size_t size = broken[i].size ? broken[i].size : strlen(broken[i].file);
        CHECK_INT(glossa_pairs_add_table(&pairs, "pairs.tsv", (glossa_text){broken[i].file, size}, &error),
                  GLOSSA_ERROR_FORMAT);
        CHECK_CONTAINS(error.message, broken[i].message);
        CHECK_INT(pairs.count + pairs.empty, 0);
        glossa_pairs_close(&pairs);
    }
}

static void test_lines(void) {
    glossa_error error;
    glossa_pairs pairs = no_pairs();
    CHECK_INT(glossa_pairs_add_lines(&pairs, "a.en", text_of("one\ntwo\n\n"), "a.de", text_of("eins\n\ndrei"), &error),
              GLOSSA_OK);
    CHECK_INT(pairs.count, 1);
    CHECK_INT(pairs.empty, 2);
    CHECK_INT(glossa_pairs_add_lines(&pairs, "a.en", text_of("one\ntwo"), "a.de", text_of("eins"), &error),
              GLOSSA_ERROR_FORMAT);
    CHECK_CONTAINS(error.message, "a.de ends at line 1, but a.en goes on");
    CHECK_INT(glossa_pairs_add_lines(&pairs, "a.en", text_of("x"), "a.de", text_of("y\n\xE4\n"), &error),
              GLOSSA_ERROR_FORMAT);
    CHECK_INT(pairs.count, 1);
    glossa_pairs_close(&pairs);
}

/* A million lines, of which one in the middle is broken: it is found and named, and memory is that of the texts. */
static void test_a_million_lines(void) {
    const size_t count = 1000000, width = 12;
    char *file = malloc(count * width);
    if (!file) abort();
    for (size_t i = 0; i < count; i++)
        memcpy(file + i * width, "word\tWort..\n", width);
    glossa_error error;
    glossa_pairs pairs = no_pairs();
    CHECK_INT(glossa_pairs_add_table(&pairs, "big", (glossa_text){file, count * width}, &error), GLOSSA_OK);
    CHECK_INT(pairs.count, count);
    CHECK(pairs.text_capacity < 2 * count * width);
    file[700000 * width + 4] = ' ';
    CHECK_INT(glossa_pairs_add_table(&pairs, "big", (glossa_text){file, count * width}, &error), GLOSSA_ERROR_FORMAT);
    CHECK_CONTAINS(error.message, "big, line 700001 has no tab");
    CHECK_INT(pairs.count, count);
    glossa_pairs_close(&pairs);
    free(file);
}

/* ---- vocabularies ---- */

static void count_text(glossa_merges *merges, const char *text) {
    glossa_error error;
    CHECK_INT(glossa_merges_count(merges, text_of(text), &error), GLOSSA_OK);
}

static void check_piece(const glossa_pieces *pieces, uint32_t i, const char *expected) {
    const uint32_t begin = i ? pieces->ends[i - 1] : 0;
    CHECK(i < pieces->count);
    CHECK_TEXT(((glossa_text){pieces->texts + begin, pieces->ends[i] - begin}), expected);
}

/* The example of the paper (Sennrich et al. 2016): low 5, lower 2, newest 6, widest 3. */
static void test_merges(void) {
    glossa_error error;
    glossa_merges merges = {.allocator = glossa_allocator_or_default(NULL)};
    glossa_pieces pieces;
    for (int i = 0; i < 6; i++) {
        if (i < 5) count_text(&merges, "low");
        if (i < 2) count_text(&merges, "lower");
        count_text(&merges, "newest");
        if (i < 3) count_text(&merges, "widest");
    }
    CHECK_INT(merges.count, 4);
    CHECK_INT(glossa_merges_learn(&merges, 1, 100, 10 + 4, 16, &pieces, &error), GLOSSA_OK);
    CHECK_INT(pieces.unions, 4);
    check_piece(&pieces, 0, "es"); /* 9, as "st", but found first */
    check_piece(&pieces, 1, "est");
    check_piece(&pieces, 2, "lo");
    check_piece(&pieces, 3, "low");
    check_piece(&pieces, 4, "e"); /* 17 */
    glossa_pieces_release(&pieces, &merges.allocator);
    CHECK_INT(glossa_merges_learn(&merges, 1, 5, 100, 1, &pieces, &error), GLOSSA_OK);
    CHECK_INT(pieces.unions, 0);
    CHECK_INT(pieces.count, 5);
    glossa_pieces_release(&pieces, &merges.allocator);
    glossa_merges_close(&merges);
}

/* Words end where classes meet; no piece joins what stands on both sides. */
static void test_words(void) {
    glossa_merges merges = {.allocator = glossa_allocator_or_default(NULL)};
    count_text(&merges, "\xE2\x96\x81"
                        "Hallo,\xE2\x96\x81"
                        "Wörld-2000!“");
    const char *expected[] = {"\xE2\x96\x81"
                              "Hallo",
                              ",",
                              "\xE2\x96\x81"
                              "Wörld",
                              "-",
                              "2000",
                              "!“"};
    CHECK_INT(merges.count, 6);
    for (size_t i = 0, begin = 0; i < merges.count && i < 6; begin = merges.ends[i++])
        CHECK_TEXT(((glossa_text){merges.texts + begin, merges.ends[i] - begin}), expected[i]);
    glossa_merges_close(&merges);
}

static void test_memory_of_merges(void) {
    char *table = table_of(300, 8, 5);
    for (int left = 0;; left++) {
        scarcity scarce = {.left = left};
        const glossa_allocator allocator = {scarce_allocate, scarce_release, &scarce};
        glossa_error error;
        glossa_merges merges = {.allocator = allocator};
        glossa_pieces pieces = {0};
        glossa_status status = glossa_merges_count(&merges, text_of(table), &error);
        if (status == GLOSSA_OK) status = glossa_merges_learn(&merges, 1, 100, 60, 16, &pieces, &error);
        glossa_pieces_release(&pieces, &allocator);
        glossa_merges_close(&merges);
        CHECK_INT(scarce.live, 0);
        if (status == GLOSSA_OK) break;
        CHECK_INT(status, GLOSSA_ERROR_MEMORY);
    }
    free(table);
}

/* Whatever a text holds, its tokens give it back, of either kind of vocabulary, drawn ones too. */
static void test_texts_survive(void) {
    static const char *const kinds[] = {"bpe", "characters"};
    static const char *const texts[] = {"ba tu kilo", "größe x1 词", "never seen: Ω 😀 \x01", "größe", ",,,  ..."};
    char *table = table_of(400, 8, 1);
    for (int k = 0; k < 2; k++) {
        glossa_error error;
        glossa_lab *lab = OPEN(table, &error, "tokens", kinds[k]);
        CHECK(lab != NULL);
        const glossa_tokenizer *tokenizer = lab->lexicon.source;
        glossa_random random = glossa_random_start(1, 2, 3);
        size_t most = 0, least = SIZE_MAX;
        for (int i = 0; i < 50; i++) {
            const char *expected = i % 5 < 4 ? texts[i % 5] : ",,, ...";
            glossa_token *tokens;
            size_t count, size;
            char text[64];
            CHECK_INT(i < 5 ? glossa_tokenizer_encode(tokenizer, text_of(texts[i % 5]), &tokens, &count, &error)
                            : glossa_tokenizer_sample(tokenizer, text_of(texts[i % 5]), 0.5f, &random, &tokens, &count,
                                                      &error),
                      GLOSSA_OK);
            CHECK_INT(glossa_tokenizer_decode(tokenizer, tokens, count, text, sizeof text, &size, &error), GLOSSA_OK);
            /* One space of a text is the model's own where words begin with theirs. */
            CHECK_TEXT(((glossa_text){text, size}), expected);
            if (i % 5 == 0 && count > most) most = count;
            if (i % 5 == 0 && count < least) least = count;
            glossa_tokenizer_free_tokens(tokenizer, tokens);
        }
        CHECK(k == 1 ? most == least : most > least); /* drawn ways differ; characters have but one */
        glossa_lab_close(lab);
    }
    free(table);
}

/* Drawn as often as their probabilities say: "ab" has exp(-1.5 alpha) to exp(-2 alpha) of "a", "b". */
static void test_drawn_ways(void) {
    static const char *const pieces[] = {"<unk>", "a", "b", "ab"};
    static const float scores[] = {0, -1, -1, -1.5f}, alphas[] = {1, 0.1f, 4};
    static const double shares[] = {0.6224593, 0.5124974, 0.8807971}; /* 1 / (1 + exp(-alpha / 2)) */
    static const int32_t types[] = {2, 1, 1, 1};
    gguf_builder b = {0};
    size_t size, count;
    glossa_gguf gguf;
    glossa_error error;
    glossa_tokenizer *tokenizer;
    glossa_token *tokens;
    put_string(&b, "t.model", "unigram");
    put_strings(&b, "t.tokens", pieces, 4);
    put_f32s(&b, "t.scores", scores, 4);
    put_i32s(&b, "t.token_type", types, 4);
    put_bool(&b, "t.add_space_prefix", 0);
    uint8_t *file = finish(&b, &size);
    CHECK_INT(glossa_gguf_open(file, size, NULL, &gguf, &error), GLOSSA_OK);
    CHECK_INT(glossa_tokenizer_open(&gguf, "t", NULL, &tokenizer, &error), GLOSSA_OK);
    glossa_random random = glossa_random_start(1, 2, 3);
    for (int k = 0; k < 3; k++) {
        int whole = 0;
        for (int i = 0; i < 10000; i++) {
            CHECK_INT(glossa_tokenizer_sample(tokenizer, text_of("ab"), alphas[k], &random, &tokens, &count, &error),
                      GLOSSA_OK);
            whole += count == 1;
            glossa_tokenizer_free_tokens(tokenizer, tokens);
        }
        CHECK_NEAR(whole / 10000.0, shares[k], 0.02); /* four standard deviations */
    }
    CHECK_INT(glossa_tokenizer_sample(tokenizer, text_of("axxb"), 1, &random, &tokens, &count, &error), GLOSSA_OK);
    CHECK_INT(count, 3); /* a run of unknown characters is one token */
    glossa_tokenizer_free_tokens(tokenizer, tokens);
    glossa_tokenizer_close(tokenizer);
    glossa_gguf_close(&gguf);
    free(file);
}

/* ---- data ---- */

static void test_what_is_set_aside(void) {
    glossa_error error;
    /* Five pairs of one source, two that share a target with another, ... */
    char *table = table_of(500, 8, 2), *all = malloc(strlen(table) + 200);
    if (!all) abort();
    sprintf(all, "%ssame\tA\nsame\tB\nsame\tC\n\tnothing\n", table);
    glossa_lab *lab = OPEN(all, &error, "set_aside", "30");
    glossa_lab_pairs facts;
    CHECK(lab != NULL);
    glossa_lab_describe_pairs(lab, &facts);
    CHECK(facts.held_out > 20 && facts.held_out <= 30);
    CHECK_INT(facts.empty, 1);
    CHECK_INT(facts.train + facts.held_out + facts.shared + facts.too_long, 503);
    for (uint32_t i = 0; i < facts.held_out; i++) {
        glossa_text source, target, other, translation;
        CHECK_INT(glossa_lab_example(lab, true, i, &source, &target, &error), GLOSSA_OK);
        for (uint32_t j = 0; j < facts.train; j++) {
            CHECK_INT(glossa_lab_example(lab, false, j, &other, &translation, &error), GLOSSA_OK);
            CHECK(source.size != other.size || memcmp(source.data, other.data, other.size) != 0);
            CHECK(target.size != translation.size || memcmp(target.data, translation.data, target.size) != 0);
        }
    }
    CHECK_INT(glossa_lab_example(lab, true, (uint32_t)facts.held_out, &(glossa_text){0}, &(glossa_text){0}, &error),
              GLOSSA_ERROR_ARGUMENT);
    glossa_lab_close(lab);
    free(table);
    free(all);
}

static void test_little_data(void) {
    glossa_error error;
    glossa_lab *lab = OPEN("one line\teine Zeile\n", &error, "dropout", "0.1");
    glossa_lab_report report;
    CHECK(lab != NULL);
    steps(lab, 3);
    CHECK_INT(glossa_lab_evaluate(lab, NULL, 0, 10, &report, &error), GLOSSA_ERROR_STATE);
    CHECK_CONTAINS(error.message, "no pairs are held out");
    glossa_lab_close(lab);
    lab = OPEN("a long line of many characters\teine lange Zeile aus vielen Zeichen\n", &error, "context", "8");
    CHECK(lab == NULL);
    CHECK_CONTAINS(error.message, "no pair is left to train on: all 1 are longer than the context of 8 tokens");
    lab = OPEN("a\tb\n", &error, "vocabulary", "200");
    CHECK(lab == NULL);
    CHECK_CONTAINS(error.message, "setting 'vocabulary' is 200, need more than the 260 tokens");
    lab = OPEN("a\tb\n", &error, "guided", "0.1");
    CHECK(lab == NULL);
    CHECK_CONTAINS(error.message, "setting 'guided' wants alignments");
    lab = OPEN("a\tb\n", &error, "task", "copy");
    CHECK(lab == NULL);
    CHECK_CONTAINS(error.message, "task 'copy' or from pairs, not both");
}

/* Memory that runs out at any place: an error, and nothing that is not given back. */
static void test_memory_that_runs_out(void) {
    char *table = table_of(12, 8, 9);
    glossa_lab_config config;
    glossa_lab_defaults(&config);
    static const char *const settings[] = {"width",   "16",    "feed_forward", "16", "vocabulary",     "280",
                                           "kernels", "exact", "threads",      "1",  "sampling_share", "1"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i += 2)
        CHECK_INT(glossa_lab_set(&config, settings[i], settings[i + 1], NULL), GLOSSA_OK);
    bool done = false;
    for (int left = 0; !done; left++) {
        scarcity scarce = {.left = left};
        const glossa_allocator allocator = {scarce_allocate, scarce_release, &scarce};
        glossa_error error;
        glossa_lab_data *data;
        glossa_lab *lab = NULL;
        double bleu;
        glossa_status status = glossa_lab_data_open(&allocator, &data, &error);
        if (status == GLOSSA_OK) {
            status = glossa_lab_data_table(data, false, "t", text_of(table), &error);
            if (status == GLOSSA_OK)
                status = glossa_lab_open_pairs(&config, data, "en", "de", NULL, 0, &allocator, &lab, &error);
            else
                glossa_lab_data_close(data);
        }
        if (status == GLOSSA_OK) status = glossa_lab_step(lab, NULL, NULL, &error);
        if (status == GLOSSA_OK) status = glossa_lab_bleu(lab, 5, &bleu, &error);
        done = status == GLOSSA_OK;
        CHECK(done || status == GLOSSA_ERROR_MEMORY);
        glossa_lab_close(lab);
        CHECK_INT(scarce.live, 0);
    }
    free(table);
}

/* Every pair once an epoch, in batches within their bound, in another order each time. */
static void test_epochs(void) {
    glossa_error error;
    char *table = table_of(700, 8, 3);
    glossa_lab *lab = OPEN(table, &error, "batch_tokens", "128", "sampling_share", "0");
    CHECK(lab != NULL);
    glossa_corpus *c = lab->corpus;
    CHECK(c->batch_count > 20);
    uint32_t *first = calloc(c->train.count, sizeof *first);
    if (!first) abort();
    size_t same = 0;
    for (uint32_t epoch = 0; epoch < 3; epoch++) {
        bool *seen = calloc(c->train.count, sizeof *seen);
        if (!seen) abort();
        size_t at = 0;
        for (uint32_t b = epoch * c->batch_count; b < (epoch + 1) * c->batch_count; b++) {
            const uint32_t size = glossa_corpus_batch_size(c, b);
            uint32_t longest = 0;
            for (uint32_t i = 0; i < size; i++, at++) {
                const uint32_t pair = glossa_corpus_pair(c, b, i), length = glossa_corpus_length(c, pair);
                CHECK(!seen[pair]);
                seen[pair] = true;
                if (length > longest) longest = length;
                if (epoch == 0) first[at] = pair;
                same += epoch > 0 && first[at] == pair;
            }
            CHECK(size == 1 || longest * size <= 128);
        }
        CHECK_INT(at, c->train.count);
        free(seen);
    }
    CHECK(same < c->train.count / 5);
    free(first);
    glossa_lab_close(lab);
    free(table);
}

/* ---- training ---- */

static void test_threads_and_labs(void) {
    glossa_error error;
    char *table = table_of(300, 8, 4);
#define MORE "batch_tokens", "200", "dropout", "0.1", "sampling_share", "0.5", "shards", "3", "accumulate", "2"
    glossa_lab *one = OPEN(table, &error, MORE), *three = OPEN(table, &error, MORE, "threads", "3");
    glossa_lab *labs[2] = {OPEN(table, &error, MORE), OPEN(table, &error, MORE)};
    for (int step = 0; step < 5; step++) {
        glossa_lab_gradients part;
        size_t floats;
        for (uint32_t p = 0; p < glossa_lab_parts(labs[0]); p++) {
            CHECK_INT(glossa_lab_compute(labs[p % 2], p, &part, &error), GLOSSA_OK);
            CHECK_INT(glossa_lab_add(labs[0], p, &part, &error), GLOSSA_OK);
        }
        CHECK_INT(glossa_lab_finish(labs[0], NULL, &error), GLOSSA_OK);
        const float *weights = glossa_lab_weights(labs[0], &floats);
        CHECK_INT(glossa_lab_follow(labs[1], weights, floats, (uint32_t)step + 1, &error), GLOSSA_OK);
    }
    steps(one, 5);
    steps(three, 5);
    CHECK(same_values(one, three));
    CHECK(same_values(one, labs[0]));
    glossa_lab_close(one);
    glossa_lab_close(three);
    glossa_lab_close(labs[0]);
    glossa_lab_close(labs[1]);
    free(table);
}

/* `table` attached to what a state's bytes give; NULL where that fails. */
static glossa_lab *resume(const uint8_t *file, size_t size, const char *table, glossa_error *error) {
    glossa_lab *lab;
    glossa_lab_data *data;
    CHECK_INT(glossa_lab_load(file, size, NULL, NULL, &lab, error), GLOSSA_OK);
    CHECK_INT(glossa_lab_data_open(NULL, &data, error), GLOSSA_OK);
    CHECK_INT(glossa_lab_data_table(data, false, "table", text_of(table), error), GLOSSA_OK);
    if (glossa_lab_attach(lab, data, error) == GLOSSA_OK) return lab;
    glossa_lab_close(lab);
    return NULL;
}

static void test_going_on(void) {
    glossa_error error;
    size_t size;
    char *table = table_of(300, 8, 6), *other = table_of(300, 8, 7);
    glossa_lab *lab = OPEN(table, &error, MORE), *again;
    steps(lab, 7);
    uint8_t *file = saved(lab, GLOSSA_LAB_STATE, &size);
    again = resume(file, size, table, &error);
    CHECK(again != NULL);
    CHECK_INT(glossa_lab_steps(again), 7);
    steps(lab, 6);
    steps(again, 6);
    CHECK(same_values(lab, again));
    double scores[2];
    CHECK_INT(glossa_lab_bleu(lab, 20, &scores[0], &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_bleu(again, 20, &scores[1], &error), GLOSSA_OK);
    CHECK(memcmp(&scores[0], &scores[1], sizeof scores[0]) == 0);
    CHECK_INT(glossa_lab_steps(again), 13);
    glossa_lab_close(again);
    CHECK(resume(file, size, other, &error) == NULL);
    CHECK_CONTAINS(error.message, "the pairs are not those that this training began with");
    free(file);
    glossa_lab_close(lab);
    free(table);
    free(other);
}

/* An attachment that fails leaves the lab as it was: without memory at any place, or where its tokens do not fit. */
static void test_failed_attachments(void) {
    glossa_error error;
    size_t size;
    char *table = table_of(60, 3, 6);
    glossa_lab *first = OPEN(table, &error, MORE), *lab;
    steps(first, 2);
    uint8_t *file = saved(first, GLOSSA_LAB_MODEL, &size);
    scarcity scarce = {.left = 1 << 20};
    const glossa_allocator allocator = {scarce_allocate, scarce_release, &scarce};
    CHECK_INT(glossa_lab_load(file, size, &first->config, &allocator, &lab, &error), GLOSSA_OK);
    glossa_status status = GLOSSA_ERROR_MEMORY;
    int attempts = 0;
    for (int left = -1; status != GLOSSA_OK; left++) { /* -1: enough memory */
        glossa_lab_data *data;
        CHECK_INT(glossa_lab_data_open(NULL, &data, &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_data_table(data, false, "table", text_of(table), &error), GLOSSA_OK);
        scarce.left = left < 0 ? 1 << 20 : left;
        lab->network.target_vocabulary -= left < 0;
        status = glossa_lab_attach(lab, data, &error);
        lab->network.target_vocabulary += left < 0;
        CHECK_INT(status, left < 0 ? GLOSSA_ERROR_FORMAT : status == GLOSSA_OK ? GLOSSA_OK : GLOSSA_ERROR_MEMORY);
        if (left < 0) CHECK_CONTAINS(error.message, "the tokenizer of the target gives tokens below");
        if (status != GLOSSA_OK) CHECK(!lab->corpus && lab->data_fingerprint == 0);
        attempts++;
    }
    CHECK(attempts > 3);
    scarce.left = 1 << 20;
    steps(lab, 2);
    glossa_lab_close(lab);
    CHECK_INT(scarce.live, 0);
    glossa_lab_close(first);
    free(file);
    free(table);
}

/* The vocabulary is the checkpoint's, token by token; languages are those that are given, or its own for "und". */
static void test_vocabulary_of_a_checkpoint(void) {
    glossa_error error;
    size_t size, written;
    char *table = table_of(60, 3, 6);
    glossa_lab *first = OPEN(table, &error, MORE), *lab;
    uint8_t *file = saved(first, GLOSSA_LAB_MODEL, &size);
    static const char *const given[][2] = {{"fr", "it"}, {"und", "und"}, {"und", "pt-BR"}}, *const expected[][2] = {
                                                                                                {"fr", "it"},
                                                                                                {"en", "de"},
                                                                                                {"en", "pt-BR"}};
    for (int i = 0; i < 3; i++) {
        glossa_lab_data *data;
        glossa_model *model;
        glossa_model_info info;
        CHECK_INT(glossa_lab_data_open(NULL, &data, &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_data_table(data, false, "table", text_of(table), &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_open_pairs(&first->config, data, given[i][0], given[i][1], file, size, NULL, &lab, &error),
                  GLOSSA_OK);
        CHECK_INT(glossa_tokenizer_size(lab->lexicon.source), glossa_tokenizer_size(first->lexicon.source));
        for (uint32_t id = 0; id < glossa_tokenizer_ids(first->lexicon.source); id++) {
            const glossa_text a = glossa_lab_piece(first, false, id), b = glossa_lab_piece(lab, false, id);
            CHECK(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
        }
        uint8_t *again = saved(lab, GLOSSA_LAB_MODEL, &written);
        CHECK_INT(glossa_model_open(again, written, NULL, &model, &error), GLOSSA_OK);
        glossa_model_describe(model, &info);
        CHECK_TEXT(info.source_language, expected[i][0]);
        CHECK_TEXT(info.target_language, expected[i][1]);
        glossa_model_close(model);
        free(again);
        glossa_lab_close(lab);
    }
    glossa_lab_close(first);
    free(file);
    free(table);
}

/* ---- alignments ---- */

/* Words by white space, Chinese characters by themselves; tokens that begin with a space belong to the word behind. */
static void test_words_of_tokens(void) {
    const glossa_text text = text_of("ein  Hund\xE4\xBD\xA0\xE5\xA5\xBD x"); /* "ein  Hund", two characters, "x" */
    static const glossa_token tokens[] = {{0, 0, 2},  {0, 2, 3},   {0, 3, 4},   {0, 4, 7},   {0, 7, 9},
                                          {0, 9, 10}, {0, 10, 12}, {0, 12, 15}, {0, 15, 16}, {0, 16, 17}};
    static const uint32_t expected[] = {0, 0, 1, 1, 1, 2, 2, 3, 4, 4, GLOSSA_NO_WORD};
    uint32_t words[11];
    glossa_links_words(text, tokens, 10, words);
    for (int i = 0; i < 11; i++)
        CHECK_INT(words[i], expected[i]);
    /* A target of the words 0 1 1, a source of 0 0 1, each with its end. */
    static const uint32_t target[] = {0, 1, 1, GLOSSA_NO_WORD}, source[] = {0, 0, 1, GLOSSA_NO_WORD};
    static const float wanted[2][16] = {
        {0.5f, 0.5f, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1},
        {0, 0, 0, 0, 1 / 3.f, 1 / 3.f, 1 / 3.f, 0, 1 / 3.f, 1 / 3.f, 1 / 3.f, 0, 0, 0, 0, 1}};
    float weights[16];
    for (int i = 0; i < 2; i++) {
        glossa_links_weigh(text_of(i ? "0-1 1-1" : "0-0 1-1"), source, 4, target, 4, weights);
        CHECK(memcmp(weights, wanted[i], sizeof weights) == 0);
    }
    glossa_links_weigh(text_of(""), source, 4, target, 4, weights);
    for (int i = 0; i < 16; i++)
        CHECK(weights[i] == 0.0f);
}

/* A table whose words are all linked to the first one, which nobody would learn unguided. */
static char *linked_table(size_t count, uint32_t seed) {
    char *plain = table_of(count, 5, seed), *table = malloc(strlen(plain) + count * 32 + 1), *at = table;
    if (!table) abort();
    for (char *line = plain, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        int words = 1;
        for (const char *c = line; *c != '\t'; c++)
            words += *c == ' ';
        at += sprintf(at, "%.*s\t", (int)(end - line), line);
        for (int i = 0; i < words; i++)
            at += sprintf(at, "0-%d ", i);
        at += sprintf(at, "\tmore\n");
    }
    free(plain);
    return table;
}

/* The mean weight that the guided head of the last pass gives to what the batch wants. */
static double followed(const glossa_lab *lab, const glossa_lab_batch *batch) {
    glossa_error error;
    glossa_lab_array array;
    CHECK_INT(glossa_lab_read(lab, "dec.blk.0.cross_attn", &array, &error), GLOSSA_OK);
    size_t at = 0, wanted = 0;
    double sum = 0;
    for (size_t s = 0, weights = 0; s < array.sequences; s++) {
        const size_t m = array.query_starts[s + 1] - array.query_starts[s],
                     n = array.key_starts[s + 1] - array.key_starts[s];
        for (size_t i = 0; i < m; i++, wanted++)
            for (size_t j = 0; j < n; j++)
                if (batch->alignment[at + i * n + j] > 0) sum += (double)array.data[weights + i * n + j];
        at += m * n;
        weights += array.heads * m * n;
    }
    return sum / (double)wanted;
}

/* One head learns to look where the links say, also where texts are cut otherwise each time; the checkpoint names it.
 */
static void test_guidance(void) {
    glossa_error error;
    char *table = linked_table(400, 11);
    double share[2];
    for (int guided = 0; guided < 2; guided++) {
        glossa_lab *lab = OPEN(table, &error, "guided", guided ? "0.5" : "1e-9", "width", "32", "heads", "2", "shards",
                               "1", "sampling_share", "0.5", "learning_rate", "5e-3", "batch_tokens", "300");
        CHECK_INT(error.status, GLOSSA_OK);
        glossa_lab_batch batch;
        size_t size;
        glossa_model *model;
        glossa_model_info info;
        steps(lab, 300);
        CHECK_INT(glossa_batch_next(lab, 7, &batch, &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_forward(lab, &batch, NULL, NULL, &error), GLOSSA_OK);
        share[guided] = followed(lab, &batch);
        uint8_t *file = saved(lab, GLOSSA_LAB_MODEL, &size);
        CHECK_INT(glossa_model_open(file, size, NULL, &model, &error), GLOSSA_OK);
        glossa_model_describe(model, &info);
        CHECK(info.alignment_layer == 0 && info.alignment_head == 0);
        glossa_model_close(model);
        free(file);
        glossa_lab_close(lab);
    }
    CHECK(share[0] < 0.6 && share[1] > 0.9);
    free(table);
}

/* Links are a part of what a training goes on with; what is none is named. */
static void test_broken_links(void) {
    glossa_error error;
    static const struct {
        const char *table, *message;
    } broken[] = {
        {"a b\tc\t0-1\n", "the link 0-1 of 'a b' is beyond its 2 words and their 1"},
        {"a b\tc\t2-0\n", "the link 2-0 of 'a b' is beyond its 2 words and their 1"},
        {"a b\tc\t0-0 1:0\n", "the links of 'a b' are '0-0 1:0', need such as 0-0 1-2"},
        {"a b\tc\t0-0,1-0\n", "the links of 'a b' are '0-0,1-0'"},
        {"a b\tc\t0-0 9999999-0\n", "the links of 'a b' are '0-0 9999999-0'"},
        {"a b\tc\tCC-BY 2.0\n", "setting 'guided' wants alignments, which no pair has"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        glossa_lab *lab = OPEN(broken[i].table, &error, "guided", "0.1");
        CHECK(lab == NULL);
        CHECK_CONTAINS(error.message, broken[i].message);
        lab = OPEN(broken[i].table, &error, "guided", "0");
        CHECK(lab != NULL);
        glossa_lab_close(lab);
    }
    size_t size;
    glossa_lab *lab = OPEN("a b\tc d\t0-0\nb a\td c\t\n", &error, "guided", "0.1");
    glossa_lab_data *data;
    steps(lab, 1);
    uint8_t *file = saved(lab, GLOSSA_LAB_STATE, &size);
    glossa_lab_close(lab);
    for (int same = 0; same < 2; same++) {
        CHECK_INT(glossa_lab_load(file, size, NULL, NULL, &lab, &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_data_open(NULL, &data, &error), GLOSSA_OK);
        const char *table = same ? "a b\tc d\t0-0\nb a\td c\n" : "a b\tc d\t0-1\nb a\td c\n";
        CHECK_INT(glossa_lab_data_table(data, false, "table", text_of(table), &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_attach(lab, data, &error), same ? GLOSSA_OK : GLOSSA_ERROR_ARGUMENT);
        if (same) steps(lab, 1);
        glossa_lab_close(lab);
    }
    free(file);
}

/* ---- the engine ---- */

/* What the lab makes of held-out sources is what the engine makes of them, greedily, from the lab's checkpoint. */
static void check_against_engine(glossa_lab *lab, uint32_t count, uint32_t *exact) {
    glossa_error error;
    size_t size;
    glossa_model *model;
    glossa_session *session;
    const glossa_limits limits = {.sentences = 1, .source_tokens = 64, .beam = 1, .rows = 1};
    uint8_t *file = saved(lab, GLOSSA_LAB_MODEL, &size);
    CHECK_INT(glossa_model_open(file, size, NULL, &model, &error), GLOSSA_OK);
    CHECK_INT(glossa_session_open(model, &limits, &session, &error), GLOSSA_OK);
    uint32_t agree = 0;
    *exact = 0;
    for (uint32_t i = 0; i < count; i++) {
        glossa_text source, target, predicted;
        glossa_progress progress = {0};
        glossa_hypothesis h;
        CHECK_INT(glossa_lab_example(lab, true, i, &source, &target, &error), GLOSSA_OK);
        CHECK_INT(glossa_begin(session, &source, 1, &(glossa_options){.beam = 1}, &error), GLOSSA_OK);
        while (!progress.done)
            CHECK_INT(glossa_step(session, &progress, &error), GLOSSA_OK);
        CHECK_INT(glossa_result(session, 0, 0, &h, &error), GLOSSA_OK);
        *exact += h.text.size == target.size && memcmp(h.text.data, target.data, target.size) == 0;
        CHECK_INT(glossa_lab_predict(lab, source, &predicted, &error), GLOSSA_OK);
        agree += h.text.size == predicted.size && memcmp(h.text.data, predicted.data, predicted.size) == 0;
    }
    CHECK_INT(agree, count);
    glossa_session_close(session);
    glossa_model_close(model);
    free(file);
}

/* What is learnt the engine says, and a checkpoint of int8 goes on where float32 would, but for the rounding. */
static void test_learning(void) {
    glossa_error error;
    char *table = table_of(2000, 3, 8);
    glossa_lab *lab =
        OPEN(table, &error, "width", "32", "feed_forward", "64", "heads", "2", "learning_rate", "5e-3", "batch_tokens",
             "200", "steps", "300", "set_aside", "60", "vocabulary", "320", "kernels", "");
    double before, after; /* of training */
    glossa_lab_report report;
    uint32_t exact;
    CHECK_INT(glossa_lab_bleu(lab, 60, &before, &error), GLOSSA_OK);
    steps(lab, 300);
    CHECK_INT(glossa_lab_bleu(lab, 60, &after, &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_evaluate(lab, NULL, 0, 60, &report, &error), GLOSSA_OK);
    CHECK(before < 5 && after > 60);
    CHECK(report.exact * 2 > report.sequences);
    check_against_engine(lab, report.sequences, &exact);
    CHECK_INT(exact, report.exact);
    glossa_lab_close(lab);
    free(table);
}

/* Makes tokens likely that hardly any training does: those that are banned, and single bytes. */
static void prefer(glossa_lab *lab, const uint32_t *tokens, size_t count) {
    glossa_error error;
    glossa_lab_array array;
    float *bias = malloc(lab->network.target_vocabulary * sizeof *bias);
    CHECK_INT(glossa_lab_read(lab, "output.bias", &array, &error), GLOSSA_OK);
    memcpy(bias, array.data, array.width * sizeof *bias);
    for (size_t i = 0; i < count; i++)
        bias[tokens[i]] += 4;
    CHECK_INT(glossa_lab_write(lab, "output.bias", 0, bias, array.width, &error), GLOSSA_OK);
    free(bias);
}

/* The lab decodes by the engine's rules, whatever has been learnt: it bans the same tokens, keeps characters whole and
   ends where the engine does, at twice the source and ten or at the context. */
static void test_decoding(void) {
    glossa_error error;
    static const uint32_t special[] = {0, 1, 2}, bytes[] = {0, 1, 2, 4 + 0x80, 4 + 0xC3, 4 + 0xE2, 4 + 0xF0, 4 + 0x61};
    char *table = table_of(900, 8, 9);
    uint32_t exact;
    for (int taught = 0; taught <= 20; taught += 10) {
        for (int broken = 0; broken < 2; broken++) {
            glossa_lab *lab = OPEN(table, &error, "learning_rate", "1e-2", "warmup", "0", "batch_tokens", "200",
                                   "set_aside", "90", "context", broken ? "20" : "64");
            CHECK_INT(error.status, GLOSSA_OK);
            steps(lab, taught);
            if (broken) prefer(lab, bytes, sizeof bytes / sizeof *bytes);
            check_against_engine(lab, lab ? (uint32_t)lab->corpus->held_out.count : 0, &exact);
            glossa_lab_close(lab);
        }
    }
    free(table);
    glossa_lab_config config;
    glossa_lab *lab;
    glossa_lab_defaults(&config);
    CHECK_INT(glossa_lab_set(&config, "task", "reverse", &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_set(&config, "kernels", "exact", &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_open(&config, NULL, &lab, &error), GLOSSA_OK);
    for (int i = 0; i < 3; i++, steps(lab, 10), prefer(lab, special, 3))
        check_against_engine(lab, 60, &exact);
    glossa_lab_close(lab);
}

/* ---- int8 ---- */

/* The engine's own int8 checkpoint, and each of its matrices from numbers and scales. */
static void test_int8(void) {
    FILE *in = fopen("models/en-de.gguf", "rb");
    if (!in) abort();
    uint8_t *file = aligned_alloc(64, 64 << 20);
    if (!file) abort();
    const size_t size = fread(file, 1, 64 << 20, in);
    fclose(in);
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab *lab;
    glossa_gguf gguf;
    glossa_text text;
    CHECK_INT(glossa_lab_load(file, size, NULL, NULL, &lab, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    CHECK_INT(glossa_gguf_open(file, size, NULL, &gguf, &error), GLOSSA_OK);
    size_t matrices = 0;
    for (size_t i = 0; lab && i < lab->network.count; i++) {
        const glossa_parameter *p = &lab->network.parameters[i];
        const glossa_gguf_tensor *t = glossa_gguf_find_tensor(&gguf, p->name);
        if (!t || t->type != TENSOR_I8) continue;
        char name[96];
        snprintf(name, sizeof name, "%.*s.scale", (int)(strlen(p->name) - strlen(".weight")), p->name);
        const glossa_gguf_tensor *s = glossa_gguf_find_tensor(&gguf, name);
        const float scale = ((const float *)s->data)[s->ne[0] == 1 ? 0 : p->rows - 1];
        CHECK(lab->blocks.values[p->offset + p->rows * p->cols - 1] ==
              scale * (float)((const int8_t *)t->data)[p->rows * p->cols - 1]);
        matrices++;
    }
    CHECK(matrices > 40);
    CHECK_INT(glossa_lab_predict(lab, text_of("Two dogs are playing in the snow."), &text, &error), GLOSSA_OK);
    CHECK_TEXT(text, "Zwei Hunde spielen im Schnee.");
    glossa_gguf_close(&gguf);
    glossa_lab_close(lab);
    free(file);
}

int main(void) {
    RUN(test_tables);
    RUN(test_broken_tables);
    RUN(test_lines);
    RUN(test_a_million_lines);
    RUN(test_merges);
    RUN(test_words);
    RUN(test_memory_of_merges);
    RUN(test_texts_survive);
    RUN(test_drawn_ways);
    RUN(test_what_is_set_aside);
    RUN(test_little_data);
    RUN(test_memory_that_runs_out);
    RUN(test_epochs);
    RUN(test_threads_and_labs);
    RUN(test_going_on);
    RUN(test_failed_attachments);
    RUN(test_vocabulary_of_a_checkpoint);
    RUN(test_words_of_tokens);
    RUN(test_guidance);
    RUN(test_broken_links);
    RUN(test_learning);
    RUN(test_decoding);
    RUN(test_int8);
    return CHECK_RESULT();
}
