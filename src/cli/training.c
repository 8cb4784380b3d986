#define _POSIX_C_SOURCE 200809L

#include "cli/training.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "cli/files.h"
#include "text/hash.h"

static int failed(const glossa_error *error) {
    fprintf(stderr, "glossa-native train: %s\n", error->message);
    return 1;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

typedef struct saving {
    const glossa_lab *lab;
    glossa_lab_kind kind;
} saving;

static bool write_lab(void *user, glossa_sink sink) {
    const saving *s = user;
    glossa_error error;
    return glossa_lab_save(s->lab, s->kind, sink, &error) == GLOSSA_OK || failed(&error) == 0;
}

static int save(const glossa_lab *lab, glossa_lab_kind kind, const char *path) {
    return glossa_replace_file(path, write_lab, &(saving){lab, kind}) ? 0 : 1;
}

static bool hash_bytes(void *user, const void *bytes, size_t size) {
    uint64_t *state = user;
    *state = glossa_hash_text(*state, bytes, size);
    return true;
}

static int print_digest(const glossa_lab *lab) {
    uint64_t state = GLOSSA_HASH_START;
    glossa_error error;
    if (glossa_lab_save(lab, GLOSSA_LAB_MODEL, (glossa_sink){hash_bytes, &state}, &error)) return failed(&error);
    printf("%016" PRIx64 "\n", state);
    return 0;
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Steps up to a number of them; their mean loss and all tokens, and norm and rate of the last. */
static int run_steps(glossa_lab *lab, uint32_t until, glossa_lab_report *last) {
    glossa_lab_report sum = {0}, report = {0};
    glossa_error error;
    uint32_t count = 0;
    do {
        if (glossa_lab_step(lab, NULL, &report, &error)) return failed(&error);
        sum.loss += report.loss;
        sum.tokens += report.tokens;
        count++;
    } while (report.step < until);
    *last = report;
    last->loss = sum.loss / count;
    last->tokens = sum.tokens;
    return 0;
}

/* ---- evaluations ------------------------------------------------------------------------------------------------ */

typedef struct judgement {
    glossa_lab_report report;
    double bleu; /* below 0: not scored */
} judgement;

static bool has_held_out(const glossa_lab *lab) {
    glossa_lab_pairs pairs;
    glossa_lab_describe_pairs(lab, &pairs);
    return pairs.held_out > 0 || pairs.train == 0;
}

static int judge(glossa_lab *lab, uint32_t count, uint32_t scored, judgement *out) {
    glossa_error error;
    glossa_lab_pairs pairs;
    glossa_lab_describe_pairs(lab, &pairs);
    out->bleu = -1;
    if (glossa_lab_evaluate(lab, NULL, 0, count, &out->report, &error)) return failed(&error);
    if (pairs.train == 0 || scored == 0 || glossa_lab_labels(lab) > 0 ||
        glossa_lab_learns_from(glossa_lab_configuration(lab)) != GLOSSA_LAB_PAIRS)
        return 0;
    return glossa_lab_bleu(lab, scored, &out->bleu, &error) ? failed(&error) : 0;
}

static void print_judgement(const judgement *j) {
    printf("  held out: loss %.4f, perplexity %.2f, tokens %.1f %%, exact %.1f %%", j->report.loss, exp(j->report.loss),
           100.0 * j->report.correct / j->report.tokens, 100.0 * j->report.exact / j->report.sequences);
    if (j->bleu >= 0) printf(", BLEU %.2f", j->bleu);
}

static void print_progress(const glossa_lab_report *t, double tokens_per_second, const judgement *j) {
    printf("step %-6u loss %.4f  perplexity %.2f", (unsigned)t->step, t->loss, exp(t->loss));
    if (j) print_judgement(j);
    printf("  norm %.2f  rate %.2e  %.0f tokens/s\n", t->norm, t->learning_rate, tokens_per_second);
    fflush(stdout);
}

/* ---- the course ------------------------------------------------------------------------------------------------- */

static uint32_t next_of(uint32_t at, uint32_t every, uint32_t last) {
    const uint32_t gap = every - at % every;
    return last - at > gap ? at + gap : last;
}

static int go_on(glossa_training *t, glossa_lab *lab, bool judged, uint32_t until) {
    const uint32_t last = glossa_lab_configuration(lab)->steps;
    const double started = seconds();
    glossa_lab_report trained;
    judgement j;
    if (run_steps(lab, until, &trained)) return 1;
    const double rate = trained.tokens / (seconds() - started);
    judged = judged && (until % t->every == 0 || until == last);
    if (judged && judge(lab, t->held_out, t->scored, &j)) return 1;
    if (judged) glossa_lab_plateau(lab, j.report.loss);
    if (!t->quiet) print_progress(&trained, rate, judged ? &j : NULL);
    if (glossa_curves_add(&t->curves, &trained, rate, judged ? &j.report : NULL, judged ? j.bleu : -1)) return 1;
    const bool due = until % t->every == 0 || until == last;
    return t->state && due ? save(lab, GLOSSA_LAB_STATE, t->state) : 0;
}

/* All that is held out of pairs, or ten evaluations' worth of strings. */
static int conclude(const glossa_training *t, glossa_lab *lab) {
    glossa_lab_pairs pairs;
    judgement j;
    glossa_lab_describe_pairs(lab, &pairs);
    const uint32_t count = pairs.train > 0 ? (uint32_t)pairs.held_out : 10 * t->held_out;
    if (judge(lab, count, t->scored ? count : 0, &j)) return 1;
    printf("held out: loss %.4f, exact %.2f %% of %u", j.report.loss, 100.0 * j.report.exact / j.report.sequences,
           (unsigned)j.report.sequences);
    if (glossa_lab_learns_from(glossa_lab_configuration(lab)) == GLOSSA_LAB_TEXTS)
        printf(", perplexity %.2f, %.2f %% of %u tokens", exp(j.report.loss),
               100.0 * j.report.correct / j.report.tokens, (unsigned)j.report.tokens);
    if (j.bleu >= 0) printf(", perplexity %.2f, BLEU %.2f", exp(j.report.loss), j.bleu);
    putchar('\n');
    return 0;
}

int glossa_training_run(glossa_training *t, glossa_lab *lab) {
    const bool judged = has_held_out(lab);
    const uint32_t last = glossa_lab_configuration(lab)->steps;
    int status = 0;
    if (glossa_curves_open(&t->curves, glossa_lab_steps(lab))) {
        glossa_curves_close(&t->curves);
        return 1;
    }
    while (status == 0 && glossa_lab_steps(lab) < last) {
        const uint32_t at = glossa_lab_steps(lab), line = next_of(at, t->log_every ? t->log_every : t->every, last),
                       evaluation = next_of(at, t->every, last);
        status = go_on(t, lab, judged, line < evaluation ? line : evaluation);
    }
    if (status == 0 && judged) status = conclude(t, lab);
    glossa_curves_close(&t->curves);
    /* After a failure the weights are those of the last good steps: they are saved. */
    if (t->model && save(lab, t->small ? GLOSSA_LAB_SMALL : GLOSSA_LAB_MODEL, t->model)) return 1;
    return t->digest && print_digest(lab) ? 1 : status;
}
