/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "alloc/alloc.h"
#include "alloc/error.h"
#include "alloc/fast.h"
#include "alloc/large.h"
#include "eddy.h"
#include "heap/errand.h"
#include "heap/mistake.h"
#include "heap/scavenge.h"

static bool is_placed(const void *block, size_t alignment, size_t offset) {
    return (((uintptr_t)block + offset) & (alignment - 1)) == 0;
}

/* A block stays where it is while it holds the size and about half of it is wanted; the smallest
 * always does. One comparison: a size that is too large makes the difference the largest of all. */
static always_inline bool stays(size_t size, size_t usable) {
    return usable - size <= usable / 2 + BLOCK_ALIGN / 2;
}

/* The fast path: no more than what the descriptor tells. Only the first slice of a page without
 * interior pointers has an owner, whoever that is; so the block begins at the pointer. */
static always_inline bool stays_in_page(const void *block, size_t size) {
    size_t slice = slice_of(block);
    if (unlikely(slice >= window.slices)) return false;
    page_t *page = slice_descriptor(slice);
    if (unlikely(load_relaxed(&page->owner) == NULL)) return false;
    if (DEBUG_BUILD && !check_live(page, block)) return false;
    return stays(size, page->block_bytes);
}

/* What to ask for when a block of `usable` bytes must move. One that grows, and is not aligned,
 * gets a quarter more than it had: so an array moves about three times in each doubling, however
 * small the steps by which it grows (docs/evidence.md, "Room to grow"). A small size never gets a
 * large object, which would be more than twice as long and could not stay. */
static size_t with_room(size_t size, size_t usable, size_t alignment) {
    if (size <= usable || alignment > 1 || ablated(ABLATE_ROOM)) return size;
    size_t room = usable + usable / 4;
    if (size <= BLOCK_MAX) room = size_min(room, BLOCK_MAX);
    return size_max(size, room);
}

/* Resize without copying; NULL when that cannot be done. Spans begin at a multiple of a slice: a
 * move keeps any alignment up to that. */
static void *resize_large(heap_t *heap, page_t *head, size_t size, size_t alignment, bool zero) {
    if (span_kind(head) != SPAN_LARGE || size <= BLOCK_MAX || alignment > SLICE_BYTES) return NULL;
    heap = alloc_begin_large(heap);
    if (heap == NULL) return NULL;
    size_t old_usable = large_usable(head);
    page_t *resized = large_resize(heap, head, size, with_room(size, old_usable, alignment));
    if (resized == NULL) return NULL;
    char *pointer = large_pointer(resized);
    size_t usable = large_usable(resized);
    /* Ground is zero behind what was moved there. */
    bool in_place = resized == head;
    if (zero && in_place && usable > old_usable)
        memset(pointer + old_usable, 0, usable - old_usable);
    return pointer;
}

/* A new block, the contents copied, the old one freed. */
static void *copy(heap_t *heap, void *block, size_t usable, size_t size, size_t alignment,
                  size_t offset, bool zero, const void *caller) {
    size_t wanted = with_room(size, usable, alignment);
    void *fresh = wanted > size ? alloc_try(heap, wanted, zero, caller) : NULL;
    if (fresh == NULL) fresh = alloc_aligned(heap, size, alignment, offset, zero, caller);
    if (fresh == NULL) return NULL;
    memcpy(fresh, block, size_min(usable, size));
    fast_free(block, "realloc");
    return fresh;
}

void *alloc_resized(heap_t *heap, void *block, size_t size, size_t alignment, size_t offset,
                    bool zero) {
    /* Its own callers are public functions that end with this call. */
    const void *caller = __builtin_return_address(0);
    if (block == NULL) return alloc_aligned(heap, size, alignment, offset, zero, caller);
    if (!is_power_of_two(alignment) || offset > size) return error_invalid();
    if (!size_in_bounds(size)) return error_no_memory();
    size_t usable;
    page_t *head = alloc_find("realloc", block, &usable);
    if (head == NULL) return error_invalid();
    if (DEBUG_BUILD && span_kind(head) == SPAN_PAGE && !check_live(head, block)) {
        mistake_bad_pointer("realloc", block);
        return error_invalid();
    }
    if (is_placed(block, alignment, offset)) {
        if (stays(size, usable)) return block;
        void *resized = resize_large(heap, head, size, alignment, zero);
        if (unlikely(errand_any()) && resized != NULL) (void)scavenge_start(caller);
        if (resized != NULL) return resized;
    }
    int saved = errno;
    void *copied = copy(heap, block, usable, size, alignment, offset, zero, caller);
    bool holds = size <= usable && is_placed(block, alignment, offset);
    if (copied != NULL || !holds) return copied;
    /* Shrinking needs no memory: nothing has failed. */
    errno = saved;
    return block;
}

static out_of_line void *own_resized(void *block, size_t size, size_t alignment, size_t offset,
                                     bool zero) {
    return alloc_resized(&thread_self->heap, block, size, alignment, offset, zero);
}

/* ---- public ---- */

void *eddy_realloc(void *block, size_t size) {
    if (likely(stays_in_page(block, size))) return block;
    return own_resized(block, size, 1, 0, false);
}

void *eddy_rezalloc(void *block, size_t size) {
    if (likely(stays_in_page(block, size))) return block;
    return own_resized(block, size, 1, 0, true);
}

void *eddy_reallocn(void *block, size_t count, size_t size) {
    size_t bytes;
    if (!size_product(count, size, &bytes)) return error_no_memory();
    return eddy_realloc(block, bytes);
}

void *eddy_recalloc(void *block, size_t count, size_t size) {
    size_t bytes;
    if (!size_product(count, size, &bytes)) return error_no_memory();
    return eddy_rezalloc(block, bytes);
}

void *eddy_reallocf(void *block, size_t size) {
    void *resized = eddy_realloc(block, size);
    /* A pointer that is no block has been reported. */
    if (resized == NULL && errno == ENOMEM) fast_free(block, "realloc");
    return resized;
}

void *eddy_expand(void *block, size_t size) {
    size_t usable;
    if (block == NULL) return NULL;
    page_t *head = alloc_find("eddy_expand", block, &usable);
    if (head == NULL || !size_in_bounds(size)) return NULL;
    if (size <= usable) return block;
    bool grown = span_kind(head) == SPAN_LARGE && large_resize_in_place(head, size);
    return grown ? block : NULL;
}

void *eddy_realloc_aligned(void *block, size_t size, size_t alignment) {
    return own_resized(block, size, alignment, 0, false);
}

void *eddy_realloc_aligned_at(void *block, size_t size, size_t alignment, size_t offset) {
    return own_resized(block, size, alignment, offset, false);
}

void *eddy_rezalloc_aligned(void *block, size_t size, size_t alignment) {
    return own_resized(block, size, alignment, 0, true);
}

void *eddy_rezalloc_aligned_at(void *block, size_t size, size_t alignment, size_t offset) {
    return own_resized(block, size, alignment, offset, true);
}

void *eddy_recalloc_aligned(void *block, size_t count, size_t size, size_t alignment) {
    return eddy_recalloc_aligned_at(block, count, size, alignment, 0);
}

void *eddy_recalloc_aligned_at(void *block, size_t count, size_t size, size_t alignment,
                               size_t offset) {
    size_t bytes;
    if (!size_product(count, size, &bytes)) return error_no_memory();
    return eddy_rezalloc_aligned_at(block, bytes, alignment, offset);
}
