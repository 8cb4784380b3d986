/* The ground everything stands on: messages, checked sizes, allocation, the arena, UTF-8. */
#include <limits.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/utf8.h"
#include "check.h"

/* ---- messages --------------------------------------------------------------------------------------------------- */

static void test_format_agrees_with_printf(void) {
    glossa_error error;
    char expected[256];
    const char text[] = "not terminated here";
    const int d[] = {0, 1, -1, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof d / sizeof *d; i++) {
        const unsigned u = (unsigned)d[i];
        const long long ll = (long long)d[i] * 4294967295LL;
        snprintf(expected, sizeof expected, "%s|%.*s|%d|%u|%x|%zu|%lld|%llu|%%", "piece", 3, text, d[i], u, u,
                 (size_t)u, ll, (unsigned long long)ll);
        CHECK_INT(glossa_fail(&error, GLOSSA_ERROR_LIMIT, "%s|%.*s|%d|%u|%x|%zu|%lld|%llu|%%", "piece", 3, text, d[i],
                              u, u, (size_t)u, ll, (unsigned long long)ll),
                  GLOSSA_ERROR_LIMIT);
        CHECK_STRING(error.message, expected);
        CHECK_INT(error.status, GLOSSA_ERROR_LIMIT);
    }
    glossa_fail(&error, GLOSSA_ERROR_LIMIT, "%lld %llu %zu", LLONG_MIN, ULLONG_MAX, SIZE_MAX);
    snprintf(expected, sizeof expected, "%lld %llu %zu", LLONG_MIN, ULLONG_MAX, SIZE_MAX);
    CHECK_STRING(error.message, expected);
}

static void test_format_without_error(void) {
    CHECK_INT(glossa_fail(NULL, GLOSSA_ERROR_FORMAT, "%s", "nobody listens"), GLOSSA_ERROR_FORMAT);
}

static void test_long_message_is_cut_at_a_character(void) {
    glossa_error error;
    char text[400];
    const size_t capacity = sizeof error.message - 1;
    /* Exactly full is not cut. */
    memset(text, 'a', sizeof text);
    text[capacity] = 0;
    glossa_fail(&error, GLOSSA_ERROR_FORMAT, "%s", text);
    CHECK_STRING(error.message, text);
    /* One more is. */
    text[capacity] = 'a';
    text[capacity + 1] = 0;
    glossa_fail(&error, GLOSSA_ERROR_FORMAT, "%s", text);
    CHECK_INT(strlen(error.message), capacity);
    CHECK_STRING(error.message + capacity - 4, "a...");
    /* No character is torn, wherever the cut falls. */
    for (size_t before = 0; before < 8; before++) {
        size_t size = before;
        memset(text, 'a', before);
        while (size + 4 < sizeof text)
            memcpy(text + size, "\xF0\x9F\x98\x80", 4), size += 4;
        glossa_fail(&error, GLOSSA_ERROR_FORMAT, "%.*s", (int)size, text);
        const size_t length = strlen(error.message);
        CHECK(length <= capacity && length > capacity - 4);
        CHECK_STRING(error.message + length - 3, "...");
        for (size_t i = 0; i < length;) {
            const size_t step = glossa_utf8_length(error.message + i, length - i);
            CHECK(step > 0);
            i += step ? step : length;
        }
    }
}

static void test_message_is_clean_utf8(void) {
    glossa_error error;
    glossa_fail(&error, GLOSSA_ERROR_FORMAT, "key %.*s", 9, "a\0\n\xFF\xE2\x82z\xC3\xA9");
    CHECK_STRING(error.message, "key a?????z\xC3\xA9");
}

static void test_status_texts(void) {
    for (int i = GLOSSA_OK; i <= GLOSSA_ERROR_LIMIT; i++)
        for (int j = GLOSSA_OK; j < i; j++)
            CHECK(strcmp(glossa_status_text((glossa_status)i), glossa_status_text((glossa_status)j)) != 0);
    CHECK_STRING(glossa_status_text((glossa_status)99), "unknown status");
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", GLOSSA_VERSION_MAJOR, GLOSSA_VERSION_MINOR, GLOSSA_VERSION_PATCH);
    CHECK_STRING(glossa_version(), version);
}

/* ---- sizes and memory ------------------------------------------------------------------------------------------- */

static void test_checked_sizes(void) {
    size_t out = 7;
    CHECK(glossa_mul_size(3, 5, &out) && out == 15);
    CHECK(glossa_mul_size(SIZE_MAX, 1, &out) && out == SIZE_MAX);
    CHECK(glossa_mul_size(SIZE_MAX, 0, &out) && out == 0);
    CHECK(glossa_mul_size(0, SIZE_MAX, &out) && out == 0);
    out = 7;
    CHECK(!glossa_mul_size(SIZE_MAX / 2 + 1, 2, &out) && out == 7);
    CHECK(!glossa_mul_size(SIZE_MAX, SIZE_MAX, &out) && out == 7);
    CHECK(glossa_add_size(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    out = 7;
    CHECK(!glossa_add_size(SIZE_MAX, 1, &out) && out == 7);
}

static void test_default_allocator(void) {
    const glossa_allocator allocator = glossa_allocator_or_default(NULL);
    for (size_t size = 0; size < 100; size++) {
        uint8_t *memory = glossa_allocate(&allocator, size, 1);
        CHECK(memory != NULL && (uintptr_t)memory % 16 == 0);
        for (size_t i = 0; i < size; i++)
            CHECK_INT(memory[i], 0);
        glossa_release(&allocator, memory);
    }
    CHECK(glossa_allocate(&allocator, SIZE_MAX, 2) == NULL);
    glossa_release(&allocator, NULL);
}

static void *counting_allocate(void *user, size_t size) {
    (*(int *)user)++;
    return size > 1000 ? NULL : aligned_alloc(16, (size + 15) / 16 * 16);
}

static void counting_release(void *user, void *memory) {
    (*(int *)user)--;
    free(memory);
}

static void test_own_allocator(void) {
    int live = 0;
    const glossa_allocator own = {counting_allocate, counting_release, &live};
    const glossa_allocator allocator = glossa_allocator_or_default(&own);
    void *memory = glossa_allocate(&allocator, 10, 10);
    CHECK_INT(live, 1);
    glossa_release(&allocator, memory);
    CHECK_INT(live, 0);
    CHECK(glossa_allocate(&allocator, 1001, 1) == NULL);
}

static void carve(glossa_arena *arena, double **a, char **b, uint16_t **none, float **c) {
    *a = TAKE(arena, double, 3);
    *b = TAKE(arena, char, 129);
    *none = TAKE(arena, uint16_t, 0);
    *c = TAKE(arena, float, 16);
}

static void test_arena_measures_what_it_carves(void) {
    double *a;
    char *b;
    uint16_t *none;
    float *c;
    glossa_arena measured = {0};
    carve(&measured, &a, &b, &none, &c);
    CHECK(!measured.failed && a == NULL && b == NULL && c == NULL && none == NULL);

    uint8_t *memory = malloc((size_t)measured.used + 64);
    for (size_t shift = 0; shift < 64; shift += 16) { /* what an allocator may return */
        uint8_t *base = memory + shift;
        glossa_arena arena = {.base = base, .size = (size_t)measured.used};
        carve(&arena, &a, &b, &none, &c);
        CHECK(!arena.failed && arena.used <= measured.used);
        CHECK(a && b && c && none);
        CHECK((uintptr_t)a % 64 == 0 && (uintptr_t)b % 64 == 0 && (uintptr_t)c % 64 == 0);
        CHECK((uint8_t *)(a + 3) <= (uint8_t *)b && (uint8_t *)(b + 129) <= (uint8_t *)c);
        CHECK((uint8_t *)(c + 16) <= base + measured.used);
        memset(a, 1, 3 * sizeof *a), memset(b, 2, 129), memset(c, 3, 16 * sizeof *c);
        CHECK(TAKE(&arena, char, 1000) == NULL && arena.failed);
        CHECK(TAKE(&arena, char, 1) == NULL); /* once failed, always failed */
    }
    free(memory);

    glossa_arena huge = {0};
    (void)TAKE(&huge, double, UINT64_MAX / 2);
    CHECK(huge.failed && huge.used == UINT64_MAX);
    glossa_arena sum = {0};
    (void)TAKE(&sum, char, UINT64_MAX - 1000);
    (void)TAKE(&sum, char, 2000);
    CHECK(sum.failed && sum.used == UINT64_MAX);
}

/* Products that wrap in 32 bits, or in 64: none of them gives memory that is too small. */
static void test_arena_checks_every_factor(void) {
    const glossa_allocator allocator = glossa_allocator_or_default(NULL);
    glossa_arena wide = {0};
    (void)TAKE(&wide, float, 256, 16, 1024, 1024); /* 2^32 elements */
    CHECK(!wide.failed && wide.used >= (uint64_t)4 << 32 && wide.used < ((uint64_t)4 << 32) + 256);
    if (sizeof(size_t) == 4) {
        void *memory = NULL;
        size_t size = 0;
        glossa_arena arena = wide;
        CHECK(!glossa_arena_place(&arena, &allocator, &memory, &size) && memory == NULL);
    }
    const uint64_t big = (uint64_t)1 << 22;
    glossa_arena wrapped = {0};
    (void)TAKE(&wrapped, float, big, big, big);
    CHECK(wrapped.failed);
    uint8_t bytes[256];
    glossa_arena small = {.base = bytes, .size = sizeof bytes};
    CHECK(TAKE(&small, float, big, big, big) == NULL && small.failed);
    small = (glossa_arena){.base = bytes, .size = sizeof bytes};
    CHECK(TAKE(&small, float, 65536, 65536) == NULL && small.failed); /* 0 elements in 32 bits */
    small = (glossa_arena){.base = bytes, .size = sizeof bytes};
    CHECK(TAKE(&small, char, 2, 3, 5) != NULL && !small.failed);
}

static void *refuse(void *user, size_t size) {
    (void)user, (void)size;
    return NULL;
}

static void test_arena_is_placed_in_what_is_there(void) {
    const glossa_allocator allocator = glossa_allocator_or_default(NULL);
    void *memory = NULL;
    size_t size = 0;
    glossa_arena arena = {0};
    (void)TAKE(&arena, uint8_t, 1000);
    const size_t needed = (size_t)arena.used;
    CHECK(glossa_arena_place(&arena, &allocator, &memory, &size) && arena.base == memory && size == needed);
    const uint8_t *bytes = TAKE(&arena, uint8_t, 1000);
    CHECK(bytes && !arena.failed);
    for (size_t i = 0; bytes && i < 1000; i++)
        CHECK_INT(bytes[i], 0);

    const void *first = memory;
    arena = (glossa_arena){0};
    (void)TAKE(&arena, uint8_t, 900);
    CHECK(glossa_arena_place(&arena, &allocator, &memory, &size) && memory == first && size == needed);
    CHECK(TAKE(&arena, uint8_t, 900) != NULL);

    arena = (glossa_arena){0};
    (void)TAKE(&arena, uint8_t, 5000);
    CHECK(glossa_arena_place(&arena, &allocator, &memory, &size) && size == arena.size && size >= 5000);
    CHECK(TAKE(&arena, uint8_t, 5000) != NULL);

    const glossa_allocator none = {refuse, allocator.release, NULL};
    arena = (glossa_arena){0};
    (void)TAKE(&arena, uint8_t, 9000);
    glossa_arena lost = arena;
    CHECK(!glossa_arena_place(&lost, &none, &memory, &size) && memory == NULL && size == 0);
    CHECK(glossa_arena_place(&arena, &allocator, &memory, &size) && size >= 9000);
    glossa_release(&allocator, memory);
}

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------ */

static size_t encode(uint32_t c, uint8_t *out) {
    if (c < 0x80) return out[0] = (uint8_t)c, 1;
    if (c < 0x800) return out[0] = (uint8_t)(0xC0 | c >> 6), out[1] = (uint8_t)(0x80 | (c & 63)), 2;
    if (c < 0x10000)
        return out[0] = (uint8_t)(0xE0 | c >> 12), out[1] = (uint8_t)(0x80 | (c >> 6 & 63)),
               out[2] = (uint8_t)(0x80 | (c & 63)), 3;
    return out[0] = (uint8_t)(0xF0 | c >> 18), out[1] = (uint8_t)(0x80 | (c >> 12 & 63)),
           out[2] = (uint8_t)(0x80 | (c >> 6 & 63)), out[3] = (uint8_t)(0x80 | (c & 63)), 4;
}

static void test_utf8_knows_every_scalar_value(void) {
    uint8_t bytes[4];
    long wrong = 0;
    for (uint32_t c = 0; c <= 0x1FFFFF; c++) {
        const size_t length = encode(c, bytes);
        const bool valid = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
        wrong += glossa_utf8_length(bytes, length) != (valid ? length : 0);
        wrong += valid && glossa_utf8_step(bytes[0]) != length;
        for (size_t cut = 0; cut < length; cut++)
            wrong += glossa_utf8_length(bytes, cut) != 0;
    }
    CHECK_INT(wrong, 0);
}

static void test_utf8_refuses_ill_formed(void) {
    CHECK_INT(glossa_utf8_length("\x80", 1), 0);
    CHECK_INT(glossa_utf8_length("\xC0\x80", 2), 0);         /* overlong */
    CHECK_INT(glossa_utf8_length("\xC1\xBF", 2), 0);         /* overlong */
    CHECK_INT(glossa_utf8_length("\xE0\x9F\xBF", 3), 0);     /* overlong */
    CHECK_INT(glossa_utf8_length("\xF0\x8F\xBF\xBF", 4), 0); /* overlong */
    CHECK_INT(glossa_utf8_length("\xF8\x88\x80\x80\x80", 5), 0);
    CHECK_INT(glossa_utf8_length("\xE2\x28\xA1", 3), 0);
    CHECK_INT(glossa_utf8_length("\xE2\x82\x28", 3), 0);
    CHECK_INT(glossa_utf8_length("\xF0\x90\x28\xBC", 4), 0);
    CHECK_INT(glossa_utf8_length("", 0), 0);
    CHECK_INT(glossa_utf8_length("\0", 1), 1);
}

int main(void) {
    RUN(test_format_agrees_with_printf);
    RUN(test_format_without_error);
    RUN(test_long_message_is_cut_at_a_character);
    RUN(test_message_is_clean_utf8);
    RUN(test_status_texts);
    RUN(test_checked_sizes);
    RUN(test_default_allocator);
    RUN(test_own_allocator);
    RUN(test_arena_measures_what_it_carves);
    RUN(test_arena_checks_every_factor);
    RUN(test_arena_is_placed_in_what_is_there);
    RUN(test_utf8_knows_every_scalar_value);
    RUN(test_utf8_refuses_ill_formed);
    return CHECK_RESULT();
}
