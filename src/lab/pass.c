#include "lab/pass.h"

#include <string.h>

#include "lab/batch.h"

/* ---- memory ----------------------------------------------------------------------------------------------------- */

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

glossa_status glossa_lab_reserve(glossa_lab *lab, glossa_error *error) {
    glossa_lab_batch largest;
    glossa_batch_shapes shapes = {0};
    glossa_status status = GLOSSA_OK;
    while (glossa_batch_shape(lab, &shapes, &largest, &status, error)) {
        FORWARD(glossa_batch_cut(lab, &largest, 1, error));
        FORWARD(reserve_lanes(lab, false, error));
        FORWARD(reserve_lanes(lab, true, error));
    }
    return status;
}

/* ---- forward and backward --------------------------------------------------------------------------------------- */

/* Sequences of a part that are predicted without a fault, which is what greedy decoding would give: a token depends on
   those before it alone. Adds up the loss. */
static void judge(glossa_batch_part *part, const glossa_predicted *predicted) {
    const glossa_shard *s = &part->shard;
    for (size_t i = 0; i < s->outputs.count; i++) {
        bool exact = true;
        for (uint32_t j = s->outputs.starts[i]; j < s->outputs.starts[i + 1]; j++) {
            if (s->targets[j] == GLOSSA_IGNORED) continue;
            const bool right = predicted->best[j] == s->targets[j];
            part->correct += right;
            exact = exact && right;
            part->loss -= (double)predicted->log_probability[j] * (double)s->weight;
        }
        part->exact += exact;
    }
}

static void copy_predicted(const glossa_pass *r, const glossa_batch_part *part, const glossa_predicted *predicted) {
    const glossa_shard *s = &part->shard;
    const size_t at = (size_t)(s->targets - r->lab->parts[0].shard.targets),
                 count = s->outputs.starts[s->outputs.count];
    if (r->log_probability) memcpy(r->log_probability + at, predicted->log_probability, count * sizeof(float));
    if (r->best) memcpy(r->best + at, predicted->best, count * sizeof(uint32_t));
}

static void run_part(const glossa_pass *r, glossa_lane *lane, glossa_batch_part *part) {
    glossa_lab *lab = r->lab;
    glossa_tape *tape = &lane->tape;
    glossa_lab_config rates = lab->config;
    if (!r->learning) rates.label_smoothing = rates.guided = 0;
    tape->values = r->values;
    tape->learning = r->learning;
    tape->gradients = lane->gradients ? lane->gradients : lab->blocks.gradients;
    tape->step = lab->step;
    tape->first_sequence = part->first;
    tape->share = part->shard.share;
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
    const glossa_pass *r = user;
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

glossa_status glossa_pass_run(glossa_lab *lab, const glossa_lab_batch *b, double weight, glossa_pass *r,
                              glossa_error *error) {
    FORWARD(glossa_batch_check(lab, b, error));
    FORWARD(glossa_batch_cut(lab, b, weight, error));
    FORWARD(reserve_lanes(lab, r->learning, error));
    r->lab = lab;
    for (size_t p = 0; p < lab->part_count; p++)
        lab->parts[p].shard.rules = r->rules;
    glossa_workers_run(lab->workers, run_lane, r);
    r->loss = 0;
    r->tokens = r->exact = r->correct = 0;
    for (size_t p = 0; p < lab->part_count; p++) {
        const glossa_batch_part *part = &lab->parts[p];
        r->loss += part->loss;
        r->tokens += part->tokens;
        r->exact += part->exact;
        r->correct += part->correct;
    }
    lab->seen = true;
    return GLOSSA_OK;
}

glossa_status glossa_pass_run_part(glossa_lab *lab, const glossa_lab_batch *b, double weight, glossa_pass *r,
                                   size_t number, const glossa_batch_part **part, glossa_error *error) {
    FORWARD(glossa_batch_check(lab, b, error));
    FORWARD(glossa_batch_cut(lab, b, weight, error));
    FORWARD(reserve_lanes(lab, r->learning, error));
    r->lab = lab;
    run_part(r, &lab->lanes[0], &lab->parts[number]);
    *part = &lab->parts[number];
    lab->seen = true;
    return GLOSSA_OK;
}
