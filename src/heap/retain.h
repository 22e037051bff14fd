/* Retained pages: without a live block, kept with their lists built, as many as the demand allows.
 *
 * They are also what the owner goes on with while another thread holds the heap's lock. Those of a
 * class are a stack, linked by page->below. Invariants:
 *  - Who puts a page on it has the lock. Who takes the first one has it too, or is the owner: so
 *    two threads are at a stack at most. With the lock the owner is alone, and writes plainly; in
 *    all other cases (`_beside`) words are swapped.
 *  - A page that another thread took comes back to the heap through its owner alone. So one that
 *    the owner finds still the first was there all the time, and what is below it, too.
 *  - Beside another, a page is counted in retained_slices before it is there, and until it was
 *    taken: it never falls below 0.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_RETAIN_H
#define EDDY_HEAP_RETAIN_H

#include "heap/heap.h"

/* More is retained than heap->retained_noted. Under the lock. */
cold void heap_bound_retained(heap_t *heap);
/* Have the option in force that says how much may be retained. Under the lock. */
void heap_read_retain_limit(heap_t *heap);

/* Keep a page that has no live block, is retained by its state and stands in no list. Under the
 * lock, beside the owner. */
void heap_keep_beside(heap_t *heap, page_t *page);
/* Take a page of the class, or one of as many slices: in use from now on, by whoever takes it, who
 * makes it ready. NULL when there is none. By the owner, or under the lock. */
cold page_t *heap_take_beside(heap_t *heap, unsigned size_class);

/* Bursts of no more blocks than these stay in the nearest caches, where to walk them in any order
 * costs less than to link them anew (docs/evidence.md, "Few blocks"). A burst needs one page beside
 * what was ever retained; all of them count as if they were like this one. More pages than these
 * hold few blocks only if those are larger than 4 KiB, for which either order serves. */
enum { FEW_BLOCKS = 128, FEW_PAGES = 8 };
static inline bool heap_has_few_blocks(const heap_t *heap, const page_t *page) {
    size_t retained = load_relaxed(&heap->retained_peak);
    return retained < FEW_PAGES && (retained + 1) * page->capacity <= FEW_BLOCKS &&
           !ablated(ABLATE_FEW);
}

/* A page is the heap's by now: its list, when frees left it without order, is built anew. */
static always_inline void heap_straighten(heap_t *heap, page_t *page) {
    if (likely(!page_is_scattered(page))) return;
    if (unlikely(heap_has_few_blocks(heap, page)) && page->free != NULL) return;
    page_straighten(page);
    count_by(&heap->counters.straightened, 1);
}

/* One that was retained serves the class. Owner only. */
static inline void heap_make_ready(heap_t *heap, page_t *page, unsigned size_class) {
    count_by(&heap->counters.pages_reused, 1);
    if (page->size_class == size_class) {
        heap_straighten(heap, page);
    } else {
        page_remake(page, heap, size_class);
    }
}

/* ---- by the owner with the lock, or while it rests ---- */

/* A page without a live block leaves its list and is kept. */
static always_inline void heap_retire(heap_t *heap, page_t *page) {
    list_remove(&page->link);
    store_relaxed(&page->has_interior, false);
    page->empty_since = 0;
    count_by(&heap->counters.pages_retired, 1);
    page->state = PAGE_RETAINED;
    store_relaxed(&page->owner, NULL);
    _Atomic(page_t *) *first = &heap->retained[page->size_class];
    page_t *below = load_relaxed(first);
    store_relaxed(&page->below, below);
    store_relaxed(first, page);
    size_t slices = span_slices(page);
    demand_fall(&heap->demand, slices);
    size_t retained = load_relaxed(&heap->retained_slices) + slices;
    store_relaxed(&heap->retained_slices, retained);
    if (unlikely(retained > heap->retained_noted)) heap_bound_retained(heap);
}

/* A retained page of the class, its list in order; else one of another class. */
static always_inline page_t *heap_reuse_retained(heap_t *heap, unsigned size_class) {
    _Atomic(page_t *) *first = &heap->retained[size_class];
    page_t *page = load_relaxed(first);
    if (likely(page != NULL)) {
        page_t *below = load_relaxed(&page->below);
        store_relaxed(first, below);
        count_by(&heap->retained_slices, 0 - span_slices(page));
    } else {
        page = heap_take_beside(heap, size_class);
        if (page == NULL) return NULL;
    }
    heap_make_ready(heap, page, size_class);
    return page;
}

#endif
