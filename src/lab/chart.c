/* Curves of a training as a picture: four panels over the steps, in SVG. */
#include <string.h>

#include "base/base.h"
#include "glossa_lab.h"
#include "kernels/kernels.h"

/* Of a panel, two of which stand beside and below each other, and of the plot within it. */
#define PANEL_WIDTH  360
#define PANEL_HEIGHT 240
#define LEFT         56
#define TOP          36
#define PLOT_WIDTH   288
#define PLOT_HEIGHT  176

/* ---- text ------------------------------------------------------------------------------------------------------- */

typedef struct page {
    glossa_sink sink;
    bool failed;
} page;

static void put_bytes(page *p, const char *bytes, size_t size) {
    if (!p->failed && size > 0) p->failed = !p->sink.write(p->sink.user, bytes, size);
}

static void put(page *p, const char *text) {
    put_bytes(p, text, strlen(text));
}

static void put_whole(page *p, uint64_t number) {
    char digits[20];
    size_t first = sizeof digits;
    do
        digits[--first] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    put_bytes(p, digits + first, sizeof digits - first);
}

/* Three digits that count, of a number that is not negative: 1250, 12.5, 0.125, 1.25e-4. */
static void put_number(page *p, double x) {
    int exponent = 0;
    if (!(x > 0)) {
        put(p, "0");
        return;
    }
    for (; x >= 999.5 && exponent < 300; exponent++)
        x /= 10;
    for (; x < 99.95 && exponent > -300; exponent--)
        x *= 10;
    uint32_t digits = (uint32_t)(x + 0.5); /* three, times 10^exponent */
    for (; digits % 10 == 0; exponent++)
        digits /= 10;
    char text[3];
    size_t count = 0;
    for (uint32_t left = digits; left > 0; left /= 10)
        text[2 - count++] = (char)('0' + left % 10);
    const char *first = text + 3 - count;
    const int point = (int)count + exponent; /* digits before the point */
    if (point > 6 || point < -2) {
        put_bytes(p, first, 1);
        if (count > 1) put(p, "."), put_bytes(p, first + 1, count - 1);
        put(p, point > 6 ? "e" : "e-");
        put_whole(p, (uint64_t)(point > 6 ? point - 1 : 1 - point));
        return;
    }
    if (point <= 0) put(p, "0.");
    for (int i = point; i < 0; i++)
        put(p, "0");
    for (int i = 0; i < (int)count || i < point; i++) {
        if (i == point && point > 0) put(p, ".");
        put_bytes(p, i < (int)count ? first + i : "0", 1);
    }
}

/* ---- panels ----------------------------------------------------------------------------------------------------- */

typedef double value_of(const glossa_lab_point *point);

static double loss_of(const glossa_lab_point *p) {
    return p->loss;
}
static double held_out_of(const glossa_lab_point *p) {
    return p->held_out;
}
static double perplexity_of(const glossa_lab_point *p) {
    return p->held_out >= 0 && p->held_out < 20 ? glossa_exp64(p->held_out) : -1;
}
static double bleu_of(const glossa_lab_point *p) {
    return p->bleu;
}
static double rate_of(const glossa_lab_point *p) {
    return p->learning_rate;
}

typedef struct panel {
    const char *title, *labels[2];
    value_of *values[2];
    bool from_zero;
} panel;

static const panel panels[4] = {
    {"Loss", {"training", "held out"}, {loss_of, held_out_of}, false},
    {"Perplexity, held out", {NULL, NULL}, {perplexity_of, NULL}, false},
    {"BLEU, held out", {NULL, NULL}, {bleu_of, NULL}, true},
    {"Learning rate", {NULL, NULL}, {rate_of, NULL}, true},
};

typedef struct curves {
    const glossa_lab_point *points;
    size_t count;
    double last; /* step */
} curves;

/* Whether a value was measured, and can be drawn. */
static bool is_shown(double x) {
    return x >= 0 && x < 1e12;
}

/* The range of a panel's values; false where it has none. */
static bool find_range(const curves *c, const panel *p, double *low, double *high) {
    bool found = false;
    *low = *high = 0;
    for (int v = 0; v < 2 && p->values[v]; v++) {
        for (size_t i = 0; i < c->count; i++) {
            const double y = p->values[v](&c->points[i]);
            if (!is_shown(y)) continue;
            if (!found || y < *low) *low = y;
            if (!found || y > *high) *high = y;
            found = true;
        }
    }
    if (p->from_zero) *low = 0;
    if (!(*high - *low > *high * 1e-6) || *high < 1e-30) *high = *low > 1e-30 ? 2 * *low : 1;
    return found;
}

/* 1, 2 or 5 times a power of ten, such that at most four of them fit a range. */
static double tick_of(double range) {
    double unit = 1;
    while (unit * 10 <= range / 4)
        unit *= 10;
    while (unit > range / 4)
        unit /= 10;
    return unit * (range / unit <= 4 ? 1 : range / unit <= 8 ? 2 : range / unit <= 20 ? 5 : 10);
}

static void put_line(page *out, const curves *c, value_of *value, double low, double high, const char *class) {
    bool on = false;
    put(out, "<path class=\"");
    put(out, class);
    put(out, "\" d=\"");
    for (size_t i = 0; i < c->count; i++) {
        const double y = value(&c->points[i]);
        if (!is_shown(y)) continue; /* not judged at this point: the line goes on to the next */
        put(out, on ? "L" : "M");
        put_whole(out, (uint64_t)(LEFT + PLOT_WIDTH * (c->last > 0 ? c->points[i].step / c->last : 0) + 0.5));
        put(out, " ");
        put_whole(out, (uint64_t)(TOP + PLOT_HEIGHT * (1 - (y - low) / (high - low)) + 0.5));
        on = true;
    }
    put(out, "\"/>\n");
}

static void put_text(page *out, int x, int y, const char *class) {
    put(out, "<text x=\"");
    put_whole(out, (uint64_t)x);
    put(out, "\" y=\"");
    put_whole(out, (uint64_t)y);
    put(out, "\" class=\"");
    put(out, class);
    put(out, "\">");
}

static void put_axes(page *out, const curves *c, double low, double high) {
    const double tick = tick_of(high - low);
    const uint64_t first = (uint64_t)(low / tick);
    for (uint64_t i = first; (double)i * tick <= high + tick * 1e-9; i++) {
        const double y = (double)i * tick;
        if (y < low) continue;
        const int at = (int)(TOP + PLOT_HEIGHT * (1 - (y - low) / (high - low)) + 0.5);
        put(out, "<path class=\"grid\" d=\"M");
        put_whole(out, LEFT);
        put(out, " ");
        put_whole(out, (uint64_t)at);
        put(out, "h");
        put_whole(out, PLOT_WIDTH);
        put(out, "\"/>");
        put_text(out, LEFT - 6, at + 4, "y");
        put_number(out, y);
        put(out, "</text>\n");
    }
    put_text(out, LEFT, PANEL_HEIGHT - 10, "x0");
    put(out, "0</text>");
    put_text(out, LEFT + PLOT_WIDTH, PANEL_HEIGHT - 10, "y");
    put(out, "step ");
    put_whole(out, (uint64_t)c->last);
    put(out, "</text>\n");
}

static void put_panel(page *out, const curves *c, const panel *p, int number) {
    double low, high;
    put(out, number % 2 ? "<g transform=\"translate(360," : "<g transform=\"translate(0,");
    put(out, number / 2 ? "240)\">\n" : "0)\">\n");
    put_text(out, LEFT, 22, "title");
    put(out, p->title);
    put(out, "</text>\n");
    if (find_range(c, p, &low, &high)) {
        put_axes(out, c, low, high);
        for (int v = 0; v < 2 && p->values[v]; v++) {
            const char *class = v == 0 && p->values[1] ? "second" : "first";
            put_line(out, c, p->values[v], low, high, class);
            if (!p->labels[v]) continue;
            put_text(out, LEFT + PLOT_WIDTH, v ? 34 : 20, class[0] == 's' ? "y of-second" : "y of-first");
            put(out, p->labels[v]);
            put(out, "</text>\n");
        }
    } else {
        put_text(out, LEFT, TOP + PLOT_HEIGHT / 2, "x0");
        put(out, "not measured</text>\n");
    }
    put(out, "</g>\n");
}

glossa_status glossa_lab_chart(const glossa_lab_point *points, size_t count, glossa_sink sink, glossa_error *error) {
    page out = {.sink = sink};
    for (size_t i = 0; i < count; i++)
        FAIL_IF(!(points[i].step >= (i ? points[i - 1].step : 0) && points[i].step < 4294967296.0), error,
                GLOSSA_ERROR_ARGUMENT, "the step of point %zu is below the one before, or too large", i);
    const curves c = {points, count, count ? points[count - 1].step : 0};
    put(&out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 480\" role=\"img\" "
        "aria-label=\"Curves of a training\">\n<style>\n"
        "svg { font: 12px system-ui, sans-serif; background: #fff; --ink: #222; --grid: #ddd; --a: #1a62b5; "
        "--b: #b0680c }\n"
        "@media (prefers-color-scheme: dark) { svg { background: #16181c; --ink: #ddd; --grid: #3a3d42; "
        "--a: #7db4f5; --b: #e6a95a } }\n"
        "text { fill: var(--ink) } .title { font-weight: 600 } .y { text-anchor: end } path { fill: none }\n"
        ".grid { stroke: var(--grid) } .first { stroke: var(--a); stroke-width: 2 } .second { stroke: var(--b) }\n"
        ".of-first { fill: var(--a) } .of-second { fill: var(--b) }\n</style>\n");
    for (int i = 0; i < 4; i++)
        put_panel(&out, &c, &panels[i], i);
    put(&out, "</svg>\n");
    FAIL_IF(out.failed, error, GLOSSA_ERROR_IO, "the picture of the curves could not be written");
    return GLOSSA_OK;
}
