/* Tokens: the block whose free found a page marked full tells the heap's owner so (heap/remote.h).
 * SPDX-License-Identifier: MIT */
#include "heap/late.h"
#include "heap/remote.h"
#include "heap/state.h"

/* Tokens settled at once: for each the owner waits for lines of memory that others wrote last. In a
 * steady exchange there is about one to the slow entry. */
enum { SETTLE_STEP = 32 };

void heap_push_token(heap_t *heap, block_t *token) {
    block_t *first = load_relaxed(&heap->tokens);
    do {
        token->next = first;
        /* Release pairs with the acquire in pop_token: the link is seen. Ordered, as in page_give:
         * who pushed then looks whether the heap is dead, and who says that it is dead looks
         * here. */
    } while (!swap_weak_ordered(&heap->tokens, &first, token));
}

/* The first one, unless another is pushed in front of it. */
static bool take_first(heap_t *heap, block_t *token) {
    /* Acquire pairs with the release in heap_push_token. */
    block_t *first = load_acquire(&heap->tokens);
    return first == token && swap_strong_relaxed(&heap->tokens, &first, token->next);
}

static bool take_behind(block_t *token, block_t *first) {
    for (block_t *at = first; at != NULL; at = at->next) {
        if (at->next != token) continue;
        at->next = token->next;
        return true;
    }
    return false;
}

/* Under the lock nobody else takes tokens away. */
bool heap_take_back_token(heap_t *heap, block_t *token) {
    lock_acquire(&heap->lock);
    heap->token_at = NULL;
    /* Acquire, as in take_first. */
    bool taken = take_first(heap, token) || take_behind(token, load_acquire(&heap->tokens));
    lock_release(&heap->lock);
    return taken;
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
    heap_t *now = load_relaxed(&page->heap);
    /* The page of a token cannot have vanished, but it may have gone to another heap, full as it
     * was: that one lists it. */
    if (unlikely(now != heap)) {
        heap_push_token(now, token);
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

static bool has_page(const heap_t *heap, unsigned size_class) {
    return !list_is_empty(&heap->partial[size_class]) ||
           !list_is_empty(&heap->retained[size_class]);
}

void heap_settle_for(heap_t *heap, unsigned size_class) {
    if (unlikely(heap->late.any)) late_settle(heap);
    while (settle_step(heap) && !has_page(heap, size_class)) continue;
}
