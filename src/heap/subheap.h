/* First-class heaps: a set of sub-heaps, one for each thread that allocated from it.
 *
 * A sub-heap is a heap like any other, owned by its thread, so the fast paths are the same. When
 * the first-class heap ends, sub-heaps of running threads become orphans: their thread notices when
 * it next looks for a sub-heap, or ends, and merges what is left into its ordinary heap. A sub-heap
 * whose thread has ended stays with the first-class heap until the next thread takes it over.
 *
 * A first-class heap may stand below another one, its parent. When it is deleted, the sub-heaps are
 * the parent's; a thread that has two of it then merges them as it merges orphans. It ends with
 * its parent.
 *
 * Invariants: a sub-heap's first_class_id is that of its first-class heap, which no other heap ever
 * has; 0 makes it an orphan. is_left: its thread has ended, its first-class heap has not.
 * `children` counts the heaps whose parent this one is.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_SUBHEAP_H
#define EDDY_HEAP_SUBHEAP_H

#include "heap/thread.h"

struct eddy_heap {
    _Atomic uint64_t id; /* never used again; 0 once it has ended */
    lock_t lock;         /* RANK_FIRST_CLASS; guards subheaps */
    heap_t *subheaps;
    _Atomic(struct eddy_heap *) parent; /* NULL: none; constant while the heap lives */
    _Atomic size_t children;
    _Atomic size_t limit_slices; /* SIZE_MAX: none; see heap/limit.h */
    struct eddy_heap *next_free;
    struct eddy_heap *next_of_all; /* written once */
};

/* Stands for the ordinary heaps. A thread whose standard heap is another has a sub-heap of it. */
extern struct eddy_heap first_class_main hidden_symbol;

/* Below `parent`, or below none. */
struct eddy_heap *first_class_make(struct eddy_heap *parent);
/* All that ever were, for: while (heap != NULL) heap = heap->next_of_all. Of those that have ended
 * the id is 0. */
struct eddy_heap *first_class_first(void);
/* The blocks live on (delete) or are freed at once (destroy), and so are those of the heaps below
 * it. */
void first_class_end(struct eddy_heap *first_class, bool destroy);

/* The calling thread's sub-heap, made at its first use; NULL without memory. */
heap_t *subheap_of(struct eddy_heap *first_class, thread_t *thread);
/* What names no heap comes from this heap of the calling thread, until that ends. */
void subheap_set_standard(thread_t *thread, heap_t *heap);
/* The thread ends: orphans go into its ordinary heap, the others wait for another thread. */
void subheap_abandon_all(thread_t *thread);

/* In the child of a fork: first-class heaps have no sub-heaps until these are listed again, one by
 * one. */
void subheap_repair(void);
void subheap_list_again(heap_t *heap);
/* The heap's thread is gone: if it is a sub-heap, another thread may take it. */
void subheap_disown(heap_t *heap);

#endif
