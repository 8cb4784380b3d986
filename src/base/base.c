#include "base/base.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_GUARDED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_GUARDED
#endif
#endif
#ifdef ARENA_GUARDED
#include <sanitizer/asan_interface.h>
#endif

#define TEXT(x)          #x
#define VERSION(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *glossa_version(void) {
    return VERSION(GLOSSA_VERSION_MAJOR, GLOSSA_VERSION_MINOR, GLOSSA_VERSION_PATCH);
}

const char *glossa_status_text(glossa_status status) {
    switch (status) {
    case GLOSSA_OK:
        return "ok";
    case GLOSSA_ERROR_ARGUMENT:
        return "argument out of range";
    case GLOSSA_ERROR_STATE:
        return "call out of turn";
    case GLOSSA_ERROR_MEMORY:
        return "out of memory";
    case GLOSSA_ERROR_FORMAT:
        return "damaged checkpoint";
    case GLOSSA_ERROR_UNSUPPORTED:
        return "unsupported checkpoint";
    case GLOSSA_ERROR_LIMIT:
        return "limit exceeded";
    case GLOSSA_ERROR_IO:
        return "not written";
    case GLOSSA_ERROR_DIVERGED:
        return "training diverged";
    }
    return "unknown status";
}

/* ---- errors ----------------------------------------------------------------------------------------------------- */

/* A message under construction. */
typedef struct message {
    char *data;
    size_t size, capacity; /* capacity leaves room for the NUL */
    size_t cut;            /* the last character border that leaves room for "..." */
    bool full;
} message;

/* Appends one character whole, or declares the message full. */
static void append_character(message *self, const char *character, size_t length) {
    if (self->full || length > self->capacity - self->size) {
        self->full = true;
        return;
    }
    memcpy(self->data + self->size, character, length);
    self->size += length;
    if (self->size + 3 <= self->capacity) self->cut = self->size;
}

/* Texts may come from a hostile file: ill-formed bytes and control characters become question marks. */
static void append_text(message *self, const char *text, size_t size) {
    for (size_t i = 0; i < size && !self->full;) {
        const size_t length = glossa_utf8_length(text + i, size - i);
        const uint8_t first = (uint8_t)text[i];
        const bool plain = length > 0 && first >= 0x20 && first != 0x7F;
        append_character(self, plain ? text + i : "?", plain ? length : 1);
        i += length > 0 ? length : 1;
    }
}

static void append_number(message *self, unsigned long long value, bool negative, unsigned base) {
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    if (negative) digits[--at] = '-';
    append_text(self, digits + at, sizeof digits - at);
}

static void append_signed(message *self, long long value) {
    append_number(self, value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value, value < 0, 10);
}

/* The conversions named in base.h; own code, since the C library's would be most of the WebAssembly file. */
static void append_format(message *self, const char *format, va_list arguments) {
    while (*format) {
        const char *percent = strchr(format, '%');
        append_text(self, format, percent ? (size_t)(percent - format) : strlen(format));
        if (!percent) return;
        format = percent + 1;
        if (strncmp(format, "s", 1) == 0) {
            const char *text = va_arg(arguments, const char *);
            append_text(self, text, strlen(text));
            format += 1;
        } else if (strncmp(format, ".*s", 3) == 0) {
            const int size = va_arg(arguments, int);
            const char *text = va_arg(arguments, const char *);
            append_text(self, text, size > 0 ? (size_t)size : 0);
            format += 3;
        } else if (strncmp(format, "d", 1) == 0) {
            append_signed(self, va_arg(arguments, int));
            format += 1;
        } else if (strncmp(format, "u", 1) == 0) {
            append_number(self, va_arg(arguments, unsigned), false, 10);
            format += 1;
        } else if (strncmp(format, "x", 1) == 0) {
            append_number(self, va_arg(arguments, unsigned), false, 16);
            format += 1;
        } else if (strncmp(format, "zu", 2) == 0) {
            append_number(self, va_arg(arguments, size_t), false, 10);
            format += 2;
        } else if (strncmp(format, "lld", 3) == 0) {
            append_signed(self, va_arg(arguments, long long));
            format += 3;
        } else if (strncmp(format, "llu", 3) == 0) {
            append_number(self, va_arg(arguments, unsigned long long), false, 10);
            format += 3;
        } else {
            append_character(self, "%", 1);
            if (*format == '%') format += 1;
        }
    }
}

glossa_status glossa_fail(glossa_error *error, glossa_status status, const char *format, ...) {
    if (!error) return status;
    message self = {.data = error->message, .capacity = sizeof error->message - 1};
    va_list arguments;
    va_start(arguments, format);
    append_format(&self, format, arguments);
    va_end(arguments);
    if (self.full) {
        memcpy(self.data + self.cut, "...", 3);
        self.size = self.cut + 3;
    }
    self.data[self.size] = 0;
    error->status = status;
    return status;
}

/* ---- sizes ------------------------------------------------------------------------------------------------------ */

bool glossa_mul_size(size_t a, size_t b, size_t *out) {
    if (b > 0 && a > SIZE_MAX / b) return false;
    *out = a * b;
    return true;
}

bool glossa_add_size(size_t a, size_t b, size_t *out) {
    if (a > SIZE_MAX - b) return false;
    *out = a + b;
    return true;
}

/* ---- allocation ------------------------------------------------------------------------------------------------- */

#define ALLOCATION_ALIGNMENT 16
#define ARENA_ALIGNMENT      64

static void *default_allocate(void *user, size_t size) {
    (void)user;
    if (!glossa_add_size(size, ALLOCATION_ALIGNMENT - 1, &size)) return NULL;
    return aligned_alloc(ALLOCATION_ALIGNMENT, size / ALLOCATION_ALIGNMENT * ALLOCATION_ALIGNMENT);
}

static void default_release(void *user, void *memory) {
    (void)user;
    free(memory);
}

glossa_allocator glossa_allocator_or_default(const glossa_allocator *allocator) {
    if (allocator) return *allocator;
    return (glossa_allocator){default_allocate, default_release, NULL};
}

void *glossa_allocate(const glossa_allocator *allocator, size_t count, size_t size) {
    size_t bytes;
    if (!glossa_mul_size(count, size, &bytes)) return NULL;
    if (bytes == 0) bytes = 1; /* NULL is for failure only */
    void *memory = allocator->allocate(allocator->user, bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

void glossa_release(const glossa_allocator *allocator, void *memory) {
    if (memory) allocator->release(allocator->user, memory);
}

void *glossa_widen(const glossa_allocator *allocator, void *memory, size_t used, size_t capacity, size_t size) {
    void *wider = glossa_allocate(allocator, capacity, size);
    if (!wider) return NULL;
    if (used > 0) memcpy(wider, memory, used * size);
    glossa_release(allocator, memory);
    return wider;
}

/* Under the address sanitizer a poisoned zone follows every take, so that an overrun inside the arena is caught. */
static void guard(uint8_t *take, size_t bytes, const uint8_t *end) {
#ifdef ARENA_GUARDED
    ASAN_UNPOISON_MEMORY_REGION(take, bytes);
    const size_t left = (size_t)(end - (take + bytes));
    ASAN_POISON_MEMORY_REGION(take + bytes, left < ARENA_ALIGNMENT ? left : ARENA_ALIGNMENT);
#else
    (void)take, (void)bytes, (void)end;
#endif
}

#ifdef ARENA_GUARDED
#define ARENA_GUARD ARENA_ALIGNMENT
#else
#define ARENA_GUARD 0
#endif

/* *value *= factor, or += it; false where that does not fit. */
static bool multiply(uint64_t *value, uint64_t factor) {
    if (factor > 0 && *value > UINT64_MAX / factor) return false;
    *value *= factor;
    return true;
}

static bool add(uint64_t *value, uint64_t more) {
    if (*value > UINT64_MAX - more) return false;
    *value += more;
    return true;
}

void *glossa_arena_take(glossa_arena *arena, size_t size, const uint64_t *dims, size_t count) {
    /* While measuring, the memory to come may start up to a border's width before one. */
    const uint64_t origin = arena->base ? (uintptr_t)arena->base % ARENA_ALIGNMENT : 0;
    uint64_t offset = !arena->base && arena->used == 0 ? ARENA_ALIGNMENT : arena->used, bytes = size, used;
    bool fits = !arena->failed && add(&offset, origin + ARENA_ALIGNMENT - 1);
    for (size_t i = 0; i < count; i++)
        fits = fits && multiply(&bytes, dims[i]);
    offset = offset / ARENA_ALIGNMENT * ARENA_ALIGNMENT - origin;
    used = offset;
    if (!fits || !add(&used, bytes) || !add(&used, ARENA_GUARD) || (arena->base && used > arena->size)) {
        arena->failed = true;
        arena->used = UINT64_MAX;
        return NULL;
    }
    arena->used = used;
    if (!arena->base) return NULL;
    guard(arena->base + offset, (size_t)bytes, arena->base + arena->size);
    return arena->base + offset;
}

bool glossa_arena_place(glossa_arena *arena, const glossa_allocator *allocator, void **memory, size_t *size) {
    if (arena->failed || arena->used > SIZE_MAX) return false;
    const size_t needed = (size_t)arena->used;
    if (!*memory || needed > *size) {
        glossa_release(allocator, *memory); /* first, so that the new one may lie there too */
        *memory = glossa_allocate(allocator, needed, 1);
        *size = *memory ? needed : 0;
    }
    *arena = (glossa_arena){.base = *memory, .size = *size};
    return *memory != NULL;
}
