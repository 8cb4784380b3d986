/* Attention: weights = softmax(scores), y = weights v, head by head. */
#include <math.h> /* INFINITY */

#include "lab/dropout.h"
#include "lab/scores.h"

#define APART 100.0f /* taken from the score of rows of unlike regions */

typedef struct attention {
    glossa_operation head;
    glossa_node q, k, v, y;
    glossa_attending a;
    glossa_segments queries, keys;
    glossa_draw draw;
    float *weights; /* (H, m, n) of each sequence */
    float *mixed;   /* the same after dropout or a hard choice; the weights themselves without */
    float *raw;     /* (H, m, n) scores of each sequence, where the way back needs them */
    float *slopes;  /* (m, n) of the longest sequence */
    float *work;    /* of the scores */
    uint8_t *kept;  /* a row of (m, n), where weights are dropped */
} attention;

/* One head of one sequence. */
typedef struct part {
    size_t m, n;        /* queries, keys */
    size_t q, k;        /* where the head's first query and key lie in (M, D) and (N, D), */
    size_t y, v, e;     /* its first output and value in (M, E) and (N, E), and how wide those are */
    float *weights;     /* (m, n) */
    float *mixed;       /* (m, n) */
    const float *guide; /* (m, n) where this head is guided, else NULL */
    uint32_t first;     /* row of the sequence's first query */
    uint32_t sequence;  /* in the batch */
    glossa_scored scored;
} part;

/* Calls `visit` for every head of every sequence, in order. */
static void for_each_part(glossa_tape *tape, const attention *o,
                          void (*visit)(glossa_tape *, const attention *, const part *)) {
    const size_t heads = o->a.heads, d = o->q.width / heads, e = o->v.width / heads;
    size_t at = 0, guided = 0;
    for (size_t s = 0; s < o->queries.count; s++) {
        const size_t q = o->queries.starts[s], k = o->keys.starts[s];
        const size_t m = o->queries.starts[s + 1] - q, n = o->keys.starts[s + 1] - k;
        for (size_t h = 0; h < heads; h++, at += m * n) {
            const bool is_guided = o->a.guide && h == o->a.guide_head;
            part p = {m,
                      n,
                      q * o->q.width + h * d,
                      k * o->k.width + h * d,
                      q * o->v.width + h * e,
                      k * o->v.width + h * e,
                      e,
                      o->weights + at,
                      o->mixed + at,
                      is_guided ? o->a.guide + guided : NULL,
                      (uint32_t)q,
                      glossa_tape_sequence(tape, &o->queries, s),
                      {0}};
            p.scored =
                (glossa_scored){o->a.score, o->a.scale, o->a.learnt, o->q.value + p.q,           o->k.value + p.k, m, n,
                                d,          o->q.width, h,           o->raw ? o->raw + at : NULL};
            visit(tape, o, &p);
        }
        guided += m * n;
    }
}

/* Elements of all weights and of the largest (m, n), and queries and keys of the longest sequence together. */
static bool count_weights(const glossa_attending *a, size_t *all, size_t *largest, size_t *longest) {
    *all = *largest = *longest = 0;
    for (size_t s = 0; s < a->queries->count; s++) {
        const size_t m = glossa_segment_rows(a->queries, s), n = glossa_segment_rows(a->keys, s);
        size_t some, heads;
        if (!glossa_mul_size(m, n, &some) || !glossa_mul_size(some, a->heads, &heads) ||
            !glossa_add_size(*all, heads, all))
            return false;
        if (some > *largest) *largest = some;
        if (m + n > *longest) *longest = m + n;
    }
    return true;
}

/* What is added to the scores of a window: the bias, and the distance of unlike regions. */
static void add_window(const glossa_tape *tape, const attention *o, const part *p) {
    const glossa_attending *a = &o->a;
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            float *score = &p->weights[i * p->n + j];
            if (a->bias) *score += value_of(tape, a->bias)[a->bias_index[i * p->n + j] * a->heads + p->scored.head];
            if (a->regions && a->regions[p->first + i] != a->regions[p->first + j]) *score -= APART;
        }
    }
}

/* A causal query does not see later keys. */
static void hide_later(float *scores, size_t m, size_t n) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = i + 1; j < n; j++)
            scores[i * n + j] = -INFINITY;
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
    glossa_draw_row(&o->draw, p->sequence, p->scored.head * p->m + i, p->n, o->kept);
    for (size_t j = 0; j < p->n; j++)
        mixed[j] = (float)o->kept[j] * o->draw.keep * weights[j];
}

/* 1 for the key of query i's largest weight, the first of equals. */
static void choose(const part *p, size_t i) {
    const float *weights = p->weights + i * p->n;
    float *mixed = p->mixed + i * p->n;
    size_t best = 0;
    for (size_t j = 0; j < p->n; j++) {
        mixed[j] = 0.0f;
        if (weights[j] > weights[best]) best = j;
    }
    if (p->n > 0) mixed[best] = 1.0f;
}

static void attend_part(glossa_tape *tape, const attention *o, const part *p) {
    const glossa_gradients *g = tape->kernels;
    const size_t m = p->m, n = p->n, width = o->v.width;
    glossa_scores(tape, &p->scored, p->weights, o->work);
    if (o->a.bias || o->a.regions) add_window(tape, o, p);
    if (o->a.causal) hide_later(p->weights, m, n);
    for (size_t i = 0; i < m; i++)
        g->forward->softmax(p->weights + i * n, n);
    for (size_t i = 0; i < m && p->mixed != p->weights; i++) {
        if (o->a.hard)
            choose(p, i);
        else
            drop(o, p, i);
    }
    if (p->guide) tape->loss += guide_loss(o, p);
    g->multiply((glossa_factor){p->mixed, n, 1}, (glossa_factor){o->v.value + p->v, 1, width}, m, p->e, n,
                o->y.value + p->y, width, tape->work);
}

/* Of query i: slopes with respect to the weights become those with respect to the scores. */
static void slope_of_scores(const attention *o, const part *p, size_t i) {
    const float *weights = p->weights + i * p->n, *guide = p->guide ? p->guide + i * p->n : NULL;
    float *slope = o->slopes + i * p->n, mean = 0.0f, wanted = 0.0f;
    const bool drops = p->mixed != p->weights && !o->a.hard;
    for (size_t j = 0; j < p->n; j++) /* a weight of 0 counts nothing, dropped or not */
        slope[j] *= !drops ? 1.0f : p->mixed[i * p->n + j] > 0.0f ? o->draw.keep : 0.0f;
    for (size_t j = 0; j < p->n; j++)
        mean += weights[j] * slope[j];
    for (size_t j = 0; j < p->n; j++)
        slope[j] = weights[j] * (slope[j] - mean);
    for (size_t j = 0; guide && j < p->n; j++)
        wanted += guide[j];
    for (size_t j = 0; guide && j < p->n; j++)
        slope[j] += o->a.guide_weight * (weights[j] * wanted - guide[j]);
}

static void bias_backward(const glossa_tape *tape, const attention *o, const part *p) {
    float *bias = gradient_of(tape, o->a.bias);
    for (size_t i = 0; i < p->m * p->n; i++)
        bias[o->a.bias_index[i] * o->a.heads + p->scored.head] += o->slopes[i];
}

/*
 * With P the weights, R what they are mixed with after dropout or choice, S the scores:
 *     dV += R^T dY, dR = dY V^T, dP = mask / (1 - p) * dR, or dR where a key is chosen,
 *     dS = P * (dP - sum over j of P dP), and guide_weight * (P * sum(guide) - guide) where the head is guided.
 */
static void attend_part_backward(glossa_tape *tape, const attention *o, const part *p) {
    const glossa_gradients *g = tape->kernels;
    const size_t width = o->v.width, m = p->m, n = p->n, e = p->e;
    const float *dy = o->y.gradient + p->y;
    g->multiply((glossa_factor){p->mixed, 1, n}, (glossa_factor){dy, 1, width}, n, e, m, o->v.gradient + p->v, width,
                tape->work);
    clear(o->slopes, m * n);
    g->multiply((glossa_factor){dy, width, 1}, (glossa_factor){o->v.value + p->v, width, 1}, m, n, e, o->slopes, n,
                tape->work);
    for (size_t i = 0; i < m; i++)
        slope_of_scores(o, p, i);
    if (o->a.bias) bias_backward(tape, o, p);
    glossa_scores_backward(tape, &p->scored, o->slopes, o->q.gradient + p->q, o->k.gradient + p->k, o->work);
}

static void attention_backward(glossa_tape *tape, const glossa_operation *self) {
    for_each_part(tape, (const attention *)self, attend_part_backward);
}

static void show_attention(glossa_tape *tape, const attention *o) {
    glossa_view *view = TAKE(&tape->arena, glossa_view, 1);
    if (!view) return;
    *view = (glossa_view){tape->views,  o->a.name, o->a.hard ? o->mixed : o->weights, o->q.rows, o->k.rows, o->a.heads,
                          o->a.queries, o->a.keys};
    tape->views = view;
}

glossa_node glossa_tape_attention(glossa_tape *tape, glossa_node q, glossa_node k, glossa_node v,
                                  const glossa_attending *a) {
    const glossa_node y = glossa_tape_take(tape, q.rows, v.width);
    const bool drops = tape->learning && a->dropout > 0 && !a->hard;
    const bool keeps_scores = tape->learning && a->score == SCORE_COSINE;
    size_t all, largest, longest;
    if (!count_weights(a, &all, &largest, &longest)) tape->arena.failed = true;
    attention unrecorded, *o = glossa_tape_record(tape, sizeof *o, attention_backward);
    float *weights = TAKE(&tape->arena, float, all);
    float *mixed = drops || a->hard ? TAKE(&tape->arena, float, all) : weights;
    float *raw = keeps_scores ? TAKE(&tape->arena, float, all) : NULL;
    float *slopes = tape->learning ? TAKE(&tape->arena, float, largest) : NULL;
    float *work = TAKE(&tape->arena, float, glossa_scores_work(a->score, q.width / a->heads, longest));
    uint8_t *kept = drops ? TAKE(&tape->arena, uint8_t, largest) : NULL;
    if (!o) o = &unrecorded;
    if (o == &unrecorded) o->head = (glossa_operation){0};
    *o = (attention){o->head, q, k, v, y, *a, *a->queries, *a->keys, {0}, weights, mixed, raw, slopes, work, kept};
    if (drops) o->draw = glossa_draw_next(tape, a->dropout);
    show_attention(tape, o);
    if (!is_ready(tape, weights)) return y;
    clear(y.value, y.rows * y.width);
    for_each_part(tape, o, attend_part);
    return y;
}
