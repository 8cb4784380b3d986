#include "lab/lab.h"

#include <string.h>

#define GOOD_STEPS 100 /* after so many steps that went well, the weights are kept */

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

/* ---- batches ---------------------------------------------------------------------------------------------------- */

static glossa_status grow(glossa_lab *lab, glossa_room *room, size_t count, size_t size, const char *what,
                          glossa_error *error) {
    size_t bytes;
    FAIL_IF(!glossa_mul_size(count, size, &bytes), error, GLOSSA_ERROR_LIMIT, "%zu %s are too many", count, what);
    if (bytes <= room->size) return GLOSSA_OK;
    glossa_release(&lab->allocator, room->data);
    room->data = glossa_allocate(&lab->allocator, bytes, 1);
    room->size = room->data ? bytes : 0;
    FAIL_IF(!room->data, error, GLOSSA_ERROR_MEMORY, "out of memory for %zu %s", count, what);
    return GLOSSA_OK;
}

static glossa_status check_side(const char *side, const uint32_t *ids, const uint32_t *starts, size_t count,
                                uint32_t vocabulary, uint32_t context, glossa_error *error) {
    FAIL_IF(!ids || !starts, error, GLOSSA_ERROR_ARGUMENT, "the batch has no %s", side);
    for (size_t i = 0; i < count; i++) {
        const uint32_t begin = starts[i], end = starts[i + 1];
        FAIL_IF(end <= begin, error, GLOSSA_ERROR_ARGUMENT, "%s %zu of the batch is empty", side, i);
        FAIL_IF(end - begin > context, error, GLOSSA_ERROR_LIMIT,
                "%s %zu of the batch has %u tokens, more than the context of %u", side, i, (unsigned)(end - begin),
                (unsigned)context);
        for (uint32_t j = begin; j < end; j++)
            FAIL_IF(ids[j] >= vocabulary, error, GLOSSA_ERROR_ARGUMENT,
                    "%s %zu of the batch has token %u, beyond the vocabulary of %u", side, i, (unsigned)ids[j],
                    (unsigned)vocabulary);
    }
    return GLOSSA_OK;
}

/* Whether wanted attention weights are finite; they reach no further than the sizes that the starts give. */
static glossa_status check_alignment(const glossa_lab_batch *b, glossa_error *error) {
    size_t at = 0;
    for (size_t i = 0; b->alignment && i < b->count; i++) {
        const size_t m = b->target_starts[i + 1] - b->target_starts[i];
        for (const size_t end = at + m * (b->source_starts[i + 1] - b->source_starts[i]); at < end; at++)
            FAIL_IF(!(b->alignment[at] >= 0.0f && b->alignment[at] <= 1.0f), error, GLOSSA_ERROR_ARGUMENT,
                    "the alignment of pair %zu holds a number that is not from 0 to 1", i);
    }
    return GLOSSA_OK;
}

static glossa_status check_batch(const glossa_lab *lab, const glossa_lab_batch *b, glossa_error *error) {
    FAIL_IF(b->count == 0 || b->count > INT32_MAX, error, GLOSSA_ERROR_ARGUMENT, "the batch has %zu pairs", b->count);
    FORWARD(check_side("source", b->source, b->source_starts, b->count, lab->network.source_vocabulary,
                       lab->config.context, error));
    FORWARD(check_side("target", b->target, b->target_starts, b->count, lab->network.target_vocabulary,
                       lab->config.context, error));
    return check_alignment(b, error);
}

/* The starts of sequences [first, end) from 0 on. */
static glossa_segments starts_of(const uint32_t *starts, size_t first, size_t end, uint32_t **at) {
    uint32_t *out = *at;
    for (size_t i = first; i <= end; i++)
        out[i - first] = starts[i] - starts[first];
    *at += end - first + 1;
    return (glossa_segments){out, end - first};
}

/* What the decoder reads: each target moved one to the right behind the start. */
static const uint32_t *inputs_of(const glossa_lab *lab, const glossa_lab_batch *b, size_t first, size_t end,
                                 uint32_t **at) {
    uint32_t *out = *at;
    for (size_t i = first; i < end; i++) {
        for (uint32_t j = b->target_starts[i]; j < b->target_starts[i + 1]; j++)
            *(*at)++ = j == b->target_starts[i] ? lab->bos : b->target[j - 1];
    }
    return out;
}

/* Cuts a batch into the parts that it is always cut into: whole pairs, as even in number as can be. */
static glossa_status cut(glossa_lab *lab, const glossa_lab_batch *b, double weight, glossa_error *error) {
    const size_t shards = lab->config.shards;
    const uint32_t tokens = b->target_starts[b->count] - b->target_starts[0];
    FORWARD(grow(lab, &lab->indices, 2 * (b->count + shards) + tokens, sizeof(uint32_t), "numbers of a batch", error));
    uint32_t *at = lab->indices.data;
    size_t aligned = 0;
    lab->part_count = 0;
    for (size_t s = 0; s < shards; s++) {
        const size_t first = b->count * s / shards, end = b->count * (s + 1) / shards;
        if (first == end) continue;
        glossa_part *part = &lab->parts[lab->part_count++];
        *part = (glossa_part){.first = (uint32_t)first};
        part->shard = (glossa_shard){
            .source = b->source + b->source_starts[first],
            .targets = b->target + b->target_starts[first],
            .inputs = inputs_of(lab, b, first, end, &at),
            .sources = starts_of(b->source_starts, first, end, &at),
            .outputs = starts_of(b->target_starts, first, end, &at),
            .alignment = b->alignment ? b->alignment + aligned : NULL,
            .weight = (float)(weight / tokens),
        };
        for (size_t i = first; i < end; i++)
            aligned += (size_t)(b->target_starts[i + 1] - b->target_starts[i]) *
                       (b->source_starts[i + 1] - b->source_starts[i]);
    }
    return GLOSSA_OK;
}

/* Bytes that a lane's tape takes for a part. */
static size_t measure(const glossa_lab *lab, const glossa_shard *shard, bool learning) {
    glossa_tape tape = {.kernels = lab->kernels, .learning = learning};
    glossa_network_run(&lab->network, &lab->config, shard, &tape);
    return tape.arena.failed || tape.arena.used >= SIZE_MAX ? SIZE_MAX : (size_t)tape.arena.used;
}

/* Gives every lane an arena for the largest of its parts. Allocates only for a batch that is larger than all before. */
static glossa_status reserve_lanes(glossa_lab *lab, bool learning, glossa_error *error) {
    const size_t lanes = glossa_workers_count(lab->workers);
    lab->seen = false;
    for (size_t i = 0; i < lanes; i++) {
        glossa_lane *lane = &lab->lanes[i];
        size_t needed = 0;
        for (size_t p = i; p < lab->part_count; p += lanes) {
            const size_t bytes = measure(lab, &lab->parts[p].shard, learning);
            if (bytes > needed) needed = bytes;
        }
        FAIL_IF(needed == SIZE_MAX, error, GLOSSA_ERROR_LIMIT, "a part of the batch is too large for this machine");
        if (needed <= lane->memory_size && lane->memory) continue;
        glossa_arena arena = {.used = needed};
        const bool placed = glossa_arena_place(&arena, &lab->allocator, &lane->memory, &lane->memory_size);
        lane->tape.arena = arena;
        FAIL_IF(!placed, error, GLOSSA_ERROR_MEMORY, "out of memory for a part of the batch: %zu bytes", needed);
    }
    return GLOSSA_OK;
}

/* ---- forward and backward --------------------------------------------------------------------------------------- */

/* What the workers of one run share. */
typedef struct run {
    glossa_lab *lab;
    const float *values;
    bool learning;
    float *log_probability; /* of the target tokens of the batch, or NULL */
    uint32_t *best;
} run;

/* Sequences of a part that are predicted without a fault, which is what greedy decoding would give: a token depends on
   those before it alone. Adds up the loss. */
static void judge(glossa_part *part, const glossa_predicted *predicted) {
    const glossa_shard *s = &part->shard;
    for (size_t i = 0; i < s->outputs.count; i++) {
        bool exact = true;
        for (uint32_t j = s->outputs.starts[i]; j < s->outputs.starts[i + 1]; j++) {
            exact = exact && predicted->best[j] == s->targets[j];
            part->loss -= (double)predicted->log_probability[j] * (double)s->weight;
        }
        part->exact += exact;
    }
}

static void copy_predicted(const run *r, const glossa_part *part, const glossa_predicted *predicted) {
    const glossa_shard *s = &part->shard;
    const size_t at = (size_t)(s->targets - r->lab->parts[0].shard.targets),
                 count = s->outputs.starts[s->outputs.count];
    if (r->log_probability) memcpy(r->log_probability + at, predicted->log_probability, count * sizeof(float));
    if (r->best) memcpy(r->best + at, predicted->best, count * sizeof(uint32_t));
}

static void run_part(const run *r, glossa_lane *lane, glossa_part *part) {
    glossa_lab *lab = r->lab;
    glossa_tape *tape = &lane->tape;
    glossa_lab_config rates = lab->config;
    if (!r->learning) rates.label_smoothing = rates.guided = 0;
    tape->values = r->values;
    tape->learning = r->learning;
    tape->gradients = lane->gradients ? lane->gradients : lab->blocks.gradients;
    tape->step = lab->step;
    tape->first_sequence = part->first;
    glossa_tape_reset(tape);
    if (r->learning && lane->gradients) memset(lane->gradients, 0, lab->network.floats * sizeof *lane->gradients);
    const glossa_predicted predicted = glossa_network_run(&lab->network, &rates, &part->shard, tape);
    if (r->learning) {
        glossa_tape_backward(tape);
        part->loss = tape->loss;
    } else {
        judge(part, &predicted);
        copy_predicted(r, part, &predicted);
    }
}

/* One worker's parts. Gradients of the parts are added in their order, whoever is done first. */
static void run_lane(void *user, size_t worker) {
    const run *r = user;
    glossa_lab *lab = r->lab;
    glossa_lane *lane = &lab->lanes[worker];
    for (size_t p = worker; p < lab->part_count; p += glossa_workers_count(lab->workers)) {
        run_part(r, lane, &lab->parts[p]);
        if (!r->learning || !lane->gradients) continue;
        glossa_workers_wait_for(lab->workers, p);
        for (size_t i = 0; i < lab->network.floats; i++)
            lab->blocks.gradients[i] += lane->gradients[i];
        glossa_workers_end_turn(lab->workers);
    }
}

/* Runs a batch; adds its gradients, weighted, to the block of gradients where it learns. *loss is the weighted mean
   over the target tokens. */
static glossa_status run_batch(glossa_lab *lab, const glossa_lab_batch *b, double weight, run *r, double *loss,
                               uint32_t *exact, glossa_error *error) {
    FORWARD(check_batch(lab, b, error));
    FORWARD(cut(lab, b, weight, error));
    FORWARD(reserve_lanes(lab, r->learning, error));
    r->lab = lab;
    glossa_workers_run(lab->workers, run_lane, r);
    *loss = 0;
    *exact = 0;
    for (size_t p = 0; p < lab->part_count; p++) {
        *loss += lab->parts[p].loss;
        *exact += lab->parts[p].exact;
    }
    lab->seen = true;
    return GLOSSA_OK;
}

/* ---- strings of a task ------------------------------------------------------------------------------------------ */

/* Where the strings of a batch lie in the lab's memory. */
typedef struct strings {
    uint32_t *starts, *ends;     /* (count + 1) of sources and of targets */
    uint32_t *sources, *targets; /* tokens */
} strings;

static glossa_status place_drawn(glossa_lab *lab, uint32_t count, strings *out, glossa_error *error) {
    const size_t source = (size_t)glossa_task_longest_source(lab->task, &lab->config) + 1;
    const size_t target = (size_t)glossa_task_longest_target(lab->task, &lab->config) + 1;
    FORWARD(grow(lab, &lab->drawn, (source + target + 2) * count + 2, sizeof(uint32_t), "tokens of a task", error));
    out->starts = lab->drawn.data;
    out->ends = out->starts + count + 1;
    out->sources = out->ends + count + 1;
    out->targets = out->sources + source * count;
    out->starts[0] = out->ends[0] = 0;
    return GLOSSA_OK;
}

static glossa_lab_batch batch_of(const strings *d, uint32_t count) {
    return (glossa_lab_batch){count, d->sources, d->starts, d->targets, d->ends, NULL};
}

/* Numbers [first, first + count) as a batch. */
static glossa_status draw_batch(glossa_lab *lab, bool held_out, uint32_t first, uint32_t count, glossa_lab_batch *out,
                                glossa_error *error) {
    strings d;
    FAIL_IF(!lab->task, error, GLOSSA_ERROR_STATE, "there is no batch, and no task that would make one");
    FORWARD(place_drawn(lab, count, &d, error));
    for (uint32_t i = 0; i < count; i++) {
        glossa_task_make(lab->task, &lab->config, held_out, first + i, lab->source_text, lab->target_text);
        d.starts[i + 1] =
            d.starts[i] + (uint32_t)glossa_task_encode(lab->task, lab->source_text, d.sources + d.starts[i]);
        d.ends[i + 1] = d.ends[i] + (uint32_t)glossa_task_encode(lab->task, lab->target_text, d.targets + d.ends[i]);
    }
    *out = batch_of(&d, count);
    return GLOSSA_OK;
}

glossa_status glossa_lab_reserve(glossa_lab *lab, glossa_error *error) {
    const uint32_t count = lab->config.batch;
    strings d;
    if (!lab->task) return GLOSSA_OK;
    FORWARD(place_drawn(lab, count, &d, error));
    for (uint32_t i = 0; i < count; i++) {
        d.starts[i + 1] = d.starts[i] + (uint32_t)glossa_task_longest_source(lab->task, &lab->config) + 1;
        d.ends[i + 1] = d.ends[i] + (uint32_t)glossa_task_longest_target(lab->task, &lab->config) + 1;
    }
    const glossa_lab_batch longest = batch_of(&d, count);
    FORWARD(cut(lab, &longest, 1, error));
    FORWARD(reserve_lanes(lab, false, error));
    return reserve_lanes(lab, true, error);
}

glossa_status glossa_lab_example(glossa_lab *lab, bool held_out, uint32_t index, glossa_text *source,
                                 glossa_text *target, glossa_error *error) {
    FAIL_IF(!lab->task, error, GLOSSA_ERROR_STATE, "the lab has no task");
    glossa_task_make(lab->task, &lab->config, held_out, index, lab->source_text, lab->target_text);
    *source = (glossa_text){lab->source_text, strlen(lab->source_text)};
    *target = (glossa_text){lab->target_text, strlen(lab->target_text)};
    return GLOSSA_OK;
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static bool is_finite(double x) {
    return x - x == 0;
}

static const char *text_of(double x) {
    return is_finite(x) ? "finite" : x != x ? "NaN" : "infinite";
}

static glossa_status diverged(glossa_lab *lab, double loss, double norm, glossa_error *error) {
    const unsigned long long bytes = lab->network.floats * sizeof(float);
    memcpy(lab->blocks.values, lab->good, (size_t)bytes);
    return glossa_fail(
        error, GLOSSA_ERROR_DIVERGED,
        "training diverged at step %u: the loss is %s, the norm of the gradient %s; the weights are those "
        "after step %u again. A lower learning rate may help",
        (unsigned)lab->step + 1, text_of(loss), text_of(norm), (unsigned)lab->good_step);
}

static glossa_status learn(glossa_lab *lab, const glossa_lab_batch *batch, glossa_lab_report *report,
                           glossa_error *error) {
    const uint32_t batches = batch ? 1 : lab->config.accumulate;
    run r = {.values = lab->blocks.values, .learning = true};
    memset(lab->blocks.gradients, 0, lab->network.floats * sizeof(float));
    for (uint32_t i = 0; i < batches; i++) {
        glossa_lab_batch drawn;
        double loss;
        uint32_t exact;
        if (!batch) {
            const uint32_t number = lab->step * batches + i;
            FORWARD(draw_batch(lab, false, number * lab->config.batch, lab->config.batch, &drawn, error));
        }
        const glossa_lab_batch *b = batch ? batch : &drawn;
        FORWARD(run_batch(lab, b, 1.0 / batches, &r, &loss, &exact, error));
        report->loss += loss;
        report->tokens += b->target_starts[b->count] - b->target_starts[0];
        report->sequences += (uint32_t)b->count;
    }
    return GLOSSA_OK;
}

static void update(glossa_lab *lab, const glossa_lab_report *report) {
    const glossa_lab_config *c = &lab->config;
    const size_t floats = lab->network.floats;
    const double clip = c->clip > 0 && report->norm > c->clip ? c->clip / (report->norm + 1e-6) : 1;
    glossa_optimizer_step(&lab->network, c, lab->kernels, lab->step + 1, report->learning_rate, clip < 1 ? clip : 1,
                          &lab->blocks, lab->lanes[0].work);
    lab->step++;
    const float share = 1.0f - (float)c->average;
    for (size_t i = 0; lab->average && i < floats; i++)
        lab->average[i] += share * (lab->blocks.values[i] - lab->average[i]);
}

glossa_status glossa_lab_step(glossa_lab *lab, const glossa_lab_batch *batch, glossa_lab_report *report,
                              glossa_error *error) {
    glossa_lab_report own = {0};
    FAIL_IF(lab->step == UINT32_MAX, error, GLOSSA_ERROR_LIMIT, "no more than %u steps", (unsigned)lab->step);
    FORWARD(learn(lab, batch, &own, error));
    own.norm = glossa_gradient_norm(&lab->network, lab->blocks.gradients);
    own.learning_rate = glossa_learning_rate(&lab->config, lab->step + 1, lab->plateau.rate);
    if (!is_finite(own.loss) || !is_finite(own.norm)) return diverged(lab, own.loss, own.norm, error);
    if (lab->step % GOOD_STEPS == 0) { /* the loss of these weights is finite: they are good */
        memcpy(lab->good, lab->blocks.values, lab->network.floats * sizeof(float));
        lab->good_step = lab->step;
    }
    update(lab, &own);
    own.step = lab->step;
    if (report) *report = own;
    return GLOSSA_OK;
}

/* ---- without learning ------------------------------------------------------------------------------------------- */

glossa_status glossa_lab_evaluate(glossa_lab *lab, const glossa_lab_batch *batch, uint32_t first, uint32_t count,
                                  glossa_lab_report *report, glossa_error *error) {
    glossa_lab_report all = {.step = lab->step};
    const uint32_t total = batch ? 1 : count, group = lab->config.batch;
    for (uint32_t at = 0; at < total; at += group) {
        glossa_lab_batch drawn;
        double loss;
        uint32_t exact;
        run r = {.values = glossa_lab_values(lab)};
        if (!batch) FORWARD(draw_batch(lab, true, first + at, total - at < group ? total - at : group, &drawn, error));
        const glossa_lab_batch *b = batch ? batch : &drawn;
        FORWARD(run_batch(lab, b, 1, &r, &loss, &exact, error));
        const uint32_t tokens = b->target_starts[b->count] - b->target_starts[0];
        all.loss += loss * tokens;
        all.tokens += tokens;
        all.sequences += (uint32_t)b->count;
        all.exact += exact;
    }
    if (all.tokens > 0) all.loss /= all.tokens;
    *report = all;
    return GLOSSA_OK;
}

glossa_status glossa_lab_forward(glossa_lab *lab, const glossa_lab_batch *batch, float *log_probability, uint32_t *best,
                                 glossa_error *error) {
    double loss;
    uint32_t exact;
    run r = {.values = glossa_lab_values(lab), .log_probability = log_probability, .best = best};
    return run_batch(lab, batch, 1, &r, &loss, &exact, error);
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
