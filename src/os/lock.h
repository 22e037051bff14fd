/* A lock for short sections: one atomic operation when nobody waits, a futex otherwise.
 *
 * Every lock has a rank, and a thread takes locks only in rising rank (debug builds check it):
 *   FIRST_CLASS  a first-class heap's list of sub-heaps
 *   HEAP         a heap's page lists and the state of its pages. Two heaps at once only by
 *                lock_try for the second.
 *   IDLE         the pages taken from running owners that wait for a barrier
 *   REGISTRY     the list of all heaps; the pools of free records and sub-heaps
 *   SPAN         the free spans, regions, and the kinds of slices
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_OS_LOCK_H
#define EDDY_OS_LOCK_H

#include "os/forked.h"
#include "os/os.h"

typedef enum lock_rank {
    RANK_FIRST_CLASS = 1,
    RANK_HEAP,
    RANK_IDLE,
    RANK_REGISTRY,
    RANK_SPAN
} lock_rank_t;

/* word: 0 free, 1 held, 2 held and somebody waits. */
typedef struct lock {
    _Atomic uint32_t word;
    uint32_t rank;
} lock_t;

#define LOCK_INIT(lock_rank)                                                                       \
    { 0, lock_rank }

void lock_init(lock_t *lock, lock_rank_t rank);
cold void lock_wait(lock_t *lock);
cold void lock_wake(lock_t *lock);

#if defined(EDDY_DEBUG) && EDDY_DEBUG
void lock_rank_push(const lock_t *lock, bool tried);
void lock_rank_pop(const lock_t *lock);
#else
static inline void lock_rank_push(const lock_t *lock, bool tried) { (void)lock, (void)tried; }
static inline void lock_rank_pop(const lock_t *lock) { (void)lock; }
#endif

/* Acquire pairs with the release in lock_release of the holder before. */
static inline bool lock_try(lock_t *lock) {
    forked_check();
    uint32_t unheld = 0;
    if (!swap_strong_acquire(&lock->word, &unheld, 1)) return false;
    lock_rank_push(lock, true);
    return true;
}

static inline void lock_acquire(lock_t *lock) {
    forked_check();
    uint32_t unheld = 0;
    if (unlikely(!swap_strong_acquire(&lock->word, &unheld, 1))) lock_wait(lock);
    lock_rank_push(lock, false);
}

/* Release pairs with the acquire of the next holder. */
static inline void lock_release(lock_t *lock) {
    lock_rank_pop(lock);
    schedule_point();
    if (unlikely(atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)) {
        lock_wake(lock);
    }
}

#endif
