#include "lab/lab.h"
#include "lab/labels.h"
#include "lab/links.h"

#include <string.h>

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

/* Blocks of an optimizer: the last good values and the first moment; the second one, which SGD has not. */
static size_t optimizer_blocks(const glossa_lab_config *c) {
    return c->optimizer == OPTIMIZER_NONE ? 0 : c->optimizer == OPTIMIZER_SGD ? 2 : 3;
}

/* Values and gradients, those of the optimizer, the mean. */
static size_t block_count(const glossa_lab_config *c) {
    return 2 + optimizer_blocks(c) + (c->average > 0);
}

static glossa_status allocate_blocks(glossa_lab *lab, glossa_error *error) {
    const size_t floats = lab->network.floats, own = optimizer_blocks(&lab->config), blocks = block_count(&lab->config);
    lab->memory = glossa_allocate(&lab->allocator, blocks * floats + 16, sizeof *lab->memory);
    FAIL_IF(!lab->memory, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu blocks of %zu parameters", blocks, floats);
    float *at = lab->memory + (64 - (uintptr_t)lab->memory % 64) % 64 / sizeof *at;
    lab->blocks = (glossa_blocks){at, at + floats, own ? at + 3 * floats : NULL, own > 2 ? at + 4 * floats : NULL};
    lab->good = own ? at + 2 * floats : NULL;
    if (lab->config.average > 0) lab->average = at + (blocks - 1) * floats;
    return GLOSSA_OK;
}

static glossa_status open_lanes(glossa_lab *lab, glossa_error *error) {
    const glossa_lab_config *c = &lab->config;
    const size_t threads = c->threads > 0 ? c->threads : glossa_processors();
    const size_t wanted = threads < c->shards ? threads : c->shards;
    const size_t extra = glossa_optimizer_work(&lab->network), floats = lab->kernels->work;
    lab->workers = glossa_workers_open(wanted, &lab->allocator);
    lab->lanes = glossa_allocate(&lab->allocator, wanted, sizeof *lab->lanes);
    lab->parts = glossa_allocate(&lab->allocator, c->shards, sizeof *lab->parts);
    FAIL_IF(!lab->workers || !lab->lanes || !lab->parts, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu workers",
            wanted);
    const size_t count = glossa_workers_count(lab->workers);
    const bool alone = c->shards == 1 && c->accumulate == 1;
    for (size_t i = 0; i < count; i++) {
        glossa_lane *lane = &lab->lanes[i];
        lane->work = glossa_allocate(&lab->allocator, floats + (i == 0 ? extra : 0), sizeof *lane->work);
        if (!alone) lane->gradients = glossa_allocate(&lab->allocator, lab->network.floats, sizeof *lane->gradients);
        FAIL_IF(!lane->work || (!alone && !lane->gradients), error, GLOSSA_ERROR_MEMORY,
                "out of memory for worker %zu of %zu", i + 1, count);
        lane->tape = (glossa_tape){.kernels = lab->kernels, .work = lane->work, .seed = c->seed};
    }
    return GLOSSA_OK;
}

static glossa_status prepare(glossa_lab *lab, uint32_t source_vocabulary, uint32_t target_vocabulary, bool separate,
                             glossa_error *error) {
    const glossa_lab_config *c = &lab->config;
    FORWARD(glossa_lab_check(c, error));
    lab->lexicon.mask = GLOSSA_NO_MASK;
    lab->kernels = glossa_gradients_find(c->kernels[0] ? c->kernels : NULL);
    FAIL_IF(!lab->kernels, error, GLOSSA_ERROR_ARGUMENT,
            "kernels '%s' are not in this build or do not run on this machine", c->kernels);
    lab->task = glossa_task_find(c->task);
    lab->plateau = glossa_plateau_start(c);
    FORWARD(
        glossa_network_open(c, source_vocabulary, target_vocabulary, separate, &lab->allocator, &lab->network, error));
    FORWARD(allocate_blocks(lab, error));
    return open_lanes(lab, error);
}

glossa_status glossa_lab_prepare(const glossa_lab_config *config, uint32_t source_vocabulary,
                                 uint32_t target_vocabulary, bool separate, const glossa_allocator *allocator,
                                 glossa_lab **lab, glossa_error *error) {
    *lab = NULL;
    const glossa_allocator own = glossa_allocator_or_default(allocator);
    glossa_lab *self = glossa_allocate(&own, 1, sizeof *self);
    FAIL_IF(!self, error, GLOSSA_ERROR_MEMORY, "out of memory for a lab");
    self->allocator = own;
    self->config = *config;
    if (glossa_sees(config)) self->config.context = config->image * config->image;
    self->bos = TASK_BOS;
    const glossa_status status = prepare(self, source_vocabulary, target_vocabulary, separate, error);
    if (status != GLOSSA_OK) {
        glossa_lab_close(self);
        return status;
    }
    *lab = self;
    return GLOSSA_OK;
}

/* Draws the weights of a lab that is prepared. */
static void initialise(glossa_lab *self) {
    const size_t bytes = self->network.floats * sizeof(float);
    glossa_network_initialise(&self->network, self->config.seed, self->blocks.values);
    if (self->good) memcpy(self->good, self->blocks.values, bytes);
    if (self->average) memcpy(self->average, self->blocks.values, bytes);
}

/* Reserves, and closes a lab of which that or `status` failed. */
static glossa_status finish(glossa_lab **lab, glossa_status status, glossa_error *error) {
    if (status == GLOSSA_OK) status = glossa_lab_reserve(*lab, error);
    if (status != GLOSSA_OK) {
        glossa_lab_close(*lab);
        *lab = NULL;
    }
    return status;
}

glossa_status glossa_lab_open(const glossa_lab_config *config, const glossa_allocator *allocator, glossa_lab **lab,
                              glossa_error *error) {
    FAIL_IF(!lab, error, GLOSSA_ERROR_ARGUMENT, "glossa_lab_open: 'lab' is NULL");
    *lab = NULL;
    FAIL_IF(!config, error, GLOSSA_ERROR_ARGUMENT, "glossa_lab_open: 'config' is NULL");
    const glossa_task *task = glossa_task_find(config->task);
    const uint32_t vocabulary = task ? glossa_task_vocabulary(task) : config->vocabulary;
    const uint32_t source = glossa_sees(config) ? GLOSSA_SHADES : vocabulary;
    FORWARD(glossa_lab_prepare(config, source, vocabulary, false, allocator, lab, error));
    (*lab)->config.vocabulary = vocabulary;
    initialise(*lab);
    return finish(lab, GLOSSA_OK, error);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------ */

/* The vocabulary of a checkpoint. */
static glossa_status take_vocabulary(glossa_lexicon *lexicon, const void *bytes, size_t size, const char *source,
                                     const char *target, const glossa_allocator *allocator, glossa_error *error) {
    glossa_gguf gguf;
    FORWARD(glossa_gguf_open(bytes, size, allocator, &gguf, error));
    const glossa_status status = glossa_lexicon_take(lexicon, &gguf, source, target, allocator, error);
    glossa_gguf_close(&gguf);
    return status;
}

/* Tokenizers, labels and the mask, as far as the network has them. */
static glossa_status open_lexicon(glossa_lexicon *lexicon, const glossa_lab_config *config,
                                  const glossa_allocator *allocator, glossa_error *error) {
    if (glossa_classifies(config)) FORWARD(glossa_labels_open(lexicon, allocator, error));
    if (glossa_sees(config)) return GLOSSA_OK;
    FORWARD(glossa_lexicon_open(lexicon, allocator, error));
    if (config->architecture != ARCHITECTURE_MASKED) return GLOSSA_OK;
    return glossa_lexicon_find_mask(lexicon, glossa_tokenizer_ids(lexicon->source), error);
}

/* A lab for the vocabulary in `lexicon`, which it takes in every case. */
static glossa_status open_with(const glossa_lab_config *config, glossa_lexicon *lexicon,
                               const glossa_allocator *allocator, glossa_lab **lab, glossa_error *error) {
    glossa_status status = open_lexicon(lexicon, config, allocator, error);
    if (status == GLOSSA_OK) {
        const uint32_t source = glossa_sees(config) ? GLOSSA_SHADES : glossa_tokenizer_ids(lexicon->source),
                       target =
                           glossa_classifies(config) ? lexicon->label_count : glossa_tokenizer_ids(lexicon->target);
        status = glossa_lab_prepare(config, source, target, lexicon->source != lexicon->target, allocator, lab, error);
        if (status == GLOSSA_OK) (*lab)->config.vocabulary = source;
    }
    if (status == GLOSSA_OK)
        (*lab)->lexicon = *lexicon;
    else
        glossa_lexicon_close(lexicon, allocator);
    return status;
}

/* Whether a network learns from data of that kind. */
static glossa_status check_kind(const glossa_lab_config *config, const glossa_lab_data *data, glossa_error *error) {
    static const char *const names[] = {"pairs", "texts alone", "labelled images"};
    const glossa_lab_data_kind wanted = glossa_lab_learns_from(config);
    FAIL_IF(data->train.count > 0 && data->kind != wanted, error, GLOSSA_ERROR_ARGUMENT,
            "the data are %s, but the network learns from %s", names[data->kind], names[wanted]);
    return GLOSSA_OK;
}

glossa_status glossa_lab_open_pairs(const glossa_lab_config *config, glossa_lab_data *data, const char *source,
                                    const char *target, const void *vocabulary, size_t vocabulary_size,
                                    const glossa_allocator *allocator, glossa_lab **lab, glossa_error *error) {
    const glossa_allocator own = glossa_allocator_or_default(allocator);
    glossa_lexicon lexicon = {0};
    *lab = NULL;
    glossa_status status = glossa_lab_check(config, error);
    if (status == GLOSSA_OK && config->task[0])
        status =
            glossa_fail(error, GLOSSA_ERROR_ARGUMENT, "a lab learns task '%s' or from pairs, not both", config->task);
    data->labelled = glossa_classifies(config);
    if (status == GLOSSA_OK) status = check_kind(config, data, error);
    if (status == GLOSSA_OK) status = glossa_data_split(data, config->set_aside, error);
    if (status == GLOSSA_OK && data->labelled) status = glossa_labels_learn(&lexicon, &data->train, &own, error);
    if (status == GLOSSA_OK && !glossa_sees(config))
        status = vocabulary ? take_vocabulary(&lexicon, vocabulary, vocabulary_size, source, target, &own, error)
                            : glossa_lexicon_learn(&lexicon, config, &data->train, source, target, &own, error);
    if (status != GLOSSA_OK) {
        glossa_lexicon_close(&lexicon, &own);
        glossa_lab_data_close(data);
        return status;
    }
    status = open_with(config, &lexicon, &own, lab, error);
    if (status != GLOSSA_OK) {
        glossa_lab_data_close(data);
        return status;
    }
    initialise(*lab);
    return finish(lab, glossa_lab_attach(*lab, data, error), error);
}

static glossa_status check_tokens(const glossa_tokenizer *tokenizer, const char *side, uint32_t vocabulary,
                                  glossa_error *error) {
    const uint32_t ids = glossa_tokenizer_ids(tokenizer);
    FAIL_IF(ids > vocabulary, error, GLOSSA_ERROR_FORMAT,
            "the tokenizer of the %s gives tokens below %u, but the network knows those below %u", side, (unsigned)ids,
            (unsigned)vocabulary);
    return GLOSSA_OK;
}

/* Readies both for each other. */
static glossa_status prepare_pairs(glossa_lab *lab, glossa_lab_data *data, uint32_t *fingerprint, glossa_error *error) {
    FAIL_IF(lab->task, error, GLOSSA_ERROR_STATE, "the lab learns task '%s', not from pairs", lab->task->name);
    FAIL_IF(lab->corpus, error, GLOSSA_ERROR_STATE, "the lab has pairs already");
    if (lab->config.guided > 0) FORWARD(glossa_links_check(&data->train, error));
    FORWARD(check_kind(&lab->config, data, error));
    FORWARD(open_lexicon(&lab->lexicon, &lab->config, &lab->allocator, error));
    data->labelled = glossa_classifies(&lab->config);
    if (!glossa_sees(&lab->config))
        FORWARD(check_tokens(lab->lexicon.source, "source", lab->network.source_vocabulary, error));
    if (!data->labelled) FORWARD(check_tokens(lab->lexicon.target, "target", lab->network.target_vocabulary, error));
    FORWARD(glossa_data_split(data, lab->config.set_aside, error));
    *fingerprint = glossa_data_fingerprint(data);
    FAIL_IF(lab->is_resumed && lab->data_fingerprint != *fingerprint, error, GLOSSA_ERROR_ARGUMENT,
            "the pairs are not those that this training began with; open its model to go on with others");
    return GLOSSA_OK;
}

glossa_status glossa_lab_attach(glossa_lab *lab, glossa_lab_data *data, glossa_error *error) {
    uint32_t fingerprint = 0;
    glossa_status status = prepare_pairs(lab, data, &fingerprint, error);
    if (status != GLOSSA_OK) {
        glossa_lab_data_close(data);
        return status;
    }
    FORWARD(glossa_corpus_open(data, &lab->config, &lab->lexicon, &lab->corpus, error));
    status = glossa_lab_reserve(lab, error);
    if (status == GLOSSA_OK) {
        lab->data_fingerprint = fingerprint;
    } else {
        glossa_corpus_close(lab->corpus);
        lab->corpus = NULL;
    }
    return status;
}

void glossa_lab_describe_pairs(const glossa_lab *lab, glossa_lab_pairs *pairs) {
    const glossa_corpus *c = lab->corpus;
    *pairs = (glossa_lab_pairs){0};
    if (!c) return;
    *pairs = (glossa_lab_pairs){
        .train = c->train.count,
        .held_out = c->held_out.count,
        .empty = c->data->train.empty + c->data->held_out.empty,
        .shared = c->data->shared,
        .too_long = c->too_long,
        .source_tokens = c->train.source.starts[c->train.count],
        .target_tokens = c->train.target.starts[c->train.count],
        .batches = c->batch_count,
        .vocabulary = lab->network.source_vocabulary,
    };
}

void glossa_lab_close(glossa_lab *lab) {
    if (!lab) return;
    const glossa_allocator allocator = lab->allocator;
    const size_t lanes = lab->workers ? glossa_workers_count(lab->workers) : 0;
    glossa_workers_close(lab->workers);
    for (size_t i = 0; lab->lanes && i < lanes; i++) {
        glossa_release(&allocator, lab->lanes[i].memory);
        glossa_release(&allocator, lab->lanes[i].work);
        glossa_release(&allocator, lab->lanes[i].gradients);
    }
    glossa_corpus_close(lab->corpus);
    glossa_lexicon_close(&lab->lexicon, &allocator);
    glossa_release(&allocator, lab->lanes);
    glossa_release(&allocator, lab->parts);
    glossa_release(&allocator, lab->indices.data);
    glossa_release(&allocator, lab->drawn.data);
    glossa_release(&allocator, lab->aligned.data);
    glossa_release(&allocator, lab->text.data);
    glossa_release(&allocator, lab->memory);
    glossa_network_close(&lab->network, &allocator);
    glossa_release(&allocator, lab);
}

/* ---- facts ------------------------------------------------------------------------------------------------------ */

const glossa_lab_config *glossa_lab_configuration(const glossa_lab *lab) {
    return &lab->config;
}

glossa_status glossa_lab_change(glossa_lab *lab, const char *name, const char *value, glossa_error *error) {
    const glossa_setting *setting = glossa_setting_find(name);
    FAIL_IF(!setting, error, GLOSSA_ERROR_ARGUMENT, "there is no setting '%s'", name);
    FAIL_IF(setting->fixed, error, GLOSSA_ERROR_ARGUMENT, "setting '%s' is fixed once a lab is open", name);
    const bool rate = setting->offset == offsetof(glossa_lab_config, learning_rate);
    const bool alone = lab->config.shards == 1 && lab->config.accumulate == 1;
    glossa_lab_config changed = lab->config;
    FORWARD(glossa_lab_set(&changed, name, value, error));
    FAIL_IF(alone && changed.accumulate > 1, error, GLOSSA_ERROR_ARGUMENT,
            "setting 'accumulate' is fixed in a lab of one shard that was opened with 1");
    lab->config = changed;
    if (rate) lab->plateau.rate = changed.learning_rate;
    return GLOSSA_OK;
}

size_t glossa_lab_bytes(const glossa_lab *lab) {
    const size_t lanes = glossa_workers_count(lab->workers), floats = lab->network.floats;
    size_t bytes = sizeof *lab + (block_count(&lab->config) * floats + 16) * sizeof(float);
    bytes += lab->indices.size + lab->drawn.size + lab->aligned.size + lab->config.shards * sizeof *lab->parts;
    bytes += lab->network.count * sizeof *lab->network.parameters + lab->text.size;
    if (lab->corpus) bytes += glossa_corpus_bytes(lab->corpus);
    for (size_t i = 0; i < lanes; i++) {
        const glossa_lane *lane = &lab->lanes[i];
        bytes += sizeof *lane + lane->memory_size + lab->kernels->work * sizeof(float);
        if (lane->gradients) bytes += floats * sizeof(float);
    }
    return bytes + glossa_optimizer_work(&lab->network) * sizeof(float);
}

uint32_t glossa_lab_steps(const glossa_lab *lab) {
    return lab->step;
}

size_t glossa_lab_parameters(const glossa_lab *lab) {
    return lab->network.elements;
}

const char *glossa_lab_kernels(const glossa_lab *lab) {
    return lab->kernels->name;
}

const float *glossa_lab_values(const glossa_lab *lab) {
    return lab->average ? lab->average : lab->blocks.values;
}

void glossa_lab_plateau(glossa_lab *lab, double value) {
    glossa_plateau_step(&lab->plateau, &lab->config, value);
}

/* ---- looking in ------------------------------------------------------------------------------------------------- */

static bool read_parameter(const glossa_lab *lab, const char *name, glossa_lab_array *array) {
    static const char suffix[] = ".gradient";
    const size_t size = strlen(name), tail = sizeof suffix - 1;
    const bool gradient = size > tail && strcmp(name + size - tail, suffix) == 0;
    char base[sizeof lab->network.parameters->name];
    const size_t length = gradient ? size - tail : size;
    if (length >= sizeof base) return false;
    memcpy(base, name, length);
    base[length] = 0;
    const glossa_parameter *p = glossa_network_find(&lab->network, base);
    if (!p) return false;
    const float *block = gradient ? lab->blocks.gradients : lab->blocks.values;
    *array = (glossa_lab_array){.data = block + p->offset, .rows = p->rows, .width = p->cols};
    return true;
}

glossa_status glossa_lab_read(const glossa_lab *lab, const char *name, glossa_lab_array *array, glossa_error *error) {
    if (read_parameter(lab, name, array)) return GLOSSA_OK;
    const glossa_view *view = lab->seen ? glossa_tape_view(&lab->lanes[0].tape, name) : NULL;
    FAIL_IF(!view, error, GLOSSA_ERROR_ARGUMENT, "there is no array '%s'%s", name,
            lab->seen ? "" : "; nothing has been computed yet");
    *array = (glossa_lab_array){.data = view->data, .rows = view->rows, .width = view->width, .heads = view->heads};
    if (view->heads) {
        array->sequences = view->m->count;
        array->query_starts = view->m->starts;
        array->key_starts = view->n->starts;
    }
    return GLOSSA_OK;
}

glossa_status glossa_lab_write(glossa_lab *lab, const char *name, size_t row, const float *values, size_t width,
                               glossa_error *error) {
    const glossa_parameter *p = glossa_network_find(&lab->network, name);
    FAIL_IF(!p, error, GLOSSA_ERROR_ARGUMENT, "there is no parameter '%s'", name);
    FAIL_IF(row >= p->rows || width != p->cols, error, GLOSSA_ERROR_ARGUMENT,
            "row %zu of %zu numbers is none of '%s', which has %u of %u", row, width, name, (unsigned)p->rows,
            (unsigned)p->cols);
    for (size_t i = 0; i < width; i++)
        FAIL_IF(values[i] - values[i] != 0.0f, error, GLOSSA_ERROR_ARGUMENT,
                "number %zu for row %zu of '%s' is NaN or infinite", i, row, name);
    const size_t at = p->offset + row * p->cols;
    memcpy(lab->blocks.values + at, values, width * sizeof *values);
    if (lab->average) memcpy(lab->average + at, values, width * sizeof *values);
    return GLOSSA_OK;
}

glossa_status glossa_lab_example(glossa_lab *lab, bool held_out, uint32_t index, glossa_text *source,
                                 glossa_text *target, glossa_error *error) {
    if (lab->corpus) {
        const glossa_pairs *pairs = held_out ? &lab->corpus->data->held_out : &lab->corpus->data->train;
        FAIL_IF(index >= pairs->count, error, GLOSSA_ERROR_ARGUMENT, "there is no pair %u of %zu", (unsigned)index,
                pairs->count);
        *source = glossa_pairs_text(pairs, index, 0);
        *target = glossa_pairs_text(pairs, index, 1);
        return GLOSSA_OK;
    }
    FAIL_IF(!lab->task, error, GLOSSA_ERROR_STATE, "the lab has neither a task nor pairs");
    glossa_task_make(lab->task, &lab->config, held_out, index, lab->source_text, lab->target_text);
    *source = (glossa_text){lab->source_text, strlen(lab->source_text)};
    *target = (glossa_text){lab->target_text, strlen(lab->target_text)};
    return GLOSSA_OK;
}
