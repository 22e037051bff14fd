/* Pages without a live block whose owner has not noticed, because another thread freed the last
 * one: found and taken in steps of a few pages, each under the heap's lock, so that an owner never
 * waits for long.
 *
 * A page is taken only when it stays so from one round to the next: an owner that goes on
 * allocating collects it before that (page_collect). Of the page's fields, guarded by the heap's
 * lock:
 *   looked_at     the round that saw the page last
 *   empty_since   the round that first found it without a live block, or 0. The owner clears it
 *                 when it sees what was freed: when it collects from its current page, which is in
 *                 no list, or retires the page.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_IDLE_H
#define EDDY_HEAP_IDLE_H

#include "heap/heap.h"

/* Whether no block of the page is live but the `tokens` that the caller knows. Under the heap's
 * lock. See page.h for why this is safe beside an owner that takes no lock. Ordered: pairs with
 * page_give, whose last user's work is seen, and which looks at the heap's state afterwards. */
static inline bool idle_is_empty(page_t *page, uint32_t tokens) {
    /* Only who holds the lock makes a page one of these two, or one of them another. */
    page_view_t view = page_peek(page);
    if (view.state != PAGE_PARTIAL && view.state != PAGE_FULL) return false;
    uint32_t in_use = page_in_use(view.state, view.used, view.block_limit);
    return in_use == pending_count(load_ordered(&page->thread_free)) + tokens;
}

/* Take such a page out of the heap. Under the heap's lock. */
void idle_detach(heap_t *heap, page_t *page, list_t *detached);
/* Free the spans of pages that were detached: without the lock, but for what an owner retains above
 * the option. What was written to them is ordered before: they are of the caller's own heap, or of
 * one without an owner; or retained, by their owner under the lock or by others after a barrier
 * (idle_retire); or a barrier has followed. */
void idle_free(list_t *detached);
/* The same for pages of running owners, and for those left before: false when the kernel refuses
 * the barrier that this needs. Then they are left for the next call. */
bool idle_free_taken(list_t *detached);
/* Only those left before. */
void idle_free_left(void);
/* In the child of a fork. */
void idle_repair(void);

/* One look at all heaps. */
typedef struct idle_round {
    uint32_t number; /* never 0, never used before */
    bool at_once;    /* take pages the first time they are found empty */
    bool retires;    /* what is detached is to retire, not to be released */
    list_t *detached;
    bool aging;   /* some are empty, but not for long enough */
    bool waiting; /* some may be emptied without a trace: frees of other threads wait beside live
                   * blocks, or the owner has counted the page out before */
} idle_round_t;

/* Detach those of the next few tokens of a heap, from heap->token_at on; false at the last. A page
 * that stays keeps its token for the owner, who alone may list it; that of a page which has gone to
 * another heap goes there. Under the heap's lock. */
bool idle_sweep_tokens(heap_t *heap, idle_round_t *round);
/* Detach those of the pages that the owner counted out without the lock (heap/late.h): no list that
 * is looked at shows the full ones. Under the heap's lock. */
void idle_sweep_late(heap_t *heap, idle_round_t *round);
/* Have some pages retire that other threads emptied, of a heap whose owner runs, because the heap
 * `taker` of the caller, the same or another, needs memory now: true when any did, or became free.
 * Never waits for long. */
bool idle_retire(heap_t *heap, heap_t *taker);
/* Detach the idle pages of a heap. Gives up when the lock is always held. */
void idle_sweep(heap_t *heap, idle_round_t *round);

#endif
