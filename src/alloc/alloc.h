/* Allocation behind the fast path, by heap: what the public functions are made of. All return NULL
 * and set errno when there is no memory.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_ALLOC_ALLOC_H
#define EDDY_ALLOC_ALLOC_H

#include "heap/thread.h"

/* The heap to allocate from when a caller names this one: the thread's standard heap in place of
 * its ordinary one, which belongs to no thread before its first slow path: a call that goes there
 * twice may name that of before both times. NULL without memory. */
heap_t *alloc_heap(heap_t *heap);
/* As fast_heap_malloc, all usable bytes zero. */
void *alloc_zeroed(heap_t *heap, size_t size);
/* What every call does first that makes or resizes a large object: the clock ticks, frees that were
 * gathered are given away, and errands are run, which may allocate. The heap to allocate from. */
heap_t *alloc_begin_large(heap_t *heap);
/* All that follow may start the scavenger, in a call that code at `caller` made. */

/* A block of a size up to BLOCK_MAX. */
out_of_line void *alloc_block(heap_t *heap, size_t size, bool zero, const void *caller);
/* A large object of a size in bounds, `alignment` a power of two. */
void *alloc_large(heap_t *heap, size_t size, size_t alignment, size_t offset, bool zero,
                  const void *caller);
/* A block or a large object of a size in bounds, which the caller can do without: when there is no
 * memory nobody is told, and nothing is given up beyond what any call may take of what heaps
 * retain, and the empty pages of a heap that is at its own limit. */
void *alloc_try(heap_t *heap, size_t size, bool zero, const void *caller);
/* (block + offset) is a multiple of `alignment`; EINVAL when that makes no sense. */
void *alloc_aligned(heap_t *heap, size_t size, size_t alignment, size_t offset, bool zero,
                    const void *caller);
/* Resize a block; `alignment` and `offset` hold for the result. With `zero`, new bytes are zero. */
void *alloc_resized(heap_t *heap, void *block, size_t size, size_t alignment, size_t offset,
                    bool zero);

/* The page or large object of a live block, its usable bytes through *usable; NULL, after a
 * report, when the pointer is none. */
page_t *alloc_find(const char *call, const void *block, size_t *usable);

#endif
