/*
 * A few macros for tests: each failed check is printed with its place and values and counted; the test goes on.
 *
 *     static void test_something(void) { CHECK(1 + 1 == 2); }
 *     int main(void) {
 *         RUN(test_something);
 *         return CHECK_RESULT();
 *     }
 */
#ifndef GLOSSA_TESTS_CHECK_H
#define GLOSSA_TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "glossa.h"

static int check_failures;
static long check_count;

/* Prints "file:line: test: " and counts a failure; the macros add what failed. */
static inline void check_failed(const char *file, int line, const char *function) {
    check_failures++;
    fprintf(stderr, "%s:%d: %s: ", file, line, function);
}

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        check_count++;                                                                                                 \
        if (!(condition)) {                                                                                            \
            check_failed(__FILE__, __LINE__, __func__);                                                                \
            fprintf(stderr, "%s is false\n", #condition);                                                              \
        }                                                                                                              \
    } while (0)

/* Integers of any width, compared as long long. */
#define CHECK_INT(actual, expected)                                                                                    \
    do {                                                                                                               \
        const long long check_a = (long long)(actual), check_e = (long long)(expected);                                \
        check_count++;                                                                                                 \
        if (check_a != check_e) {                                                                                      \
            check_failed(__FILE__, __LINE__, __func__);                                                                \
            fprintf(stderr, "%s is %lld, expected %lld\n", #actual, check_a, check_e);                                 \
        }                                                                                                              \
    } while (0)

/* |actual - expected| <= tolerance; false for NaN. */
#define CHECK_NEAR(actual, expected, tolerance)                                                                        \
    do {                                                                                                               \
        const double check_a = (double)(actual), check_e = (double)(expected);                                         \
        check_count++;                                                                                                 \
        if (!(fabs(check_a - check_e) <= (double)(tolerance))) {                                                       \
            check_failed(__FILE__, __LINE__, __func__);                                                                \
            fprintf(stderr, "%s is %.9g, expected %.9g\n", #actual, check_a, check_e);                                 \
        }                                                                                                              \
    } while (0)

/* NUL-terminated strings. */
#define CHECK_STRING(actual, expected)                                                                                 \
    do {                                                                                                               \
        const char *check_a = (actual), *check_e = (expected);                                                         \
        check_count++;                                                                                                 \
        if (strcmp(check_a, check_e) != 0) {                                                                           \
            check_failed(__FILE__, __LINE__, __func__);                                                                \
            fprintf(stderr, "%s is \"%s\", expected \"%s\"\n", #actual, check_a, check_e);                             \
        }                                                                                                              \
    } while (0)

/* A glossa_text against a NUL-terminated string. */
#define CHECK_TEXT(actual, expected)                                                                                   \
    do {                                                                                                               \
        const glossa_text check_a = (actual);                                                                          \
        const char *check_e = (expected);                                                                              \
        check_count++;                                                                                                 \
        if (check_a.size != strlen(check_e) ||                                                                         \
            (check_a.size > 0 && memcmp(check_a.data, check_e, check_a.size) != 0)) {                                  \
            check_failed(__FILE__, __LINE__, __func__);                                                                \
            fprintf(stderr, "%s is \"%.*s\", expected \"%s\"\n", #actual, (int)check_a.size, check_a.data, check_e);   \
        }                                                                                                              \
    } while (0)

/* `text` contains `part`: for error messages. */
#define CHECK_CONTAINS(text, part)                                                                                     \
    do {                                                                                                               \
        const char *check_a = (text), *check_e = (part);                                                               \
        check_count++;                                                                                                 \
        if (strstr(check_a, check_e) == NULL) {                                                                        \
            check_failed(__FILE__, __LINE__, __func__);                                                                \
            fprintf(stderr, "%s is \"%s\", expected it to contain \"%s\"\n", #text, check_a, check_e);                 \
        }                                                                                                              \
    } while (0)

/* Calls a test and prints its name and whether it passed. */
#define RUN(test)                                                                                                      \
    do {                                                                                                               \
        const int check_before = check_failures;                                                                       \
        test();                                                                                                        \
        printf("%s %s\n", check_failures == check_before ? "ok    " : "FAILED", #test);                                \
    } while (0)

/* The exit status of the test program: 0, or 1 after any failure or where nothing was checked. */
#define CHECK_RESULT()                                                                                                 \
    (printf("%ld checks, %d failed\n", check_count, check_failures), check_failures > 0 || check_count == 0)

#endif
