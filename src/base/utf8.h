/*
 * UTF-8 as the Unicode standard has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
 */
#ifndef GLOSSA_UTF8_H
#define GLOSSA_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* U+FFFD, which stands for one ill-formed byte. */
#define UTF8_REPLACEMENT      "\xEF\xBF\xBD"
#define UTF8_REPLACEMENT_SIZE 3

/* Bytes of the well-formed character at the start of `size` bytes, 1 to 4; 0 where they are ill-formed or none. */
size_t glossa_utf8_length(const void *bytes, size_t size);

/* Bytes of a character by its first byte alone, 1 to 4, for text that is known to be well-formed. */
static inline size_t glossa_utf8_step(uint8_t first) {
    return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

#endif
