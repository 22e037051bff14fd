/* Large objects: a span each.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_ALLOC_LARGE_H
#define EDDY_ALLOC_LARGE_H

#include "heap/thread.h"

/* (result + offset) is a multiple of `alignment`, a power of two. NULL without memory; errno is
 * the caller's. */
void *large_allocate(heap_t *heap, size_t size, size_t alignment, size_t offset, bool zero);
/* What it takes, for a size in bounds: what lies before the place is given back but for the rest of
 * its slice. */
static inline size_t large_slices(size_t size, size_t alignment, size_t offset) {
    size_t pad = (0 - offset) & (alignment - 1) & (SLICE_BYTES - 1);
    return size_max(divide_up(pad + size, SLICE_BYTES), 1);
}
/* Free the object that begins at `pointer`; reports, for `call`, one that does not. */
void large_free(page_t *head, void *pointer, const char *call);
/* Resize where the object lies, or by moving its memory without copying to another span, one of
 * `wanted` bytes (size <= wanted) if there is; the object then, NULL when neither can be done. An
 * object at an offset from its span is not moved. */
page_t *large_resize(heap_t *heap, page_t *head, size_t size, size_t wanted);
/* Resize where the object lies only. */
bool large_resize_in_place(page_t *head, size_t size);

static inline size_t large_usable(page_t *head) { return span_bytes(head) - head->large_offset; }
static inline void *large_pointer(page_t *head) { return slice_address(head) + head->large_offset; }

#endif
