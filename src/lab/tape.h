/*
 * The tape: operations over matrices, run as they are recorded and walked back for gradients (reverse-mode
 * differentiation). All memory of a step comes from an arena that is reset before the next one, so nothing is allocated
 * while training.
 *
 * Rows of different sequences lie one after the other without padding; segments say where each begins. Every backward
 * adds into gradients, which begin at zero; every element has one writer and one order of summation, so the bits do not
 * depend on threads. An operation whose gradient is not wanted is not recorded.
 *
 * A tape can be measured: with an arena that has no memory yet, operations only add up what they will take.
 *
 * Legend: M rows, D width, V vocabulary, H heads, d = D / H.
 */
#ifndef GLOSSA_TAPE_H
#define GLOSSA_TAPE_H

#include "base/base.h"
#include "kernels/gradients.h"
#include "search/rules.h"

/* ---- parameters ------------------------------------------------------------------------------------------------- */

/* How a parameter begins. Glorot & Bengio 2010 and He et al. 2015, uniform; `fan` is of inputs. */
typedef enum glossa_initial {
    INITIAL_ZERO,
    INITIAL_ONE,
    INITIAL_NORMAL, /* mean 0, deviation `size` */
    INITIAL_UNIFORM /* in [-size, size) */
} glossa_initial;

/* One tensor of a network: where it lies in the flat blocks of values, gradients and moments. */
typedef struct glossa_parameter {
    char name[48]; /* as in the checkpoint */
    uint32_t rows; /* 1 for a vector */
    uint32_t cols;
    size_t offset; /* in floats */
    glossa_initial initial;
    float size;       /* of the initial values */
    bool hidden;      /* a matrix within a layer, which Muon takes */
    bool vector;      /* written with one dimension */
    bool quantizable; /* by rows, in a small file */
    bool statistic;   /* of a batch norm: follows what it sees, and is not learnt */
} glossa_parameter;

/* ---- the tape --------------------------------------------------------------------------------------------------- */

/* A matrix on the tape. */
typedef struct glossa_node {
    float *value;    /* (rows, width) */
    float *gradient; /* (rows, width); NULL where nothing is learnt */
    size_t rows, width;
} glossa_node;

/* Where each sequence begins: `count` of them, sequence i has the rows starts[i] to starts[i + 1]. */
typedef struct glossa_segments {
    const uint32_t *starts; /* (count + 1) NULL while measuring: each has `length` rows */
    size_t count;
    uint32_t length;
    uint32_t apiece; /* so many of these are one sequence of the batch; 0: one */
} glossa_segments;

static inline size_t glossa_segment_rows(const glossa_segments *s, size_t i) {
    return s->starts ? s->starts[i + 1] - s->starts[i] : s->length;
}

typedef struct glossa_tape glossa_tape;

/* What every record begins with. */
typedef struct glossa_operation {
    struct glossa_operation *before;
    void (*backward)(glossa_tape *tape, const struct glossa_operation *self);
} glossa_operation;

/* An array that a reader may ask for: a node's rows, or the weights of an attention. */
typedef struct glossa_view {
    const struct glossa_view *before;
    const char *name;
    const float *data;
    size_t rows, width;           /* of a node; for an attention, queries and keys of all sequences */
    size_t heads;                 /* 0 for a node */
    const glossa_segments *m, *n; /* of an attention: (heads, m, n) of one sequence after the other */
} glossa_view;

struct glossa_tape {
    const glossa_gradients *kernels;
    glossa_arena arena;
    const float *values;     /* of all parameters */
    float *gradients;        /* of all parameters, added to */
    float *work;             /* kernels->work floats */
    bool learning;           /* gradients are wanted, and dropout drops */
    uint64_t seed;           /* of dropout ... */
    uint32_t step;           /* ... which differs with each step, */
    uint32_t first_sequence; /* each sequence of the batch, */
    uint32_t site;           /* and each place of the network: counts up as operations are recorded */
    float share;             /* of the batch in this part, for statistics of the batch */
    double loss;             /* what the losses on the tape add up to */
    glossa_operation *last;
    const glossa_view *views;
};

/* Empties a tape before a step. Kernels, parameters, work and arena memory stay. */
void glossa_tape_reset(glossa_tape *tape);

/* Walks back from the last operation to the first. The gradient of what the losses do not depend on stays zero. */
void glossa_tape_backward(glossa_tape *tape);

/* Whether arrays are only measured. */
static inline bool glossa_tape_measures(const glossa_tape *tape) {
    return tape->arena.base == NULL;
}

/* The number of sequence i among all of the batch. */
static inline uint32_t glossa_tape_sequence(const glossa_tape *tape, const glossa_segments *segments, size_t i) {
    return tape->first_sequence * (segments->apiece > 0 ? segments->apiece : 1) + (uint32_t)i;
}

/* Makes a node's rows readable by `name`, which must outlive the step. */
void glossa_tape_show(glossa_tape *tape, const char *name, glossa_node node);

/* What was shown by that name last, or NULL. */
const glossa_view *glossa_tape_view(const glossa_tape *tape, const char *name);

/* ---- operations ------------------------------------------------------------------------------------------------- */

/* A parameter as a node: (rows, cols). */
glossa_node glossa_tape_parameter(glossa_tape *tape, const glossa_parameter *parameter);

/* How ids become rows. */
typedef struct glossa_embedding {
    const glossa_parameter *table;     /* (V, D) */
    const glossa_parameter *positions; /* (context, D) learned; NULL: */
    const float *sinusoids;            /* (context, D) fixed */
    float scale;
    bool start_is_zero; /* the first row of each sequence is the position alone */
} glossa_embedding;

/* y[i] = scale * table[ids[i]] + position of i in its sequence (Vaswani et al. 2017, 3.4 and 3.5). `ids` (M) is
   borrowed for the step. */
glossa_node glossa_tape_embed(glossa_tape *tape, const glossa_embedding *embedding, const uint32_t *ids,
                              const glossa_segments *segments);

/* y[i] = x[i] + position of i in its sequence; of the embedding its positions alone matter. */
glossa_node glossa_tape_place(glossa_tape *tape, glossa_node x, const glossa_embedding *embedding,
                              const glossa_segments *segments);

/* Images of side * side bytes, one after the other in `pixels` (borrowed for the step), as rows of patch * patch
   numbers from -1 to 1: patches from left to right and from top to bottom. `first`: a row of zeros stands before those
   of each image. Without a gradient. */
glossa_node glossa_tape_patches(glossa_tape *tape, const uint32_t *pixels, size_t images, uint32_t side, uint32_t patch,
                                bool first);

/* y = x w^T + b; w (N, K), b (N) or NULL. */
glossa_node glossa_tape_linear(glossa_tape *tape, glossa_node x, const glossa_parameter *w, const glossa_parameter *b);

/* y = x + z. */
glossa_node glossa_tape_add(glossa_tape *tape, glossa_node x, glossa_node z);

/* y = f(x). */
glossa_node glossa_tape_activate(glossa_tape *tape, glossa_activation f, glossa_node x);

/* y = tanh(x). */
glossa_node glossa_tape_tanh(glossa_tape *tape, glossa_node x);

/* y = x u^T + b with u the columns [first, first + K) of w (N, ...), x (M, K); b (N) or NULL. */
glossa_node glossa_tape_linear_part(glossa_tape *tape, glossa_node x, const glossa_parameter *w, size_t first,
                                    const glossa_parameter *b);

/* y (M, K) = the columns [first, first + K) of x. */
glossa_node glossa_tape_columns(glossa_tape *tape, glossa_node x, size_t first, size_t count);

/* y (M, D + E) = x (M, D) beside z (M, E). */
glossa_node glossa_tape_beside(glossa_tape *tape, glossa_node x, glossa_node z);

/* y[i] = x[rows[i]]; `rows` (count) is borrowed for the step. Rows may come several times: windows, shifts, merged
   patches, the last states of sequences. */
glossa_node glossa_tape_gather(glossa_tape *tape, glossa_node x, const uint32_t *rows, size_t count);

/* y[s] = mean of the rows of sequence s. */
glossa_node glossa_tape_pool(glossa_tape *tape, glossa_node x, const glossa_segments *segments);

/* Layer norm over each row (Ba et al. 2016), as glossa_kernels.layer_norm. */
glossa_node glossa_tape_norm(glossa_tape *tape, glossa_node x, const glossa_parameter *weight,
                             const glossa_parameter *bias, float epsilon);

/* What a batch norm learns (D), and the statistics that it keeps (D). */
typedef struct glossa_batch_norm {
    const glossa_parameter *weight, *bias, *mean, *variance;
    float epsilon;
} glossa_batch_norm;

/*
 * Batch norm over the rows of each column (Ioffe & Szegedy 2015): while learning by the mean and variance of the rows
 * on this tape, else by those that were kept. These follow the rows: with each step a tenth of what is in their
 * gradients is taken off, which are tape->share * (kept - seen), the variance seen being the unbiased one.
 */
glossa_node glossa_tape_batch_norm(glossa_tape *tape, glossa_node x, const glossa_batch_norm *norm);

/* Each element is 0 with probability p, else x / (1 - p) (Srivastava et al. 2014); x itself where p is 0 or nothing is
   learnt. The draw depends on seed, step, site, sequence and element alone. */
glossa_node glossa_tape_dropout(glossa_tape *tape, glossa_node x, float p, const glossa_segments *segments);

/* How a query and a key give a score. */
typedef enum glossa_score_kind {
    SCORE_DOT, /* scale * q . k (Vaswani et al. 2017, 3.2.1; Luong et al. 2015: scale 1; with W k for k: general) */
    SCORE_ADDITIVE, /* v . tanh(q + k) (Bahdanau et al. 2015, A.1.2), q and k being projected already */
    SCORE_COSINE    /* exp(min(s, ln 100)) * q . k / (|q| |k|), s learnt for each head (Liu et al. 2022, 3.3) */
} glossa_score_kind;

/* What attention does beside its inputs. */
typedef struct glossa_attending {
    const char *name;               /* to read its weights by */
    const glossa_segments *queries; /* sequence i of the queries attends ... */
    const glossa_segments *keys;    /* ... to sequence i of the keys */
    size_t heads;
    float scale; /* of the dot products */
    bool causal; /* query t sees the keys 0..t of its sequence */
    float dropout;
    /* Guided alignment (Chen et al. 2016): the wanted weights of one head, (m, n) of each sequence after the other,
       each row a distribution or zeros. Adds guide_weight * -sum(guide * log(weights)) to the loss. NULL: none. */
    const float *guide;
    size_t guide_head;
    float guide_weight;
    glossa_score_kind score;
    const glossa_parameter *learnt; /* additive: v (1, D), head by head; cosine: s (1, H); dot: NULL */
    bool hard;                      /* the key of the largest weight alone, with the gradient of soft weights
                                       (straight-through, Bengio et al. 2013); without dropout */
    /* Windows (Liu et al. 2021, 3.2): every sequence has the same number n of rows. `bias` (entries, H) is added to the
       scores, entry bias_index[i * n + j] of query i and key j; 100 is taken from scores of rows whose `regions` (of
       all rows) differ. NULL: none. */
    const glossa_parameter *bias;
    const uint32_t *bias_index;
    const uint8_t *regions;
} glossa_attending;

/* Attention, heads side by side: q (M, D), k (N, D), v (N, E) give (M, E). E is D but for keys and values of their own
   widths (Daniluk et al. 2017). */
glossa_node glossa_tape_attention(glossa_tape *tape, glossa_node q, glossa_node k, glossa_node v,
                                  const glossa_attending *attending);

/* The SSRU (Kim et al. 2019) with forget gates f, already sigmoids: within each sequence
   cell[t] = f[t] * cell[t - 1] + (1 - f[t]) * x[t], y[t] = max(0, cell[t]). */
glossa_node glossa_tape_ssru(glossa_tape *tape, glossa_node f, glossa_node x, const glossa_segments *segments);

/* A recurrent layer over sequences. */
typedef struct glossa_cell {
    const glossa_parameter *w, *b; /* (G, D) and (G) of the state before; G is 3 D gated, D plain */
    bool gated;
    bool backwards; /* from the last row of each sequence to the first */
} glossa_cell;

/*
 * States h (M, D) from g (M, G), the projected inputs with their bias, and first states `begin` (sequences, D), of
 * which no value means zeros. Plain (Elman 1990): h' = tanh(g + w h + b). Gated (Cho et al. 2014, as PyTorch's GRU has
 * it, in whose order the gates r, z, n lie): r = sigmoid(g_r + w_r h + b_r), z = sigmoid(g_z + w_z h + b_z), n =
 * tanh(g_n + r * (w_n h + b_n)), h' = (1 - z) * n + z * h.
 */
glossa_node glossa_tape_recur(glossa_tape *tape, glossa_node g, glossa_node begin, const glossa_cell *cell,
                              const glossa_segments *segments);

/* What is predicted from rows, and how it counts. */
typedef struct glossa_prediction {
    const glossa_parameter *w;    /* (V, D) */
    const glossa_parameter *bias; /* (V) or NULL */
    const uint32_t *targets;      /* (M) GLOSSA_IGNORED: the row counts nothing */
    float smoothing;              /* as PyTorch has it */
    float weight;                 /* of each row in the loss, 1 / rows of the whole batch for their mean */
    /* What may be the best token of a row; NULL: any. Then `outputs` are the sequences of the rows, `inputs` (M) what
       they have read, a start first, and `limits` how long each may become. */
    const glossa_rules *rules;
    const glossa_segments *outputs;
    const uint32_t *inputs, *limits;
} glossa_prediction;

#define GLOSSA_IGNORED UINT32_MAX

/* What came of each row. Points into the arena; NULL while measuring. */
typedef struct glossa_predicted {
    float *log_probability; /* (M) of the target, without smoothing */
    uint32_t *best;         /* (M) the most probable token of those that the rules allow, the first of equals */
} glossa_predicted;

/* Output layer, softmax and smoothed cross-entropy in one, rows in groups, so that the logits of all rows never lie in
   memory. While learning, nothing of `predicted` is filled. */
glossa_predicted glossa_tape_predict(glossa_tape *tape, glossa_node x, const glossa_prediction *prediction);

#endif
