/* SPDX-License-Identifier: MIT */
#include "heap/late.h"

#include "heap/retain.h"
#include "heap/state.h"
#include "memory/alarm.h"

void late_spend(heap_t *heap, page_t *page) {
    late_t *late = &heap->late;
    if (page == &page_empty) return;
    assert_debug(page->state == PAGE_CURRENT && late->spent_count < LATE_PAGES);
    late->spent[late->spent_count++] = page;
    late->any = true;
}

page_t *late_take_spent(heap_t *heap, unsigned size_class) {
    late_t *late = &heap->late;
    for (unsigned i = 0; i < late->spent_count; i++) {
        page_t *page = late->spent[i];
        if (page->size_class != size_class) continue;
        if (page->free == NULL && !page_has_pending(page)) continue;
        late->spent[i] = late->spent[--late->spent_count];
        late_spend(heap, heap->current[size_class]);
        heap_set_current(heap, size_class, page);
        return page;
    }
    return NULL;
}

bool late_is_current(const heap_t *heap, const page_t *page) {
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        if (heap->current[i] == page) return true;
    }
    for (unsigned i = 0; i < heap->late.spent_count; i++) {
        if (heap->late.spent[i] == page) return true;
    }
    return false;
}

void late_count_in(heap_t *heap, page_t *page) {
    count_by(&heap->late.slices, span_slices(page));
    heap->late.any = true;
}

/* Another thread may have taken the page; or it is the heap's once more, and nothing is to be
 * done. */
static void recount(heap_t *heap, page_t *page) {
    if (page->state == PAGE_FULL && page_is_counted_out(page)) heap_wake(heap, page);
    if (page->state == PAGE_PARTIAL && page->used == 0) heap_retire(heap, page);
}

void late_count_out(heap_t *heap, page_t *page) {
    late_t *late = &heap->late;
    if (late->counted_count == LATE_PAGES) {
        lock_acquire(&heap->lock);
        late_settle(heap);
        if (load_relaxed(&page->heap) == heap) recount(heap, page);
        lock_release(&heap->lock);
        return;
    }
    store_relaxed(&late->counted[late->counted_count++], page);
    late->any = true;
    /* An ordered operation: a pass that began before may have missed that the page is empty. */
    alarm_ring_always();
}

/* Whoever takes a page of the heap has its lock, or is its owner and keeps it for the heap, and
 * leaves the entry behind, so anything may lie there by now. But `heap` is of pages alone, stops
 * being this one only under the lock, and is read before all else: what it holds for stays a page
 * of the heap while the lock is held, though it may be in a new life. Then its state tells:
 * RETAINED, TAKEN or CURRENT was stored before `heap`, and are skipped by who asks; PARTIAL and
 * FULL begin and end under the lock, and what is found empty in one of these is empty. */
page_t *late_counted(heap_t *heap, unsigned i) {
    page_t *page = load_relaxed(&heap->late.counted[i]);
    if (page == NULL) return NULL;
    /* Acquire pairs with the releases in page_remake, take_from, move_page (heap/estate.c),
     * move_list (heap/sweep.c) and retire (heap/idle.c). */
    return load_acquire(&page->heap) == heap ? page : NULL;
}

void late_settle(heap_t *heap) {
    late_t *late = &heap->late;
    demand_rise(&heap->demand, load_relaxed(&late->slices));
    while (late->spent_count > 0) {
        page_t *page = late->spent[--late->spent_count];
        heap_put_aside(heap, page);
        recount(heap, page);
    }
    for (unsigned i = 0; i < late->counted_count; i++) {
        page_t *page = late_counted(heap, i);
        if (page != NULL) recount(heap, page);
    }
    late_forget(heap);
}

void late_forget(heap_t *heap) {
    late_t *late = &heap->late;
    for (unsigned i = 0; i < LATE_PAGES; i++) store_relaxed(&late->counted[i], NULL);
    store_relaxed(&late->slices, 0);
    late->spent_count = late->counted_count = 0;
    late->any = false;
}
