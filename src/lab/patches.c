/* Images as rows of patches. */
#include "lab/operation.h"

/* One patch of an image: bytes from -1 to 1. */
static void cut(const uint32_t *image, uint32_t side, uint32_t patch, size_t number, float *row) {
    const size_t across = side / patch, top = number / across * patch, left = number % across * patch;
    for (size_t y = 0; y < patch; y++)
        for (size_t x = 0; x < patch; x++)
            row[y * patch + x] = (float)image[(top + y) * side + left + x] * (2.0f / 255.0f) - 1.0f;
}

glossa_node glossa_tape_patches(glossa_tape *tape, const uint32_t *pixels, size_t images, uint32_t side, uint32_t patch,
                                bool first) {
    const size_t width = (size_t)patch * patch, across = side / patch, count = across * across + first;
    const glossa_node y = {TAKE(&tape->arena, float, images, count, width), NULL, images * count, width};
    if (!is_ready(tape, y.value)) return y;
    for (size_t i = 0; i < y.rows; i++) {
        float *row = y.value + i * width;
        if (first && i % count == 0)
            clear(row, width);
        else
            cut(pixels + i / count * side * side, side, patch, i % count - first, row);
    }
    return y;
}
