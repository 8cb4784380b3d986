/*
 * Optimizers and learning rates: flat loops over the blocks of values, gradients and moments.
 */
#ifndef GLOSSA_OPTIMIZER_H
#define GLOSSA_OPTIMIZER_H

#include "lab/network.h"

/* The blocks of a training, each of network->floats. `second` is NULL for SGD, both moments without an optimizer. */
typedef struct glossa_blocks {
    float *values, *gradients, *first, *second;
} glossa_blocks;

/* The learning rate of step `step`, counted from 1. `plateau` is what the schedule of that name has come to. */
double glossa_learning_rate(const glossa_lab_config *config, uint32_t step, double plateau);

/* PyTorch's ReduceLROnPlateau. */
typedef struct glossa_plateau {
    double rate, best;
    uint32_t calls, bad, cooling;
} glossa_plateau;

glossa_plateau glossa_plateau_start(const glossa_lab_config *config);
void glossa_plateau_step(glossa_plateau *plateau, const glossa_lab_config *config, double value);

/* The norm of all gradients together. Not finite where one of them is not. */
double glossa_gradient_norm(const glossa_network *network, const float *gradients);

/* Floats of work memory that a step needs beside the kernels' own. */
size_t glossa_optimizer_work(const glossa_network *network);

/*
 * One step by the config's optimizer, with PyTorch's meaning of every setting: Adam (Kingma & Ba 2015; weight decay is
 * a part of the gradient), AdamW (Loshchilov & Hutter 2019), SGD with momentum (of Nesterov's kind if asked), and Muon
 * (Jordan et al. 2024) for the matrices of layers with AdamW for the rest, the size of its steps matched to Adam's (Liu
 * et al. 2025). Statistics of batch norms move by their own rule. Gradients are multiplied by `clip` first. `step`
 * counts from 1. `work`: the kernels' floats and then glossa_optimizer_work.
 */
void glossa_optimizer_step(const glossa_network *network, const glossa_lab_config *config,
                           const glossa_gradients *kernels, uint32_t step, double rate, double clip,
                           const glossa_blocks *blocks, float *work);

#endif
