/* After C. Lever and D. Boreham, "malloc() Performance in a Multithreaded Linux Environment",
 * USENIX 2000: some threads only allocate, the others only free what these made.
 * SPDX-License-Identifier: MIT */
#include "crew.h"
#include "queue.h"
#include "random.h"

enum { PENDING_MAX = 64 };

static queue_t *queue;

static unsigned producers(unsigned threads) { return threads / 2; }

static void prepare(unsigned threads) { queue_open(&queue, PENDING_MAX, producers(threads)); }

/* 8 to 2,047 bytes; each power of two as often as any other. */
static size_t random_size(crew_seat_t *seat) {
    const uint32_t least = 8u << random_below(&seat->random, 8);
    return least + random_below(&seat->random, least);
}

static size_t produce(crew_seat_t *seat) {
    for (size_t i = 0; i < seat->rounds; i++) {
        batch_t batch;
        for (size_t b = 0; b < BATCH; b++) batch.blocks[b] = crew_malloc(seat, random_size(seat));
        queue_put(queue, &batch);
    }
    queue_close(queue);
    return seat->rounds * BATCH;
}

static size_t consume(crew_seat_t *seat) {
    batch_t batch;
    while (queue_take(queue, &batch)) {
        for (size_t b = 0; b < BATCH; b++) crew_free(seat, batch.blocks[b]);
    }
    return 0;
}

static size_t work(crew_seat_t *seat) {
    return seat->index < producers(seat->count) ? produce(seat) : consume(seat);
}

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "xmalloc",
                            .summary = "threads that only allocate, and threads that only free",
                            .threads_min = 2,
                            .rounds = 8000,
                            .prepare = prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
