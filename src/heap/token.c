/* Tokens: the block whose free found a page marked full tells the heap's owner so (heap/remote.h).
 * SPDX-License-Identifier: MIT */
#include "heap/late.h"
#include "heap/remote.h"
#include "heap/state.h"
#include "memory/alarm.h"
#include "os/os.h"

/* Tokens settled at once: for each the owner waits for lines of memory that others wrote last. In a
 * steady exchange there is about one to the slow entry. */
enum { SETTLE_STEP = 32 };

/* The page may go to another heap at this moment, and the old one may settle for the last time, and
 * be about to serve another purpose. Ordered: pairs with move_pages, which says where the page is
 * and then waits for who is on the way to the old heap. In a child the repair comes first: it lets
 * nobody be on the way. */
static heap_t *arrive(const page_t *page) {
    forked_check();
    for (;;) {
        heap_t *heap = load_relaxed(&page->heap);
        add_ordered(&heap->arriving, 1);
        if (likely(load_ordered(&page->heap) == heap)) return heap;
        sub_release(&heap->arriving, 1);
    }
}

heap_t *heap_push_token(page_t *page, block_t *token) {
    heap_t *heap = arrive(page);
    block_t *first = load_relaxed(&heap->tokens);
    do {
        token->next = first;
        /* Release pairs with the acquire in pop_token: the link is seen. Ordered, as in page_give:
         * who pushed then looks whether the heap is dead, and who says that it is dead looks
         * here. */
    } while (!swap_weak_ordered(&heap->tokens, &first, token));
    /* Release pairs with the acquire in heap_await_tokens. */
    sub_release(&heap->arriving, 1);
    return heap;
}

/* Ordered: see arrive; acquire pairs with the release in heap_push_token. */
void heap_await_tokens(heap_t *heap) {
    while (load_ordered(&heap->arriving) != 0) os_yield();
}

/* One by one: a child forked meanwhile loses no more than one. Only who holds the lock takes tokens
 * away, so the first one is the same as long as its address is. */
static block_t *pop_token(heap_t *heap) {
    /* Acquire pairs with the release in heap_push_token. Ordered: see there. */
    block_t *first = load_ordered(&heap->tokens);
    while (first != NULL && !swap_weak_acquire(&heap->tokens, &first, first->next)) continue;
    return first;
}

static void settle_token(heap_t *heap, block_t *token) {
    if (token == heap->token_at) heap->token_at = NULL;
    page_t *page = span_head(slice_descriptor(slice_of(token)));
    /* The page of a token cannot have vanished, but it may have gone to another heap, full as it
     * was: that one lists it. */
    if (unlikely(load_relaxed(&page->heap) != heap)) {
        (void)heap_push_token(page, token);
        /* The scavenger may have looked at that heap already. Its owner need not come. */
        alarm_ring();
        return;
    }
    if (page->state == PAGE_FULL) heap_wake(heap, page);
    remote_push(page, token, token, 1);
}

/* False at the last token. */
static bool settle_step(heap_t *heap) {
    for (int tokens = 0; tokens < SETTLE_STEP; tokens++) {
        block_t *token = pop_token(heap);
        if (token == NULL) return false;
        settle_token(heap, token);
    }
    return true;
}

void heap_settle(heap_t *heap) {
    if (unlikely(heap->late.any)) late_settle(heap);
    while (settle_step(heap)) continue;
}

static bool has_page(heap_t *heap, unsigned size_class) {
    return !list_is_empty(&heap->partial[size_class]) ||
           load_relaxed(&heap->retained[size_class]) != NULL;
}

void heap_settle_for(heap_t *heap, unsigned size_class) {
    if (unlikely(heap->late.any)) late_settle(heap);
    while (settle_step(heap) && !has_page(heap, size_class)) continue;
}
