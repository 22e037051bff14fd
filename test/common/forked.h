/* What a child of a fork does to show that its allocator is whole, whatever the threads of its
 * parent did at that moment.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_FORKED_H
#define EDDY_TEST_COMMON_FORKED_H

#include <pthread.h>

#include "common/sanitizer.h"
#include "common/sealed.h"

/* Hanging ends a child. */
enum { CHILD_SECONDS = 200 };

/* Of the points at which a fork is tried, where a child is dear. The other builds try them all. */
enum { POINTS_APART = SANITIZED ? 4 : 1 };

typedef void child_fn(void);

/* Once, before all forks. The thread sanitizer does not let the child of several threads start one,
 * Eddy's own included; and a thread that starts holds locks of the address sanitizer's, which its
 * child would wait for. */
static inline void child_prepare(void) {
    if (SANITIZED) eddy_option_set(EDDY_OPTION_SCAVENGER, 0);
}

static inline void child_live(child_fn *body) {
    alarm(CHILD_SECONDS);
    body();
    _exit(EXIT_SUCCESS);
}

static inline void fork_and_wait(child_fn *body) {
    pid_t child = fork();
    if (child == 0) child_live(body);
    child_wait(child);
}

/* Blocks of all kinds, all alive at once. */
static inline void *child_allocate(void *unused) {
    static const size_t sizes[] = {16, 64, 640, KIB, 3000, 20000, 100 * KIB};
    enum { OF_EACH = 30 };
    void *blocks[LENGTH(sizes) * OF_EACH];
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        size_t size = sizes[i % LENGTH(sizes)];
        blocks[i] = eddy_malloc(size);
        check(blocks[i] != NULL);
        seal(blocks[i], size);
    }
    for (size_t i = 0; i < LENGTH(blocks); i++) sealed_free(blocks[i]);
    return unused;
}

static atomic_bool child_thread_is_done;

static inline void *child_allocate_first(void *unused) {
    child_allocate(unused);
    atomic_store(&child_thread_is_done, true);
    return unused;
}

static inline void child_allocate_few(void) {
    enum { FEW = 24 };
    void *blocks[FEW];
    for (size_t i = 0; i < FEW; i++) blocks[i] = seal(eddy_malloc(48 * (i + 1)), 48 * (i + 1));
    for (size_t i = 0; i < FEW; i++) sealed_free(blocks[i]);
}

/* A thread of the child is the first to take a lock of Eddy there, while the one that forked is on
 * its fast paths, if it has called child_allocate_few before. */
static inline void child_allocate_in_two_threads(void) {
    pthread_t thread;
    atomic_store(&child_thread_is_done, false);
    check(pthread_create(&thread, NULL, child_allocate_first, NULL) == 0);
    while (!atomic_load(&child_thread_is_done)) child_allocate_few();
    check(pthread_join(thread, NULL) == 0);
    child_allocate(NULL);
}

#endif
