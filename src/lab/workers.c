#define _POSIX_C_SOURCE 200809L

#include "lab/workers.h"

#if defined(__wasm__)

struct glossa_workers {
    glossa_allocator allocator;
};

glossa_workers *glossa_workers_open(size_t count, const glossa_allocator *allocator) {
    (void)count;
    glossa_workers *workers = glossa_allocate(allocator, 1, sizeof *workers);
    if (workers) workers->allocator = *allocator;
    return workers;
}

size_t glossa_processors(void) {
    return 1;
}

void glossa_workers_close(glossa_workers *workers) {
    if (!workers) return;
    const glossa_allocator allocator = workers->allocator;
    glossa_release(&allocator, workers);
}

size_t glossa_workers_count(const glossa_workers *workers) {
    (void)workers;
    return 1;
}

void glossa_workers_run(glossa_workers *workers, void (*work)(void *user, size_t worker), void *user) {
    (void)workers;
    work(user, 0);
}

void glossa_workers_wait_for(glossa_workers *workers, size_t turn) {
    (void)workers, (void)turn;
}

void glossa_workers_end_turn(glossa_workers *workers) {
    (void)workers;
}

#else
#include <pthread.h>
#include <unistd.h>

size_t glossa_processors(void) {
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (size_t)count : 1;
}

typedef struct thread {
    pthread_t handle;
    struct glossa_workers *workers;
    size_t number;
} thread;

struct glossa_workers {
    glossa_allocator allocator;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    thread *threads; /* (count - 1) of the workers 1 and on */
    size_t count;
    void (*work)(void *user, size_t worker);
    void *user;
    size_t call;    /* how often work was given */
    size_t running; /* threads that are not done with it */
    size_t turn;
    bool closing;
};

static void *serve(void *argument) {
    const thread *self = argument;
    glossa_workers *w = self->workers;
    size_t seen = 0;
    pthread_mutex_lock(&w->mutex);
    for (;;) {
        while (w->call == seen && !w->closing)
            pthread_cond_wait(&w->changed, &w->mutex);
        if (w->closing) break;
        seen = w->call;
        pthread_mutex_unlock(&w->mutex);
        w->work(w->user, self->number);
        pthread_mutex_lock(&w->mutex);
        w->running--;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

glossa_workers *glossa_workers_open(size_t count, const glossa_allocator *allocator) {
    glossa_workers *w = glossa_allocate(allocator, 1, sizeof *w);
    if (!w) return NULL;
    w->allocator = *allocator;
    w->count = 1;
    w->threads = glossa_allocate(allocator, count, sizeof *w->threads);
    if (!w->threads) {
        glossa_release(allocator, w);
        return NULL;
    }
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    while (w->count < count) {
        thread *t = &w->threads[w->count - 1];
        *t = (thread){.workers = w, .number = w->count};
        if (pthread_create(&t->handle, NULL, serve, t) != 0) break;
        w->count++;
    }
    return w;
}

void glossa_workers_close(glossa_workers *w) {
    if (!w) return;
    pthread_mutex_lock(&w->mutex);
    w->closing = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    for (size_t i = 1; i < w->count; i++)
        pthread_join(w->threads[i - 1].handle, NULL);
    pthread_mutex_destroy(&w->mutex);
    pthread_cond_destroy(&w->changed);
    const glossa_allocator allocator = w->allocator;
    glossa_release(&allocator, w->threads);
    glossa_release(&allocator, w);
}

size_t glossa_workers_count(const glossa_workers *workers) {
    return workers->count;
}

void glossa_workers_run(glossa_workers *w, void (*work)(void *user, size_t worker), void *user) {
    pthread_mutex_lock(&w->mutex);
    w->work = work;
    w->user = user;
    w->turn = 0;
    w->running = w->count - 1;
    w->call++;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    work(user, 0);
    pthread_mutex_lock(&w->mutex);
    while (w->running > 0)
        pthread_cond_wait(&w->changed, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
}

void glossa_workers_wait_for(glossa_workers *w, size_t turn) {
    pthread_mutex_lock(&w->mutex);
    while (w->turn < turn)
        pthread_cond_wait(&w->changed, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
}

void glossa_workers_end_turn(glossa_workers *w) {
    pthread_mutex_lock(&w->mutex);
    w->turn++;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
}

#endif
