/* Berger's cache-scratch: one thread allocates neighbouring blocks and gives one to each thread,
 * which frees it and goes on with blocks of its own. Does a thread get again and again the block
 * that shares a cache line with another thread's?
 * SPDX-License-Identifier: MIT */
#include "bench.h"
#include "cache.h"

static void *given[BENCH_THREADS];

static void prepare(unsigned threads) {
    for (unsigned i = 0; i < threads; i++) given[i] = malloc(CACHE_BLOCK);
}

static size_t work(crew_seat_t *seat) {
    cache_write(given[seat->index]);
    free(given[seat->index]);
    return cache_cycle(seat->rounds) + 1;
}

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "cache_scratch",
                            .summary = "each thread frees a neighbour's block, then uses its own",
                            .threads_min = 1,
                            .rounds = 100000,
                            .prepare = prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
