/* A process that brings its own mimalloc, while libeddy.so is preloaded: what mimalloc hands out is
 * mimalloc's, what malloc hands out is Eddy's, on every thread, and each frees its own.
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mimalloc.h"

typedef void *heap_of_t(const void *block);
static heap_of_t *eddy_heap_of;

enum { THREADS = 4, ROUNDS = 20000, SLOTS = 128 };

static void require(bool condition, const char *what) {
    if (condition) return;
    fprintf(stderr, "own_mimalloc: %s\n", what);
    exit(1);
}

static void *work(void *argument) {
    (void)argument;
    char *slots[SLOTS][2] = {{0}};
    for (size_t i = 0; i < ROUNDS; i++) {
        char **slot = slots[i * 7 % SLOTS];
        size_t size = 1 + i * 31 % 3000;
        mi_free(slot[0]);
        free(slot[1]);
        slot[0] = mi_malloc(size);
        slot[1] = malloc(size);
        memset(slot[0], 1, size);
        memset(slot[1], 2, size);
        require(eddy_heap_of(slot[0]) == NULL, "a block of mimalloc is Eddy's");
        require(eddy_heap_of(slot[1]) != NULL, "a block of malloc is not Eddy's");
        slot[0] = mi_realloc(slot[0], 2 * size);
        slot[1] = realloc(slot[1], 2 * size);
        require(slot[0][size - 1] == 1 && slot[1][size - 1] == 2, "contents are lost");
    }
    for (size_t i = 0; i < SLOTS; i++) {
        mi_free(slots[i][0]);
        free(slots[i][1]);
    }
    return NULL;
}

int main(void) {
    *(void **)&eddy_heap_of = dlsym(RTLD_DEFAULT, "eddy_heap_of");
    require(eddy_heap_of != NULL, "libeddy.so is not preloaded");
    require(mi_version() != MI_MALLOC_VERSION, "mi_version is Eddy's");
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
