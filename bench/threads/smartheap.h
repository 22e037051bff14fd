/* What sh6 and sh8 share: the load of MicroQuill's SmartHeap benchmarks as their users describe it.
 * Each thread holds many blocks of 8 to 1,000 bytes, small ones more often. Some are freed in the
 * order in which they were made, others in the reverse order, and some live longer than others.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_THREADS_SMARTHEAP_H
#define BENCH_THREADS_SMARTHEAP_H

#include "exchange.h"

enum { SMARTHEAP_BATCHES = 40, SMARTHEAP_LEAST = 8, SMARTHEAP_MOST = 1000 };

static inline void smartheap_fill(crew_seat_t *seat, batch_t *batch) {
    for (size_t b = 0; b < BATCH; b++) {
        const uint32_t limit = (uint32_t)crew_size(seat, SMARTHEAP_LEAST, SMARTHEAP_MOST);
        batch->blocks[b] = crew_malloc(seat, crew_size(seat, SMARTHEAP_LEAST, limit));
    }
}

static inline void smartheap_prepare(unsigned threads) {
    exchange_prepare(threads, 2 * SMARTHEAP_BATCHES);
}

/* In each round the blocks `kept` from the one before are freed in order; of the new ones half are
 * freed in the reverse order, by another thread where they are `swapped`, and half are kept. */
static inline size_t smartheap_work(crew_seat_t *seat, bool swapped) {
    batch_t **fresh = exchange_hand(seat), **kept = fresh + SMARTHEAP_BATCHES;
    for (size_t round = 0; round < seat->rounds; round++) {
        for (size_t i = 0; i < SMARTHEAP_BATCHES; i++) smartheap_fill(seat, fresh[i]);
        for (size_t i = 0; i < SMARTHEAP_BATCHES; i++) {
            exchange_free(seat, kept[i]);
            smartheap_fill(seat, kept[i]);
        }
        for (size_t i = SMARTHEAP_BATCHES; i-- > 0;) {
            if (swapped) exchange_swap(seat, &fresh[i]);
            exchange_free_backwards(seat, fresh[i]);
        }
    }
    for (size_t i = 0; i < SMARTHEAP_BATCHES; i++) exchange_free(seat, kept[i]);
    if (swapped) exchange_finish(seat);
    return 2 * seat->rounds * SMARTHEAP_BATCHES * BATCH;
}

#endif
