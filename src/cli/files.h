/*
 * Files of the native commands.
 */
#ifndef GLOSSA_CLI_FILES_H
#define GLOSSA_CLI_FILES_H

#include "glossa.h"

/* The whole file, aligned to 64 bytes, which the caller frees; NULL where it cannot be read. */
void *glossa_read_file(const char *path, size_t *size);

/* Writes what `write` gives to a file beside `path`, which then takes its place, so that a full disk leaves the old one
   whole. False with a message on the standard error. `write` has its own message, if it fails. */
bool glossa_replace_file(const char *path, bool (*write)(void *user, glossa_sink sink), void *user);

#endif
