/*
 * The configuration of glossa-native train as a JSON file: settings of the lab, files of pairs, and what the command
 * does beside; the recipes' own files are of this form.
 */
#ifndef GLOSSA_CLI_CONFIG_H
#define GLOSSA_CLI_CONFIG_H

#include "cli/pairs.h"
#include "cli/training.h"

/*
 * Reads a config: sets `config`, adds to `pairs`, changes `training`. "train" and "valid" name tables of pairs (*.tsv),
 * beside the config's file, or folders of `root` with train.en, train.de, valid.en, ... in them, whose lines are read
 * as often as the config says; *folders is true where there was one. An exit status after a complaint.
 */
int glossa_read_config(const char *path, const char *root, glossa_lab_config *config, glossa_pair_files *pairs,
                       glossa_training *training, const char **from, bool *folders);

#endif
