/*
 * glossa-native constants and tensors: what code in other languages repeats of this library, as JSON, so that its tests
 * can hold it to one source.
 */
#ifndef GLOSSA_CLI_CONTRACT_H
#define GLOSSA_CLI_CONTRACT_H

/* Prints limits, numbers of statuses and types, and the words of keys; the exit status. */
int glossa_print_constants(void);

/*
 * Prints the tensor table of a network, in its order: name, shape (of a matrix [out, in]), whether the weights may be
 * int8, whether the tensor may be missing. The words behind the command's name are settings: encoder_layers=6
 * decoder_layers=6 width=512 feed_forward=2048 context=512 source=32000 target=32000, and, 0 or 1 or an index
 * of the choices that `constants` lists, norm=0 position=0 mixer=0 own_target=0 own_output=0.
 */
int glossa_print_tensors(int count, char **words);

#endif
