/* What goes over all pages of a heap: collect, abandon, merge, destroy, verify.
 * SPDX-License-Identifier: MIT */
#include "heap/heap.h"
#include "heap/idle.h"
#include "heap/late.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "heap/state.h"
#include "os/os.h"

/* ---- owners and current pages ---- */

static void set_owner_in(list_t *list, struct thread *thread) {
    for (list_node_t *node = list_first(list); node != NULL; node = list_next(list, node)) {
        page_t *page = page_of_link(node);
        if (!load_relaxed(&page->has_interior)) store_relaxed(&page->owner, thread);
    }
}

static void set_owner(heap_t *heap, struct thread *thread) {
    for (unsigned i = 0; i < CLASS_COUNT; i++) set_owner_in(&heap->partial[i], thread);
    set_owner_in(&heap->full, thread);
}

void heap_set_owner(heap_t *heap, struct thread *thread) {
    store_relaxed(&heap->thread, thread);
    set_owner(heap, thread);
}

void heap_put_aside_current(heap_t *heap) {
    if (unlikely(heap->late.any)) late_settle(heap);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        page_t *page = heap->current[i];
        if (page == &page_empty) continue;
        heap_set_current(heap, i, &page_empty);
        heap_put_aside(heap, page);
    }
}

/* A page that was not extended for so many slow entries may be shortened: a burst in many classes
 * would leave its pages short for all bursts that follow. */
enum { REST_ENTRIES = 128 };

void heap_shorten_current(heap_t *heap, list_t *cut) {
    uint32_t entry = (uint32_t)load_relaxed(&heap->counters.slow_entries);
    for (unsigned i = class_of(SMALL_MAX) + 1; i < CLASS_COUNT; i++) {
        page_t *page = heap->current[i];
        bool rests = page != &page_empty && entry - page->extended_at >= REST_ENTRIES;
        page_t *rest = rests ? page_shorten(page) : NULL;
        if (rest == NULL) continue;
        demand_fall(&heap->demand, span_slices(rest));
        list_push_last(cut, &rest->link);
    }
}

/* ---- taking pages without a live block ---- */

/* Take the page out of the heap if no block of it is live. See page.h for why this is safe beside
 * an owner that takes no lock. */
static void detach_if_empty(heap_t *heap, page_t *page, list_t *detached) {
    if (!idle_is_empty(page, 0)) return;
    idle_detach(heap, page, detached);
    add_relaxed(&heap->counters.pages_released, 1);
}

static void detach_empty_in(heap_t *heap, list_t *list, list_t *detached) {
    list_node_t *next;
    for (list_node_t *node = list_first(list); node != NULL; node = next) {
        next = list_next(list, node);
        detach_if_empty(heap, page_of_link(node), detached);
    }
}

/* False only of a page of a dead heap that has a live block, and will be looked at by who frees
 * its last one. `used` may be a moment old, but is never higher than the blocks in use, and one
 * more for what is current: a full page counts less, and only who holds the lock brings it up to
 * the number. */
static bool may_be_empty(page_t *page) {
    /* Ordered, as in idle_is_empty: of two that give the last blocks one sees both gifts. */
    uint32_t pending = pending_count(load_ordered(&page->thread_free));
    return (int32_t)page_peek(page).used <= (int32_t)pending + 1;
}

static void release_if_empty(heap_t *heap, page_t *page) {
    if (load_relaxed(&heap->tokens) == NULL && !may_be_empty(page)) return;
    list_t detached;
    list_init(&detached);
    lock_acquire(&heap->lock);
    if (load_relaxed(&heap->state) == HEAP_DEAD) {
        heap_settle(heap);
        if (load_relaxed(&page->heap) == heap) detach_if_empty(heap, page, &detached);
    }
    lock_release(&heap->lock);
    idle_free(&detached);
}

/* It may have gone to an estate meanwhile, which keeps it unless somebody looks again. Ordered, as
 * in remote.c: the page's heap is asked after that heap's state. */
void heap_release_if_empty(heap_t *heap, page_t *page) {
    heap_t *before;
    do {
        if (load_ordered(&heap->state) == HEAP_DEAD) release_if_empty(heap, page);
        before = heap;
        heap = load_ordered(&page->heap);
    } while (heap != before && heap != NULL);
}

/* The pages of a running owner's tokens, and those that are late: those that are empty but for the
 * token are taken, for the others the owner is waited for, who alone may list the page. */
static void detach_waiting(heap_t *heap, list_t *detached) {
    idle_round_t round = {.at_once = true, .detached = detached};
    idle_sweep_late(heap, &round);
    heap->token_at = NULL;
    while (idle_sweep_tokens(heap, &round)) continue;
}

static void detach_all_empty(heap_t *heap, list_t *detached) {
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        detach_empty_in(heap, &heap->partial[i], detached);
    }
}

/* Of a heap whose owner is the caller, or gone. */
static void detach_resting(heap_t *heap, list_t *detached) {
    heap_settle(heap);
    heap_put_aside_current(heap);
    heap_detach_retained(heap, SIZE_MAX, detached);
    detach_all_empty(heap, detached);
}

void heap_abandon(heap_t *heap) {
    list_t detached;
    list_init(&detached);
    lock_acquire(&heap->lock);
    /* Ordered: pairs with page_give and heap_push_token, see there. */
    store_ordered(&heap->state, HEAP_DEAD);
    detach_resting(heap, &detached);
    /* The record of the thread will be another thread's, but not a sub-heap. */
    if (heap != &load_relaxed(&heap->thread)->heap) {
        store_relaxed(&heap->thread, NULL);
        set_owner(heap, &thread_nobody);
    }
    lock_release(&heap->lock);
    idle_free(&detached);
}

/* Of a heap whose owner runs. Without a barrier only what it gave up under the lock. */
static void collect_running(heap_t *heap) {
    list_t retained, detached;
    list_init(&retained);
    list_init(&detached);
    lock_acquire(&heap->lock);
    heap_detach_retained(heap, SIZE_MAX, &retained);
    if (os_barrier_available()) {
        detach_waiting(heap, &detached);
        detach_all_empty(heap, &detached);
    }
    lock_release(&heap->lock);
    idle_free(&retained);
    (void)idle_free_taken(&detached);
}

void heap_collect(heap_t *heap, bool is_owner) {
    list_t detached;
    list_init(&detached);
    lock_acquire(&heap->lock);
    bool rests = is_owner || load_relaxed(&heap->state) == HEAP_DEAD;
    if (rests) detach_resting(heap, &detached);
    lock_release(&heap->lock);
    idle_free(&detached);
    if (!rests) collect_running(heap);
}

void heap_collect_all(void) {
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        collect_running(heap);
    }
}

/* ---- merge, destroy ---- */

static void move_list(list_t *from, list_t *to, heap_t *heap) {
    for (list_node_t *node = list_first(from); node != NULL; node = list_next(from, node)) {
        /* Ordered: pairs with arrive (heap/token.c). Who pushes a token sees where the page has
         * gone, or is waited for. */
        store_ordered(&page_of_link(node)->heap, heap);
    }
    list_append(to, from);
}

/* With the lock of the heap that the pages leave. */
static void move_pages(heap_t *from, heap_t *to) {
    while (!lock_try(&to->lock)) os_yield();
    for (unsigned i = 0; i < CLASS_COUNT; i++) move_list(&from->partial[i], &to->partial[i], to);
    move_list(&from->full, &to->full, to);
    /* Tokens that came meanwhile are passed on. */
    heap_await_tokens(from);
    heap_settle(from);
    demand_rise(&to->demand, from->demand.in_use);
    demand_fall(&from->demand, from->demand.in_use);
    lock_release(&to->lock);
}

void heap_merge(heap_t *from, heap_t *to) {
    list_t detached;
    list_init(&detached);
    assert_debug(load_relaxed(&from->thread) == load_relaxed(&to->thread));
    lock_acquire(&from->lock);
    /* Ordered, as in heap_abandon. */
    store_ordered(&from->state, HEAP_DEAD);
    heap_settle(from);
    heap_put_aside_current(from);
    heap_detach_retained(from, SIZE_MAX, &detached);
    move_pages(from, to);
    lock_release(&from->lock);
    idle_free(&detached);
}

void heap_bequeath(heap_t *heap, heap_t *estate) {
    lock_acquire(&heap->lock);
    heap_settle(heap);
    set_owner(heap, &thread_nobody);
    move_pages(heap, estate);
    lock_release(&heap->lock);
}

static void detach_list(heap_t *heap, list_t *list, list_t *detached) {
    for (list_node_t *node = list_first(list); node != NULL; node = list_next(list, node)) {
        page_t *page = page_of_link(node);
        store_relaxed(&page->owner, NULL);
        store_relaxed(&page->heap, NULL);
        add_relaxed(&heap->counters.pages_released, 1);
    }
    list_append(detached, list);
}

void heap_destroy_pages(heap_t *heap) {
    list_t detached;
    list_init(&detached);
    lock_acquire(&heap->lock);
    /* Tokens of pages that have gone to another heap are passed on. */
    heap_settle(heap);
    heap_put_aside_current(heap);
    heap_detach_retained(heap, SIZE_MAX, &detached);
    for (unsigned i = 0; i < CLASS_COUNT; i++) detach_list(heap, &heap->partial[i], &detached);
    detach_list(heap, &heap->full, &detached);
    demand_fall(&heap->demand, heap->demand.in_use);
    lock_release(&heap->lock);
    idle_free(&detached);
}

/* ---- checks ---- */

static bool is_counted(heap_t *heap, const page_t *page) {
    for (unsigned i = 0; i < LATE_PAGES; i++) {
        if (late_counted(heap, i) == page) return true;
    }
    return false;
}

static void verify_list(heap_t *heap, list_t *list, page_state_t state) {
    for (list_node_t *node = list_first(list); node != NULL; node = list_next(list, node)) {
        page_t *page = page_of_link(node);
        assert_always(page->state == state && load_relaxed(&page->heap) == heap);
        page_verify(page);
        bool wakes = state == PAGE_FULL && page_is_counted_out(page);
        assert_always(!wakes || is_counted(heap, page));
    }
}

/* The slices of its pages. */
static size_t verify_stack(heap_t *heap, unsigned size_class) {
    size_t slices = 0;
    page_t *page = load_relaxed(&heap->retained[size_class]);
    for (; page != NULL; page = load_relaxed(&page->below)) {
        assert_always(page->state == PAGE_RETAINED && page->size_class == size_class);
        assert_always(load_relaxed(&page->heap) == heap);
        page_verify(page);
        slices += span_slices(page);
    }
    return slices;
}

static void verify_late(heap_t *heap) {
    for (unsigned i = 0; i < heap->late.spent_count; i++) {
        page_t *page = heap->late.spent[i];
        assert_always(page->state == PAGE_CURRENT && page != heap->current[page->size_class]);
        assert_always(load_relaxed(&page->heap) == heap);
        page_verify(page);
    }
}

void heap_verify(heap_t *heap) {
    size_t retained = 0;
    lock_acquire(&heap->lock);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        page_t *page = heap->current[i];
        if (page != &page_empty) {
            assert_always(page->state == PAGE_CURRENT && page->size_class == i);
            page_verify(page);
        }
        verify_list(heap, &heap->partial[i], PAGE_PARTIAL);
        retained += verify_stack(heap, i);
    }
    assert_always(retained == load_relaxed(&heap->retained_slices));
    verify_list(heap, &heap->full, PAGE_FULL);
    verify_late(heap);
    assert_always(heap->demand.in_use <= heap->demand.peak);
    lock_release(&heap->lock);
}
