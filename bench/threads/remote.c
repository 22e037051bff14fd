/* What count_remote.py runs under callgrind: two threads that allocate and free in turn, each its
 * own blocks or the other's; or two that end once they have allocated, one after the other, and a
 * third one that frees. The work of each turn stands in a function of its own, by which callgrind
 * switches its counting on and off; what the threads wait for each other is not counted.
 *
 *     remote FREER ORDER SIZES ROUNDS     FREER: own, other, left; ORDER: fifo, random;
 *                                         SIZES: one, mixed
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "burst.h"
#include "random.h"

enum { THREADS = 2, BURST = 1000, ONE_SIZE = 64, MIXED_MOST = 1024, WARM_UP_ROUNDS = 10 };

static struct {
    bool own, mixed;
    bool counted; /* of the threads that end: whether this round is */
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

static void count_turn(void **blocks, uint64_t *random, bool counted) {
    (counted ? count_here : take_turn)(blocks, random);
}

/* The threads take turns, so that the counts are the same in every run. */
static void run_round(size_t index, uint64_t *random, bool counted) {
    const size_t freed = remote.own ? index : (index + 1) % THREADS;
    for (size_t turn = 0; turn < 2 * THREADS; turn++) {
        if (turn % THREADS == index) {
            const bool frees = turn >= THREADS;
            void **blocks = remote.blocks[frees ? freed : index];
            count_turn(blocks, frees ? NULL : random, counted);
        }
        pthread_barrier_wait(&remote.barrier);
    }
}

static pthread_t begin(void *(*run)(void *), size_t index) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, (void *)(uintptr_t)index) != 0) {
        bench_fail("thread", "refused");
    }
    return thread;
}

static void *run(void *argument) {
    const size_t index = (size_t)(uintptr_t)argument;
    uint64_t random = index + 1;
    for (size_t i = 0; i < WARM_UP_ROUNDS; i++) run_round(index, &random, false);
    for (size_t i = 0; i < remote.rounds; i++) run_round(index, &random, true);
    return NULL;
}

static void run_in_turn(void) {
    pthread_t threads[THREADS];
    pthread_barrier_init(&remote.barrier, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++) threads[i] = begin(run, i);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static void *allocate_and_end(void *argument) {
    const size_t index = (size_t)(uintptr_t)argument;
    uint64_t random = index + 1;
    count_turn(remote.blocks[index], &random, remote.counted);
    return NULL;
}

static void run_left(void) {
    for (size_t round = 0; round < WARM_UP_ROUNDS + remote.rounds; round++) {
        remote.counted = round >= WARM_UP_ROUNDS;
        for (size_t i = 0; i < THREADS; i++) pthread_join(begin(allocate_and_end, i), NULL);
        for (size_t i = 0; i < THREADS; i++) count_turn(remote.blocks[i], NULL, remote.counted);
    }
}

int main(int argc, char **argv) {
    if (argc != 5) bench_fail("usage", "remote own|other|left fifo|random one|mixed ROUNDS");
    remote.own = strcmp(argv[1], "own") == 0;
    const bool left = strcmp(argv[1], "left") == 0;
    remote.mixed = strcmp(argv[3], "mixed") == 0;
    remote.rounds = strtoul(argv[4], NULL, 10);
    const bool random = strcmp(argv[2], "random") == 0;
    remote.order = burst_order_make(random ? BURST_RANDOM : BURST_FIFO, BURST, 1);
    if (left) {
        run_left();
    } else {
        run_in_turn();
    }
    return 0;
}
