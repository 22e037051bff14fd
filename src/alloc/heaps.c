/* The public first-class heaps.
 * SPDX-License-Identifier: MIT */
#include <errno.h>

#include "alloc/alloc.h"
#include "alloc/error.h"
#include "alloc/fast.h"
#include "eddy.h"
#include "heap/mistake.h"
#include "heap/subheap.h"

/* The calling thread's part of the heap; NULL without memory. */
static heap_t *part_of(eddy_heap_t *heap) {
    thread_t *thread = thread_start();
    return thread == NULL ? NULL : subheap_of(heap, thread);
}

eddy_heap_t *eddy_heap_new_below(eddy_heap_t *parent) {
    eddy_heap_t *heap = thread_start() == NULL ? NULL : first_class_make(parent);
    return heap == NULL ? error_no_memory() : heap;
}

eddy_heap_t *eddy_heap_new(void) { return eddy_heap_new_below(&first_class_main); }

eddy_heap_t *eddy_heap_parent(const eddy_heap_t *heap) { return load_relaxed(&heap->parent); }

/* That a heap has ended shows until a new one gets the struct. */
static bool may_end(eddy_heap_t *heap, const char *call) {
    if (heap == NULL || heap == &first_class_main) return false;
    if (load_relaxed(&heap->id) != 0) return true;
    mistake_report(call, heap, EAGAIN, "the heap was deleted or destroyed before");
    return false;
}

void eddy_heap_delete(eddy_heap_t *heap) {
    if (may_end(heap, "eddy_heap_delete")) first_class_end(heap, false);
}

void eddy_heap_destroy(eddy_heap_t *heap) {
    if (!may_end(heap, "eddy_heap_destroy")) return;
    eddy_heap_t *parent = eddy_heap_parent(heap);
    bool was_default = eddy_heap_get_default() == heap;
    first_class_end(heap, true);
    if (was_default && parent != NULL) (void)eddy_heap_set_default(parent);
}

eddy_heap_t *eddy_heap_main(void) { return &first_class_main; }

static eddy_heap_t *first_class_of(heap_t *heap) {
    eddy_heap_t *first_class = load_relaxed(&heap->first_class);
    return first_class != NULL ? first_class : &first_class_main;
}

eddy_heap_t *eddy_heap_get_default(void) {
    heap_t *standard = thread_self->standard;
    return standard == NULL ? &first_class_main : first_class_of(standard);
}

eddy_heap_t *eddy_heap_set_default(eddy_heap_t *heap) {
    eddy_heap_t *before = eddy_heap_get_default();
    bool is_main = heap == &first_class_main;
    heap_t *part = is_main && thread_start() != NULL ? &thread_self->heap : part_of(heap);
    if (part == NULL) return error_no_memory();
    subheap_set_standard(thread_self, part);
    return before;
}

bool eddy_heaps_visit(eddy_visit_heap_fn *visit, void *argument) {
    if (!visit(&first_class_main, argument)) return false;
    for (eddy_heap_t *heap = first_class_first(); heap != NULL; heap = heap->next_of_all) {
        if (load_relaxed(&heap->id) != 0 && !visit(heap, argument)) return false;
    }
    return true;
}

int eddy_heap_set_limit(eddy_heap_t *heap, size_t bytes) {
    if (heap == NULL || heap == &first_class_main) {
        errno = EINVAL;
        return -1;
    }
    store_relaxed(&heap->limit_slices, bytes == 0 ? SIZE_MAX : bytes >> SLICE_SHIFT);
    return 0;
}

void *eddy_heap_malloc(eddy_heap_t *heap, size_t size) {
    heap_t *part = part_of(heap);
    return part == NULL ? error_no_memory() : fast_heap_malloc(part, size);
}

void *eddy_heap_zalloc(eddy_heap_t *heap, size_t size) {
    heap_t *part = part_of(heap);
    return part == NULL ? error_no_memory() : alloc_zeroed(part, size);
}

void *eddy_heap_calloc(eddy_heap_t *heap, size_t count, size_t size) {
    size_t bytes;
    if (!size_product(count, size, &bytes)) return error_no_memory();
    return eddy_heap_zalloc(heap, bytes);
}

void *eddy_heap_mallocn(eddy_heap_t *heap, size_t count, size_t size) {
    size_t bytes;
    if (!size_product(count, size, &bytes)) return error_no_memory();
    return eddy_heap_malloc(heap, bytes);
}

static always_inline void *aligned(eddy_heap_t *heap, size_t size, size_t alignment, size_t offset,
                                   bool zero) {
    heap_t *part = part_of(heap);
    if (part == NULL) return error_no_memory();
    return alloc_aligned(part, size, alignment, offset, zero, __builtin_return_address(0));
}

void *eddy_heap_malloc_aligned(eddy_heap_t *heap, size_t size, size_t alignment) {
    return aligned(heap, size, alignment, 0, false);
}

void *eddy_heap_malloc_aligned_at(eddy_heap_t *heap, size_t size, size_t alignment, size_t offset) {
    return aligned(heap, size, alignment, offset, false);
}

void *eddy_heap_zalloc_aligned(eddy_heap_t *heap, size_t size, size_t alignment) {
    return aligned(heap, size, alignment, 0, true);
}

void *eddy_heap_zalloc_aligned_at(eddy_heap_t *heap, size_t size, size_t alignment, size_t offset) {
    return aligned(heap, size, alignment, offset, true);
}

static void *resized(eddy_heap_t *heap, void *block, size_t size, size_t alignment, size_t offset,
                     bool zero) {
    heap_t *part = part_of(heap);
    if (part == NULL) return error_no_memory();
    return alloc_resized(part, block, size, alignment, offset, zero);
}

void *eddy_heap_realloc(eddy_heap_t *heap, void *block, size_t size) {
    return resized(heap, block, size, 1, 0, false);
}

void *eddy_heap_rezalloc(eddy_heap_t *heap, void *block, size_t size) {
    return resized(heap, block, size, 1, 0, true);
}

void *eddy_heap_realloc_aligned_at(eddy_heap_t *heap, void *block, size_t size, size_t alignment,
                                   size_t offset) {
    return resized(heap, block, size, alignment, offset, false);
}

void *eddy_heap_rezalloc_aligned_at(eddy_heap_t *heap, void *block, size_t size, size_t alignment,
                                    size_t offset) {
    return resized(heap, block, size, alignment, offset, true);
}

eddy_heap_t *eddy_heap_of(const void *block) {
    size_t slice = slice_of(block);
    page_t *head = slice < window.slices ? span_head(slice_descriptor(slice)) : NULL;
    span_kind_t kind = head == NULL ? SPAN_NONE : span_kind(head);
    if (kind != SPAN_PAGE && kind != SPAN_LARGE) return NULL;
    heap_t *heap = span_heap(head);
    /* A large object that outlived its heap has none; a page without one is on its way back. */
    if (heap == NULL) return kind == SPAN_LARGE ? &first_class_main : NULL;
    return first_class_of(heap);
}
