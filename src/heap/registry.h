/* All heaps that ever were, and memory for Eddy's own structs.
 *
 * The list only grows, at its front, by one atomic store: walking it needs no lock, and in the
 * child of a fork it is whole. Its structs are reused (heap/thread.h, heap/subheap.h), never freed.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_REGISTRY_H
#define EDDY_HEAP_REGISTRY_H

#include "heap/heap.h"

/* Zeroed memory that is never freed, aligned to 128 bytes; NULL when refused. */
void *registry_allocate(size_t bytes);
size_t registry_metadata_bytes(void);

void registry_add(heap_t *heap);
/* For each: for (heap_t *h = registry_first(); h != NULL; h = h->next_of_all). */
heap_t *registry_first(void);

/* The next few heaps to look at, in turn, so that a long list is searched over several calls: NULL
 * once the walk has come round, or has seen REGISTRY_LOOKS of them. The estate of each record is
 * one of these heaps, with pages or without. */
enum { REGISTRY_LOOKS = 32 };
typedef struct {
    const heap_t *first;
    int looks;
} registry_walk_t;
heap_t *registry_next(registry_walk_t *walk);
/* The next walk begins with this heap: it may have more. */
void registry_stay(heap_t *heap);

void registry_repair(void);

#endif
