/*
 * glossa-native train: the lab's command.
 */
#ifndef GLOSSA_CLI_TRAIN_H
#define GLOSSA_CLI_TRAIN_H

/* Runs the command with the words behind its name; the exit status. */
int glossa_train(int count, char **words);

#endif
