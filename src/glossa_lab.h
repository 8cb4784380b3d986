/*
 * Glossa's lab: trains the Transformer encoder-decoder that glossa.h runs and the networks around it, and shows every
 * array of them.
 *
 * Synopsis
 *
 *     glossa_lab_config config;
 *     glossa_lab *lab;
 *     glossa_error error;
 *     glossa_lab_defaults(&config);
 *     if (glossa_lab_set(&config, "task", "reverse", &error)) puts(error.message);
 *     if (glossa_lab_open(&config, NULL, &lab, &error)) puts(error.message);
 *
 *     glossa_lab_report report;
 *     for (int i = 0; i < 500; i++)
 *         if (glossa_lab_step(lab, NULL, &report, &error)) puts(error.message);
 *     glossa_lab_save(lab, GLOSSA_LAB_MODEL, sink, &error);      // a checkpoint that glossa_model_open takes
 *     glossa_lab_close(lab);
 *
 * Threads: a lab belongs to one thread at a time; it starts threads of its own for the parts of a batch. Errors are as
 * in glossa.h: a status, and a message that names the thing and the value; after a failure the lab goes on working.
 *
 * The same config gives the same bits for any number of threads. With the kernels "exact" they are the same natively
 * and in WebAssembly.
 */
#ifndef GLOSSA_LAB_H
#define GLOSSA_LAB_H

#include "glossa.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what to train, and how ------------------------------------------------------------------------------------- */

/* Filled by glossa_lab_defaults and changed by glossa_lab_set, which knows every field by its name and checks it.
   A number beside choices is the place of the choice. */
typedef struct glossa_lab_config {
    /* the network */
    uint32_t architecture; /* transformer, recurrent; classifier: a Transformer's encoder and a label; masked, causal:
                              language models; vit, swin: of images */
    uint32_t width, heads, feed_forward; /* heads divide the width; width and feed_forward are multiples of 16 */
    uint32_t encoder_layers, decoder_layers;
    uint32_t context;     /* longest source or target in tokens, ends included; of images: their pixels */
    uint32_t norm;        /* post, pre */
    uint32_t activation;  /* relu, silu, gelu-erf, gelu-tanh, gelu-sigmoid */
    uint32_t position;    /* sinusoid-interleaved, sinusoid-halves, sinusoid-marian, learned, none */
    uint32_t mixer;       /* attention, ssru: of the decoder */
    uint32_t output;      /* tied, untied: whether the output layer is the embedding table */
    uint32_t output_bias; /* no, yes */
    uint32_t start;       /* bos, zero-vector: what the decoder starts from */
    uint32_t normalise;   /* layer, none, batch: the norms of a Transformer */
    uint32_t residual;    /* yes, no: whether a sub-layer's input is added to its output */
    uint32_t causal;      /* yes, no: whether the decoder is kept from seeing what it is to predict */
    uint32_t score;       /* scaled-dot, dot; recurrent: general, additive, concat, cosine or none (no attention) too */
    uint32_t selection;   /* soft, hard: attention takes the mean by its weights, or the largest alone */
    uint32_t pool;        /* mean, token: a classifier judges by all rows, or by one: the end's, of a vit the first */
    uint32_t cell;        /* gated, plain: of a recurrent network */
    uint32_t direction;   /* both, forward: of a recurrent encoder */
    uint32_t keys;        /* whole, split: keys and values of a recurrent network are halves of the states */
    uint32_t image, patch;   /* pixels in a row of a square image, and of the patches that it falls apart into */
    uint32_t window, stages; /* swin: patches in a row of a window; stages, each but the first half as high and wide */
    double norm_epsilon;
    double embedding_scale; /* 0: the root of the width; recurrent: 1 */
    uint32_t initial;       /* xavier, kaiming, torch */
    /* the data */
    char task[16]; /* copy, reverse, sort, addition, dates, roman, pig-latin; empty: batches of the caller */
    uint32_t shortest, longest; /* of the task's strings; digits of a summand for addition */
    uint32_t vocabulary; /* tokens, where there is no task: of the caller's batches, or at most, to learn from pairs */
    uint32_t tokens;     /* bpe, characters: what a vocabulary is learnt of; bytes stand for all others */
    double coverage;     /* share of all text whose characters become tokens of a bpe vocabulary */
    double masked_share; /* of tokens that a masked language model is to tell: of those, 80 % are masked, 10 % others */
    uint32_t shift;      /* images are moved by up to so many pixels while it learns */
    uint32_t bleu;       /* 13a, char, zh: what the tokens of the score are, as sacrebleu names them */
    uint32_t set_aside;  /* pairs to judge by, where none are given for that: at most so many, and a tenth of all */
    double sampling_share; /* of texts that are cut into tokens otherwise each time (sub-word regularization), ... */
    double sampling_alpha; /* ... unigram: by their probability to this power; bpe: without this share of merges */
    uint32_t seed;
    /* the training */
    uint32_t batch;        /* sequences of a task in each step, and of every evaluation at a time */
    uint32_t batch_tokens; /* of pairs in each step: tokens of the longer sides, were all as long as the longest */
    uint32_t shards;       /* parts that a batch is cut into; their gradients are added in order */
    uint32_t threads;      /* 0: as many as the machine has processors, but no more than shards */
    char kernels[16];      /* empty: the fastest of this machine */
    uint32_t optimizer;    /* adam, adamw, sgd, muon; none: steps have gradients and change nothing */
    double learning_rate;
    double beta1, beta2, epsilon; /* of adam and adamw */
    double weight_decay;          /* part of the gradient for adam and sgd, apart from it for adamw and muon */
    double momentum;              /* of sgd and muon */
    uint32_t nesterov;            /* no, yes: of sgd */
    uint32_t schedule;            /* constant, inverse-sqrt, cosine, plateau */
    uint32_t warmup;              /* steps of linear growth to the learning rate */
    uint32_t hold;                /* of inverse-sqrt: the step up to which the rate stays, if after the warm-up */
    double cooldown;              /* of inverse-sqrt: last share of the steps, in which the rate falls to 2 % too */
    uint32_t steps;               /* of the whole training, for cosine and cooldown */
    double final_rate;            /* where cosine ends, as a share of the learning rate */
    double plateau_factor, plateau_threshold, plateau_minimum, plateau_epsilon;
    uint32_t plateau_patience, plateau_cooldown;
    uint32_t plateau_warmup;         /* first calls of glossa_lab_plateau that change nothing */
    uint32_t plateau_mode;           /* min, max */
    uint32_t plateau_threshold_mode; /* rel, abs */
    double clip;                     /* largest norm of all gradients together; 0: any */
    uint32_t accumulate;             /* batches whose mean gradient makes one step */
    double average;                  /* share that the mean of the weights keeps at each step; 0: no mean */
    double dropout;                  /* of embeddings and of what each sub-layer adds */
    double attention_dropout, activation_dropout;
    double label_smoothing;
    double guided; /* weight of guided alignment (Chen et al. 2016): one head learns to look at the words that are
                      linked */
} glossa_lab_config;

/* A small Transformer for the seeded tasks: width 64, 4 heads, 1 + 1 layers, Adam. */
void glossa_lab_defaults(glossa_lab_config *config);

/*
 * Sets a field by its name to what `value` says ("0.1", "pre"). "task" sets shortest and longest too, and "preset" many
 * at once.
 *
 * The preset "pairs" is a small translator that learns from some thousand pairs: width 128, 4 heads, 2 + 2 layers,
 * dropout. "tutorial" is the Transformer of the well-known PyTorch tutorials: width 512, 8 heads, 6 + 6 layers,
 * feed-forward 2,048, Kaiming initialisation, Adam with weight decay, ReduceLROnPlateau after a warm-up.
 * "tutorial-small" is the same in small, which learns in minutes. "recurrent" is the recurrent encoder-decoder with
 * additive attention of one head, "classifier" a small one for some thousand labelled texts.
 *
 * Fails with ARGUMENT for an unknown name, and for a value that is not one of the choices or beyond the bounds.
 */
glossa_status glossa_lab_set(glossa_lab_config *config, const char *name, const char *value, glossa_error *error);

/* What a setting is: a number, or the word of a choice or a name, of which `text` is empty for a number. Fails with
   ARGUMENT for an unknown name. */
glossa_status glossa_lab_get(const glossa_lab_config *config, const char *name, double *number, glossa_text *text,
                             glossa_error *error);

/* The name of setting `index` and what it takes ("16 to 65536" or "post, pre"); NULL beyond the last. */
const char *glossa_lab_setting(size_t index, const char **takes);

/*
 * Sets what the JSON of a config says: an object of settings, some of which may lie within "model" and "training", by
 * their names or those that the recipes of Glossa's own models have ("d_model", "lr"). A "preset" or a "task" comes
 * first, wherever it stands; without either the preset is "pairs". Keys that concern files, such as "train", are the
 * caller's. Fails with FORMAT where it is no JSON, and with ARGUMENT for a key that is not known and for a value that
 * does not fit, which it names.
 */
glossa_status glossa_lab_configure(glossa_lab_config *config, glossa_text json, glossa_error *error);

/* The key `index` of a config that is no setting's name; *setting is what it sets, NULL: nothing. NULL beyond the last.
 */
const char *glossa_lab_config_key(size_t index, const char **setting);

/* ---- the lab ---------------------------------------------------------------------------------------------------- */

typedef struct glossa_lab glossa_lab;

/* Opens a lab with weights drawn by the seed. `allocator` may be NULL; it is copied. On failure *lab is NULL.
   Fails with ARGUMENT (values that do not fit each other), LIMIT (sizes that overflow) or MEMORY. */
glossa_status glossa_lab_open(const glossa_lab_config *config, const glossa_allocator *allocator, glossa_lab **lab,
                              glossa_error *error);

/*
 * Opens what glossa_lab_save wrote, to go on or to look at. `bytes` need not outlive the call. From GLOSSA_LAB_STATE
 * the training goes on to the bit, with the config of the file. A checkpoint without that state, the engine's own in
 * float32 among them, gives the network and its weights; the rest is as in `config` (NULL: the defaults).
 * Fails with FORMAT, UNSUPPORTED, ARGUMENT or MEMORY.
 */
glossa_status glossa_lab_load(const void *bytes, size_t size, const glossa_lab_config *config,
                              const glossa_allocator *allocator, glossa_lab **lab, glossa_error *error);

/* ---- pairs of text ---------------------------------------------------------------------------------------------- */

/* Texts and their translations, for labs that learn from those: copied from files of the caller. */
typedef struct glossa_lab_data glossa_lab_data;

/* `allocator` may be NULL; it is copied. Fails with MEMORY. */
glossa_status glossa_lab_data_open(const glossa_allocator *allocator, glossa_lab_data **data, glossa_error *error);

/* For data that no lab has taken. NULL is fine. */
void glossa_lab_data_close(glossa_lab_data *data);

/*
 * Adds the pairs of a table: a source, a tab and a target in each line, in UTF-8; lines that lack one side are left out
 * and counted. A third column may link their words for config.guided, "0-0 1-2", as fast_align and its like do: each a
 * source and a target word, counted from 0 on, parted by white space or Chinese or Japanese characters; other columns
 * are ignored. For a classifier a target is a label. `held_out`: to judge by, not
 * to train on. `name` is the file's in messages. Fails with FORMAT for a line without a tab or in another encoding,
 * which it names, with MEMORY or LIMIT; then nothing was added.
 */
glossa_status glossa_lab_data_table(glossa_lab_data *data, bool held_out, const char *name, glossa_text file,
                                    glossa_error *error);

/* Adds the pairs of lines with the same number. Fails with FORMAT too where one file has more lines. */
glossa_status glossa_lab_data_lines(glossa_lab_data *data, bool held_out, const char *source_name, glossa_text source,
                                    const char *target_name, glossa_text target, glossa_error *error);

/* Adds the lines of a file as texts for a language model, one text a line; empty lines are skipped. Fails as
   glossa_lab_data_table. */
glossa_status glossa_lab_data_texts(glossa_lab_data *data, bool held_out, const char *name, glossa_text file,
                                    glossa_error *error);

/* Adds an image with its label: `count` grey pixels, one byte each, from left to right and from top to bottom. Data are
   pairs, texts or images: fails with ARGUMENT for another kind than before and where there is no pixel or no label, and
   with MEMORY or LIMIT. */
glossa_status glossa_lab_data_image(glossa_lab_data *data, bool held_out, const uint8_t *pixels, size_t count,
                                    glossa_text label, glossa_error *error);

/* Adds labelled images of two IDX files, as MNIST has them: bytes in three dimensions and in one. A label is its number
   in digits. Fails with FORMAT for a file of another form or size, and as glossa_lab_data_image. */
glossa_status glossa_lab_data_idx(glossa_lab_data *data, bool held_out, const char *images_name, glossa_text images,
                                  const char *labels_name, glossa_text labels, glossa_error *error);

/* What a network learns from. */
typedef enum glossa_lab_data_kind {
    GLOSSA_LAB_PAIRS = 0,
    GLOSSA_LAB_TEXTS = 1,
    GLOSSA_LAB_IMAGES = 2
} glossa_lab_data_kind;
glossa_lab_data_kind glossa_lab_learns_from(const glossa_lab_config *config);

/*
 * Opens a lab that learns from `data`, which it takes in every case: pairs, or what the network learns from. Where no
 * pairs are held out, some are set aside; what shares a text with those is not trained on. The vocabulary, one for both
 * sides, is learnt from the rest, or it is that of the checkpoint `vocabulary` (NULL: none). `source` and `target` are
 * languages by BCP 47; "und" is that of the checkpoint. Fails as glossa_lab_open, with FORMAT where no pair is left or
 * the checkpoint is none, UNSUPPORTED where its vocabulary is of an unknown kind, and ARGUMENT for a config that has a
 * task. With config.guided it fails with FORMAT where no pair has links, and for links that are none.
 */
glossa_status glossa_lab_open_pairs(const glossa_lab_config *config, glossa_lab_data *data, const char *source,
                                    const char *target, const void *vocabulary, size_t vocabulary_size,
                                    const glossa_allocator *allocator, glossa_lab **lab, glossa_error *error);

/*
 * Gives a lab of glossa_lab_load pairs to train on; `data` is taken in every case. A training that goes on from
 * GLOSSA_LAB_STATE needs the same pairs: it fails with ARGUMENT for others; with STATE where the lab learns a task, has
 * pairs already or no vocabulary; with FORMAT where the vocabulary is broken or larger than the network's, where no
 * pair is left, and for links as glossa_lab_open_pairs does; with UNSUPPORTED or MEMORY. Then it is as before.
 */
glossa_status glossa_lab_attach(glossa_lab *lab, glossa_lab_data *data, glossa_error *error);

/* Pairs of a lab, and what became of the rest. */
typedef struct glossa_lab_pairs {
    size_t train, held_out;
    size_t empty;                        /* lines left out because they lack one side */
    size_t shared;                       /* pairs left out because held-out ones have one of their texts */
    size_t too_long;                     /* pairs left out because they exceed the context */
    size_t source_tokens, target_tokens; /* of those that are trained on */
    uint32_t batches;                    /* steps, or parts of steps where these accumulate, that make an epoch */
    uint32_t vocabulary;                 /* tokens */
} glossa_lab_pairs;

/* Zeros where a lab has none. */
void glossa_lab_describe_pairs(const glossa_lab *lab, glossa_lab_pairs *pairs);

/* ---- facts ------------------------------------------------------------------------------------------------------ */

/* Returns all memory. NULL is fine. */
void glossa_lab_close(glossa_lab *lab);

/* The config in use. */
const glossa_lab_config *glossa_lab_configuration(const glossa_lab *lab);

/* Changes what may change between steps: learning_rate, steps, clip, dropout and the other rates and weights of the
   training. Fails with ARGUMENT for the rest. */
glossa_status glossa_lab_change(glossa_lab *lab, const char *name, const char *value, glossa_error *error);

/* Steps done. */
uint32_t glossa_lab_steps(const glossa_lab *lab);

/* Bytes that the lab holds. */
size_t glossa_lab_bytes(const glossa_lab *lab);

/* Parameters of the network, and the name of the kernels in use. */
size_t glossa_lab_parameters(const glossa_lab *lab);
const char *glossa_lab_kernels(const glossa_lab *lab);

/* ---- training --------------------------------------------------------------------------------------------------- */

/* Pairs of token sequences, one after the other without padding; borrowed for the call. */
typedef struct glossa_lab_batch {
    size_t count;
    const uint32_t *source, *source_starts; /* sequence i: [source_starts[i], source_starts[i + 1]), the end included */
    const uint32_t *target, *target_starts; /* the end included, without a start */
    /* Wanted cross-attention weights of the guided head: (target, source) of each pair after the other, rows that sum
       to 1 or 0. NULL: none. */
    const float *alignment;
} glossa_lab_batch;

typedef struct glossa_lab_report {
    uint32_t step;        /* steps done */
    uint32_t tokens;      /* target tokens of this step or evaluation */
    uint32_t sequences;   /* of it */
    uint32_t exact;       /* evaluation: sequences of which greedy decoding, by the engine's rules, gives every token */
    uint32_t correct;     /* evaluation: target tokens that were the most probable ones at their place */
    double loss;          /* mean over the target tokens: of training with smoothing and guidance, else without */
    double norm;          /* of the gradient, before clipping */
    double learning_rate; /* of this step */
} glossa_lab_report;

/*
 * One step on `batch`, or on the next batches of the task where it is NULL (config.accumulate of them). `report` may be
 * NULL. Fails with ARGUMENT for a batch that does not fit the network, and with DIVERGED where loss or gradient are no
 * longer finite: the message has the step and the norm, and the weights are again those of the last hundred steps that
 * went well.
 */
glossa_status glossa_lab_step(glossa_lab *lab, const glossa_lab_batch *batch, glossa_lab_report *report,
                              glossa_error *error);

/* Loss and exact matches without learning, on `batch`, or on `count` held-out strings of the task from number `first`
   on. With a mean of weights (config.average), of that. */
glossa_status glossa_lab_evaluate(glossa_lab *lab, const glossa_lab_batch *batch, uint32_t first, uint32_t count,
                                  glossa_lab_report *report, glossa_error *error);

/* BLEU of the first `count` held-out pairs, decoded greedily: sacrebleu's, with its defaults and config.bleu. Fails
   with STATE where none are held out. */
glossa_status glossa_lab_bleu(glossa_lab *lab, uint32_t count, double *score, glossa_error *error);

/* Tells the schedule "plateau" a validation loss, as PyTorch's ReduceLROnPlateau.step. */
void glossa_lab_plateau(glossa_lab *lab, double value);

/* A place of a training's curves. A number below 0: not measured. */
typedef struct glossa_lab_point {
    double step, loss, held_out /* loss */, bleu, learning_rate;
} glossa_lab_point;

/* Writes the curves as a picture in SVG: loss, perplexity, BLEU and learning rate over the steps, which do not fall.
   Fails with ARGUMENT where they do, and with IO where the sink does. */
glossa_status glossa_lab_chart(const glossa_lab_point *points, size_t count, glossa_sink sink, glossa_error *error);

/* ---- looking in ------------------------------------------------------------------------------------------------- */

/* An array of the last step, evaluation or forward pass (of its first shard). Holds until the next. */
typedef struct glossa_lab_array {
    const float *data;
    size_t rows, width; /* of a hidden state: (rows, width) */
    size_t heads;       /* 0, or of an attention: (heads, m, n) of one sequence after the other ... */
    size_t sequences;
    const uint32_t *query_starts, *key_starts; /* (sequences + 1): m and n of sequence i are differences of these */
} glossa_lab_array;

/* An array by name: "enc.embd", "enc.blk.0", "dec.blk.0" (outputs of layers), "enc.blk.0.attn", "dec.blk.0.attn",
   "dec.blk.0.cross_attn", of a recurrent network "dec.attn" (weights), or a parameter's name in the checkpoint
   ("enc.blk.0.attn_q.weight"), with
   ".gradient" behind it for its gradient. Fails with ARGUMENT for another name. */
glossa_status glossa_lab_read(const glossa_lab *lab, const char *name, glossa_lab_array *array, glossa_error *error);

/* Gives row `row` of a parameter other values, as many as it is wide, between steps. Fails with ARGUMENT for another
   name, for a row or a width that it does not have, and for a value that is not finite; then nothing is changed. */
glossa_status glossa_lab_write(glossa_lab *lab, const char *name, size_t row, const float *values, size_t width,
                               glossa_error *error);

/* The forward pass alone, for its arrays. Writes log-probabilities of the targets to `log_probability` (target tokens),
   the best tokens to `best`, where these are not NULL. */
glossa_status glossa_lab_forward(glossa_lab *lab, const glossa_lab_batch *batch, float *log_probability, uint32_t *best,
                                 glossa_error *error);

/* Texts of a task or of pairs: source and target of number `index`, of the held-out ones or of those that are trained
   on. They hold until the next call. Fails with STATE where there is neither, and with ARGUMENT beyond the last pair.
 */
glossa_status glossa_lab_example(glossa_lab *lab, bool held_out, uint32_t index, glossa_text *source,
                                 glossa_text *target, glossa_error *error);

/* Tokens of a text by the vocabulary of sources, or of targets, the end included; they hold until the next call. Fails
   with STATE where there is neither a task nor a vocabulary, and with MEMORY. */
glossa_status glossa_lab_encode(glossa_lab *lab, bool target, glossa_text text, const uint32_t **ids, size_t *count,
                                glossa_error *error);

/* Labels of a network that classifies: how many, 0 of another network, and the text of one. */
uint32_t glossa_lab_labels(const glossa_lab *lab);
glossa_text glossa_lab_label(const glossa_lab *lab, uint32_t label);

/* The probability of each label for a text, into `probability` (labels). Its arrays are those of the last pass, whose
   sequences are all that text. Fails with STATE for a lab that is no classifier, and as glossa_lab_predict. */
glossa_status glossa_lab_classify(glossa_lab *lab, glossa_text text, float *probability, glossa_error *error);

/* The same for an image of `count` grey pixels. Fails with ARGUMENT where it has another size than the network's. */
glossa_status glossa_lab_classify_image(glossa_lab *lab, const uint8_t *pixels, size_t count, float *probability,
                                        glossa_error *error);

/* A token, and how probable it is. */
typedef struct glossa_lab_guess {
    uint32_t token;
    float probability;
} glossa_lab_guess;

#define GLOSSA_LAB_MASK "<mask>"

/*
 * What may stand at each GLOSSA_LAB_MASK of a text, by a masked language model: *guesses are the `most` best tokens of
 * the first mask, then those of the second, of *masks in all; they hold until the next call. Fails with STATE for
 * another network, with ARGUMENT for a text without a mask and for `most` of 0 or above the vocabulary, and with LIMIT
 * for more tokens than the context has room for.
 */
glossa_status glossa_lab_fill(glossa_lab *lab, glossa_text text, uint32_t most, const glossa_lab_guess **guesses,
                              size_t *masks, glossa_error *error);

/* How a text is continued. Zeros are greedy, up to the end of the text or of the context. */
typedef struct glossa_lab_sampling {
    double temperature; /* 0: the most probable token; else drawn by probabilities to the power of 1 / temperature */
    uint32_t top_k;     /* of so many of the most probable tokens; 0: of all */
    uint32_t tokens;    /* at most; 0: as many as there is room for */
    uint32_t seed;
} glossa_lab_sampling;

/* What a causal language model writes behind `prompt`, which may be empty; the text holds until the next call. *ended:
   whether it came to an end by itself. Fails with STATE for another network, with ARGUMENT for a temperature below 0 or
   not finite, and with LIMIT where the prompt leaves no room in the context. */
glossa_status glossa_lab_continue(glossa_lab *lab, glossa_text prompt, const glossa_lab_sampling *sampling,
                                  glossa_text *text, bool *ended, glossa_error *error);

/* The text of such a token, as it lies in the vocabulary; empty where there is none. */
glossa_text glossa_lab_piece(const glossa_lab *lab, bool target, uint32_t id);

/* What the network makes of a source: what the engine does, greedily, or the most probable label. The text holds until
   the next call, and the arrays are those of the last pass, whose target is one token longer than the text's.
   Fails with STATE where there is neither a task nor a vocabulary, ARGUMENT for a character that a task lacks, and
   LIMIT for more tokens than the context has room for. */
glossa_status glossa_lab_predict(glossa_lab *lab, glossa_text source, glossa_text *target, glossa_error *error);

/* ---- saving ----------------------------------------------------------------------------------------------------- */

typedef enum glossa_lab_kind {
    GLOSSA_LAB_MODEL = 0, /* weights (their mean, where there is one) and vocabulary: what glossa_model_open takes */
    GLOSSA_LAB_STATE = 1, /* the same with everything that going on needs */
    GLOSSA_LAB_SMALL = 2  /* a model whose matrices are int8, with a scale for each row */
} glossa_lab_kind;

/* Writes a checkpoint. Fails with MEMORY, with IO where the sink does, and with STATE where the lab has no vocabulary
 * for a model.
 */
glossa_status glossa_lab_save(const glossa_lab *lab, glossa_lab_kind kind, glossa_sink sink, glossa_error *error);

#ifdef __cplusplus
}
#endif
#endif
