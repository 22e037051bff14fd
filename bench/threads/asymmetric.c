/* Producers and consumers of unlike speed: in the first half all threads but one produce and the
 * queue stands full, in the second one produces for all others. What the one consumer freed must
 * serve the many producers, and memory stay near what is in the queue.
 * SPDX-License-Identifier: MIT */
#include "crew.h"
#include "queue.h"

enum { PENDING_MAX = 256, SMALLEST = 16, LARGEST = 512 };

static queue_t *many_to_one, *one_to_many;

static void prepare(unsigned threads) {
    queue_open(&many_to_one, PENDING_MAX, threads - 1);
    queue_open(&one_to_many, PENDING_MAX, 1);
}

static size_t produce(crew_seat_t *seat, queue_t *queue, size_t batches) {
    for (size_t i = 0; i < batches; i++) {
        batch_t batch;
        for (size_t b = 0; b < BATCH; b++) {
            batch.blocks[b] = crew_malloc(seat, crew_size(seat, SMALLEST, LARGEST));
        }
        queue_put(queue, &batch);
    }
    queue_close(queue);
    return batches * BATCH;
}

/* Reads every word, so that a consumer is slower than a producer. */
static void consume(crew_seat_t *seat, queue_t *queue) {
    batch_t batch;
    while (queue_take(queue, &batch)) {
        for (size_t b = 0; b < BATCH; b++) {
            const volatile size_t *words = batch.blocks[b];
            const size_t count = words[0] / sizeof *words;
            for (size_t i = 0; i < count; i++) (void)words[i];
            crew_free(seat, batch.blocks[b]);
        }
    }
}

/* `rounds` batches for each thread in either half, whoever makes them. */
static size_t work(crew_seat_t *seat) {
    const size_t batches = seat->rounds * seat->count;
    size_t pairs = 0;
    if (seat->index == 0) {
        consume(seat, many_to_one);
    } else {
        pairs = produce(seat, many_to_one, batches / (seat->count - 1));
    }
    crew_wait();
    if (seat->index == 0) {
        pairs += produce(seat, one_to_many, batches);
    } else {
        consume(seat, one_to_many);
    }
    return pairs;
}

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "asymmetric",
                            .summary = "many producers and one consumer, then the reverse",
                            .threads_min = 2,
                            .rounds = 2000,
                            .prepare = prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
