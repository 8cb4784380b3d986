#include "lab/windows.h"

/* Row and column, in the rolled grid, of place i of the windows. */
static void locate(const glossa_grid *g, size_t i, size_t *row, size_t *column) {
    const size_t w = g->window, across = g->side / w, number = i / (w * w), within = i % (w * w);
    *row = number / across * w + within / w;
    *column = number % across * w + within % w;
}

void glossa_grid_order(const glossa_grid *g, uint32_t *order) {
    const size_t side = g->side;
    for (size_t i = 0; i < side * side; i++) {
        size_t row, column;
        locate(g, i, &row, &column);
        order[i] = (uint32_t)((row + g->shift) % side * side + (column + g->shift) % side);
    }
}

/* Which of the three bands of the rolled grid a row or a column lies in. */
static uint8_t band(const glossa_grid *g, size_t at) {
    return at < g->side - g->window ? 0 : at < g->side - g->shift ? 1 : 2;
}

void glossa_grid_regions(const glossa_grid *g, uint8_t *regions) {
    for (size_t i = 0; i < (size_t)g->side * g->side; i++) {
        size_t row, column;
        locate(g, i, &row, &column);
        regions[i] = g->shift > 0 ? (uint8_t)(3 * band(g, row) + band(g, column)) : 0;
    }
}

void glossa_window_offsets(uint32_t window, uint32_t *index) {
    const uint32_t w = window, n = w * w;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            index[i * n + j] = (i / w + w - 1 - j / w) * (2 * w - 1) + (i % w + w - 1 - j % w);
}

void glossa_grid_squares(uint32_t side, uint32_t *order) {
    for (uint32_t row = 0; row < side; row += 2)
        for (uint32_t column = 0; column < side; column += 2) {
            *order++ = row * side + column;
            *order++ = (row + 1) * side + column;
            *order++ = row * side + column + 1;
            *order++ = (row + 1) * side + column + 1;
        }
}
