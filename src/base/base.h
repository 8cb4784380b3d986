/*
 * Status and error helpers, checked sizes, and the arena.
 */
#ifndef GLOSSA_BASE_H
#define GLOSSA_BASE_H

#include "glossa.h"

/* A function that stays one, where copies of it would cost more than calls. */
#if defined(__GNUC__)
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE
#endif

/* ---- errors ----------------------------------------------------------------------------------------------------- */

/*
 * Fills `error` (may be NULL) and returns `status`. The format knows %s, %.*s (int, const char *), %d, %u, %zu, %lld,
 * %llu, %x and %%; a message too long for the buffer is cut at a character border and ends in "...".
 */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
glossa_status
glossa_fail(glossa_error *error, glossa_status status, const char *format, ...);

/* A text of a file as far as a message should quote it: two arguments for %.*s. */
#define SHOWN(text) (int)((text).size < 80 ? (text).size : 80), (text).data

/* Returns from the calling function with a status and a message if `condition` holds. */
#define FAIL_IF(condition, error, status, ...)                                                                         \
    do {                                                                                                               \
        if (condition) {                                                                                               \
            glossa_fail(error, status, __VA_ARGS__);                                                                   \
            return (status);                                                                                           \
        }                                                                                                              \
    } while (0)

/* Returns with ARGUMENT from a public function that was given NULL for what the header calls `name`. */
#define NEED(pointer, name, error) FAIL_IF(!(pointer), error, GLOSSA_ERROR_ARGUMENT, "%s: '%s' is NULL", __func__, name)

/* Returns from the calling function if `call` failed; its message is already set. */
#define FORWARD(call)                                                                                                  \
    do {                                                                                                               \
        const glossa_status forward_status = (call);                                                                   \
        if (forward_status != GLOSSA_OK) return forward_status;                                                        \
    } while (0)

/* ---- sizes ------------------------------------------------------------------------------------------------------ */

/* *out = a * b or a + b; false, with *out untouched, where that does not fit. */
bool glossa_mul_size(size_t a, size_t b, size_t *out);
bool glossa_add_size(size_t a, size_t b, size_t *out);

/* ---- allocation ------------------------------------------------------------------------------------------------- */

/* The given allocator, or malloc and free where it is NULL. */
glossa_allocator glossa_allocator_or_default(const glossa_allocator *allocator);

/* Zeroed memory for `count` elements of `size` bytes, aligned to 16; NULL where it does not fit or there is none. */
void *glossa_allocate(const glossa_allocator *allocator, size_t count, size_t size);
void glossa_release(const glossa_allocator *allocator, void *memory);

/* A block for `capacity` elements of `size` bytes that takes the place of `memory` (NULL: there is none), whose first
   `used` elements it holds; NULL without memory, and then `memory` is as it was. */
void *glossa_widen(const glossa_allocator *allocator, void *memory, size_t used, size_t capacity, size_t size);

/*
 * An arena is measured first (base == NULL: takes return NULL and only add up), then carved from one allocation by the
 * same sequence of takes. Every take starts on a 64-byte border. Sizes add up in 64 bits, so that what an arena needs
 * is known even where it cannot be had.
 */
typedef struct glossa_arena {
    uint8_t *base;
    size_t size;   /* bytes at base; while measuring, ignored */
    uint64_t used; /* UINT64_MAX: a size overflowed even this */
    bool failed;   /* a size overflowed, or the arena ran out */
} glossa_arena;

/* Memory for dims[0] x ... x dims[count - 1] elements of `size` bytes; every product is checked. */
void *glossa_arena_take(glossa_arena *arena, size_t size, const uint64_t *dims, size_t count);

/* The one way to carve: TAKE(arena, float, layers, rows, width). Dimensions are given one by one, never as a product,
   which might have wrapped before it could be checked. */
#define TAKE(arena, type, ...)                                                                                         \
    ((type *)glossa_arena_take((arena), sizeof(type), (const uint64_t[]){__VA_ARGS__},                                 \
                               sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)))

/*
 * Readies an arena that was measured for carving: in `*memory` of `*size` bytes (NULL and 0 at first) where it fits,
 * else in a new allocation, zeroed, that takes its place. False, with nothing allocated, where there is no memory.
 */
bool glossa_arena_place(glossa_arena *arena, const glossa_allocator *allocator, void **memory, size_t *size);

#endif
