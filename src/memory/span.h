/* Free spans: runs of slices, split and joined, those that hold memory (dirty) first.
 *
 * Dirty spans are kept as long as demand_t allows and purged beyond; a purged or never used span
 * is clean: it reads as zero. Dirty and clean neighbours stay apart, so that "clean" is known for
 * every slice of a span. Free spans of memory that the program handed in are kept: dirty for good.
 *
 * One lock (RANK_SPAN, inside span.c) guards the free spans, the regions and the kind of every
 * head that is not in somebody's hands. System calls that return memory are made outside of it.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MEMORY_SPAN_H
#define EDDY_MEMORY_SPAN_H

#include "memory/descriptor.h"

/* Ground: address space without memory where objects are moved to by page tables, and nothing else
 * lies. There each is a mapping of its own, and what is free is one mapping from object to object,
 * since nobody touches it: there are never more than twice as many as objects. Among other memory
 * every object that came and went could leave a mapping behind for good. */
typedef enum span_source { SPAN_FROM_DIRTY, SPAN_FROM_ANY, SPAN_FROM_GROUND } span_source_t;

/* Have the options in force, and nothing else: a program may ask for them and never allocate. */
void span_load_options(void);
/* Reserve the address space at first use. False when refused; may be tried again. */
bool span_start(void);

/* A span of `slices`, its first slice at a multiple of `alignment` slices (a power of two) in
 * memory; NULL when there is none (of that source) or memory is refused. The caller owns it, in
 * kind SPAN_TRANSIT, and gives it its kind. *is_zero: every byte of it is zero. */
page_t *span_allocate(size_t slices, size_t alignment, span_source_t source, bool *is_zero);
static inline bool span_fits_window(size_t slices, size_t alignment) {
    return slices <= window.slices && alignment <= window.slices;
}
/* Whether there may ever be such a span: the window holds it, and the limit of the process. After
 * span_start. */
bool span_in_bounds(size_t slices, size_t alignment);
/* Give a span back; it becomes dirty. Whoever calls this is the only one who knows the span. */
void span_free(page_t *head);
/* Lengthen a span in place to `slices`; false when what follows is not free or too short. The new
 * slices are zero only by chance. The kind stays. */
bool span_extend(page_t *head, size_t slices);
/* Shorten a span to its first `slices`, its kind stays; the rest, in transit, which the caller
 * frees. */
page_t *span_cut(page_t *head, size_t slices);

/* Cut off the first `slices` of a span in transit; the rest, whose kind the caller sets. */
page_t *span_drop_front(page_t *head, size_t slices);
/* As span_free, for a span whose memory was moved away or never touched: it reads as zero. */
void span_free_clean(page_t *head);
/* As span_free, for a span of ground in whose place fresh memory was put. */
void span_free_ground(page_t *head);

/* Take memory that the program hands in, readable and writable, for spans: the number of the piece,
 * from 0 on; -1 when no whole slice of it can be described. */
int span_give(void *start, size_t bytes);
/* Where that piece begins; NULL when there is none of that number. */
void *span_given(int number, size_t *bytes);
/* Whether it is memory of Eddy's own, that may be moved by page tables. */
bool span_is_own(page_t *head);

/* Purge some of what exceeds the allowance of the window that runs at `now_ms`, at most 32 spans;
 * true when that is a new one. Is to be called again while it is behind. */
bool span_housekeep(uint64_t now_ms);
bool span_is_behind(uint64_t now_ms);
/* Slices of dirty spans; 0 when none of them can be purged. */
size_t span_dirty(void);
/* Purge all dirty spans; the bytes returned. */
size_t span_purge_all(void);

typedef struct span_totals {
    size_t used, dirty, clean; /* slices; spans in transit count as used, or as dirty while they
                                  are purged */
    size_t reserved, opened;   /* slices */
    size_t spans_purged, bytes_purged;
    size_t metadata_bytes;
} span_totals_t;

void span_totals(span_totals_t *totals);

/* Call `visit` for every head of a page or large object, in address order, without a lock: heads
 * made or freed meanwhile may be missed. False when `visit` stopped it. */
bool span_walk(bool (*visit)(page_t *head, void *argument), void *argument);

/* In the child of a fork: rebuild the free spans from the descriptors; spans in transit belonged
 * to threads that are gone and become dirty. */
void span_repair(void);

#endif
