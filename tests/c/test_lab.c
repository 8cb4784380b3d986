/*
 * The lab as a whole: it agrees with the engine, learns, goes on to the bit, gives the same bits for any number of
 * threads, allocates nothing while it trains, and says what is wrong with what it is given.
 */
#include <stdlib.h>

#include "check.h"
#include "glossa.h"
#include "glossa_lab_sharing.h"
#include "lab_helpers.h"
#include "scarcity.h"

/* ---- helpers ---- */

static bool refuse(void *user, const void *bytes, size_t size) {
    (void)bytes;
    size_t *left = user;
    if (size > *left) return false;
    *left -= size;
    return true;
}

/* A lab by settings up to a NULL. */
static glossa_lab *open_lab(const char *const *settings, glossa_error *error) {
    glossa_lab_config config;
    glossa_lab *lab = NULL;
    *error = (glossa_error){GLOSSA_OK, ""};
    glossa_lab_defaults(&config);
    for (; *settings; settings += 2)
        if (glossa_lab_set(&config, settings[0], settings[1], error)) return NULL;
    glossa_lab_open(&config, NULL, &lab, error);
    return lab;
}

#define OPEN(error, ...) open_lab((const char *const[]){__VA_ARGS__, NULL}, (error))

static glossa_lab *small(glossa_error *error, const char *shards, const char *threads, const char *kernels) {
    return OPEN(error, "task", "reverse", "width", "16", "feed_forward", "32", "longest", "6", "batch", "16", "dropout",
                "0.1", "label_smoothing", "0.1", "schedule", "inverse-sqrt", "warmup", "5", "shards", shards, "threads",
                threads, "kernels", kernels);
}

/* ---- the engine ---- */

static const char *const variants[][16] = {
    {"norm", "post", NULL},
    {"norm", "pre", "activation", "gelu-erf", "output", "untied", NULL},
    {"activation", "silu", "position", "learned", "heads", "8", "encoder_layers", "2", NULL},
    {"mixer", "ssru", "start", "zero-vector", "position", "sinusoid-marian", "decoder_layers", "2", NULL},
    {"norm", "pre", "mixer", "ssru", "activation", "gelu-tanh", "position", "sinusoid-halves", NULL},
    {"activation", "gelu-sigmoid", "output_bias", "no", "initial", "torch", "average", "0.9", NULL},
    {"initial", "kaiming", "heads", "1", NULL},
};

static double difference(const float *a, const float *b, size_t count) {
    double worst = 0;
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
    return worst;
}

/* Compares an array of the lab with the engine's: to the bit, or within 1e-5. */
static void check_array(const glossa_lab *lab, const char *name, const float *expected, size_t count, bool exact) {
    glossa_lab_array array;
    glossa_error error = {GLOSSA_OK, ""};
    CHECK_INT(glossa_lab_read(lab, name, &array, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    if (exact && memcmp(array.data, expected, count * sizeof *expected) != 0) fprintf(stderr, "%s: ", name);
    if (exact)
        CHECK(memcmp(array.data, expected, count * sizeof *expected) == 0);
    else
        CHECK_NEAR(difference(array.data, expected, count), 0, 1e-5);
}

static void compare_with_engine(glossa_lab *lab, glossa_session *session, const glossa_model_info *info) {
    const bool exact = lab->kernels->tolerance == 0.0f;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_explanation e;
    CHECK_INT(glossa_explain(session, 0, 0, &e, &error), GLOSSA_OK);
    uint32_t source[64], target[64], best[64];
    float log_probability[64];
    const size_t s = e.source_count, t = e.target_count, h = info->heads, d = info->width;
    for (size_t i = 0; i < s; i++)
        source[i] = e.source[i].id;
    for (size_t i = 0; i < t; i++)
        target[i] = e.target[i].id;
    const glossa_lab_batch batch = {
        1, source, (const uint32_t[]){0, (uint32_t)s}, target, (const uint32_t[]){0, (uint32_t)t}, NULL};
    CHECK_INT(glossa_lab_forward(lab, &batch, log_probability, best, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    if (exact)
        CHECK(memcmp(log_probability, e.log_probability, t * sizeof(float)) == 0);
    else
        CHECK_NEAR(difference(log_probability, e.log_probability, t), 0, 1e-5);
    check_array(lab, "enc.embd", e.encoder_hidden, s * d, exact);
    check_array(lab, "enc.blk.0", e.encoder_hidden + s * d, s * d, exact);
    check_array(lab, "dec.blk.0", e.decoder_hidden + t * d, t * d, exact);
    check_array(lab, "enc.blk.0.attn", e.encoder_attention, h * s * s, exact);
    check_array(lab, "dec.blk.0.cross_attn", e.cross_attention, h * t * s, exact);
    if (e.decoder_attention) check_array(lab, "dec.blk.0.attn", e.decoder_attention, h * t * t, exact);
}

/* Some steps of training, an export, and the same sentence through both. */
static void check_variant(const char *const *settings, const char *kernels) {
    glossa_lab_config config;
    glossa_lab *lab;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab_defaults(&config);
    glossa_lab_set(&config, "task", "addition", &error);
    glossa_lab_set(&config, "kernels", kernels, &error);
    glossa_lab_set(&config, "batch", "8", &error);
    glossa_lab_set(&config, "learning_rate", "1e-3", &error);
    for (; *settings; settings += 2)
        CHECK_INT(glossa_lab_set(&config, settings[0], settings[1], &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_open(&config, NULL, &lab, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    steps(lab, 3);
    size_t size;
    uint8_t *file = saved(lab, GLOSSA_LAB_MODEL, &size);
    glossa_model *model;
    glossa_session *session;
    glossa_model_info info;
    CHECK_INT(glossa_model_open(file, size, NULL, &model, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    glossa_model_describe(model, &info);
    CHECK_TEXT(info.source_language, "zxx");
    CHECK_INT(glossa_session_open(model, NULL, &session, &error), GLOSSA_OK);
    const glossa_text text = {"12+3456789", 10};
    glossa_progress progress = {0};
    CHECK_INT(glossa_begin(session, &text, 1, &(glossa_options){.max_length = 12}, &error), GLOSSA_OK);
    while (!progress.done)
        CHECK_INT(glossa_step(session, &progress, &error), GLOSSA_OK);
    compare_with_engine(lab, session, &info);
    glossa_session_close(session);
    glossa_model_close(model);
    glossa_lab_close(lab);
    free(file);
}

static void test_the_forward_pass_is_the_engines(void) {
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        for (const glossa_gradients *const *t = glossa_gradients_all(); *t; t++)
            check_variant(variants[i], (*t)->name);
}

/* ---- determinism ---- */

static void test_threads_change_nothing(void) {
    glossa_error error;
    static const char *const shards[] = {"1", "2", "3", "4", "7"};
    for (size_t i = 0; i < 5; i++) {
        glossa_lab *one = small(&error, shards[i], "1", "exact"), *three = small(&error, shards[i], "3", "exact");
        glossa_lab *scalar = small(&error, shards[i], "2", "scalar");
        steps(one, 5);
        steps(three, 5);
        steps(scalar, 5);
        CHECK(same_values(one, three));
        CHECK(same_values(one, scalar));
        glossa_lab_close(one);
        glossa_lab_close(three);
        glossa_lab_close(scalar);
    }
}

/* Shards differ in rounding alone: dropout and all else are the same. */
/* Two labs share the parts of each step, as worker threads of JavaScript do. */
static void test_labs_share_a_training(void) {
    glossa_error error;
    glossa_lab *whole = small(&error, "3", "1", "exact"), *labs[2];
    labs[0] = small(&error, "3", "1", "exact");
    labs[1] = small(&error, "3", "1", "exact");
    CHECK(whole && labs[0] && labs[1]);
    CHECK_INT(glossa_lab_change(whole, "accumulate", "2", &error), GLOSSA_OK);
    for (int i = 0; i < 2; i++)
        CHECK_INT(glossa_lab_change(labs[i], "accumulate", "2", &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_parts(labs[0]), 6);
    for (int step = 0; step < 4; step++) {
        glossa_lab_report expected, report;
        glossa_lab_gradients part;
        size_t floats;
        for (uint32_t p = 0; p < 6; p++) {
            CHECK_INT(glossa_lab_compute(labs[p % 2], p, &part, &error), GLOSSA_OK);
            CHECK_INT(glossa_lab_add(labs[0], p, &part, &error), GLOSSA_OK);
        }
        CHECK_INT(glossa_lab_finish(labs[0], &report, &error), GLOSSA_OK);
        const float *weights = glossa_lab_weights(labs[0], &floats);
        CHECK_INT(glossa_lab_follow(labs[1], weights, floats, report.step, &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_step(whole, NULL, &expected, &error), GLOSSA_OK);
        CHECK(same_values(whole, labs[0]));
        CHECK_INT(report.tokens, expected.tokens);
        CHECK_INT(report.sequences, expected.sequences);
        CHECK(report.norm == expected.norm);
    }
    glossa_lab_gradients part;
    CHECK_INT(glossa_lab_finish(labs[0], NULL, &error), GLOSSA_ERROR_STATE);
    CHECK_STRING(error.message, "0 of 6 parts were added");
    CHECK_INT(glossa_lab_compute(labs[0], 6, &part, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_INT(glossa_lab_compute(labs[0], 1, &part, &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_add(labs[0], 1, &part, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_STRING(error.message, "part 1 does not follow, 0 were added");
    CHECK_INT(glossa_lab_follow(labs[1], part.data, 3, 9, &error), GLOSSA_ERROR_ARGUMENT);
    glossa_lab_close(whole);
    glossa_lab_close(labs[0]);
    glossa_lab_close(labs[1]);
}

static void test_predictions(void) {
    glossa_error error;
    glossa_text target;
    glossa_lab_array cross;
    glossa_lab *lab = OPEN(&error, "task", "copy", "width", "32", "feed_forward", "64", "longest", "3", "learning_rate",
                           "3e-3", "warmup", "20");
    steps(lab, 200);
    CHECK_INT(glossa_lab_predict(lab, (glossa_text){"731", 3}, &target, &error), GLOSSA_OK);
    CHECK_STRING(target.data, "731");
    CHECK_INT(glossa_lab_read(lab, "dec.blk.0.cross_attn", &cross, &error), GLOSSA_OK);
    CHECK_INT(cross.rows, 4);
    CHECK_INT(cross.width, 4);
    CHECK_INT(glossa_lab_predict(lab, (glossa_text){"7x1", 3}, &target, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_STRING(error.message, "character 1 of the source is none of task 'copy': 0123456789");
    CHECK_INT(glossa_lab_predict(lab, (glossa_text){"", 0}, &target, &error), GLOSSA_ERROR_LIMIT);
    char many[65];
    memset(many, '1', sizeof many);
    CHECK_INT(glossa_lab_predict(lab, (glossa_text){many, 64}, &target, &error), GLOSSA_ERROR_LIMIT);
    CHECK_INT(glossa_lab_predict(lab, (glossa_text){many, 63}, &target, &error), GLOSSA_OK);
    glossa_lab_close(lab);
}

static void test_shards_differ_in_rounding_alone(void) {
    glossa_error error;
    glossa_lab *one = small(&error, "1", "1", "exact"), *four = small(&error, "4", "1", "exact");
    glossa_lab_report a, b;
    for (int i = 0; i < 10; i++) {
        CHECK_INT(glossa_lab_step(one, NULL, &a, &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_step(four, NULL, &b, &error), GLOSSA_OK);
        CHECK_NEAR(a.loss, b.loss, 1e-5);
    }
    CHECK(!same_values(one, four));
    glossa_lab_close(one);
    glossa_lab_close(four);
}

static const char *const resumed[][10] = {
    {"optimizer", "adam", NULL},
    {"optimizer", "muon", "accumulate", "2", NULL},
    {"optimizer", "sgd", "schedule", "plateau", "plateau_patience", "1", NULL},
    {"optimizer", "adamw", "average", "0.9", "schedule", "cosine", NULL},
};

static bool same_settings(glossa_lab_config *a, glossa_lab_config *b) {
    const glossa_setting *s;
    bool same = true;
    for (size_t i = 0; (s = glossa_setting_at(i)); i++) {
        if (s->kind == SETTING_REAL)
            same = same && *glossa_setting_real(s, a) == *glossa_setting_real(s, b);
        else if (s->kind == SETTING_TEXT)
            same = same && !strcmp(glossa_setting_text(s, a), glossa_setting_text(s, b));
        else
            same = same && *glossa_setting_count(s, a) == *glossa_setting_count(s, b);
    }
    return same;
}

static void test_a_training_goes_on_to_the_bit(void) {
    for (size_t i = 0; i < sizeof resumed / sizeof *resumed; i++) {
        glossa_lab_config config;
        glossa_lab *whole, *again;
        glossa_error error = {GLOSSA_OK, ""};
        glossa_lab *parent = small(&error, "3", "1", "exact");
        config = *glossa_lab_configuration(parent);
        glossa_lab_close(parent);
        for (const char *const *s = resumed[i]; *s; s += 2)
            CHECK_INT(glossa_lab_set(&config, s[0], s[1], &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_open(&config, NULL, &whole, &error), GLOSSA_OK);
        for (int j = 0; j < 4; j++) {
            steps(whole, 2);
            glossa_lab_plateau(whole, 5.0 + j);
        }
        size_t size;
        uint8_t *file = saved(whole, GLOSSA_LAB_STATE, &size);
        CHECK_INT(glossa_lab_load(file, size, NULL, NULL, &again, &error), GLOSSA_OK);
        CHECK_STRING(error.message, "");
        free(file);
        CHECK(same_settings(&whole->config, &again->config));
        for (int j = 0; j < 3; j++) {
            glossa_lab_report a, b;
            CHECK_INT(glossa_lab_step(whole, NULL, &a, &error), GLOSSA_OK);
            CHECK_INT(glossa_lab_step(again, NULL, &b, &error), GLOSSA_OK);
            CHECK(a.loss == b.loss && a.norm == b.norm && a.learning_rate == b.learning_rate);
            glossa_lab_plateau(whole, 9);
            glossa_lab_plateau(again, 9);
        }
        CHECK(same_values(whole, again));
        CHECK_INT(again->step, 11);
        glossa_lab_close(whole);
        glossa_lab_close(again);
    }
}

/* A model without its state opens too, with the optimizer anew. */
static void test_a_model_opens_again(void) {
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab *lab = small(&error, "2", "1", "exact"), *again;
    steps(lab, 3);
    size_t size, second_size;
    uint8_t *file = saved(lab, GLOSSA_LAB_MODEL, &size);
    CHECK_INT(glossa_lab_load(file, size, NULL, NULL, &again, &error), GLOSSA_OK);
    CHECK(same_values(lab, again));
    CHECK_INT(again->step, 0);
    uint8_t *second = saved(again, GLOSSA_LAB_MODEL, &second_size); /* with the keys that it does not use */
    glossa_model *model;
    CHECK_INT(glossa_model_open(second, second_size, NULL, &model, &error), GLOSSA_OK);
    CHECK_TEXT(glossa_model_piece(model, false, 4), "0");
    glossa_model_close(model);
    glossa_lab_close(lab);
    glossa_lab_close(again);
    free(file);
    free(second);
}

/* ---- learning ---- */

static void test_every_parameter_moves(void) {
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        glossa_lab_config config;
        glossa_lab *lab;
        glossa_error error = {GLOSSA_OK, ""};
        glossa_lab_defaults(&config);
        glossa_lab_set(&config, "task", "pig-latin", &error);
        glossa_lab_set(&config, "batch", "8", &error);
        glossa_lab_set(&config, "warmup", "0", &error);
        for (const char *const *s = variants[v]; *s; s += 2)
            CHECK_INT(glossa_lab_set(&config, s[0], s[1], &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_open(&config, NULL, &lab, &error), GLOSSA_OK);
        check_moves(lab);
        glossa_lab_close(lab);
    }
}

static void test_the_first_loss_is_that_of_a_guess(void) {
    glossa_error error;
    glossa_lab_report report;
    glossa_lab *lab = OPEN(&error, "task", "copy", "output", "untied", "label_smoothing", "0.1");
    CHECK_INT(glossa_lab_step(lab, NULL, &report, &error), GLOSSA_OK);
    CHECK_NEAR(report.loss, log(14) + 0.5, 0.2); /* logits are nearly normal, with a variance of 1 */
    glossa_lab_close(lab);
}

/* One batch is learnt by heart, by each optimizer. */
static void test_a_batch_is_learnt_by_heart(void) {
    static const char *const rates[][2] = {{"adam", "3e-3"}, {"adamw", "3e-3"}, {"sgd", "0.3"}, {"muon", "1e-2"}};
    for (size_t i = 0; i < 4; i++) {
        glossa_error error = {GLOSSA_OK, ""};
        glossa_lab *lab = OPEN(&error, "vocabulary", "12", "width", "16", "feed_forward", "32", "optimizer",
                               rates[i][0], "learning_rate", rates[i][1], "warmup", "10", "beta2", "0.99");
        const uint32_t source[] = {4, 5, 6, 3, 8, 7, 3, 9, 3}, target[] = {6, 5, 4, 3, 7, 8, 3, 11, 3};
        const uint32_t starts[] = {0, 4, 7, 9};
        const glossa_lab_batch batch = {3, source, starts, target, starts, NULL};
        glossa_lab_report report = {0};
        for (int j = 0; j < 200; j++)
            CHECK_INT(glossa_lab_step(lab, &batch, &report, &error), GLOSSA_OK);
        CHECK_INT(glossa_lab_evaluate(lab, &batch, 0, 0, &report, &error), GLOSSA_OK);
        CHECK_INT(report.exact, 3);
        CHECK(report.loss < 0.1);
        glossa_lab_close(lab);
    }
}

/* ---- memory ---- */

static size_t allocations, held, most_held;

static void *count_allocate(void *user, size_t size) {
    (void)user;
    size_t *block = aligned_alloc(16, (size + 16 + 15) / 16 * 16);
    if (!block) return NULL;
    allocations++;
    *block = size;
    held += size;
    if (held > most_held) most_held = held;
    return block + 2;
}

static void count_release(void *user, void *memory) {
    (void)user;
    size_t *block = (size_t *)memory - 2;
    held -= *block;
    free(block);
}

static void test_nothing_is_allocated_while_training(void) {
    const glossa_allocator allocator = {count_allocate, count_release, NULL};
    glossa_lab_config config;
    glossa_lab *lab;
    glossa_lab_report report;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab_defaults(&config);
    glossa_lab_set(&config, "task", "dates", &error);
    glossa_lab_set(&config, "optimizer", "muon", &error);
    glossa_lab_set(&config, "batch", "8", &error);
    CHECK_INT(glossa_lab_open(&config, &allocator, &lab, &error), GLOSSA_OK);
    const size_t before = allocations;
    for (int i = 0; i < 20; i++)
        CHECK_INT(glossa_lab_step(lab, NULL, &report, &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_evaluate(lab, NULL, 0, 50, &report, &error), GLOSSA_OK);
    CHECK_INT(allocations, before);
    const size_t bytes = glossa_lab_bytes(lab);
    CHECK(bytes > held * 9 / 10 && bytes < held * 11 / 10);
    glossa_lab_close(lab);
    CHECK_INT(held, 0);
}

/* ---- bad input ---- */

static void test_bad_settings(void) {
    static const struct {
        const char *name, *value, *message;
    } bad[] = {
        {"widht", "64", "there is no setting 'widht'"},
        {"width", "ten", "setting 'width' is 'ten', need a number"},
        {"width", "99999999", "setting 'width' is '99999999', need a whole number from 16 to 65536"},
        {"width", "64.5", "need a whole number"},
        {"learning_rate", "nan", "setting 'learning_rate' is 'nan', need a number"},
        {"learning_rate", "inf", "need a number"},
        {"learning_rate", "-1", "setting 'learning_rate' is '-1', need 0 or more"},
        {"dropout", "1", "setting 'dropout' is '1', need 0 or more and below 1"},
        {"norm", "middle", "setting 'norm' is 'middle', need one of post, pre"},
        {"task", "juggle", "setting 'task' is 'juggle', need one of copy, reverse"},
        {"preset", "huge", "setting 'preset' is 'huge', need one of pairs, tutorial, tutorial-small"},
        {"kernels", "a-name-that-is-far-too-long", "setting 'kernels' is"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        glossa_lab_config config, before;
        glossa_error error = {GLOSSA_OK, ""};
        memset(&config, 0, sizeof config); /* padding is compared too */
        glossa_lab_defaults(&config);
        memcpy(&before, &config, sizeof config);
        CHECK_INT(glossa_lab_set(&config, bad[i].name, bad[i].value, &error), GLOSSA_ERROR_ARGUMENT);
        CHECK_CONTAINS(error.message, bad[i].message);
        CHECK(memcmp(&config, &before, sizeof config) == 0);
    }
}

static void test_settings_that_do_not_fit(void) {
    glossa_error error;
    CHECK(!OPEN(&error, "width", "72"));
    CHECK_CONTAINS(error.message, "'width' and 'feed_forward' are 72 and 256, need multiples of 16");
    CHECK(!OPEN(&error, "heads", "5"));
    CHECK_CONTAINS(error.message, "setting 'heads' is 5, which does not divide the width 64");
    CHECK(!OPEN(&error, "shortest", "13"));
    CHECK_CONTAINS(error.message, "setting 'shortest' is 13, more than 'longest', 12");
    CHECK(!OPEN(&error, "task", "reverse", "longest", "64"));
    CHECK_CONTAINS(error.message, "task 'reverse' with 'longest' 64 makes sources of 65");
    CHECK(!OPEN(&error, "kernels", "abacus"));
    CHECK_CONTAINS(error.message, "kernels 'abacus' are not in this build");
}

static void *little_memory(void *user, size_t size) {
    return size > 1 << 28 ? NULL : count_allocate(user, size);
}

static void test_a_network_that_is_too_large(void) {
    const glossa_allocator allocator = {little_memory, count_release, NULL};
    glossa_lab_config config;
    glossa_lab *lab;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab_defaults(&config);
    config.width = config.feed_forward = 65536;
    config.encoder_layers = config.decoder_layers = 64;
    CHECK(glossa_lab_open(&config, &allocator, &lab, &error) != GLOSSA_OK);
    CHECK(error.status == GLOSSA_ERROR_MEMORY || error.status == GLOSSA_ERROR_LIMIT); /* of 64 bits, or of 32 */
    CHECK(strstr(error.message, "parameters") || strstr(error.message, "too large"));
    CHECK(lab == NULL);
    CHECK_INT(held, 0);
}

/* Every allocation fails once; nothing is left behind. */
static void test_little_memory(void) {
    glossa_lab_config config;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab_defaults(&config);
    glossa_lab_set(&config, "task", "copy", &error);
    glossa_status status = GLOSSA_ERROR_MEMORY;
    for (int left = 0; status != GLOSSA_OK; left++) {
        scarcity memory = {left, 0};
        glossa_lab *lab;
        const glossa_allocator allocator = {scarce_allocate, scarce_release, &memory};
        status = glossa_lab_open(&config, &allocator, &lab, &error);
        CHECK(status == GLOSSA_OK || status == GLOSSA_ERROR_MEMORY);
        glossa_lab_close(lab);
        CHECK_INT(memory.live, 0);
        CHECK(left < 100);
        if (left >= 100) return;
    }
}

static void test_bad_batches(void) {
    glossa_error error;
    glossa_lab *lab = OPEN(&error, "vocabulary", "10", "context", "4", "width", "16", "feed_forward", "16");
    const uint32_t ids[] = {4, 5, 3, 10, 3, 3}, good[] = {4, 5, 3, 4, 3, 3}, starts[] = {0, 3, 5};
    const uint32_t empty[] = {0, 3, 3}, backwards[] = {0, 5, 3}, longer[] = {0, 5};
    const glossa_lab_batch bad[] = {
        {0, good, starts, good, starts, NULL},
        {2, ids, starts, good, starts, NULL},
        {2, good, starts, ids, starts, NULL},
        {2, good, empty, good, starts, NULL},
        {2, good, starts, good, backwards, NULL},
        {1, good, longer, good, starts, NULL},
        {2, NULL, starts, good, starts, NULL},
        {2, good, starts, good, starts, (const float[]){NAN, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    };
    static const char *const messages[] = {"the batch has 0 pairs",
                                           "source 1 of the batch has token 10, beyond the vocabulary of 10",
                                           "target 1 of the batch has token 10, beyond the vocabulary of 10",
                                           "source 1 of the batch is empty",
                                           "target 0 of the batch has 5 tokens, more than the context of 4",
                                           "source 0 of the batch has 5 tokens, more than the context of 4",
                                           "the batch has no source",
                                           "the alignment of pair 0 holds a number that is not from 0 to 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(glossa_lab_step(lab, &bad[i], NULL, &error) != GLOSSA_OK);
        CHECK_CONTAINS(error.message, messages[i]);
    }
    CHECK_INT(glossa_lab_step(lab, NULL, NULL, &error), GLOSSA_ERROR_STATE);
    CHECK_CONTAINS(error.message, "neither a task nor data");
    CHECK_INT(glossa_lab_steps(lab), 0);
    CHECK_INT(glossa_lab_step(lab, &(glossa_lab_batch){2, good, starts, good, starts, NULL}, NULL, &error), GLOSSA_OK);
    glossa_lab_array array;
    CHECK_INT(glossa_lab_read(lab, "enc.blk.7", &array, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "there is no array 'enc.blk.7'");
    CHECK_INT(glossa_lab_change(lab, "width", "32", &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "setting 'width' is fixed");
    CHECK_INT(glossa_lab_change(lab, "learning_rate", "0.5", &error), GLOSSA_OK);
    CHECK(glossa_lab_configuration(lab)->learning_rate == 0.5);
    size_t room = 10;
    CHECK_INT(glossa_lab_save(lab, GLOSSA_LAB_MODEL, (glossa_sink){refuse, &room}, &error), GLOSSA_ERROR_STATE);
    CHECK_CONTAINS(error.message, "no vocabulary");
    glossa_lab_close(lab);
}

/* A row that is written is read again, and nothing beside it is touched; what does not fit changes nothing. */
static void test_a_row_is_written(void) {
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab *lab = OPEN(&error, "task", "copy", "batch", "4", "width", "16", "optimizer", "sgd");
    const char *name = "token_embd.weight";
    float row[16], before[3 * 16];
    glossa_lab_array array;
    CHECK_INT(glossa_lab_read(lab, name, &array, &error), GLOSSA_OK);
    memcpy(before, array.data, sizeof before);
    for (int i = 0; i < 16; i++)
        row[i] = (float)i;
    CHECK_INT(glossa_lab_write(lab, name, 1, row, 16, &error), GLOSSA_OK);
    CHECK(memcmp(array.data + 16, row, sizeof row) == 0);
    CHECK(memcmp(array.data, before, sizeof row) == 0 && memcmp(array.data + 32, before + 32, sizeof row) == 0);
    CHECK_INT(glossa_lab_write(lab, "token_embd", 1, row, 16, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "there is no parameter 'token_embd'");
    CHECK_INT(glossa_lab_write(lab, name, array.rows, row, 16, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "is none of 'token_embd.weight'");
    CHECK_INT(glossa_lab_write(lab, name, 1, row, 15, &error), GLOSSA_ERROR_ARGUMENT);
    const float bad[16] = {[3] = NAN};
    CHECK_INT(glossa_lab_write(lab, name, 1, bad, 16, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, "number 3 for row 1");
    CHECK(memcmp(array.data + 16, row, sizeof row) == 0);
    glossa_lab_close(lab);
}

/* A rate far too high, by SGD, whose steps grow with the gradient: training stops, and the weights are finite again. */
static void test_a_training_that_diverges(void) {
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab *lab = OPEN(&error, "task", "copy", "batch", "8", "width", "16", "optimizer", "sgd", "learning_rate",
                           "1e6", "clip", "0", "norm", "pre", "warmup", "0");
    float *first = malloc(lab->network.floats * sizeof *first);
    if (!first) abort();
    memcpy(first, lab->blocks.values, lab->network.floats * sizeof *first);
    glossa_status status = GLOSSA_OK;
    int count = 0;
    while (status == GLOSSA_OK && count++ < 90)
        status = glossa_lab_step(lab, NULL, NULL, &error);
    CHECK_INT(status, GLOSSA_ERROR_DIVERGED);
    CHECK_CONTAINS(error.message, "training diverged at step ");
    CHECK_CONTAINS(error.message, "the norm of the gradient ");
    CHECK_CONTAINS(error.message, "after step 0 again");
    CHECK(memcmp(first, lab->blocks.values, lab->network.floats * sizeof *first) == 0);
    CHECK_INT(glossa_lab_change(lab, "learning_rate", "1e-3", &error), GLOSSA_OK);
    glossa_lab_report report;
    CHECK_INT(glossa_lab_evaluate(lab, NULL, 0, 10, &report, &error), GLOSSA_OK);
    CHECK(report.loss < 10);
    free(first);
    glossa_lab_close(lab);
}

/* Without an optimizer there are gradients, those of any other, and everything else stays; a state of it goes on. */
static void test_without_an_optimizer(void) {
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab *with = OPEN(&error, "task", "copy", "batch", "8", "width", "16"), *again,
               *lab = OPEN(&error, "task", "copy", "batch", "8", "width", "16", "optimizer", "none", "average", "0.9");
    const size_t bytes = lab->network.floats * sizeof(float);
    CHECK_INT(glossa_lab_bytes(with) - glossa_lab_bytes(lab), 2 * bytes); /* three blocks fewer, and the mean */
    steps(with, 1);
    steps(lab, 1);
    CHECK(memcmp(with->blocks.gradients, lab->blocks.gradients, bytes) == 0);
    CHECK(!same_values(with, lab));
    glossa_lab_array array;
    CHECK_INT(glossa_lab_read(lab, "output.bias", &array, &error), GLOSSA_OK);
    float bias[64] = {[3] = 1e38f, [4] = -1e38f};
    CHECK_INT(glossa_lab_write(lab, "output.bias", 0, bias, array.width, &error), GLOSSA_OK);
    size_t size;
    uint8_t *file = saved(lab, GLOSSA_LAB_STATE, &size);
    CHECK_INT(glossa_lab_load(file, size, NULL, NULL, &again, &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_steps(again), 1);
    CHECK(same_values(again, lab));
    while (glossa_lab_step(lab, NULL, NULL, &error) == GLOSSA_OK && glossa_lab_steps(lab) < 10)
        ;
    CHECK(same_values(again, lab));
    glossa_lab_close(again);
    glossa_lab_close(lab);
    glossa_lab_close(with);
    free(file);
}

static void test_a_full_disk(void) {
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab *lab = small(&error, "2", "1", "exact");
    size_t room = 20000;
    CHECK_INT(glossa_lab_save(lab, GLOSSA_LAB_STATE, (glossa_sink){refuse, &room}, &error), GLOSSA_ERROR_IO);
    CHECK_CONTAINS(error.message, "could not be written");
    steps(lab, 1);
    glossa_lab_close(lab);
}

/* Every cut and every changed byte of a state is refused or opens; a tensor with NaN is named. */
static void test_damaged_states(void) {
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab *lab = small(&error, "1", "1", "exact"), *again;
    size_t size;
    lab->blocks.values[lab->network.parameters[3].offset] = NAN;
    uint8_t *file = saved(lab, GLOSSA_LAB_STATE, &size);
    CHECK_INT(glossa_lab_load(file, size, NULL, NULL, &again, &error), GLOSSA_ERROR_FORMAT);
    CHECK_CONTAINS(error.message, lab->network.parameters[3].name);
    CHECK_CONTAINS(error.message, "NaN or infinity at element 0");
    free(file);
    lab->blocks.values[lab->network.parameters[3].offset] = 0;
    file = saved(lab, GLOSSA_LAB_STATE, &size);
    uint32_t random = 1;
    for (int i = 0; i < 100; i++) {
        random = random * 1664525u + 1013904223u;
        const size_t at = random % 5000, cut = i % 2 ? size : (size_t)random % size;
        const uint8_t old = file[at];
        file[at] = (uint8_t)(random >> 24);
        if (glossa_lab_load(file, cut, NULL, NULL, &again, &error) == GLOSSA_OK) {
            glossa_lab_step(again, NULL, NULL, &error);
            glossa_lab_close(again);
        } else {
            CHECK(again == NULL);
        }
        file[at] = old;
    }
    CHECK_INT(glossa_lab_load(file, size, NULL, NULL, &again, &error), GLOSSA_OK);
    glossa_lab_close(again);
    glossa_lab_close(lab);
    free(file);
}

/* ---- tasks ---- */

static void test_tasks(void) {
    static const struct {
        const char *task;
        uint32_t index;
        const char *source, *target;
    } known[] = {
        {"copy", 0, NULL, NULL},  {"reverse", 0, NULL, NULL}, {"sort", 0, NULL, NULL},      {"addition", 0, NULL, NULL},
        {"dates", 0, NULL, NULL}, {"roman", 0, NULL, NULL},   {"pig-latin", 0, NULL, NULL},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        glossa_error error = {GLOSSA_OK, ""};
        glossa_lab *lab = OPEN(&error, "task", known[k].task, "width", "16", "feed_forward", "16");
        for (uint32_t i = 0; i < 200; i++) {
            glossa_text source, target, again, other;
            char first[GLOSSA_TASK_TEXT], answer[GLOSSA_TASK_TEXT];
            CHECK_INT(glossa_lab_example(lab, false, i, &source, &target, &error), GLOSSA_OK);
            snprintf(first, sizeof first, "%.*s", (int)source.size, source.data);
            snprintf(answer, sizeof answer, "%.*s", (int)target.size, target.data);
            CHECK_INT(glossa_lab_example(lab, false, i, &again, &target, &error), GLOSSA_OK);
            CHECK_TEXT(again, first);
            CHECK_TEXT(target, answer);
            CHECK_INT(glossa_lab_example(lab, true, i, &other, &target, &error), GLOSSA_OK);
            CHECK(other.size != strlen(first) || memcmp(other.data, first, other.size) != 0);
            uint32_t ids[GLOSSA_TASK_TEXT];
            const size_t count = glossa_task_encode(lab->task, answer, ids);
            CHECK_INT(count, strlen(answer) + 1);
            for (size_t j = 0; j < count; j++)
                CHECK(ids[j] != TASK_UNK && ids[j] < glossa_task_vocabulary(lab->task));
            CHECK(strlen(first) <= glossa_task_longest_source(lab->task, &lab->config));
            CHECK(strlen(answer) <= glossa_task_longest_target(lab->task, &lab->config));
            if (!strcmp(known[k].task, "addition"))
                CHECK_INT(strtol(first, NULL, 10) + strtol(strchr(first, '+'), NULL, 10), strtol(answer, NULL, 10));
        }
        glossa_lab_close(lab);
    }
}

int main(void) {
    RUN(test_the_forward_pass_is_the_engines);
    RUN(test_threads_change_nothing);
    RUN(test_labs_share_a_training);
    RUN(test_predictions);
    RUN(test_shards_differ_in_rounding_alone);
    RUN(test_a_training_goes_on_to_the_bit);
    RUN(test_a_model_opens_again);
    RUN(test_every_parameter_moves);
    RUN(test_the_first_loss_is_that_of_a_guess);
    RUN(test_a_batch_is_learnt_by_heart);
    RUN(test_nothing_is_allocated_while_training);
    RUN(test_bad_settings);
    RUN(test_settings_that_do_not_fit);
    RUN(test_a_network_that_is_too_large);
    RUN(test_little_memory);
    RUN(test_bad_batches);
    RUN(test_a_row_is_written);
    RUN(test_a_training_that_diverges);
    RUN(test_without_an_optimizer);
    RUN(test_a_full_disk);
    RUN(test_damaged_states);
    RUN(test_tasks);
    return CHECK_RESULT();
}
