#include "cli/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/files.h"

#define MOST_TIMES 100

typedef struct reading {
    const char *path, *root;
    size_t folder; /* bytes of the path in front of the file's name */
    glossa_pair_files *pairs;
    bool *folders;
    bool guided; /* the config wants alignments */
} reading;

static int complain(const reading *r, const char *text, glossa_text what) {
    fprintf(stderr, "glossa-native train: %s: %s%.*s\n", r->path, text, SHOWN(what));
    return 1;
}

/* A string of the config, kept with the pairs; NULL where it is none or too long. */
static const char *keep(glossa_pair_files *pairs, glossa_text value) {
    char text[1024];
    if (glossa_json_kind_of(value) != JSON_STRING || !glossa_json_string(value, text, sizeof text)) return NULL;
    return glossa_pairs_keep_text(pairs, text, "", "", "");
}

static bool is_table(const char *name) {
    const size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".tsv") == 0;
}

/* One name among "train" or "valid", read so many times. */
static int add_file(const reading *r, glossa_text value, bool held_out, uint32_t times) {
    const char *name = keep(r->pairs, value);
    char folder[2048];
    if (!name || r->folder >= sizeof folder) return complain(r, "need the name of a file or a folder, have ", value);
    glossa_pair_file file = {.held_out = held_out};
    if (is_table(name)) {
        memcpy(folder, r->path, r->folder);
        folder[r->folder] = 0;
        file.source = glossa_pairs_keep_text(r->pairs, name[0] == '/' ? "" : folder, name, "", "");
    } else {
        const char *split = held_out ? "/valid." : "/train.";
        if (!r->root) return complain(r, "name the folder that holds this one with --data: ", value);
        if (!r->pairs->source || !r->pairs->target)
            return complain(r, "\"source\" and \"target\" are missing", (glossa_text){"", 0});
        if ((size_t)snprintf(folder, sizeof folder, "%s/%s", r->root, name) >= sizeof folder)
            return complain(r, "too long a name: ", value);
        file.source = glossa_pairs_keep_text(r->pairs, folder, split, r->pairs->source, "");
        file.target = glossa_pairs_keep_text(r->pairs, folder, split, r->pairs->target, "");
        if (r->guided && !held_out) file.links = glossa_pairs_keep_text(r->pairs, folder, "/train.align", "", "");
        if (!file.target || (r->guided && !held_out && !file.links)) return complain(r, "too many names, at ", value);
        *r->folders = true;
    }
    if (!file.source) return complain(r, "too many names, at ", value);
    for (; times > 0; times--)
        if (!glossa_pairs_add_file(r->pairs, file)) return complain(r, "too many files of pairs, at ", value);
    return 0;
}

/* A string, an array of them, or an object from folders to how often they are seen. */
static int add_files(const reading *r, glossa_text value, bool held_out) {
    glossa_text key, inner;
    const glossa_json_kind kind = glossa_json_kind_of(value);
    if (kind == JSON_STRING) return add_file(r, value, held_out, 1);
    if (kind != JSON_ARRAY && kind != JSON_OBJECT) return complain(r, "need files of pairs, have ", value);
    for (size_t at = 0; glossa_json_next(value, &at, &key, &inner);) {
        uint32_t times = 1;
        if (kind == JSON_OBJECT) {
            const double number = glossa_json_number(inner);
            times = number >= 1 && number <= MOST_TIMES ? (uint32_t)number : 0;
            if (times == 0 || (double)times != number)
                return complain(r, "pairs are seen a whole number of times from 1 to 100 in an epoch, not ", inner);
            inner = (glossa_text){key.data - 1, key.size + 2}; /* with its quotes */
        }
        const int status = add_file(r, inner, held_out, times);
        if (status) return status;
    }
    return 0;
}

static int read_count(const reading *r, glossa_text value, uint32_t least, uint32_t *out) {
    char text[64] = "x", *end;
    if (value.size < sizeof text) memcpy(text, value.data, value.size), text[value.size] = 0;
    const unsigned long number = strtoul(text, &end, 10);
    if (*end || end == text || number < least || number > 1000000000)
        return complain(r, least ? "need a count of 1 or more, have " : "need a count, have ", value);
    *out = (uint32_t)number;
    return 0;
}

/* What is said of the languages, before the names of files are made with them; then the rest. */
static int read_members(const reading *r, glossa_text object, bool languages, glossa_training *training,
                        const char **from) {
    glossa_text key, value;
    int status = 0;
    for (size_t at = 0; status == 0 && glossa_json_next(object, &at, &key, &value);) {
        const bool source = glossa_json_is(key, "source"), target = glossa_json_is(key, "target");
        if (source || target) {
            const char **place = source ? &r->pairs->source : &r->pairs->target;
            if (languages && !(*place = keep(r->pairs, value))) status = complain(r, "need one language, have ", value);
            continue;
        }
        if (languages) continue;
        if (glossa_json_is(key, "train"))
            status = add_files(r, value, false);
        else if (glossa_json_is(key, "valid"))
            status = add_files(r, value, true);
        else if (glossa_json_is(key, "log_every"))
            status = read_count(r, value, 0, &training->log_every);
        else if (glossa_json_is(key, "validate_every"))
            status = read_count(r, value, 1, &training->every);
        else if (glossa_json_is(key, "bleu_lines"))
            status = read_count(r, value, 0, &training->scored);
        else if (glossa_json_is(key, "vocabulary_of") && !(r->pairs->vocabulary = keep(r->pairs, value)))
            status = complain(r, "need the name of a checkpoint, have ", value);
        else if (glossa_json_is(key, "from") && !(*from = keep(r->pairs, value)))
            status = complain(r, "need the name of a checkpoint, have ", value);
    }
    return status;
}

int glossa_read_config(const char *path, const char *root, glossa_lab_config *config, glossa_pair_files *pairs,
                       glossa_training *training, const char **from, bool *folders) {
    glossa_error error;
    glossa_text json;
    char *text = glossa_read_file(path, &json.size);
    const char *slash = strrchr(path, '/');
    reading r = {path, root, slash ? (size_t)(slash + 1 - path) : 0, pairs, folders, false};
    json.data = text;
    if (!text) return complain(&r, "cannot be read", (glossa_text){"", 0});
    int status = 0;
    if (glossa_lab_configure(config, json, &error)) status = complain(&r, error.message, (glossa_text){"", 0});
    r.guided = config->guided > 0;
    if (status == 0) status = read_members(&r, glossa_json_trim(json), true, training, from);
    if (status == 0) status = read_members(&r, glossa_json_trim(json), false, training, from);
    free(text);
    return status;
}
