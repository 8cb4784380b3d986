/*
 * Networks beside the Transformer, and Transformers of which a part is left out: they learn, every parameter moves, a
 * training goes on to the bit, what is saved opens again in the lab, and the engine says that it is not for it.
 */
#include "glossa.h"
#include "lab_helpers.h"

static const char *const recurrent[][12] = {
    {"score", "scaled-dot", "cell", "plain", NULL},
    {"score", "dot", "direction", "forward", NULL},
    {"score", "general", "encoder_layers", "2", "decoder_layers", "2", NULL},
    {"score", "additive", NULL},
    {"score", "additive", "keys", "split", "heads", "2", NULL},
    {"score", "additive", "selection", "hard", NULL},
    {"score", "concat", "output", "untied", NULL},
    {"score", "cosine", "heads", "4", "position", "learned", NULL},
    {"score", "none", "output_bias", "no", NULL},
};

static const char *const switched[][12] = {
    {"normalise", "none", NULL}, {"residual", "no", "norm", "pre", NULL},
    {"causal", "no", NULL},      {"position", "none", NULL},
    {"score", "dot", NULL},      {"selection", "hard", NULL},
};

static glossa_lab *open_lab(const char *architecture, const char *const *settings, const char *task) {
    glossa_lab_config config;
    glossa_lab *lab = NULL;
    glossa_error error = {GLOSSA_OK, ""};
    const char *const first[] = {"architecture", architecture, "task",         task,    "batch",  "16",
                                 "width",        "32",         "feed_forward", "32",    "warmup", "0",
                                 "shards",       "3",          "kernels",      "exact", NULL};
    glossa_lab_defaults(&config);
    for (const char *const *s = first; *s; s += 2)
        CHECK_INT(glossa_lab_set(&config, s[0], s[1], &error), GLOSSA_OK);
    for (const char *const *s = settings; *s; s += 2)
        CHECK_INT(glossa_lab_set(&config, s[0], s[1], &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_open(&config, NULL, &lab, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    return lab;
}

static void check_every_parameter(const char *architecture, const char *const *settings) {
    glossa_lab *lab = open_lab(architecture, settings, "pig-latin");
    if (lab) check_moves(lab);
    glossa_lab_close(lab);
}

static void check_state(const char *architecture, const char *const *settings) {
    glossa_lab *lab = open_lab(architecture, settings, "reverse"), *again;
    size_t size;
    if (!lab) return;
    steps(lab, 3);
    again = opened_again(lab, GLOSSA_LAB_STATE, &size);
    if (again) {
        steps(lab, 3);
        steps(again, 3);
        CHECK(same_values(lab, again));
        CHECK(memcmp(&lab->config, &again->config, offsetof(glossa_lab_config, stages) + sizeof(uint32_t)) == 0);
    }
    glossa_lab_close(lab);
    glossa_lab_close(again);
}

/* What is saved says the same in another lab, whatever that lab's own config; the engine names the task. */
static void check_model(const char *architecture, const char *const *settings, const char *task) {
    glossa_lab *lab = open_lab(architecture, settings, "reverse"), *again;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_model *model = NULL;
    glossa_lab_config other;
    glossa_text text;
    size_t size;
    char expected[GLOSSA_TASK_TEXT];
    if (!lab) return;
    steps(lab, 2);
    uint8_t *file = saved(lab, GLOSSA_LAB_MODEL, &size);
    glossa_lab_defaults(&other);
    glossa_lab_set(&other, "preset", "recurrent", &error);
    glossa_lab_set(&other, "task", "reverse", &error);
    glossa_lab_set(&other, "residual", "no", &error);
    CHECK_INT(glossa_lab_load(file, size, &other, NULL, &again, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    if (again) {
        CHECK_INT(glossa_lab_predict(lab, (glossa_text){"31415", 5}, &text, &error), GLOSSA_OK);
        memcpy(expected, text.data, text.size + 1);
        CHECK_INT(glossa_lab_predict(again, (glossa_text){"31415", 5}, &text, &error), GLOSSA_OK);
        CHECK_STRING(text.data, expected);
    }
    CHECK_INT(glossa_model_open(file, size, NULL, &model, &error), GLOSSA_ERROR_UNSUPPORTED);
    CHECK(strstr(error.message, task) && strstr(error.message, "glossa lab"));
    glossa_lab_close(lab);
    glossa_lab_close(again);
    free(file);
}

static void test_recurrent_networks(void) {
    for (size_t i = 0; i < sizeof recurrent / sizeof *recurrent; i++) {
        check_every_parameter("recurrent", recurrent[i]);
        check_state("recurrent", recurrent[i]);
        check_model("recurrent", recurrent[i], "recurrent-translation");
    }
}

static void test_switched_transformers(void) {
    for (size_t i = 0; i < sizeof switched / sizeof *switched; i++) {
        check_every_parameter("transformer", switched[i]);
        check_state("transformer", switched[i]);
        check_model("transformer", switched[i], "switched-translation");
    }
}

/* With attention a recurrent network copies strings; the weights of its attention go along the string. */
static void test_a_recurrent_network_learns(void) {
    const char *const settings[] = {"score", "additive", "width", "64",      "batch", "64", "heads",
                                    "1",     "longest",  "8",     "kernels", "",      NULL};
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab_report report = {0};
    glossa_lab_array weights;
    glossa_text text;
    glossa_lab *lab = open_lab("recurrent", settings, "reverse");
    if (!lab) return;
    steps(lab, 500);
    CHECK_INT(glossa_lab_evaluate(lab, NULL, 0, 256, &report, &error), GLOSSA_OK);
    CHECK(report.exact >= 250);
    CHECK_INT(glossa_lab_predict(lab, (glossa_text){"271828", 6}, &text, &error), GLOSSA_OK);
    CHECK_TEXT(text, "828172");
    CHECK_INT(glossa_lab_read(lab, "dec.attn", &weights, &error), GLOSSA_OK);
    CHECK_INT(weights.heads, 1);
    CHECK_INT(weights.query_starts[1], 7);
    CHECK_INT(weights.key_starts[1], 7);
    glossa_lab_close(lab);
}

/* A decoder that sees what it is to predict has no loss left, and cannot write: its score is of what it writes. */
static void test_without_the_causal_mask(void) {
    const char *const settings[] = {"causal", "no", "width", "64", "batch", "64", "kernels", "", NULL};
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab_report report = {0};
    glossa_lab *lab = open_lab("transformer", settings, "addition");
    if (!lab) return;
    steps(lab, 200);
    CHECK_INT(glossa_lab_evaluate(lab, NULL, 0, 64, &report, &error), GLOSSA_OK);
    CHECK(report.loss < 0.3);
    CHECK(report.exact < 4);
    glossa_lab_close(lab);
}

/* ---- classifiers ---- */

static const char animals[] =
    "a dog runs\tanimal\nthe cat sleeps\tanimal\na horse eats\tanimal\nthe old dog sleeps\tanimal\n"
    "a car stops\tmachine\nthe train is late\tmachine\nan engine runs\tmachine\n"
    "the red car is fast\tmachine\nthe sun shines\tweather\nit rains\tweather\n"
    "the wind blows\tweather\nit snows again\tweather\n";

static glossa_lab *open_classifier(const char *text, const char *const *settings, glossa_error *error) {
    glossa_lab_config config;
    glossa_lab_data *data;
    glossa_lab *lab = NULL;
    const char *const first[] = {
        "preset",         "classifier", "width",   "32",    "dropout",      "0",  "set_aside", "0", "vocabulary", "400",
        "sampling_share", "0.3",        "kernels", "exact", "batch_tokens", "64", NULL};
    *error = (glossa_error){GLOSSA_OK, ""};
    glossa_lab_defaults(&config);
    for (const char *const *s = first; *s; s += 2)
        CHECK_INT(glossa_lab_set(&config, s[0], s[1], error), GLOSSA_OK);
    for (const char *const *s = settings; *s; s += 2)
        CHECK_INT(glossa_lab_set(&config, s[0], s[1], error), GLOSSA_OK);
    CHECK_INT(glossa_lab_data_open(NULL, &data, error), GLOSSA_OK);
    CHECK_INT(glossa_lab_data_table(data, false, "animals", (glossa_text){text, strlen(text)}, error), GLOSSA_OK);
    glossa_lab_open_pairs(&config, data, "en", "en", NULL, 0, NULL, &lab, error);
    return lab;
}

static void check_class(glossa_lab *lab, const char *text, const char *expected) {
    glossa_error error = {GLOSSA_OK, ""};
    glossa_text label;
    float probability[3];
    CHECK_INT(glossa_lab_predict(lab, (glossa_text){text, strlen(text)}, &label, &error), GLOSSA_OK);
    CHECK_TEXT(label, expected);
    CHECK_INT(glossa_lab_classify(lab, (glossa_text){text, strlen(text)}, probability, &error), GLOSSA_OK);
    CHECK_NEAR(probability[0] + probability[1] + probability[2], 1, 1e-5);
    for (uint32_t i = 0; i < 3; i++)
        CHECK((probability[i] > 0.5f) == (glossa_lab_label(lab, i).data == label.data));
}

static void check_classifier(const char *const *settings) {
    glossa_error error;
    glossa_lab *lab = open_classifier(animals, settings, &error), *again = NULL;
    CHECK_STRING(error.message, "");
    if (!lab) return;
    CHECK_INT(glossa_lab_labels(lab), 3);
    CHECK_TEXT(glossa_lab_label(lab, 0), "animal");
    CHECK_TEXT(glossa_lab_label(lab, 2), "weather");
    CHECK_TEXT(glossa_lab_label(lab, 3), "");
    steps(lab, 100);
    check_class(lab, "the cat sleeps", "animal");
    check_class(lab, "the red car is fast", "machine");
    check_class(lab, "it rains", "weather");
    glossa_lab_array weights;
    CHECK_INT(glossa_lab_read(lab, "enc.blk.0.attn", &weights, &error), GLOSSA_OK);
    CHECK_INT(weights.sequences, 1);
    CHECK_INT(weights.heads, 4);
    double score;
    CHECK_INT(glossa_lab_bleu(lab, 1, &score, &error), GLOSSA_ERROR_STATE);
    size_t size;
    uint8_t *file = saved(lab, GLOSSA_LAB_MODEL, &size);
    glossa_model *model;
    CHECK_INT(glossa_model_open(file, size, NULL, &model, &error), GLOSSA_ERROR_UNSUPPORTED);
    CHECK(strstr(error.message, "'classification'") && strstr(error.message, "glossa lab"));
    CHECK_INT(glossa_lab_load(file, size, NULL, NULL, &again, &error), GLOSSA_OK);
    free(file);
    if (again) check_class(again, "the wind blows", "weather");
    const uint32_t *ids;
    size_t count;
    if (again)
        CHECK_INT(glossa_lab_encode(again, true, (glossa_text){"plant", 5}, &ids, &count, &error),
                  GLOSSA_ERROR_ARGUMENT);
    CHECK_STRING(error.message, "the classifier has no label 'plant'");
    glossa_lab_close(again);
    glossa_lab_close(lab);
}

static void test_classifiers(void) {
    check_classifier((const char *const[]){"pool", "mean", NULL});
    check_classifier((const char *const[]){"pool", "token", "norm", "pre", "position", "learned", NULL});
}

/* A state goes on to the bit with the same pairs; the order of labels does not hang on that of pairs. */
static void test_a_classifier_goes_on(void) {
    glossa_error error;
    glossa_lab_data *data;
    const char *const none[] = {NULL};
    glossa_lab *lab = open_classifier(animals, none, &error), *again = NULL;
    size_t size;
    if (!lab) return;
    steps(lab, 3);
    again = opened_again(lab, GLOSSA_LAB_STATE, &size);
    CHECK_INT(glossa_lab_data_open(NULL, &data, &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_data_table(data, false, "animals", (glossa_text){animals, strlen(animals)}, &error),
              GLOSSA_OK);
    if (again) {
        CHECK_INT(glossa_lab_attach(again, data, &error), GLOSSA_OK);
        CHECK_STRING(error.message, "");
        steps(lab, 3);
        steps(again, 3);
        CHECK(same_values(lab, again));
    }
    glossa_lab_close(lab);
    glossa_lab_close(again);
}

static void test_bad_labels(void) {
    glossa_error error;
    const char *const none[] = {NULL}, *const task[] = {"task", "copy", NULL};
    CHECK(open_classifier("a\tx\nb\tx\n", none, &error) == NULL);
    CHECK_STRING(error.message, "the pairs have 1 different labels, need 2 to 1000");
    CHECK(open_classifier(animals, task, &error) == NULL);
    CHECK(strstr(error.message, "task 'copy'") != NULL);
    glossa_lab *lab = open_lab("recurrent", none, "copy");
    float probability;
    CHECK_INT(glossa_lab_classify(lab, (glossa_text){"1", 1}, &probability, &error), GLOSSA_ERROR_STATE);
    CHECK_STRING(error.message, "the lab's network is no classifier of texts");
    CHECK_INT(glossa_lab_labels(lab), 0);
    glossa_lab_close(lab);
    /* a held-out label that no pair to train on has */
    glossa_lab_config config;
    glossa_lab_data *data;
    glossa_lab_defaults(&config);
    glossa_lab_set(&config, "preset", "classifier", &error);
    glossa_lab_set(&config, "vocabulary", "300", &error);
    CHECK_INT(glossa_lab_data_open(NULL, &data, &error), GLOSSA_OK);
    glossa_lab_data_table(data, false, "t", (glossa_text){"a\tx\nb\ty\n", 8}, &error);
    glossa_lab_data_table(data, true, "v", (glossa_text){"c\tz\n", 4}, &error);
    CHECK_INT(glossa_lab_open_pairs(&config, data, "en", "en", NULL, 0, NULL, &lab, &error), GLOSSA_ERROR_FORMAT);
    CHECK_STRING(error.message, "no pair that the labels were learnt of has label 'z'");
}

static void test_what_does_not_go_together(void) {
    static const struct {
        const char *name, *value, *says;
    } bad[] = {{"score", "additive", "setting 'score'"}, {"keys", "split", "setting 'keys' is 'split'"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        glossa_lab_config config;
        glossa_lab *lab;
        glossa_error error = {GLOSSA_OK, ""};
        glossa_lab_defaults(&config);
        glossa_lab_set(&config, bad[i].name, bad[i].value, &error);
        CHECK_INT(glossa_lab_open(&config, NULL, &lab, &error), GLOSSA_ERROR_ARGUMENT);
        CHECK(strstr(error.message, bad[i].says) != NULL);
        glossa_lab_set(&config, "architecture", "recurrent", &error);
        glossa_lab_set(&config, "heads", "3", &error);
        glossa_lab_set(&config, "width", "48", &error);
        CHECK_INT(glossa_lab_open(&config, NULL, &lab, &error), GLOSSA_OK);
        glossa_lab_close(lab);
        if (strcmp(bad[i].name, "keys") != 0) continue;
        glossa_lab_set(&config, "heads", "16", &error);
        CHECK_INT(glossa_lab_open(&config, NULL, &lab, &error), GLOSSA_ERROR_ARGUMENT);
        CHECK(strstr(error.message, "half the width 48") != NULL);
    }
}

int main(void) {
    RUN(test_recurrent_networks);
    RUN(test_switched_transformers);
    RUN(test_a_recurrent_network_learns);
    RUN(test_without_the_causal_mask);
    RUN(test_classifiers);
    RUN(test_a_classifier_goes_on);
    RUN(test_bad_labels);
    RUN(test_what_does_not_go_together);
    return CHECK_RESULT();
}
