/* SPDX-License-Identifier: MIT */
#include "heap/remote.h"

#include "config/ablate.h"
#include "heap/registry.h"

void remote_push(page_t *page, block_t *first, block_t *last, uint32_t count) {
    block_t *token = page_give(page, first, last, count);
    /* The token keeps the page alive. Should the page go to another heap at this moment, the old
     * one passes the token on when it settles. */
    if (token != NULL) heap_push_token(load_relaxed(&page->heap), token);
}

/* Give a chain to its page. When the heap's thread has ended, nobody else will notice that the page
 * has become empty. */
static void give(page_t *page, block_t *first, block_t *last, uint32_t count) {
    heap_t *heap = load_relaxed(&page->heap);
    remote_push(page, first, last, count);
    /* From here on the page may be gone. Ordered: see page_give. */
    if (unlikely(load_ordered(&heap->state) == HEAP_DEAD)) heap_release_if_empty(heap, page);
}

void remote_flush_entry(thread_t *thread, remote_entry_t *entry) {
    remote_entry_t flushed = *entry;
    *entry = (remote_entry_t){0};
    thread->remote_open--;
    give(flushed.page, flushed.first, flushed.last, flushed.count);
}

void remote_flush_all(thread_t *thread) {
    for (size_t i = 0; i < REMOTE_ENTRIES; i++) {
        if (thread->remote[i].page != NULL) remote_flush_entry(thread, &thread->remote[i]);
    }
}

void remote_free(thread_t *thread, page_t *page, block_t *block) {
    size_t limit = size_min(REMOTE_BLOCKS, REMOTE_BYTES / page->block_bytes);
    heap_t *heap = load_relaxed(&page->heap);
    if (limit <= 1 || ablated(ABLATE_COMBINE) || load_relaxed(&heap->first_class) != NULL || !thread_is_started(thread)) {
        give(page, block, block, 1);
        return;
    }
    remote_entry_t *entry = remote_entry(thread, page);
    if (entry->page == page) {
        remote_gather(thread, entry, block);
        return;
    }
    if (entry->page != NULL) remote_flush_entry(thread, entry);
    block->next = NULL;
    *entry = (remote_entry_t){page, block, block, 1, (uint32_t)limit};
    thread->remote_open++;
}

__attribute__((no_sanitize("thread"))) remote_held_t remote_peek(const thread_t *thread) {
    remote_held_t held = {0, 0, 0};
    for (size_t i = 0; i < REMOTE_ENTRIES; i++) {
        const volatile remote_entry_t *entry = &thread->remote[i];
        const page_t *page = entry->page;
        if (page == NULL) continue;
        held.pages++;
        held.blocks += entry->count;
        held.bytes += entry->count * page_peek(page).block_bytes;
    }
    return held;
}
