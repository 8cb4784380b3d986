/* The whole engine on tiny seeded models: what holds whatever the weights are. */
#include "check.h"
#include "scarcity.h"
#include "tiny_model.h"

typedef struct opened {
    uint8_t *bytes;
    glossa_model *model;
    glossa_session *session;
} opened;

static opened open_tiny(const tiny_options *options) {
    opened o = {0};
    size_t size;
    glossa_error error = {GLOSSA_OK, ""};
    o.bytes = tiny_model(options, 7, &size);
    CHECK_INT(glossa_model_open(o.bytes, size, NULL, &o.model, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    if (!o.model) return o;
    const glossa_limits limits = {.sentences = 8, .source_tokens = 200, .beam = 16, .rows = 32};
    CHECK_INT(glossa_session_open(o.model, &limits, &o.session, &error), GLOSSA_OK);
    return o;
}

static void close_tiny(opened *o) {
    glossa_session_close(o->session);
    glossa_model_close(o->model);
    free(o->bytes);
}

static glossa_text text_of(const char *text) {
    return (glossa_text){text, strlen(text)};
}

static glossa_status run(glossa_session *s, const char *const *texts, size_t count, const glossa_options *options) {
    glossa_text views[8];
    glossa_progress progress = {0};
    for (size_t i = 0; i < count; i++)
        views[i] = text_of(texts[i]);
    glossa_status status = glossa_begin(s, views, count, options, NULL);
    while (status == GLOSSA_OK && !progress.done)
        status = glossa_step(s, &progress, NULL);
    return status;
}

static const char *const TEXTS[] = {"the quick brown fox", "a", "jumps over it", "Zebra", "who are you", "", "   "};
enum { TEXT_COUNT = sizeof TEXTS / sizeof *TEXTS };

static const tiny_options VARIANTS[] = {
    {.float32 = true},
    {0},
    {.pre_norm = true, .untied = true},
    {.ssru = true, .position = "sinusoid-marian", .per_tensor_scale = true},
    {.activation = "gelu-erf", .position = "learned"},
    {.activation = "silu", .position = "sinusoid-halves", .shortlist = true},
};
enum { VARIANT_COUNT = sizeof VARIANTS / sizeof *VARIANTS };

static bool same_hypothesis(const glossa_hypothesis *a, const glossa_hypothesis *b) {
    return a->count == b->count && a->text.size == b->text.size && a->score == b->score &&
           (a->text.size == 0 || !memcmp(a->text.data, b->text.data, a->text.size)) &&
           (a->count == 0 || (!memcmp(a->tokens, b->tokens, a->count * sizeof *a->tokens) &&
                              !memcmp(a->log_probability, b->log_probability, a->count * sizeof *a->log_probability)));
}

/* A sentence's result does not depend, to the bit, on its company. */
static void test_batch_equals_alone(void) {
    for (size_t v = 0; v < VARIANT_COUNT; v++) {
        opened together = open_tiny(&VARIANTS[v]), alone = open_tiny(&VARIANTS[v]);
        for (uint32_t beam = 1; beam <= 4; beam += 3) {
            const glossa_options options = {.beam = beam};
            CHECK_INT(run(together.session, TEXTS, TEXT_COUNT, &options), GLOSSA_OK);
            for (size_t i = 0; i < TEXT_COUNT; i++) {
                CHECK_INT(run(alone.session, &TEXTS[i], 1, &options), GLOSSA_OK);
                const size_t count = glossa_result_count(alone.session, 0);
                CHECK_INT(glossa_result_count(together.session, i), count);
                for (size_t rank = 0; rank < count; rank++) {
                    glossa_hypothesis a, b;
                    CHECK_INT(glossa_result(together.session, i, rank, &a, NULL), GLOSSA_OK);
                    CHECK_INT(glossa_result(alone.session, 0, rank, &b, NULL), GLOSSA_OK);
                    CHECK(same_hypothesis(&a, &b));
                }
            }
        }
        close_tiny(&together);
        close_tiny(&alone);
    }
}

/* A large batch is encoded group by group, so that a step stays short, and that changes no result either. */
static void test_steps_of_a_large_batch(void) {
    enum { SENTENCES = 5, GROUP = 64 };
    static const char text[] = "the quick brown fox jumps over it";
    const char *const texts[SENTENCES] = {text, text, text, text, text};
    for (size_t v = 0; v < VARIANT_COUNT; v++) {
        opened o = open_tiny(&VARIANTS[v]);
        const glossa_token *tokens;
        size_t each, groups = 0;
        CHECK_INT(glossa_tokenize(o.session, text_of(text), &tokens, &each, NULL), GLOSSA_OK);
        CHECK(each > GROUP / SENTENCES && each <= GROUP && each * SENTENCES <= 200);
        for (size_t first = 0; first < SENTENCES; first += GROUP / each)
            groups++;
        CHECK(groups > 1);
        const size_t row_groups = (each * SENTENCES + GROUP - 1) / GROUP;
        glossa_model_info info;
        glossa_model_describe(o.model, &info);
        const size_t encoding = info.encoder_layers * (groups + row_groups) + groups;
        glossa_text views[SENTENCES];
        for (size_t i = 0; i < SENTENCES; i++)
            views[i] = text_of(texts[i]);
        glossa_progress progress = {0};
        glossa_status status = glossa_begin(o.session, views, SENTENCES, NULL, NULL);
        while (status == GLOSSA_OK && progress.target_tokens == 0)
            status = glossa_step(o.session, &progress, NULL);
        CHECK_INT(status, GLOSSA_OK);
        CHECK_INT(progress.steps_done, encoding + 1);

        opened alone = open_tiny(&VARIANTS[v]);
        glossa_hypothesis a, b;
        CHECK_INT(run(o.session, texts, SENTENCES, NULL), GLOSSA_OK);
        CHECK_INT(run(alone.session, texts, 1, NULL), GLOSSA_OK);
        CHECK_INT(glossa_result(alone.session, 0, 0, &b, NULL), GLOSSA_OK);
        for (size_t i = 0; i < SENTENCES; i++) {
            CHECK_INT(glossa_result(o.session, i, 0, &a, NULL), GLOSSA_OK);
            CHECK(same_hypothesis(&a, &b));
        }
        close_tiny(&o);
        close_tiny(&alone);
    }
}

static void test_blank_text(void) {
    opened o = open_tiny(&VARIANTS[1]);
    glossa_hypothesis h;
    CHECK_INT(run(o.session, &TEXTS[5], 2, NULL), GLOSSA_OK);
    CHECK_INT(glossa_result(o.session, 1, 0, &h, NULL), GLOSSA_OK);
    CHECK_INT(h.count, 0);
    CHECK_INT(h.text.size, 0);
    close_tiny(&o);
}

/* A shortlist that names every id is no shortlist. */
static void test_full_shortlist(void) {
    tiny_options with = {.shortlist = true}, without = {0};
    opened a = open_tiny(&with), b = open_tiny(&without);
    const glossa_options options = {.beam = 3};
    CHECK_INT(run(a.session, TEXTS, 5, &options), GLOSSA_OK);
    CHECK_INT(run(b.session, TEXTS, 5, &options), GLOSSA_OK);
    for (size_t i = 0; i < 5; i++) {
        glossa_hypothesis x, y;
        CHECK_INT(glossa_result(a.session, i, 0, &x, NULL), GLOSSA_OK);
        CHECK_INT(glossa_result(b.session, i, 0, &y, NULL), GLOSSA_OK);
        CHECK(same_hypothesis(&x, &y));
    }
    close_tiny(&a);
    close_tiny(&b);
}

/* n-best lists are sorted, differ, and their scores are what their log-probabilities say; a wider beam is no worse. */
static void test_n_best(void) {
    opened o = open_tiny(&VARIANTS[1]);
    for (uint32_t beam = 1; beam <= 16; beam++) {
        const glossa_options options = {.beam = beam};
        CHECK_INT(run(o.session, TEXTS, 2, &options), GLOSSA_OK);
        for (size_t i = 0; i < 2; i++) {
            const size_t count = glossa_result_count(o.session, i);
            CHECK(count >= 1 && count <= beam);
            float last = 0;
            for (size_t rank = 0; rank < count; rank++) {
                glossa_hypothesis h;
                CHECK_INT(glossa_result(o.session, i, rank, &h, NULL), GLOSSA_OK);
                double sum = 0;
                for (size_t t = 0; t < h.count; t++) {
                    CHECK(h.log_probability[t] <= 0);
                    CHECK(h.tokens[t].id != TINY_UNK && h.tokens[t].id != TINY_PAD && h.tokens[t].id != TINY_BOS);
                    CHECK((h.tokens[t].id == TINY_EOS) <= (t + 1 == h.count));
                    sum += (double)h.log_probability[t];
                }
                CHECK_NEAR(h.score, sum / (double)h.count, 1e-5);
                CHECK(rank == 0 || h.score <= last);
                last = h.score;
            }
        }
    }
    close_tiny(&o);
}

static void test_normalize(void) {
    opened o = open_tiny(&VARIANTS[1]);
    const float values[] = {0, 0.6f, 2};
    for (size_t i = 0; i < 3; i++) {
        const glossa_options options = {.beam = 4, .normalize_set = true, .normalize = values[i]};
        CHECK_INT(run(o.session, TEXTS, 1, &options), GLOSSA_OK);
        glossa_hypothesis h;
        CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
        double sum = 0;
        for (size_t t = 0; t < h.count; t++)
            sum += (double)h.log_probability[t];
        CHECK_NEAR(h.score, sum / pow((double)h.count, (double)values[i]), 1e-4);
    }
    close_tiny(&o);
}

static void test_search_rules(void) {
    opened o = open_tiny(&VARIANTS[1]);
    for (int search = 0; search <= 2; search++) {
        const glossa_options options = {.beam = 4, .search = (glossa_search)search, .max_length = 9};
        CHECK_INT(run(o.session, TEXTS, 5, &options), GLOSSA_OK);
        for (size_t i = 0; i < 5; i++) {
            glossa_hypothesis h;
            CHECK_INT(glossa_result(o.session, i, 0, &h, NULL), GLOSSA_OK);
            CHECK(h.count >= 1 && h.count <= 9);
            /* transformers' rules force the end; the others let the length run out */
            if (search == GLOSSA_SEARCH_HUGGINGFACE) CHECK_INT(h.tokens[h.count - 1].id, TINY_EOS);
        }
    }
    close_tiny(&o);
}

static void test_forced_prefix(void) {
    opened o = open_tiny(&VARIANTS[1]);
    const uint32_t prefix[] = {TINY_SPACE, TINY_LETTERS + 3, TINY_LETTERS};
    const glossa_options options = {.beam = 3, .prefix = prefix, .prefix_count = 3};
    CHECK_INT(run(o.session, TEXTS, 1, &options), GLOSSA_OK);
    for (size_t rank = 0; rank < glossa_result_count(o.session, 0); rank++) {
        glossa_hypothesis h;
        CHECK_INT(glossa_result(o.session, 0, rank, &h, NULL), GLOSSA_OK);
        CHECK(h.count > 3);
        for (size_t t = 0; t < 3; t++)
            CHECK_INT(h.tokens[t].id, prefix[t]);
    }
    CHECK_INT(run(o.session, TEXTS, 2, &options), GLOSSA_ERROR_ARGUMENT);
    close_tiny(&o);
}

/* "the fox" is "the" as a source prefix before "fox", but for the spans. */
static void test_source_prefix(void) {
    opened a = open_tiny(&VARIANTS[1]), b = open_tiny(&VARIANTS[1]);
    const uint32_t prefix[] = {TINY_SPACE, TINY_LETTERS + 't' - 'a', TINY_LETTERS + 'h' - 'a',
                               TINY_LETTERS + 'e' - 'a'};
    glossa_hypothesis x, y;
    CHECK_INT(run(a.session, (const char *const[]){"the fox"}, 1, NULL), GLOSSA_OK);
    const glossa_options options = {.source_prefix = prefix, .source_prefix_count = 4};
    CHECK_INT(run(b.session, (const char *const[]){"fox"}, 1, &options), GLOSSA_OK);
    CHECK_INT(glossa_result(a.session, 0, 0, &x, NULL), GLOSSA_OK);
    CHECK_INT(glossa_result(b.session, 0, 0, &y, NULL), GLOSSA_OK);
    CHECK(same_hypothesis(&x, &y));
    close_tiny(&a);
    close_tiny(&b);
}

static bool is_language(glossa_language language, const char *tag, int32_t token) {
    return language.tag.size == strlen(tag) && language.token == token &&
           (!language.tag.size || !memcmp(language.tag.data, tag, language.tag.size));
}

static void test_languages(void) {
    opened one = open_tiny(&VARIANTS[1]), two = open_tiny(&(tiny_options){.targets = 2, .target_tokens = 2});
    CHECK(is_language(glossa_model_language(one.model, false, 0), "en", -1));
    CHECK(is_language(glossa_model_language(one.model, true, 0), "de", -1));
    CHECK(is_language(glossa_model_language(one.model, true, 1), "", -1));
    CHECK(is_language(glossa_model_language(two.model, false, 0), "en", -1));
    CHECK(is_language(glossa_model_language(two.model, true, 0), "de", TINY_LETTERS + 't' - 'a'));
    CHECK(is_language(glossa_model_language(two.model, true, 1), "fr", TINY_LETTERS + 'u' - 'a'));
    CHECK(is_language(glossa_model_language(two.model, true, 2), "", -1));
    CHECK(is_language(glossa_model_language(two.model, true, SIZE_MAX), "", -1));
    glossa_model_info info;
    glossa_model_describe(two.model, &info);
    CHECK(info.target_language.size == 2 && !memcmp(info.target_language.data, "de", 2));
    close_tiny(&one);
    close_tiny(&two);
}

/* The hypothesis of greedy search, given back as a prefix, is found again with the same log-probabilities. */
static void test_prefix_of_itself(void) {
    opened o = open_tiny(&VARIANTS[3]);
    glossa_hypothesis h;
    uint32_t ids[TINY_CONTEXT];
    float logp[TINY_CONTEXT];
    CHECK_INT(run(o.session, TEXTS, 1, NULL), GLOSSA_OK);
    CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
    const size_t count = h.count;
    for (size_t t = 0; t < count; t++) {
        ids[t] = h.tokens[t].id;
        logp[t] = h.log_probability[t];
    }
    const glossa_options options = {.prefix = ids, .prefix_count = count - 1};
    CHECK_INT(run(o.session, TEXTS, 1, &options), GLOSSA_OK);
    CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
    CHECK_INT(h.count, count);
    CHECK(h.count == count && !memcmp(logp, h.log_probability, count * sizeof *logp));
    close_tiny(&o);
}

static void test_banned_and_no_repeat(void) {
    opened o = open_tiny(&VARIANTS[0]);
    glossa_hypothesis h;
    CHECK_INT(run(o.session, TEXTS, 1, NULL), GLOSSA_OK);
    CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
    const uint32_t first = h.tokens[0].id;
    CHECK(first != TINY_EOS);
    const glossa_options banned = {.beam = 2, .banned = &first, .banned_count = 1};
    CHECK_INT(run(o.session, TEXTS, 1, &banned), GLOSSA_OK);
    CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
    for (size_t t = 0; t < h.count; t++)
        CHECK(h.tokens[t].id != first);

    const glossa_options guard = {.beam = 2, .no_repeat_ngram = 1};
    CHECK_INT(run(o.session, TEXTS, 1, &guard), GLOSSA_OK);
    CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
    for (size_t t = 0; t < h.count; t++) {
        for (size_t u = 0; u < t; u++)
            CHECK(h.tokens[t].id != h.tokens[u].id);
    }
    close_tiny(&o);
}

/* Partial text only grows, and is a prefix of the result. */
static void test_partial(void) {
    opened o = open_tiny(&VARIANTS[1]);
    for (uint32_t beam = 1; beam <= 5; beam += 4) {
        const glossa_options options = {.beam = beam};
        const glossa_text text = text_of(TEXTS[0]);
        glossa_progress progress = {0};
        char before[256] = "";
        size_t size = 0;
        CHECK_INT(glossa_begin(o.session, &text, 1, &options, NULL), GLOSSA_OK);
        while (!progress.done) {
            glossa_text partial;
            CHECK_INT(glossa_step(o.session, &progress, NULL), GLOSSA_OK);
            CHECK_INT(glossa_partial(o.session, 0, &partial, NULL), GLOSSA_OK);
            CHECK(partial.size >= size && partial.size < sizeof before && !memcmp(partial.data, before, size));
            memcpy(before, partial.data, partial.size);
            size = partial.size;
        }
        glossa_hypothesis h;
        CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
        CHECK(h.text.size == size && !memcmp(h.text.data, before, size));
    }
    close_tiny(&o);
}

static void check_attention(const float *weights, size_t heads, size_t rows, size_t cols, bool causal) {
    for (size_t h = 0; h < heads; h++) {
        for (size_t r = 0; r < rows; r++) {
            double sum = 0;
            for (size_t c = 0; c < cols; c++) {
                const float w = weights[(h * rows + r) * cols + c];
                CHECK(w >= 0 && w <= 1);
                if (causal && c > r) CHECK(w == 0);
                sum += (double)w;
            }
            CHECK_NEAR(sum, 1, 1e-5);
        }
    }
}

static void test_explain(void) {
    for (size_t v = 0; v < VARIANT_COUNT; v++) {
        opened o = open_tiny(&VARIANTS[v]);
        const glossa_options options = {.beam = 3, .top_k = 8};
        CHECK_INT(run(o.session, TEXTS, 5, &options), GLOSSA_OK);
        for (size_t i = 0; i < 5; i++) {
            glossa_explanation e;
            glossa_hypothesis h;
            CHECK_INT(glossa_explain(o.session, i, 0, &e, NULL), GLOSSA_OK);
            CHECK_INT(glossa_result(o.session, i, 0, &h, NULL), GLOSSA_OK);
            CHECK_INT(e.target_count, h.count);
            check_attention(e.encoder_attention, TINY_ENCODER * TINY_HEADS, e.source_count, e.source_count, false);
            check_attention(e.cross_attention, TINY_DECODER * TINY_HEADS, e.target_count, e.source_count, false);
            CHECK((e.decoder_attention == NULL) == VARIANTS[v].ssru);
            if (e.decoder_attention) {
                check_attention(e.decoder_attention, TINY_DECODER * TINY_HEADS, e.target_count, e.target_count, true);
            }
            for (size_t t = 0; t < e.target_count; t++) {
                CHECK(e.log_probability[t] == h.log_probability[t]);
                for (uint32_t k = 0; k < e.top_k; k++) {
                    /* where the chosen token is among the candidates, the forced pass gave it the search's number */
                    const size_t at = t * e.top_k + k;
                    if (e.top_ids[at] == h.tokens[t].id) CHECK(e.top_log_probability[at] == h.log_probability[t]);
                    if (k) CHECK(e.top_log_probability[at] <= e.top_log_probability[at - 1]);
                    CHECK(e.top_ids[at] != TINY_UNK);
                }
            }
        }
        close_tiny(&o);
    }
}

/* Switching all heads of a layer off leaves attention's bias alone; switching one off changes something. */
static void test_head_mask(void) {
    opened o = open_tiny(&VARIANTS[1]);
    uint8_t mask[(TINY_ENCODER + 2 * TINY_DECODER) * TINY_HEADS] = {0};
    glossa_hypothesis plain, masked;
    CHECK_INT(run(o.session, TEXTS, 1, NULL), GLOSSA_OK);
    CHECK_INT(glossa_result(o.session, 0, 0, &plain, NULL), GLOSSA_OK);
    const float before = plain.score;
    const glossa_options options = {.head_mask = mask};
    CHECK_INT(run(o.session, TEXTS, 1, &options), GLOSSA_OK);
    CHECK_INT(glossa_result(o.session, 0, 0, &masked, NULL), GLOSSA_OK);
    CHECK(masked.score == before);
    const size_t parts[] = {1, (TINY_ENCODER + 1) * TINY_HEADS, (TINY_ENCODER + TINY_DECODER) * TINY_HEADS + 2};
    for (size_t i = 0; i < 3; i++) {
        memset(mask, 0, sizeof mask);
        mask[parts[i]] = 1;
        CHECK_INT(run(o.session, TEXTS, 1, &options), GLOSSA_OK);
        CHECK_INT(glossa_result(o.session, 0, 0, &masked, NULL), GLOSSA_OK);
        CHECK(masked.score != before);
    }
    close_tiny(&o);
}

/* Without the causal mask every row sees every key, whatever the variant; the search finds what it finds with it, and
   positions that are left out change it. */
static void test_without(void) {
    for (size_t v = 0; v < VARIANT_COUNT; v++) {
        opened o = open_tiny(&VARIANTS[v]);
        glossa_error error = {GLOSSA_OK, ""};
        glossa_explanation e;
        glossa_hypothesis h;
        CHECK_INT(run(o.session, TEXTS, 5, &(glossa_options){.beam = 3}), GLOSSA_OK);
        CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
        const float score = h.score;
        const glossa_options causal = {.beam = 3, .top_k = 4, .without = GLOSSA_WITHOUT_CAUSAL};
        const glossa_text text = text_of(TEXTS[0]);
        if (VARIANTS[v].ssru) {
            CHECK_INT(glossa_begin(o.session, &text, 1, &causal, &error), GLOSSA_ERROR_UNSUPPORTED);
            CHECK_CONTAINS(error.message, "no self-attention");
        } else {
            CHECK_INT(run(o.session, TEXTS, 5, &causal), GLOSSA_OK);
            CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
            CHECK(h.score == score);
            for (size_t i = 0; i < 5; i++) {
                CHECK_INT(glossa_explain(o.session, i, 0, &e, NULL), GLOSSA_OK);
                const size_t n = e.target_count;
                check_attention(e.decoder_attention, TINY_DECODER * TINY_HEADS, n, n, false);
                check_attention(e.cross_attention, TINY_DECODER * TINY_HEADS, n, e.source_count, false);
                CHECK(n < 2 || e.decoder_attention[1] > 0); /* the first row, the second key */
                for (size_t t = 0; t < n; t++)
                    CHECK(e.log_probability[t] <= 0);
            }
        }
        CHECK_INT(run(o.session, TEXTS, 5, &(glossa_options){.beam = 3, .without = GLOSSA_WITHOUT_POSITIONS}),
                  GLOSSA_OK);
        CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
        CHECK(h.score != score);
        CHECK_INT(run(o.session, TEXTS, 5, &(glossa_options){.beam = 3}), GLOSSA_OK);
        CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
        CHECK(h.score == score);
        close_tiny(&o);
    }
}

/* Without the causal mask, and without candidates: the same log-probabilities as with them. */
static void test_without_candidates(void) {
    opened o = open_tiny(&VARIANTS[1]);
    glossa_explanation e;
    float want[64];
    size_t count = 0;
    for (int i = 0; i < 2; i++) {
        const glossa_options options = {.beam = 3, .top_k = i ? 0 : 4, .without = GLOSSA_WITHOUT_CAUSAL};
        CHECK_INT(run(o.session, TEXTS, 1, &options), GLOSSA_OK);
        CHECK_INT(glossa_explain(o.session, 0, 0, &e, NULL), GLOSSA_OK);
        if (i == 0) {
            count = e.target_count < 64 ? e.target_count : 64;
            memcpy(want, e.log_probability, count * sizeof *want);
        }
        CHECK(count > 0);
        CHECK(memcmp(want, e.log_probability, count * sizeof *want) == 0);
    }
    close_tiny(&o);
}

/* The branches of every step make up the hypotheses that are found. */
static void test_branches(void) {
    for (int search = 0; search < 3; search++) {
        opened o = open_tiny(&VARIANTS[1]);
        const glossa_options options = {.beam = 3, .search = (glossa_search)search};
        const glossa_text text = text_of(TEXTS[0]);
        glossa_branch now[2 * GLOSSA_MAX_BEAM];
        glossa_progress progress = {0};
        glossa_hypothesis h;
        CHECK_INT(glossa_branches(o.session, 0, now), 0);
        CHECK_INT(glossa_begin(o.session, &text, 1, &options, NULL), GLOSSA_OK);
        size_t live = 1, steps = 0;
        bool won = false;
        float finished = -INFINITY;
        while (!progress.done) {
            CHECK_INT(glossa_step(o.session, &progress, NULL), GLOSSA_OK);
            const size_t count = glossa_branches(o.session, 0, now);
            CHECK(count <= 6);
            if (count == 0) {
                CHECK_INT(steps, 0);
                continue;
            }
            size_t next = 0;
            for (size_t i = 0; i < count; i++) {
                CHECK(now[i].parent < live);
                CHECK(i == 0 || now[i].score <= now[i - 1].score);
                next += now[i].fate == GLOSSA_BRANCH_LIVE;
                if (now[i].fate != GLOSSA_BRANCH_DROPPED && now[i].score > finished && now[i].token == TINY_EOS)
                    finished = now[i].score;
            }
            CHECK(next <= 3);
            live = next;
            steps++;
        }
        CHECK_INT(glossa_result(o.session, 0, 0, &h, NULL), GLOSSA_OK);
        const glossa_token last = h.tokens[h.count - 1];
        for (size_t i = 0; i < glossa_branches(o.session, 0, now); i++)
            won = won || (now[i].token == last.id && now[i].score == h.score);
        CHECK(won || finished == h.score);
        CHECK_INT(glossa_branches(o.session, 1, now), 0);
        close_tiny(&o);
    }
}

/* The best cut is the tokenizer's, the others are no better, and each spells the text. */
static void test_cuts(void) {
    opened o = open_tiny(&VARIANTS[0]);
    glossa_session *s = o.session;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_cut cuts[GLOSSA_MAX_CUTS];
    size_t found = 9, count;
    const glossa_token *tokens, *own;
    glossa_token copy[64];
    CHECK_INT(glossa_tokenize(s, text_of("the quick fox"), &own, &count, NULL), GLOSSA_OK);
    CHECK(count <= 64);
    memcpy(copy, own, count * sizeof *own);
    CHECK_INT(glossa_cuts(s, text_of("the quick fox"), GLOSSA_MAX_CUTS, cuts, &found, &tokens, NULL), GLOSSA_OK);
    CHECK(found >= 1 && cuts[0].count == count - 1);
    CHECK(memcmp(copy, tokens, cuts[0].count * sizeof *tokens) == 0);
    for (size_t i = 0; i < found; tokens += cuts[i].count, i++) {
        CHECK(i == 0 || cuts[i].score <= cuts[i - 1].score);
        for (size_t t = 0; t < cuts[i].count; t++)
            CHECK(tokens[t].begin == (t ? tokens[t - 1].end : 0));
        CHECK_INT(tokens[cuts[i].count - 1].end, 13);
    }
    CHECK_INT(glossa_cuts(s, text_of("  "), 3, cuts, &found, &tokens, NULL), GLOSSA_OK);
    CHECK_INT(found, 0);
    CHECK_INT(glossa_cuts(s, text_of("a"), 0, cuts, &found, &tokens, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "0 cuts");
    CHECK_INT(glossa_cuts(s, text_of("a"), 17, cuts, &found, &tokens, &error), GLOSSA_ERROR_ARGUMENT);
    static char large[GLOSSA_MAX_CUT_BYTES + 1];
    memset(large, 'o', sizeof large);
    CHECK_INT(glossa_cuts(s, (glossa_text){large, sizeof large}, 3, cuts, &found, &tokens, &error), GLOSSA_ERROR_LIMIT);
    CHECK_CONTAINS(error.message, "4097 bytes, more than 4096");
    CHECK_INT(glossa_cuts(s, (glossa_text){large, sizeof large - 1}, 3, cuts, &found, &tokens, NULL), GLOSSA_OK);
    CHECK_INT(glossa_cuts(s, (glossa_text){NULL, 1}, 3, cuts, &found, &tokens, &error), GLOSSA_ERROR_ARGUMENT);
    close_tiny(&o);
}

#define REFUSED(call, status, part)                                                                                    \
    do {                                                                                                               \
        glossa_error refused = {GLOSSA_OK, ""};                                                                        \
        CHECK_INT((call), (status));                                                                                   \
        CHECK_CONTAINS(refused.message, (part));                                                                       \
    } while (0)

/* Every wrong call says what was wrong, and the next right one works. */
static void test_bad_calls(void) {
    opened o = open_tiny(&VARIANTS[1]);
    glossa_session *s = o.session;
    glossa_hypothesis h;
    glossa_explanation e;
    glossa_progress progress;
    const glossa_text text = text_of("fox"), missing = {NULL, 3};
    REFUSED(glossa_step(s, &progress, &refused), GLOSSA_ERROR_STATE, "no batch");
    REFUSED(glossa_result(s, 0, 0, &h, &refused), GLOSSA_ERROR_STATE, "no finished batch");
    REFUSED(glossa_explain(s, 0, 0, &e, &refused), GLOSSA_ERROR_STATE, "no finished batch");
    REFUSED(glossa_begin(s, &text, 0, NULL, &refused), GLOSSA_ERROR_ARGUMENT, "at least one text");
    REFUSED(glossa_begin(s, &missing, 1, NULL, &refused), GLOSSA_ERROR_ARGUMENT, "NULL");
    REFUSED(glossa_begin(s, &text, 1, &(glossa_options){.beam = 1000}, &refused), GLOSSA_ERROR_ARGUMENT,
            "beam is 1000");
    REFUSED(glossa_begin(s, &text, 1, &(glossa_options){.max_length = 41}, &refused), GLOSSA_ERROR_ARGUMENT, "41");
    REFUSED(glossa_begin(s, &text, 1, &(glossa_options){.top_k = 65}, &refused), GLOSSA_ERROR_ARGUMENT, "top_k is 65");
    REFUSED(glossa_begin(s, &text, 1, &(glossa_options){.normalize_set = true, .normalize = NAN}, &refused),
            GLOSSA_ERROR_ARGUMENT, "normalize");
    REFUSED(glossa_begin(s, &text, 1, &(glossa_options){.without = 4}, &refused), GLOSSA_ERROR_ARGUMENT,
            "without is 4");
    const uint32_t far = TINY_VOCABULARY;
    REFUSED(glossa_begin(s, &text, 1, &(glossa_options){.prefix = &far, .prefix_count = 1}, &refused),
            GLOSSA_ERROR_ARGUMENT, "prefix token 0 is 57");
    REFUSED(glossa_begin(s, &text, 1, &(glossa_options){.banned = &far, .banned_count = 1}, &refused),
            GLOSSA_ERROR_ARGUMENT, "banned token 0 is 57");
    const glossa_text longer = text_of("this sentence has more than forty letters in it");
    REFUSED(glossa_begin(s, &longer, 1, NULL, &refused), GLOSSA_ERROR_LIMIT, "context is 40");
    const glossa_text many[9] = {text, text, text, text, text, text, text, text, text};
    REFUSED(glossa_begin(s, many, 9, NULL, &refused), GLOSSA_ERROR_LIMIT, "9 sentences");
    REFUSED(glossa_begin(s, many, 8, &(glossa_options){.beam = 5}, &refused), GLOSSA_ERROR_LIMIT, "32");
    REFUSED(glossa_step(s, &progress, &refused), GLOSSA_ERROR_STATE, "no batch");
    CHECK_INT(run(s, TEXTS, 1, NULL), GLOSSA_OK);
    REFUSED(glossa_result(s, 1, 0, &h, &refused), GLOSSA_ERROR_ARGUMENT, "sentence 1 of a batch of 1");
    REFUSED(glossa_result(s, 0, 1, &h, &refused), GLOSSA_ERROR_ARGUMENT, "hypothesis 1");
    CHECK_INT(glossa_result(s, 0, 0, &h, NULL), GLOSSA_OK);

    /* a second begin while one is under way forgets the first */
    CHECK_INT(glossa_begin(s, &text, 1, NULL, NULL), GLOSSA_OK);
    CHECK_INT(glossa_step(s, &progress, NULL), GLOSSA_OK);
    REFUSED(glossa_result(s, 0, 0, &h, &refused), GLOSSA_ERROR_STATE, "no finished batch");
    CHECK_INT(run(s, TEXTS, 2, NULL), GLOSSA_OK);

    glossa_error error = {GLOSSA_OK, ""};
    glossa_session *none;
    CHECK_INT(glossa_session_open(o.model, &(glossa_limits){.beam = 17, .rows = 40}, &none, &error),
              GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "beam is 17");
    CHECK_INT(glossa_model_use_kernels(o.model, "quantum", &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "quantum");
    close_tiny(&o);
}

/* A call that must fail for a NULL, and name it. */
#define NULL_REFUSED(call, name)                                                                                       \
    do {                                                                                                               \
        glossa_error error = {GLOSSA_OK, ""};                                                                          \
        CHECK_INT(call, GLOSSA_ERROR_ARGUMENT);                                                                        \
        CHECK_CONTAINS(error.message, "'" name "' is NULL");                                                           \
    } while (0)

static void test_null(void) {
    opened o = open_tiny(&VARIANTS[1]);
    glossa_model *model;
    glossa_session *session;
    const glossa_token *tokens;
    size_t count;
    glossa_text text = text_of("a");
    glossa_hypothesis hypothesis;
    glossa_explanation explanation;
    NULL_REFUSED(glossa_model_open(NULL, 1, NULL, &model, &error), "bytes");
    NULL_REFUSED(glossa_model_open(o.bytes, 1, NULL, NULL, &error), "model");
    NULL_REFUSED(glossa_model_use_kernels(o.model, NULL, &error), "name");
    NULL_REFUSED(glossa_model_use_kernels(NULL, "scalar", &error), "model");
    NULL_REFUSED(glossa_session_open(NULL, NULL, &session, &error), "model");
    NULL_REFUSED(glossa_session_open(o.model, NULL, NULL, &error), "session");
    NULL_REFUSED(glossa_tokenize(NULL, text, &tokens, &count, &error), "session");
    NULL_REFUSED(glossa_tokenize(o.session, text, NULL, &count, &error), "tokens");
    NULL_REFUSED(glossa_tokenize(o.session, text, &tokens, NULL, &error), "count");
    glossa_cut cut;
    NULL_REFUSED(glossa_cuts(NULL, text, 1, &cut, &count, &tokens, &error), "session");
    NULL_REFUSED(glossa_cuts(o.session, text, 1, NULL, &count, &tokens, &error), "cuts");
    NULL_REFUSED(glossa_cuts(o.session, text, 1, &cut, NULL, &tokens, &error), "found");
    NULL_REFUSED(glossa_cuts(o.session, text, 1, &cut, &count, NULL, &error), "tokens");
    NULL_REFUSED(glossa_begin(NULL, &text, 1, NULL, &error), "session");
    NULL_REFUSED(glossa_begin(o.session, NULL, 1, NULL, &error), "texts");
    NULL_REFUSED(glossa_step(NULL, NULL, &error), "session");
    CHECK_INT(run(o.session, TEXTS, 1, NULL), GLOSSA_OK);
    NULL_REFUSED(glossa_result(NULL, 0, 0, &hypothesis, &error), "session");
    NULL_REFUSED(glossa_result(o.session, 0, 0, NULL, &error), "hypothesis");
    NULL_REFUSED(glossa_partial(NULL, 0, &text, &error), "session");
    NULL_REFUSED(glossa_partial(o.session, 0, NULL, &error), "text");
    NULL_REFUSED(glossa_explain(NULL, 0, 0, &explanation, &error), "session");
    NULL_REFUSED(glossa_explain(o.session, 0, 0, NULL, &error), "explanation");
    glossa_error error = {GLOSSA_OK, ""};
    CHECK_INT(glossa_model_open(o.bytes, 1, &(glossa_allocator){0}, &model, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "allocator lacks a function");
    CHECK_INT(glossa_result(o.session, 0, 0, &hypothesis, &error), GLOSSA_OK); /* the batch is still there */
    close_tiny(&o);
}

/* ---- bounds on memory ---------------------------------------------------------------------------------------------
 */

/* What does not fit a session's bound is refused with what it needs, and the session goes on. */
static void test_memory_bound(void) {
    opened o = open_tiny(&VARIANTS[1]);
    glossa_session *s;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_hypothesis h;
    glossa_explanation e;
    const glossa_text text = text_of(TEXTS[0]);
    CHECK_INT(glossa_session_open(o.model, NULL, &s, &error), GLOSSA_OK);
    CHECK_INT(run(s, TEXTS, 1, NULL), GLOSSA_OK);
    CHECK_INT(glossa_result(s, 0, 0, &h, &error), GLOSSA_OK);
    const glossa_limits limits = {.memory = glossa_session_bytes(s) + 100};
    glossa_session_close(s);

    char bound[64];
    snprintf(bound, sizeof bound, "more than its bound of %llu (limits.memory)", (unsigned long long)limits.memory);
    CHECK_INT(glossa_session_open(o.model, &limits, &s, &error), GLOSSA_OK);
    CHECK_INT(glossa_begin(s, &text, 1, &(glossa_options){.beam = 5}, &error), GLOSSA_ERROR_LIMIT);
    CHECK_CONTAINS(error.message, "the batch needs ");
    CHECK_CONTAINS(error.message, bound);
    CHECK_INT(run(s, TEXTS, 1, NULL), GLOSSA_OK);
    CHECK_INT(glossa_result(s, 0, 0, &h, &error), GLOSSA_OK);
    CHECK_INT(glossa_explain(s, 0, 0, &e, &error), GLOSSA_ERROR_LIMIT);
    CHECK_CONTAINS(error.message, "the explanation needs ");
    CHECK_CONTAINS(error.message, bound);
    CHECK_INT(glossa_result(s, 0, 0, &h, &error), GLOSSA_OK);
    CHECK(glossa_session_bytes(s) <= limits.memory);
    glossa_session_close(s);

    CHECK_INT(glossa_session_open(o.model, &(glossa_limits){.memory = 12000}, &s, &error), GLOSSA_ERROR_LIMIT);
    CHECK_CONTAINS(error.message, "limits: a session of 1024 tokens in 16 sentences needs ");
    CHECK_CONTAINS(error.message, "more than its bound of 12000 (limits.memory)");
    CHECK(s == NULL);
    CHECK_INT(glossa_session_open(o.model, &(glossa_limits){.memory = 14000}, &s, &error), GLOSSA_OK);
    CHECK_INT(glossa_begin(s, &text, 1, NULL, &error), GLOSSA_ERROR_LIMIT);
    CHECK_CONTAINS(error.message, "the table of positions needs 5120 bytes beside the ");
    CHECK_CONTAINS(error.message, "more than its bound of 14000");
    glossa_session_close(s);
    close_tiny(&o);
}

/* The table of positions is as long as batches need, not as the context that a file claims. */
static void test_positions_grow(void) {
    opened o = open_tiny(&(tiny_options){.context = 65536}), same = open_tiny(&VARIANTS[1]);
    const size_t opened_bytes = glossa_session_bytes(o.session), row = TINY_D * sizeof(float);
    CHECK(opened_bytes < 10000);
    glossa_hypothesis a, b;
    CHECK_INT(run(o.session, TEXTS, 1, &(glossa_options){.max_length = 40}), GLOSSA_OK);
    CHECK_INT(run(same.session, TEXTS, 1, NULL), GLOSSA_OK);
    CHECK_INT(glossa_result(o.session, 0, 0, &a, NULL), GLOSSA_OK);
    CHECK_INT(glossa_result(same.session, 0, 0, &b, NULL), GLOSSA_OK);
    CHECK(same_hypothesis(&a, &b));
    const size_t short_bytes = glossa_session_bytes(o.session);
    CHECK_INT(run(o.session, TEXTS, 1, &(glossa_options){.max_length = 1000}), GLOSSA_OK);
    CHECK(glossa_session_bytes(o.session) >= short_bytes + 700 * row);
    CHECK_INT(glossa_result(o.session, 0, 0, &a, NULL), GLOSSA_OK);
    CHECK_INT(memcmp(a.log_probability, b.log_probability, b.count * sizeof(float)), 0);
    close_tiny(&o);
    close_tiny(&same);
}

static void refuse_model(const tiny_options *options, glossa_status status, const char *part) {
    size_t size;
    uint8_t *bytes = tiny_model(options, 7, &size);
    glossa_model *model;
    glossa_error error = {GLOSSA_OK, ""};
    CHECK_INT(glossa_model_open(bytes, size, NULL, &model, &error), status);
    CHECK_CONTAINS(error.message, part);
    CHECK(model == NULL);
    glossa_model_close(model);
    free(bytes);
}

static void test_bad_models(void) {
    refuse_model(&(tiny_options){.format_version = 2}, GLOSSA_ERROR_UNSUPPORTED, "format_version' is 2");
    refuse_model(&(tiny_options){.activation = "tanh"}, GLOSSA_ERROR_UNSUPPORTED, "'glossa.activation' is 'tanh'");
    refuse_model(&(tiny_options){.position = "rotary"}, GLOSSA_ERROR_UNSUPPORTED, "'rotary'");
    refuse_model(&(tiny_options){.omit = "dec.blk.1.cross_attn_k.weight"}, GLOSSA_ERROR_FORMAT,
                 "'dec.blk.1.cross_attn_k.weight' is missing");
    refuse_model(&(tiny_options){.spoil = "enc.blk.0.attn_norm.weight"}, GLOSSA_ERROR_FORMAT,
                 "'enc.blk.0.attn_norm.weight' holds NaN");
    refuse_model(&(tiny_options){.spoil = "dec.blk.0.ffn_up.scale"}, GLOSSA_ERROR_FORMAT,
                 "'dec.blk.0.ffn_up.scale' holds NaN");
    refuse_model(&(tiny_options){.float32 = true, .spoil = "token_embd.weight"}, GLOSSA_ERROR_FORMAT,
                 "'token_embd.weight' holds NaN");
    refuse_model(&(tiny_options){.float32 = true, .widen = "enc.blk.1.ffn_down.weight"}, GLOSSA_ERROR_FORMAT,
                 "'enc.blk.1.ffn_down.weight' has shape [48, 33], need [48, 32]");
    refuse_model(&(tiny_options){.far_id = 4000000}, GLOSSA_ERROR_FORMAT,
                 "checkpoint: its vocabulary would take the model to 16");
    refuse_model(&(tiny_options){.targets = 3, .target_tokens = 2}, GLOSSA_ERROR_FORMAT,
                 "'glossa.target_language_tokens' has 2 elements for 3 target languages");
    refuse_model(&(tiny_options){.targets = 3, .target_tokens = 3}, GLOSSA_ERROR_FORMAT,
                 "'glossa.target_language_tokens' element 2 is 57, beyond the vocabulary of 57");
}

/* Matrices that read one quantized input are of one type; others may differ. */
static void test_mixed_types(void) {
    static const struct {
        tiny_options options;
        const char *first;
    } wrong[] = {
        {{.mix = "enc.blk.1.attn_q"}, "'enc.blk.1.attn_q.weight' is F32, but 'enc.blk.1.attn_k.weight', which"},
        {{.mix = "enc.blk.0.attn_v"}, "'enc.blk.0.attn_q.weight' is I8, but 'enc.blk.0.attn_v.weight', which"},
        {{.mix = "dec.blk.1.attn_k", .float32 = true},
         "'dec.blk.1.attn_q.weight' is F32, but 'dec.blk.1.attn_k.weight', which reads the same input, is I8"},
        {{.mix = "dec.blk.0.ssru_f", .ssru = true}, "'dec.blk.0.ssru_w.weight' is I8, but 'dec.blk.0.ssru_f.weight'"},
        {{.mix = "dec.blk.0.cross_attn_k"}, "'dec.blk.0.cross_attn_k.weight' is F32, but 'dec.blk.0.cross_attn_v.w"},
        {{.mix = "dec.blk.1.cross_attn_k"}, "'dec.blk.0.cross_attn_k.weight' is I8, but 'dec.blk.1.cross_attn_k.w"},
        {{.mix = "dec.blk.1.cross_attn_v"}, "'dec.blk.0.cross_attn_k.weight' is I8, but 'dec.blk.1.cross_attn_v.w"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuse_model(&wrong[i].options, GLOSSA_ERROR_UNSUPPORTED, wrong[i].first);

    static const char *const right[] = {"enc.blk.0.attn_o",       "enc.blk.1.ffn_up", "dec.blk.0.ffn_down",
                                        "dec.blk.1.cross_attn_q", "dec.blk.0.attn_o", "token_embd"};
    for (size_t i = 0; i < 2 * sizeof right / sizeof *right; i++) {
        const tiny_options options = {.mix = right[i / 2], .float32 = i % 2};
        opened together = open_tiny(&options), alone = open_tiny(&options);
        CHECK_INT(run(together.session, TEXTS, 3, NULL), GLOSSA_OK);
        CHECK_INT(run(alone.session, &TEXTS[2], 1, NULL), GLOSSA_OK);
        glossa_hypothesis a, b;
        CHECK_INT(glossa_result(together.session, 2, 0, &a, NULL), GLOSSA_OK);
        CHECK_INT(glossa_result(alone.session, 0, 0, &b, NULL), GLOSSA_OK);
        CHECK(same_hypothesis(&a, &b));
        close_tiny(&together);
        close_tiny(&alone);
    }
}

/* ---- memory that runs out at the n-th call ---- */

/* Everything that can be done with a model; the number of the status that stopped it. */
static glossa_status whole_life(const uint8_t *bytes, size_t size, const glossa_allocator *allocator) {
    glossa_model *model;
    glossa_session *session = NULL;
    glossa_status status = glossa_model_open(bytes, size, allocator, &model, NULL);
    if (status == GLOSSA_OK) status = glossa_session_open(model, NULL, &session, NULL);
    const glossa_token *tokens;
    size_t count;
    if (status == GLOSSA_OK) status = glossa_tokenize(session, text_of("fox"), &tokens, &count, NULL);
    glossa_cut cuts[4];
    if (status == GLOSSA_OK) status = glossa_cuts(session, text_of("fox"), 4, cuts, &count, &tokens, NULL);
    if (status == GLOSSA_OK) status = run(session, TEXTS, 3, &(glossa_options){.beam = 2, .top_k = 3});
    glossa_hypothesis h;
    glossa_explanation e;
    if (status == GLOSSA_OK) status = glossa_result(session, 0, 1, &h, NULL);
    if (status == GLOSSA_OK) status = glossa_explain(session, 1, 0, &e, NULL);
    glossa_session_close(session);
    glossa_model_close(model);
    return status;
}

static void test_out_of_memory(void) {
    size_t size;
    uint8_t *bytes = tiny_model(&VARIANTS[1], 7, &size);
    int calls = 0;
    for (;; calls++) {
        scarcity f = {.left = calls};
        const glossa_allocator allocator = {scarce_allocate, scarce_release, &f};
        const glossa_status status = whole_life(bytes, size, &allocator);
        CHECK_INT(f.live, 0);
        if (status == GLOSSA_OK) break;
        CHECK_INT(status, GLOSSA_ERROR_MEMORY);
        if (calls > 1000) break;
    }
    CHECK(calls > 10 && calls < 1000);
    free(bytes);
}

/* No allocation between begin and the end, and what is held is what is reported. */
static void test_no_allocation_while_decoding(void) {
    size_t size;
    uint8_t *bytes = tiny_model(&VARIANTS[1], 7, &size);
    scarcity f = {.left = 1000000};
    const glossa_allocator allocator = {scarce_allocate, scarce_release, &f};
    glossa_model *model;
    glossa_session *session;
    CHECK_INT(glossa_model_open(bytes, size, &allocator, &model, NULL), GLOSSA_OK);
    CHECK_INT(glossa_session_open(model, NULL, &session, NULL), GLOSSA_OK);
    const glossa_text text = text_of(TEXTS[0]);
    glossa_progress progress = {0};
    CHECK_INT(glossa_begin(session, &text, 1, &(glossa_options){.beam = 5}, NULL), GLOSSA_OK);
    const int before = f.left;
    while (!progress.done)
        CHECK_INT(glossa_step(session, &progress, NULL), GLOSSA_OK);
    CHECK_INT(f.left, before);
    const size_t held = glossa_session_bytes(session);
    for (int i = 0; i < 50; i++)
        CHECK_INT(run(session, TEXTS, 1, &(glossa_options){.beam = 5}), GLOSSA_OK);
    CHECK_INT(glossa_session_bytes(session), held);
    glossa_session_close(session);
    glossa_model_close(model);
    CHECK_INT(f.live, 0);
    free(bytes);
}

int main(void) {
    RUN(test_batch_equals_alone);
    RUN(test_steps_of_a_large_batch);
    RUN(test_blank_text);
    RUN(test_full_shortlist);
    RUN(test_n_best);
    RUN(test_normalize);
    RUN(test_search_rules);
    RUN(test_forced_prefix);
    RUN(test_source_prefix);
    RUN(test_languages);
    RUN(test_prefix_of_itself);
    RUN(test_banned_and_no_repeat);
    RUN(test_partial);
    RUN(test_explain);
    RUN(test_head_mask);
    RUN(test_without);
    RUN(test_without_candidates);
    RUN(test_branches);
    RUN(test_cuts);
    RUN(test_bad_calls);
    RUN(test_null);
    RUN(test_memory_bound);
    RUN(test_positions_grow);
    RUN(test_bad_models);
    RUN(test_mixed_types);
    RUN(test_out_of_memory);
    RUN(test_no_allocation_while_decoding);
    return CHECK_RESULT();
}
