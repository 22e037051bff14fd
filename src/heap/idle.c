/* SPDX-License-Identifier: MIT */
#include "heap/idle.h"

#include "heap/late.h"
#include "heap/lend.h"

/* Pages looked at between taking the lock and letting go of it. */
enum { STEP_PAGES = 32 };
/* How often a held lock is tried before the heap is left for the next round. */
enum { LOCK_TRIES = 16 };

/* Guards `in_hand`. */
static lock_t lock = LOCK_INIT(RANK_IDLE);
/* Pages taken from running owners, not yet freed for want of a barrier. */
static list_t in_hand = {{&in_hand.head, &in_hand.head}};

static page_t *page_of_link(list_node_t *node) { return list_object(node, page_t, link); }

void idle_detach(heap_t *heap, page_t *page) {
    list_remove(&page->link);
    demand_fall(&heap->demand, span_slices(page));
    store_relaxed(&page->owner, NULL);
    store_relaxed(&page->heap, NULL);
    count_by(&heap->counters.pages_released, 1);
}

void idle_free(list_t *detached) {
    for (list_node_t *node; (node = list_first(detached)) != NULL;) {
        list_remove(node);
        page_free(page_of_link(node));
    }
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
        if (!is_ripe(page, 0, round)) continue;
        idle_detach(heap, page);
        list_push_last(round->detached, node);
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

bool idle_sweep_tokens(heap_t *heap, idle_round_t *round) {
    for (int looks = 0; looks < STEP_PAGES; looks++) {
        block_t *at = heap->token_at;
        /* Acquire pairs with the release in heap_push_token. */
        block_t *token = at != NULL ? at->next : load_acquire(&heap->tokens);
        if (token == NULL) return false;
        page_t *page = span_head(slice_descriptor(slice_of(token)));
        bool own = load_relaxed(&page->heap) == heap;
        if (own && is_ripe(page, 1, round) && unlink_token(heap, token)) {
            idle_detach(heap, page);
            list_push_last(round->detached, &page->link);
        } else {
            heap->token_at = token;
        }
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
        idle_detach(heap, page);
        list_push_last(round->detached, &page->link);
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
    bool more_partial = true, more_tokens = true, begun = false;
    while (more_partial || more_tokens) {
        if (!lock_soon(heap)) {
            round->aging = true;
            return;
        }
        loan_t loan;
        lend_begin(heap, &loan);
        if (!begun) {
            heap->token_at = NULL;
            idle_sweep_late(heap, round);
        }
        begun = true;
        if (more_partial) more_partial = sweep_partial(heap, &size_class, round);
        if (more_tokens) more_tokens = idle_sweep_tokens(heap, round);
        lend_end(heap, &loan);
        lock_release(&heap->lock);
    }
}

/* The owner needs no barrier for what it has written itself. */
static bool may_take(bool is_owner) { return is_owner || os_barrier_available(); }

/* Those partial pages that were listed before all others of their class: so they were emptied
 * first, if any was. */
static void take_first_partial(heap_t *heap, bool is_owner, list_t *detached) {
    int left = STEP_PAGES;
    for (unsigned i = 0; i < CLASS_COUNT && left > 0; i++) {
        list_node_t *node;
        for (; left > 0 && (node = list_first(&heap->partial[i])) != NULL; left--) {
            page_t *page = page_of_link(node);
            if (!idle_is_empty(page, 0) || !may_take(is_owner)) break;
            idle_detach(heap, page);
            list_push_last(detached, node);
        }
    }
}

/* From where the last look ended, whoever's it was: the first tokens may be of pages in use. */
static void take_next_tokens(heap_t *heap, bool is_owner, list_t *detached) {
    if (load_relaxed(&heap->tokens) == NULL || !may_take(is_owner)) return;
    idle_round_t round = {.at_once = true, .detached = detached};
    if (!idle_sweep_tokens(heap, &round)) heap->token_at = NULL;
}

bool idle_take(heap_t *heap, bool is_owner) {
    if (!lock_try(&heap->lock)) return false;
    list_t detached;
    list_init(&detached);
    loan_t loan;
    lend_begin(heap, &loan);
    if (load_relaxed(&heap->state) == HEAP_LIVE) {
        take_next_tokens(heap, is_owner, &detached);
        take_first_partial(heap, is_owner, &detached);
    }
    lend_end(heap, &loan);
    lock_release(&heap->lock);
    if (list_is_empty(&detached)) return false;
    if (!is_owner) return idle_free_taken(&detached);
    idle_free(&detached);
    return true;
}
