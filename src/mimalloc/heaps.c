/* Heaps, as far as both generations have the same.
 * SPDX-License-Identifier: MIT */
#include "mimalloc/layer.h"

mi_heap_t *mi_heap_new(void) { return heap_of(eddy_heap_new_below(current_subprocess())); }

/* The main heap of a subprocess ends with that. */
static bool has_end(const mi_heap_t *heap) {
    return heap != NULL && eddy_heap_parent(of_heap(heap)) != NULL;
}

void mi_heap_delete(mi_heap_t *heap) {
    if (has_end(heap)) eddy_heap_delete(of_heap(heap));
}

void mi_heap_destroy(mi_heap_t *heap) {
    if (has_end(heap)) eddy_heap_destroy(of_heap(heap));
}

/* What is free goes back by itself; there is nothing to do for one heap that all do not share. */
void mi_heap_collect(mi_heap_t *heap, bool force) {
    (void)heap;
    mi_collect(force);
}

SAME(void *, mi_heap_malloc, eddy_heap_malloc, (mi_heap_t * heap, size_t size),
     (of_heap(heap), size));
SAME(void *, mi_heap_malloc_small, eddy_heap_malloc, (mi_heap_t * heap, size_t size),
     (of_heap(heap), size));
SAME(void *, mi_heap_zalloc_small, eddy_heap_zalloc, (mi_heap_t * heap, size_t size),
     (of_heap(heap), size));
SAME(void *, mi_heap_zalloc, eddy_heap_zalloc, (mi_heap_t * heap, size_t size),
     (of_heap(heap), size));
SAME(void *, mi_heap_calloc, eddy_heap_calloc, (mi_heap_t * heap, size_t count, size_t size),
     (of_heap(heap), count, size));
SAME(void *, mi_heap_mallocn, eddy_heap_mallocn, (mi_heap_t * heap, size_t count, size_t size),
     (of_heap(heap), count, size));
SAME(void *, mi_heap_realloc, eddy_heap_realloc, (mi_heap_t * heap, void *block, size_t size),
     (of_heap(heap), block, size));
SAME(void *, mi_heap_rezalloc, eddy_heap_rezalloc, (mi_heap_t * heap, void *block, size_t size),
     (of_heap(heap), block, size));

void *mi_heap_reallocn(mi_heap_t *heap, void *block, size_t count, size_t size) {
    return eddy_heap_realloc(of_heap(heap), block, product(count, size));
}

void *mi_heap_recalloc(mi_heap_t *heap, void *block, size_t count, size_t size) {
    return eddy_heap_rezalloc(of_heap(heap), block, product(count, size));
}

void *mi_heap_reallocf(mi_heap_t *heap, void *block, size_t size) {
    void *resized = eddy_heap_realloc(of_heap(heap), block, size);
    if (resized == NULL) eddy_free(block);
    return resized;
}

/* ---- aligned ---- */

SAME(void *, mi_heap_malloc_aligned, eddy_heap_malloc_aligned,
     (mi_heap_t * heap, size_t size, size_t alignment), (of_heap(heap), size, alignment));
SAME(void *, mi_heap_malloc_aligned_at, eddy_heap_malloc_aligned_at,
     (mi_heap_t * heap, size_t size, size_t alignment, size_t offset),
     (of_heap(heap), size, alignment, offset));
SAME(void *, mi_heap_zalloc_aligned, eddy_heap_zalloc_aligned,
     (mi_heap_t * heap, size_t size, size_t alignment), (of_heap(heap), size, alignment));
SAME(void *, mi_heap_zalloc_aligned_at, eddy_heap_zalloc_aligned_at,
     (mi_heap_t * heap, size_t size, size_t alignment, size_t offset),
     (of_heap(heap), size, alignment, offset));
SAME(void *, mi_heap_realloc_aligned_at, eddy_heap_realloc_aligned_at,
     (mi_heap_t * heap, void *block, size_t size, size_t alignment, size_t offset),
     (of_heap(heap), block, size, alignment, offset));
SAME(void *, mi_heap_rezalloc_aligned_at, eddy_heap_rezalloc_aligned_at,
     (mi_heap_t * heap, void *block, size_t size, size_t alignment, size_t offset),
     (of_heap(heap), block, size, alignment, offset));

void *mi_heap_calloc_aligned_at(mi_heap_t *heap, size_t count, size_t size, size_t alignment,
                                size_t offset) {
    return eddy_heap_zalloc_aligned_at(of_heap(heap), product(count, size), alignment, offset);
}

void *mi_heap_calloc_aligned(mi_heap_t *heap, size_t count, size_t size, size_t alignment) {
    return eddy_heap_zalloc_aligned(of_heap(heap), product(count, size), alignment);
}

void *mi_heap_realloc_aligned(mi_heap_t *heap, void *block, size_t size, size_t alignment) {
    return eddy_heap_realloc_aligned_at(of_heap(heap), block, size, alignment, 0);
}

void *mi_heap_rezalloc_aligned(mi_heap_t *heap, void *block, size_t size, size_t alignment) {
    return eddy_heap_rezalloc_aligned_at(of_heap(heap), block, size, alignment, 0);
}

void *mi_heap_recalloc_aligned_at(mi_heap_t *heap, void *block, size_t count, size_t size,
                                  size_t alignment, size_t offset) {
    size_t bytes = product(count, size);
    return eddy_heap_rezalloc_aligned_at(of_heap(heap), block, bytes, alignment, offset);
}

void *mi_heap_recalloc_aligned(mi_heap_t *heap, void *block, size_t count, size_t size,
                               size_t alignment) {
    return mi_heap_recalloc_aligned_at(heap, block, count, size, alignment, 0);
}

/* ---- whose a block is ---- */

bool mi_is_in_heap_region(const void *pointer) { return eddy_heap_of(pointer) != NULL; }

bool mi_check_owned(const void *pointer) {
    return eddy_heap_of(pointer) == eddy_heap_get_default();
}
