/* Retained pages: without a live block, kept with their lists built, as many as the demand allows.
 * All of it under the heap's lock.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_RETAIN_H
#define EDDY_HEAP_RETAIN_H

#include "heap/heap.h"

/* More is retained than heap->retained_noted. */
cold void heap_bound_retained(heap_t *heap);
/* A retained page of another class with as many slices, made anew; NULL when there is none. */
cold page_t *heap_remake_retained(heap_t *heap, unsigned size_class);
/* Have the option in force that says how much may be retained. */
void heap_read_retain_limit(heap_t *heap);

/* Keep a page that has no live block. It stands in no list, and is not in use. */
static always_inline void heap_keep(heap_t *heap, page_t *page, size_t slices) {
    page->state = PAGE_RETAINED;
    store_relaxed(&page->owner, NULL);
    list_push_first(&heap->retained[page->size_class], &page->link);
    size_t retained = load_relaxed(&heap->retained_slices) + slices;
    store_relaxed(&heap->retained_slices, retained);
    if (unlikely(retained > heap->retained_noted)) heap_bound_retained(heap);
}

/* A page without a live block leaves its list and is kept. */
static always_inline void heap_retire(heap_t *heap, page_t *page) {
    list_remove(&page->link);
    store_relaxed(&page->has_interior, false);
    page->empty_since = 0;
    count_by(&heap->counters.pages_retired, 1);
    size_t slices = span_slices(page);
    demand_fall(&heap->demand, slices);
    heap_keep(heap, page, slices);
}

/* Take a retained page out of its list; it is in use from now on, by whoever takes it. */
static always_inline void heap_take_retained(heap_t *heap, page_t *page) {
    list_remove(&page->link);
    count_by(&heap->retained_slices, 0 - span_slices(page));
}

/* A retained page is about to serve: its list, when frees left it without order, is built anew. */
static always_inline void heap_straighten(heap_t *heap, page_t *page) {
    if (likely(!page_is_scattered(page))) return;
    page_straighten(page);
    add_relaxed(&heap->counters.straightened, 1);
}

/* A retained page of this class, its list in order; else one of another class. */
static always_inline page_t *heap_reuse_retained(heap_t *heap, unsigned size_class) {
    const list_t *same = &heap->retained[size_class];
    if (unlikely(list_is_empty(same))) {
        bool any = load_relaxed(&heap->retained_slices) != 0 && !ablated(ABLATE_REMAKE);
        return any ? heap_remake_retained(heap, size_class) : NULL;
    }
    page_t *page = page_of_link(list_first(same));
    heap_take_retained(heap, page);
    heap_straighten(heap, page);
    return page;
}

#endif
