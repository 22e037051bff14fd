/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <string.h>

#include "bench.h"
#include "exchange.h"

static struct {
    uint32_t place_count;
    batch_t *_Atomic places[BENCH_THREADS * EXCHANGE_PLACES];
    batch_t *hands[BENCH_THREADS][EXCHANGE_HAND];
} exchange;

void exchange_prepare(unsigned threads, size_t hand) {
    if (exchange.place_count != 0) return; /* the job before left no block in a batch */
    exchange.place_count = threads * EXCHANGE_PLACES;
    const size_t size = threads * (EXCHANGE_PLACES + hand) * sizeof(batch_t);
    /* Written, so that it is resident before the memory is measured. */
    batch_t *batch = memset(bench_map(size), 0, size);
    for (uint32_t i = 0; i < exchange.place_count; i++) {
        atomic_init(&exchange.places[i], batch++);
    }
    for (unsigned thread = 0; thread < threads; thread++) {
        for (size_t i = 0; i < hand; i++) exchange.hands[thread][i] = batch++;
    }
}

batch_t **exchange_hand(const crew_seat_t *seat) { return exchange.hands[seat->index]; }

void exchange_swap(crew_seat_t *seat, batch_t **batch) {
    const uint32_t place = random_below(&seat->random, exchange.place_count);
    *batch = atomic_exchange_explicit(&exchange.places[place], *batch, memory_order_acq_rel);
}

static void free_block(crew_seat_t *seat, void **block) {
    crew_free(seat, *block);
    *block = NULL;
}

void exchange_free(crew_seat_t *seat, batch_t *batch) {
    for (size_t b = 0; b < BATCH; b++) free_block(seat, &batch->blocks[b]);
}

void exchange_free_backwards(crew_seat_t *seat, batch_t *batch) {
    for (size_t b = BATCH; b-- > 0;) free_block(seat, &batch->blocks[b]);
}

void exchange_finish(crew_seat_t *seat) {
    crew_wait();
    if (seat->index != 0) return;
    for (uint32_t i = 0; i < exchange.place_count; i++) exchange_free(seat, exchange.places[i]);
}
