/* Phases in which all threads die and some objects survive, as in a server that starts threads for
 * each wave of requests: a new thread takes over what its predecessor left, makes objects of all
 * sizes, swaps some with other threads, frees most, and leaves the rest behind.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "bench.h"
#include "exchange.h"

enum { BATCHES = 64, LEFT = 16 /* of them survive the thread */, CYCLES = 4 };

static void prepare(unsigned threads) { exchange_prepare(threads, BATCHES); }

/* Most objects are small; one in 32 is up to 4 KiB, one in 1,024 up to 64 KiB. */
static size_t random_size(crew_seat_t *seat) {
    const uint32_t rarity = random_below(&seat->random, 1024);
    const uint32_t most = rarity == 0 ? 64 * 1024 : rarity < 32 ? 4096 : 256;
    return crew_size(seat, 8, most);
}

static void fill(crew_seat_t *seat, batch_t *batch) {
    for (size_t b = 0; b < BATCH; b++) batch->blocks[b] = crew_malloc(seat, random_size(seat));
}

static void *live(void *argument) {
    crew_seat_t *seat = argument;
    batch_t **batches = exchange_hand(seat);
    for (size_t cycle = 0; cycle < CYCLES; cycle++) {
        for (size_t i = 0; i < BATCHES; i++) {
            exchange_free(seat, batches[i]);
            fill(seat, batches[i]);
            if (i % 4 == 0) exchange_swap(seat, &batches[i]);
        }
    }
    for (size_t i = LEFT; i < BATCHES; i++) exchange_free_backwards(seat, batches[i]);
    return NULL;
}

static size_t work(crew_seat_t *seat) {
    for (size_t i = 0; i < seat->rounds; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, live, seat) != 0) bench_fail("thread", "refused");
        pthread_join(thread, NULL);
        crew_wait();
    }
    for (size_t i = 0; i < LEFT; i++) exchange_free(seat, exchange_hand(seat)[i]);
    exchange_finish(seat);
    return seat->rounds * CYCLES * BATCHES * BATCH;
}

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "phases",
                            .summary = "waves of threads that die and leave objects behind",
                            .threads_min = 1,
                            .rounds = 50,
                            .prepare = prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
