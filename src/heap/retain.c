/* SPDX-License-Identifier: MIT */
#include "heap/retain.h"

#include "heap/idle.h"
#include "heap/registry.h"
#include "memory/alarm.h"

/* Slices given back in one slow entry, but for what the last page has beyond. */
enum { RELEASES_PER_ENTRY = 8 };

/* ---- beside another thread ---- */

void heap_keep_beside(heap_t *heap, page_t *page) {
    size_t slices = span_slices(page);
    size_t retained = add_relaxed(&heap->retained_slices, slices) + slices;
    _Atomic(page_t *) *first = &heap->retained[page->size_class];
    page_t *below = load_relaxed(first);
    /* Release pairs with the acquire in take_first: the owner gets the page as it is now. */
    do store_relaxed(&page->below, below);
    while (!swap_weak_release(first, &below, page));
    if (retained > heap->retained_noted) heap_bound_retained(heap);
}

/* The first page of the class, if it has so many slices; 0: as many as it has. */
static page_t *take_first(heap_t *heap, unsigned size_class, size_t slices) {
    _Atomic(page_t *) *first = &heap->retained[size_class];
    /* Acquire, here and in the swap that fails, pairs with the release in heap_keep_beside. */
    page_t *page = load_acquire(first), *below;
    do {
        if (page == NULL || (slices > 0 && span_slices(page) != slices)) return NULL;
        below = load_relaxed(&page->below);
    } while (!swap_weak_acquire(first, &page, below));
    sub_relaxed(&heap->retained_slices, span_slices(page));
    return page;
}

page_t *heap_take_beside(heap_t *heap, unsigned size_class) {
    if (load_relaxed(&heap->retained_slices) == 0) return NULL;
    page_t *page = take_first(heap, size_class, 0);
    size_t slices = class_slices(size_class);
    for (unsigned i = 0; i < CLASS_COUNT && page == NULL && !ablated(ABLATE_REMAKE); i++) {
        page = take_first(heap, i, slices);
    }
    return page;
}

size_t heap_detach_retained(heap_t *heap, size_t slices, list_t *detached) {
    size_t taken = 0;
    for (unsigned i = 0; i < CLASS_COUNT && load_relaxed(&heap->retained_slices) != 0; i++) {
        page_t *page;
        while (taken < slices && (page = take_first(heap, i, 0)) != NULL) {
            taken += span_slices(page);
            store_relaxed(&page->owner, NULL);
            store_relaxed(&page->heap, NULL);
            store_relaxed(&page->thread_free, 0);
            add_relaxed(&heap->counters.pages_released, 1);
            list_push_last(detached, &page->link);
        }
    }
    return taken;
}

/* ---- the option ---- */

static size_t retain_limit(void) {
    if (option_get(EDDY_OPTION_DECAY_MS) == 0 || ablated(ABLATE_RETAIN)) return 0;
    return (size_t)option_get(EDDY_OPTION_RETAIN_MAX) >> SLICE_SHIFT;
}

static void set_retained_noted(heap_t *heap) {
    heap->retained_noted = size_min(heap->retained_most, load_relaxed(&heap->retained_peak));
}

/* A heap that is armed stays so until it has rung, whoever reads the option meanwhile. */
void heap_read_retain_limit(heap_t *heap) {
    heap->retained_most = retain_limit();
    if (heap->retained_noted > 0) set_retained_noted(heap);
}

/* More is retained than ever before, or than the option allows, or nobody looks after it. */
void heap_bound_retained(heap_t *heap) {
    alarm_ring();
    size_t retained = load_relaxed(&heap->retained_slices);
    size_t most = heap->retained_most;
    if (retained > most) {
        list_t detached;
        list_init(&detached);
        retained -= heap_detach_retained(heap, retained - most, &detached);
        idle_free(&detached);
    }
    if (retained > load_relaxed(&heap->retained_peak)) {
        store_relaxed(&heap->retained_peak, retained);
    }
    set_retained_noted(heap);
}

/* ---- giving them back ---- */

static size_t release_of(heap_t *heap, size_t slices) {
    if (load_relaxed(&heap->retained_slices) == 0 || !lock_try(&heap->lock)) return 0;
    list_t detached;
    list_init(&detached);
    size_t released = heap_detach_retained(heap, slices, &detached);
    lock_release(&heap->lock);
    idle_free(&detached);
    return released;
}

/* By the owner, which needs no lock for this, unless it has counted pages out without one: who
 * looks through these has the lock, and must find them the heap's (late_counted). */
static size_t release_own(heap_t *heap, size_t slices) {
    if (heap->late.counted_count > 0) return release_of(heap, slices);
    list_t detached;
    list_init(&detached);
    size_t released = heap_detach_retained(heap, slices, &detached);
    idle_free(&detached);
    return released;
}

bool heap_release_some_retained(heap_t *heap, size_t slices) {
    if (ablated(ABLATE_LENGTHS)) return false;
    size_t released = release_own(heap, slices);
    registry_walk_t walk = {0};
    heap_t *other;
    while (released < slices && (other = registry_next(&walk)) != NULL) {
        size_t more = release_of(other, slices - released);
        if (more > 0) registry_stay(other);
        released += more;
    }
    return released > 0;
}

/* What goes back does so without the lock: the owner may want it, and the kernel may be called. */
bool heap_housekeep(heap_t *heap, uint64_t now_ms) {
    list_t detached;
    list_init(&detached);
    if (!lock_try(&heap->lock)) return false;
    demand_turn(&heap->demand, demand_window(now_ms));
    heap_read_retain_limit(heap);
    size_t allowed = size_min(demand_allowance(&heap->demand), heap->retained_most);
    size_t retained = load_relaxed(&heap->retained_slices), released = 0;
    if (retained > allowed) {
        size_t surplus = size_min(retained - allowed, RELEASES_PER_ENTRY);
        released = heap_detach_retained(heap, surplus, &detached);
    }
    lock_release(&heap->lock);
    idle_free(&detached);
    /* The owner may have in hand what is left, and be kept from the processor. */
    return released > 0 && retained - released > allowed;
}

bool heap_arm(heap_t *heap) {
    if (!lock_try(&heap->lock)) return false;
    heap->retained_noted = 0;
    bool none = load_relaxed(&heap->retained_slices) == 0;
    lock_release(&heap->lock);
    return none;
}
