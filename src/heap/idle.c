/* SPDX-License-Identifier: MIT */
#include "heap/idle.h"

#include "heap/late.h"
#include "heap/limit.h"
#include "heap/retain.h"

/* Pages looked at between taking the lock and letting go of it. */
enum { STEP_PAGES = 32 };
/* How often a held lock is tried before the heap is left for the next round. */
enum { LOCK_TRIES = 16 };

/* Guards `in_hand`. */
static lock_t lock = LOCK_INIT(RANK_IDLE);
/* Pages taken from running owners, not yet freed for want of a barrier. */
static list_t in_hand = {{&in_hand.head, &in_hand.head}};

void idle_detach(heap_t *heap, page_t *page, list_t *detached) {
    list_remove(&page->link);
    demand_fall(&heap->demand, span_slices(page));
    store_relaxed(&page->owner, NULL);
    store_relaxed(&page->heap, NULL);
    list_push_last(detached, &page->link);
}

void idle_free(list_t *detached) {
    for (list_node_t *node; (node = list_first(detached)) != NULL;) {
        list_remove(node);
        page_free(page_of_link(node));
    }
}

static size_t length_of(const list_t *list) {
    size_t length = 0;
    for (list_node_t *node = list_first(list); node != NULL; node = list_next(list, node)) length++;
    return length;
}

static void keep_in_hand(list_t *detached) {
    lock_acquire(&lock);
    list_append(&in_hand, detached);
    lock_release(&lock);
}

bool idle_free_taken(list_t *detached) {
    lock_acquire(&lock);
    list_append(detached, &in_hand);
    lock_release(&lock);
    if (list_is_empty(detached)) return true;
    /* What the owners wrote to the blocks before they counted them out must have reached memory
     * before the memory is used again. */
    bool ordered = os_barrier();
    if (ordered) {
        idle_free(detached);
    } else {
        keep_in_hand(detached);
    }
    return ordered;
}

void idle_free_left(void) {
    list_t none;
    list_init(&none);
    (void)idle_free_taken(&none);
}

void idle_repair(void) {
    lock_init(&lock, RANK_IDLE);
    /* The pages belong to no heap: they become free spans (heap/fork.c). */
    list_init(&in_hand);
}

/* Whether the page may be taken in this round. */
static bool is_ripe(page_t *page, uint32_t tokens, idle_round_t *round) {
    if (!idle_is_empty(page, tokens)) {
        round->waiting |= pending_count(load_relaxed(&page->thread_free)) + tokens != 0;
        return false;
    }
    if (page->empty_since == 0) page->empty_since = round->number;
    bool ripe = round->at_once || page->empty_since != round->number;
    round->aging |= !ripe;
    return ripe;
}

static void detach(heap_t *heap, page_t *page, idle_round_t *round) {
    idle_detach(heap, page, round->detached);
    if (!round->retires) add_relaxed(&heap->counters.pages_released, 1);
}

/* The next few partial pages, each put behind the others so that the rest comes first. */
static bool sweep_partial(heap_t *heap, unsigned *size_class, idle_round_t *round) {
    for (int looks = 0; looks < STEP_PAGES; looks++) {
        list_t *list = &heap->partial[*size_class];
        list_node_t *node = list_first(list);
        if (node == NULL || page_of_link(node)->looked_at == round->number) {
            if (++*size_class == CLASS_COUNT) return false;
            continue;
        }
        page_t *page = page_of_link(node);
        page->looked_at = round->number;
        list_remove(node);
        list_push_last(list, node);
        if (is_ripe(page, 0, round)) detach(heap, page, round);
    }
    return true;
}

/* Only the first token may have others pushed in front of it meanwhile, and only who holds the lock
 * takes tokens away: so it comes off if it still is the first. */
static bool unlink_token(heap_t *heap, block_t *token) {
    if (heap->token_at != NULL) {
        heap->token_at->next = token->next;
        return true;
    }
    block_t *first = token;
    return swap_strong_relaxed(&heap->tokens, &first, token->next);
}

/* Somebody was on the way with the token when the page was adopted. It keeps the page from being
 * found empty, and where it is nobody may look for it again: an estate has no owner. */
static bool pass_on(heap_t *heap, page_t *page, block_t *token, idle_round_t *round) {
    round->aging = true;
    if (!unlink_token(heap, token)) return false;
    (void)heap_push_token(page, token);
    return true;
}

static bool detach_with_token(heap_t *heap, page_t *page, block_t *token, idle_round_t *round) {
    if (!is_ripe(page, 1, round) || !unlink_token(heap, token)) return false;
    detach(heap, page, round);
    return true;
}

bool idle_sweep_tokens(heap_t *heap, idle_round_t *round) {
    for (int looks = 0; looks < STEP_PAGES; looks++) {
        block_t *at = heap->token_at;
        /* Acquire pairs with the release in heap_push_token. */
        block_t *token = at != NULL ? at->next : load_acquire(&heap->tokens);
        if (token == NULL) return false;
        page_t *page = span_head(slice_descriptor(slice_of(token)));
        bool gone = load_relaxed(&page->heap) == heap ? detach_with_token(heap, page, token, round)
                                                      : pass_on(heap, page, token, round);
        if (!gone) heap->token_at = token;
    }
    return true;
}

void idle_sweep_late(heap_t *heap, idle_round_t *round) {
    for (unsigned i = 0; i < LATE_PAGES; i++) {
        page_t *page = late_counted(heap, i);
        if (page == NULL) continue;
        if (!is_ripe(page, 0, round)) {
            /* A full one has counted out before its last block goes: no slow path sees that. */
            round->waiting = true;
            continue;
        }
        detach(heap, page, round);
    }
}

static bool lock_soon(heap_t *heap) {
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        if (lock_try(&heap->lock)) return true;
        os_yield();
    }
    return false;
}

void idle_sweep(heap_t *heap, idle_round_t *round) {
    unsigned size_class = 0;
    bool waiting = round->waiting;
    bool more_partial = true, more_tokens = true, begun = false;
    while (more_partial || more_tokens) {
        if (!lock_soon(heap)) {
            round->aging = true;
            return;
        }
        if (!begun) {
            heap->token_at = NULL;
            idle_sweep_late(heap, round);
        }
        begun = true;
        if (more_partial) more_partial = sweep_partial(heap, &size_class, round);
        if (more_tokens) more_tokens = idle_sweep_tokens(heap, round);
        lock_release(&heap->lock);
    }
    /* Whoever frees the last block of a dead heap's page looks, but for a page that changes heap at
     * that moment: this finds it. */
    if (load_relaxed(&heap->state) == HEAP_DEAD) round->waiting = waiting;
}

/* ---- for memory that is needed now ---- */

/* Those partial pages that were listed before all others of their class: so they were emptied
 * first, if any was. */
static void detach_first_partial(heap_t *heap, idle_round_t *round) {
    int left = STEP_PAGES;
    for (unsigned i = 0; i < CLASS_COUNT && left > 0; i++) {
        list_node_t *node;
        for (; left > 0 && (node = list_first(&heap->partial[i])) != NULL; left--) {
            if (!idle_is_empty(page_of_link(node), 0)) break;
            detach(heap, page_of_link(node), round);
        }
    }
}

static void detach_some(heap_t *heap, list_t *detached) {
    if (!lock_try(&heap->lock)) return;
    if (load_relaxed(&heap->state) == HEAP_LIVE) {
        idle_round_t round = {.at_once = true, .retires = true, .detached = detached};
        /* From where the last look ended, whoever's it was: the first tokens may be of pages in
         * use. */
        if (!idle_sweep_tokens(heap, &round)) heap->token_at = NULL;
        detach_first_partial(heap, &round);
    }
    lock_release(&heap->lock);
}

/* A detached page is the heap's again. What was freed of it lies on several lists: it is linked
 * anew when it is used. */
static void retire(heap_t *heap, page_t *page) {
    page->free = NULL;
    page->used = 0;
    page->empty_since = 0;
    store_relaxed(&page->has_interior, false);
    store_relaxed(&page->thread_free, 0);
    page->state = PAGE_RETAINED;
    /* Release pairs with the acquire in late_counted: who sees the heap sees the state. */
    store_release(&page->heap, heap);
    count_by(&heap->counters.pages_retired, 1);
    heap_keep_beside(heap, page);
}

/* More than the option allows would be freed under the lock. A limit has room for other pages by
 * now: those in hand were in no sum. */
static bool may_keep(heap_t *heap, page_t *page) {
    return load_relaxed(&heap->state) == HEAP_LIVE && !limit_is_set(heap) &&
           load_relaxed(&heap->retained_slices) + span_slices(page) <= heap->retained_most;
}

static void retire_all(heap_t *heap, list_t *detached) {
    list_node_t *node;
    if (!lock_soon(heap)) return;
    while ((node = list_first(detached)) != NULL && may_keep(heap, page_of_link(node))) {
        list_remove(node);
        retire(heap, page_of_link(node));
    }
    lock_release(&heap->lock);
}

bool idle_retire(heap_t *heap, heap_t *taker) {
    list_t detached;
    list_init(&detached);
    /* The owner needs no barrier for what it has written itself. */
    if (heap == taker || os_barrier_available()) detach_some(heap, &detached);
    if (list_is_empty(&detached)) return false;
    bool ordered = heap == taker || os_barrier();
    if (ordered) retire_all(heap, &detached);
    /* The rest is of an owner that was busy, or has ended, or may keep no more. */
    add_relaxed(&taker->counters.pages_released, length_of(&detached));
    if (ordered) {
        idle_free(&detached);
    } else {
        keep_in_hand(&detached);
    }
    return ordered;
}
