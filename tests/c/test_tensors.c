/* The tensor table against those who name tensors in C beside it: the tiny checkpoints of these tests, and the lab. */
#include "model/tensors.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "file/gguf.h"
#include "lab/network.h"
#include "tiny_model.h"

/* Every tensor of the table is in the file or may be missing, and the file has no other but scales. */
static void check_tiny(const tiny_options *o) {
    glossa_error error;
    glossa_gguf gguf;
    size_t size, found = 0, scales = 0;
    uint8_t *bytes = tiny_model(o, 1, &size);
    CHECK_INT(glossa_gguf_open(bytes, size, NULL, &gguf, &error), GLOSSA_OK);
    const glossa_config config = {.encoder_layers = TINY_ENCODER,
                                  .decoder_layers = TINY_DECODER,
                                  .d = TINY_D,
                                  .ffn = TINY_F,
                                  .context = TINY_CONTEXT,
                                  .pre_norm = o->pre_norm,
                                  .position = o->position ? POSITION_LEARNED : POSITION_SINUSOID_INTERLEAVED,
                                  .mixer = o->ssru ? GLOSSA_MIXER_SSRU : GLOSSA_MIXER_ATTENTION};
    const glossa_network_shape network = {.config = &config,
                                          .source_vocabulary = TINY_VOCABULARY,
                                          .target_vocabulary = TINY_VOCABULARY,
                                          .own_output = o->untied};
    glossa_part part = {0};
    while (glossa_part_next(&network, &part)) {
        glossa_tensor_entry entries[2];
        const size_t count = glossa_part_tensors(&part, entries);
        for (size_t i = 0; i < count; i++) {
            const glossa_tensor_entry *e = &entries[i];
            const glossa_gguf_tensor *t = glossa_gguf_find_tensor(&gguf, e->name);
            CHECK(t || e->optional);
            if (!t) continue;
            found++;
            CHECK_INT(t->ne[0], e->ne[0]);
            CHECK_INT(t->ne[1], e->ne[1]);
            CHECK_INT(t->dims, e->dims);
        }
    }
    for (size_t i = 0; i < gguf.tensor_count; i++) {
        const glossa_text name = gguf.tensors[i].name;
        scales += name.size > 6 && memcmp(name.data + name.size - 6, ".scale", 6) == 0;
    }
    CHECK_INT(found + scales, gguf.tensor_count);
    glossa_gguf_close(&gguf);
    free(bytes);
}

static void test_tiny_models(void) {
    check_tiny(&(tiny_options){.pre_norm = false});
    check_tiny(&(tiny_options){.ssru = true, .untied = true});
    check_tiny(&(tiny_options){.pre_norm = true, .float32 = true, .position = "learned"});
}

/* The lab's parameters in their order, from which each has its stream of first values. */
static void check_lab(uint32_t norm, uint32_t position, uint32_t mixer, uint32_t output, bool separate) {
    glossa_error error;
    glossa_lab_config c;
    glossa_network lab;
    const glossa_allocator allocator = glossa_allocator_or_default(NULL);
    glossa_lab_defaults(&c);
    c.width = 32, c.feed_forward = 48, c.heads = 2, c.context = 20;
    c.encoder_layers = 2, c.decoder_layers = 11;
    c.norm = norm, c.position = position, c.mixer = mixer, c.output = output, c.output_bias = 1;
    CHECK_INT(glossa_network_open(&c, 7, separate ? 9 : 7, separate, &allocator, &lab, &error), GLOSSA_OK);
    const glossa_config config = {.encoder_layers = c.encoder_layers,
                                  .decoder_layers = c.decoder_layers,
                                  .d = c.width,
                                  .ffn = c.feed_forward,
                                  .context = c.context,
                                  .pre_norm = norm == NORM_PRE,
                                  .position = (glossa_position_kind)position,
                                  .mixer = (glossa_mixer)mixer};
    const glossa_network_shape network = {.config = &config,
                                          .source_vocabulary = 7,
                                          .target_vocabulary = separate ? 9 : 7,
                                          .own_target = separate,
                                          .own_output = output == OUTPUT_UNTIED};
    glossa_part part = {0};
    size_t at = 0;
    while (glossa_part_next(&network, &part)) {
        glossa_tensor_entry entries[2];
        const size_t count = glossa_part_tensors(&part, entries);
        for (size_t i = 0; i < count; i++, at++) {
            const glossa_parameter *p = at < lab.count ? &lab.parameters[at] : NULL;
            CHECK_STRING(p ? p->name : "none", entries[i].name);
            CHECK_INT(p ? p->cols : 0, entries[i].ne[0]);
            CHECK_INT(p ? p->rows : 0, entries[i].ne[1]);
            CHECK_INT(p && !p->vector, entries[i].dims == 2);
        }
    }
    CHECK_INT(at, lab.count);
    glossa_network_close(&lab, &allocator);
}

static void test_lab_networks(void) {
    for (uint32_t i = 0; i < 16; i++)
        check_lab(i & 1, i & 2 ? POSITION_LEARNED : POSITION_SINUSOID_HALVES, i >> 2 & 1, i >> 3, i % 3 == 0);
}

int main(void) {
    RUN(test_tiny_models);
    RUN(test_lab_networks);
    return CHECK_RESULT();
}
