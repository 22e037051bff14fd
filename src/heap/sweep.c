/* What goes over all pages of a heap: collect, abandon, merge, destroy, verify.
 * SPDX-License-Identifier: MIT */
#include "heap/heap.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "os/os.h"

static page_t *page_of_link(list_node_t *node) { return list_object(node, page_t, link); }

/* ---- taking pages without a live block ---- */

/* Take the page out of the heap if no block of it is live. See page.h for why this is safe beside
 * an owner that takes no lock. */
static bool detach_if_empty(heap_t *heap, page_t *page) {
    assert_debug(page->state == PAGE_PARTIAL || page->state == PAGE_FULL);
    if (page_peek(page).used != pending_count(load_ordered(&page->thread_free))) return false;
    list_remove(&page->link);
    demand_fall(&heap->demand, span_slices(page));
    store_relaxed(&page->owner, NULL);
    store_relaxed(&page->heap, NULL);
    count_by(&heap->counters.pages_released, 1);
    return true;
}

static void detach_empty_in(heap_t *heap, list_t *list, list_t *detached) {
    list_node_t *next;
    for (list_node_t *node = list_first(list); node != NULL; node = next) {
        next = list_next(list, node);
        if (detach_if_empty(heap, page_of_link(node))) list_push_last(detached, node);
    }
}

static void free_detached(list_t *detached) {
    for (list_node_t *node; (node = list_first(detached)) != NULL;) {
        list_remove(node);
        span_free(page_of_link(node));
    }
}

void heap_release_if_empty(heap_t *heap, page_t *page) {
    lock_acquire(&heap->lock);
    bool detached = false;
    if (load_relaxed(&heap->state) == HEAP_DEAD) {
        heap_settle(heap);
        detached = load_relaxed(&page->heap) == heap && detach_if_empty(heap, page);
    }
    lock_release(&heap->lock);
    if (detached) span_free(page);
}

/* Everything that can be taken under the lock, into *detached. */
static void detach_all_empty(heap_t *heap, bool with_current, list_t *detached) {
    heap_settle(heap);
    if (with_current) heap_put_aside_current(heap);
    heap_release_retained(heap, SIZE_MAX);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        detach_empty_in(heap, &heap->partial[i], detached);
    }
}

void heap_abandon(heap_t *heap) {
    list_t detached;
    list_init(&detached);
    lock_acquire(&heap->lock);
    /* Ordered: pairs with page_give and remote_give, see there. */
    store_ordered(&heap->state, HEAP_DEAD);
    add_relaxed(&registry_dead_heaps, 1);
    detach_all_empty(heap, true, &detached);
    /* The record of the thread will be another thread's, but not this heap. */
    if (load_relaxed(&heap->first_class) != NULL) heap_set_owner(heap, NULL);
    lock_release(&heap->lock);
    free_detached(&detached);
}

void heap_collect(heap_t *heap, bool is_owner) {
    list_t detached;
    list_init(&detached);
    lock_acquire(&heap->lock);
    bool ownerless = is_owner || load_relaxed(&heap->state) == HEAP_DEAD;
    if (ownerless || os_barrier_available()) {
        detach_all_empty(heap, ownerless, &detached);
    } else {
        heap_release_retained(heap, SIZE_MAX);
    }
    lock_release(&heap->lock);
    /* What the owner wrote to the blocks before it counted them free must have reached memory
     * before the memory is used again. */
    if (!ownerless && !list_is_empty(&detached)) os_barrier();
    free_detached(&detached);
}

/* ---- merge, destroy ---- */

static void move_list(list_t *from, list_t *to, heap_t *heap) {
    for (list_node_t *node = list_first(from); node != NULL; node = list_next(from, node)) {
        store_relaxed(&page_of_link(node)->heap, heap);
    }
    list_append(to, from);
}

void heap_merge(heap_t *from, heap_t *to) {
    assert_debug(load_relaxed(&from->thread) == load_relaxed(&to->thread));
    lock_acquire(&from->lock);
    heap_settle(from);
    heap_put_aside_current(from);
    heap_release_retained(from, SIZE_MAX);
    while (!lock_try(&to->lock)) os_yield();
    for (unsigned i = 0; i < CLASS_COUNT; i++) move_list(&from->partial[i], &to->partial[i], to);
    move_list(&from->full, &to->full, to);
    demand_rise(&to->demand, from->demand.in_use);
    demand_fall(&from->demand, from->demand.in_use);
    lock_release(&to->lock);
    lock_release(&from->lock);
}

static void detach_list(heap_t *heap, list_t *list, list_t *detached) {
    for (list_node_t *node = list_first(list); node != NULL; node = list_next(list, node)) {
        page_t *page = page_of_link(node);
        store_relaxed(&page->owner, NULL);
        store_relaxed(&page->heap, NULL);
        count_by(&heap->counters.pages_released, 1);
    }
    list_append(detached, list);
}

void heap_destroy_pages(heap_t *heap) {
    list_t detached;
    list_init(&detached);
    lock_acquire(&heap->lock);
    store_relaxed(&heap->tokens, NULL);
    heap_put_aside_current(heap);
    heap_release_retained(heap, SIZE_MAX);
    for (unsigned i = 0; i < CLASS_COUNT; i++) detach_list(heap, &heap->partial[i], &detached);
    detach_list(heap, &heap->full, &detached);
    demand_fall(&heap->demand, heap->demand.in_use);
    lock_release(&heap->lock);
    free_detached(&detached);
}

/* ---- checks ---- */

static void verify_list(heap_t *heap, list_t *list, page_state_t state) {
    for (list_node_t *node = list_first(list); node != NULL; node = list_next(list, node)) {
        page_t *page = page_of_link(node);
        assert_always(page->state == state && load_relaxed(&page->heap) == heap);
        page_verify(page);
    }
}

void heap_verify(heap_t *heap) {
    lock_acquire(&heap->lock);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        page_t *page = heap->current[i];
        if (page != &page_empty) {
            assert_always(page->state == PAGE_CURRENT && page->size_class == i);
            page_verify(page);
        }
        verify_list(heap, &heap->partial[i], PAGE_PARTIAL);
        verify_list(heap, &heap->retained[i], PAGE_RETAINED);
        bool filled = heap->retained_classes >> i & 1;
        assert_always(filled == !list_is_empty(&heap->retained[i]));
    }
    verify_list(heap, &heap->full, PAGE_FULL);
    lock_release(&heap->lock);
}
