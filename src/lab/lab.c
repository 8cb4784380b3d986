#include "lab/lab.h"

#include <string.h>

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

/* Values, gradients and two moments, and the mean and the last good values. */
static glossa_status allocate_blocks(glossa_lab *lab, glossa_error *error) {
    const size_t floats = lab->network.floats, blocks = lab->config.average > 0 ? 6 : 5;
    lab->memory = glossa_allocate(&lab->allocator, blocks * floats + 16, sizeof *lab->memory);
    FAIL_IF(!lab->memory, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu blocks of %zu parameters", blocks, floats);
    float *at = lab->memory + (64 - (uintptr_t)lab->memory % 64) % 64 / sizeof *at;
    lab->blocks = (glossa_blocks){at, at + floats, at + 2 * floats, at + 3 * floats};
    lab->good = at + 4 * floats;
    if (blocks == 6) lab->average = at + 5 * floats;
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
    self->eos = TASK_EOS;
    self->bos = TASK_BOS;
    const glossa_status status = prepare(self, source_vocabulary, target_vocabulary, separate, error);
    if (status != GLOSSA_OK) {
        glossa_lab_close(self);
        return status;
    }
    *lab = self;
    return GLOSSA_OK;
}

glossa_status glossa_lab_open(const glossa_lab_config *config, const glossa_allocator *allocator, glossa_lab **lab,
                              glossa_error *error) {
    FAIL_IF(!lab, error, GLOSSA_ERROR_ARGUMENT, "glossa_lab_open: 'lab' is NULL");
    *lab = NULL;
    FAIL_IF(!config, error, GLOSSA_ERROR_ARGUMENT, "glossa_lab_open: 'config' is NULL");
    const glossa_task *task = glossa_task_find(config->task);
    const uint32_t vocabulary = task ? glossa_task_vocabulary(task) : config->vocabulary;
    FORWARD(glossa_lab_prepare(config, vocabulary, vocabulary, false, allocator, lab, error));
    glossa_lab *self = *lab;
    self->config.vocabulary = vocabulary;
    const size_t bytes = self->network.floats * sizeof(float);
    glossa_network_initialise(&self->network, config->seed, self->blocks.values);
    memcpy(self->good, self->blocks.values, bytes);
    if (self->average) memcpy(self->average, self->blocks.values, bytes);
    const glossa_status status = glossa_lab_reserve(self, error);
    if (status != GLOSSA_OK) {
        glossa_lab_close(self);
        *lab = NULL;
    }
    return status;
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
    for (size_t i = 0; i < lab->kept_count; i++) {
        glossa_release(&allocator, lab->kept[i].name);
        glossa_release(&allocator, lab->kept[i].data);
    }
    glossa_release(&allocator, lab->kept);
    glossa_release(&allocator, lab->lanes);
    glossa_release(&allocator, lab->parts);
    glossa_release(&allocator, lab->indices.data);
    glossa_release(&allocator, lab->drawn.data);
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
    size_t bytes = sizeof *lab + ((lab->average ? 6 : 5) * floats + 16) * sizeof(float);
    bytes += lab->indices.size + lab->drawn.size + lab->config.shards * sizeof *lab->parts;
    bytes += lab->network.count * sizeof *lab->network.parameters;
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

glossa_status glossa_lab_example(glossa_lab *lab, bool held_out, uint32_t index, glossa_text *source,
                                 glossa_text *target, glossa_error *error) {
    FAIL_IF(!lab->task, error, GLOSSA_ERROR_STATE, "the lab has no task");
    glossa_task_make(lab->task, &lab->config, held_out, index, lab->source_text, lab->target_text);
    *source = (glossa_text){lab->source_text, strlen(lab->source_text)};
    *target = (glossa_text){lab->target_text, strlen(lab->target_text)};
    return GLOSSA_OK;
}
