/*
 * Windows of a grid of patches (Liu et al. 2021, 3.2): which patch lies where once the grid is moved and cut, and what
 * of it may attend to what. Patches of an image are counted from left to right and from top to bottom.
 */
#ifndef GLOSSA_WINDOWS_H
#define GLOSSA_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

typedef struct glossa_grid {
    uint32_t side;   /* patches in a row */
    uint32_t window; /* patches in a row of a window; divides the side */
    uint32_t shift;  /* by so many patches the grid is rolled up and to the left; less than the window */
} glossa_grid;

/* order (side * side): the patch that stands at each place of the windows, which come one after the other. */
void glossa_grid_order(const glossa_grid *grid, uint32_t *order);

/* regions (side * side), in the order of the windows: patches of one window that lie side by side in the image, and not
   just by the roll, have one number. */
void glossa_grid_regions(const glossa_grid *grid, uint8_t *regions);

/* index (window^4): where in a table of (2 window - 1)^2 offsets the bias of query i and key j stands, at
   i * window^2 + j. */
void glossa_window_offsets(uint32_t window, uint32_t *index);

/* order (side * side): the patches two by two, those of one square after each other, columns first as in Swin's own
   code: (0, 0), (1, 0), (0, 1), (1, 1) by row and column. The side is even. */
void glossa_grid_squares(uint32_t side, uint32_t *order);

#endif
