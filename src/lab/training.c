/* Steps, and what is computed without learning. */
#include <string.h>

#include "lab/batch.h"
#include "lab/decoding.h"
#include "lab/pass.h"

#define GOOD_STEPS 100 /* after so many steps that went well, the weights are kept */

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static bool is_finite(double x) {
    return x - x == 0;
}

static const char *text_of(double x) {
    return is_finite(x) ? "finite" : x != x ? "NaN" : "infinite";
}

static glossa_status diverged(glossa_lab *lab, double loss, double norm, glossa_error *error) {
    const unsigned long long bytes = lab->network.floats * sizeof(float);
    if (lab->good) memcpy(lab->blocks.values, lab->good, (size_t)bytes);
    return glossa_fail(
        error, GLOSSA_ERROR_DIVERGED,
        "training diverged at step %u: the loss is %s, the norm of the gradient %s; the weights are those "
        "after step %u again. A lower learning rate may help",
        (unsigned)lab->step + 1, text_of(loss), text_of(norm), (unsigned)lab->good_step);
}

static glossa_status learn(glossa_lab *lab, const glossa_lab_batch *batch, glossa_lab_report *report,
                           glossa_error *error) {
    const uint32_t batches = batch ? 1 : lab->config.accumulate;
    glossa_pass r = {.values = lab->blocks.values, .learning = true};
    memset(lab->blocks.gradients, 0, lab->network.floats * sizeof(float));
    for (uint32_t i = 0; i < batches; i++) {
        glossa_lab_batch drawn;
        if (!batch) FORWARD(glossa_batch_next(lab, lab->step * batches + i, &drawn, error));
        const glossa_lab_batch *b = batch ? batch : &drawn;
        FORWARD(glossa_pass_run(lab, b, 1.0 / batches, &r, error));
        report->loss += r.loss;
        report->tokens += r.tokens;
        report->sequences += (uint32_t)b->count;
    }
    return GLOSSA_OK;
}

static void update(glossa_lab *lab, const glossa_lab_report *report) {
    const glossa_lab_config *c = &lab->config;
    const size_t floats = lab->network.floats;
    const double clip = c->clip > 0 && report->norm > c->clip ? c->clip / (report->norm + 1e-6) : 1;
    glossa_optimizer_step(&lab->network, c, lab->kernels, lab->step + 1, report->learning_rate, clip < 1 ? clip : 1,
                          &lab->blocks, lab->lanes[0].work);
    lab->step++;
    const float share = 1.0f - (float)c->average;
    for (size_t i = 0; lab->average && i < floats; i++)
        lab->average[i] += share * (lab->blocks.values[i] - lab->average[i]);
}

glossa_status glossa_lab_make_step(glossa_lab *lab, glossa_lab_report own, glossa_lab_report *report,
                                   glossa_error *error) {
    FAIL_IF(lab->step == UINT32_MAX, error, GLOSSA_ERROR_LIMIT, "no more than %u steps", (unsigned)lab->step);
    lab->added = 0;
    own.norm = glossa_gradient_norm(&lab->network, lab->blocks.gradients);
    own.learning_rate = glossa_learning_rate(&lab->config, lab->step + 1, lab->plateau.rate);
    if (!is_finite(own.loss) || !is_finite(own.norm)) return diverged(lab, own.loss, own.norm, error);
    if (lab->step % GOOD_STEPS == 0 && lab->good) { /* the loss of these weights is finite: they are good */
        memcpy(lab->good, lab->blocks.values, lab->network.floats * sizeof(float));
        lab->good_step = lab->step;
    }
    update(lab, &own);
    own.step = lab->step;
    if (report) *report = own;
    return GLOSSA_OK;
}

glossa_status glossa_lab_step(glossa_lab *lab, const glossa_lab_batch *batch, glossa_lab_report *report,
                              glossa_error *error) {
    glossa_lab_report own = {0};
    FORWARD(learn(lab, batch, &own, error));
    return glossa_lab_make_step(lab, own, report, error);
}

/* ---- without learning ------------------------------------------------------------------------------------------- */

glossa_status glossa_lab_evaluate(glossa_lab *lab, const glossa_lab_batch *batch, uint32_t first, uint32_t count,
                                  glossa_lab_report *report, glossa_error *error) {
    glossa_lab_report all = {.step = lab->step};
    const size_t pairs = lab->corpus ? lab->corpus->held_out.count : UINT32_MAX,
                 left = pairs > first ? pairs - first : 0;
    const uint32_t total = batch ? 1 : count < left ? count : (uint32_t)left, group = lab->config.batch;
    const glossa_rules rules = glossa_decoding_rules(lab);
    FAIL_IF(total == 0 && count > 0, error, GLOSSA_ERROR_STATE, "no pairs are held out to judge by");
    for (uint32_t at = 0; at < total; at += group) {
        glossa_lab_batch drawn;
        glossa_pass r = {.values = glossa_lab_values(lab), .rules = rules.beam ? &rules : NULL};
        if (!batch)
            FORWARD(glossa_batch_held_out(lab, first + at, total - at < group ? total - at : group, &drawn, error));
        const glossa_lab_batch *b = batch ? batch : &drawn;
        FORWARD(glossa_pass_run(lab, b, 1, &r, error));
        /* A decoder that sees what it is to predict says nothing of what it would write. */
        if (lab->config.causal == CAUSAL_NO && rules.beam && !glossa_models_language(&lab->config))
            FORWARD(glossa_decode_exact(lab, b, &r.exact, error));
        all.loss += r.loss * r.tokens;
        all.tokens += r.tokens;
        all.sequences += (uint32_t)b->count;
        all.exact += r.exact;
        all.correct += r.correct;
    }
    if (all.tokens > 0) all.loss /= all.tokens;
    *report = all;
    return GLOSSA_OK;
}

glossa_status glossa_lab_forward(glossa_lab *lab, const glossa_lab_batch *batch, float *log_probability, uint32_t *best,
                                 glossa_error *error) {
    glossa_pass r = {.values = glossa_lab_values(lab), .log_probability = log_probability, .best = best};
    return glossa_pass_run(lab, batch, 1, &r, error);
}
