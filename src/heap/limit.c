/* SPDX-License-Identifier: MIT */
#include "heap/limit.h"

static struct eddy_heap *limited(heap_t *heap) {
    struct eddy_heap *first_class = load_relaxed(&heap->first_class);
    if (likely(first_class == NULL)) return NULL;
    return load_relaxed(&first_class->limit_slices) == SIZE_MAX ? NULL : first_class;
}

bool limit_is_set(heap_t *heap) { return limited(heap) != NULL; }

struct eddy_heap *limit_begin(heap_t *heap) {
    struct eddy_heap *first_class = limited(heap);
    if (first_class != NULL) lock_acquire(&first_class->lock);
    return first_class;
}

struct eddy_heap *limit_begin_resize(page_t *large) {
    for (;;) {
        heap_t *heap = load_relaxed(&large->large_heap);
        struct eddy_heap *first_class = heap == NULL ? NULL : load_relaxed(&heap->first_class);
        if (likely(first_class == NULL)) return NULL;
        lock_acquire(&first_class->lock);
        /* A heap that ends lets go of its objects while it is locked. */
        if (load_relaxed(&large->large_heap) == heap) return first_class;
        lock_release(&first_class->lock);
    }
}

static size_t held_slices(const struct eddy_heap *locked) {
    size_t slices = 0;
    for (heap_t *part = locked->subheaps; part != NULL; part = part->next_of_first_class) {
        lock_acquire(&part->lock);
        slices += part->demand.in_use + load_relaxed(&part->late.slices) +
                  load_relaxed(&part->retained_slices);
        lock_release(&part->lock);
        slices += load_relaxed(&part->large_slices);
    }
    return slices;
}

static bool has_room(struct eddy_heap *locked, size_t slices) {
    size_t limit = load_relaxed(&locked->limit_slices);
    return slices <= limit && held_slices(locked) <= limit - slices;
}

static void give_up_empty_pages(struct eddy_heap *locked) {
    for (heap_t *part = locked->subheaps; part != NULL; part = part->next_of_first_class) {
        heap_collect(part, load_relaxed(&part->thread) == thread_self);
    }
}

bool limit_allows(struct eddy_heap *locked, size_t slices) {
    if (likely(locked == NULL) || has_room(locked, slices)) return true;
    give_up_empty_pages(locked);
    return has_room(locked, slices);
}

bool limit_has_room(heap_t *heap, size_t slices) {
    struct eddy_heap *locked = limit_begin(heap);
    bool result = locked == NULL || has_room(locked, slices);
    limit_end(locked);
    return result;
}

void limit_end(struct eddy_heap *locked) {
    if (unlikely(locked != NULL)) lock_release(&locked->lock);
}
