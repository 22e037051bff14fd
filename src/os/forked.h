/* Noticing, without a handler, that this process is the child of a fork: a word that the kernel
 * zeroes in every child, however it was made (fork, _Fork, clone). No lock is taken in a child
 * before what the vanished threads left behind is repaired; a child that only execs pays nothing.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_OS_FORKED_H
#define EDDY_OS_FORKED_H

#include "base/atomic.h"
#include "base/base.h"

enum { FORKED_CHILD = 0, FORKED_NOT = 1, FORKED_REPAIRING = 2 };

/* The largest page of the kernels for the processor. */
#if defined(__x86_64__)
enum { FORKED_PAGE_BYTES = 4 << 10 };
#else
enum { FORKED_PAGE_BYTES = 64 << 10 };
#endif

/* Alone in its kernel page. Until the first lock it says "child", too. */
typedef struct forked_page {
    _Alignas(FORKED_PAGE_BYTES) _Atomic uint32_t word;
} forked_page_t;

extern forked_page_t forked_page hidden_symbol;

/* From now on `repair` runs in each child, by its first thread that needs a lock, while the others
 * wait. It may not take a lock. Once, before a second thread uses Eddy. */
void forked_watch(void (*repair)(void));
/* From now on `child` runs in each child of a fork that runs handlers (_Fork and clone do not), by
 * the thread that forked. It may not take a lock. Once; may allocate. */
void forked_handle(void (*child)(void));
cold void forked_repair(void);

static inline void forked_check(void) {
    /* Acquire pairs with the release that ends forked_repair. */
    if (unlikely(load_acquire(&forked_page.word) != FORKED_NOT)) forked_repair();
}

#endif
