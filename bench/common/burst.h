/* A burst: blocks of one size, all allocated, then all freed in a chosen order. The two loops are
 * inline, so that a burst of one block is not outweighed by the calls around it.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_BURST_H
#define BENCH_BURST_H

#include <stdlib.h>

#include "bench.h"

/* HALF: every second block first, then the others. */
typedef enum burst_order { BURST_LIFO, BURST_FIFO, BURST_RANDOM, BURST_HALF } burst_order_t;

extern const char *const burst_order_words[];

/* The indices of `count` blocks in the order in which they are freed. */
uint32_t *burst_order_make(burst_order_t order, size_t count, uint64_t seed);

static inline void burst_allocate(void **blocks, size_t count, size_t size) {
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(size);
        bench_touch(blocks[i]);
    }
}

static inline void burst_free(void *const *blocks, const uint32_t *order, size_t count) {
    for (size_t i = 0; i < count; i++) free(blocks[order[i]]);
}

#endif
