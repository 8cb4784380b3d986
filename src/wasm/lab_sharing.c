/* One training in several instances, which share no memory. */
#include <string.h>

#include "glossa_lab_sharing.h"
#include "wasm/lab_context.h"

EXPORT uint32_t lab_context_parts(const lab_context *context) {
    return context->lab ? glossa_lab_parts(context->lab) : 0;
}

/* slots: the gradients of a part and how many; its loss, tokens and sequences are in the report. */
EXPORT uint32_t lab_context_compute(lab_context *context, uint32_t part) {
    glossa_lab_gradients gradients;
    uint32_t status = need_lab(context);
    if (status) return status;
    status = glossa_lab_compute(context->lab, part, &gradients, &context->error);
    if (status) return status;
    context->slots[0] = address(gradients.data);
    context->slots[1] = (uint32_t)gradients.floats;
    context->report =
        (glossa_lab_report){.loss = gradients.loss, .tokens = gradients.tokens, .sequences = gradients.sequences};
    return GLOSSA_OK;
}

/* Adds the gradients of a part, which lie at `data`: in the block, or where compute has put them. */
EXPORT uint32_t lab_context_add(lab_context *context, uint32_t part, const float *data, uint32_t floats, double loss,
                                uint32_t tokens, uint32_t sequences) {
    const glossa_lab_gradients gradients = {data, floats, loss, tokens, sequences};
    const uint32_t status = need_lab(context);
    return status ? status : glossa_lab_add(context->lab, part, &gradients, &context->error);
}

EXPORT uint32_t lab_context_finish(lab_context *context) {
    const uint32_t status = need_lab(context);
    return status ? status : glossa_lab_finish(context->lab, &context->report, &context->error);
}

/* slots: the weights and how many. */
EXPORT uint32_t lab_context_weights(lab_context *context) {
    size_t floats;
    const uint32_t status = need_lab(context);
    if (status) return status;
    context->slots[0] = address(glossa_lab_weights(context->lab, &floats));
    context->slots[1] = (uint32_t)floats;
    return GLOSSA_OK;
}

/* Takes the weights in the block. */
EXPORT uint32_t lab_context_follow(lab_context *context, uint32_t floats, uint32_t step) {
    const uint32_t status = need_lab(context);
    if (status) return status;
    const float *weights = (const float *)(const void *)context->block;
    return glossa_lab_follow(context->lab, weights, floats, step, &context->error);
}
