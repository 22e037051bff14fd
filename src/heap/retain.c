/* SPDX-License-Identifier: MIT */
#include "heap/retain.h"

#include "heap/idle.h"
#include "heap/registry.h"
#include "memory/alarm.h"

/* Slices given back in one slow entry, but for what the last page has beyond. */
enum { RELEASES_PER_ENTRY = 8 };

/* ---- out of the heap ---- */

size_t heap_detach_retained(heap_t *heap, size_t slices, list_t *detached) {
    size_t taken = 0;
    for (unsigned i = 0; i < CLASS_COUNT && load_relaxed(&heap->retained_slices) != 0; i++) {
        list_node_t *node;
        while (taken < slices && (node = list_last(&heap->retained[i])) != NULL) {
            page_t *page = page_of_link(node);
            taken += span_slices(page);
            heap_take_retained(heap, page);
            store_relaxed(&page->owner, NULL);
            store_relaxed(&page->heap, NULL);
            store_relaxed(&page->thread_free, 0);
            add_relaxed(&heap->counters.pages_released, 1);
            list_push_last(detached, node);
        }
    }
    return taken;
}

/* ---- the option ---- */

static size_t retain_limit(void) {
    if (option_get(EDDY_OPTION_DECAY_MS) == 0 || ablated(ABLATE_RETAIN)) return 0;
    return (size_t)option_get(EDDY_OPTION_RETAIN_MAX) >> SLICE_SHIFT;
}

static void set_retained_most(heap_t *heap, size_t slices) {
    heap->retained_most = slices;
    heap->retained_noted = size_min(slices, load_relaxed(&heap->retained_peak));
}

void heap_read_retain_limit(heap_t *heap) { set_retained_most(heap, retain_limit()); }

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
    set_retained_most(heap, most);
}

/* ---- for another class ---- */

page_t *heap_remake_retained(heap_t *heap, unsigned size_class) {
    size_t slices = class_slices(size_class);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        list_node_t *node = list_first(&heap->retained[i]);
        page_t *page = node == NULL ? NULL : page_of_link(node);
        if (page == NULL || span_slices(page) != slices) continue;
        heap_take_retained(heap, page);
        page_remake(page, heap, size_class);
        return page;
    }
    return NULL;
}

/* ---- giving them back ---- */

/* With the lock, which this releases. */
static size_t release_locked(heap_t *heap, size_t slices) {
    list_t detached;
    list_init(&detached);
    size_t released = heap_detach_retained(heap, slices, &detached);
    lock_release(&heap->lock);
    idle_free(&detached);
    return released;
}

static size_t release_of(heap_t *heap, size_t slices) {
    if (load_relaxed(&heap->retained_slices) == 0 || !lock_try(&heap->lock)) return 0;
    return release_locked(heap, slices);
}

bool heap_release_some_retained(heap_t *heap, size_t slices) {
    if (ablated(ABLATE_LENGTHS)) return false;
    size_t released = release_of(heap, slices);
    registry_walk_t walk = {0};
    heap_t *other;
    while (released < slices && (other = registry_next(&walk)) != NULL) {
        size_t more = release_of(other, slices - released);
        if (more > 0) registry_stay(other);
        released += more;
    }
    return released > 0;
}

bool heap_release_all_retained(void) {
    size_t released = 0;
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        if (load_relaxed(&heap->retained_slices) == 0) continue;
        lock_acquire(&heap->lock);
        released += release_locked(heap, SIZE_MAX);
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
    size_t retained = load_relaxed(&heap->retained_slices);
    if (retained > allowed) {
        size_t surplus = size_min(retained - allowed, RELEASES_PER_ENTRY);
        retained -= heap_detach_retained(heap, surplus, &detached);
    }
    lock_release(&heap->lock);
    idle_free(&detached);
    return retained > allowed;
}

bool heap_arm(heap_t *heap) {
    if (!lock_try(&heap->lock)) return false;
    heap->retained_noted = 0;
    bool none = load_relaxed(&heap->retained_slices) == 0;
    lock_release(&heap->lock);
    return none;
}
