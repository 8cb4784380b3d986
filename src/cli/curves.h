/*
 * The curves of a training: JSON lines that grow with every report, and a picture of them.
 */
#ifndef GLOSSA_CLI_CURVES_H
#define GLOSSA_CLI_CURVES_H

#include "glossa_lab.h"

typedef struct glossa_curves {
    const char *log, *chart; /* files, or NULL */
    glossa_lab_point *points;
    size_t count, capacity;
} glossa_curves;

/* Begins the files anew; where a training goes on from `step`, takes up what they hold up to that. An exit status. */
int glossa_curves_open(glossa_curves *curves, uint32_t step);

/* Adds what steps up to `trained` gave, and an evaluation where `judged` is not NULL; `bleu` below 0: not scored. */
int glossa_curves_add(glossa_curves *curves, const glossa_lab_report *trained, double tokens_per_second,
                      const glossa_lab_report *judged, double bleu);

void glossa_curves_close(glossa_curves *curves);

#endif
