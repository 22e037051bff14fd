/* SPDX-License-Identifier: MIT */
#include "os/forked.h"

#include <pthread.h>

#include "os/os.h"

forked_page_t forked_page;
static void (*repair_function)(void);

/* Kernels before 4.14 do not wipe; then forks that run handlers are noticed, _Fork is not. */
static void mark_child(void) { store_relaxed(&forked_page.word, FORKED_CHILD); }

void forked_watch(void (*repair)(void)) {
    repair_function = repair;
    if (!os_wipe_on_fork(&forked_page, sizeof forked_page)) pthread_atfork(NULL, NULL, mark_child);
}

void forked_repair(void) {
    uint32_t child = FORKED_CHILD;
    if (swap_strong_acquire(&forked_page.word, &child, FORKED_REPAIRING)) {
        if (repair_function != NULL) repair_function();
        store_release(&forked_page.word, FORKED_NOT);
    } else {
        while (load_acquire(&forked_page.word) != FORKED_NOT) os_yield();
    }
}
