#include "lab/optimizer.h"

#include <math.h> /* sqrt, INFINITY */
#include <string.h>

#define PI    3.14159265358979323846
#define LEAST 0.02 /* share of the rate that a cool-down ends with */

/* ---- learning rates --------------------------------------------------------------------------------------------- */

double glossa_learning_rate(const glossa_lab_config *c, uint32_t step, double plateau) {
    const double warmup = c->warmup > 0 ? c->warmup : 1, at = step;
    if (at < warmup) return (c->schedule == SCHEDULE_PLATEAU ? plateau : c->learning_rate) * (at / warmup);
    switch (c->schedule) {
    case SCHEDULE_INVERSE_SQRT: {
        const double full = (double)c->hold > warmup ? (double)c->hold : warmup, steps = c->steps;
        const double left = c->cooldown > 0 ? (steps - at) / (steps * c->cooldown) : 1;
        return c->learning_rate * sqrt(at > full ? full / at : 1) * (left > 1 ? 1 : left > LEAST ? left : LEAST);
    }
    case SCHEDULE_COSINE: {
        const double span = (double)c->steps > warmup ? (double)c->steps - warmup : 1;
        const double part = at - warmup < span ? (at - warmup) / span : 1;
        double sine, cosine;
        glossa_sin_cos64(PI * part, &sine, &cosine);
        return c->learning_rate * (c->final_rate + (1 - c->final_rate) * 0.5 * (1 + cosine));
    }
    case SCHEDULE_PLATEAU:
        return plateau;
    default:
        return c->learning_rate;
    }
}

glossa_plateau glossa_plateau_start(const glossa_lab_config *config) {
    const double worst = (double)INFINITY;
    return (glossa_plateau){.rate = config->learning_rate,
                            .best = config->plateau_mode == PLATEAU_MIN ? worst : -worst};
}

static bool is_better(const glossa_lab_config *c, double value, double best) {
    const bool least = c->plateau_mode == PLATEAU_MIN;
    if (c->plateau_threshold_mode == THRESHOLD_ABS)
        return least ? value < best - c->plateau_threshold : value > best + c->plateau_threshold;
    return least ? value < best * (1 - c->plateau_threshold) : value > best * (1 + c->plateau_threshold);
}

void glossa_plateau_step(glossa_plateau *p, const glossa_lab_config *c, double value) {
    if (p->calls++ < c->plateau_warmup) return;
    if (is_better(c, value, p->best)) {
        p->best = value;
        p->bad = 0;
    } else {
        p->bad++;
    }
    if (p->cooling > 0) {
        p->cooling--;
        p->bad = 0;
    }
    if (p->bad <= c->plateau_patience) return;
    const double lower = p->rate * c->plateau_factor;
    const double next = lower > c->plateau_minimum ? lower : c->plateau_minimum;
    if (p->rate - next > c->plateau_epsilon) p->rate = next;
    p->cooling = c->plateau_cooldown;
    p->bad = 0;
}

/* ---- norms ------------------------------------------------------------------------------------------------------ */

/* In double, element i in lane i mod 8. */
static double sum_of_squares(const float *x, size_t count) {
    double lanes[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t j = 0; j < 8; j++)
            lanes[j] += (double)x[i + j] * (double)x[i + j];
    for (size_t j = 0; i < count; i++, j++)
        lanes[j] += (double)x[i] * (double)x[i];
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

double glossa_gradient_norm(const glossa_network *network, const float *gradients) {
    return sqrt(sum_of_squares(gradients, network->learnt)); /* gaps hold zeros */
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static double power(double base, uint32_t exponent) {
    double result = 1;
    for (; exponent > 0; exponent /= 2, base *= base)
        if (exponent % 2) result *= base;
    return result;
}

static glossa_adam adam_of(const glossa_lab_config *c, uint32_t step, double rate, double clip) {
    const bool apart = c->optimizer != OPTIMIZER_ADAM;
    return (glossa_adam){
        .clip = (float)clip,
        .l2 = apart ? 0.0f : (float)c->weight_decay,
        .keep = apart ? (float)(1 - rate * c->weight_decay) : 1.0f,
        .beta1 = (float)c->beta1,
        .beta2 = (float)c->beta2,
        .rate = (float)(rate / (1 - power(c->beta1, step))),
        .correction = (float)(1 / sqrt(1 - power(c->beta2, step))),
        .epsilon = (float)c->epsilon,
    };
}

/* g = clip * gradient + decay * value; m = momentum * m + g; value -= rate * (nesterov ? g + momentum * m : m). */
static void sgd(const glossa_lab_config *c, double rate, double clip, size_t count, const glossa_blocks *b) {
    const float scale = (float)clip, decay = (float)c->weight_decay, momentum = (float)c->momentum, r = (float)rate;
    const bool nesterov = c->nesterov != 0;
    for (size_t i = 0; i < count; i++) {
        const float g = scale * b->gradients[i] + decay * b->values[i];
        const float mean = momentum * b->first[i] + g;
        b->first[i] = mean;
        b->values[i] -= r * (nesterov ? g + momentum * mean : mean);
    }
}

static uint32_t lesser(const glossa_parameter *p) {
    return p->rows < p->cols ? p->rows : p->cols;
}

/* y (r, c), r <= c, becomes nearly the nearest semi-orthogonal matrix by five Newton-Schulz steps of a quintic
   polynomial: y = a y + (b A + c A^2) y with A = y y^T. `work`: r * c + 2 * r * r floats. */
static void orthogonalise(const glossa_gradients *g, float *y, size_t rows, size_t cols, float *pack, float *work) {
    const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    float *next = work, *square = next + rows * cols, *mixed = square + rows * rows;
    const double norm = sqrt(sum_of_squares(y, rows * cols));
    const float scale = (float)(1 / (norm > 1e-7 ? norm : 1e-7));
    for (size_t i = 0; i < rows * cols; i++)
        y[i] *= scale;
    for (int turn = 0; turn < 5; turn++) {
        memset(square, 0, rows * rows * sizeof *square);
        memset(mixed, 0, rows * rows * sizeof *mixed);
        g->multiply((glossa_factor){y, cols, 1}, (glossa_factor){y, cols, 1}, rows, rows, cols, square, rows, pack);
        g->multiply((glossa_factor){square, rows, 1}, (glossa_factor){square, 1, rows}, rows, rows, rows, mixed, rows,
                    pack);
        for (size_t i = 0; i < rows * rows; i++)
            mixed[i] = b * square[i] + c * mixed[i];
        for (size_t i = 0; i < rows * cols; i++)
            next[i] = a * y[i];
        g->multiply((glossa_factor){mixed, rows, 1}, (glossa_factor){y, 1, cols}, rows, cols, rows, next, cols, pack);
        memcpy(y, next, rows * cols * sizeof *y);
    }
}

/* m += (g - m) * (1 - momentum); step = orthogonal(g + momentum * (m - g)); value -= rate * 0.2 * sqrt(max(shape)) *
   step. */
static void muon(const glossa_lab_config *c, const glossa_gradients *kernels, const glossa_parameter *p, double rate,
                 double clip, const glossa_blocks *b, float *pack, float *work) {
    const size_t rows = p->rows, cols = p->cols, count = rows * cols;
    const bool tall = rows > cols;
    const float momentum = (float)c->momentum, scale = (float)clip, keep = (float)(1 - rate * c->weight_decay);
    const float size = (float)(rate * 0.2 * sqrt((double)(tall ? rows : cols)));
    float *y = work, *value = b->values + p->offset, *mean = b->first + p->offset;
    for (size_t i = 0; i < count; i++) {
        const float g = scale * b->gradients[p->offset + i];
        mean[i] += (g - mean[i]) * (1.0f - momentum);
        y[tall ? i % cols * rows + i / cols : i] = g + (mean[i] - g) * momentum;
    }
    orthogonalise(kernels, y, lesser(p), tall ? rows : cols, pack, work + count);
    for (size_t i = 0; i < count; i++)
        value[i] = keep * value[i] - size * y[tall ? i % cols * rows + i / cols : i];
}

size_t glossa_optimizer_work(const glossa_network *n) {
    size_t most = 0;
    if (n->config.optimizer != OPTIMIZER_MUON) return 0;
    for (size_t i = 0; i < n->count; i++) {
        const glossa_parameter *p = &n->parameters[i];
        const size_t least = lesser(p), floats = 2 * (size_t)p->rows * p->cols + 2 * least * least;
        if (p->hidden && floats > most) most = floats;
    }
    return most;
}

/* What batch norms have seen takes a tenth of what was seen now (glossa_tape_batch_norm). */
static void follow(const glossa_network *n, const glossa_blocks *b) {
    for (size_t i = n->learnt; i < n->floats; i++)
        b->values[i] -= 0.1f * b->gradients[i];
}

void glossa_optimizer_step(const glossa_network *n, const glossa_lab_config *c, const glossa_gradients *kernels,
                           uint32_t step, double rate, double clip, const glossa_blocks *b, float *work) {
    const glossa_adam adam = adam_of(c, step, rate, clip);
    if (c->optimizer == OPTIMIZER_NONE) return;
    follow(n, b);
    if (c->optimizer == OPTIMIZER_SGD) {
        sgd(c, rate, clip, n->learnt, b);
        return;
    }
    if (c->optimizer != OPTIMIZER_MUON) {
        kernels->adam(&adam, n->learnt, b->gradients, b->values, b->first, b->second);
        return;
    }
    for (size_t i = 0; i < n->count; i++) {
        const glossa_parameter *p = &n->parameters[i];
        const size_t at = p->offset;
        if (p->statistic) continue;
        if (p->hidden)
            muon(c, kernels, p, rate, clip, b, work, work + kernels->work);
        else
            kernels->adam(&adam, (size_t)p->rows * p->cols, b->gradients + at, b->values + at, b->first + at,
                          b->second + at);
    }
}
