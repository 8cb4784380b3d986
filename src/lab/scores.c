#include "lab/scores.h"

#define SHARPEST 4.60517018598809f /* ln 100 */
#define SHORTEST 1e-12f            /* norm below which a vector counts as that long, as torch's normalize has it */

size_t glossa_scores_work(glossa_score_kind kind, size_t d, size_t longest) {
    return kind == SCORE_ADDITIVE ? d : kind == SCORE_COSINE ? longest : 0;
}

/* ---- dot: scale * q . k ----------------------------------------------------------------------------------------- */

static void multiply_out(const glossa_tape *tape, const glossa_scored *s, float *scores) {
    clear(scores, s->m * s->n);
    tape->kernels->multiply((glossa_factor){s->q, s->width, 1}, (glossa_factor){s->k, s->width, 1}, s->m, s->n, s->d,
                            scores, s->n, tape->work);
}

/* dq += slopes k, dk += slopes^T q. */
static void multiply_back(const glossa_tape *tape, const glossa_scored *s, const float *slopes, float *dq, float *dk) {
    const glossa_gradients *g = tape->kernels;
    g->multiply((glossa_factor){slopes, s->n, 1}, (glossa_factor){s->k, 1, s->width}, s->m, s->d, s->n, dq, s->width,
                tape->work);
    g->multiply((glossa_factor){slopes, 1, s->n}, (glossa_factor){s->q, 1, s->width}, s->n, s->d, s->m, dk, s->width,
                tape->work);
}

static void scale_all(float *x, size_t count, float scale) {
    for (size_t i = 0; i < count; i++)
        x[i] *= scale;
}

/* ---- additive: v . tanh(q + k) ---------------------------------------------------------------------------------- */

/* tanh(q_i + k_j) into `work`. */
static void tanh_of_pair(const glossa_tape *tape, const glossa_scored *s, size_t i, size_t j, float *work) {
    const float *q = s->q + i * s->width, *k = s->k + j * s->width;
    for (size_t c = 0; c < s->d; c++)
        work[c] = q[c] + k[c];
    glossa_squash(tape, work, s->d);
}

static void add_up(const glossa_tape *tape, const glossa_scored *s, float *scores, float *work) {
    const float *v = value_of(tape, s->learnt) + s->head * s->d;
    for (size_t i = 0; i < s->m; i++) {
        for (size_t j = 0; j < s->n; j++) {
            float sum = 0.0f;
            tanh_of_pair(tape, s, i, j, work);
            for (size_t c = 0; c < s->d; c++)
                sum += v[c] * work[c];
            scores[i * s->n + j] = sum;
        }
    }
}

/* dv += slope * t, dq_i += slope * v * (1 - t^2), and the same for dk_j. */
static void add_back(const glossa_tape *tape, const glossa_scored *s, const float *slopes, float *dq, float *dk,
                     float *work) {
    const float *v = value_of(tape, s->learnt) + s->head * s->d;
    float *dv = gradient_of(tape, s->learnt) + s->head * s->d;
    for (size_t i = 0; i < s->m; i++) {
        for (size_t j = 0; j < s->n; j++) {
            const float slope = slopes[i * s->n + j];
            tanh_of_pair(tape, s, i, j, work);
            for (size_t c = 0; c < s->d; c++) {
                const float inner = slope * v[c] * (1.0f - work[c] * work[c]);
                dv[c] += slope * work[c];
                dq[i * s->width + c] += inner;
                dk[j * s->width + c] += inner;
            }
        }
    }
}

/* ---- cosine: exp(min(s, ln 100)) * q . k / (|q| |k|) ------------------------------------------------------------- */

static float sharpness(const glossa_tape *tape, const glossa_scored *s) {
    const float own = value_of(tape, s->learnt)[s->head];
    return glossa_exp(own < SHARPEST ? own : SHARPEST);
}

/* 1 / |x| of each row. */
static void invert_norms(const float *x, size_t rows, size_t d, size_t width, float *out) {
    for (size_t i = 0; i < rows; i++) {
        float sum = 0.0f;
        for (size_t c = 0; c < d; c++)
            sum += x[i * width + c] * x[i * width + c];
        const float norm = glossa_sqrt(sum);
        out[i] = 1.0f / (norm > SHORTEST ? norm : SHORTEST);
    }
}

/* x (m, n) times `factor`, 1 / |q_i| and 1 / |k_j|. */
static void normalise(const glossa_scored *s, float *x, float factor, const float *work) {
    for (size_t i = 0; i < s->m; i++)
        for (size_t j = 0; j < s->n; j++)
            x[i * s->n + j] *= factor * work[i] * work[s->m + j];
}

static void invert_both(const glossa_scored *s, float *work) {
    invert_norms(s->q, s->m, s->d, s->width, work);
    invert_norms(s->k, s->n, s->d, s->width, work + s->m);
}

static void take_cosines(const glossa_tape *tape, const glossa_scored *s, float *scores, float *work) {
    multiply_out(tape, s, scores);
    invert_both(s, work);
    normalise(s, scores, sharpness(tape, s), work);
    if (s->raw) memcpy(s->raw, scores, s->m * s->n * sizeof *scores);
}

/*
 * Of y_ij = a q_i . k_j / (|q_i| |k_j|): ds += sum of slope * y below the clamp,
 *     dq_i += sum over j of slope a k_j / (|q_i| |k_j|) - q_i / |q_i|^2 * sum over j of slope y_ij, and dk_j alike.
 */
static void cosines_back(const glossa_tape *tape, const glossa_scored *s, float *slopes, float *dq, float *dk,
                         float *work) {
    const float *y = s->raw;
    float total = 0.0f;
    invert_both(s, work);
    for (size_t i = 0; i < s->m; i++) {
        float sum = 0.0f;
        for (size_t j = 0; j < s->n; j++)
            sum += slopes[i * s->n + j] * y[i * s->n + j];
        add_scaled(dq + i * s->width, -sum * work[i] * work[i], s->q + i * s->width, s->d);
        total += sum;
    }
    for (size_t j = 0; j < s->n; j++) {
        const float inverse = work[s->m + j];
        float sum = 0.0f;
        for (size_t i = 0; i < s->m; i++)
            sum += slopes[i * s->n + j] * y[i * s->n + j];
        add_scaled(dk + j * s->width, -sum * inverse * inverse, s->k + j * s->width, s->d);
    }
    if (value_of(tape, s->learnt)[s->head] < SHARPEST) gradient_of(tape, s->learnt)[s->head] += total;
    normalise(s, slopes, sharpness(tape, s), work);
    multiply_back(tape, s, slopes, dq, dk);
}

/* ---- any kind --------------------------------------------------------------------------------------------------- */

void glossa_scores(const glossa_tape *tape, const glossa_scored *s, float *scores, float *work) {
    switch (s->kind) {
    case SCORE_DOT:
        multiply_out(tape, s, scores);
        scale_all(scores, s->m * s->n, s->scale);
        break;
    case SCORE_ADDITIVE:
        add_up(tape, s, scores, work);
        break;
    case SCORE_COSINE:
        take_cosines(tape, s, scores, work);
        break;
    }
}

void glossa_scores_backward(const glossa_tape *tape, const glossa_scored *s, float *slopes, float *dq, float *dk,
                            float *work) {
    switch (s->kind) {
    case SCORE_DOT:
        scale_all(slopes, s->m * s->n, s->scale);
        multiply_back(tape, s, slopes, dq, dk);
        break;
    case SCORE_ADDITIVE:
        add_back(tape, s, slopes, dq, dk, work);
        break;
    case SCORE_COSINE:
        cosines_back(tape, s, slopes, dq, dk, work);
        break;
    }
}
