#include "glossa_lab_attention.h"
#include "wasm/lab_context.h"

/*
 * Attention by itself. The block holds as floats queries, keys, values and the score's parameters, then has room for
 * what comes of them, whose place is the slot: queries and keys as the score meets them, scores, weights, output.
 */
EXPORT uint32_t lab_context_attend(lab_context *context, uint32_t score, uint32_t selection, uint32_t queries,
                                   uint32_t keys, uint32_t width, uint32_t value_width, uint32_t parameters) {
    const uint64_t m = queries, n = keys, d = width, e = value_width;
    const uint64_t inputs = m * d + n * d + n * e + parameters, outputs = m * d + n * d + 2 * m * n + m * e;
    const bool small = (m | n | d | e) < 1u << 24;
    if (!small || !context->block || inputs + outputs > context->block_size / sizeof(float))
        return glossa_fail(&context->error, GLOSSA_ERROR_ARGUMENT,
                           "the block has no room for attention of %u to %u rows", queries, keys);
    float *at = (float *)(void *)context->block, *out = at + inputs;
    const glossa_lab_attention attention = {score,
                                            selection,
                                            queries,
                                            keys,
                                            width,
                                            value_width,
                                            at,
                                            at + m * d,
                                            at + (m + n) * d,
                                            at + (m + n) * d + n * e,
                                            parameters};
    const glossa_lab_attended attended = {out, out + m * d, out + (m + n) * d, out + (m + n) * d + m * n,
                                          out + (m + n) * d + 2 * m * n};
    context->slots[0] = address(out);
    return glossa_lab_attend(&attention, NULL, &attended, &context->error);
}
