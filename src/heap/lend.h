/* Who looks through the pages of a running owner's heap, and has its lock meanwhile, lends the
 * owner some of those that the heap retains: so a steady burst neither waits for that nor takes
 * memory. Both sides swap a lent page out of its place, so one of them gets it.
 *
 * Invariant: pages are lent only while the lock is held, by who holds it. They are retained by
 * state and count, but in no list. One that the owner took is in late.slices, and retained_slices
 * still counts it until the lending ends.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_LEND_H
#define EDDY_HEAP_LEND_H

#include "heap/heap.h"

/* What is lent, as the lender remembers it: it may not look at a page that the owner took. */
typedef struct loan {
    unsigned count;
    size_t slices[LATE_PAGES];
} loan_t;

/* Lend up to LATE_PAGES pages that were not shortened, of each class first the one that the owner
 * would take first. Under the lock; nothing when the owner itself has it, or the heap is dead. */
void lend_begin(heap_t *heap, loan_t *loan);
/* Take back what the owner did not take, to where it was: before the lock is released, and before
 * retained pages are counted or released. A second call does nothing. */
void lend_end(heap_t *heap, loan_t *loan);

/* A lent page of the class, or one of as many slices made anew; NULL when there is none. The owner,
 * without the lock; it has still to count the page in. */
page_t *lend_take(heap_t *heap, unsigned size_class);

/* In the child of a fork: nothing is lent. */
void lend_forget(heap_t *heap);

#endif
