/* SPDX-License-Identifier: MIT */
#include "heap/fork.h"

#include "heap/registry.h"
#include "heap/subheap.h"
#include "memory/span.h"

static bool has_survived(heap_t *heap, const thread_t *survivor) {
    return load_relaxed(&heap->thread) == survivor && load_relaxed(&heap->state) == HEAP_LIVE;
}

static void clear_lists(heap_t *heap) {
    lock_init(&heap->lock, RANK_HEAP);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        list_init(&heap->partial[i]);
        list_init(&heap->retained[i]);
    }
    list_init(&heap->full);
    struct eddy_heap *first_class = load_relaxed(&heap->first_class);
    if (first_class != NULL) lock_init(&first_class->lock, RANK_FIRST_CLASS);
    heap->demand.in_use = 0;
    store_relaxed(&heap->retained_slices, 0);
}

/* A page without a live block, or one that was being made or given back, becomes a free span. */
static void drop(page_t *page) {
    store_relaxed(&page->owner, NULL);
    store_relaxed(&page->heap, NULL);
    span_set(page, SPAN_TRANSIT, span_slices(page));
}

static void list_again(heap_t *heap, page_t *page, uint32_t in_use) {
    bool full = page->free == NULL && page->capacity == page->block_limit &&
                pending_count(load_relaxed(&page->thread_free)) == 0;
    if (full) {
        page->state = PAGE_FULL;
        page->used = in_use - (page->block_limit - PAGE_WAKE);
        store_relaxed(&page->thread_free, PENDING_FULL);
        list_push_last(&heap->full, &page->link);
    } else {
        page->state = PAGE_PARTIAL;
        page->used = in_use;
        store_relaxed(&page->thread_free, load_relaxed(&page->thread_free) & ~PENDING_FULL);
        list_push_last(&heap->partial[page->size_class], &page->link);
    }
    bool local = !load_relaxed(&page->has_interior);
    store_relaxed(&page->owner, local ? load_relaxed(&heap->thread) : NULL);
}

static bool repair_page(page_t *page, void *argument) {
    const thread_t *survivor = argument;
    if (span_kind(page) != SPAN_PAGE) return true;
    heap_t *heap = load_relaxed(&page->heap);
    if (heap == NULL || page->state == PAGE_RETAINED) {
        drop(page);
        return true;
    }
    bool is_current = has_survived(heap, survivor) && heap->current[page->size_class] == page;
    if (!is_current) {
        uint32_t in_use = page_in_use(page->state, page->used, page->block_limit);
        if (in_use == pending_count(load_relaxed(&page->thread_free))) {
            drop(page);
            return true;
        }
        list_again(heap, page, in_use);
    }
    heap->demand.in_use += span_slices(page);
    return true;
}

static void end_vanished(heap_t *heap) {
    for (unsigned i = 0; i < CLASS_COUNT; i++) heap->current[i] = &page_empty;
    for (unsigned i = 0; i < DIRECT_COUNT; i++) heap->direct[i] = &page_empty;
    store_relaxed(&heap->state, HEAP_DEAD);
    subheap_disown(heap);
}

void fork_repair(void) {
    if (!thread_others_seen()) return;
    thread_t *survivor = thread_self;
    registry_repair();
    thread_repair(survivor);
    subheap_repair();
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        clear_lists(heap);
        if (!has_survived(heap, survivor)) end_vanished(heap);
    }
    span_walk(repair_page, survivor);
    span_repair();
}
