/* A ring of threads: each frees what the one before it made, some time later. So every thread
 * allocates as much as it frees, and frees nothing of its own.
 * SPDX-License-Identifier: MIT */
#include "bench.h"
#include "crew.h"
#include "queue.h"

/* A thread begins to free LEAD batches after its neighbour began to allocate, and may fall as far
 * behind again before the neighbour waits. */
enum { LEAD = 128, PENDING_MAX = 2 * LEAD, SMALLEST = 16, LARGEST = 256 };

static queue_t *inboxes[BENCH_THREADS];

static void prepare(unsigned threads) {
    for (unsigned i = 0; i < threads; i++) queue_open(&inboxes[i], PENDING_MAX, 1);
}

static void make(crew_seat_t *seat, queue_t *next) {
    batch_t batch;
    for (size_t b = 0; b < BATCH; b++) {
        batch.blocks[b] = crew_malloc(seat, crew_size(seat, SMALLEST, LARGEST));
    }
    queue_put(next, &batch);
}

/* False when the neighbour has ended and nothing of its work is left. */
static bool drop(crew_seat_t *seat, queue_t *inbox) {
    batch_t batch;
    if (!queue_take(inbox, &batch)) return false;
    for (size_t b = 0; b < BATCH; b++) crew_free(seat, batch.blocks[b]);
    return true;
}

static size_t work(crew_seat_t *seat) {
    queue_t *inbox = inboxes[seat->index], *next = inboxes[(seat->index + 1) % seat->count];
    for (size_t i = 0; i < seat->rounds; i++) {
        make(seat, next);
        if (i >= LEAD) drop(seat, inbox);
    }
    queue_close(next);
    while (drop(seat, inbox)) continue;
    return seat->rounds * BATCH;
}

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "ring",
                            .summary = "each thread frees what its neighbour allocated",
                            .threads_min = 1,
                            .rounds = 10000,
                            .prepare = prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
