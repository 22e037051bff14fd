/* Berger's cache-thrash: does the allocator itself put two threads' blocks into one cache line?
 * SPDX-License-Identifier: MIT */
#include "cache.h"

static size_t work(crew_seat_t *seat) { return cache_cycle(seat->rounds); }

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "cache_thrash",
                            .summary = "each thread writes to its own small blocks",
                            .threads_min = 1,
                            .rounds = 100000,
                            .work = work};
    return crew_main(&job, argc, argv);
}
