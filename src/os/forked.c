/* SPDX-License-Identifier: MIT */
#include "os/forked.h"

#include <pthread.h>

#include "os/os.h"

forked_page_t forked_page;
static void (*repair_function)(void), (*child_function)(void);
static bool wiped;

/* Kernels before 4.14 do not wipe; then forks that run handlers are noticed, _Fork is not. */
static void begin_child(void) {
    child_function();
    if (!wiped) store_relaxed(&forked_page.word, FORKED_CHILD);
}

void forked_watch(void (*child)(void), void (*repair)(void)) {
    child_function = child;
    repair_function = repair;
    wiped = os_wipe_on_fork(&forked_page, sizeof forked_page);
    pthread_atfork(NULL, NULL, begin_child);
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
