/* What an owner does without its heap's lock, while another thread holds it, and what it has to do
 * later: with the lock, before it does anything else with that.
 *
 * Two kinds of pages are late:
 *   spent    were current and are used up; not listed yet. They stay PAGE_CURRENT, which nobody but
 *            the owner touches. Those that get blocks back are taken as current once more.
 *   counted  count down to 0: full ones, which are worth listing again, and emptied ones, which
 *            retire. They stand in their lists. So another thread may take one that is empty, and
 *            its span may be anything by now: which of this is to be done, its state tells.
 *
 * Pages taken meanwhile are in use, but `demand` does not count them yet.
 *
 * When the owner goes to sleep before it has the lock again, those counted out are given back all
 * the same (idle_sweep_late). Those spent are like current ones: at most LATE_PAGES that are not.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_LATE_H
#define EDDY_HEAP_LATE_H

#include "heap/heap.h"

/* ---- by the owner, without the lock ---- */

/* Whether one more page may be spent. */
static inline bool late_may_spend(const heap_t *heap) {
    return heap->late.spent_count < LATE_PAGES;
}
/* A current page, or page_empty, is used up. The caller makes another one current. */
void late_spend(heap_t *heap, page_t *page);
/* Make a spent page of the class current that has blocks again, in exchange for the current one;
 * NULL when there is none. */
page_t *late_take_spent(heap_t *heap, unsigned size_class);
/* Whether the page is current, or spent: from what the owner alone writes. */
bool late_is_current(const heap_t *heap, const page_t *page);
/* A page is in use from now on. */
void late_count_in(heap_t *heap, page_t *page);
/* A page has counted out. Waits for the lock when too many have. */
cold void late_count_out(heap_t *heap, page_t *page);

/* ---- under the lock ---- */

/* Do all of it: the owner, or anybody while it rests. */
cold void late_settle(heap_t *heap);
/* The i-th page counted out, if it still is the heap's; by anyone. */
page_t *late_counted(heap_t *heap, unsigned i);

/* In the child of a fork: the owner is gone. Its pages are settled by their descriptors. */
void late_forget(heap_t *heap);

#endif
