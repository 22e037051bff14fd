/* Where threads swap batches of blocks with each other without waiting: each place holds one batch,
 * and who brings one takes away what lay there. The batches themselves do not come from malloc.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_THREADS_EXCHANGE_H
#define BENCH_THREADS_EXCHANGE_H

#include "crew.h"
#include "queue.h"

enum { EXCHANGE_PLACES = 16 /* for each thread */, EXCHANGE_HAND = 256 };

/* To be called by `prepare`: gives each thread a hand of at most EXCHANGE_HAND batches. All batches
 * begin without blocks (NULL pointers). */
void exchange_prepare(unsigned threads, size_t hand);

/* The batches in the hand of this thread. */
batch_t **exchange_hand(const crew_seat_t *seat);

/* Leaves a batch in a random place for the one that lay there. */
void exchange_swap(crew_seat_t *seat, batch_t **batch);

/* Frees the blocks of a batch in the order in which they lie, or backwards; it has none then. */
void exchange_free(crew_seat_t *seat, batch_t *batch);
void exchange_free_backwards(crew_seat_t *seat, batch_t *batch);

/* At the end of a job: waits for all threads, then frees what they left in the places. */
void exchange_finish(crew_seat_t *seat);

#endif
