/* Limits of first-class heaps (eddy_heap_set_limit): how many slices the pages and large objects of
 * one may take, whoever's they are.
 *
 * Nothing is counted for it: what a heap holds is added up when a heap with a limit is about to
 * take more. It is locked meanwhile, so that no two threads take the same room. Before anything is
 * refused, its pages without a live block are given up.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_LIMIT_H
#define EDDY_HEAP_LIMIT_H

#include "heap/subheap.h"

/* Whether the heap is part of a first-class heap with a limit. */
bool limit_is_set(heap_t *heap);
/* Lock that first-class heap; NULL when there is none. */
struct eddy_heap *limit_begin(heap_t *heap);
/* Lock the one that a large object belongs to, limit or not, before the object's length changes: it
 * does not end meanwhile. NULL when it belongs to none. */
struct eddy_heap *limit_begin_resize(page_t *large);
/* Whether the heap may take so many slices more. */
bool limit_allows(struct eddy_heap *locked, size_t slices);
void limit_end(struct eddy_heap *locked);
/* The same between two calls, and nothing is given up for it. */
bool limit_has_room(heap_t *heap, size_t slices);

#endif
