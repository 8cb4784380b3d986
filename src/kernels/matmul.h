/*
 * The int8 matmul, written once. A target defines, then includes this file:
 *
 *     MATMUL_ROWS                                    rows of a tile at most, 2 or 3, by measurement
 *     MATMUL_LONE_QUADS                              1 or 2, see below
 *     MATMUL_STEP                                    inputs taken at a time: GLOSSA_K_STEP, half or twice that
 *     MATMUL_TARGET                                  attributes of its functions, may be empty
 *     weights_t load_weights(const int8_t *)         MATMUL_STEP weights
 *     input_t                                        an activation: uint8_t, or int16_t where the table is wide
 *     inputs_t load_inputs(const input_t *)          MATMUL_STEP activations
 *     sums_t no_sums(void)
 *     ones_t make_ones(const int16_t *one)           sixteen-bit ones, where add_products needs them
 *     sums_t add_products(sums_t, weights_t, inputs_t, ones_t)
 *                                                    int32 partial sums, however they are spread over lanes
 *     i32x4 totals_of(sums_t, sums_t, sums_t, sums_t)     the four totals
 *
 * and, where MATMUL_STEP is twice GLOSSA_K_STEP, load_weights_part and load_inputs_part, half of it with zeros behind;
 * where it pays to widen weights once for many rows, MATMUL_WIDEN, from how many rows on, and
 *
 *     void store_wide(int16_t *, weights_t)          MATMUL_STEP weights as load_weights gave them
 *     weights_t load_wide(const int16_t *)
 *
 * A tile is up to MATMUL_ROWS x 4 sums in registers: V8 has fifteen to give, and to keep a sum in memory costs more
 * than a product. One row alone has MATMUL_LONE_QUADS x 4: 2 where four sums would wait for each other's products, else
 * 1, since four streams of weights come faster from beyond the second cache than eight. Weight rows are read where they
 * lie, in their order.
 *
 * Legend: M rows of activations, K inputs, N outputs.
 */
#include "vector.h"

#define MATMUL_PANEL_BLOCKS 8 /* of eight columns */
#define MATMUL_PANEL_BYTES  16384
#define MATMUL_CACHE_LINE   64

#define MATMUL_INLINE static inline __attribute__((always_inline)) MATMUL_TARGET

/* Eight outputs side by side: what their rows have in common for all M. Outputs beyond `count` repeat the last. */
typedef struct columns {
    const int8_t *weights[8]; /* (K) each */
    i32x4 row_sum[2];
    f32x4 scale[2], bias[2];
    size_t first, count;
} columns;

MATMUL_INLINE void columns_take(columns *c, const glossa_matrix *w, const uint32_t *ids, size_t first, size_t n) {
    c->first = first;
    c->count = n - first < 8 ? n - first : 8;
    if (!ids && c->count == 8) {
        for (size_t j = 0; j < 8; j++)
            c->weights[j] = (const int8_t *)w->data + (first + j) * w->cols;
        for (size_t half = 0; half < 2; half++) {
            c->row_sum[half] = *(const i32x4_at *)(w->row_sum + first + 4 * half);
            c->scale[half] = w->scale_per_row ? load4(w->scale + first + 4 * half) : splat(w->scale[0]);
            if (w->bias) c->bias[half] = load4(w->bias + first + 4 * half);
        }
        return;
    }
    for (size_t half = 0; half < 2; half++) {
        size_t r[4];
        for (size_t j = 0; j < 4; j++) {
            const size_t column = 4 * half + j < c->count ? first + 4 * half + j : n - 1;
            r[j] = ids ? ids[column] : column;
            const int8_t *row = (const int8_t *)w->data + r[j] * w->cols;
            c->weights[4 * half + j] = row;
            /* Gathered rows lie where no prefetcher looks: their cache lines are asked for all at once. */
            for (size_t k = 0; ids && k < w->cols; k += MATMUL_CACHE_LINE)
                (void)*(const volatile int8_t *)(row + k);
        }
        c->row_sum[half] = (i32x4){w->row_sum[r[0]], w->row_sum[r[1]], w->row_sum[r[2]], w->row_sum[r[3]]};
        c->scale[half] = w->scale_per_row ? (f32x4){w->scale[r[0]], w->scale[r[1]], w->scale[r[2]], w->scale[r[3]]}
                                          : splat(w->scale[0]);
        if (w->bias) c->bias[half] = (f32x4){w->bias[r[0]], w->bias[r[1]], w->bias[r[2]], w->bias[r[3]]};
    }
}

#if defined(MATMUL_WIDEN)
#define MATMUL_WEIGHTS(j, k) (panel ? load_wide(panel + 4 * (k) + MATMUL_STEP * (j)) : load_weights(weights[j] + (k)))
#else
#define MATMUL_WEIGHTS(j, k) load_weights(weights[j] + (k))
#endif

/* The totals of `rows` x `quads` * 4 dot products; both are constants where it is called. `panel`: NULL, or the weights
   of one quad widened. */
MATMUL_INLINE void tile(const input_t *q, const int8_t *const *weights, const int16_t *panel, size_t cols, size_t rows,
                        size_t quads, const int16_t *one, i32x4 totals[MATMUL_ROWS][2]) {
    (void)panel;
    const ones_t ones = make_ones(one);
    sums_t sums[MATMUL_ROWS][8];
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < 4 * quads; j++)
            sums[i][j] = no_sums();
    size_t k = 0;
    for (; k + MATMUL_STEP <= cols; k += MATMUL_STEP) {
        inputs_t inputs[MATMUL_ROWS];
        for (size_t i = 0; i < rows; i++)
            inputs[i] = load_inputs(q + i * cols + k);
        for (size_t j = 0; j < 4 * quads; j++) {
            const weights_t part = MATMUL_WEIGHTS(j, k);
            for (size_t i = 0; i < rows; i++)
                sums[i][j] = add_products(sums[i][j], part, inputs[i], ones);
        }
    }
#if MATMUL_STEP > GLOSSA_K_STEP
    if (k < cols) {
        inputs_t inputs[MATMUL_ROWS];
        for (size_t i = 0; i < rows; i++)
            inputs[i] = load_inputs_part(q + i * cols + k);
        for (size_t j = 0; j < 4 * quads; j++) {
            const weights_t part = load_weights_part(weights[j] + k);
            for (size_t i = 0; i < rows; i++)
                sums[i][j] = add_products(sums[i][j], part, inputs[i], ones);
        }
    }
#endif
    for (size_t i = 0; i < rows; i++)
        for (size_t h = 0; h < quads; h++)
            totals[i][h] = totals_of(sums[i][4 * h], sums[i][4 * h + 1], sums[i][4 * h + 2], sums[i][4 * h + 3]);
}

/* What the tiles of one call share. */
typedef struct task {
    size_t cols;        /* K */
    const float *scale; /* (M) of the activations */
    const int32_t *zero;
    bool biased;
    glossa_edge edge;
    float *y; /* (M, N) rows y_stride apart */
    size_t y_stride;
    int16_t one; /* 1, from memory: V8 would make a constant anew for every product */
} task;

/* From the totals of row i and one half of the columns to y. */
MATMUL_INLINE void finish(i32x4 totals, const task *t, const columns *c, size_t i, size_t half) {
    const size_t j = c->first + 4 * half;
    f32x4 product = (splat(t->scale[i]) * c->scale[half]) * to_float(totals - t->zero[i] * c->row_sum[half]);
    if (t->biased) product += c->bias[half];
    finish4(product, &t->edge, i, j, c->count - 4 * half, t->y + i * t->y_stride + j);
}

/* `rows` rows from row i on, a constant where it is called, by a panel of `blocks` times eight columns. */
MATMUL_INLINE void multiply(const task *t, const input_t *q, const columns *c, size_t blocks, size_t i, size_t rows) {
    i32x4 totals[MATMUL_ROWS][2];
    for (const columns *end = c + blocks; c < end; c++) {
        if (rows == 1 && MATMUL_LONE_QUADS == 2) {
            tile(q, c->weights, NULL, t->cols, 1, 2, &t->one, totals);
            finish(totals[0][0], t, c, i, 0);
            if (c->count > 4) finish(totals[0][1], t, c, i, 1);
            continue;
        }
        for (size_t half = 0; half < 2; half++) {
            if (4 * half >= c->count) break;
            tile(q, c->weights + 4 * half, NULL, t->cols, rows, 1, &t->one, totals);
            for (size_t r = 0; r < rows; r++)
                finish(totals[r][0], t, c, i + r, half);
        }
    }
}

/* Functions of their own, so that each has all registers. */
MATMUL_TARGET __attribute__((noinline)) static void multiply_one(const task *t, const input_t *q, const columns *c,
                                                                 size_t blocks, size_t i) {
    multiply(t, q, c, blocks, i, 1);
}

MATMUL_TARGET __attribute__((noinline)) static void multiply_two(const task *t, const input_t *q, const columns *c,
                                                                 size_t blocks, size_t i) {
    multiply(t, q, c, blocks, i, 2);
}

#if MATMUL_ROWS > 2
MATMUL_TARGET __attribute__((noinline)) static void multiply_three(const task *t, const input_t *q, const columns *c,
                                                                   size_t blocks, size_t i) {
    multiply(t, q, c, blocks, i, 3);
}
#endif

#if defined(MATMUL_WIDEN)
/* All rows by one half of eight columns, whose weights are widened first. */
MATMUL_TARGET __attribute__((noinline)) static void multiply_widened(const task *t, const input_t *q, size_t count,
                                                                     const columns *c, size_t half) {
    _Alignas(16) int16_t panel[MATMUL_PANEL_BYTES / sizeof(int16_t)]; /* (K / MATMUL_STEP, 4, MATMUL_STEP) */
    const int8_t *const *weights = c->weights + 4 * half;
    for (size_t k = 0; k < t->cols; k += MATMUL_STEP)
        for (size_t j = 0; j < 4; j++)
            store_wide(panel + 4 * k + MATMUL_STEP * j, load_weights(weights[j] + k));
    i32x4 totals[MATMUL_ROWS][2];
    size_t i = 0;
    for (; i + 2 <= count; i += 2, q += 2 * t->cols) {
        tile(q, weights, panel, t->cols, 2, 1, &t->one, totals);
        for (size_t r = 0; r < 2; r++)
            finish(totals[r][0], t, c, i + r, half);
    }
    if (i < count) {
        tile(q, weights, panel, t->cols, 1, 1, &t->one, totals);
        finish(totals[0][0], t, c, i, half);
    }
}
#endif

MATMUL_TARGET static void matmul(const glossa_rows *rows, const glossa_matrix *w, const uint32_t *ids, size_t n,
                                 float *y, size_t y_stride, const glossa_edge *edge) {
    if (!w->int8) {
        glossa_vector_matmul_f32(rows, w, ids, n, y, y_stride, edge);
        return;
    }
    const size_t count = rows->count; /* M */
    const task t = {
        w->cols, rows->scale, rows->zero, w->bias != NULL, edge ? *edge : (glossa_edge){ACTIVATION_NONE, NULL, 0},
        y,       y_stride,    1};
#if defined(MATMUL_WIDEN)
    if (count >= MATMUL_WIDEN && 4 * t.cols * sizeof(int16_t) <= MATMUL_PANEL_BYTES) {
        for (size_t j = 0; j < n; j += 8) {
            columns c;
            columns_take(&c, w, ids, j, n);
            for (size_t half = 0; 4 * half < c.count; half++)
                multiply_widened(&t, rows->q, count, &c, half);
        }
        return;
    }
#endif
    /* A panel of weights that the first cache keeps while all rows pass over it. */
    size_t panel = MATMUL_PANEL_BLOCKS;
    while (panel > 1 && 8 * panel * t.cols > MATMUL_PANEL_BYTES)
        panel /= 2;
    for (size_t j = 0; j < n;) {
        columns c[MATMUL_PANEL_BLOCKS];
        size_t blocks = 0;
        for (; blocks < panel && j < n; j += 8)
            columns_take(&c[blocks++], w, ids, j, n);
        const input_t *q = rows->q; /* (M, K) */
        size_t i = 0;
#if MATMUL_ROWS > 2
        for (; i + 3 <= count && i + 4 != count; i += 3, q += 3 * t.cols) /* four are two and two */
            multiply_three(&t, q, c, blocks, i);
#endif
        for (; i + 2 <= count; i += 2, q += 2 * t.cols)
            multiply_two(&t, q, c, blocks, i);
        if (i < count) multiply_one(&t, q, c, blocks, i);
    }
}
