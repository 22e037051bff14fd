/* The bursts of scale.h on the least that can serve them: a list of blocks for each thread. A lower
 * bound for every allocator, and what the machine itself gives to more threads.
 * SPDX-License-Identifier: MIT */
#include "bare_list.h"
#include "scale.h"

static char *memory[BENCH_THREADS];

static void prepare(unsigned threads) {
    for (unsigned i = 0; i < threads; i++) {
        if (memory[i] == NULL) memory[i] = bench_map(SCALE_BURST * SCALE_BLOCK);
    }
}

static size_t work(crew_seat_t *seat) {
    bare_list_fill(memory[seat->index], SCALE_BURST, SCALE_BLOCK);
    return scale_work(seat, bare_list_take, bare_list_give);
}

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "scale_bare",
                            .summary = "the bursts of scale on a bare list",
                            .threads_min = 1,
                            .rounds = 30000,
                            .prepare = prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
