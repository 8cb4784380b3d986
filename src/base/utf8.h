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

/* The code point of a well-formed character of `size` bytes, 1 to 4. */
static inline uint32_t glossa_utf8_code(const void *character, size_t size) {
    const uint8_t *at = (const uint8_t *)character;
    uint32_t code = size == 1 ? at[0] : at[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++)
        code = code << 6 | (at[i] & 63u);
    return code;
}

/* Writes a code point as 1 to 4 bytes, and gives their number. */
static inline size_t glossa_utf8_put(uint32_t code, char *out) {
    const size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 63));
    out[0] = (char)(size == 1 ? code : (0xF00u >> size & 0xFF) | code);
    return size;
}

#endif
