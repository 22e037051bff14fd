/* SPDX-License-Identifier: MIT */
#include "alloc/aligned.h"

#include "alloc/alloc.h"
#include "alloc/error.h"
#include "eddy.h"

/* A block with room to choose the place in it. */
static void *interior(heap_t *heap, size_t size, size_t alignment, size_t offset, bool zero,
                      const void *caller) {
    char *block = alloc_block(heap, size + alignment - 1, zero, caller);
    if (block == NULL) return NULL;
    size_t skip = (0 - ((uintptr_t)block + offset)) & (alignment - 1);
    page_t *page = span_head(slice_descriptor(slice_of(block)));
    if (skip > 0) heap_mark_interior(page);
    return block + skip;
}

void *alloc_aligned(heap_t *heap, size_t size, size_t alignment, size_t offset, bool zero,
                    const void *caller) {
    if (!is_power_of_two(alignment) || offset > size) return error_invalid();
    if (!size_in_bounds(size) || !size_in_bounds(alignment)) return error_no_memory();
    bool at_start = (offset & (alignment - 1)) == 0;
    size_t last = aligned_last(size, alignment);
    if (at_start && last < BLOCK_MAX) return alloc_block(heap, last + 1, zero, caller);
    if (!at_start && alignment < BLOCK_MAX && size <= BLOCK_MAX - alignment) {
        return interior(heap, size, alignment, offset, zero, caller);
    }
    return alloc_large(heap, size, alignment, offset, zero, caller);
}

static always_inline void *own_aligned(size_t size, size_t alignment, size_t offset, bool zero) {
    const void *caller = __builtin_return_address(0);
    return alloc_aligned(&thread_self->heap, size, alignment, offset, zero, caller);
}

void *aligned_slow(size_t size, size_t alignment) { return own_aligned(size, alignment, 0, false); }

/* ---- public ---- */

void *eddy_malloc_aligned(size_t size, size_t alignment) {
    return fast_malloc_aligned(size, alignment);
}

void *eddy_malloc_aligned_at(size_t size, size_t alignment, size_t offset) {
    return own_aligned(size, alignment, offset, false);
}

void *eddy_zalloc_aligned(size_t size, size_t alignment) {
    return own_aligned(size, alignment, 0, true);
}

void *eddy_zalloc_aligned_at(size_t size, size_t alignment, size_t offset) {
    return own_aligned(size, alignment, offset, true);
}

void *eddy_calloc_aligned(size_t count, size_t size, size_t alignment) {
    return eddy_calloc_aligned_at(count, size, alignment, 0);
}

void *eddy_calloc_aligned_at(size_t count, size_t size, size_t alignment, size_t offset) {
    size_t bytes;
    if (!size_product(count, size, &bytes)) return error_no_memory();
    return own_aligned(bytes, alignment, offset, true);
}
