/* SPDX-License-Identifier: MIT */
#include "heap/fork.h"

#include "heap/idle.h"
#include "heap/late.h"
#include "heap/registry.h"
#include "heap/scavenge.h"
#include "heap/subheap.h"
#include "memory/span.h"
#include "os/os.h"

bool fork_lost_threads;

static void clear_lists(heap_t *heap) {
    lock_init(&heap->lock, RANK_HEAP);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        list_init(&heap->partial[i]);
        store_relaxed(&heap->retained[i], NULL);
    }
    list_init(&heap->full);
    heap->token_at = NULL;
    heap->estate = NULL;
    store_relaxed(&heap->arriving, 0);
    heap->demand.in_use = 0;
    store_relaxed(&heap->late.slices, 0);
    store_relaxed(&heap->retained_slices, 0);
    store_relaxed(&heap->large_slices, 0);
}

/* A page without a live block, or one that was being given back, becomes a free span: what is in
 * transit does in span_repair. */
static void drop(page_t *page) {
    store_relaxed(&page->owner, NULL);
    store_relaxed(&page->heap, NULL);
    span_set(page, SPAN_TRANSIT, span_slices(page));
}

static void list_by_state(heap_t *heap, page_t *page) {
    bool full = page->state == PAGE_FULL;
    list_push_last(full ? &heap->full : &heap->partial[page->size_class], &page->link);
}

/* Of a heap whose thread was not inside Eddy: the page is as it should be, but others may have had
 * the lists in their hands. The thread may use the page at this moment, without a lock. */
static void list_again(heap_t *heap, page_t *page) {
    /* Current pages are the owner's, also those that it has put off listing. */
    if (page->state != PAGE_CURRENT) list_by_state(heap, page);
    demand_rise(&heap->demand, span_slices(page));
}

/* The survivor may fork at this moment: each store leaves its child the blocks in use too high,
 * never too low, whatever the state was. */
static void make_partial(page_t *page, uint32_t in_use) {
    page->used = in_use + 1;
    atomic_signal_fence(memory_order_seq_cst);
    page->state = PAGE_PARTIAL;
    atomic_signal_fence(memory_order_seq_cst);
    page->used = in_use;
}

static void make_full(page_t *page, uint32_t in_use) {
    page->state = PAGE_FULL;
    atomic_signal_fence(memory_order_seq_cst);
    page->used = in_use - (page->block_limit - page_wake(page->block_limit));
}

/* NULL: a page with interior pointers has none. */
static thread_t *owner_of(heap_t *heap, page_t *page) {
    if (load_relaxed(&page->has_interior)) return NULL;
    thread_t *thread = load_relaxed(&heap->thread);
    return thread != NULL ? thread : &thread_nobody;
}

/* Of a heap whose thread has vanished. Only thread_free may change meanwhile: the survivor may hand
 * in blocks. */
static void settle(heap_t *heap, page_t *page) {
    uint32_t in_use = page_in_use(page->state, page->used, page->block_limit);
    /* Ordered: pairs with page_give. A gift is seen here, or its giver sees the heap dead. */
    if (in_use == pending_count(load_ordered(&page->thread_free))) {
        drop(page);
        return;
    }
    schedule_point();
    atomic_fetch_and_explicit(&page->thread_free, ~PENDING_FULL, memory_order_relaxed);
    bool full = page->free == NULL && page->capacity == page->block_limit && page_mark_full(page);
    make_partial(page, in_use);
    if (full) make_full(page, in_use);
    store_relaxed(&page->owner, owner_of(heap, page));
    list_by_state(heap, page);
    demand_rise(&heap->demand, span_slices(page));
}

/* A first-class heap knows how much it has of them. */
static void count_large(page_t *head) {
    heap_t *heap = load_relaxed(&head->large_heap);
    if (heap == NULL || load_relaxed(&heap->first_class) == NULL) return;
    add_relaxed(&heap->large_slices, span_slices(head));
}

static bool repair_page(page_t *page, void *argument) {
    const thread_t *survivor = argument;
    span_kind_t kind = span_kind(page);
    if (kind == SPAN_LARGE) count_large(page);
    if (kind != SPAN_PAGE) return true;
    heap_t *heap = load_relaxed(&page->heap);
    if (heap == NULL || page->state == PAGE_RETAINED) {
        drop(page);
    } else if (thread_has_survived(heap, survivor)) {
        list_again(heap, page);
    } else {
        settle(heap, page);
    }
    return true;
}

static void end_vanished(heap_t *heap) {
    for (unsigned i = 0; i < CLASS_COUNT; i++) heap->current[i] = &page_empty;
    for (unsigned i = 0; i < DIRECT_COUNT; i++) heap->direct[i] = &page_empty;
    late_forget(heap);
    /* Ordered: see settle. */
    store_ordered(&heap->state, HEAP_DEAD);
    subheap_disown(heap);
}

void fork_repair(void) {
    thread_t *survivor = thread_survivor();
    if (thread_was_alone(survivor) && scavenge_is_absent()) {
        store_relaxed(&survivor->id, os_process_id());
        return;
    }
    fork_lost_threads = true;
    scavenge_repair();
    idle_repair();
    registry_repair();
    thread_repair(survivor);
    subheap_repair();
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        clear_lists(heap);
        subheap_list_again(heap);
        if (!thread_has_survived(heap, survivor)) end_vanished(heap);
    }
    span_walk(repair_page, survivor);
    span_repair();
}
