/*
 * How a C program uses Glossa: one model, one session, one sentence.
 *
 *     cc example.c $(pkg-config --cflags --libs glossa) -o example && ./example en-de.gguf "A dog runs."
 */
#include <glossa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole file in memory, which malloc aligns to 16 bytes as glossa_model_open asks; NULL if it cannot be read. */
static void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    void *bytes = NULL;
    if (!fseek(file, 0, SEEK_END)) {
        const long end = ftell(file);
        rewind(file);
        if (end > 0) bytes = malloc((size_t)end);
        if (bytes && fread(bytes, 1, (size_t)end, file) != (size_t)end) {
            free(bytes);
            bytes = NULL;
        }
        *size = end > 0 ? (size_t)end : 0;
    }
    fclose(file);
    return bytes;
}

static glossa_status translate(const glossa_model *model, const char *sentence, glossa_error *error) {
    glossa_session *session;
    glossa_status status = glossa_session_open(model, NULL, &session, error);
    if (status) return status;

    const glossa_text text = {sentence, strlen(sentence)};
    glossa_progress progress = {0};
    status = glossa_begin(session, &text, 1, NULL, error);
    while (!status && !progress.done)
        status = glossa_step(session, &progress, error); /* between two steps a program may stop, or stream */

    glossa_hypothesis best;
    if (!status) status = glossa_result(session, 0, 0, &best, error);
    if (!status) {
        printf("%.*s\n", (int)best.text.size, best.text.data);
        for (size_t i = 0; i < best.count; i++) {
            const glossa_token token = best.tokens[i];
            printf("%8.3f  %.*s\n", (double)best.log_probability[i], (int)(token.end - token.begin),
                   best.text.data + token.begin);
        }
    }
    glossa_session_close(session);
    return status;
}

int main(int count, char **words) {
    if (count != 3) {
        fprintf(stderr, "usage: %s MODEL.gguf \"A sentence.\"\n", words[0]);
        return 2;
    }
    size_t size = 0;
    void *bytes = read_file(words[1], &size);
    if (!bytes) {
        perror(words[1]);
        return 1;
    }
    glossa_model *model;
    glossa_error error;
    glossa_status status = glossa_model_open(bytes, size, NULL, &model, &error);
    if (!status) status = translate(model, words[2], &error);
    if (status) fprintf(stderr, "%s: %s\n", glossa_status_text(status), error.message);
    glossa_model_close(model); /* before the bytes that it borrows */
    free(bytes);
    return status ? 1 : 0;
}
