#include "base/number.h"

#include <stddef.h>
#include <stdint.h>

#define MOST_DIGITS   19    /* that a mantissa of 64 bits holds */
#define MOST_EXPONENT 10000 /* beyond every double, and far from what overflows an int */
#define EXACT         22    /* the largest power of ten that is a double */

/* A decimal number as it is read: mantissa * 10^exponent. */
typedef struct decimal {
    uint64_t mantissa;
    int exponent, kept; /* digits within the mantissa, without zeros in front */
} decimal;

/* Digits from `at` on, behind a point or not; gives the end. */
static const char *read_digits(const char *at, bool fraction, decimal *d) {
    for (; *at >= '0' && *at <= '9'; at++) {
        const bool room = d->kept < MOST_DIGITS;
        if (room) d->mantissa = d->mantissa * 10 + (uint64_t)(*at - '0');
        if (room && d->mantissa > 0) d->kept++;
        if (d->exponent > -MOST_EXPONENT && d->exponent < MOST_EXPONENT) d->exponent += (room ? 0 : 1) - fraction;
    }
    return at;
}

static const char *read_exponent(const char *at, decimal *d) {
    const bool down = *at == '-';
    int power = 0;
    if (*at == '-' || *at == '+') at++;
    if (*at < '0' || *at > '9') return NULL;
    for (; *at >= '0' && *at <= '9'; at++)
        if (power < MOST_EXPONENT) power = power * 10 + (*at - '0');
    d->exponent += down ? -power : power;
    return at;
}

static double scaled(const decimal *d) {
    static const double powers[EXACT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double value = (double)d->mantissa;
    int left = d->exponent;
    if (d->mantissa == 0) return 0;
    for (; left > EXACT && value - value == 0; left -= EXACT)
        value *= powers[EXACT];
    for (; left < -EXACT && value > 0; left += EXACT)
        value /= powers[EXACT];
    return left > EXACT || left < -EXACT ? value : left > 0 ? value * powers[left] : value / powers[-left];
}

bool glossa_parse_number(const char *text, double *out) {
    const bool negative = *text == '-';
    const char *begin = text + (*text == '-' || *text == '+'), *at;
    decimal d = {0, 0, 0};
    size_t digits;
    at = read_digits(begin, false, &d);
    digits = (size_t)(at - begin);
    if (*at == '.') {
        const char *point = at++;
        at = read_digits(at, true, &d);
        digits += (size_t)(at - point) - 1;
    }
    if (digits == 0) return false;
    if (*at == 'e' || *at == 'E') at = read_exponent(at + 1, &d);
    if (!at || *at) return false;
    *out = negative ? -scaled(&d) : scaled(&d);
    return true;
}
