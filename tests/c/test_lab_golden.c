/*
 * The lab against PyTorch in float64 (tests/golden/make_lab.py): the loss and every gradient of twenty configs that
 * cover every pair of options, of 24 others of the family, and of 13 language models, networks that see and networks
 * with batch norm; twenty steps of every optimizer; ReduceLROnPlateau to the letter.
 */
#include <stdlib.h>

#include "check.h"
#include "lab/lab.h"

enum { PROBES = 4, PAIRS = 4, STEPS = 20, LINE = 1 << 16, IMAGE = 64 };

#define USUAL  "tests/golden/lab/gradients.txt"
#define FAMILY "tests/golden/lab/family.txt"
#define OTHERS "tests/golden/lab/networks.txt"

static const uint32_t source_sizes[PAIRS] = {5, 3, 9, 1}, target_sizes[PAIRS] = {4, 6, 2, 7};

/* ---- what the script makes of a hash ---- */

/* Numbers in [-1, 1): Murmur3's finalizer over FNV-1a of the name, plus golden-ratio steps. */
static float uniform(const char *name, size_t i, uint32_t seed) {
    uint32_t h = 0x811C9DC5u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 0x01000193u;
    uint32_t x = (h ^ seed) + (uint32_t)i * 0x9E3779B9u;
    x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
    x = (x ^ (x >> 13)) * 0xC2B2AE35u;
    x ^= x >> 16;
    return (float)((double)x / 2147483648.0 - 1.0);
}

static bool ends_with(const char *text, const char *end) {
    const size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

static void set_weights(glossa_lab *lab, uint32_t seed) {
    for (size_t i = 0; i < lab->network.count; i++) {
        const glossa_parameter *p = &lab->network.parameters[i];
        float centre = 0.0f, width = 0.3f;
        if (ends_with(p->name, "norm.weight"))
            centre = 1.0f, width = 0.2f;
        else if (ends_with(p->name, ".var"))
            centre = 1.0f, width = 0.2f;
        else if (p->rows > 1 && !strstr(p->name, "embd"))
            width = (float)sqrt(3.0 / p->cols);
        for (size_t j = 0; j < (size_t)p->rows * p->cols; j++)
            lab->blocks.values[p->offset + j] = centre + width * uniform(p->name, j, seed);
    }
}

typedef struct batch {
    uint32_t source[PAIRS * IMAGE], source_starts[PAIRS + 1], target[32], target_starts[PAIRS + 1];
    float links[256];
    glossa_lab_batch view;
} batch;

static void make_side(const char *side, const uint32_t *sizes, uint32_t seed, uint32_t *ids, uint32_t *starts) {
    starts[0] = 0;
    for (uint32_t i = 0; i < PAIRS; i++) {
        char name[16];
        snprintf(name, sizeof name, "%s%u", side, (unsigned)i);
        starts[i + 1] = starts[i] + sizes[i];
        for (uint32_t j = 0; j + 1 < sizes[i]; j++)
            ids[starts[i] + j] = 4 + (uint32_t)(((double)uniform(name, j, seed) + 1) * 16 / 2);
        ids[starts[i + 1] - 1] = 3;
    }
}

static void make_batch(batch *b, uint32_t seed, bool guided) {
    make_side("source", source_sizes, seed, b->source, b->source_starts);
    make_side("target", target_sizes, seed, b->target, b->target_starts);
    size_t at = 0;
    for (uint32_t i = 0; i < PAIRS; i++)
        for (uint32_t j = 0; j < target_sizes[i]; j++)
            for (uint32_t k = 0; k < source_sizes[i]; k++)
                b->links[at++] = j % 3 != 2 && k == (2 * j + i) % source_sizes[i] ? 1.0f : 0.0f;
    b->view =
        (glossa_lab_batch){PAIRS, b->source, b->source_starts, b->target, b->target_starts, guided ? b->links : NULL};
}

/* Leaves of each target its first token, for a label. */
static void label(batch *b) {
    for (uint32_t i = 0; i < PAIRS; i++) {
        b->target[i] = b->target[b->target_starts[i]];
        b->target_starts[i] = i;
    }
    b->target_starts[PAIRS] = PAIRS;
}

/* Sources that are to be told themselves, but for every third token. */
static void mask(batch *b) {
    memcpy(b->target_starts, b->source_starts, sizeof b->target_starts);
    for (uint32_t i = 0; i < PAIRS; i++)
        for (uint32_t j = b->source_starts[i]; j < b->source_starts[i + 1]; j++)
            b->target[j] = (j - b->source_starts[i]) % 3 == 2 ? GLOSSA_IGNORED : b->source[j];
}

static void make_images(batch *b, uint32_t seed) {
    for (uint32_t i = 0; i < PAIRS; i++) {
        char name[16];
        snprintf(name, sizeof name, "image%u", (unsigned)i);
        for (uint32_t j = 0; j < IMAGE; j++)
            b->source[i * IMAGE + j] = (uint32_t)(((double)uniform(name, j, seed) + 1) * 128);
        b->source_starts[i + 1] = (i + 1) * IMAGE;
    }
}

/* What the network of a lab takes. */
static void fit(batch *b, const glossa_lab_config *c, uint32_t seed) {
    if (glossa_classifies(c)) label(b);
    if (glossa_sees(c)) make_images(b, seed);
    if (c->architecture == ARCHITECTURE_MASKED) mask(b);
}

/* ---- reading ---- */

static FILE *open_golden(const char *path) {
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    return file;
}

/* "config NAME=VALUE ..." into a lab; the seed that the line names. */
static glossa_lab *lab_of(char *line, const char *const *extra, uint32_t *seed) {
    glossa_lab_config config;
    glossa_lab *lab = NULL;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab_defaults(&config);
    glossa_lab_set(&config, "schedule", "constant", &error);
    for (const char *const *e = extra; *e; e += 2)
        CHECK_INT(glossa_lab_set(&config, e[0], e[1], &error), GLOSSA_OK);
    for (char *word = strtok(line + 7, " \n"); word; word = strtok(NULL, " \n")) {
        char *value = strchr(word, '=');
        *value++ = 0;
        if (!strcmp(word, "name")) continue;
        CHECK_INT(glossa_lab_set(&config, word, value, &error), GLOSSA_OK);
        CHECK_STRING(error.message, "");
    }
    *seed = config.seed;
    CHECK_INT(glossa_lab_open(&config, NULL, &lab, &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    set_weights(lab, config.seed);
    return lab;
}

static const char *const network[] = {"width", "16", "feed_forward", "32", "vocabulary", "20", "context", "12"};

/* "NAME norm products": of block `block`, within `tolerance` times the norm, or times `least` where that is larger.
   Returns how far it is from the limit. */
static double check_probes(const glossa_lab *lab, const float *block, char *line, double least, double tolerance) {
    char *at = strchr(line, ' ');
    *at++ = 0;
    const glossa_parameter *p = glossa_network_find(&lab->network, line);
    CHECK(p != NULL);
    if (!p) return 0;
    const size_t count = (size_t)p->rows * p->cols;
    const float *x = block + p->offset;
    const double norm = strtod(at, &at), scale = (norm > least ? norm : least) * tolerance;
    double squares = 0, worst = 0;
    for (size_t i = 0; i < count; i++)
        squares += (double)x[i] * (double)x[i];
    CHECK_NEAR(sqrt(squares), norm, scale);
    for (int k = 0; k < PROBES; k++) {
        char name[64];
        double product = 0;
        snprintf(name, sizeof name, "%s/%d", p->name, k);
        for (size_t i = 0; i < count; i++)
            product += (double)x[i] * (double)uniform(name, i, 77);
        const double expected = strtod(at, &at);
        worst = fmax(worst, fabs(product - expected) / scale);
        CHECK_NEAR(product, expected, scale);
        if (fabs(product - expected) > scale) fprintf(stderr, "    %s\n", p->name);
    }
    return worst;
}

/* ---- gradients ---- */

static void check_gradients(const char *path, size_t expected, const char *kernels, const char *shards,
                            const char *threads) {
    static char line[LINE];
    const char *extra[] = {network[0], network[1], network[2],    network[3], network[4], network[5],
                           network[6], network[7], "kernels",     kernels,    "shards",   shards,
                           "threads",  threads,    "output_bias", "yes",      NULL};
    FILE *file = open_golden(path);
    glossa_lab *lab = NULL;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab_report report = {0};
    uint32_t seed;
    size_t seen = 0, configs = 0;
    double worst = 0;
    batch b;
    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, "config ", 7)) {
            if (lab) CHECK_INT(seen, lab->network.count);
            glossa_lab_close(lab);
            lab = lab_of(line, extra, &seed);
            make_batch(&b, seed, lab->config.guided > 0);
            fit(&b, &lab->config, seed);
            lab->config.learning_rate = 0;
            CHECK_INT(glossa_lab_step(lab, &b.view, &report, &error), GLOSSA_OK);
            CHECK_STRING(error.message, "");
            seen = 0;
            configs++;
        } else if (!strncmp(line, "loss ", 5)) {
            CHECK_NEAR(report.loss, strtod(line + 5, NULL), 3e-6);
        } else if (!strncmp(line, "evaluated ", 10)) {
            set_weights(lab, seed); /* the step has moved the statistics */
            CHECK_INT(glossa_lab_evaluate(lab, &b.view, 0, 0, &report, &error), GLOSSA_OK);
            CHECK_NEAR(report.loss, strtod(line + 10, NULL), 3e-6);
        } else {
            seen++;
            worst = fmax(worst, check_probes(lab, lab->blocks.gradients, line, 0.02 * report.norm, 5e-6));
        }
    }
    CHECK_INT(configs, expected);
    printf("       %s, %s shards: the worst is %.2f of the tolerance\n", kernels, shards, worst);
    glossa_lab_close(lab);
    if (file) fclose(file);
}

static void test_every_gradient(void) {
    for (const glossa_gradients *const *t = glossa_gradients_all(); *t; t++)
        check_gradients(USUAL, 20, (*t)->name, "1", "1");
}

static void test_every_gradient_in_shards(void) {
    check_gradients(USUAL, 20, "exact", "3", "2");
    check_gradients(USUAL, 20, "", "4", "4");
}

static void test_every_gradient_of_the_family(void) {
    for (const glossa_gradients *const *t = glossa_gradients_all(); *t; t++)
        check_gradients(FAMILY, 24, (*t)->name, "1", "1");
    check_gradients(FAMILY, 24, "exact", "3", "2");
}

static void test_every_gradient_of_other_networks(void) {
    for (const glossa_gradients *const *t = glossa_gradients_all(); *t; t++)
        check_gradients(OTHERS, 13, (*t)->name, "1", "1");
    check_gradients(OTHERS, 13, "exact", "3", "2");
}

/* ---- optimizers ---- */

static void test_twenty_steps_of_every_optimizer(void) {
    static char line[LINE];
    const char *extra[] = {network[0], network[1], network[2], network[3], network[4], network[5],
                           network[6], network[7], "shards",   "1",        NULL};
    FILE *file = open_golden("tests/golden/lab/steps.txt");
    glossa_lab *lab = NULL;
    glossa_error error = {GLOSSA_OK, ""};
    uint32_t seed;
    size_t configs = 0;
    double worst = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, "config ", 7)) {
            glossa_lab_close(lab);
            lab = lab_of(line, extra, &seed);
            configs++;
        } else if (!strncmp(line, "losses ", 7)) {
            char *at = line + 7;
            for (uint32_t step = 1; step <= STEPS; step++) {
                batch b;
                glossa_lab_report report = {0};
                make_batch(&b, seed + 100 * step, false);
                CHECK_INT(glossa_lab_step(lab, &b.view, &report, &error), GLOSSA_OK);
                CHECK_NEAR(report.loss, strtod(at, &at), 1e-4);
            }
        } else {
            /* A bias of keys changes no softmax: its gradient is nothing but rounding, of which Adam makes steps. */
            if (strstr(line, "attn_k.bias")) continue;
            worst = fmax(worst, check_probes(lab, lab->blocks.values, line, 0.1, 1e-4));
        }
    }
    CHECK_INT(configs, 8);
    printf("       the worst is %.2f of the tolerance\n", worst);
    glossa_lab_close(lab);
    if (file) fclose(file);
}

static void test_plateau_to_the_letter(void) {
    static char line[LINE], values[LINE];
    FILE *file = open_golden("tests/golden/lab/plateau.txt");
    glossa_lab_config config;
    glossa_error error;
    size_t configs = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, "config ", 7)) {
            glossa_lab_defaults(&config);
            config.learning_rate = 1e-2;
            for (char *word = strtok(line + 7, " \n"); word; word = strtok(NULL, " \n")) {
                char *value = strchr(word, '=');
                *value++ = 0;
                CHECK_INT(glossa_lab_set(&config, word, value, &error), GLOSSA_OK);
            }
            configs++;
        } else if (!strncmp(line, "values ", 7)) {
            memcpy(values, line, sizeof values);
        } else {
            glossa_plateau p = glossa_plateau_start(&config);
            char *value = values + 7, *rate = line + 6;
            for (int i = 0; i < 80; i++) {
                glossa_plateau_step(&p, &config, strtod(value, &value));
                CHECK(p.rate == strtod(rate, &rate));
            }
        }
    }
    CHECK_INT(configs, 7);
    if (file) fclose(file);
}

int main(void) {
    RUN(test_every_gradient);
    RUN(test_every_gradient_in_shards);
    RUN(test_every_gradient_of_the_family);
    RUN(test_every_gradient_of_other_networks);
    RUN(test_twenty_steps_of_every_optimizer);
    RUN(test_plateau_to_the_letter);
    return CHECK_RESULT();
}
