#include "lab/config.h"

#include <string.h>

#include "base/number.h"
#include "lab/task.h"

#define COUNT(name, least, most, fixed)                                                                                \
    {#name, SETTING_COUNT, offsetof(glossa_lab_config, name), least, most, "", fixed}
#define REAL(name, least, most, fixed) {#name, SETTING_REAL, offsetof(glossa_lab_config, name), least, most, "", fixed}
#define CHOICE(name, choices, fixed)   {#name, SETTING_CHOICE, offsetof(glossa_lab_config, name), 0, 0, choices, fixed}
#define TEXT(name, takes)              {#name, SETTING_TEXT, offsetof(glossa_lab_config, name), 0, 0, takes, true}

#define TEXT_SIZE   16
#define MOST_WIDTH  65536
#define MOST_LAYER  64
#define MOST_IMAGE  256
#define MOST_STAGES 6
#define MOST        4294967295.0
#define BELOW_ONE   0.999999

static const glossa_setting settings[] = {
    CHOICE(architecture, "transformer, recurrent, classifier, masked, causal, vit, swin", true),
    COUNT(width, 16, MOST_WIDTH, true),
    COUNT(heads, 1, MOST_WIDTH, true),
    COUNT(feed_forward, 16, MOST_WIDTH, true),
    COUNT(encoder_layers, 1, MOST_LAYER, true),
    COUNT(decoder_layers, 1, MOST_LAYER, true),
    COUNT(context, 2, 65536, true),
    CHOICE(norm, "post, pre", true),
    CHOICE(activation, "relu, silu, gelu-erf, gelu-tanh, gelu-sigmoid", true),
    CHOICE(position, "sinusoid-interleaved, sinusoid-halves, sinusoid-marian, learned, none", true),
    CHOICE(mixer, "attention, ssru", true),
    CHOICE(output, "tied, untied", true),
    CHOICE(output_bias, "no, yes", true),
    CHOICE(start, "bos, zero-vector", true),
    CHOICE(normalise, "layer, none, batch", true),
    CHOICE(residual, "yes, no", true),
    CHOICE(causal, "yes, no", true),
    CHOICE(score, "scaled-dot, dot, general, additive, concat, cosine, none", true),
    CHOICE(selection, "soft, hard", true),
    CHOICE(pool, "mean, token", true),
    CHOICE(cell, "gated, plain", true),
    CHOICE(direction, "both, forward", true),
    CHOICE(keys, "whole, split", true),
    COUNT(image, 0, MOST_IMAGE, true),
    COUNT(patch, 0, MOST_IMAGE, true),
    COUNT(window, 0, MOST_IMAGE, true),
    COUNT(stages, 0, MOST_STAGES, true),
    REAL(norm_epsilon, 1e-12, 1, true),
    REAL(embedding_scale, 0, 1e6, true),
    CHOICE(initial, "xavier, kaiming, torch", true),
    TEXT(task, "copy, reverse, sort, addition, dates, roman, pig-latin"),
    COUNT(shortest, 1, 1000, true),
    COUNT(longest, 1, 1000, true),
    COUNT(vocabulary, 4, 4194303, true),
    CHOICE(tokens, "bpe, characters", true),
    REAL(coverage, 0, 1, true),
    REAL(masked_share, 0.001, 1, true),
    COUNT(shift, 0, MOST_IMAGE, true),
    CHOICE(bleu, "13a, char, zh", true),
    COUNT(set_aside, 0, 1000000, true),
    REAL(sampling_share, 0, 1, true),
    REAL(sampling_alpha, 0, 1, true),
    COUNT(seed, 0, MOST, true),
    COUNT(batch, 1, 65536, true),
    COUNT(batch_tokens, 16, 4194304, true),
    COUNT(shards, 1, 256, true),
    COUNT(threads, 0, 256, true),
    TEXT(kernels, ""),
    CHOICE(optimizer, "adam, adamw, sgd, muon, none", true),
    REAL(learning_rate, 0, 1e6, false),
    REAL(beta1, 0, BELOW_ONE, false),
    REAL(beta2, 0, BELOW_ONE, false),
    REAL(epsilon, 0, 1, false),
    REAL(weight_decay, 0, 1e6, false),
    REAL(momentum, 0, BELOW_ONE, false),
    CHOICE(nesterov, "no, yes", false),
    CHOICE(schedule, "constant, inverse-sqrt, cosine, plateau", true),
    COUNT(warmup, 0, MOST, false),
    COUNT(hold, 0, MOST, false),
    REAL(cooldown, 0, 1, false),
    COUNT(steps, 1, MOST, false),
    REAL(final_rate, 0, 1, false),
    REAL(plateau_factor, 0, BELOW_ONE, false),
    REAL(plateau_threshold, 0, 1e6, false),
    REAL(plateau_minimum, 0, 1e6, false),
    REAL(plateau_epsilon, 0, 1e6, false),
    COUNT(plateau_patience, 0, MOST, false),
    COUNT(plateau_cooldown, 0, MOST, false),
    COUNT(plateau_warmup, 0, MOST, false),
    CHOICE(plateau_mode, "min, max", true),
    CHOICE(plateau_threshold_mode, "rel, abs", true),
    REAL(clip, 0, 1e9, false),
    COUNT(accumulate, 1, 65536, false),
    REAL(average, 0, BELOW_ONE, true),
    REAL(dropout, 0, 0.99, false),
    REAL(attention_dropout, 0, 0.99, false),
    REAL(activation_dropout, 0, 0.99, false),
    REAL(label_smoothing, 0, 0.99, false),
    REAL(guided, 0, 1e6, false),
};
#define SETTINGS (sizeof settings / sizeof *settings)

const glossa_setting *glossa_setting_at(size_t index) {
    return index < SETTINGS ? &settings[index] : NULL;
}

const glossa_setting *glossa_setting_find(const char *name) {
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].name, name) == 0) return &settings[i];
    return NULL;
}

uint32_t *glossa_setting_count(const glossa_setting *setting, glossa_lab_config *config) {
    return (uint32_t *)((uintptr_t)config + setting->offset);
}

double *glossa_setting_real(const glossa_setting *setting, glossa_lab_config *config) {
    return (double *)((uintptr_t)config + setting->offset);
}

char *glossa_setting_text(const glossa_setting *setting, glossa_lab_config *config) {
    return (char *)config + setting->offset;
}

glossa_text glossa_setting_choice(const glossa_setting *setting, uint32_t index) {
    const char *at = setting->takes, *end;
    for (; (end = strstr(at, ", ")) && index > 0; index--)
        at = end + 2;
    return index > 0 ? (glossa_text){"", 0} : (glossa_text){at, end ? (size_t)(end - at) : strlen(at)};
}

void glossa_lab_defaults(glossa_lab_config *config) {
    *config = (glossa_lab_config){
        .width = 64,
        .heads = 4,
        .feed_forward = 256,
        .encoder_layers = 1,
        .decoder_layers = 1,
        .context = 64,
        .output_bias = 1,
        .norm_epsilon = 1e-5,
        .shortest = 1,
        .longest = 12,
        .vocabulary = 2000,
        .coverage = 0.9995,
        .masked_share = 0.15,
        .set_aside = 200,
        .sampling_alpha = 0.1,
        .seed = 1,
        .batch = 64,
        .batch_tokens = 2048,
        .shards = 4,
        .learning_rate = 3e-3,
        .beta1 = 0.9,
        .beta2 = 0.98,
        .epsilon = 1e-9,
        .momentum = 0.9,
        .schedule = SCHEDULE_COSINE,
        .warmup = 100,
        .steps = 1500,
        .plateau_factor = 0.1,
        .plateau_threshold = 1e-4,
        .plateau_epsilon = 1e-8,
        .plateau_patience = 10,
        .clip = 1,
        .accumulate = 1,
    };
}

/* ---- setting by name -------------------------------------------------------------------------------------------- */

static bool parse_real(const char *value, double *out) {
    return glossa_parse_number(value, out) && *out - *out == 0; /* no infinity */
}

static bool find_choice(const glossa_setting *setting, const char *value, uint32_t *out) {
    for (uint32_t i = 0;; i++) {
        const glossa_text choice = glossa_setting_choice(setting, i);
        if (choice.size == 0) return false;
        if (choice.size == strlen(value) && memcmp(choice.data, value, choice.size) == 0) {
            *out = i;
            return true;
        }
    }
}

/* What the messages call the bounds; reals need no more than this. */
static const char *bounds_of(const glossa_setting *setting) {
    if (setting->most < 1 && setting->least == 0) return "0 or more and below 1";
    return setting->least == 0 ? "0 or more and not so large" : "more than 0 and not so large";
}

static glossa_status set_number(const glossa_setting *setting, glossa_lab_config *config, const char *value,
                                glossa_error *error) {
    double number;
    FAIL_IF(!parse_real(value, &number), error, GLOSSA_ERROR_ARGUMENT, "setting '%s' is '%s', need a number",
            setting->name, value);
    const bool within = number >= setting->least && number <= setting->most;
    if (setting->kind == SETTING_REAL) {
        FAIL_IF(!within, error, GLOSSA_ERROR_ARGUMENT, "setting '%s' is '%s', need %s", setting->name, value,
                bounds_of(setting));
        *glossa_setting_real(setting, config) = number;
        return GLOSSA_OK;
    }
    FAIL_IF(!within || number != (double)(uint32_t)number, error, GLOSSA_ERROR_ARGUMENT,
            "setting '%s' is '%s', need a whole number from %u to %u", setting->name, value, (unsigned)setting->least,
            (unsigned)setting->most);
    *glossa_setting_count(setting, config) = (uint32_t)number;
    return GLOSSA_OK;
}

static glossa_status set_one(const glossa_setting *setting, glossa_lab_config *config, const char *value,
                             glossa_error *error) {
    uint32_t choice = 0;
    const bool chosen = *setting->takes == 0 || find_choice(setting, value, &choice);
    switch (setting->kind) {
    case SETTING_COUNT:
    case SETTING_REAL:
        return set_number(setting, config, value, error);
    case SETTING_CHOICE:
        FAIL_IF(!chosen, error, GLOSSA_ERROR_ARGUMENT, "setting '%s' is '%s', need one of %s", setting->name, value,
                setting->takes);
        *glossa_setting_count(setting, config) = choice;
        return GLOSSA_OK;
    case SETTING_TEXT:
        break;
    }
    FAIL_IF((*value && !chosen) || strlen(value) >= TEXT_SIZE, error, GLOSSA_ERROR_ARGUMENT,
            "setting '%s' is '%s', need one of %s", setting->name, value,
            *setting->takes ? setting->takes : "the names of kernels");
    memcpy(glossa_setting_text(setting, config), value, strlen(value) + 1);
    const glossa_task *task = glossa_task_find(config->task);
    if (setting->offset == offsetof(glossa_lab_config, task) && task) {
        config->shortest = task->shortest;
        config->longest = task->longest;
    }
    return GLOSSA_OK;
}

glossa_status glossa_lab_set(glossa_lab_config *config, const char *name, const char *value, glossa_error *error) {
    if (strcmp(name, "preset") == 0) return glossa_preset_set(config, value, error);
    const glossa_setting *setting = glossa_setting_find(name);
    FAIL_IF(!setting, error, GLOSSA_ERROR_ARGUMENT, "there is no setting '%s'", name);
    return set_one(setting, config, value, error);
}

glossa_status glossa_lab_get(const glossa_lab_config *config, const char *name, double *number, glossa_text *text,
                             glossa_error *error) {
    const glossa_setting *setting = glossa_setting_find(name);
    glossa_lab_config c = *config;
    *number = 0;
    *text = (glossa_text){NULL, 0};
    FAIL_IF(!setting, error, GLOSSA_ERROR_ARGUMENT, "there is no setting '%s'", name);
    if (setting->kind == SETTING_REAL) {
        *number = *glossa_setting_real(setting, &c);
    } else if (setting->kind == SETTING_TEXT) {
        const char *value = (const char *)config + setting->offset;
        *text = (glossa_text){value, strlen(value)};
    } else {
        *number = (double)*glossa_setting_count(setting, &c);
        if (setting->kind == SETTING_CHOICE) *text = glossa_setting_choice(setting, *glossa_setting_count(setting, &c));
    }
    return GLOSSA_OK;
}

glossa_lab_data_kind glossa_lab_learns_from(const glossa_lab_config *config) {
    if (glossa_sees(config)) return GLOSSA_LAB_IMAGES;
    return glossa_models_language(config) ? GLOSSA_LAB_TEXTS : GLOSSA_LAB_PAIRS;
}

const char *glossa_lab_setting(size_t index, const char **takes) {
    const glossa_setting *setting = glossa_setting_at(index);
    if (!setting) return NULL;
    *takes = *setting->takes                  ? setting->takes
             : setting->kind == SETTING_COUNT ? "a whole number"
             : setting->kind == SETTING_REAL  ? "a number"
                                              : "a name";
    return setting->name;
}

/* ---- settings together ------------------------------------------------------------------------------------------ */

#define STEP 16 /* of widths, as the engine wants them */

/* Whether images fall apart into patches, and those into windows, at every stage. */
static glossa_status check_image(const glossa_lab_config *c, glossa_error *error) {
    const uint32_t grid = c->patch > 0 ? c->image / c->patch : 0;
    FAIL_IF(grid == 0 || c->image % c->patch, error, GLOSSA_ERROR_ARGUMENT,
            "setting 'patch' is %u, which does not divide images of %u pixels in a row", (unsigned)c->patch,
            (unsigned)c->image);
    if (c->architecture != ARCHITECTURE_SWIN) return GLOSSA_OK;
    FAIL_IF(c->window == 0 || c->stages == 0 || c->encoder_layers % c->stages, error, GLOSSA_ERROR_ARGUMENT,
            "settings 'window' and 'stages' are %u and %u, need a window and stages that divide the %u layers",
            (unsigned)c->window, (unsigned)c->stages, (unsigned)c->encoder_layers);
    for (uint32_t s = 0, side = grid; s < c->stages; s++, side /= 2) {
        FAIL_IF(side == 0 || (side > c->window && side % c->window), error, GLOSSA_ERROR_ARGUMENT,
                "setting 'window' is %u, which does not divide the %u patches in a row of stage %u",
                (unsigned)c->window, (unsigned)side, (unsigned)s + 1);
        FAIL_IF(s + 1 < c->stages && side % 2, error, GLOSSA_ERROR_ARGUMENT,
                "stage %u has %u patches in a row, an odd number, which cannot be merged in twos", (unsigned)s + 1,
                (unsigned)side);
    }
    return GLOSSA_OK;
}

/* Whether the parts of the network go together. */
static glossa_status check_network(const glossa_lab_config *c, glossa_error *error) {
    const bool recurrent = c->architecture == ARCHITECTURE_RECURRENT, split = c->keys == KEYS_SPLIT;
    FAIL_IF(!recurrent && c->score > SCORING_DOT, error, GLOSSA_ERROR_ARGUMENT,
            "setting 'score' is none that a Transformer has: need scaled-dot or dot");
    FAIL_IF(!recurrent && split, error, GLOSSA_ERROR_ARGUMENT,
            "setting 'keys' is 'split', which a Transformer does not have: need whole");
    FAIL_IF(glossa_classifies(c) && c->task[0], error, GLOSSA_ERROR_ARGUMENT,
            "task '%s' has strings for answers, but the architecture learns labels", c->task);
    FAIL_IF(glossa_models_language(c) && c->task[0], error, GLOSSA_ERROR_ARGUMENT,
            "task '%s' has sources and targets, but the architecture learns from texts alone", c->task);
    if (glossa_sees(c)) FORWARD(check_image(c, error));
    FAIL_IF(split && c->width / 2 % c->heads != 0, error, GLOSSA_ERROR_ARGUMENT,
            "setting 'heads' is %u, which does not divide half the width %u, as keys have where these are split",
            (unsigned)c->heads, (unsigned)c->width);
    return GLOSSA_OK;
}

glossa_status glossa_lab_check(const glossa_lab_config *config, glossa_error *error) {
    glossa_lab_config c = *config;
    for (size_t i = 0; i < SETTINGS; i++) {
        const glossa_setting *s = &settings[i];
        double number = 0;
        if (s->kind == SETTING_TEXT) continue;
        number = s->kind == SETTING_REAL ? *glossa_setting_real(s, &c) : (double)*glossa_setting_count(s, &c);
        const bool chosen = s->kind != SETTING_CHOICE || glossa_setting_choice(s, (uint32_t)number).size > 0;
        FAIL_IF(!chosen || (s->kind != SETTING_CHOICE && !(number >= s->least && number <= s->most)), error,
                GLOSSA_ERROR_ARGUMENT, "setting '%s' is out of its range", s->name);
    }
    FAIL_IF(c.width % STEP || c.feed_forward % STEP, error, GLOSSA_ERROR_ARGUMENT,
            "settings 'width' and 'feed_forward' are %u and %u, need multiples of %d", (unsigned)c.width,
            (unsigned)c.feed_forward, STEP);
    FAIL_IF(c.width % c.heads, error, GLOSSA_ERROR_ARGUMENT,
            "setting 'heads' is %u, which does not divide the width %u", (unsigned)c.heads, (unsigned)c.width);
    FORWARD(check_network(&c, error));
    FAIL_IF(c.shortest > c.longest, error, GLOSSA_ERROR_ARGUMENT, "setting 'shortest' is %u, more than 'longest', %u",
            (unsigned)c.shortest, (unsigned)c.longest);
    const glossa_task *task = glossa_task_find(c.task);
    FAIL_IF(!task && c.task[0], error, GLOSSA_ERROR_ARGUMENT, "there is no task '%s'", c.task);
    if (!task) return GLOSSA_OK;
    const uint64_t source = glossa_task_longest_source(task, &c) + 1, target = glossa_task_longest_target(task, &c) + 1;
    FAIL_IF(source > c.context || target > c.context || source > GLOSSA_TASK_TEXT || target > GLOSSA_TASK_TEXT, error,
            GLOSSA_ERROR_ARGUMENT,
            "task '%s' with 'longest' %u makes sources of %llu and targets of %llu tokens, more than the context of %u "
            "or %d",
            c.task, (unsigned)c.longest, (unsigned long long)source, (unsigned long long)target, (unsigned)c.context,
            GLOSSA_TASK_TEXT);
    return GLOSSA_OK;
}
