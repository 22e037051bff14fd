/* Free spans of one kind, by length.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MEMORY_BINS_H
#define EDDY_MEMORY_BINS_H

#include "memory/descriptor.h"

/* One bin a length up to EXACT, then STEPS to the doubling. A span stands in the highest bin whose
 * least length it reaches. */
enum { BINS_EXACT = 8, BINS_STEP_BITS = 2, BINS_STEPS = 1 << BINS_STEP_BITS, BIN_COUNT = 96 };

typedef struct bins {
    list_t lists[BIN_COUNT];
    uint64_t filled[2]; /* bit i: lists[i] is not empty */
    size_t slices, spans;
} bins_t;

void bins_init(bins_t *bins);
void bins_insert(bins_t *bins, page_t *head);
/* Before its length changes. */
void bins_remove(bins_t *bins, page_t *head);
/* A span of at least `slices`, a good fit; NULL when none was found. */
page_t *bins_find(const bins_t *bins, size_t slices);

#endif
