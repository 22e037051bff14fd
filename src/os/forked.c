/* SPDX-License-Identifier: MIT */
#include "os/forked.h"

#include <pthread.h>

#include "os/os.h"

static _Atomic uint32_t unwatched = FORKED_NOT;
_Atomic uint32_t *forked_word = &unwatched;
static void (*repair_function)(void);

/* Kernels before 4.14 do not wipe; then forks that run handlers are noticed, _Fork is not. */
static void mark_child(void) { store_relaxed(forked_word, FORKED_CHILD); }

void forked_watch(void (*repair)(void)) {
    repair_function = repair;
    _Atomic uint32_t *word = os_map(os_page_size());
    if (word == NULL || !os_wipe_on_fork(word, os_page_size())) {
        pthread_atfork(NULL, NULL, mark_child);
        return;
    }
    store_relaxed(word, FORKED_NOT);
    forked_word = word;
}

void forked_repair(void) {
    uint32_t child = FORKED_CHILD;
    if (swap_strong_acquire(forked_word, &child, FORKED_REPAIRING)) {
        repair_function();
        store_release(forked_word, FORKED_NOT);
    } else {
        while (load_acquire(forked_word) != FORKED_NOT) os_yield();
    }
}
