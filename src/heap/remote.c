/* SPDX-License-Identifier: MIT */
#include "heap/remote.h"

#include "config/ablate.h"
#include "heap/registry.h"
#include "memory/alarm.h"

static always_inline void push(page_t *page, block_t *first, block_t *last, uint32_t count) {
    block_t *token = page_give(page, first, last, count);
    /* The token keeps the page alive. Should the page go to another heap at this moment, the old
     * one passes the token on when it settles. */
    if (unlikely(token != NULL)) heap_push_token(load_relaxed(&page->heap), token);
}

void remote_push(page_t *page, block_t *first, block_t *last, uint32_t count) {
    push(page, first, last, count);
}

/* Give a chain to its page. When the heap's thread has ended, nobody else will notice that the page
 * has become empty. */
static always_inline void give(page_t *page, block_t *first, block_t *last, uint32_t count) {
    heap_t *heap = load_relaxed(&page->heap);
    push(page, first, last, count);
    alarm_ring();
    /* From here on the page may be gone. Ordered: see page_give. */
    if (unlikely(load_ordered(&heap->state) == HEAP_DEAD)) heap_release_if_empty(heap, page);
}

void remote_flush_entry(thread_t *thread, remote_entry_t *entry) {
    page_t *page = entry->page;
    entry->page = NULL;
    thread->remote_open--;
    give(page, entry->first, entry->last, entry->limit - entry->room);
}

void remote_flush_all(thread_t *thread) {
    for (size_t i = 0; i < REMOTE_ENTRIES; i++) {
        if (thread->remote[i].page != NULL) remote_flush_entry(thread, &thread->remote[i]);
    }
}

/* How many blocks of a page are gathered; 1 when they are given one by one. */
static always_inline uint32_t gather_limit(const thread_t *thread, page_t *page) {
    if (unlikely(!thread_is_started(thread)) || ablated(ABLATE_COMBINE)) return 1;
    if (unlikely(load_relaxed(&load_relaxed(&page->heap)->first_class) != NULL)) return 1;
    size_t bytes = page->block_bytes;
    if (likely(bytes <= REMOTE_BYTES / REMOTE_BLOCKS)) return REMOTE_BLOCKS;
    return (uint32_t)size_max(REMOTE_BYTES / bytes, 1);
}

static out_of_line void give_one(page_t *page, block_t *block) { give(page, block, block, 1); }

void remote_free(thread_t *thread, page_t *page, block_t *block) {
    uint32_t limit = gather_limit(thread, page);
    if (unlikely(limit == 1)) {
        give_one(page, block);
        return;
    }
    remote_entry_t *entry = remote_entry(thread, page);
    if (likely(entry->page != NULL)) {
        if (unlikely(entry->page == page)) {
            remote_gather(thread, entry, block);
            return;
        }
        remote_flush_entry(thread, entry);
    }
    thread->remote_open++;
    block->next = NULL;
    *entry = (remote_entry_t){page, block, block, limit, limit - 1};
}

__attribute__((no_sanitize("thread"))) remote_held_t remote_peek(const thread_t *thread) {
    remote_held_t held = {0, 0, 0};
    for (size_t i = 0; i < REMOTE_ENTRIES; i++) {
        const volatile remote_entry_t *entry = &thread->remote[i];
        const page_t *page = entry->page;
        if (page == NULL) continue;
        held.pages++;
        uint32_t count = entry->limit - entry->room;
        held.blocks += count;
        held.bytes += count * page_peek(page).block_bytes;
    }
    return held;
}
