/*
 * Choosing a table, and the test that a table must pass before it is trusted.
 */
#include "kernels.h"

#include <string.h>

const glossa_kernels *glossa_kernels_select(void) {
    return &glossa_kernels_scalar;
}

int glossa_kernels_self_test(const glossa_kernels *kernels) {
    return kernels == NULL;
}
