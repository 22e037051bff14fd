/* Estates: what ended threads leave.
 *
 * When a thread ends, its pages that still hold live blocks go to the estate of its record. The
 * next thread of the record adopts them from there one by one, as it needs pages of their classes,
 * and before it links more of its own; other heaps before they take memory that nobody holds. Left
 * with the record, they would all be the next thread's at once, and nobody else could use what is
 * free in them: of threads that live for one request each, as many as run at a time would hold a
 * share of all memory each (docs/evidence.md, "Estates").
 *
 * Invariants: an estate is dead for good, has no thread, and neither current nor retained pages;
 * its pages are thread_nobody's. That a record's heap is dead passes with its next thread: who
 * gives a block may look at a heap that has lost the page since, and so looks on where the page is.
 * Whoever empties one releases it (heap_release_if_empty). In the child of a fork it is a
 * sub-heap's struct to be used again once its pages are gone (heap/subheap.h), and no record's any
 * more, for good: each generation of a chain of forks makes its own.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_ESTATE_H
#define EDDY_HEAP_ESTATE_H

#include "heap/heap.h"

/* Move the pages of a dead ordinary heap to its estate. They stay where they are when there is no
 * memory for an estate: then the next thread gets them all with the record. By who ends the
 * thread. */
void estate_leave(heap_t *heap);

/* List a page of the class that an ended thread has left as the heap's own, first: the caller makes
 * it current, and so the thread's. False when there is none. Never waits. Owner only, under the
 * heap's lock. */
out_of_line bool estate_adopt(heap_t *heap, unsigned size_class);

#endif
