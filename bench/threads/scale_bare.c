/* The bursts of scale.h on the least that can serve them: a list of blocks for each thread. A lower
 * bound for every allocator, and what the machine itself gives to more threads.
 * SPDX-License-Identifier: MIT */
#include "scale.h"

typedef struct link {
    struct link *next;
} link_t;

static char *memory[BENCH_THREADS];
static _Thread_local link_t *list;

static void prepare(unsigned threads) {
    for (unsigned i = 0; i < threads; i++) {
        if (memory[i] == NULL) memory[i] = bench_map(SCALE_BURST * SCALE_BLOCK);
    }
}

/* Calls, as those of an allocator are. */
__attribute__((noinline)) static void give(void *block) {
    link_t *link = block;
    link->next = list;
    list = link;
}

__attribute__((noinline)) static void *take(size_t size) {
    (void)size;
    link_t *link = list;
    list = link->next;
    return link;
}

static size_t work(crew_seat_t *seat) {
    char *blocks = memory[seat->index];
    for (size_t i = 0; i < SCALE_BURST; i++) give(blocks + i * SCALE_BLOCK);
    return scale_work(seat, take, give);
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
