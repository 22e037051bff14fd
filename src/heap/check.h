/* Debug builds look at every block that is freed or handed out. Each block on a free list, or on
 * its way to one, carries a mark in its second word, behind the link: a block that is marked when
 * it is freed was freed before, one that is not when it is handed out was written to meanwhile. The
 * mark depends on the address, so that a copy of a block is none.
 *
 * A block is marked before it is pushed and loses the mark after it was popped: in the child of a
 * fork no list holds one without.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_CHECK_H
#define EDDY_HEAP_CHECK_H

#include "heap/page.h"

typedef struct marked_block {
    block_t link;
    uintptr_t mark;
} marked_block_t;
_Static_assert(sizeof(marked_block_t) <= BLOCK_ALIGN, "every block has room for it");

static inline uintptr_t *check_mark(block_t *block) {
    return &((marked_block_t *)(void *)block)->mark;
}

static inline uintptr_t check_mark_of(const block_t *block) {
    return (uintptr_t)block ^ (uintptr_t)0xf4eeb10cf4eeb10c;
}

static inline void check_set_mark(block_t *block) {
    if (!DEBUG_BUILD) return;
    *check_mark(block) = check_mark_of(block);
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void check_clear_mark(block_t *block) {
    if (!DEBUG_BUILD) return;
    atomic_signal_fence(memory_order_seq_cst);
    *check_mark(block) = 0;
}

/* Whether a live block of the page begins at the pointer, or stands for it; any other pointer into
 * a page is reported for `call`. Whatever lies in no page is left to the slow path. */
cold bool check_freed(page_t *descriptor, const void *pointer, const char *call);
/* Whether the pointer stands for a live block of the page. By who may use the block. */
cold bool check_live(page_t *page, const void *pointer);
/* Whether the first free block of the current page is as it was when it was freed. If not, that is
 * reported, and the page has no free block any more. */
cold bool check_first(page_t *page);

#endif
