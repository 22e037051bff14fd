/* A heap: what one thread allocates from. Per class a current page and lists of others.
 *
 * A thread has one ordinary heap and one more for each first-class heap that it uses (a sub-heap).
 * All work the same: `thread` is the one thread that allocates from the heap and frees into its
 * pages without atomics. Heap structs are never unmapped; when a thread ends, its heaps are dead
 * until a new thread takes them over, and anybody may take their pages meanwhile. Those of its
 * ordinary heap go to another heap, its estate (heap/estate.h).
 *
 * The lock (RANK_HEAP) guards all list membership, the state of every page and the demand; retained
 * pages the owner takes without it, too. The owner takes it on slow paths; another thread takes it
 * to settle tokens, to take retained or emptied pages and those of a dead heap, and to collect; the
 * scavenger does. It is held for a short time, to collect or report for one that grows with the
 * heap, and over a system call only where an owner retains more than the option allows. In malloc
 * and free the owner tries it and goes on without: what it cannot do then is late.
 *
 * Invariants:
 *  - direct[i] is the current page of the class of size 16 * i, or page_empty when there is none:
 *    a page that never has a block, so that "not initialised" needs no test.
 *  - demand.in_use + late.slices counts the slices of all pages that are not retained,
 *    retained_slices the rest.
 *    Retiring a page moves its slices from one to the other and taking it moves them back. Clean
 *    memory is taken only when as much of what is retained was released, here and in the next
 *    few heaps: keeping pages hardly ever raises the peak.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_HEAP_H
#define EDDY_HEAP_HEAP_H

#include "heap/page.h"
#include "memory/demand.h"
#include "memory/span.h"
#include "os/lock.h"

typedef enum heap_state { HEAP_LIVE, HEAP_DEAD } heap_state_t;

/* What the owner could not do because another thread held the lock (heap/late.h). `any`: something
 * is to be done. The owner's; the lock for who is not, while the owner rests. */
enum { LATE_PAGES = 8 };
typedef struct late {
    bool any;
    unsigned spent_count, counted_count;
    page_t *spent[LATE_PAGES];
    _Atomic(page_t *) counted[LATE_PAGES]; /* read under the lock by anyone */
    _Atomic size_t slices;                 /* of pages in use that `demand` does not count yet */
} late_t;

/* Read by anyone. Counted by the owner, by load and store; `pages_retired` under the lock;
 * `pages_released` by anyone, atomically. */
typedef struct heap_counters {
    _Atomic size_t slow_entries, promotions_malloc, extensions, pages_made, pages_retired,
        pages_reused, pages_released, pages_adopted, straightened;
} heap_counters_t;

typedef struct heap {
    /* the owner's, on its fast paths */
    page_t *direct[DIRECT_COUNT];
    page_t *current[CLASS_COUNT];
    /* set when a thread takes the heap, constant while it is live */
    _Atomic(struct thread *) thread;         /* NULL: an estate, or a sub-heap without one */
    _Atomic(struct eddy_heap *) first_class; /* NULL: an ordinary heap */
    /* the owner's; the lock for who is not */
    heap_counters_t counters;
    late_t late;
    /* the owner's and the lock's, see heap/retain.h */
    _Atomic(page_t *) retained[CLASS_COUNT]; /* the first of each class */
    _Atomic size_t retained_slices;

    lock_t lock;
    list_t partial[CLASS_COUNT];
    list_t full;
    demand_t demand;              /* slices */
    _Atomic size_t retained_peak; /* the most there ever were */
    size_t retained_most;         /* the option's, in slices */
    /* The lower of the two, or 0 while the alarm is to be rung: beyond it, retiring looks
     * closer. */
    size_t retained_noted;
    /* The slow entries from which on an empty current page may retire again, and other heaps be
     * searched for idle pages. */
    size_t next_empty_current, next_idle_look;
    size_t next_housekeep; /* the slow entry that looks at the clock */
    block_t *token_at;     /* where heap/idle.h goes on looking, a token; NULL: at the first */

    /* any thread */
    cache_aligned _Atomic(block_t *) tokens; /* see heap/remote.h */
    _Atomic uint32_t arriving; /* threads that are about to push a token, see heap/token.c */
    _Atomic int state;
    _Atomic size_t large_slices; /* of large objects of a first-class heap */
    struct heap *next_of_all;    /* written once, see heap/registry.h */
    /* of an ordinary heap, its owner's: what ended threads left with the record; NULL: nothing
     * yet */
    struct heap *estate;
    /* of a sub-heap, see heap/subheap.h */
    struct heap *next_of_thread;
    struct heap *next_of_first_class;
    _Atomic uint64_t first_class_id;
    bool is_left;
} heap_t;

extern page_t page_empty hidden_symbol;

/* Make a heap of zeroed memory, before its first heap_start. */
void heap_init(heap_t *heap);
/* Make a heap, a new one or a dead one, a live heap of `thread`. */
void heap_start(heap_t *heap, struct thread *thread);

/* The current page's free list is empty: the current page of the class after it is not; NULL
 * without memory. Owner only. *is_zero becomes true when the first block is zero but for its
 * link. */
page_t *heap_refill(heap_t *heap, unsigned size_class, bool *is_zero);

/* A free of the owner brought the page's count down to 0: a full page has blocks again, or a page
 * that is not current has lost its last block and retires. Reports what only a block freed twice
 * can bring about. */
void heap_count_out(page_t *page);
/* The same clock that ticks in these two, for large objects of the heap. */
void heap_tick(heap_t *heap);
/* From now on the page, a current one, has interior pointers: its frees take the slow path. Owner
 * only. */
void heap_mark_interior(page_t *page);

/* Leave a block for the owner of the page's heap, in place of the page, which it keeps alive. Any
 * thread, no lock. The heap that has it now: the page may leave that one just then. */
heap_t *heap_push_token(page_t *page, block_t *token);
/* From here on tokens of the pages that have left the heap go where these are: all that were on the
 * way have arrived. */
void heap_await_tokens(heap_t *heap);

/* Under the heap's lock, by any thread: */

/* Do what is late; move the pages of all tokens to their partial lists, and the tokens to their
 * pages. The owner's, or while it rests: it changes what the owner's fast paths change. */
void heap_settle(heap_t *heap);
/* The same for a page of the class: of the tokens the next 32, and more only while the class has
 * neither a partial nor a retained page, since beyond those lies memory that nobody holds yet. What
 * is left keeps its page alive, for the next call. Those of pages that have gone elsewhere go to
 * the heaps that have them, third ones where the heap is another's. */
void heap_settle_for(heap_t *heap, unsigned size_class);
/* Take `slices` of retained pages out of the heap, class by class and in each those retained
 * last first; the last page may be longer than what was left to take. The slices taken. They are
 * freed (idle_free) without the lock, since the kernel may be called. The owner needs no lock. */
size_t heap_detach_retained(heap_t *heap, size_t slices, list_t *detached);
/* Frees into the heap's pages are local to `thread` from now on. Every page that is in use is
 * partial or full. */
void heap_set_owner(heap_t *heap, struct thread *thread);
/* Cut off the slices of the heap's current pages that no block lies in, of classes that do not
 * grow (docs/evidence.md, "Shortening"). Owner only. They are freed (page_free_rest) without the
 * lock, since the kernel may be called. */
void heap_shorten_current(heap_t *heap, list_t *cut);
/* Do what is late, and make every current page an ordinary one; the owner's, or of a heap without
 * one. */
void heap_put_aside_current(heap_t *heap);

/* These take the lock. */

/* The thread is done with the heap: it is dead from now on. */
void heap_abandon(heap_t *heap);
/* A block of the page was just given to it, or a token to the heap: if that is dead, or whichever
 * heap the page has gone to, release the page if the block was its last one. The page may have gone
 * back already, and be anything by now. */
void heap_release_if_empty(heap_t *heap, page_t *page);
/* Begin a new window when its time has come: release some of what is retained beyond the demand;
 * true when there is more. Does nothing when the lock is held. */
bool heap_housekeep(heap_t *heap, uint64_t now_ms);
/* From now on the heap rings the alarm when it retains a page; false when it does already retain
 * one, or its lock is held. */
bool heap_arm(heap_t *heap);
/* Release every page without a live block that may be taken: all but the current pages of a heap
 * whose live thread is another. */
void heap_collect(heap_t *heap, bool is_owner);
/* Memory is refused: the same for all heaps, whose current pages all stay. */
void heap_collect_all(void);

/* Clean memory is about to be taken: release as many slices, or a little more, of what heaps
 * retain, this one first. Never waits, and looks at a few heaps only (heap/registry.h). True when
 * any were released. */
bool heap_release_some_retained(heap_t *heap, size_t slices);
/* Move all pages of a heap to another of the same thread: by that thread, or when it has ended. */
void heap_merge(heap_t *from, heap_t *to);
/* Move all pages of a dead heap to one without a thread (heap/estate.h). */
void heap_bequeath(heap_t *heap, heap_t *estate);
/* Free all pages, live blocks or not. Nobody else uses the heap or its blocks any more. */
void heap_destroy_pages(heap_t *heap);

/* Assert the invariants. Owner only, or while it rests. */
void heap_verify(heap_t *heap);

#endif
