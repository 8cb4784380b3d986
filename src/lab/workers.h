/*
 * Threads that wait for work, and the turns by which what they made is put together in one order. Where there are no
 * threads, in WebAssembly, one worker does it all.
 */
#ifndef GLOSSA_WORKERS_H
#define GLOSSA_WORKERS_H

#include "base/base.h"

typedef struct glossa_workers glossa_workers;

/* At most `count` workers, the caller being one of them; fewer where threads cannot be had. NULL without memory. */
glossa_workers *glossa_workers_open(size_t count, const glossa_allocator *allocator);
void glossa_workers_close(glossa_workers *workers);

/* Processors of this machine. */
size_t glossa_processors(void);

size_t glossa_workers_count(const glossa_workers *workers);

/* Calls `work` with every worker's number, 0 on the caller's thread, and returns when all are done. Turns begin at 0.
 */
void glossa_workers_run(glossa_workers *workers, void (*work)(void *user, size_t worker), void *user);

/* Within `work`: waits until all turns before `turn` are over, and ends it. */
void glossa_workers_wait_for(glossa_workers *workers, size_t turn);
void glossa_workers_end_turn(glossa_workers *workers);

#endif
