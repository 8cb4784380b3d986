/*
 * What the files of the lab's WebAssembly boundary share.
 *
 * A context owns a config and, once it was started or loaded, a lab. Texts, files and batches that a call takes are
 * written by the caller into the block of lab_context_block; what a call gives beside its status lies in the slots,
 * 32-bit words, or in the report, until the next call.
 */
#ifndef GLOSSA_WASM_LAB_CONTEXT_H
#define GLOSSA_WASM_LAB_CONTEXT_H

#include "base/base.h"
#include "glossa_lab.h"

#define EXPORT __attribute__((used, visibility("default")))
#define SLOTS  16

_Static_assert(sizeof(void *) == 4 && sizeof(size_t) == 4, "slots carry pointers and sizes");

typedef struct lab_context {
    uint32_t slots[SLOTS];
    glossa_error error;
    glossa_lab_config config;
    glossa_lab_report report;
    glossa_lab *lab;
    glossa_lab_data *data;       /* pairs that no lab has taken yet */
    uint8_t *allocation, *block; /* what malloc gave, and its first 64-byte border */
    size_t block_size;
    uint8_t *file; /* what was saved last */
    size_t file_size, file_capacity;
} lab_context;

static inline uint32_t address(const void *pointer) {
    return (uint32_t)(uintptr_t)pointer;
}

/* STATE where no lab is open. */
static inline uint32_t need_lab(lab_context *context) {
    if (context->lab) return GLOSSA_OK;
    return glossa_fail(&context->error, GLOSSA_ERROR_STATE, "no lab is open: start or load one first");
}

#endif
