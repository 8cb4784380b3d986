/* What language models are for: masks filled, texts continued. */
#include <string.h>

#include "base/random.h"
#include "lab/batch.h"
#include "lab/decoding.h"

#define PURPOSE_CONTINUE 330 /* of the random stream */
#define MASK_SIZE        (sizeof GLOSSA_LAB_MASK - 1)

/* ---- masks ------------------------------------------------------------------------------------------------------ */

/* Where the next mask begins from `at` on, or the end of the text. */
static size_t find_mask(glossa_text text, size_t at) {
    while (at < text.size && (text.size - at < MASK_SIZE || memcmp(text.data + at, GLOSSA_LAB_MASK, MASK_SIZE) != 0))
        at++;
    return at;
}

/* Adds the tokens of a text without masks to the `room` of `ids`; counts also those for which there is none. */
static glossa_status add_tokens(const glossa_lab *lab, glossa_text text, uint32_t *ids, size_t room, size_t *count,
                                glossa_error *error) {
    glossa_token *tokens;
    size_t some;
    FORWARD(glossa_tokenizer_encode(lab->lexicon.source, text, &tokens, &some, error));
    for (size_t i = 0; i < some; i++, ++*count)
        if (*count < room) ids[*count] = tokens[i].id;
    glossa_tokenizer_free_tokens(lab->lexicon.source, tokens);
    return GLOSSA_OK;
}

/* A text with its masks as tokens, the end behind them. */
static glossa_status encode_masked(const glossa_lab *lab, glossa_text text, uint32_t *ids, size_t room, size_t *count,
                                   glossa_error *error) {
    *count = 0;
    for (size_t at = 0, end; at < text.size; at = end + MASK_SIZE) {
        end = find_mask(text, at);
        if (end > at) FORWARD(add_tokens(lab, (glossa_text){text.data + at, end - at}, ids, room, count, error));
        if (end >= text.size) break;
        if (*count < room) ids[*count] = lab->lexicon.mask;
        ++*count;
    }
    if (*count < room) ids[*count] = (uint32_t)glossa_tokenizer_eos(lab->lexicon.source);
    ++*count;
    FAIL_IF(*count > room, error, GLOSSA_ERROR_LIMIT, "the text has %zu tokens, need 1 to %zu", *count - 1, room - 1);
    return GLOSSA_OK;
}

/* ---- guesses ---------------------------------------------------------------------------------------------------- */

/* Whether a token says nothing: the mask, and what is never produced. */
static bool is_silent(const glossa_lab *lab, uint32_t token) {
    bool silent = token == lab->lexicon.mask;
    for (size_t i = 0; i < lab->lexicon.banned_count; i++)
        silent = silent || token == lab->lexicon.banned[i];
    return silent;
}

/* Moves the `most` largest probabilities to `out`, which falls; what is taken, or silent, becomes -1. */
static void take_best(const glossa_lab *lab, float *probability, uint32_t most, glossa_lab_guess *out) {
    const uint32_t vocabulary = lab->network.target_vocabulary;
    for (uint32_t i = 0; i < vocabulary; i++)
        if (is_silent(lab, i)) probability[i] = -1;
    for (uint32_t k = 0; k < most; k++) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < vocabulary; i++)
            if (probability[i] > probability[best]) best = i;
        out[k] = (glossa_lab_guess){best, probability[best] > 0 ? probability[best] : 0};
        probability[best] = -1;
    }
}

static glossa_status need(const glossa_lab *lab, uint32_t architecture, const char *what, glossa_error *error) {
    FAIL_IF(lab->config.architecture != architecture, error, GLOSSA_ERROR_STATE, "the lab's network is no %s", what);
    return GLOSSA_OK;
}

glossa_status glossa_lab_fill(glossa_lab *lab, glossa_text text, uint32_t most, const glossa_lab_guess **guesses,
                              size_t *masks, glossa_error *error) {
    const uint32_t vocabulary = lab->network.target_vocabulary, context = lab->config.context;
    uint32_t *ids, *starts;
    size_t count, bytes;
    *masks = 0;
    FORWARD(need(lab, ARCHITECTURE_MASKED, "masked language model", error));
    FAIL_IF(most == 0 || most > vocabulary, error, GLOSSA_ERROR_ARGUMENT, "%u guesses are asked for, need 1 to %u",
            (unsigned)most, (unsigned)vocabulary);
    FORWARD(glossa_lexicon_open(&lab->lexicon, &lab->allocator, error));
    FORWARD(glossa_batch_place_source(lab, context, &ids, &starts, error));
    FORWARD(encode_masked(lab, text, ids, context, &count, error));
    starts[1] = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        *masks += ids[i] == lab->lexicon.mask;
    FAIL_IF(*masks == 0, error, GLOSSA_ERROR_ARGUMENT, "the text has no " GLOSSA_LAB_MASK " to fill");
    FORWARD(glossa_lab_forward(lab, &(glossa_lab_batch){1, ids, starts, ids, starts, NULL}, NULL, NULL, error));
    FAIL_IF(!glossa_mul_size(*masks * most, sizeof **guesses, &bytes) ||
                !glossa_add_size(bytes, vocabulary * sizeof(float), &bytes),
            error, GLOSSA_ERROR_LIMIT, "%zu masks of %u guesses are too many", *masks, (unsigned)most);
    FORWARD(glossa_lab_grow(lab, &lab->text, bytes, "bytes of guesses", error));
    glossa_lab_guess *out = lab->text.data;
    float *probability = (float *)(out + *masks * most);
    *guesses = out;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] != lab->lexicon.mask) continue;
        glossa_decoding_row(lab, i, probability);
        lab->kernels->forward->softmax(probability, vocabulary);
        take_best(lab, probability, most, out);
        out += most;
    }
    return GLOSSA_OK;
}

/* ---- texts that go on ------------------------------------------------------------------------------------------- */

/* One of the guesses, which fall, by their probabilities to the power of 1 / temperature. */
static uint32_t draw(const glossa_lab_guess *guesses, uint32_t count, double temperature, glossa_random *random) {
    double sum = 0, at;
    uint32_t chosen = 0;
    if (!(temperature > 0)) return guesses[0].token;
    for (int turn = 0; turn < 2; turn++) {
        at = turn ? sum * (double)glossa_unit(glossa_random_word(random)) : 0;
        for (uint32_t i = 0; i < count; i++) {
            if (guesses[i].probability <= 0) continue;
            const float distance = glossa_log(guesses[i].probability / guesses[0].probability);
            const double weight = (double)glossa_exp((float)((double)distance / temperature));
            if (turn == 0) {
                sum += weight;
            } else if (at >= 0) {
                chosen = i;
                at -= weight;
            }
        }
    }
    return guesses[chosen].token;
}

/* The next token behind `count` of a text, or its end. ids has room for one more. */
static glossa_status next_token(glossa_lab *lab, uint32_t *ids, size_t count, const glossa_lab_sampling *how,
                                glossa_random *random, float *probability, glossa_lab_guess *guesses, uint32_t *next,
                                glossa_error *error) {
    const uint32_t vocabulary = lab->network.target_vocabulary, starts[] = {0, (uint32_t)count + 1};
    const uint32_t most = !(how->temperature > 0)                     ? 1
                          : how->top_k > 0 && how->top_k < vocabulary ? how->top_k
                                                                      : vocabulary;
    const glossa_rules rules = glossa_decoding_rules(lab);
    const glossa_candidates all = {NULL, vocabulary};
    ids[count] = (uint32_t)glossa_tokenizer_eos(lab->lexicon.target); /* so that there is something to predict */
    FORWARD(glossa_lab_forward(lab, &(glossa_lab_batch){1, ids, starts, ids, starts, NULL}, NULL, NULL, error));
    glossa_decoding_row(lab, count, probability);
    glossa_rules_apply(&rules, lab->kernels->forward, probability, &all, ids, count, lab->config.context);
    lab->kernels->forward->softmax(probability, vocabulary);
    take_best(lab, probability, most, guesses);
    *next = draw(guesses, most, how->temperature, random);
    return GLOSSA_OK;
}

/* Memory of a text that goes on. */
typedef struct writing {
    uint32_t *ids;             /* (context) */
    float *probability;        /* (vocabulary) */
    glossa_lab_guess *guesses; /* (vocabulary) */
} writing;

static glossa_status place_writing(glossa_lab *lab, writing *w, void **memory, glossa_error *error) {
    glossa_arena arena = {0};
    size_t size = 0;
    for (int carving = 0; carving < 2; carving++) {
        w->ids = TAKE(&arena, uint32_t, lab->config.context);
        w->probability = TAKE(&arena, float, lab->network.target_vocabulary);
        w->guesses = TAKE(&arena, glossa_lab_guess, lab->network.target_vocabulary);
        if (carving) break;
        FAIL_IF(!glossa_arena_place(&arena, &lab->allocator, memory, &size), error, GLOSSA_ERROR_MEMORY,
                "out of memory to continue a text");
    }
    return GLOSSA_OK;
}

static glossa_status write_on(glossa_lab *lab, const writing *w, glossa_text prompt, const glossa_lab_sampling *how,
                              glossa_text *text, bool *ended, glossa_error *error) {
    const size_t room = lab->config.context - 1; /* the end has a place too */
    const uint32_t eos = (uint32_t)glossa_tokenizer_eos(lab->lexicon.target);
    glossa_random random = glossa_random_start(how->seed, PURPOSE_CONTINUE, 0);
    size_t begin = 0;
    FORWARD(add_tokens(lab, prompt, w->ids, room, &begin, error));
    FAIL_IF(begin >= room, error, GLOSSA_ERROR_LIMIT, "the prompt has %zu tokens, need 0 to %zu", begin, room - 1);
    const size_t most = how->tokens > 0 && how->tokens < room - begin ? begin + how->tokens : room;
    size_t count = begin;
    while (count < most && !*ended) {
        uint32_t next;
        FORWARD(next_token(lab, w->ids, count, how, &random, w->probability, w->guesses, &next, error));
        *ended = next == eos;
        if (!*ended) w->ids[count++] = next;
    }
    FORWARD(glossa_decoding_text(lab, w->ids, begin, text, error));
    const size_t skipped = text->size;
    FORWARD(glossa_decoding_text(lab, w->ids, count, text, error));
    *text = (glossa_text){text->data + skipped, text->size - skipped};
    return GLOSSA_OK;
}

glossa_status glossa_lab_continue(glossa_lab *lab, glossa_text prompt, const glossa_lab_sampling *how,
                                  glossa_text *text, bool *ended, glossa_error *error) {
    writing w;
    void *memory = NULL;
    *ended = false;
    FORWARD(need(lab, ARCHITECTURE_CAUSAL, "causal language model", error));
    FAIL_IF(!(how->temperature >= 0) || how->temperature - how->temperature != 0, error, GLOSSA_ERROR_ARGUMENT,
            "the temperature is below 0 or not finite");
    FORWARD(glossa_lexicon_open(&lab->lexicon, &lab->allocator, error));
    glossa_status status = place_writing(lab, &w, &memory, error);
    if (status == GLOSSA_OK) status = write_on(lab, &w, prompt, how, text, ended, error);
    glossa_release(&lab->allocator, memory);
    return status;
}
