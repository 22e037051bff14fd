/* What scale, scale_bare and scale_cores share: bursts that no other thread has a part in. Their
 * throughput should grow with the threads; by how much less than a bare list's it does is the
 * allocator's fault, and the rest is the machine's.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_THREADS_SCALE_H
#define BENCH_THREADS_SCALE_H

#include "bench.h"
#include "crew.h"
#include "random.h"

enum { SCALE_BURST = 1000, SCALE_BLOCK = 64 };

/* The numbers below SCALE_BURST in a random order. */
static inline void scale_shuffle(uint64_t *random, size_t order[SCALE_BURST]) {
    for (uint32_t i = 0; i < SCALE_BURST; i++) {
        const uint32_t j = random_below(random, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

static inline void scale_burst(const size_t order[SCALE_BURST], void *(*take)(size_t),
                               void (*give)(void *)) {
    void *blocks[SCALE_BURST];
    for (size_t i = 0; i < SCALE_BURST; i++) {
        blocks[i] = take(SCALE_BLOCK);
        bench_touch(blocks[i]);
    }
    for (size_t i = 0; i < SCALE_BURST; i++) give(blocks[order[i]]);
}

static inline size_t scale_work(crew_seat_t *seat, void *(*take)(size_t), void (*give)(void *)) {
    size_t order[SCALE_BURST];
    scale_shuffle(&seat->random, order);
    for (size_t round = 0; round < seat->rounds; round++) scale_burst(order, take, give);
    return seat->rounds * SCALE_BURST;
}

#endif
