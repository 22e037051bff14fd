/* What count_remote.py runs under callgrind: two threads that allocate and free in turn, each its
 * own blocks or the other's. The work of each turn stands in a function of its own, by which
 * callgrind switches its counting on and off; what the threads wait for each other is not counted.
 *
 *     remote FREER ORDER SIZES ROUNDS     FREER: own, other; ORDER: fifo, random; SIZES: one, mixed
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "burst.h"
#include "random.h"

enum { THREADS = 2, BURST = 1000, ONE_SIZE = 64, MIXED_MOST = 1024, WARM_UP_ROUNDS = 10 };

static struct {
    bool own, mixed;
    size_t rounds;
    pthread_barrier_t barrier;
    const uint32_t *order;
    void *blocks[THREADS][BURST];
} remote;

static void allocate(void **blocks, uint64_t *random) {
    for (size_t i = 0; i < BURST; i++) {
        blocks[i] = malloc(remote.mixed ? 1 + random_below(random, MIXED_MOST) : ONE_SIZE);
        bench_touch(blocks[i]);
    }
}

/* One turn: allocates, or frees when `random` is NULL. */
static void take_turn(void **blocks, uint64_t *random) {
    if (random != NULL) {
        allocate(blocks, random);
    } else {
        burst_free(blocks, remote.order, BURST);
    }
}

/* callgrind knows it by its name. */
__attribute__((noinline)) void count_here(void **blocks, uint64_t *random);
void count_here(void **blocks, uint64_t *random) { take_turn(blocks, random); }

/* The threads take turns, so that the counts are the same in every run. */
static void run_round(size_t index, uint64_t *random, bool counted) {
    const size_t freed = remote.own ? index : (index + 1) % THREADS;
    for (size_t turn = 0; turn < 2 * THREADS; turn++) {
        if (turn % THREADS == index) {
            const bool frees = turn >= THREADS;
            void **blocks = remote.blocks[frees ? freed : index];
            (counted ? count_here : take_turn)(blocks, frees ? NULL : random);
        }
        pthread_barrier_wait(&remote.barrier);
    }
}

static void *run(void *argument) {
    const size_t index = (size_t)(uintptr_t)argument;
    uint64_t random = index + 1;
    for (size_t i = 0; i < WARM_UP_ROUNDS; i++) run_round(index, &random, false);
    for (size_t i = 0; i < remote.rounds; i++) run_round(index, &random, true);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 5) bench_fail("usage", "remote own|other fifo|random one|mixed ROUNDS");
    remote.own = strcmp(argv[1], "own") == 0;
    remote.mixed = strcmp(argv[3], "mixed") == 0;
    remote.rounds = strtoul(argv[4], NULL, 10);
    const bool random = strcmp(argv[2], "random") == 0;
    remote.order = burst_order_make(random ? BURST_RANDOM : BURST_FIFO, BURST, 1);
    pthread_barrier_init(&remote.barrier, NULL, THREADS);

    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)i) != 0) {
            bench_fail("thread", "refused");
        }
    }
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
