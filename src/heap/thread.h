/* A thread as Eddy knows it: one record, found through the only thread-local variable.
 *
 * A record is taken at the first slow path of a thread and put back when the thread ends. The pages
 * that still hold live blocks go to its estate then (heap/estate.h), from which the next thread
 * with the record, and others, adopt them one by one.
 *
 * A thread that first allocates in its last destructors, or again after its exit handler, ends
 * unseen. Its record is found when records are short: its thread does not exist any more.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_THREAD_H
#define EDDY_HEAP_THREAD_H

#include "heap/heap.h"

/* Blocks of one page of another thread, gathered to be given in one go. */
typedef struct remote_entry {
    page_t *page; /* NULL: nothing gathered */
    block_t *first, *last;
    int32_t limit, room; /* blocks it may gather, and how many more */
} remote_entry_t;

_Static_assert(sizeof(page_t) % sizeof(remote_entry_t) == 0, "see remote_entry");

enum { REMOTE_ENTRIES = 8, REMOTE_BLOCKS = 64, REMOTE_BYTES = 16 << 10 };

typedef struct thread {
    heap_t heap; /* first, so that the fast path of malloc finds the table without an offset */
    /* all below: written by the thread itself */
    remote_entry_t remote[REMOTE_ENTRIES];
    uint32_t remote_open; /* entries with a page */
    _Atomic int id;       /* of the kernel */
    heap_t *subheaps;     /* one for each first-class heap used, see heap/subheap.h */
    /* What serves allocations that name no heap: `heap`, which then has current pages, or one of
     * `subheaps`, and `heap` has none. */
    heap_t *standard;
    unsigned long long heartbeats;
    bool in_heartbeat;
    bool is_ending;             /* its exit handler has run: a destructor took a record again */
    struct thread *next;        /* in the pool of records */
    struct thread *next_of_all; /* among all records */
} thread_t;

/* The running thread's record: thread_none before its first slow path, thread_gone after its exit
 * handler; both have heaps without a page and never own one. */
extern _Thread_local thread_t *thread_self hidden_symbol __attribute__((tls_model("initial-exec")));
extern thread_t thread_none hidden_symbol, thread_gone hidden_symbol;
/* The owner of pages that ended threads left. No thread runs as it, so that every free into them is
 * one of another thread, and as cheap as such frees are. */
extern thread_t thread_nobody hidden_symbol;

static always_inline bool thread_is_started(const thread_t *thread) {
    return thread->standard != NULL;
}

/* The record of the running thread, taken now if it has none; NULL without memory. */
thread_t *thread_start(void);

/* The record whose ordinary heap this is; NULL for a sub-heap. */
static inline thread_t *thread_of_ordinary(heap_t *heap) {
    thread_t *thread = load_relaxed(&heap->thread);
    return thread != NULL && heap == &thread->heap ? thread : NULL;
}

/* Threads with a record. */
size_t thread_count(void);

/* In the child of a fork: */

/* The record of the thread that forked, by whichever thread this is. NULL when it cannot be known:
 * the first use of Eddy is by a thread that the child has started, after _Fork or clone. */
thread_t *thread_survivor(void);
/* Whether a heap that was live at the fork still has its thread. All have, when the survivor is not
 * known: their memory is lost to others, and safe. */
static inline bool thread_has_survived(heap_t *heap, const thread_t *survivor) {
    return load_relaxed(&heap->state) == HEAP_LIVE &&
           (survivor == NULL || load_relaxed(&heap->thread) == survivor);
}
/* No thread but the survivor ever used Eddy, so that nothing can be torn. */
bool thread_was_alone(const thread_t *survivor);
/* Every record of a thread that has vanished goes to the pool. */
void thread_repair(const thread_t *survivor);

#endif
