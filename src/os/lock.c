/* SPDX-License-Identifier: MIT */
#include "os/lock.h"

void lock_init(lock_t *lock, lock_rank_t rank) {
    store_relaxed(&lock->word, 0);
    lock->rank = rank;
}

/* The sections are a few dozen instructions, so a short spin mostly spares the system call. */
void lock_wait(lock_t *lock) {
    enum { SPINS = 64 };
    for (int i = 0; i < SPINS; i++) {
        uint32_t unheld = 0;
        if (load_relaxed(&lock->word) == 0 && swap_strong_acquire(&lock->word, &unheld, 1)) return;
    }
    while (exchange_acquire(&lock->word, 2) != 0) os_wait(&lock->word, 2, -1);
}

void lock_wake(lock_t *lock) { os_wake_one(&lock->word); }

#if defined(EDDY_DEBUG) && EDDY_DEBUG
enum { HELD_MAX = 8 };
static _Thread_local const lock_t *held[HELD_MAX];
static _Thread_local unsigned held_count;

void lock_rank_push(const lock_t *lock, bool tried) {
    if (!tried && held_count > 0) assert_always(held[held_count - 1]->rank < lock->rank);
    assert_always(held_count < HELD_MAX);
    held[held_count++] = lock;
}

void lock_rank_pop(const lock_t *lock) {
    unsigned at = held_count;
    while (at > 0 && held[at - 1] != lock) at--;
    assert_always(at > 0);
    for (; at < held_count; at++) held[at - 1] = held[at];
    held_count--;
}
#endif
