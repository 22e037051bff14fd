/* SPDX-License-Identifier: MIT */
#include "heap/remote.h"

#include "config/ablate.h"
#include "heap/mistake.h"
#include "heap/registry.h"
#include "memory/alarm.h"

void remote_push(page_t *page, block_t *first, block_t *last, uint32_t count) {
    block_t *token = page_give(page, first, last, count);
    if (unlikely(token != NULL)) (void)heap_push_token(page, token);
}

/* When the heap's thread has ended, nobody else will notice that the page has become empty.
 * Ordered: see page_give. */
static always_inline bool is_dead(heap_t *heap) { return load_ordered(&heap->state) == HEAP_DEAD; }

/* Somebody has to hear of a gift: of the token, if there is one, by its owner. */
static out_of_line void tell(heap_t *heap, page_t *page, block_t *token) {
    if (token != NULL) heap = heap_push_token(page, token);
    alarm_ring();
    /* From here on the page may be gone. */
    heap_release_if_empty(heap, page);
}

/* Whether the page is where nobody but its giver would look. Its heap may have died, left it to an
 * estate and been given to another thread since it was read: so the page is asked once more. Of a
 * heap that lives and has the page, its owner hears, or the scavenger. */
static always_inline bool is_left(heap_t *heap, page_t *page) {
    return is_dead(heap) || load_ordered(&page->heap) != heap;
}

/* Give a chain to its page. Its heap may be another one by now: heap structs are never unmapped, so
 * an old one can be asked for its state. */
static always_inline void give(page_t *page, block_t *first, block_t *last, uint32_t count) {
    /* Acquire pairs with the releases in move_list (heap/sweep.c) and move_page (heap/estate.c):
     * who sees an estate sees `used` as the page's last thread left it, or somebody later. */
    heap_t *heap = load_acquire(&page->heap);
    block_t *token = page_give(page, first, last, count);
    if (unlikely(token != NULL || !alarm_is_rung() || is_left(heap, page))) tell(heap, page, token);
}

static uint32_t gathered(const remote_entry_t *entry) {
    return (uint32_t)(entry->limit - entry->room);
}

void remote_renew(remote_entry_t *entry) {
    block_t *block = entry->first, *last = entry->last;
    entry->last = block;
    entry->room = entry->limit - 1;
    give(entry->page, block->next, last, (uint32_t)entry->limit);
}

/* The block freed last is the one freed first. */
static bool ends_in_first(const remote_entry_t *entry) {
    return entry->first == entry->last && gathered(entry) > 1;
}

/* As if it had not been freed a second time. */
static cold block_t *drop_first(remote_entry_t *entry) {
    block_t *block = entry->first;
    entry->first = block->next;
    entry->room++;
    return block;
}

void remote_flush_all(thread_t *thread) {
    const block_t *twice = NULL;
    for (size_t i = 0; i < REMOTE_ENTRIES; i++) {
        remote_entry_t entry = thread->remote[i];
        thread->remote[i].page = NULL;
        if (entry.page == NULL) continue;
        if (unlikely(ends_in_first(&entry))) twice = drop_first(&entry);
        give(entry.page, entry.first, entry.last, gathered(&entry));
    }
    thread->remote_open = 0;
    if (unlikely(twice != NULL)) mistake_freed_twice(twice);
}

/* How many blocks of each class are gathered: a table instead of a division. Up to 1 when they are
 * given one by one. */
#define LIMIT(bytes)                                                                               \
    (uint8_t)((bytes)*REMOTE_BLOCKS <= REMOTE_BYTES ? REMOTE_BLOCKS : REMOTE_BYTES / (bytes))
#define LIMITS4(bytes, step)                                                                       \
    LIMIT(bytes), LIMIT((bytes) + (step)), LIMIT((bytes) + 2 * (step)), LIMIT((bytes) + 3 * (step))
#define LIMITS(bytes, step) LIMITS4(bytes, step), LIMITS4((bytes) + 4 * (step), step)
#define DOUBLING(kib) LIMITS(576 * (kib), 64 * (kib))
static const uint8_t limits[] = {
    LIMITS(16, 16), LIMITS(144, 16), LIMITS(288, 32), DOUBLING(1),  DOUBLING(2),
    DOUBLING(4),    DOUBLING(8),     DOUBLING(16),    DOUBLING(32), DOUBLING(64),
};
_Static_assert(sizeof limits == CLASS_COUNT, "one for each class");

static always_inline int32_t gather_limit(const page_t *page) {
    return unlikely(page->is_first_class) ? 1 : limits[page->size_class];
}

void remote_give(page_t *page, block_t *block) { give(page, block, block, 1); }

void remote_begin(page_t *page, block_t *block, thread_t *thread) {
    int32_t limit = gather_limit(page);
    if (unlikely(limit <= 1) || ablated(ABLATE_COMBINE)) {
        remote_give(page, block);
        return;
    }
    remote_entry_t *entry = remote_entry(thread, page), before = *entry;
    assert_debug(before.page != page);
    *entry = (remote_entry_t){page, block, block, limit, limit - 1};
    if (likely(before.page != NULL)) {
        give(before.page, before.first, before.last, gathered(&before));
    } else {
        thread->remote_open++;
    }
}

__attribute__((no_sanitize("thread"))) remote_held_t remote_peek(const thread_t *thread) {
    remote_held_t held = {0, 0, 0};
    for (size_t i = 0; i < REMOTE_ENTRIES; i++) {
        const volatile remote_entry_t *entry = &thread->remote[i];
        const page_t *page = entry->page;
        if (page == NULL) continue;
        held.pages++;
        uint32_t count = (uint32_t)(entry->limit - entry->room);
        held.blocks += count;
        held.bytes += count * page_peek(page).block_bytes;
    }
    return held;
}
