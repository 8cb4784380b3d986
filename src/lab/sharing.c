/* One training in several labs that share no memory. */
#include <string.h>

#include "glossa_lab_sharing.h"
#include "lab/batch.h"
#include "lab/pass.h"

/* Parts of training batch `number`. */
static uint32_t parts_of(const glossa_lab *lab, uint32_t number) {
    const uint32_t size = glossa_batch_size(lab, number);
    return size < lab->config.shards ? size : lab->config.shards;
}

uint32_t glossa_lab_parts(const glossa_lab *lab) {
    uint32_t parts = 0;
    if (!lab->task && !lab->corpus) return 0;
    for (uint32_t i = 0; i < lab->config.accumulate; i++)
        parts += parts_of(lab, lab->step * lab->config.accumulate + i);
    return parts;
}

glossa_status glossa_lab_compute(glossa_lab *lab, uint32_t part, glossa_lab_gradients *out, glossa_error *error) {
    const uint32_t parts = glossa_lab_parts(lab), batches = lab->config.accumulate;
    const glossa_batch_part *done;
    glossa_lab_batch drawn;
    glossa_pass r = {.values = lab->blocks.values, .learning = true};
    FAIL_IF(!lab->lanes[0].gradients || parts == 0, error, GLOSSA_ERROR_STATE,
            "a step of %u parts is not shared between labs", (unsigned)parts);
    FAIL_IF(part >= parts, error, GLOSSA_ERROR_ARGUMENT, "there is no part %u of %u", (unsigned)part, (unsigned)parts);
    uint32_t number = lab->step * batches, within = part;
    for (; within >= parts_of(lab, number); number++)
        within -= parts_of(lab, number);
    FORWARD(glossa_batch_next(lab, number, &drawn, error));
    FORWARD(glossa_pass_run_part(lab, &drawn, 1.0 / batches, &r, within, &done, error));
    *out = (glossa_lab_gradients){lab->lanes[0].gradients, lab->network.floats, done->loss, done->tokens,
                                  (uint32_t)done->shard.outputs.count};
    return GLOSSA_OK;
}

glossa_status glossa_lab_add(glossa_lab *lab, uint32_t part, const glossa_lab_gradients *gradients,
                             glossa_error *error) {
    const size_t floats = lab->network.floats;
    FAIL_IF(part >= glossa_lab_parts(lab) || (part > 0 && part != lab->added), error, GLOSSA_ERROR_ARGUMENT,
            "part %u does not follow, %u were added", (unsigned)part, (unsigned)lab->added);
    FAIL_IF(gradients->floats != floats, error, GLOSSA_ERROR_ARGUMENT, "a part has %zu gradients, need %zu",
            gradients->floats, floats);
    if (part == 0) {
        memset(lab->blocks.gradients, 0, floats * sizeof(float));
        lab->sum = (glossa_lab_report){0};
    }
    for (size_t i = 0; i < floats; i++)
        lab->blocks.gradients[i] += gradients->data[i];
    lab->sum.loss += gradients->loss;
    lab->sum.tokens += gradients->tokens;
    lab->sum.sequences += gradients->sequences;
    lab->added = part + 1;
    return GLOSSA_OK;
}

glossa_status glossa_lab_finish(glossa_lab *lab, glossa_lab_report *report, glossa_error *error) {
    const uint32_t parts = glossa_lab_parts(lab), added = lab->added;
    FAIL_IF(parts == 0 || added != parts, error, GLOSSA_ERROR_STATE, "%u of %u parts were added", (unsigned)added,
            (unsigned)parts);
    return glossa_lab_make_step(lab, lab->sum, report, error);
}

const float *glossa_lab_weights(const glossa_lab *lab, size_t *floats) {
    *floats = lab->network.floats;
    return lab->blocks.values;
}

glossa_status glossa_lab_follow(glossa_lab *lab, const float *weights, size_t floats, uint32_t step,
                                glossa_error *error) {
    FAIL_IF(floats != lab->network.floats, error, GLOSSA_ERROR_ARGUMENT, "there are %zu weights, need %zu", floats,
            lab->network.floats);
    memcpy(lab->blocks.values, weights, floats * sizeof *weights);
    lab->step = step;
    return GLOSSA_OK;
}
