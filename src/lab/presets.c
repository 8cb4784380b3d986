/* Presets: many settings at once, under one name. */
#include <string.h>

#include "kernels/kernels.h"
#include "lab/config.h"
#include "model/config.h"

/* The values of hyunwoongko/transformer, which many tutorials follow; its batches of 128 and 1,000 epochs. */
static void set_tutorial(glossa_lab_config *c) {
    c->width = 512;
    c->heads = 8;
    c->feed_forward = 2048;
    c->encoder_layers = c->decoder_layers = 6;
    c->context = 256;
    c->output = OUTPUT_UNTIED;
    c->norm_epsilon = 1e-12;
    c->embedding_scale = 1;
    c->initial = INITIAL_KAIMING;
    c->batch = 128;
    c->optimizer = OPTIMIZER_ADAM;
    c->learning_rate = 1e-5;
    c->beta1 = 0.9;
    c->beta2 = 0.999;
    c->epsilon = 5e-9;
    c->weight_decay = 5e-4;
    c->schedule = SCHEDULE_PLATEAU;
    c->warmup = 0;
    c->plateau_factor = 0.9;
    c->plateau_patience = 10;
    c->plateau_warmup = 100;
    c->clip = 1;
    c->dropout = c->activation_dropout = 0.1;
}

/* The same recipe for a network of a size that learns in minutes: rates grow as a network shrinks. */
static void set_tutorial_small(glossa_lab_config *c) {
    set_tutorial(c);
    c->width = 128;
    c->heads = 4;
    c->feed_forward = 512;
    c->encoder_layers = c->decoder_layers = 2;
    c->context = 128;
    c->learning_rate = 5e-4;
    c->plateau_patience = 3;
    c->plateau_warmup = 5;
}

/* For some thousand pairs: what keeps a network from learning them by heart, and the customary schedule. */
static void set_pairs(glossa_lab_config *c) {
    c->width = 128;
    c->feed_forward = 512;
    c->encoder_layers = c->decoder_layers = 2;
    c->context = 128;
    c->schedule = SCHEDULE_INVERSE_SQRT;
    c->batch_tokens = 1024;
    c->learning_rate = 2e-3;
    c->warmup = 300;
    c->cooldown = 0.3;
    c->steps = 1500;
    c->dropout = 0.3;
    c->label_smoothing = 0.1;
    c->sampling_share = 0.5;
}

/* The network of Bahdanau et al. 2015 and Luong et al. 2015 in small: for strings of a task. */
static void set_recurrent(glossa_lab_config *c) {
    c->architecture = ARCHITECTURE_RECURRENT;
    c->heads = 1;
    c->score = SCORING_ADDITIVE;
}

/* For some thousand labelled texts. */
static void set_classifier(glossa_lab_config *c) {
    set_pairs(c);
    c->architecture = ARCHITECTURE_CLASSIFIER;
    c->width = 64;
    c->feed_forward = 128;
    c->vocabulary = 4000;
    c->batch_tokens = 2048;
    c->dropout = 0.4;
    c->learning_rate = 1e-3;
    c->warmup = 100;
    c->steps = 1200;
}

/* A language model of some megabytes of text. */
static void set_language(glossa_lab_config *c, uint32_t architecture) {
    set_pairs(c);
    c->architecture = architecture;
    c->norm = NORM_PRE;
    c->activation = ACTIVATION_GELU_TANH - ACTIVATION_RELU;
    c->position = POSITION_LEARNED;
    c->vocabulary = 4000;
    c->context = 64;
    c->batch_tokens = 4096;
    c->dropout = 0.1;
    c->label_smoothing = 0;
    c->sampling_share = 0;
    c->steps = 3000;
}

static void set_masked(glossa_lab_config *c) {
    set_language(c, ARCHITECTURE_MASKED);
}

static void set_causal(glossa_lab_config *c) {
    set_language(c, ARCHITECTURE_CAUSAL);
}

/* Dosovitskiy et al. 2021 in small: images of handwritten digits. */
static void set_vit(glossa_lab_config *c) {
    c->architecture = ARCHITECTURE_VIT;
    c->image = 28;
    c->patch = 4;
    c->pool = POOL_TOKEN;
    c->norm = NORM_PRE;
    c->activation = ACTIVATION_GELU_ERF - ACTIVATION_RELU;
    c->position = POSITION_LEARNED;
    c->feed_forward = 128;
    c->encoder_layers = 4;
    c->shift = 2;
    c->steps = 2000;
    c->learning_rate = 2e-3;
    c->set_aside = 1000;
}

/* Liu et al. 2021 in small. */
static void set_swin(glossa_lab_config *c) {
    set_vit(c);
    c->architecture = ARCHITECTURE_SWIN;
    c->patch = 2;
    c->window = 7;
    c->stages = 2;
    c->pool = POOL_MEAN;
    c->position = POSITION_NO;
    c->width = 32;
    c->heads = 2;
    c->feed_forward = 64;
}

static const struct {
    const char *name;
    void (*set)(glossa_lab_config *config);
} presets[] = {
    {"pairs", set_pairs},
    {"tutorial", set_tutorial},
    {"tutorial-small", set_tutorial_small},
    {"recurrent", set_recurrent},
    {"classifier", set_classifier},
    {"masked", set_masked},
    {"causal", set_causal},
    {"vit", set_vit},
    {"swin", set_swin},
};

glossa_status glossa_preset_set(glossa_lab_config *config, const char *name, glossa_error *error) {
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(name, presets[i].name) != 0) continue;
        presets[i].set(config);
        return GLOSSA_OK;
    }
    return glossa_fail(error, GLOSSA_ERROR_ARGUMENT,
                       "setting 'preset' is '%s', need one of pairs, tutorial, tutorial-small, recurrent, classifier, "
                       "masked, causal, vit, swin",
                       name);
}
