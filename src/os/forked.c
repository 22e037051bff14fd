/* SPDX-License-Identifier: MIT */
#include "os/forked.h"

#include <pthread.h>

#include "os/os.h"

forked_page_t forked_page;
static void (*repair_function)(void), (*child_function)(void);
static bool wiped;

void forked_watch(void (*repair)(void)) {
    repair_function = repair;
    wiped = os_wipe_on_fork(&forked_page, sizeof forked_page);
}

/* Kernels before 4.14 do not wipe; then forks that run handlers are noticed, _Fork is not. */
static void begin_child(void) {
    child_function();
    if (!wiped) store_relaxed(&forked_page.word, FORKED_CHILD);
}

void forked_handle(void (*child)(void)) {
    child_function = child;
    pthread_atfork(NULL, NULL, begin_child);
}

void forked_repair(void) {
    uint32_t child = FORKED_CHILD;
    /* One thread of the child repairs. Release pairs with the acquire of those that wait, here and
     * in forked_check: they see the repaired state. */
    if (swap_strong_acquire(&forked_page.word, &child, FORKED_REPAIRING)) {
        if (repair_function != NULL) repair_function();
        store_release(&forked_page.word, FORKED_NOT);
    } else {
        while (load_acquire(&forked_page.word) != FORKED_NOT) os_yield();
    }
}
