/*
 * Sinusoid positions, section 3.5 of Vaswani et al. 2017, in the layouts that models have.
 */
#ifndef GLOSSA_POSITIONS_H
#define GLOSSA_POSITIONS_H

#include "model/config.h"

/* Rows [start, start + count) of the layout that `config` names, into table (start + count, D). */
void glossa_sinusoids(const glossa_config *config, size_t start, size_t count, float *table);

#endif
