/* A page: a span of blocks of one size class, owned by one heap.
 *
 * Which fields of page_t who writes:
 *   free, used, capacity   the owner thread, without a lock; page_peek alone reads them elsewhere
 *   owner, state, heap     under the heap's lock; by the owner without for its current pages, and
 *                          for one in no list that it took from elsewhere or from its retained
 *                          ones, to use it or to release it (heap/retain.c, `release_own`)
 *   link                   under the heap's lock; by who has the page when it is in no list
 *   below                  who has the page when it begins to be retained, under the heap's lock
 *   thread_free            any thread, by atomic operations
 *   looked_at, empty_since under the heap's lock; the owner of a current page without
 *   extended_at            the owner: the slow entry of its heap that linked blocks last, or in
 *                          which the page came from elsewhere
 *   block_bytes, block_limit, size_class, is_first_class   once, before a block of the page is
 *                          handed out; the limit falls where the page is shortened
 *
 * Invariants:
 *  - A page is in exactly one state, and in the list of its heap that belongs to it:
 *      PAGE_CURRENT   heap->current[class], or in heap->late; in no list
 *      PAGE_PARTIAL   heap->partial[class]; has blocks, room or pending frees, when last looked at
 *      PAGE_FULL      heap->full; every block handed out when last looked at, or in heap->late
 *      PAGE_RETAINED  heap->retained[class], a stack; no live block, its list built, or to be
 *                     built (`free` NULL)
 *      PAGE_TAKEN     in no list: adopted, in the hands of its new owner
 *  - Blocks are numbered; the first `capacity` have been linked. In use are capacity - length of
 *    `free`: live blocks, and blocks freed by other threads but not collected yet.
 *  - `used` counts the blocks in use from where the owner's next slow path has to be: it reaches 0
 *    when something is to be done (page_in_use tells the number itself).
 *      PAGE_CURRENT   in use + 1: freeing the last block stays on the fast path
 *      PAGE_PARTIAL   in use: 0 when the page is empty and retires
 *      PAGE_FULL      in use - (block_limit - page_wake): 0 when so many were freed that the page
 *                     is worth listing again
 *  - `owner` is the thread while its frees may push on `free` at once, thread_nobody in pages that
 *    an ended thread left. NULL while RETAINED or TAKEN, until the page is current, and with
 *    interior pointers. One comparison on the fast path of free sorts out retained, foreign, large,
 *    inner and interior cases together.
 *  - The blocks in use of a page that is not current only fall. When they equal the pending count
 *    of thread_free, no block is live, no fast path can touch the page, and whoever holds the
 *    heap's lock may take it: a stale `used` is too high, which errs on the safe side.
 *  - `is_first_class` holds of every page of a first-class heap, and of those that it left behind
 *    until another heap takes them or they are made anew. It stands in the page, not in its heap
 *    alone: who frees a block may find the page's heap merged with another, ended and in use for
 *    something else.
 *  - The blocks behind `capacity` are zero when `is_zero`: fresh from the kernel, never handed out.
 *  - The order of stores that change `used` and `state` together is such that a child forked in
 *    between finds the blocks in use too high, never too low (atomic_signal_fence).
 *
 * There is one free list, not a second one for the blocks that the owner frees: the block freed
 * last is handed out next, while it is in the cache, and nothing ever needs promoting
 * (docs/evidence.md, "One list or two").
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_PAGE_H
#define EDDY_HEAP_PAGE_H

#include "config/ablate.h"
#include "heap/class.h"

typedef enum page_state {
    PAGE_CURRENT,
    PAGE_PARTIAL,
    PAGE_FULL,
    PAGE_RETAINED,
    PAGE_TAKEN
} page_state_t;

static always_inline page_t *page_of_link(list_node_t *node) {
    return list_object(node, page_t, link);
}

/* A full page is listed again once a sixteenth of its blocks is free: its next turn as the current
 * page lasts that long (docs/evidence.md, "Waking full pages"). Of the two blocks that every page
 * has at least, one. */
static always_inline uint32_t page_wake(uint32_t block_limit) {
    return ablated(ABLATE_WAKE) ? 1 : (block_limit + 15) / 16;
}

/* What `used` of a current page counts too many. */
static always_inline uint32_t page_current_bias(void) { return !ablated(ABLATE_BIAS); }

static always_inline uint32_t page_current_in_use(const page_t *page) {
    return page->used - page_current_bias();
}

/* Blocks in use, from the page's numbers. */
static inline uint32_t page_in_use(page_state_t state, uint32_t used, uint32_t block_limit) {
    switch (state) {
    case PAGE_CURRENT:
        return used - page_current_bias();
    case PAGE_FULL:
        return used + block_limit - page_wake(block_limit);
    default:
        return used;
    }
}

/* Of a full page: so many blocks were freed that it is worth listing again. Frees that come before
 * it is listed let the count wrap. */
static inline bool page_is_counted_out(const page_t *page) { return (int32_t)page->used <= 0; }

/* ---- thread_free: what other threads freed, in one word ----
 * The chain of blocks by its first one, its length, and whether the page is full. Marked full
 * implies empty: the first free into such a page clears the mark and does not go onto this chain
 * but tells the owner (heap/remote.h). Addresses of the window fit 48 bits (memory/region.c). */
static const uint64_t PENDING_FULL = (uint64_t)1 << 63;
static const uint64_t PENDING_ADDRESS = ((uint64_t)1 << 48) - 1;
enum { PENDING_COUNT_SHIFT = 48 };
_Static_assert(SLICE_BYTES / BLOCK_ALIGN < 1 << 15, "the length of a chain fits beside the mark");

static always_inline uint32_t pending_count(uint64_t pending) {
    return (uint32_t)((pending & ~PENDING_FULL) >> PENDING_COUNT_SHIFT);
}

static always_inline uint64_t pending_of(const block_t *first, uint32_t count) {
    return (uint64_t)count << PENDING_COUNT_SHIFT | (uintptr_t)first;
}

static always_inline block_t *pending_first(uint64_t pending) {
    return (block_t *)(uintptr_t)(pending & PENDING_ADDRESS);
}

/* Make a page out of a span in transit. No block is linked yet. */
void page_make(page_t *page, struct heap *heap, unsigned size_class, bool is_zero);
/* Give the span of a page back. The page has no live block, and stands in no list. */
void page_free(page_t *page);
/* Make an empty page one of another class or heap. */
void page_remake(page_t *page, struct heap *heap, unsigned size_class);
/* Link more blocks of those that are not linked yet, in the heap's slow entry of that number. Owner
 * only, `free` empty. */
void page_extend(page_t *page, uint32_t entry);
/* Cut off the slices that no linked block lies in, but for those of the first two blocks: a span in
 * transit, or NULL. By who may use the page. */
page_t *page_shorten(page_t *page);
/* Give back what was cut off: without the heap's lock, since the kernel may be called. */
void page_free_rest(page_t *rest);
/* Link all blocks anew in address order. Of a page without a live block. */
void page_straighten(page_t *page);
/* Make what other threads freed the free list. Owner only, `free` empty, something pending. */
void page_collect(page_t *page);
/* Of a page that is not marked full. */
static always_inline bool page_has_pending(page_t *page) {
    return load_relaxed(&page->thread_free) != 0;
}
/* Whether the blocks of a page without a live one are to be linked anew: they lie on no list, or
 * the first two of the free list not side by side, and so likely none do. One with a single block
 * counts as scattered. */
static inline bool page_is_scattered(const page_t *page) {
    if (unlikely(page->free == NULL)) return true;
    if (ablated(ABLATE_STRAIGHTEN)) return false;
    size_t bytes = page->block_bytes;
    size_t distance = (size_t)page->free->next - (size_t)page->free;
    return distance != bytes && distance != 0 - bytes;
}
/* Whether some linked blocks of a current page are not in use. When none is free either, its list
 * was broken off: by the program, or in the child of a fork (heap/fork.h). */
static inline bool page_misses_blocks(const page_t *page) {
    assert_debug(page->state == PAGE_CURRENT);
    return !ablated(ABLATE_BIAS) && page->used <= page->capacity;
}
/* From its first block to the last one that was linked: what of the page has been touched. */
static inline size_t page_linked_bytes(const page_t *page) {
    return (size_t)page->capacity * page->block_bytes;
}
/* Hand out no block of a current page's list any more: they count as in use. */
void page_distrust(page_t *page);
/* Mark the page full unless frees are pending; false in that case. Under the heap's lock, all
 * blocks handed out. */
static always_inline bool page_mark_full(page_t *page) {
    assert_debug(page->free == NULL && page->capacity == page->block_limit);
    uint64_t nothing = 0;
    return swap_strong_relaxed(&page->thread_free, &nothing, PENDING_FULL);
}
/* Hand a chain of `count` blocks to a page of another thread. The token, a block that was kept
 * back to tell the owner of a full page, or NULL. */
static always_inline block_t *page_give(page_t *page, block_t *first, block_t *last,
                                        uint32_t count) {
    uint64_t before = load_relaxed(&page->thread_free);
    /* Release pairs with the acquire in page_collect: the links are seen. A chain only grows until
     * it is taken whole, so an old word that is back again is still right. Ordered, because whoever
     * gives then looks whether the heap is dead (is_dead in heap/remote.c), while its last thread
     * says that it is dead and then looks at this word (heap_abandon). */
    for (;;) {
        if (unlikely(before == PENDING_FULL)) {
            last->next = NULL;
            uint64_t rest = count > 1 ? pending_of(first->next, count - 1) : 0;
            if (swap_weak_ordered(&page->thread_free, &before, rest)) return first;
        } else {
            last->next = pending_first(before);
            /* Without the mark, all but the address is the count. */
            uint64_t all = pending_of(first, count) + (before - (uintptr_t)last->next);
            if (likely(swap_weak_ordered(&page->thread_free, &before, all))) return NULL;
        }
    }
}

/* The page that a slice of it belongs to. Another descriptor for any other slice, which has no
 * owner but for a wrong pointer: no slice but a page's, or the last one of what once was a free
 * span, is an inner one. */
static always_inline page_t *page_of_slice(page_t *slice) {
    uint64_t shape = load_relaxed(&slice->shape);
    return shape_kind(shape) == SPAN_INNER ? slice - shape_count(shape) : slice;
}

/* What another thread may know of a page's plain fields: right when the owner rests, a moment old
 * otherwise. With remote_peek the only exemption from the thread sanitizer. */
typedef struct page_view {
    uint32_t used, capacity, block_limit;
    page_state_t state;
    size_t block_bytes;
} page_view_t;
page_view_t page_peek(const page_t *page);

/* The block that `pointer` points into; the pointer itself but for interior ones. */
static inline block_t *page_block(const page_t *page, const void *pointer) {
    uint32_t offset = (uint32_t)((const char *)pointer - slice_address(page));
    return (block_t *)(void *)((char *)pointer - offset % (uint32_t)page->block_bytes);
}

/* Whether a live block may begin at the pointer, as far as the page's numbers tell. By any
 * thread. */
bool page_may_hold(const page_t *page, const void *pointer);
/* The block that the pointer stands for, one that may be live: it begins before the pointer where
 * the page has interior ones. NULL when there is none. */
block_t *page_find(page_t *page, const void *pointer);

/* Walks the free list and asserts the invariants. Owner only. */
void page_verify(const page_t *page);

#endif
