/* Blocks that one thread makes and another frees, in one direction for long: contents arrive whole,
 * and none is lost. How much memory that takes, test/return/flow.c judges.
 * SPDX-License-Identifier: MIT */
#include "common/random_block.h"
#include "common/schedule.h"

enum { QUEUE_LENGTH = 2000, CROWD_MAX = 16 };

enum { FLOW_BITS = 12 };

static size_t threads, blocks;

/* ---- queues of bounded length: one mutex, so they hide nothing but themselves ---- */

typedef struct queue {
    pthread_mutex_t lock;
    void *blocks[QUEUE_LENGTH];
    size_t first, count;
} queue_t;

static queue_t queues[CROWD_MAX];

static void start_queues(void) {
    for (size_t i = 0; i < CROWD_MAX; i++) {
        queues[i].count = 0;
        pthread_mutex_init(&queues[i].lock, NULL);
    }
}

static bool try_put(queue_t *queue, void *block) {
    pthread_mutex_lock(&queue->lock);
    bool room = queue->count < QUEUE_LENGTH;
    if (room) queue->blocks[(queue->first + queue->count++) % QUEUE_LENGTH] = block;
    pthread_mutex_unlock(&queue->lock);
    return room;
}

/* NULL when there is none. */
static void *try_take(queue_t *queue) {
    void *block = NULL;
    pthread_mutex_lock(&queue->lock);
    if (queue->count > 0) {
        block = queue->blocks[queue->first];
        queue->first = (queue->first + 1) % QUEUE_LENGTH;
        queue->count--;
    }
    pthread_mutex_unlock(&queue->lock);
    return block;
}

static void put(queue_t *queue, void *block) {
    while (!try_put(queue, block)) sched_yield();
}

static void *take(queue_t *queue) {
    for (;;) {
        void *block = try_take(queue);
        if (block != NULL) return block;
        sched_yield();
    }
}

/* ---- work ---- */

static void *flow_block(uint64_t *random) {
    size_t size = sealable(random_size_to(random, FLOW_BITS));
    void *block = eddy_malloc(size);
    check(block != NULL);
    return seal(block, size);
}

/* Even threads make blocks, odd ones free what their neighbour makes, and never allocate. */
static void produce_or_consume(size_t index, uint64_t *random) {
    queue_t *queue = &queues[index / 2];
    for (size_t i = 0; i < blocks; i++) {
        if (index % 2 == 0) {
            put(queue, flow_block(random));
        } else {
            sealed_free(take(queue));
        }
    }
}

/* Each thread frees what the one before makes, and makes what the next one frees. */
static void pass_on(size_t index, uint64_t *random) {
    queue_t *from = &queues[index];
    queue_t *to = &queues[(index + 1) % threads];
    size_t made = 0;
    size_t freed = 0;
    while (freed < blocks) {
        void *block = try_take(from);
        if (block != NULL) {
            sealed_free(block);
            freed++;
        }
        if (made < blocks) {
            put(to, flow_block(random));
            made++;
        }
    }
}

/* The first thread makes blocks for all the others, which take them from one queue. */
static void serve_crowd(size_t index, uint64_t *random) {
    size_t consumers = threads - 1;
    size_t each = blocks / consumers;
    if (index > 0) {
        for (size_t i = 0; i < each; i++) sealed_free(take(&queues[0]));
    } else {
        for (size_t i = 0; i < each * consumers; i++) put(&queues[0], flow_block(random));
    }
}

/* ---- tests ---- */

static size_t blocks_before;

static void begin(void) {
    start_queues();
    eddy_collect();
    blocks_before = live_blocks();
}

/* A thread ended means: every block it held back was given to its page. */
static void assert_all_freed(void) {
    eddy_collect();
    assert_int_equal(live_blocks(), blocks_before);
}

static void pairs_of_producer_and_consumer(void **state) {
    (void)state;
    begin();
    crew_run(threads, produce_or_consume);
    assert_all_freed();
}

static void a_ring_of_threads(void **state) {
    (void)state;
    begin();
    crew_run(threads, pass_on);
    assert_all_freed();
}

static void one_producer_for_many_that_only_free(void **state) {
    (void)state;
    begin();
    crew_run(threads, serve_crowd);
    assert_all_freed();
}

int main(int argc, char **argv) {
    stress_start(argc, argv);
    threads = stress_argument("threads", 4);
    blocks = stress_argument("blocks", 50000);
    check(threads % 2 == 0 && threads <= CROWD_MAX);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_of_producer_and_consumer),
        cmocka_unit_test(a_ring_of_threads),
        cmocka_unit_test(one_producer_for_many_that_only_free),
        under_random_schedules(pairs_of_producer_and_consumer),
        under_random_schedules(a_ring_of_threads),
        under_random_schedules(one_producer_for_many_that_only_free),
    };
    return stress_run(tests);
}
