/* How spans tile their regions: cut, joined, and, those that are free, kept in bins by kind and
 * length. Every change is one store to a head's shape, see memory/descriptor.h. Guarded by the span
 * lock (memory/span.c).
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MEMORY_TILES_H
#define EDDY_MEMORY_TILES_H

#include "memory/descriptor.h"

/* No free span, whatever there was. */
void tiles_init(void);

/* Slices of the free spans of a kind. Where the kernel deals in huge pages, clean spans are whole
 * ones (region_unit): what lies beside memory in use is dirty. */
size_t tiles_slices(span_kind_t kind);
size_t tiles_spans(span_kind_t kind);
/* A free span of the kind, of at least `slices`; NULL when none was found. */
page_t *tiles_find(span_kind_t kind, size_t slices);
/* Whether any dirty span can be purged. */
bool tiles_can_be_purged(void);
/* Take memory to be purged, whole units: about `slices`, of the dirty span that was freed longest
 * ago; NULL when there is none. */
page_t *tiles_take_oldest(size_t slices);
/* The span right behind, NULL at a front (of the region, or where another region begins). */
page_t *tiles_next(page_t *head);

/* Take a free span out of its bin, into the caller's hands: in transit. */
void tiles_take(page_t *head);
/* Put a span that is in transit among the free ones, joined with its neighbours of the kind. */
void tiles_insert(page_t *head, span_kind_t kind);
/* Cut a span in two; the second part gets `kind`. Neither may be free. */
page_t *tiles_split(page_t *head, size_t slices, span_kind_t kind);
/* Cut off what follows the first `slices` of a span in transit, back to where it came from. */
void tiles_give_back_rest(page_t *head, size_t slices, span_kind_t kind);
/* Append the span behind `head` to it; neither may be free. */
void tiles_absorb(page_t *head, page_t *next);

/* In the child of a fork: put a span that has its kind into the bin of that. */
void tiles_put_again(page_t *head, span_kind_t kind);

#endif
