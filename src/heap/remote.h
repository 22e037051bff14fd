/* Frees of blocks that belong to another thread.
 *
 * They are gathered per page in a small buffer of the freeing thread and given to the page as one
 * chain by one atomic operation: when there is one more than a limit of blocks or bytes, when
 * another page needs the entry, when the thread enters the slow path of malloc, and when it ends.
 * So a thread that goes idle holds back at most REMOTE_ENTRIES * REMOTE_BYTES (128 KiB) and keeps
 * at most REMOTE_ENTRIES pages from emptying. Blocks of first-class heaps are never held back: the
 * heap may be destroyed.
 *
 * A full page is in no list that its owner looks at. The first free into it keeps one block back
 * as a token and pushes it on the heap's `tokens`; the owner, or whoever holds the heap's lock,
 * settles the tokens: lists the page as partial and frees the token into it. The token counts as
 * used until then, so its page cannot empty and vanish.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_REMOTE_H
#define EDDY_HEAP_REMOTE_H

#include "heap/thread.h"

static always_inline remote_entry_t *remote_entry(thread_t *thread, const page_t *page) {
    /* Descriptors are four entries long: their address, scaled down and cut, is an offset. */
    enum { SCALE = sizeof(page_t) / sizeof(remote_entry_t) };
    size_t offset = (uintptr_t)page / SCALE % sizeof thread->remote;
    return (remote_entry_t *)(void *)((char *)thread->remote + offset);
}

/* Free a block of a live page of another thread, of which nothing is gathered. `thread` is the
 * running one, and has a record. */
void remote_begin(page_t *page, block_t *block, thread_t *thread);
/* The same at once, by a thread that may have none. */
out_of_line void remote_give(page_t *page, block_t *block);
/* One block too many was gathered: give the others, and go on with that one. */
out_of_line void remote_renew(remote_entry_t *entry);
/* Add a block to the entry of its page. */
static always_inline void remote_gather(remote_entry_t *entry, block_t *block) {
    block->next = entry->first;
    entry->first = block;
    if (unlikely(--entry->room < 0)) remote_renew(entry);
}

/* Give the blocks of all entries to their pages. */
void remote_flush_all(thread_t *thread);
static always_inline void remote_flush(thread_t *thread) {
    if (unlikely(thread->remote_open != 0)) remote_flush_all(thread);
}
/* What a thread holds back, for statistics: right while the thread rests. Reads its plain fields
 * and is exempt from the thread sanitizer, as page_peek is and nothing else. */
typedef struct remote_held {
    size_t blocks, bytes, pages;
} remote_held_t;
remote_held_t remote_peek(const thread_t *thread);
/* Push a chain on a page and its token, if it gets one, on the heap. */
void remote_push(page_t *page, block_t *first, block_t *last, uint32_t count);

#endif
