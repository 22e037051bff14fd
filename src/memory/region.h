/* Address space: the window that descriptors describe, and the regions reserved inside it.
 *
 * A region is reserved without access and opened in one growing front, so that it stays two
 * mappings. The first one is as large as the limits of the process allow; further ones are placed
 * inside the window by hint. All of it is guarded by the span lock.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MEMORY_REGION_H
#define EDDY_MEMORY_REGION_H

#include "memory/descriptor.h"

/* Slices that the kernel gives and takes back at a time: one, or those of a huge page where the
 * program wants such (EDDY_OPTION_HUGE_PAGES). Written once, before the first region. */
extern size_t region_unit hidden_symbol;

typedef struct region {
    size_t first;    /* slice */
    size_t reserved; /* slices */
    /* slices from `first` on that can be used, their descriptors too; read without the lock too */
    _Atomic size_t opened;
    size_t described; /* slices from `first` on whose descriptors can be written */
    bool is_given;    /* memory of the program's own, open as a whole */
    bool is_ground;   /* where objects are moved to, see memory/span.h */
} region_t;

/* Acquire pairs with the release in region.c: what is counted can be used. */
static inline size_t region_opened(const region_t *region) { return load_acquire(&region->opened); }

enum { REGION_MAX = 64 };

/* Reserve window, descriptors and first region. False when not even the smallest is granted; the
 * next call tries again. `huge_pages`: wanted, which the kernel need not have. */
bool region_start(bool huge_pages);
/* Open at least `slices` more contiguous slices at some front, reserving a region when needed. The
 * new slices' descriptors belong to no span yet. The count opened through *opened; NULL when
 * refused. At most three system calls when it fails. */
page_t *region_open(size_t slices, size_t *opened);
/* The same in the region for objects that are moved. */
page_t *region_open_ground(size_t slices, size_t *opened);

/* Make a region of the whole slices in memory that the program mapped; they belong to no span yet.
 * Its number among such regions, -1 when there are no slices in the window, or no more regions. */
int region_give(void *start, size_t bytes);
/* NULL when there is none of that number. */
const region_t *region_given(size_t number);
/* Whether the slice lies in such a region. */
bool region_is_given(size_t slice);

/* Put fresh memory, or none and no access, in a mapping like the region's over the slices of a
 * span, whatever mappings lie there. False when the kernel refuses. */
bool region_replace(page_t *head);
bool region_close(page_t *head);

/* The regions so far, in the order they were made. */
size_t region_count(void);
const region_t *region_at(size_t index);
/* Whether the slice is Eddy's at all: in a region, open or not. */
bool region_reserves(size_t slice);
/* Whether the slice lies below the front of a region (only then its descriptor may be a head). */
bool region_contains(size_t slice);
/* Slices' worth of address space that belongs to no region, and that the kernel would not take
 * back. */
size_t region_lost(void);
/* Bytes of descriptors that can hold memory. */
size_t region_descriptor_bytes(void);

#endif
