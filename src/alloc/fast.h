/* The fast paths: malloc and free, whole.
 *
 * Instructions per call in libeddy.so, x86-64, gcc 12 -O2, hit path, return included
 * (test/gate/golden.txt holds them exactly): malloc 16, free 18.
 * No counter, lock, atomic operation, division or system call; everything rare is a tail call.
 *
 * malloc finds the current page of the size by table. free finds the descriptor by address; its
 * `owner` is this thread only when the block can go on the page's free list at once (heap/page.h).
 * A block of the page that this thread last freed a block of for another is gathered
 * (heap/remote.h). SPDX-License-Identifier: MIT */
#ifndef EDDY_ALLOC_FAST_H
#define EDDY_ALLOC_FAST_H

#include "config/ablate.h"
#include "heap/check.h"
#include "heap/remote.h"

/* A block of `size` bytes from a heap of the running thread whose table has none; sets errno. */
out_of_line void *alloc_slow(size_t size, heap_t *heap);
/* `call`, in all that frees: what the program called, for reports of its mistakes. */

/* Free a pointer in the window that the fast path cannot. */
out_of_line void free_slow(page_t *page, void *pointer, const char *call);
/* Free a pointer into the first slice of a page of another thread, of which this one has gathered
 * nothing. */
out_of_line void free_other(page_t *page, void *pointer, const char *call);
/* Free NULL, or report a pointer outside of the window. */
out_of_line void free_outside(void *pointer, const char *call);

/* Whether the current page has a block to hand out. */
static always_inline bool fast_has_block(page_t *page) {
    return page->free != NULL && (!DEBUG_BUILD || check_first(page));
}

static always_inline block_t *fast_pop(page_t *page) {
    block_t *block = page->free;
    block_t *next = block->next;
    page->free = next;
    /* The next malloc of the class reads the link in that block, which may long have left the cache
     * or be in that of the thread which freed it. Any address will do: a hint never faults. */
    if (!ablated(ABLATE_PREFETCH)) __builtin_prefetch(next, 1);
    page->used++;
    check_clear_mark(block);
    return block;
}

static always_inline void *fast_heap_malloc(heap_t *heap, size_t size) {
    if (likely(size <= DIRECT_MAX)) {
        page_t *page = heap->direct[(size + BLOCK_ALIGN - 1) / BLOCK_ALIGN];
        if (likely(fast_has_block(page))) return fast_pop(page);
    }
    return alloc_slow(size, heap);
}

static always_inline void *fast_malloc(size_t size) {
    return fast_heap_malloc(&thread_self->heap, size);
}

static always_inline void fast_free(void *pointer, const char *call) {
    size_t slice = slice_of(pointer);
    if (unlikely(slice >= window.slices)) {
        free_outside(pointer, call);
        return;
    }
    page_t *page = slice_descriptor(slice);
    if (DEBUG_BUILD && !check_freed(page, pointer, call)) return;
    thread_t *thread = thread_self;
    block_t *block = pointer;
    thread_t *owner = load_relaxed(&page->owner);
    if (likely(owner == thread)) {
        block->next = page->free;
        page->free = block;
        /* Last of all: once nothing is in use another thread may take the page (heap/page.h). */
        atomic_signal_fence(memory_order_release);
        if (unlikely(--page->used == 0)) heap_count_out(page);
        return;
    }
    if (unlikely(owner == NULL)) {
        free_slow(page, pointer, call);
        return;
    }
    remote_entry_t *entry = remote_entry(thread, page);
    if (likely(entry->page == page)) {
        remote_gather(entry, block);
        return;
    }
    free_other(page, pointer, call);
}

#endif
