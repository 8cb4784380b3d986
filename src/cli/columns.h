/*
 * Files of lines as the columns of a table.
 */
#ifndef GLOSSA_CLI_COLUMNS_H
#define GLOSSA_CLI_COLUMNS_H

#include "glossa.h"

/* The table of three files, which the caller frees, tabs within them made spaces; NULL where one has more lines than
   another, then *shortest is its number, or without memory, then it is 3. */
char *glossa_join_columns(const glossa_text files[3], size_t *size, int *shortest);

#endif
