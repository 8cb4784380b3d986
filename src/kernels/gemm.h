/*
 * Products of float matrices for one target (Goto & van de Geijn 2008): b is packed into panels as wide as a tile, a
 * tile of sums stays in registers, and one pass over the depth feeds it. The including file defines GEMM_TARGET (an
 * attribute or nothing), GEMM_LANES, GEMM_ROWS and GEMM_VECTORS (a tile has that many rows of that many vectors) and
 * GEMM_MADD(x, y, z), which is x * y + z. It gets multiply() and linear() and their work memory, GEMM_WORK.
 *
 * What is packed are floats, or with GEMM_PAIRS, words that each hold two numbers which follow each other in the depth:
 * then the including file has its own gemm_pack(), and both factors are packed.
 *
 * Sums begin with what c holds and go on in order of the depth, so blocks change nothing: without a fused GEMM_MADD the
 * bits are those of the scalar definition.
 */
#include "kernels/gradients.h"

#include <string.h>

#define GEMM_PANEL   (GEMM_VECTORS * GEMM_LANES) /* columns of a tile */
#define GEMM_DEPTH   256                         /* items: a panel of b stays in the first cache ... */
#define GEMM_COLUMNS 256                         /* ... and a block of panels in the second */
#define GEMM_GROUP   (16 * GEMM_ROWS)            /* rows of a that are packed at a time */
#define GEMM_WORK    (GEMM_DEPTH * GEMM_COLUMNS + GEMM_GROUP * GEMM_DEPTH)

#if defined(GEMM_PAIRS)
#define GEMM_ITEM uint32_t
#define GEMM_EACH 2 /* numbers of an item */
#else
#define GEMM_ITEM float
#define GEMM_EACH 1
#endif

typedef GEMM_ITEM gemm_items __attribute__((vector_size(4 * GEMM_LANES)));
typedef GEMM_ITEM gemm_items_at __attribute__((vector_size(4 * GEMM_LANES), aligned(4), may_alias));
typedef float gemm_vector __attribute__((vector_size(4 * GEMM_LANES)));
typedef float gemm_vector_at __attribute__((vector_size(4 * GEMM_LANES), aligned(4), may_alias));
typedef float gemm_four __attribute__((vector_size(16)));
typedef float gemm_four_at __attribute__((vector_size(16), aligned(4), may_alias));

#define GEMM_INLINE GEMM_TARGET static inline __attribute__((always_inline))

/* c (rows, GEMM_PANEL) += a b over `depth` items; b is a packed panel, `rows` a constant up to GEMM_ROWS. */
GEMM_INLINE void gemm_tile(size_t rows, const GEMM_ITEM *a, size_t a_row, size_t a_step, const GEMM_ITEM *b,
                           size_t depth, float *c, size_t c_row) {
    gemm_vector sum[GEMM_ROWS][GEMM_VECTORS];
    for (size_t i = 0; i < rows; i++)
        for (size_t s = 0; s < GEMM_VECTORS; s++)
            sum[i][s] = *(const gemm_vector_at *)(c + i * c_row + s * GEMM_LANES);
    for (size_t k = 0; k < depth; k++, a += a_step, b += GEMM_PANEL) {
        gemm_items part[GEMM_VECTORS];
        for (size_t s = 0; s < GEMM_VECTORS; s++)
            part[s] = *(const gemm_items_at *)(b + s * GEMM_LANES);
        for (size_t i = 0; i < rows; i++) {
            const gemm_items x = a[i * a_row] - (gemm_items){0};
            for (size_t s = 0; s < GEMM_VECTORS; s++)
                sum[i][s] = GEMM_MADD(x, part[s], sum[i][s]);
        }
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t s = 0; s < GEMM_VECTORS; s++)
            *(gemm_vector_at *)(c + i * c_row + s * GEMM_LANES) = sum[i][s];
}

/* The first `columns` of `rows` rows, from one pitch to another. Loops, since these are too few for memcpy. */
GEMM_INLINE void gemm_copy(const float *from, size_t from_row, float *to, size_t to_row, size_t rows, size_t columns) {
    for (size_t i = 0; i < rows; i++, from += from_row, to += to_row) {
        size_t j = 0;
        for (; j + 4 <= columns; j += 4)
            *(gemm_four_at *)(to + j) = *(const gemm_four_at *)(from + j);
        for (; j < columns; j++)
            to[j] = from[j];
    }
}

/* A tile of which only `rows` x `columns` exist: a third or two of its rows, where that is enough. */
GEMM_TARGET static void gemm_border(const GEMM_ITEM *a, size_t a_row, size_t a_step, const GEMM_ITEM *b, size_t depth,
                                    float *c, size_t c_row, size_t rows, size_t columns) {
    float tile[GEMM_ROWS * GEMM_PANEL];
    for (size_t i = 0; i < GEMM_ROWS * GEMM_PANEL; i += GEMM_LANES)
        *(gemm_vector_at *)(tile + i) = (gemm_vector){0};
    gemm_copy(c, c_row, tile, GEMM_PANEL, rows, columns);
    if (GEMM_ROWS % 3 == 0 && rows <= GEMM_ROWS / 3)
        gemm_tile(GEMM_ROWS / 3, a, a_row, a_step, b, depth, tile, GEMM_PANEL);
    else if (GEMM_ROWS % 3 == 0 && rows <= GEMM_ROWS / 3 * 2)
        gemm_tile(GEMM_ROWS / 3 * 2, a, a_row, a_step, b, depth, tile, GEMM_PANEL);
    else
        gemm_tile(GEMM_ROWS, a, a_row, a_step, b, depth, tile, GEMM_PANEL);
    gemm_copy(tile, GEMM_PANEL, c, c_row, rows, columns);
}

#if !defined(GEMM_PAIRS)
/* Four columns of four rows that lie `row` apart become four rows that lie `width` apart. */
GEMM_INLINE void gemm_turn(const float *from, size_t row, size_t width, float *out) {
    const gemm_four a = *(const gemm_four_at *)from, b = *(const gemm_four_at *)(from + row);
    const gemm_four c = *(const gemm_four_at *)(from + 2 * row), d = *(const gemm_four_at *)(from + 3 * row);
    const gemm_four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const gemm_four AB = __builtin_shufflevector(a, b, 2, 6, 3, 7), CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(gemm_four_at *)out = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(gemm_four_at *)(out + width) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(gemm_four_at *)(out + 2 * width) = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
    *(gemm_four_at *)(out + 3 * width) = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
}

/* `count` rows of a factor as strips of `width`: element (i, k) at [i / width][k][i % width], zeros beyond the last. */
GEMM_INLINE void gemm_pack(const float *data, size_t row, size_t step, size_t count, size_t depth, size_t width,
                           float *out) {
    for (size_t at = 0; at < count; at += width, out += depth * width) {
        const size_t some = count - at < width ? count - at : width;
        const float *from = data + at * row;
        if (some < width) {
            memset(out, 0, depth * width * sizeof *out);
            for (size_t k = 0; k < depth; k++)
                for (size_t i = 0; i < some; i++)
                    out[k * width + i] = from[i * row + k * step];
        } else if (row == 1) {
            for (size_t k = 0; k < depth; k++)
                memcpy(out + k * width, from + k * step, width * sizeof *out);
        } else if (width % 4 == 0 && step == 1) {
            const size_t whole = depth - depth % 4;
            for (size_t i = 0; i < width; i += 4)
                for (size_t k = 0; k < whole; k += 4)
                    gemm_turn(from + i * row + k, row, width, out + k * width + i);
            for (size_t k = whole; k < depth; k++)
                for (size_t i = 0; i < width; i++)
                    out[k * width + i] = from[i * row + k];
        } else {
            for (size_t k = 0; k < depth; k++)
                for (size_t i = 0; i < width; i++)
                    out[k * width + i] = from[i * row + k * step];
        }
    }
}
#endif

/* A group of rows of a over all packed panels of b. */
GEMM_TARGET static void gemm_group(const GEMM_ITEM *a, size_t a_row, size_t a_step, bool packed, size_t m,
                                   const GEMM_ITEM *b, size_t n, size_t depth, float *c, size_t c_row,
                                   GEMM_ITEM *strip) {
#if !defined(GEMM_PAIRS)
    const size_t whole = m - m % GEMM_ROWS;
    if (!packed && whole < m) gemm_pack(a + whole * a_row, a_row, a_step, m - whole, depth, GEMM_ROWS, strip);
#endif
    for (size_t j = 0; j < n; j += GEMM_PANEL, b += depth * GEMM_PANEL) {
        const size_t columns = n - j < GEMM_PANEL ? n - j : GEMM_PANEL;
        for (size_t i = 0; i < m; i += GEMM_ROWS) {
            const size_t rows = m - i < GEMM_ROWS ? m - i : GEMM_ROWS;
            const bool stripped = packed || rows < GEMM_ROWS;
            const GEMM_ITEM *from = packed ? a + i * depth : stripped ? strip : a + i * a_row;
            const size_t row = stripped ? 1 : a_row, step = stripped ? GEMM_ROWS : a_step;
            float *to = c + i * c_row + j;
            if (rows == GEMM_ROWS && columns == GEMM_PANEL)
                gemm_tile(GEMM_ROWS, from, row, step, b, depth, to, c_row);
            else
                gemm_border(from, row, step, b, depth, to, c_row, rows, columns);
        }
    }
}

GEMM_TARGET static void multiply(glossa_factor a, glossa_factor b, size_t m, size_t n, size_t depth, float *c,
                                 size_t c_row, float *work) {
    GEMM_ITEM *panels = (GEMM_ITEM *)work, *strips = panels + GEMM_DEPTH * GEMM_COLUMNS;
    const size_t most = GEMM_DEPTH * GEMM_EACH;
    const bool pack = GEMM_EACH > 1 || a.step != 1; /* rows that lie apart would be gathered again for each panel */
    for (size_t j = 0; j < n; j += GEMM_COLUMNS) {
        const size_t columns = n - j < GEMM_COLUMNS ? n - j : GEMM_COLUMNS;
        for (size_t k = 0; k < depth; k += most) {
            const size_t part = depth - k < most ? depth - k : most, items = (part + GEMM_EACH - 1) / GEMM_EACH;
            gemm_pack(b.data + j * b.row + k * b.step, b.row, b.step, columns, part, GEMM_PANEL, panels);
            for (size_t i = 0; i < m; i += GEMM_GROUP) {
                const size_t rows = m - i < GEMM_GROUP ? m - i : GEMM_GROUP;
                const float *from = a.data + i * a.row + k * a.step;
                if (pack) gemm_pack(from, a.row, a.step, rows, part, GEMM_ROWS, strips);
                gemm_group(pack ? strips : (const GEMM_ITEM *)from, a.row, a.step, pack, rows, panels, columns, items,
                           c + i * c_row + j, c_row, strips);
            }
        }
    }
}

/* Not the order of the scalar definition, for tables that are not exact. */
GEMM_TARGET static inline __attribute__((unused)) void linear(const float *x, const float *w, const float *bias,
                                                              size_t m, size_t n, size_t k, float *y, float *work) {
    for (size_t i = 0; i < m; i++) {
        if (bias)
            memcpy(y + i * n, bias, n * sizeof *y);
        else
            memset(y + i * n, 0, n * sizeof *y);
    }
    multiply((glossa_factor){x, k, 1}, (glossa_factor){w, k, 1}, m, n, k, y, n, work);
}
