/* A page: a span of blocks of one size class, owned by one heap.
 *
 * Which fields of page_t who writes:
 *   free, used, capacity   the owner thread, without a lock; page_peek alone reads them elsewhere
 *   owner                  under the heap's lock; read by any thread that frees
 *   state, link, heap      under the heap's lock
 *   thread_free            any thread, by atomic operations
 *   block_bytes, block_limit, size_class   once, before a block of the page is handed out
 *
 * Invariants:
 *  - A page is in exactly one state, and in the list of its heap that belongs to it:
 *      PAGE_CURRENT   heap->current[class]; in no list; `used` is one too high, so that freeing
 *                     its last block does not leave the fast path
 *      PAGE_PARTIAL   heap->partial[class]; not full, not empty when last looked at
 *      PAGE_FULL      heap->full; all blocks handed out, `free` empty
 *      PAGE_RETAINED  heap->retained[class]; no live block, its list built
 *  - Blocks are numbered; the first `capacity` have been linked. Without the bias, `used` = capacity
 *    - length of `free`: live blocks, and blocks freed by other threads but not collected yet.
 *  - `owner` is the thread while a free may push on `free` at once: in states CURRENT and PARTIAL
 *    of pages without interior pointers; NULL otherwise. One comparison on the fast path of free
 *    sorts out full, retained, foreign and inner cases together.
 *  - `used` of a page that is not current only falls. When it equals the pending count of
 *    thread_free, no block is live, no fast path can touch the page, and whoever holds the heap's
 *    lock may take it: a stale `used` is too high, which errs on the safe side.
 *  - The blocks behind `capacity` are zero when `is_zero`: fresh from the kernel, never handed out.
 *
 * There is one free list, not a second one for the blocks that the owner frees: the block freed
 * last is handed out next, while it is in the cache, and nothing ever needs promoting
 * (docs/design.md, "One list").
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_PAGE_H
#define EDDY_HEAP_PAGE_H

#include "heap/class.h"

typedef enum page_state { PAGE_CURRENT, PAGE_PARTIAL, PAGE_FULL, PAGE_RETAINED } page_state_t;

/* ---- thread_free: what other threads freed, in one word ----
 * The chain of blocks as the position of its first one plus one, its length, and whether the page
 * is full. Full implies empty: the first free into a full page clears the mark and does not go onto
 * this chain but tells the owner (heap/remote.c). */
static const uint64_t PENDING_FULL = (uint64_t)1 << 63;
enum { PENDING_COUNT_SHIFT = 32 };

static always_inline uint32_t pending_count(uint64_t pending) {
    return (uint32_t)((pending & ~PENDING_FULL) >> PENDING_COUNT_SHIFT);
}

static always_inline uint64_t pending_of(const page_t *page, const block_t *first,
                                         uint32_t count) {
    size_t position = (size_t)((const char *)first - slice_address(page)) / BLOCK_ALIGN;
    return (uint64_t)count << PENDING_COUNT_SHIFT | (uint64_t)(position + 1);
}

static always_inline block_t *pending_first(const page_t *page, uint64_t pending) {
    uint32_t position = (uint32_t)pending;
    if (position == 0) return NULL;
    return (block_t *)(void *)(slice_address(page) + (size_t)(position - 1) * BLOCK_ALIGN);
}

/* Make a page out of a span in transit. No block is linked yet. */
void page_make(page_t *page, struct heap *heap, unsigned size_class, bool is_zero);
/* Make an empty page one of another class or heap. */
void page_remake(page_t *page, struct heap *heap, unsigned size_class);
/* Link more blocks; false when all are linked. Owner only, `free` empty. */
bool page_extend(page_t *page);
/* Make what other threads freed the free list; false when they freed nothing. Owner only, `free`
 * empty. */
bool page_collect(page_t *page);
/* Mark the page full unless frees are pending; false in that case. Under the heap's lock. */
bool page_mark_full(page_t *page);
/* Hand a chain of `count` blocks to a page of another thread. The token, a block that was kept
 * back to tell the owner of a full page, or NULL. */
block_t *page_give(page_t *page, block_t *first, block_t *last, uint32_t count);

/* What another thread may know of a page's plain fields: right when the owner rests, a moment old
 * otherwise. The single exemption from the thread sanitizer. */
typedef struct page_view {
    uint32_t used, capacity;
} page_view_t;
page_view_t page_peek(const page_t *page);

/* The block that `pointer` points into; the pointer itself but for interior ones. */
static inline block_t *page_block(const page_t *page, const void *pointer) {
    size_t offset = (size_t)((const char *)pointer - slice_address(page));
    return (block_t *)(void *)(slice_address(page) + offset - offset % page->block_bytes);
}

/* Walks the free list and asserts the invariants. Owner only. */
void page_verify(const page_t *page);

#endif
