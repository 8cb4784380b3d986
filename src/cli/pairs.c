#include "cli/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/files.h"

static int complain(const char *text, const char *word) {
    fprintf(stderr, "glossa-native train: %s%s\n", text, word);
    return -1;
}

/* One of two files that belong together: of lines, or images and labels. */
static bool add_side(glossa_pair_files *pairs, const char *word, const char *path) {
    const bool held_out = !strncmp(word, "--valid", 7), labels = strstr(word, "labels") != NULL,
               images = labels || strstr(word, "images"), target = labels || strstr(word, "target");
    const char **sides = pairs->lines[2 * images + held_out];
    sides[target] = path;
    if (!sides[!target]) return true;
    const glossa_pair_file file = {.source = sides[0], .target = sides[1], .held_out = held_out, .images = images};
    sides[0] = sides[1] = NULL;
    return glossa_pairs_add_file(pairs, file);
}

int glossa_pair_option(glossa_pair_files *pairs, char **words, size_t count) {
    static const char *const options[] = {"--source",
                                          "--target",
                                          "--vocabulary-of",
                                          "--data",
                                          "--valid",
                                          "--source-lines",
                                          "--target-lines",
                                          "--valid-source-lines",
                                          "--valid-target-lines",
                                          "--images",
                                          "--labels",
                                          "--valid-images",
                                          "--valid-labels"};
    const char *word = words[0];
    size_t option = 0;
    while (option < sizeof options / sizeof *options && strcmp(word, options[option]) != 0)
        option++;
    if (option == sizeof options / sizeof *options) return 0;
    if (count < 2) return complain("a value is missing behind ", word);
    bool added = true;
    switch (option) {
    case 0:
        pairs->source = words[1];
        break;
    case 1:
        pairs->target = words[1];
        break;
    case 2:
        pairs->vocabulary = words[1];
        break;
    case 3:
    case 4:
        added = glossa_pairs_add_file(pairs, (glossa_pair_file){.source = words[1], .held_out = option == 4});
        break;
    default:
        added = add_side(pairs, word, words[1]);
    }
    return added ? 1 : complain("there are too many files of pairs: ", words[1]);
}

bool glossa_pairs_whole(const glossa_pair_files *pairs) {
    for (int i = 0; i < 8; i++)
        if (pairs->lines[i / 2][i % 2])
            return complain(i < 4 ? "the other side is missing of the lines of " : "images or labels are missing of ",
                            pairs->lines[i / 2][i % 2]) == 0;
    return true;
}

const char *glossa_pairs_keep_text(glossa_pair_files *pairs, const char *a, const char *b, const char *c,
                                   const char *d) {
    const size_t room = PAIR_TEXTS - pairs->texts_size;
    char *text = pairs->texts + pairs->texts_size;
    const int size = snprintf(text, room, "%s%s%s%s", a, b, c, d);
    if (size < 0 || (size_t)size >= room) return NULL;
    pairs->texts_size += (size_t)size + 1;
    return text;
}

bool glossa_pairs_add_file(glossa_pair_files *pairs, glossa_pair_file file) {
    if (pairs->count == MOST_PAIR_FILES) return false;
    pairs->files[pairs->count++] = file;
    return true;
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

/* Lines and the links of their words. */
static glossa_status add_linked(const glossa_pair_file *file, glossa_text source, glossa_text target,
                                glossa_lab_data *data, glossa_error *error) {
    const char *const names[] = {file->source, file->target, file->links, "out of memory for pairs"};
    void *third = NULL;
    glossa_text links, table;
    int shortest;
    if (!read_text(file->links, &third, &links)) return GLOSSA_ERROR_IO;
    char *joined = glossa_join_columns((const glossa_text[]){source, target, links}, &table.size, &shortest);
    table.data = joined;
    free(third);
    if (!joined) {
        complain(shortest < 3 ? "it has fewer lines than the files beside it: " : "", names[shortest]);
        return GLOSSA_ERROR_FORMAT;
    }
    const glossa_status status = glossa_lab_data_table(data, file->held_out, file->source, table, error);
    free(joined);
    return status;
}

static glossa_status add_texts(const glossa_pair_file *file, glossa_text source, glossa_text target,
                               const glossa_lab_config *config, glossa_lab_data *data, glossa_error *error) {
    if (file->links) return add_linked(file, source, target, data, error);
    if (file->images)
        return glossa_lab_data_idx(data, file->held_out, file->source, source, file->target, target, error);
    if (file->target)
        return glossa_lab_data_lines(data, file->held_out, file->source, source, file->target, target, error);
    if (glossa_lab_learns_from(config) == GLOSSA_LAB_TEXTS)
        return glossa_lab_data_texts(data, file->held_out, file->source, source, error);
    return glossa_lab_data_table(data, file->held_out, file->source, source, error);
}

static glossa_status add_file(const glossa_pair_file *file, const glossa_lab_config *config, glossa_lab_data *data,
                              glossa_error *error) {
    void *first = NULL, *second = NULL;
    glossa_text source, target = {NULL, 0};
    glossa_status status = GLOSSA_ERROR_IO;
    error->message[0] = 0;
    if (read_text(file->source, &first, &source) && (!file->target || read_text(file->target, &second, &target)))
        status = add_texts(file, source, target, config, data, error);
    free(first);
    free(second);
    return status;
}

static glossa_status read_data(const glossa_pair_files *pairs, const glossa_lab_config *config, glossa_lab_data **data,
                               glossa_error *error) {
    glossa_status status = glossa_lab_data_open(NULL, data, error);
    for (size_t i = 0; i < pairs->count && status == GLOSSA_OK; i++)
        status = add_file(&pairs->files[i], config, *data, error);
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
    glossa_status status = read_data(pairs, config, &data, &error);
    if (status == GLOSSA_OK)
        status = glossa_lab_open_pairs(config, data, pairs->source ? pairs->source : "und",
                                       pairs->target ? pairs->target : "und", vocabulary, size, NULL, lab, &error);
    free(vocabulary);
    return end(status, &error);
}

int glossa_attach_pairs(const glossa_pair_files *pairs, glossa_lab *lab) {
    glossa_error error;
    glossa_lab_data *data;
    glossa_status status = read_data(pairs, glossa_lab_configuration(lab), &data, &error);
    if (status == GLOSSA_OK) status = glossa_lab_attach(lab, data, &error);
    return end(status, &error);
}
