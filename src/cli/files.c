#define _POSIX_C_SOURCE 200809L

#include "cli/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *glossa_read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    void *bytes = NULL;
    long length = -1;
    if (file && fseek(file, 0, SEEK_END) == 0) length = ftell(file);
    if (length >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        bytes = aligned_alloc(64, ((size_t)length + 64) / 64 * 64);
        if (bytes && fread(bytes, 1, (size_t)length, file) != (size_t)length) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (file) fclose(file);
    *size = bytes ? (size_t)length : 0;
    return bytes;
}

static bool write_bytes(void *user, const void *bytes, size_t size) {
    return fwrite(bytes, 1, size, user) == size;
}

bool glossa_replace_file(const char *path, bool (*write)(void *user, glossa_sink sink), void *user) {
    char part[4096];
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part) {
        fprintf(stderr, "glossa-native: the name is too long: %s\n", path);
        return false;
    }
    FILE *file = fopen(part, "wb");
    if (!file) {
        fprintf(stderr, "glossa-native: cannot write %s: %s\n", part, strerror(errno));
        return false;
    }
    const bool written = write(user, (glossa_sink){write_bytes, file});
    bool kept = fflush(file) == 0 && fsync(fileno(file)) == 0;
    kept = fclose(file) == 0 && kept;
    if (written && kept && rename(part, path) == 0) return true;
    remove(part);
    fprintf(stderr, "glossa-native: %s was not written; what was there before stays\n", path);
    return false;
}
