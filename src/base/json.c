#include "base/json.h"

#include <string.h>

#include "base/number.h"
#include "base/utf8.h"

typedef struct parser {
    const char *text;
    size_t size, at;
} parser;

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int hex_of(char c) {
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void skip_space(parser *p) {
    while (p->at < p->size && is_space(p->text[p->at]))
        p->at++;
}

static bool take(parser *p, char c) {
    if (p->at == p->size || p->text[p->at] != c) return false;
    p->at++;
    return true;
}

/* ---- checking --------------------------------------------------------------------------------------------------- */

static bool check_string(parser *p) {
    if (!take(p, '"')) return false;
    while (p->at < p->size && p->text[p->at] != '"') {
        const uint8_t c = (uint8_t)p->text[p->at];
        const size_t length = glossa_utf8_length(p->text + p->at, p->size - p->at);
        if (c < 0x20 || length == 0) return false;
        p->at += length;
        if (c != '\\') continue;
        if (p->at == p->size || !strchr("\"\\/bfnrtu", p->text[p->at]) || p->text[p->at] == 0) return false;
        if (p->text[p->at++] != 'u') continue;
        for (int i = 0; i < 4; i++, p->at++)
            if (p->at == p->size || hex_of(p->text[p->at]) < 0) return false;
    }
    return take(p, '"');
}

static bool check_digits(parser *p) {
    const size_t begin = p->at;
    while (p->at < p->size && is_digit(p->text[p->at]))
        p->at++;
    return p->at > begin;
}

static bool check_number(parser *p) {
    take(p, '-');
    if (!take(p, '0') && !check_digits(p)) return false;
    if (take(p, '.') && !check_digits(p)) return false;
    if (!take(p, 'e') && !take(p, 'E')) return true;
    if (!take(p, '+')) take(p, '-');
    return check_digits(p);
}

static bool check_word(parser *p, const char *word) {
    while (*word)
        if (!take(p, *word++)) return false;
    return true;
}

static bool check_scalar(parser *p) {
    switch (p->at < p->size ? p->text[p->at] : 0) {
    case '"':
        return check_string(p);
    case 't':
        return check_word(p, "true");
    case 'f':
        return check_word(p, "false");
    case 'n':
        return check_word(p, "null");
    default:
        return check_number(p);
    }
}

/* The ends of what is open, innermost last. */
typedef struct nesting {
    char closers[GLOSSA_JSON_DEPTH];
    size_t depth;
} nesting;

/* A key and its colon, where one is due; white space around. */
static bool check_key(parser *p, const nesting *n) {
    skip_space(p);
    if (n->depth == 0 || n->closers[n->depth - 1] != '}') return true;
    if (!check_string(p)) return false;
    skip_space(p);
    if (!take(p, ':')) return false;
    skip_space(p);
    return true;
}

/* Steps into containers until a scalar or an empty container is behind; false at a fault. */
static bool check_down(parser *p, nesting *n) {
    for (;;) {
        const char opener = p->at < p->size ? p->text[p->at] : 0, closer = opener == '{' ? '}' : ']';
        if (opener != '{' && opener != '[') return check_scalar(p);
        if (n->depth == GLOSSA_JSON_DEPTH) return false;
        p->at++;
        skip_space(p);
        if (take(p, closer)) return true;
        n->closers[n->depth++] = closer;
        if (!check_key(p, n)) return false;
    }
}

bool glossa_json_check(glossa_text text, size_t *fault) {
    parser p = {text.data, text.size, 0};
    nesting n = {.depth = 0};
    skip_space(&p);
    bool sound = check_down(&p, &n);
    while (sound && n.depth > 0) {
        skip_space(&p);
        if (take(&p, n.closers[n.depth - 1]))
            n.depth--;
        else
            sound = take(&p, ',') && check_key(&p, &n) && check_down(&p, &n);
    }
    if (sound) skip_space(&p);
    *fault = p.at;
    return sound && p.at == p.size;
}

/* ---- walking ---------------------------------------------------------------------------------------------------- */

glossa_text glossa_json_trim(glossa_text text) {
    while (text.size > 0 && is_space(text.data[0]))
        text.data++, text.size--;
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

glossa_json_kind glossa_json_kind_of(glossa_text value) {
    switch (value.size > 0 ? value.data[0] : 'n') {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

static void skip_string(parser *p) {
    for (p->at++; p->at < p->size && p->text[p->at] != '"'; p->at++)
        if (p->text[p->at] == '\\') p->at++;
    p->at++;
}

/* Up to the next comma or end of this container. */
static void skip_value(parser *p) {
    for (size_t depth = 0; p->at < p->size;) {
        const char c = p->text[p->at];
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) return;
        if (c == '"') {
            skip_string(p);
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        p->at++;
    }
}

bool glossa_json_next(glossa_text container, size_t *place, glossa_text *key, glossa_text *value) {
    parser p = {container.data, container.size, *place > 0 ? *place : 1};
    *key = (glossa_text){"", 0};
    skip_space(&p);
    take(&p, ',');
    skip_space(&p);
    if (p.at + 1 >= p.size) return false;
    if (container.data[0] == '{') {
        const size_t begin = p.at + 1;
        skip_string(&p);
        *key = (glossa_text){p.text + begin, p.at - begin - 1};
        skip_space(&p);
        take(&p, ':');
    }
    const size_t begin = p.at;
    skip_value(&p);
    *value = glossa_json_trim((glossa_text){p.text + begin, p.at - begin});
    *place = p.at;
    return true;
}

bool glossa_json_is(glossa_text key, const char *name) {
    return key.size == strlen(name) && memcmp(key.data, name, key.size) == 0;
}

double glossa_json_number(glossa_text value) {
    char text[64] = "";
    if (glossa_json_kind_of(value) == JSON_NUMBER && value.size < sizeof text) memcpy(text, value.data, value.size);
    double number;
    return glossa_parse_number(text, &number) ? number : 0;
}

static uint32_t hex_at(const char *text) {
    uint32_t code = 0;
    for (int i = 0; i < 4; i++)
        code = code << 4 | (uint32_t)hex_of(text[i]);
    return code;
}

/* The character of the escape behind a backslash, and how many bytes it takes. */
static uint32_t unescape(const char *at, size_t left, size_t *taken) {
    static const char names[] = "bfnrt", codes[] = "\b\f\n\r\t";
    const char *name = strchr(names, at[0]);
    *taken = 1;
    if (at[0] != 'u') return (uint8_t)(name ? codes[name - names] : at[0]);
    *taken = 5;
    const uint32_t high = hex_at(at + 1);
    if (high < 0xD800 || high > 0xDFFF) return high;
    const uint32_t low = high < 0xDC00 && left >= 11 && at[5] == '\\' && at[6] == 'u' ? hex_at(at + 7) : 0;
    if (low < 0xDC00 || low > 0xDFFF) return 0xFFFD;
    *taken = 11;
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

bool glossa_json_string(glossa_text value, char *out, size_t size) {
    size_t count = 0;
    for (size_t i = 1; i + 1 < value.size;) {
        char bytes[4] = {value.data[i]};
        size_t length = 1, taken = 1;
        if (value.data[i] == '\\') {
            const uint32_t code = unescape(value.data + i + 1, value.size - i - 2, &taken);
            if (code == 0) return false;
            length = glossa_utf8_put(code, bytes);
            taken++;
        }
        if (count + length >= size) return false;
        memcpy(out + count, bytes, length);
        count += length;
        i += taken;
    }
    out[count] = 0;
    return true;
}
