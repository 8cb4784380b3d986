/* Attention: weights = softmax(scale * q k^T), y = weights v, head by head. */
#include <math.h> /* INFINITY */

#include "lab/dropout.h"
#include "lab/operation.h"

typedef struct attention {
    glossa_operation head;
    glossa_node q, k, v, y;
    glossa_attending a;
    glossa_segments queries, keys;
    glossa_draw draw;
    float *weights; /* (H, m, n) of each sequence */
    float *mixed;   /* the same after dropout; the weights themselves without */
    float *slopes;  /* (m, n) of the longest sequence */
    uint8_t *kept;  /* a row of it, where weights are dropped */
} attention;

/* One head of one sequence. */
typedef struct part {
    size_t m, n, d;     /* queries, keys, head width */
    size_t q, k;        /* where the head's first query and key lie in (M, D) and (N, D) */
    float *weights;     /* (m, n) */
    float *mixed;       /* (m, n) */
    const float *guide; /* (m, n) where this head is guided, else NULL */
    uint32_t sequence;  /* in the batch */
    size_t head;
} part;

/* Calls `visit` for every head of every sequence, in order. */
static void for_each_part(glossa_tape *tape, const attention *o,
                          void (*visit)(glossa_tape *, const attention *, const part *)) {
    const size_t heads = o->a.heads, width = o->q.width, d = width / heads;
    size_t at = 0, guided = 0;
    for (size_t s = 0; s < o->queries.count; s++) {
        const size_t q = o->queries.starts[s], k = o->keys.starts[s];
        const size_t m = o->queries.starts[s + 1] - q, n = o->keys.starts[s + 1] - k;
        for (size_t h = 0; h < heads; h++, at += m * n) {
            const bool is_guided = o->a.guide && h == o->a.guide_head;
            const part p = {m,
                            n,
                            d,
                            q * width + h * d,
                            k * width + h * d,
                            o->weights + at,
                            o->mixed + at,
                            is_guided ? o->a.guide + guided : NULL,
                            tape->first_sequence + (uint32_t)s,
                            h};
            visit(tape, o, &p);
        }
        guided += m * n;
    }
}

/* Elements of all weights, and of the largest (m, n). */
static bool count_weights(const glossa_attending *a, size_t *all, size_t *largest) {
    *all = *largest = 0;
    for (size_t s = 0; s < a->queries->count; s++) {
        const size_t m = a->queries->starts[s + 1] - a->queries->starts[s];
        const size_t n = a->keys->starts[s + 1] - a->keys->starts[s];
        size_t some, heads;
        if (!glossa_mul_size(m, n, &some) || !glossa_mul_size(some, a->heads, &heads) ||
            !glossa_add_size(*all, heads, all))
            return false;
        if (some > *largest) *largest = some;
    }
    return true;
}

/* scale * scores; a causal query does not see later keys. */
static void scale_scores(float *scores, size_t m, size_t n, float scale, bool causal) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++)
            scores[i * n + j] *= scale;
        for (size_t j = i + 1; causal && j < n; j++)
            scores[i * n + j] = -INFINITY;
    }
}

/* guide_weight * -sum(guide * log(weights)). */
static double guide_loss(const attention *o, const part *p) {
    double sum = 0;
    for (size_t i = 0; i < p->m * p->n; i++)
        if (p->guide[i] != 0.0f) sum -= (double)p->guide[i] * (double)glossa_log(p->weights[i]);
    return sum * (double)o->a.guide_weight;
}

/* Query i's weights after dropout. */
static void drop(const attention *o, const part *p, size_t i) {
    const float *weights = p->weights + i * p->n;
    float *mixed = p->mixed + i * p->n;
    glossa_draw_row(&o->draw, p->sequence, p->head * p->m + i, p->n, o->kept);
    for (size_t j = 0; j < p->n; j++)
        mixed[j] = (float)o->kept[j] * o->draw.keep * weights[j];
}

static void attend_part(glossa_tape *tape, const attention *o, const part *p) {
    const glossa_gradients *g = tape->kernels;
    const size_t width = o->q.width, m = p->m, n = p->n;
    clear(p->weights, m * n);
    g->multiply((glossa_factor){o->q.value + p->q, width, 1}, (glossa_factor){o->k.value + p->k, width, 1}, m, n, p->d,
                p->weights, n, tape->work);
    scale_scores(p->weights, m, n, o->a.scale, o->a.causal);
    for (size_t i = 0; i < m; i++)
        g->forward->softmax(p->weights + i * n, n);
    if (p->mixed != p->weights)
        for (size_t i = 0; i < m; i++)
            drop(o, p, i);
    if (p->guide) tape->loss += guide_loss(o, p);
    g->multiply((glossa_factor){p->mixed, n, 1}, (glossa_factor){o->v.value + p->k, 1, width}, m, p->d, n,
                o->y.value + p->q, width, tape->work);
}

/*
 * With P the weights, R what they are mixed with after dropout, S the scores:
 *     dV += R^T dY, dR = dY V^T, dP = mask / (1 - p) * dR,
 *     dS = P * (dP - sum over j of P dP), and guide_weight * (P * sum(guide) - guide) where the head is guided,
 *     dQ += scale * dS K, dK += scale * dS^T Q.
 */
static void attend_part_backward(glossa_tape *tape, const attention *o, const part *p) {
    const glossa_gradients *g = tape->kernels;
    const size_t width = o->q.width, m = p->m, n = p->n, d = p->d;
    const float *dy = o->y.gradient + p->q;
    float *slopes = o->slopes;
    g->multiply((glossa_factor){p->mixed, 1, n}, (glossa_factor){dy, 1, width}, n, d, m, o->v.gradient + p->k, width,
                tape->work);
    clear(slopes, m * n);
    g->multiply((glossa_factor){dy, width, 1}, (glossa_factor){o->v.value + p->k, width, 1}, m, n, d, slopes, n,
                tape->work);
    for (size_t i = 0; i < m; i++) {
        const float *weights = p->weights + i * n, *guide = p->guide ? p->guide + i * n : NULL;
        float *slope = slopes + i * n, mean = 0.0f, wanted = 0.0f;
        for (size_t j = 0; j < n; j++) /* a weight of 0 counts nothing, dropped or not */
            slope[j] *= p->mixed == p->weights ? 1.0f : p->mixed[i * n + j] > 0.0f ? o->draw.keep : 0.0f;
        for (size_t j = 0; j < n; j++)
            mean += weights[j] * slope[j];
        for (size_t j = 0; j < n; j++)
            slope[j] = weights[j] * (slope[j] - mean);
        for (size_t j = 0; guide && j < n; j++)
            wanted += guide[j];
        for (size_t j = 0; guide && j < n; j++)
            slope[j] += o->a.guide_weight * (weights[j] * wanted - guide[j]);
        for (size_t j = 0; j < n; j++)
            slope[j] *= o->a.scale;
    }
    g->multiply((glossa_factor){slopes, n, 1}, (glossa_factor){o->k.value + p->k, 1, width}, m, d, n,
                o->q.gradient + p->q, width, tape->work);
    g->multiply((glossa_factor){slopes, 1, n}, (glossa_factor){o->q.value + p->q, 1, width}, n, d, m,
                o->k.gradient + p->k, width, tape->work);
}

static void attention_backward(glossa_tape *tape, const glossa_operation *self) {
    for_each_part(tape, (const attention *)self, attend_part_backward);
}

static void show_attention(glossa_tape *tape, const attention *o) {
    glossa_view *view = TAKE(&tape->arena, glossa_view, 1);
    if (!view) return;
    *view =
        (glossa_view){tape->views, o->a.name, o->weights, o->q.rows, o->k.rows, o->a.heads, o->a.queries, o->a.keys};
    tape->views = view;
}

glossa_node glossa_tape_attention(glossa_tape *tape, glossa_node q, glossa_node k, glossa_node v,
                                  const glossa_attending *a) {
    const glossa_node y = glossa_tape_take(tape, q.rows, q.width);
    const bool drops = tape->learning && a->dropout > 0;
    size_t all, largest;
    if (!count_weights(a, &all, &largest)) tape->arena.failed = true;
    attention unrecorded, *o = glossa_tape_record(tape, sizeof *o, attention_backward);
    float *weights = TAKE(&tape->arena, float, all);
    float *mixed = drops ? TAKE(&tape->arena, float, all) : weights;
    float *slopes = tape->learning ? TAKE(&tape->arena, float, largest) : NULL;
    uint8_t *kept = drops ? TAKE(&tape->arena, uint8_t, largest) : NULL;
    if (!o) o = &unrecorded;
    if (o == &unrecorded) o->head = (glossa_operation){0};
    *o = (attention){o->head, q, k, v, y, *a, *a->queries, *a->keys, {0}, weights, mixed, slopes, kept};
    if (drops) o->draw = glossa_draw_next(tape, a->dropout);
    show_attention(tape, o);
    if (!is_ready(tape, weights)) return y;
    clear(y.value, y.rows * y.width);
    for_each_part(tape, o, attend_part);
    return y;
}
