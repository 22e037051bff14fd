/* SPDX-License-Identifier: MIT */
#include "heap/estate.h"

#include "heap/registry.h"

static bool holds_pages(heap_t *heap) {
    lock_acquire(&heap->lock);
    bool any = heap->demand.in_use > 0;
    lock_release(&heap->lock);
    return any;
}

/* Registered before it has a page: the child of a fork makes anew the locks of heaps that are. */
static heap_t *make_estate(void) {
    heap_t *estate = registry_allocate(sizeof *estate);
    if (estate == NULL) return NULL;
    heap_init(estate);
    store_relaxed(&estate->state, HEAP_DEAD);
    registry_add(estate);
    return estate;
}

void estate_leave(heap_t *heap) {
    if (ablated(ABLATE_ESTATE) || !holds_pages(heap)) return;
    if (heap->estate == NULL) heap->estate = make_estate();
    if (heap->estate != NULL) heap_bequeath(heap, heap->estate);
}

/* As heap_merge moves pages: who gives a block to one finds it with either heap. It gets its owner
 * as it becomes current. */
static void move_page(page_t *page, heap_t *from, heap_t *to) {
    size_t slices = span_slices(page);
    list_remove(&page->link);
    demand_fall(&from->demand, slices);
    page->extended_at = (uint32_t)load_relaxed(&to->counters.slow_entries);
    page->empty_since = 0;
    /* Release pairs with the acquire in late_counted: who sees the heap sees the state. */
    store_release(&page->heap, to);
    list_push_first(&to->partial[page->size_class], &page->link);
    demand_rise(&to->demand, slices);
    count_by(&to->counters.pages_adopted, 1);
}

bool estate_adopt(heap_t *heap, unsigned size_class) {
    heap_t *estate = heap->estate;
    if (!lock_try(&estate->lock)) return false;
    heap_settle_for(estate, size_class);
    list_node_t *node = list_first(&estate->partial[size_class]);
    if (node != NULL) move_page(page_of_link(node), estate, heap);
    lock_release(&estate->lock);
    return node != NULL;
}
