/* How a thread hands blocks to its neighbour in a ring of threads: a place for one pointer each.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_MAILBOX_H
#define BENCH_MAILBOX_H

#include <sched.h>
#include <stdatomic.h>

#include "bench.h"

typedef struct mailbox {
    _Atomic(void *) letter;
} __attribute__((aligned(128))) mailbox_t;

enum { MAILBOX_SPINS = 1000 };

/* Looking again is cheapest while the neighbour runs; when it does not, it needs the processor. */
static inline void mailbox_pause(unsigned *looks) {
    if (++*looks % MAILBOX_SPINS == 0) sched_yield();
}

/* Release pairs with the acquire in mailbox_take: the blocks are seen as they were written. */
static inline void mailbox_give(mailbox_t *mailbox, void *letter) {
    unsigned looks = 0;
    while (atomic_load_explicit(&mailbox->letter, memory_order_acquire) != NULL) {
        mailbox_pause(&looks);
    }
    atomic_store_explicit(&mailbox->letter, letter, memory_order_release);
}

static inline void *mailbox_take(mailbox_t *mailbox) {
    unsigned looks = 0;
    void *letter;
    while ((letter = atomic_load_explicit(&mailbox->letter, memory_order_acquire)) == NULL) {
        mailbox_pause(&looks);
    }
    atomic_store_explicit(&mailbox->letter, NULL, memory_order_release);
    return letter;
}

/* Gives `letter` to the next seat of the ring and returns what the one before gave. A ring of one
 * gives to itself. */
static inline void *mailbox_exchange(mailbox_t *mailboxes, const bench_seat_t *seat, void *letter) {
    mailbox_give(&mailboxes[(seat->index + 1) % seat->count], letter);
    return mailbox_take(&mailboxes[seat->index]);
}

#endif
