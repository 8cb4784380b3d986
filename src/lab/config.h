/*
 * The settings of a lab as a table: name, kind, bounds and choices of each, visited to parse, to print and to keep in a
 * checkpoint.
 */
#ifndef GLOSSA_LAB_CONFIG_H
#define GLOSSA_LAB_CONFIG_H

#include "base/base.h"
#include "glossa_lab.h"

typedef enum glossa_setting_kind { SETTING_COUNT, SETTING_REAL, SETTING_CHOICE, SETTING_TEXT } glossa_setting_kind;

typedef struct glossa_setting {
    const char *name;
    glossa_setting_kind kind;
    size_t offset;      /* in glossa_lab_config */
    double least, most; /* of a count or a real */
    const char *takes;  /* choices with ", " between them; of a text, what it may be ("" where that may be anything) */
    bool fixed;         /* does not change once a lab is open */
} glossa_setting;

/* Setting `index`, or NULL beyond the last. */
const glossa_setting *glossa_setting_at(size_t index);
const glossa_setting *glossa_setting_find(const char *name);

uint32_t *glossa_setting_count(const glossa_setting *setting, glossa_lab_config *config); /* of COUNT and CHOICE */
double *glossa_setting_real(const glossa_setting *setting, glossa_lab_config *config);
char *glossa_setting_text(const glossa_setting *setting, glossa_lab_config *config); /* 16 bytes */

/* Sets what the preset of that name says. Fails with ARGUMENT where there is none. */
glossa_status glossa_preset_set(glossa_lab_config *config, const char *name, glossa_error *error);

/* Choice `index` of a setting's, empty beyond the last. */
glossa_text glossa_setting_choice(const glossa_setting *setting, uint32_t index);

enum {
    ARCHITECTURE_TRANSFORMER,
    ARCHITECTURE_RECURRENT,
    ARCHITECTURE_CLASSIFIER,
    ARCHITECTURE_MASKED,
    ARCHITECTURE_CAUSAL,
    ARCHITECTURE_VIT,
    ARCHITECTURE_SWIN
};
enum { POOL_MEAN, POOL_TOKEN };
enum { NORM_POST, NORM_PRE };
enum { NORMALISE_LAYER, NORMALISE_NO, NORMALISE_BATCH };
enum { RESIDUAL_YES, RESIDUAL_NO };
enum { CAUSAL_YES, CAUSAL_NO };
enum { SCORING_SCALED_DOT, SCORING_DOT, SCORING_GENERAL, SCORING_ADDITIVE, SCORING_CONCAT, SCORING_COSINE, SCORING_NO };
enum { SELECTION_SOFT, SELECTION_HARD };
enum { CELL_GATED, CELL_PLAIN };
enum { DIRECTION_BOTH, DIRECTION_FORWARD };
enum { KEYS_WHOLE, KEYS_SPLIT };
enum { POSITION_NO = 4 }; /* beyond those that the engine has */
enum { OUTPUT_TIED, OUTPUT_UNTIED };
enum { START_BOS, START_ZERO_VECTOR };
enum { TOKENS_BPE, TOKENS_CHARACTERS };
enum { INITIAL_XAVIER, INITIAL_KAIMING, INITIAL_TORCH };
enum { OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_SGD, OPTIMIZER_MUON, OPTIMIZER_NONE };
enum { SCHEDULE_CONSTANT, SCHEDULE_INVERSE_SQRT, SCHEDULE_COSINE, SCHEDULE_PLATEAU };
enum { PLATEAU_MIN, PLATEAU_MAX };
enum { THRESHOLD_REL, THRESHOLD_ABS };

/* Whether a network looks at images; judges by classes, of texts or images; learns from texts alone. */
static inline bool glossa_sees(const glossa_lab_config *c) {
    return c->architecture == ARCHITECTURE_VIT || c->architecture == ARCHITECTURE_SWIN;
}
static inline bool glossa_classifies(const glossa_lab_config *c) {
    return c->architecture == ARCHITECTURE_CLASSIFIER || glossa_sees(c);
}
static inline bool glossa_models_language(const glossa_lab_config *c) {
    return c->architecture == ARCHITECTURE_MASKED || c->architecture == ARCHITECTURE_CAUSAL;
}

/* Whether the settings fit each other. */
glossa_status glossa_lab_check(const glossa_lab_config *config, glossa_error *error);

#endif
