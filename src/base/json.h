/*
 * JSON (RFC 8259) as it lies in memory: checked as a whole first, then walked by slices of the text.
 *
 *     if (glossa_json_check(text, &at)) ... the first fault is at byte `at`
 *     size_t place = 0;
 *     while (glossa_json_next(object, &place, &key, &value)) ...
 */
#ifndef GLOSSA_JSON_H
#define GLOSSA_JSON_H

#include "base/base.h"

#define GLOSSA_JSON_DEPTH 32 /* of objects and arrays within each other */

typedef enum glossa_json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} glossa_json_kind;

/* Whether the text is one value in UTF-8, and nothing else; else *fault is the byte at which it is not, or its size. */
bool glossa_json_check(glossa_text text, size_t *fault);

/* The value without white space around it. Of this and what follows, every text is one that was checked, or a part of
   it that these functions gave. */
glossa_text glossa_json_trim(glossa_text text);

/* Of a trimmed value. */
glossa_json_kind glossa_json_kind_of(glossa_text value);

/* The next member of a trimmed object or element of a trimmed array, trimmed too (then *key is empty); false behind the
   last. *place begins at 0. A key is its raw text without quotes. */
bool glossa_json_next(glossa_text container, size_t *place, glossa_text *key, glossa_text *value);

/* Whether a key is `name`, which has no character that JSON writes otherwise. */
bool glossa_json_is(glossa_text key, const char *name);

/* A trimmed number; 0 for a value of another kind, and for one of 64 characters or more. */
double glossa_json_number(glossa_text value);

/* A trimmed string's text, with a NUL behind it; false where it has more than `size` - 1 bytes, or a NUL within. Half
   of a surrogate pair becomes U+FFFD. */
bool glossa_json_string(glossa_text value, char *out, size_t size);

#endif
