/* Random replacement of blocks whose sizes follow a Pareto distribution up to 1 KiB: in programs,
 * small blocks are by far the most frequent. A part of them is freed by other threads.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "bench.h"
#include "exchange.h"

enum { BATCHES = EXCHANGE_HAND, SIZES = 4096, LEAST = 16, MOST = 1024 };

/* Equally likely sizes; computed beforehand because `pow` is slower than malloc. */
static uint16_t sizes[SIZES];

static void prepare(unsigned threads) {
    const double shape = 1.1;
    for (size_t i = 0; i < SIZES; i++) {
        /* The inverse of the distribution function, cut off at MOST. */
        const double share = ((double)i + 0.5) / SIZES;
        const double below_most = 1 - pow((double)LEAST / MOST, shape);
        sizes[i] = (uint16_t)(LEAST / pow(1 - share * below_most, 1 / shape));
    }
    exchange_prepare(threads, BATCHES);
}

static void replace(crew_seat_t *seat, void **block) {
    crew_free(seat, *block);
    *block = crew_malloc(seat, sizes[random_below(&seat->random, SIZES)]);
}

/* A round replaces as many blocks as there are, chosen at random, and swaps one batch. */
static size_t work(crew_seat_t *seat) {
    batch_t **batches = exchange_hand(seat);
    for (size_t round = 0; round < seat->rounds; round++) {
        for (size_t i = 0; i < BATCHES * BATCH; i++) {
            const uint32_t at = random_below(&seat->random, BATCHES * BATCH);
            replace(seat, &batches[at / BATCH]->blocks[at % BATCH]);
        }
        exchange_swap(seat, &batches[round % BATCHES]);
    }
    for (size_t i = 0; i < BATCHES; i++) exchange_free(seat, batches[i]);
    exchange_finish(seat);
    return seat->rounds * BATCHES * BATCH;
}

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "pareto",
                            .summary = "random replacement, mostly of small blocks",
                            .threads_min = 1,
                            .rounds = 80,
                            .prepare = prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
