#include "cli/curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/files.h"

static int complain(const char *text, const char *word) {
    fprintf(stderr, "glossa-native train: %s%s\n", text, word);
    return 1;
}

static bool add_point(glossa_curves *c, glossa_lab_point point) {
    if (c->count == c->capacity) {
        const size_t capacity = 2 * c->capacity + 64;
        glossa_lab_point *larger = realloc(c->points, capacity * sizeof *larger);
        if (!larger) return false;
        c->points = larger;
        c->capacity = capacity;
    }
    c->points[c->count++] = point;
    return true;
}

/* ---- what is there already -------------------------------------------------------------------------------------- */

/* A line of the log as a point; false for anything else. */
static bool read_point(glossa_text line, glossa_lab_point *out) {
    static const char *const keys[] = {"step", "loss", "held_out_loss", "bleu", "learning_rate"};
    double *const places[] = {&out->step, &out->loss, &out->held_out, &out->bleu, &out->learning_rate};
    size_t fault;
    glossa_text key, value;
    *out = (glossa_lab_point){-1, -1, -1, -1, -1};
    if (!glossa_json_check(line, &fault) || glossa_json_kind_of(glossa_json_trim(line)) != JSON_OBJECT) return false;
    for (size_t at = 0; glossa_json_next(glossa_json_trim(line), &at, &key, &value);)
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (glossa_json_is(key, keys[i])) *places[i] = glossa_json_number(value);
    return out->step > 0;
}

typedef struct kept {
    glossa_curves *curves;
    const char *text;
    size_t size;
    uint32_t step;
} kept;

/* Writes the lines up to a step again, and takes their points. */
static bool write_kept(void *user, glossa_sink sink) {
    const kept *k = user;
    for (size_t at = 0, size; at < k->size; at += size + 1) {
        const char *end = memchr(k->text + at, '\n', k->size - at);
        size = end ? (size_t)(end - k->text) - at : k->size - at;
        glossa_lab_point point;
        if (!read_point((glossa_text){k->text + at, size}, &point) || point.step > k->step) continue;
        /* The lines of a log that was joined may go back; a chart cannot. */
        const bool falls = k->curves->count > 0 && point.step < k->curves->points[k->curves->count - 1].step;
        if (!falls && !add_point(k->curves, point)) return false;
        if (!sink.write(sink.user, k->text + at, size) || !sink.write(sink.user, "\n", 1)) return false;
    }
    return true;
}

int glossa_curves_open(glossa_curves *c, uint32_t step) {
    size_t size = 0;
    if (!c->log) return 0;
    char *text = step > 0 ? glossa_read_file(c->log, &size) : NULL;
    kept k = {c, text, size, step};
    const bool written = glossa_replace_file(c->log, write_kept, &k);
    free(text);
    return written ? 0 : 1;
}

/* ---- more of it ------------------------------------------------------------------------------------------------- */

/* A member of a line but the first; a number that JSON cannot say is left out. */
static void put_number(FILE *file, const char *key, double number) {
    if (isfinite(number)) fprintf(file, ",\"%s\":%.6g", key, number);
}

static int append_line(const char *path, const glossa_lab_report *t, double tokens_per_second,
                       const glossa_lab_report *judged, double bleu) {
    FILE *file = fopen(path, "ab");
    if (!file) return complain("cannot write ", path);
    fprintf(file, "{\"step\":%u", (unsigned)t->step);
    put_number(file, "loss", t->loss);
    put_number(file, "perplexity", exp(t->loss));
    put_number(file, "norm", t->norm);
    put_number(file, "learning_rate", t->learning_rate);
    if (isfinite(tokens_per_second)) fprintf(file, ",\"tokens_per_second\":%.0f", tokens_per_second);
    if (judged) {
        put_number(file, "held_out_loss", judged->loss);
        put_number(file, "held_out_perplexity", exp(judged->loss));
        put_number(file, "exact", (double)judged->exact / judged->sequences);
        if (bleu >= 0) fprintf(file, ",\"bleu\":%.4f", bleu);
    }
    fprintf(file, "}\n");
    return fclose(file) == 0 ? 0 : complain("cannot write ", path);
}

static bool write_chart(void *user, glossa_sink sink) {
    const glossa_curves *c = user;
    glossa_error error;
    if (glossa_lab_chart(c->points, c->count, sink, &error) == GLOSSA_OK) return true;
    complain(error.message, "");
    return false;
}

int glossa_curves_add(glossa_curves *c, const glossa_lab_report *t, double tokens_per_second,
                      const glossa_lab_report *judged, double bleu) {
    if (!c->log && !c->chart) return 0;
    if (!add_point(c, (glossa_lab_point){t->step, t->loss, judged ? judged->loss : -1, bleu, t->learning_rate}))
        return complain("out of memory for curves", "");
    if (c->log && append_line(c->log, t, tokens_per_second, judged, bleu)) return 1;
    return !c->chart || glossa_replace_file(c->chart, write_chart, c) ? 0 : 1;
}

void glossa_curves_close(glossa_curves *c) {
    free(c->points);
    c->points = NULL;
}
