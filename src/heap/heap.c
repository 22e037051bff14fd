/* SPDX-License-Identifier: MIT */
#include "heap/heap.h"

#include "config/ablate.h"
#include "heap/estate.h"
#include "heap/idle.h"
#include "heap/late.h"
#include "heap/limit.h"
#include "heap/mistake.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "heap/retain.h"
#include "heap/scavenge.h"
#include "heap/state.h"
#include "os/os.h"

/* The clock is read once in this many slow entries: some ten microseconds of allocating at the
 * fastest, a few hundredths of an instruction per block. */
enum { ENTRIES_PER_CLOCK = 64 };
/* An empty current page retires for another class at most once in so many slow entries
 * (docs/evidence.md, "Empty current pages"). */
enum { ENTRIES_PER_EMPTY_CURRENT = 8 };
/* How often pages are released for one of another length, until there is a gap for it: with 8 tries
 * a third of the faults of mixed sizes come back. */
enum { RELEASE_TRIES = 64 };
/* Slow entries after a look for idle pages in vain. */
enum { ENTRIES_PER_IDLE_LOOK = 64 };

/* Its count is that of a current page without a block: none is missing. */
page_t page_empty = {.used = 1};

static void count(_Atomic size_t *counter) { count_by(counter, 1); }

/* ---- other heaps ---- */

/* A partial page of a dead heap, or a retained one of any heap, taken over. Never waits. */
static page_t *take_from(heap_t *other, heap_t *heap, unsigned size_class) {
    bool dead = load_relaxed(&other->state) == HEAP_DEAD;
    if (!dead && load_relaxed(&other->retained_slices) == 0) return NULL;
    if (!lock_try(&other->lock)) return NULL;
    page_t *page = NULL;
    /* Only from ordinary to ordinary: a first-class heap frees at its end all that its pages
     * hold. */
    bool adopts = load_relaxed(&other->state) == HEAP_DEAD &&
                  load_relaxed(&other->first_class) == NULL &&
                  load_relaxed(&heap->first_class) == NULL;
    if (adopts) {
        heap_settle_for(other, size_class);
        list_node_t *node = list_first(&other->partial[size_class]);
        if (node != NULL) {
            page = page_of_link(node);
            list_remove(node);
            demand_fall(&other->demand, span_slices(page));
            page->state = PAGE_TAKEN;
            count(&heap->counters.pages_adopted);
        }
    }
    bool adopted = page != NULL;
    if (!adopted && !ablated(ABLATE_OTHERS)) page = heap_take_beside(other, size_class);
    if (page != NULL) {
        /* The record of the ended thread may be another thread's as soon as the lock is free: its
         * frees are not local. */
        store_relaxed(&page->owner, NULL);
        /* Release pairs with the acquire in late_counted: who sees the heap sees the state. */
        store_release(&page->heap, heap);
    }
    lock_release(&other->lock);
    if (page != NULL && !adopted) {
        page->is_first_class = load_relaxed(&heap->first_class) != NULL;
        heap_make_ready(heap, page, size_class);
    }
    return page;
}

static page_t *take_from_others(heap_t *heap, unsigned size_class) {
    registry_walk_t walk = {0};
    heap_t *other;
    while ((other = registry_next(&walk)) != NULL) {
        page_t *page = other == heap ? NULL : take_from(other, heap, size_class);
        if (page == NULL) continue;
        registry_stay(other);
        return page;
    }
    return NULL;
}

/* ---- the slow path of malloc ---- */

static page_t *make_page(heap_t *heap, unsigned size_class, size_t slices, span_source_t source) {
    bool is_zero;
    page_t *page = span_allocate(slices, 1, source, &is_zero);
    if (page == NULL) return NULL;
    page_make(page, heap, size_class, is_zero);
    page->is_first_class = load_relaxed(&heap->first_class) != NULL;
    count(&heap->counters.pages_made);
    return page;
}

/* What is retained serves pages of other lengths only as free spans. */
static page_t *make_of_retained(heap_t *heap, unsigned size_class, size_t slices) {
    page_t *page = NULL;
    int tries = RELEASE_TRIES;
    while (page == NULL && tries-- > 0 && heap_release_some_retained(heap, slices)) {
        page = make_page(heap, size_class, slices, SPAN_FROM_DIRTY);
    }
    return page;
}

/* Have pages retire that others than their owners emptied, in any heap, this one too; the heap, or
 * NULL. A look that finds none is not repeated for a while. */
static heap_t *retire_idle(heap_t *heap) {
    size_t entries = load_relaxed(&heap->counters.slow_entries);
    if (entries < heap->next_idle_look || ablated(ABLATE_IDLE)) return NULL;
    registry_walk_t walk = {0};
    heap_t *any;
    while ((any = registry_next(&walk)) != NULL) {
        if (idle_retire(any, heap)) return any;
    }
    heap->next_idle_look = entries + ENTRIES_PER_IDLE_LOOK;
    return NULL;
}

static page_t *take_emptied(heap_t *heap, unsigned size_class, size_t slices) {
    heap_t *retired = retire_idle(heap);
    if (retired == NULL) return NULL;
    registry_stay(retired);
    page_t *page = take_from(retired, heap, size_class);
    if (page == NULL) page = make_page(heap, size_class, slices, SPAN_FROM_DIRTY);
    return page != NULL ? page : make_of_retained(heap, size_class, slices);
}

static void free_cut(list_t *cut) {
    for (list_node_t *node; (node = list_first(cut)) != NULL;) {
        list_remove(node);
        page_free_rest(page_of_link(node));
    }
}

/* Have the heap's current pages shortened; whether any were. Not worth waiting for. */
static bool shorten_current(heap_t *heap) {
    list_t cut;
    list_init(&cut);
    if (ablated(ABLATE_SHORTEN) || !lock_try(&heap->lock)) return false;
    if (unlikely(heap->late.any)) late_settle(heap);
    heap_shorten_current(heap, &cut);
    lock_release(&heap->lock);
    bool any = !list_is_empty(&cut);
    free_cut(&cut);
    return any;
}

/* None of the heap's own: memory that is held already before memory that is not, and pages that
 * blocks of ended threads hold before spans that could go back to the kernel. Without the lock,
 * since the kernel may be called. */
static cold page_t *find_page(heap_t *heap, unsigned size_class) {
    size_t slices = class_slices(size_class);
    page_t *page = take_from_others(heap, size_class);
    if (page == NULL) page = make_page(heap, size_class, slices, SPAN_FROM_DIRTY);
    if (page == NULL) page = make_of_retained(heap, size_class, slices);
    if (page == NULL && shorten_current(heap)) {
        page = make_page(heap, size_class, slices, SPAN_FROM_DIRTY);
    }
    if (page == NULL) page = take_emptied(heap, size_class, slices);
    return page != NULL ? page : make_page(heap, size_class, slices, SPAN_FROM_ANY);
}

/* The empty current page of another class than this of which most is linked, and so touched,
 * retires for this one: a program that goes from class to class would leave a page behind in each.
 * At most one in so many slow entries, so that classes that take turns have a page each before
 * long. */
static cold void retire_empty_current(heap_t *heap, unsigned size_class) {
    size_t entries = load_relaxed(&heap->counters.slow_entries);
    if (entries < heap->next_empty_current || ablated(ABLATE_EMPTY)) return;
    page_t *most = NULL;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        page_t *page = heap->current[i];
        if (i == size_class || page == &page_empty || page_current_in_use(page) > 0) continue;
        if (most == NULL || page_linked_bytes(page) > page_linked_bytes(most)) most = page;
    }
    if (most == NULL) return;
    heap->next_empty_current = entries + ENTRIES_PER_EMPTY_CURRENT;
    heap_set_current(heap, most->size_class, &page_empty);
    heap_list_current(heap, most);
    heap_retire(heap, most);
}

/* A page of the heap's own with room, in no list; NULL when there is none. */
static always_inline page_t *take_page(heap_t *heap, unsigned size_class) {
    list_t *partial = &heap->partial[size_class];
    if (!list_is_empty(partial)) {
        page_t *page = page_of_link(list_first(partial));
        list_remove(&page->link);
        return page;
    }
    if (unlikely(load_relaxed(&heap->retained[size_class]) == NULL)) {
        retire_empty_current(heap, size_class);
    }
    page_t *page = heap_reuse_retained(heap, size_class);
    if (unlikely(page == NULL)) return NULL;
    demand_rise(&heap->demand, span_slices(page));
    return page;
}

/* List a current page without free blocks; false when it stays: while it has room and no other page
 * of the class is listed, or when frees of other threads came in at the last moment. */
static always_inline bool put_aside(heap_t *heap, page_t *page) {
    if (likely(page->capacity == page->block_limit)) {
        if (unlikely(!page_mark_full(page))) return false;
        heap_list_full(heap, page);
        return true;
    }
    /* The blocks of a listed page have been touched; more room would be memory more. */
    if (list_is_empty(&heap->partial[page->size_class]) || ablated(ABLATE_LISTED)) return false;
    heap_list_current(heap, page);
    return true;
}

/* The current page has no free blocks: take another of the heap's own; NULL when it has none. The
 * page is the same where put_aside leaves it. */
static always_inline page_t *switch_page(heap_t *heap, unsigned size_class) {
    page_t *page = heap->current[size_class];
    if (unlikely(load_relaxed(&heap->tokens) != NULL || heap->late.any)) {
        heap_settle_for(heap, size_class);
    }
    if (likely(page != &page_empty) && unlikely(!put_aside(heap, page))) return page;
    page = take_page(heap, size_class);
    if (unlikely(page == NULL)) {
        heap_set_current(heap, size_class, &page_empty);
        return NULL;
    }
    heap_make_current(heap, page);
    return page;
}

/* Without memory: a full page in which less is free than has it listed. */
static cold page_t *take_full_with_room(heap_t *heap, unsigned size_class) {
    list_node_t *node = list_first(&heap->full);
    for (; node != NULL; node = list_next(&heap->full, node)) {
        page_t *page = page_of_link(node);
        if (page->size_class != size_class || page->free == NULL) continue;
        heap_wake(heap, page);
        list_remove(&page->link);
        return page;
    }
    return NULL;
}

static cold page_t *make_full_current(heap_t *heap, unsigned size_class) {
    lock_acquire(&heap->lock);
    page_t *page = take_full_with_room(heap, size_class);
    if (page != NULL) heap_make_current(heap, page);
    lock_release(&heap->lock);
    return page;
}

/* A page of nobody else's, in no list: only its place in the demand needs the lock. */
static void make_found_current(heap_t *heap, page_t *page) {
    if (lock_try(&heap->lock)) {
        demand_rise(&heap->demand, span_slices(page));
        lock_release(&heap->lock);
    } else {
        late_count_in(heap, page);
    }
    page->extended_at = (uint32_t)load_relaxed(&heap->counters.slow_entries);
    heap_make_current(heap, page);
}

/* The heap has no page for the class, or one whose blocks are all in use and that would be linked
 * on: a page that an ended thread has left comes before memory that is not held, as those of its
 * own do. The page itself where there is none. Not worth waiting for. */
static cold page_t *switch_to_left(heap_t *heap, page_t *page, unsigned size_class) {
    bool has_blocks = page != NULL && (page_has_pending(page) || page->capacity == 0);
    if (heap->estate == NULL || has_blocks || !lock_try(&heap->lock)) return page;
    if (unlikely(heap->late.any)) late_settle(heap);
    if (estate_adopt(heap, size_class)) {
        if (page != NULL) heap_list_current(heap, page);
        page = page_of_link(list_first(&heap->partial[size_class]));
        list_remove(&page->link);
        heap_make_current(heap, page);
    }
    lock_release(&heap->lock);
    return page;
}

/* The heap has no page for the class: find one elsewhere. NULL without memory. */
static cold page_t *switch_to_found(heap_t *heap, unsigned size_class) {
    page_t *left = switch_to_left(heap, NULL, size_class);
    if (left != NULL) return left;
    struct eddy_heap *limited = limit_begin(heap);
    bool allowed = limit_allows(limited, class_slices(size_class));
    page_t *page = allowed ? find_page(heap, size_class) : NULL;
    if (page != NULL) {
        make_found_current(heap, page);
    } else {
        page = make_full_current(heap, size_class);
    }
    limit_end(limited);
    return page;
}

/* With the lock, which this releases. */
static always_inline page_t *next_page(heap_t *heap, unsigned size_class) {
    page_t *page = switch_page(heap, size_class);
    lock_release(&heap->lock);
    return likely(page != NULL) ? page : switch_to_found(heap, size_class);
}

/* A page that the heap retains, or from elsewhere when it retains none: a steady burst takes no
 * memory for want of a lock. With a limit none: the page would be in no sum for a moment, in which
 * another heap under the same limit may look. */
static cold page_t *find_page_late(heap_t *heap, unsigned size_class) {
    if (limit_is_set(heap)) return NULL;
    page_t *page = heap_take_beside(heap, size_class);
    if (page == NULL) return find_page(heap, size_class);
    heap_make_ready(heap, page, size_class);
    return page;
}

/* Another thread holds the lock. The current page does without while it has room, then those used
 * up that have blocks again, then others. The lock is waited for when the heap cannot put off more,
 * has a limit to keep, or memory is refused. */
static cold page_t *next_page_late(heap_t *heap, unsigned size_class) {
    page_t *page = heap->current[size_class];
    if (page->capacity < page->block_limit) return page;
    page = late_take_spent(heap, size_class);
    if (page != NULL) return page;
    if (late_may_spend(heap)) page = find_page_late(heap, size_class);
    if (page == NULL) {
        lock_acquire(&heap->lock);
        return next_page(heap, size_class);
    }
    late_spend(heap, heap->current[size_class]);
    make_found_current(heap, page);
    return page;
}

static cold void housekeep(heap_t *heap, size_t entries) {
    heap->next_housekeep = entries + ENTRIES_PER_CLOCK;
    if (scavenge_is_running()) return;
    uint64_t now_ms = os_now_ms();
    if (heap_housekeep(heap, now_ms)) heap->next_housekeep = entries + 1;
    bool turned = span_housekeep(now_ms);
    scavenge_consider(now_ms, turned);
}

void heap_tick(heap_t *heap) {
    uint64_t now_ms = os_now_ms();
    if (load_relaxed(&heap->retained_slices) != 0) heap_housekeep(heap, now_ms);
    bool turned = span_housekeep(now_ms);
    scavenge_consider(now_ms, turned);
}

static always_inline void enter(heap_t *heap) {
    size_t entries = load_relaxed(&heap->counters.slow_entries) + 1;
    store_relaxed(&heap->counters.slow_entries, entries);
    if (unlikely(entries >= heap->next_housekeep)) housekeep(heap, entries);
}

/* Fill the page's empty free list with what other threads freed, or with new blocks; false when it
 * has neither. */
static out_of_line bool fill(heap_t *heap, page_t *page, bool *is_zero) {
    if (page_has_pending(page)) {
        page_collect(page);
        count(&heap->counters.promotions_malloc);
        return true;
    }
    if (page->capacity == page->block_limit) return false;
    page_extend(page, (uint32_t)load_relaxed(&heap->counters.slow_entries));
    count(&heap->counters.extensions);
    *is_zero = page->is_zero;
    return true;
}

page_t *heap_refill(heap_t *heap, unsigned size_class, bool *is_zero) {
    enter(heap);
    remote_flush(load_relaxed(&heap->thread));
    page_t *page = heap->current[size_class];
    if (unlikely(page_misses_blocks(page))) {
        if (page->free == NULL) mistake_missing_blocks(page);
        /* The program's function for errors, here or in remote_flush, may have allocated. */
        page = heap->current[size_class];
        if (page->free != NULL) return page;
    }
    if (page_has_pending(page) && fill(heap, page, is_zero)) return page;
    page = likely(lock_try(&heap->lock)) ? next_page(heap, size_class)
                                         : next_page_late(heap, size_class);
    if (unlikely(page == NULL) || likely(page->free != NULL)) return page;
    /* A page is only listed as partial with blocks, room or pending frees. */
    page = switch_to_left(heap, page, size_class);
    if (page->free != NULL) return page;
    bool filled = fill(heap, page, is_zero);
    assert_always(filled);
    return page;
}

/* ---- the slow path of free ---- */

/* A current page counts one more than its blocks in use, so only a block freed twice brings it down
 * to 0. Without the heap's lock: the report may come back to the heap. */
static cold void report_freed_twice(page_t *page) {
    const block_t *block = page->free;
    page_distrust(page);
    mistake_freed_twice(block);
}

static cold void count_out_late(heap_t *heap, page_t *page) {
    if (!ablated(ABLATE_BIAS) && late_is_current(heap, page)) {
        report_freed_twice(page);
    } else {
        late_count_out(heap, page);
    }
}

void heap_count_out(page_t *page) {
    heap_t *heap = load_relaxed(&page->heap);
    /* Another thread may take an emptied page at any moment, this one included, and use its span
     * for something else, or have it retire. */
    if (unlikely(heap == NULL || load_relaxed(&heap->thread) != thread_self)) return;
    enter(heap);
    if (unlikely(!lock_try(&heap->lock))) {
        count_out_late(heap, page);
        return;
    }
    if (unlikely(heap->late.any)) late_settle(heap);
    if (likely(load_relaxed(&page->heap) == heap)) {
        if (page->state == PAGE_FULL) {
            heap_wake(heap, page);
        } else if (likely(page->state == PAGE_PARTIAL)) {
            assert_debug(page->used == 0);
            heap_retire(heap, page);
        } else if (page->state == PAGE_CURRENT && !ablated(ABLATE_BIAS)) {
            lock_release(&heap->lock);
            report_freed_twice(page);
            return;
        }
    }
    lock_release(&heap->lock);
}

void heap_mark_interior(page_t *page) {
    assert_debug(page->state == PAGE_CURRENT);
    store_relaxed(&page->has_interior, true);
    store_relaxed(&page->owner, NULL);
}

/* ---- start ---- */

void heap_init(heap_t *heap) {
    for (size_t i = 0; i < DIRECT_COUNT; i++) heap->direct[i] = &page_empty;
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        heap->current[i] = &page_empty;
        list_init(&heap->partial[i]);
    }
    list_init(&heap->full);
    heap->next_housekeep = ENTRIES_PER_CLOCK;
    lock_init(&heap->lock, RANK_HEAP);
}

void heap_start(heap_t *heap, struct thread *thread) {
    lock_acquire(&heap->lock);
    store_relaxed(&heap->state, HEAP_LIVE);
    heap_read_retain_limit(heap);
    heap->retained_noted = 0;
    /* A sub-heap may come from another thread; an ordinary heap stays with its record. */
    if (load_relaxed(&heap->thread) != thread) heap_set_owner(heap, thread);
    lock_release(&heap->lock);
}
