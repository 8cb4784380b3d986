#include "lab/tape.h"

#include <math.h> /* INFINITY */
#include <string.h>

#include "base/random.h"

#define LOGITS 131072 /* floats of logits in memory at a time, or one row */

void glossa_tape_reset(glossa_tape *tape) {
    tape->arena.used = 0;
    tape->arena.failed = false;
    tape->site = 0;
    tape->loss = 0;
    tape->last = NULL;
    tape->views = NULL;
}

void glossa_tape_backward(glossa_tape *tape) {
    for (const glossa_operation *o = tape->last; o; o = o->before)
        o->backward(tape, o);
}

void glossa_tape_show(glossa_tape *tape, const char *name, glossa_node node) {
    glossa_view *view = TAKE(&tape->arena, glossa_view, 1);
    if (!view) return;
    *view =
        (glossa_view){.before = tape->views, .name = name, .data = node.value, .rows = node.rows, .width = node.width};
    tape->views = view;
}

const glossa_view *glossa_tape_view(const glossa_tape *tape, const char *name) {
    const glossa_view *view = tape->views;
    while (view && strcmp(view->name, name) != 0)
        view = view->before;
    return view;
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static float *take_floats(glossa_tape *tape, size_t rows, size_t width) {
    return TAKE(&tape->arena, float, rows, width);
}

static void clear(float *x, size_t count) {
    if (x && count > 0) memset(x, 0, count * sizeof *x);
}

static void add_scaled(float *sum, float factor, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        sum[i] += factor * x[i];
}

/* Room for what an operation gives. The values are not cleared. */
static glossa_node take_node(glossa_tape *tape, size_t rows, size_t width) {
    glossa_node node = {.rows = rows, .width = width, .value = take_floats(tape, rows, width)};
    if (tape->learning) {
        node.gradient = take_floats(tape, rows, width);
        clear(node.gradient, rows * width);
    }
    return node;
}

/* Records an operation of a type whose first member is a glossa_operation; NULL while measuring and where nothing is
   learnt. */
static void *record(glossa_tape *tape, size_t size, void (*backward)(glossa_tape *, const glossa_operation *)) {
    if (!tape->learning) return NULL;
    glossa_operation *o = glossa_arena_take(&tape->arena, size, (const uint64_t[]){1}, 1);
    if (!o) return NULL;
    *o = (glossa_operation){.before = tape->last, .backward = backward};
    tape->last = o;
    return o;
}

/* Whether there is memory to compute in, `taken` being what was taken from it last. */
static bool is_ready(const glossa_tape *tape, const void *taken) {
    return taken && !glossa_tape_measures(tape) && !tape->arena.failed;
}

static const float *value_of(const glossa_tape *tape, const glossa_parameter *p) {
    return tape->values + p->offset;
}

static float *gradient_of(const glossa_tape *tape, const glossa_parameter *p) {
    return tape->gradients + p->offset;
}

glossa_node glossa_tape_parameter(glossa_tape *tape, const glossa_parameter *p) {
    glossa_node node = {.rows = p->rows, .width = p->cols};
    if (!glossa_tape_measures(tape)) {
        node.value = (float *)(uintptr_t)value_of(tape, p); /* operations do not write to their inputs' values */
        node.gradient = tape->learning ? gradient_of(tape, p) : NULL;
    }
    return node;
}

/* ---- embedding: y[i] = scale * table[ids[i]] + position[i] ------------------------------------------------------ */

typedef struct embed {
    glossa_operation head;
    glossa_embedding e;
    const uint32_t *ids;
    glossa_segments segments;
    glossa_node y;
} embed;

static void embed_forward(const glossa_tape *tape, const glossa_embedding *e, const uint32_t *ids,
                          const glossa_segments *segments, glossa_node y) {
    const float *table = value_of(tape, e->table);
    const float *positions = e->positions ? value_of(tape, e->positions) : e->sinusoids;
    for (size_t s = 0; s < segments->count; s++) {
        for (size_t i = segments->starts[s]; i < segments->starts[s + 1]; i++) {
            const size_t t = i - segments->starts[s];
            const float *row = e->start_is_zero && t == 0 ? NULL : table + ids[i] * y.width;
            tape->kernels->forward->embed(row, false, e->scale, positions + t * y.width, y.width,
                                          y.value + i * y.width);
        }
    }
}

/* dtable[ids[i]] += scale * dy[i], dposition += dy[i]. */
static void embed_backward(glossa_tape *tape, const glossa_operation *self) {
    const embed *o = (const embed *)self;
    const size_t d = o->y.width;
    float *table = gradient_of(tape, o->e.table);
    float *positions = o->e.positions ? gradient_of(tape, o->e.positions) : NULL;
    for (size_t s = 0; s < o->segments.count; s++) {
        for (size_t i = o->segments.starts[s]; i < o->segments.starts[s + 1]; i++) {
            const size_t t = i - o->segments.starts[s];
            const float *dy = o->y.gradient + i * d;
            if (!(o->e.start_is_zero && t == 0)) add_scaled(table + o->ids[i] * d, o->e.scale, dy, d);
            if (positions) add_scaled(positions + t * d, 1.0f, dy, d);
        }
    }
}

glossa_node glossa_tape_embed(glossa_tape *tape, const glossa_embedding *e, const uint32_t *ids,
                              const glossa_segments *segments) {
    const glossa_node y = take_node(tape, segments->starts[segments->count], e->table->cols);
    embed *o = record(tape, sizeof *o, embed_backward);
    if (!is_ready(tape, y.value)) return y;
    embed_forward(tape, e, ids, segments, y);
    if (o) *o = (embed){o->head, *e, ids, *segments, y};
    return y;
}

/* ---- linear: y = x w^T + b -------------------------------------------------------------------------------------- */

typedef struct linear {
    glossa_operation head;
    glossa_node x, y;
    const glossa_parameter *w, *b;
} linear;

/* dx += dy w, dw += dy^T x, db += sum of the rows of dy. */
static void linear_back(glossa_tape *tape, glossa_node x, const float *dy, size_t n, const glossa_parameter *w,
                        const glossa_parameter *b) {
    const glossa_gradients *g = tape->kernels;
    const size_t m = x.rows, k = x.width;
    if (x.gradient)
        g->multiply((glossa_factor){dy, n, 1}, (glossa_factor){value_of(tape, w), 1, k}, m, k, n, x.gradient, k,
                    tape->work);
    g->multiply((glossa_factor){dy, 1, n}, (glossa_factor){x.value, 1, k}, n, k, m, gradient_of(tape, w), k,
                tape->work);
    if (b) g->column_sums(dy, m, n, gradient_of(tape, b));
}

static void linear_backward(glossa_tape *tape, const glossa_operation *self) {
    const linear *o = (const linear *)self;
    linear_back(tape, o->x, o->y.gradient, o->y.width, o->w, o->b);
}

glossa_node glossa_tape_linear(glossa_tape *tape, glossa_node x, const glossa_parameter *w, const glossa_parameter *b) {
    const glossa_node y = take_node(tape, x.rows, w->rows);
    linear *o = record(tape, sizeof *o, linear_backward);
    if (!is_ready(tape, y.value)) return y;
    tape->kernels->linear(x.value, value_of(tape, w), b ? value_of(tape, b) : NULL, x.rows, y.width, x.width, y.value,
                          tape->work);
    if (o) *o = (linear){o->head, x, y, w, b};
    return y;
}

/* ---- add: y = x + z --------------------------------------------------------------------------------------------- */

typedef struct binary {
    glossa_operation head;
    glossa_node x, z, y;
} binary;

/* dx += dy, dz += dy. */
static void add_backward(glossa_tape *tape, const glossa_operation *self) {
    const binary *o = (const binary *)self;
    const size_t count = o->y.rows * o->y.width;
    (void)tape;
    if (o->x.gradient) add_scaled(o->x.gradient, 1.0f, o->y.gradient, count);
    if (o->z.gradient) add_scaled(o->z.gradient, 1.0f, o->y.gradient, count);
}

glossa_node glossa_tape_add(glossa_tape *tape, glossa_node x, glossa_node z) {
    const glossa_node y = take_node(tape, x.rows, x.width);
    binary *o = record(tape, sizeof *o, add_backward);
    if (!is_ready(tape, y.value)) return y;
    for (size_t i = 0; i < y.rows * y.width; i++)
        y.value[i] = x.value[i] + z.value[i];
    if (o) *o = (binary){o->head, x, z, y};
    return y;
}

/* ---- activation: y = f(x) --------------------------------------------------------------------------------------- */

typedef struct activation {
    glossa_operation head;
    glossa_activation f;
    glossa_node x, y;
} activation;

/* dx += dy * f'(x). */
static void activate_backward(glossa_tape *tape, const glossa_operation *self) {
    const activation *o = (const activation *)self;
    tape->kernels->activate_backward(o->f, o->x.value, o->y.gradient, o->x.rows * o->x.width, o->x.gradient);
}

glossa_node glossa_tape_activate(glossa_tape *tape, glossa_activation f, glossa_node x) {
    const glossa_node y = take_node(tape, x.rows, x.width);
    activation *o = record(tape, sizeof *o, activate_backward);
    if (!is_ready(tape, y.value)) return y;
    tape->kernels->activate(f, x.value, x.rows * x.width, y.value);
    if (o) *o = (activation){o->head, f, x, y};
    return y;
}

/* ---- layer norm: y = (x - mean) / sqrt(variance + epsilon) * weight + bias --------------------------------------- */

typedef struct norm {
    glossa_operation head;
    glossa_node x, y;
    const glossa_parameter *weight, *bias;
    float epsilon;
} norm;

/* The formula stands at glossa_gradients.norm_backward. */
static void norm_backward(glossa_tape *tape, const glossa_operation *self) {
    const norm *o = (const norm *)self;
    tape->kernels->norm_backward(o->x.value, o->y.gradient, o->x.rows, o->x.width, value_of(tape, o->weight),
                                 o->epsilon, o->x.gradient, gradient_of(tape, o->weight), gradient_of(tape, o->bias));
}

glossa_node glossa_tape_norm(glossa_tape *tape, glossa_node x, const glossa_parameter *weight,
                             const glossa_parameter *bias, float epsilon) {
    const glossa_node y = take_node(tape, x.rows, x.width);
    norm *o = record(tape, sizeof *o, norm_backward);
    if (!is_ready(tape, y.value)) return y;
    tape->kernels->forward->layer_norm(x.value, x.rows, x.width, value_of(tape, weight), value_of(tape, bias), epsilon,
                                       y.value);
    if (o) *o = (norm){o->head, x, y, weight, bias, epsilon};
    return y;
}

/* ---- dropout: y = x * mask / (1 - p) ---------------------------------------------------------------------------- */

/* What a place of the network draws. */
typedef struct draw {
    uint64_t seed;
    uint32_t site, step;
    uint32_t threshold; /* a word below it drops the element */
    float keep;         /* 1 / (1 - p) */
} draw;

static draw next_draw(glossa_tape *tape, float p) {
    const double words = (double)p * 4294967296.0;
    return (draw){tape->seed, tape->site++, tape->step, (uint32_t)words, 1.0f / (1.0f - p)};
}

/* out (count) = mask / (1 - p) * x, or += where `add`; `row` counts within its sequence. */
static void drop(const draw *d, uint32_t sequence, size_t row, size_t count, const float *x, bool add, float *out) {
    enum { BLOCKS = 32 };
    uint32_t words[4 * BLOCKS];
    const size_t blocks = (count + 3) / 4; /* of a row */
    for (size_t b = 0; b < blocks; b += BLOCKS) {
        const size_t some = blocks - b < BLOCKS ? blocks - b : BLOCKS;
        const size_t end = count - 4 * b < 4 * some ? count - 4 * b : 4 * some;
        glossa_philox_run(d->seed, (const uint32_t[]){(uint32_t)(row * blocks + b), d->site, d->step, sequence}, some,
                          words);
        for (size_t i = 0; i < end; i++) {
            const float kept = (words[i] < d->threshold ? 0.0f : d->keep) * x[4 * b + i];
            out[4 * b + i] = add ? out[4 * b + i] + kept : kept;
        }
    }
}

typedef struct dropout {
    glossa_operation head;
    glossa_node x, y;
    glossa_segments segments;
    draw draw;
} dropout;

static void drop_rows(const glossa_tape *tape, const draw *d, const glossa_segments *segments, size_t width,
                      const float *x, bool add, float *out) {
    for (size_t s = 0; s < segments->count; s++)
        for (size_t i = segments->starts[s]; i < segments->starts[s + 1]; i++)
            drop(d, tape->first_sequence + (uint32_t)s, i - segments->starts[s], width, x + i * width, add,
                 out + i * width);
}

/* dx += dy * mask / (1 - p), the mask made anew. */
static void dropout_backward(glossa_tape *tape, const glossa_operation *self) {
    const dropout *o = (const dropout *)self;
    drop_rows(tape, &o->draw, &o->segments, o->x.width, o->y.gradient, true, o->x.gradient);
}

glossa_node glossa_tape_dropout(glossa_tape *tape, glossa_node x, float p, const glossa_segments *segments) {
    if (!(p > 0) || !tape->learning) return x;
    const glossa_node y = take_node(tape, x.rows, x.width);
    dropout *o = record(tape, sizeof *o, dropout_backward);
    const draw d = next_draw(tape, p);
    if (!is_ready(tape, y.value)) return y;
    drop_rows(tape, &d, segments, x.width, x.value, false, y.value);
    if (o) *o = (dropout){o->head, x, y, *segments, d};
    return y;
}

/* ---- attention: weights = softmax(scale * q k^T), y = weights v, head by head ------------------------------------ */

typedef struct attention {
    glossa_operation head;
    glossa_node q, k, v, y;
    glossa_attending a;
    glossa_segments queries, keys;
    draw draw;
    float *weights; /* (H, m, n) of each sequence */
    float *mixed;   /* the same after dropout; the weights themselves without */
    float *slopes;  /* (m, n) of the longest sequence */
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
            drop(&o->draw, p->sequence, p->head * m + i, n, p->weights + i * n, false, p->mixed + i * n);
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
        if (p->mixed != p->weights) drop(&o->draw, p->sequence, p->head * m + i, n, slope, false, slope);
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
    const glossa_node y = take_node(tape, q.rows, q.width);
    const bool drops = tape->learning && a->dropout > 0;
    size_t all, largest;
    if (!count_weights(a, &all, &largest)) tape->arena.failed = true;
    attention unrecorded, *o = record(tape, sizeof *o, attention_backward);
    float *weights = TAKE(&tape->arena, float, all);
    float *mixed = drops ? TAKE(&tape->arena, float, all) : weights;
    float *slopes = tape->learning ? TAKE(&tape->arena, float, largest) : NULL;
    if (!o) o = &unrecorded;
    if (o == &unrecorded) o->head = (glossa_operation){0};
    *o = (attention){o->head, q, k, v, y, *a, *a->queries, *a->keys, {0}, weights, mixed, slopes};
    if (drops) o->draw = next_draw(tape, a->dropout);
    show_attention(tape, o);
    if (!is_ready(tape, weights)) return y;
    clear(y.value, y.rows * y.width);
    for_each_part(tape, o, attend_part);
    return y;
}

/* ---- SSRU: cell[t] = f[t] * cell[t - 1] + (1 - f[t]) * x[t], y[t] = max(0, cell[t]) --------------------------------
 */

typedef struct ssru {
    glossa_operation head;
    glossa_node f, x, y;
    glossa_segments segments;
    float *cells; /* (M, D) */
} ssru;

static void ssru_forward(const glossa_segments *segments, glossa_node f, glossa_node x, float *cells, glossa_node y) {
    const size_t d = x.width;
    for (size_t s = 0; s < segments->count; s++) {
        for (size_t i = segments->starts[s]; i < segments->starts[s + 1]; i++) {
            const float *before = i > segments->starts[s] ? cells + (i - 1) * d : NULL;
            for (size_t j = i * d; j < (i + 1) * d; j++) {
                cells[j] = f.value[j] * (before ? before[j - i * d] : 0.0f) + (1.0f - f.value[j]) * x.value[j];
                y.value[j] = cells[j] > 0.0f ? cells[j] : 0.0f;
            }
        }
    }
}

/* From the last position to the first, with dcell = dy * (cell > 0) + f[t + 1] * dcell[t + 1]:
       df += dcell * (cell[t - 1] - x), dx += dcell * (1 - f). */
static void ssru_backward(glossa_tape *tape, const glossa_operation *self) {
    const ssru *o = (const ssru *)self;
    const size_t d = o->x.width;
    (void)tape;
    for (size_t s = 0; s < o->segments.count; s++) {
        const size_t first = o->segments.starts[s], end = o->segments.starts[s + 1];
        for (size_t j = 0; j < d; j++) {
            float carry = 0.0f;
            for (size_t i = end; i-- > first;) {
                const size_t at = i * d + j;
                const float before = i > first ? o->cells[at - d] : 0.0f;
                const float slope = (o->cells[at] > 0.0f ? o->y.gradient[at] : 0.0f) + carry;
                o->f.gradient[at] += slope * (before - o->x.value[at]);
                o->x.gradient[at] += slope * (1.0f - o->f.value[at]);
                carry = slope * o->f.value[at];
            }
        }
    }
}

glossa_node glossa_tape_ssru(glossa_tape *tape, glossa_node f, glossa_node x, const glossa_segments *segments) {
    const glossa_node y = take_node(tape, x.rows, x.width);
    float *cells = take_floats(tape, x.rows, x.width);
    ssru *o = record(tape, sizeof *o, ssru_backward);
    if (!is_ready(tape, cells)) return y;
    ssru_forward(segments, f, x, cells, y);
    if (o) *o = (ssru){o->head, f, x, y, *segments, cells};
    return y;
}

/* ---- prediction: cross-entropy of softmax(x w^T + bias) ---------------------------------------------------------- */

typedef struct predict {
    glossa_operation head;
    glossa_node x;
    float *slopes; /* (M, D) dloss/dx, made by the forward pass while the logits are there */
} predict;

static void predict_backward(glossa_tape *tape, const glossa_operation *self) {
    const predict *o = (const predict *)self;
    (void)tape;
    add_scaled(o->x.gradient, 1.0f, o->slopes, o->x.rows * o->x.width);
}

static void judge_row(const glossa_tape *tape, const float *logits, size_t n, const glossa_prediction *p, size_t row,
                      const glossa_predicted *out) {
    size_t best = 0;
    for (size_t j = 1; j < n; j++)
        if (logits[j] > logits[best]) best = j;
    const uint32_t target = p->targets ? p->targets[row] : GLOSSA_IGNORED;
    out->best[row] = (uint32_t)best;
    out->log_probability[row] =
        target == GLOSSA_IGNORED ? 0.0f : logits[target] - tape->kernels->forward->log_sum_exp(logits, n);
}

/* The loss of some rows, and the gradients of all that they depend on: those of w and bias are added at once. */
static void learn_rows(glossa_tape *tape, glossa_node x, const glossa_prediction *p, size_t first, float *logits) {
    const size_t n = p->w->rows;
    for (size_t i = 0; i < x.rows; i++) {
        const uint32_t target = p->targets[first + i];
        if (target == GLOSSA_IGNORED)
            clear(logits + i * n, n);
        else
            tape->loss += (double)p->weight *
                          (double)tape->kernels->cross_entropy(logits + i * n, n, target, p->smoothing, p->weight);
    }
    linear_back(tape, x, logits, n, p->w, p->bias);
}

glossa_predicted glossa_tape_predict(glossa_tape *tape, glossa_node x, const glossa_prediction *p) {
    const size_t n = p->w->rows, most = LOGITS / n + 1, group = most < x.rows ? most : x.rows;
    float *logits = take_floats(tape, group, n);
    glossa_predicted out = {TAKE(&tape->arena, float, tape->learning ? 0 : x.rows),
                            TAKE(&tape->arena, uint32_t, tape->learning ? 0 : x.rows)};
    float *slopes = tape->learning ? take_floats(tape, x.rows, x.width) : NULL;
    predict *o = record(tape, sizeof *o, predict_backward);
    if (!is_ready(tape, logits)) return (glossa_predicted){NULL, NULL};
    clear(slopes, x.rows * x.width);
    for (size_t at = 0; at < x.rows; at += group) {
        const size_t count = x.rows - at < group ? x.rows - at : group;
        const glossa_node rows = {x.value + at * x.width, slopes ? slopes + at * x.width : NULL, count, x.width};
        tape->kernels->linear(rows.value, value_of(tape, p->w), p->bias ? value_of(tape, p->bias) : NULL, count, n,
                              x.width, logits, tape->work);
        if (tape->learning)
            learn_rows(tape, rows, p, at, logits);
        else
            for (size_t i = 0; i < count; i++)
                judge_row(tape, logits + i * n, n, p, at + i, &out);
    }
    if (o) *o = (predict){o->head, x, slopes};
    return out;
}
