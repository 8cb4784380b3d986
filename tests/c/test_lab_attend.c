/*
 * Attention by itself against its formulas in double: every score, soft and hard; what is refused.
 */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "glossa_lab_attention.h"
#include "scarcity.h"

enum { M = 2, N = 5, D = 3, E = 2, LEARNT = 2 * D * D + 2 * D };
enum { SCALED_DOT, DOT, GENERAL, ADDITIVE, CONCAT, COSINE, KINDS };

static const size_t learnt[KINDS] = {0, 0, D *D, 2 * D *D + 2 * D, 2 * D *D + 2 * D, 1};

typedef struct problem {
    float query[M * D], key[N * D], value[N * E], parameters[LEARNT];
    glossa_lab_attention a;
} problem;

static void pose(problem *p, uint32_t score, uint32_t selection) {
    for (int i = 0; i < M * D; i++)
        p->query[i] = (float)sin(1.7 * i + 0.3);
    for (int i = 0; i < N * D; i++)
        p->key[i] = 1.5f * (float)cos(2.3 * i - 0.4);
    for (int i = 0; i < N * E; i++)
        p->value[i] = (float)(i % 7) - 2.5f;
    for (int i = 0; i < LEARNT; i++)
        p->parameters[i] = (float)sin(0.9 * i * i + 1.0);
    p->a =
        (glossa_lab_attention){score, selection, M, N, D, E, p->query, p->key, p->value, p->parameters, learnt[score]};
}

static double product(const float *a, const float *b, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* v . tanh(U q + W k + b), rows of U and W being `stride` apart. */
static double add_up(const float *u, const float *w, int stride, const float *b, const float *v, const float *q,
                     const float *k) {
    double sum = 0;
    for (int r = 0; r < D; r++)
        sum += (double)v[r] * tanh(product(u + r * stride, q, D) + product(w + r * stride, k, D) + (double)b[r]);
    return sum;
}

static double score_of(uint32_t kind, const float *q, const float *k, const float *p) {
    double sum = 0;
    switch (kind) {
    case SCALED_DOT:
        return product(q, k, D) / sqrt(D);
    case DOT:
        return product(q, k, D);
    case GENERAL:
        for (int r = 0; r < D; r++)
            sum += (double)q[r] * product(p + r * D, k, D);
        return sum;
    case ADDITIVE:
        return add_up(p, p + D * D, D, p + 2 * D * D, p + 2 * D * D + D, q, k);
    case CONCAT:
        return add_up(p, p + D, 2 * D, p + 2 * D * D, p + 2 * D * D + D, q, k);
    default:
        return exp(fmin((double)p[0], log(100))) * product(q, k, D) / sqrt(product(q, q, D) * product(k, k, D));
    }
}

static void check_row(const problem *p, int row, const float *scores, const float *weights, const float *output) {
    double expected[N], sum = 0;
    int best = 0;
    for (int j = 0; j < N; j++) {
        expected[j] = score_of(p->a.score, p->query + row * D, p->key + j * D, p->parameters);
        CHECK_NEAR(scores[j], expected[j], 2e-5);
        if (expected[j] > expected[best]) best = j;
    }
    for (int j = 0; j < N; j++)
        sum += exp(expected[j] - expected[best]);
    for (int e = 0; e < E; e++) {
        double mean = 0;
        for (int j = 0; j < N; j++) {
            const double weight = p->a.selection ? j == best : exp(expected[j] - expected[best]) / sum;
            CHECK_NEAR(weights[j], weight, 1e-5);
            mean += weight * (double)p->value[j * E + e];
        }
        CHECK_NEAR(output[e], mean, 3e-5);
    }
}

static void test_formulas(void) {
    float scores[M * N], weights[M * N], output[M * E];
    const glossa_lab_attended out = {NULL, NULL, scores, weights, output};
    glossa_error error = {GLOSSA_OK, ""};
    problem p;
    for (uint32_t score = 0; score < KINDS; score++) {
        for (uint32_t selection = 0; selection < 2; selection++) {
            pose(&p, score, selection);
            CHECK_INT(glossa_lab_attend(&p.a, NULL, &out, &error), GLOSSA_OK);
            CHECK_STRING(error.message, "");
            for (int i = 0; i < M; i++)
                check_row(&p, i, scores + i * N, weights + i * N, output + i * E);
        }
    }
}

/* Queries and keys as a score meets them give it without the matrices. */
static void test_projected(void) {
    float queries[M * D], keys[N * D], scores[M * N];
    const glossa_lab_attended out = {queries, keys, scores, NULL, NULL};
    problem p;
    for (uint32_t score = 0; score < KINDS; score++) {
        pose(&p, score, 0);
        CHECK_INT(glossa_lab_attend(&p.a, NULL, &out, NULL), GLOSSA_OK);
        const double v[] = {(double)p.parameters[LEARNT - 3], (double)p.parameters[LEARNT - 2],
                            (double)p.parameters[LEARNT - 1]};
        for (int i = 0; i < M * N && score != SCALED_DOT && score != COSINE; i++) {
            const float *q = queries + i / N * D, *k = keys + i % N * D;
            double sum = 0;
            for (int c = 0; c < D; c++)
                sum += score < ADDITIVE ? (double)q[c] * (double)k[c] : v[c] * tanh((double)q[c] + (double)k[c]);
            CHECK_NEAR(scores[i], sum, 2e-5);
        }
    }
}

/* Of equal weights the first is chosen; far scores do not overflow. */
static void test_ties_and_extremes(void) {
    const float query[] = {1, 0}, key[] = {1, 5, 2, 7, 2, -3, 2, 0}, value[] = {10, 20, 30, 40}, far[] = {1e18f, 0};
    float weights[4], output[1];
    glossa_lab_attention a = {DOT, 1, 1, 4, 2, 1, query, key, value, NULL, 0};
    const glossa_lab_attended out = {NULL, NULL, NULL, weights, output};
    CHECK_INT(glossa_lab_attend(&a, NULL, &out, NULL), GLOSSA_OK);
    CHECK_NEAR(output[0], 20, 0);
    CHECK_NEAR(weights[1], 1, 0);
    CHECK_NEAR(weights[2], 0, 0);
    a.selection = 0;
    a.query = far;
    CHECK_INT(glossa_lab_attend(&a, NULL, &out, NULL), GLOSSA_OK);
    CHECK_NEAR(output[0], 30, 1e-4); /* the mean of the three */
}

static void refuse(const glossa_lab_attention *a, const char *part) {
    float output[M * E] = {7};
    glossa_error error = {GLOSSA_OK, ""};
    CHECK_INT(glossa_lab_attend(a, NULL, &(glossa_lab_attended){.output = output}, &error), GLOSSA_ERROR_ARGUMENT);
    CHECK_CONTAINS(error.message, part);
    CHECK_NEAR(output[0], 7, 0);
}

static void test_refused(void) {
    problem p;
    pose(&p, GENERAL, 0);
    glossa_lab_attention a = p.a;
    a.score = KINDS;
    refuse(&a, "'score' is 6, need 0 to 5");
    a = p.a, a.selection = 2;
    refuse(&a, "'selection' is 2");
    a = p.a, a.keys = 0;
    refuse(&a, "'keys' is 0, need 1 to 4096");
    a = p.a, a.width = 4097;
    refuse(&a, "'width' is 4097");
    a = p.a, a.parameter_count = D;
    refuse(&a, "3 parameters, need 9");
    a = p.a, a.value = NULL;
    refuse(&a, "'value' is NULL");
    p.key[4] = NAN;
    refuse(&p.a, "'key' has a number that is not finite");
    CHECK_INT(glossa_lab_attend(NULL, NULL, NULL, NULL), GLOSSA_ERROR_ARGUMENT);
}

static void test_without_memory(void) {
    problem p;
    pose(&p, ADDITIVE, 1);
    float output[M * E] = {7};
    scarcity none = {0, 0};
    const glossa_allocator allocator = {scarce_allocate, scarce_release, &none};
    CHECK_INT(glossa_lab_attend(&p.a, &allocator, &(glossa_lab_attended){.output = output}, NULL), GLOSSA_ERROR_MEMORY);
    CHECK_NEAR(output[0], 7, 0);
}

int main(void) {
    RUN(test_formulas);
    RUN(test_projected);
    RUN(test_ties_and_extremes);
    RUN(test_refused);
    RUN(test_without_memory);
    return CHECK_RESULT();
}
