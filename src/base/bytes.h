/*
 * Numbers as they lie in files: little-endian, at any address, on any machine.
 */
#ifndef GLOSSA_BYTES_H
#define GLOSSA_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint32_t glossa_u32_at(const uint8_t *b) {
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t glossa_u64_at(const uint8_t *b) {
    return (uint64_t)glossa_u32_at(b) | (uint64_t)glossa_u32_at(b + 4) << 32;
}

static inline float glossa_f32_at(const uint8_t *b) {
    const uint32_t bits = glossa_u32_at(b);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline double glossa_f64_at(const uint8_t *b) {
    const uint64_t bits = glossa_u64_at(b);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
