/*
 * Numbers as people and JSON write them.
 */
#ifndef GLOSSA_NUMBER_H
#define GLOSSA_NUMBER_H

#include <stdbool.h>

/*
 * Reads a whole text "-1.5e-3": a sign, digits with or without a point, an exponent. False for anything else, white
 * space, hexadecimal, "nan" and "inf" among it. Rounded correctly with up to 15 digits and a power of ten from -22 to
 * 22 (Clinger 1990, the fast path); beyond that to a few units in the last place. Infinite where it is too large.
 */
bool glossa_parse_number(const char *text, double *out);

#endif
