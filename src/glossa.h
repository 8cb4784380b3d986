/*
 * Glossa: a Transformer encoder-decoder that translates text and shows how it did it.
 *
 * Synopsis
 *
 *     glossa_model *model;
 *     glossa_session *session;
 *     glossa_error error;
 *     if (glossa_model_open(bytes, size, NULL, &model, &error)) puts(error.message);
 *     if (glossa_session_open(model, NULL, &session, &error)) puts(error.message);
 *
 *     glossa_text text = {"A dog runs.", 11};
 *     glossa_progress progress = {0};
 *     glossa_begin(session, &text, 1, NULL, &error);
 *     while (!progress.done) glossa_step(session, &progress, &error);
 *     glossa_hypothesis best;
 *     glossa_result(session, 0, 0, &best, &error);
 *     printf("%.*s\n", (int)best.text.size, best.text.data);
 *
 *     glossa_session_close(session);
 *     glossa_model_close(model);
 *
 * Threads: a model is immutable once open and may be shared by threads; a session belongs to one thread at a time.
 * Errors: every function that can fail returns a glossa_status and fills `error` (which may be NULL). After a failure
 * the handle goes on working: the next glossa_begin starts afresh. NULL for a handle, or for what a call is to fill or
 * to read, is such a failure (ARGUMENT) where the function returns a status, unless NULL is said to mean something.
 * Memory: what a checkpoint or a text can make the library hold is bounded (GLOSSA_MODEL_MEMORY, glossa_limits.memory),
 * and the error that says so names what is needed and the bound.
 * Text is UTF-8; ill-formed bytes count as U+FFFD. Spans are byte offsets [begin, end) into the text they belong to.
 */
#ifndef GLOSSA_H
#define GLOSSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GLOSSA_VERSION_MAJOR 0
#define GLOSSA_VERSION_MINOR 1
#define GLOSSA_VERSION_PATCH 0

#define GLOSSA_MAX_BEAM  16
#define GLOSSA_MAX_TOP_K 64

/* Most bytes that an open model holds beside a checkpoint of `size` bytes: sums of rows, tables of the vocabulary,
   layers. A checkpoint that claims more is refused with FORMAT; an honest one needs a tenth. */
#define GLOSSA_MODEL_MEMORY(size) (2 * (uint64_t)(size) + 1048576)
/* Most bytes that a session holds, unless glossa_limits says otherwise: 2 GiB. */
#define GLOSSA_DEFAULT_MEMORY 2147483648u

/* The library's version as "major.minor.patch". */
const char *glossa_version(void);

/* ---- status and errors ------------------------------------------------------------------------------------------ */

/* Stable numbers: they cross the WebAssembly boundary. */
typedef enum glossa_status {
    GLOSSA_OK = 0,
    GLOSSA_ERROR_ARGUMENT = 1,    /* an argument is out of its range */
    GLOSSA_ERROR_STATE = 2,       /* the call does not fit the handle's state, e.g. a result before the end */
    GLOSSA_ERROR_MEMORY = 3,      /* the allocator returned NULL */
    GLOSSA_ERROR_FORMAT = 4,      /* the checkpoint is damaged or not a checkpoint */
    GLOSSA_ERROR_UNSUPPORTED = 5, /* a well-formed checkpoint asks for something this version does not have */
    GLOSSA_ERROR_LIMIT = 6,       /* the text, or the memory for it, is more than the session or the model takes */
    GLOSSA_ERROR_IO = 7,          /* a file could not be written */
    GLOSSA_ERROR_DIVERGED = 8     /* a training's numbers are no longer finite */
} glossa_status;

/* A short English name of a status, never NULL. */
const char *glossa_status_text(glossa_status status);

/* What went wrong, where, and the values. `message` is always NUL-terminated UTF-8. */
typedef struct glossa_error {
    glossa_status status;
    char message[252];
} glossa_error;

/* ---- memory ----------------------------------------------------------------------------------------------------- */

/* Replaces malloc and free. `allocate` returns memory aligned to 16 bytes, or NULL. Both get `user` as it is. */
typedef struct glossa_allocator {
    void *(*allocate)(void *user, size_t size);
    void (*release)(void *user, void *memory);
    void *user;
} glossa_allocator;

/* Takes the next bytes of a file; false where they cannot be kept. */
typedef struct glossa_sink {
    bool (*write)(void *user, const void *bytes, size_t size);
    void *user;
} glossa_sink;

/* ---- model ------------------------------------------------------------------------------------------------------ */

typedef struct glossa_model glossa_model;

typedef enum glossa_mixer { GLOSSA_MIXER_ATTENTION = 0, GLOSSA_MIXER_SSRU = 1 } glossa_mixer;

/* A view of bytes owned by somebody else. Text is UTF-8 and not NUL-terminated. */
typedef struct glossa_text {
    const char *data;
    size_t size;
} glossa_text;

typedef struct glossa_model_info {
    glossa_text name;            /* general.name, empty where the file has none */
    glossa_text source_language; /* BCP 47; the first one of a multilingual model */
    glossa_text target_language;
    uint32_t encoder_layers, decoder_layers, heads;
    uint32_t width;     /* D, the embedding length */
    uint32_t ffn_width; /* F */
    uint32_t source_vocabulary, target_vocabulary;
    uint32_t context;         /* longest source or target in tokens, the end-of-sentence token included */
    uint32_t training_length; /* source tokens beyond which a caller does well to cut a sentence; 0 where unknown */
    glossa_mixer mixer;       /* of the decoder */
    int32_t alignment_layer, alignment_head; /* the cross-attention head that aligns words; -1 where unknown */
    uint64_t parameters;                     /* elements of all tensors but the scales */
    uint64_t tensor_bytes;
    uint64_t working_bytes; /* memory that the open model holds beside the checkpoint: GLOSSA_MODEL_MEMORY at most */
} glossa_model_info;

/*
 * Opens a GGUF checkpoint. `bytes` is borrowed, not copied: it must stay unchanged until glossa_model_close, and be
 * aligned to 16 bytes. `allocator` may be NULL (malloc, free); it is copied. On failure *model is NULL.
 * Fails with ARGUMENT (unaligned), FORMAT, UNSUPPORTED or MEMORY.
 */
glossa_status glossa_model_open(const void *bytes, size_t size, const glossa_allocator *allocator, glossa_model **model,
                                glossa_error *error);

/* Closes a model whose sessions are all closed. NULL is fine. */
void glossa_model_close(glossa_model *model);

/* Facts about the model; the texts point into the checkpoint. */
void glossa_model_describe(const glossa_model *model, glossa_model_info *info);

/* Surface of one token of a vocabulary (the raw piece, "\xe2\x96\x81" marks a space); empty for an unknown id. */
glossa_text glossa_model_piece(const glossa_model *model, bool target, uint32_t id);

/* A language that a model reads or writes. */
typedef struct glossa_language {
    glossa_text tag; /* BCP 47 */
    int32_t token;   /* glossa_options.source_prefix that chooses it as the target; -1: nothing chooses */
} glossa_language;

/* Language `index` of the source, or of the target; its tag is empty beyond the last. */
glossa_language glossa_model_language(const glossa_model *model, bool target, size_t index);

/* Name of the kernels in use: "scalar", "simd128", "relaxed", "relaxed-pairs" or a native set. */
const char *glossa_model_kernels(const glossa_model *model);

/* Changes the kernels, e.g. to "scalar"; all give the same bits. Before the first session. Fails with ARGUMENT for a
   name that this build or machine does not have. */
glossa_status glossa_model_use_kernels(glossa_model *model, const char *name, glossa_error *error);

/* ---- session ---------------------------------------------------------------------------------------------------- */

typedef struct glossa_session glossa_session;

/* Sizes fixed when a session opens; 0 takes the default. */
typedef struct glossa_limits {
    uint32_t sentences;     /* most sentences of one batch; default 16 */
    uint32_t source_tokens; /* most source tokens of one batch, ends included; default 1024 */
    uint32_t beam;          /* widest beam, 1 to GLOSSA_MAX_BEAM; default 5 */
    uint32_t rows;          /* most hypotheses decoded side by side, sentences x beam; default 32 */
    uint64_t memory;        /* most bytes held: batch, positions, texts, explanation; default GLOSSA_DEFAULT_MEMORY */
} glossa_limits;

/* Opens a session. `limits` may be NULL. What a batch needs is allocated by glossa_begin and kept for the next one. */
glossa_status glossa_session_open(const glossa_model *model, const glossa_limits *limits, glossa_session **session,
                                  glossa_error *error);

/* Returns all memory. NULL is fine. */
void glossa_session_close(glossa_session *session);

/* Bytes that the session holds, explanations included. */
size_t glossa_session_bytes(const glossa_session *session);

/* One token and the bytes of the text that it stands for. */
typedef struct glossa_token {
    uint32_t id;
    uint32_t begin, end; /* [begin, end) in the text; empty for the end-of-sentence token */
} glossa_token;

#define GLOSSA_MAX_CUTS      16   /* ways to cut a text that glossa_cuts gives */
#define GLOSSA_MAX_CUT_BYTES 4096 /* of the text */

/* A way to cut a text into tokens. */
typedef struct glossa_cut {
    size_t count; /* tokens */
    float score;  /* sum of the scores of its pieces, which are log-probabilities */
} glossa_cut;

/*
 * The `most` best ways to cut `text`, by itself, into source tokens without an end: writes their scores and lengths to
 * `cuts` (most), sets *found, and *tokens to the tokens of the first, then of the second and so on; they hold until the
 * session's next call. A BPE vocabulary has one way, with the score 0.
 * Does not disturb a translation under way. Fails with LIMIT beyond GLOSSA_MAX_CUT_BYTES, with ARGUMENT or MEMORY.
 */
glossa_status glossa_cuts(glossa_session *session, glossa_text text, size_t most, glossa_cut *cuts, size_t *found,
                          const glossa_token **tokens, glossa_error *error);

/*
 * Source tokens of `text` as the encoder would get them, the end-of-sentence token included. *tokens points into the
 * session and holds until its next call. Does not disturb a translation under way.
 */
glossa_status glossa_tokenize(glossa_session *session, glossa_text text, const glossa_token **tokens, size_t *count,
                              glossa_error *error);

/* ---- translation ------------------------------------------------------------------------------------------------ */

/* Which rules the beam search follows; they differ only in when a sentence ends and how scores are formed. */
typedef enum glossa_search {
    GLOSSA_SEARCH_GLOSSA = 0,      /* ends when no live hypothesis can still win; byte pieces make whole characters */
    GLOSSA_SEARCH_HUGGINGFACE = 1, /* transformers' BeamSearchScorer with early_stopping = false */
    GLOSSA_SEARCH_MARIAN = 2       /* Marian's and bergamot's */
} glossa_search;

/* Parts of the network that can be left out, to see what they are for. */
typedef enum glossa_without {
    GLOSSA_WITHOUT_POSITIONS = 1, /* nothing tells tokens their places, in encoder and decoder */
    GLOSSA_WITHOUT_CAUSAL = 2     /* glossa_explain's pass lets every position of the decoder see those behind it too;
                                     the search, which has none behind it, stays as it is */
} glossa_without;

/* How to translate; a zeroed struct and NULL mean the defaults. */
typedef struct glossa_options {
    uint32_t beam; /* 1 (greedy) to the session's beam; 0: 1 */
    glossa_search search;
    bool normalize_set;       /* whether `normalize` counts */
    float normalize;          /* score = sum(log p) / length^normalize, end-of-sentence counted; default 1 */
    uint32_t max_length;      /* longest target in tokens, the end included; 0: min(context, 2 x source + 10) */
    uint32_t no_repeat_ngram; /* forbid repeating any n-gram of this size; 0: off */
    uint32_t top_k;           /* candidates kept for each position by glossa_explain, 0 to GLOSSA_MAX_TOP_K */
    const uint32_t *banned;   /* token ids never produced, beside those of the checkpoint; borrowed until the end */
    size_t banned_count;
    const uint32_t *prefix; /* target ids that every hypothesis starts with (one sentence a batch); copied */
    size_t prefix_count;
    const uint32_t *source_prefix; /* source ids put before every text's own: the target language's token of a
                                      multilingual model (glossa_model_language); copied */
    size_t source_prefix_count;
    /* Heads to switch off: 1 byte a head, layer by layer, in the order encoder self, decoder self, cross:
       (encoder_layers + 2 x decoder_layers) x heads bytes, 0 = on, else off; NULL: all on. A head that is off adds
       nothing to its layer. Copied. */
    const uint8_t *head_mask;
    uint32_t without; /* glossa_without, added up */
} glossa_options;

typedef struct glossa_progress {
    bool done;
    uint32_t steps_done; /* since glossa_begin */
    uint32_t sentences_done;
    uint32_t target_tokens; /* positions decoded so far, over all sentences of the batch */
} glossa_progress;

/*
 * Starts a batch and forgets the last one. The texts are tokenized at once and need not outlive the call. `options`
 * may be NULL. A blank text gives an empty hypothesis.
 * Fails with LIMIT (more sentences, tokens, beams or memory than the session takes, or a sentence longer than the
 * context; the message names the sentence and both numbers), MEMORY or ARGUMENT; the session is then idle.
 */
glossa_status glossa_begin(glossa_session *session, const glossa_text *texts, size_t count,
                           const glossa_options *options, glossa_error *error);

/* A part of an encoder layer, or one decoder position for the whole batch. Never allocates. Fails with STATE without a
   batch. */
glossa_status glossa_step(glossa_session *session, glossa_progress *progress, glossa_error *error);

/* A translation. Everything it points to belongs to the session and holds until its next call that takes a batch. */
typedef struct glossa_hypothesis {
    glossa_text text;
    const glossa_token *tokens;   /* (count) the end included, spans in `text`; without it if the length ran out */
    const float *log_probability; /* (count) of each token, given those before it */
    size_t count;
    float score; /* sum of log_probability / count^normalize */
} glossa_hypothesis;

/* Hypothesis `rank` (0 is the best) of a sentence of a finished batch. Fails with STATE, or ARGUMENT beyond the last.
 */
glossa_status glossa_result(glossa_session *session, size_t sentence, size_t rank, glossa_hypothesis *hypothesis,
                            glossa_error *error);

/* How many hypotheses a finished sentence has, 1 to the beam; 0 before the end. */
size_t glossa_result_count(const glossa_session *session, size_t sentence);

/*
 * The tokens that are certain already while a batch runs: the prefix common to all live and finished hypotheses of a
 * sentence, as text. Text already returned is never taken back.
 */
glossa_status glossa_partial(glossa_session *session, size_t sentence, glossa_text *text, glossa_error *error);

/* What became of a branch of the search. */
typedef enum glossa_fate {
    GLOSSA_BRANCH_DROPPED = 0,
    GLOSSA_BRANCH_LIVE = 1,
    GLOSSA_BRANCH_FINISHED = 2 /* the sentence ended with it */
} glossa_fate;

/* A live hypothesis with one more token. */
typedef struct glossa_branch {
    uint32_t parent; /* the hypothesis: its place among the live branches of the step before; 0 at the first */
    uint32_t token;
    float log_probability; /* of the token, given those before it */
    float score;           /* of the hypothesis with it, as glossa_hypothesis has it */
    glossa_fate fate;
} glossa_branch;

/*
 * What the search saw in its last step over a sentence, best first: writes at most 2 x GLOSSA_MAX_BEAM branches and
 * returns how many. None before the first position, or where there is no batch.
 */
size_t glossa_branches(const glossa_session *session, size_t sentence, glossa_branch *branches);

/* ---- explanation ------------------------------------------------------------------------------------------------ */

/*
 * What happened inside for one hypothesis. All arrays belong to the session and hold until its next begin or explain.
 * S source tokens, T target tokens (ends included), L layers, H heads, D width, K top_k.
 */
typedef struct glossa_explanation {
    const glossa_token *source;       /* (S) */
    size_t source_count;              /* S */
    const glossa_token *target;       /* (T) */
    size_t target_count;              /* T */
    const float *encoder_attention;   /* (L_enc, H, S, S): row = query */
    const float *decoder_attention;   /* (L_dec, H, T, T): row t is the query that emitted token t; NULL for an SSRU */
    const float *cross_attention;     /* (L_dec, H, T, S) */
    const float *encoder_hidden;      /* (L_enc + 1, S, D): the input of the first layer, then the output of each */
    const float *decoder_hidden;      /* (L_dec + 1, T, D) */
    const float *log_probability;     /* (T) */
    uint32_t top_k;                   /* K */
    const uint32_t *top_ids;          /* (T, K), best first */
    const float *top_log_probability; /* (T, K) */
} glossa_explanation;

/*
 * Explains hypothesis `rank` of `sentence` of a finished batch by one forced pass over it, under the batch's options.
 * Without the causal mask its log-probabilities are those of that pass, else those of the search.
 * Leaves the batch's results valid. Allocates what it returns: 4 bytes x (L_enc H S S + L_dec H T (T + S)) and a
 * little more. Fails with LIMIT where that is beyond limits.memory, and with MEMORY, STATE or ARGUMENT.
 */
glossa_status glossa_explain(glossa_session *session, size_t sentence, size_t rank, glossa_explanation *explanation,
                             glossa_error *error);

/* Nanoseconds by stage since glossa_begin; 0 where the platform gave no clock. */
typedef uint64_t (*glossa_clock)(void *user);
typedef struct glossa_timings {
    uint64_t tokenize, encode, decode, output;
} glossa_timings;

/* Turns timing on (or off with NULL): `clock` returns nanoseconds from any origin. */
void glossa_session_set_clock(glossa_session *session, glossa_clock clock, void *user);
void glossa_session_timings(const glossa_session *session, glossa_timings *timings);

#ifdef __cplusplus
}
#endif
#endif
