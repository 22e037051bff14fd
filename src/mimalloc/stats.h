/* Statistics in mimalloc's struct, and that struct as text.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MIMALLOC_STATS_LAYER_H
#define EDDY_MIMALLOC_STATS_LAYER_H

#include "mimalloc/layer.h"

/* Blocks up to this size are "normal", larger ones "huge". */
enum { STATS_NORMAL_MOST = 64 << 10 };

/* Of all its heaps; of the first one all that Eddy counts in the process. */
void stats_of_subprocess(eddy_heap_t *subprocess, mi_stats_t *stats);
void stats_of_heap(eddy_heap_t *heap, mi_stats_t *stats);
/* The block size of a bin; 0 when there is none. */
size_t stats_bin_size(size_t bin);

/* In `buffer`, cut where it ends, or in a new block when that is NULL. */
char *stats_as_json(const mi_stats_t *stats, size_t buffer_size, char *buffer);

#endif
