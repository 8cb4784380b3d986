#include "cli/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files.h"

static int complain(const char *text, const char *word) {
    fprintf(stderr, "glossa-native train: %s%s\n", text, word);
    return -1;
}

int glossa_pair_option(glossa_pair_files *pairs, char **words, size_t count) {
    const char *word = words[0];
    const bool source = !strcmp(word, "--source"), target = !strcmp(word, "--target"),
               vocabulary = !strcmp(word, "--vocabulary-of"), text = source || target || vocabulary;
    const bool held_out = !strncmp(word, "--valid", 7);
    const bool table = !strcmp(word, "--data") || !strcmp(word, "--valid");
    const bool lines = !strcmp(word, "--lines") || !strcmp(word, "--valid-lines");
    if (!text && !table && !lines) return 0;
    if (count < (lines ? 3 : 2)) return complain("a file is missing behind ", word);
    if (text) {
        if (source) pairs->source = words[1];
        if (target) pairs->target = words[1];
        if (vocabulary) pairs->vocabulary = words[1];
        return 1;
    }
    if (pairs->count == MOST_PAIR_FILES) return complain("there are too many files of pairs: ", words[1]);
    pairs->files[pairs->count++] = (glossa_pair_file){words[1], lines ? words[2] : NULL, held_out};
    return lines ? 2 : 1;
}

bool glossa_pairs_given(const glossa_pair_files *pairs) {
    return pairs->count > 0;
}

static bool read_text(const char *path, void **bytes, glossa_text *text) {
    *bytes = glossa_read_file(path, &text->size);
    text->data = *bytes;
    if (!*bytes) complain("cannot read ", path);
    return *bytes != NULL;
}

static glossa_status add_file(const glossa_pair_file *file, glossa_lab_data *data, glossa_error *error) {
    void *first = NULL, *second = NULL;
    glossa_text source, target;
    glossa_status status = GLOSSA_ERROR_IO;
    error->message[0] = 0;
    if (read_text(file->source, &first, &source) && (!file->target || read_text(file->target, &second, &target)))
        status = file->target
                     ? glossa_lab_data_lines(data, file->held_out, file->source, source, file->target, target, error)
                     : glossa_lab_data_table(data, file->held_out, file->source, source, error);
    free(first);
    free(second);
    return status;
}

static glossa_status read_data(const glossa_pair_files *pairs, glossa_lab_data **data, glossa_error *error) {
    glossa_status status = glossa_lab_data_open(NULL, data, error);
    for (size_t i = 0; i < pairs->count && status == GLOSSA_OK; i++)
        status = add_file(&pairs->files[i], *data, error);
    if (status != GLOSSA_OK) glossa_lab_data_close(*data);
    return status;
}

static int end(glossa_status status, const glossa_error *error) {
    if (status != GLOSSA_OK && error->message[0]) complain(error->message, "");
    return status != GLOSSA_OK;
}

int glossa_open_with_pairs(const glossa_pair_files *pairs, const glossa_lab_config *config, glossa_lab **lab) {
    glossa_error error;
    glossa_lab_data *data;
    size_t size = 0;
    void *vocabulary = NULL;
    glossa_text text;
    if (pairs->vocabulary && !read_text(pairs->vocabulary, &vocabulary, &text)) return 1;
    if (vocabulary) size = text.size;
    glossa_status status = read_data(pairs, &data, &error);
    if (status == GLOSSA_OK)
        status = glossa_lab_open_pairs(config, data, pairs->source ? pairs->source : "und",
                                       pairs->target ? pairs->target : "und", vocabulary, size, NULL, lab, &error);
    free(vocabulary);
    return end(status, &error);
}

int glossa_attach_pairs(const glossa_pair_files *pairs, glossa_lab *lab) {
    glossa_error error;
    glossa_lab_data *data;
    glossa_status status = read_data(pairs, &data, &error);
    if (status == GLOSSA_OK) status = glossa_lab_attach(lab, data, &error);
    return end(status, &error);
}
