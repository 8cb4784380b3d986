#include "base/utf8.h"

size_t glossa_utf8_length(const void *bytes, size_t size) {
    const uint8_t *b = bytes;
    if (size == 0) return 0;
    if (b[0] < 0x80) return 1;

    size_t length;
    uint8_t low = 0x80, high = 0xBF; /* what the second byte may be */
    if (b[0] >= 0xC2 && b[0] <= 0xDF) {
        length = 2;
    } else if ((b[0] & 0xF0) == 0xE0) {
        length = 3;
        if (b[0] == 0xE0) low = 0xA0;  /* below is overlong */
        if (b[0] == 0xED) high = 0x9F; /* above are surrogates */
    } else if (b[0] >= 0xF0 && b[0] <= 0xF4) {
        length = 4;
        if (b[0] == 0xF0) low = 0x90;
        if (b[0] == 0xF4) high = 0x8F; /* above is beyond U+10FFFF */
    } else {
        return 0;
    }
    if (size < length || b[1] < low || b[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if ((b[i] & 0xC0) != 0x80) return 0;
    return length;
}
