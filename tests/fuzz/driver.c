/*
 * Runs a fuzz target once over each file that is named, or lies in a folder that is named: the corpus as a plain test,
 * with any compiler. Exit status 0 where every input was survived, 2 where there was none.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

/* What libFuzzer offers to mutators, which do not run here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) {
    (void)data, (void)most;
    return size;
}

static int run_file(const char *path) {
    enum { MOST = 1 << 24 };
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(MOST);
    int done = 0;
    if (file && bytes) {
        const size_t size = fread(bytes, 1, MOST, file);
        printf("%s (%zu bytes)\n", path, size);
        fflush(stdout); /* so that the last line names the input that it failed on */
        LLVMFuzzerTestOneInput(bytes, size);
        done = 1;
    }
    free(bytes);
    if (file) fclose(file);
    return done;
}

static int run_folder(const char *path, DIR *folder) {
    int done = 0;
    char name[4096];
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        done += run_file(name);
    }
    return done;
}

int main(int argc, char **argv) {
    int done = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        done += folder ? run_folder(argv[i], folder) : run_file(argv[i]);
        if (folder) closedir(folder);
    }
    printf("%d inputs\n", done);
    return done > 0 ? 0 : 2;
}
