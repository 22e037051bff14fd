/* A page between current, partial and full: its state, its count and its place in the heap's lists
 * change together. By the owner with the heap's lock, or under the lock while the owner rests. A
 * page in no list becomes current by the owner without the lock, too (heap/late.h).
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_STATE_H
#define EDDY_HEAP_STATE_H

#include "heap/heap.h"
#include "memory/alarm.h"

/* Every class has one, two or four entries. */
static always_inline void fill_direct(page_t **entry, size_t length, page_t *page) {
    assert_debug(is_power_of_two(length) && length <= 4);
    entry[0] = page;
    if (length < 2) return;
    entry[1] = page;
    if (length < 4) return;
    entry[2] = entry[3] = page;
}

static always_inline void heap_set_current(heap_t *heap, unsigned size_class, page_t *page) {
    heap->current[size_class] = page;
    if (size_class >= CLASS_DIRECT_COUNT) return;
    direct_range_t range = class_direct[size_class];
    fill_direct(heap->direct + range.first, range.length, page);
}

static inline void heap_make_current(heap_t *heap, page_t *page) {
    page->used += page_current_bias();
    atomic_signal_fence(memory_order_seq_cst);
    page->state = PAGE_CURRENT;
    /* A page with interior pointers keeps none: every free into it takes the slow path. */
    if (likely(!load_relaxed(&page->has_interior))) {
        struct thread *thread = load_relaxed(&heap->thread);
        store_relaxed(&page->owner, thread);
    }
    heap_set_current(heap, page->size_class, page);
}

/* The owner stays: the page comes from the current or the full ones. */
static always_inline void heap_list_partial(heap_t *heap, page_t *page) {
    page->state = PAGE_PARTIAL;
    list_push_last(&heap->partial[page->size_class], &page->link);
}

/* A current page is put aside that has blocks or room. What others freed of it may have rung while
 * it was current, where nobody looks: its owner may free the rest without a trace. */
static inline void heap_list_current(heap_t *heap, page_t *page) {
    heap_list_partial(heap, page);
    atomic_signal_fence(memory_order_seq_cst);
    page->used -= page_current_bias();
    if (unlikely(page_has_pending(page))) alarm_ring();
}

/* All blocks of a current page are handed out. */
static inline void heap_list_full(heap_t *heap, page_t *page) {
    page->state = PAGE_FULL;
    atomic_signal_fence(memory_order_seq_cst);
    page->used = page_wake(page->block_limit);
    list_push_last(&heap->full, &page->link);
}

/* A page that is current no more. */
static inline void heap_put_aside(heap_t *heap, page_t *page) {
    bool full = page->free == NULL && page->capacity == page->block_limit;
    if (full && page_mark_full(page)) {
        heap_list_full(heap, page);
    } else {
        heap_list_current(heap, page);
    }
}

/* A full page has blocks again. Owner only, or while it rests. */
static always_inline void heap_wake(heap_t *heap, page_t *page) {
    list_remove(&page->link);
    schedule_point();
    atomic_fetch_and_explicit(&page->thread_free, ~PENDING_FULL, memory_order_relaxed);
    page->used += page->block_limit - page_wake(page->block_limit);
    atomic_signal_fence(memory_order_seq_cst);
    heap_list_partial(heap, page);
}

#endif
