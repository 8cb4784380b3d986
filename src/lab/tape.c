#include "lab/tape.h"

#include "lab/operation.h"

void glossa_tape_reset(glossa_tape *tape) {
    tape->arena.used = 0;
    tape->arena.failed = false;
    tape->site = 0;
    tape->loss = 0;
    tape->last = NULL;
    tape->views = NULL;
}

void glossa_tape_backward(glossa_tape *tape) {
    for (const glossa_operation *o = tape->last; o; o = o->before)
        o->backward(tape, o);
}

void glossa_tape_show(glossa_tape *tape, const char *name, glossa_node node) {
    glossa_view *view = TAKE(&tape->arena, glossa_view, 1);
    if (!view) return;
    *view =
        (glossa_view){.before = tape->views, .name = name, .data = node.value, .rows = node.rows, .width = node.width};
    tape->views = view;
}

const glossa_view *glossa_tape_view(const glossa_tape *tape, const char *name) {
    const glossa_view *view = tape->views;
    while (view && strcmp(view->name, name) != 0)
        view = view->before;
    return view;
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

glossa_node glossa_tape_take(glossa_tape *tape, size_t rows, size_t width) {
    glossa_node node = {.rows = rows, .width = width, .value = TAKE(&tape->arena, float, rows, width)};
    if (tape->learning) {
        node.gradient = TAKE(&tape->arena, float, rows, width);
        clear(node.gradient, rows * width);
    }
    return node;
}

void *glossa_tape_record(glossa_tape *tape, size_t size, void (*backward)(glossa_tape *, const glossa_operation *)) {
    if (!tape->learning) return NULL;
    glossa_operation *o = glossa_arena_take(&tape->arena, size, (const uint64_t[]){1}, 1);
    if (!o) return NULL;
    *o = (glossa_operation){.before = tape->last, .backward = backward};
    tape->last = o;
    return o;
}

glossa_node glossa_tape_parameter(glossa_tape *tape, const glossa_parameter *p) {
    glossa_node node = {.rows = p->rows, .width = p->cols};
    if (!glossa_tape_measures(tape)) {
        node.value = (float *)(uintptr_t)value_of(tape, p); /* operations do not write to their inputs' values */
        node.gradient = tape->learning ? gradient_of(tape, p) : NULL;
    }
    return node;
}
