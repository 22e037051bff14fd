/* Blocks that are freed where they were not allocated, for long: memory stays near what is alive.
 * An argument is the number of blocks.
 *
 * What is alive is what the program asked for, as it counts it; what is held is what the kernel
 * counts for the whole process. Of both the peak, whenever it was.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "common/rollup.h"

enum {
    IN_FLIGHT = 100000,
    SLOTS = 50000, /* some 21 MiB: see docs/evidence.md for others */
    REQUESTS_AT_ONCE = 4,
    BLOCKS_PER_REQUEST = 1000,
    LEAST_BITS = 4,
    MOST_BITS = 11
};

typedef struct block {
    uint32_t size;
} block_t;

static size_t blocks = 2000000;

/* ---- what is alive, and what is held ---- */

static atomic_size_t live_bytes, live_peak;
static size_t rss_before;

/* The kernel's own peak begins anew with what is held now. */
static void forget_peak(void) {
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    check(fd >= 0 && write(fd, "5", 1) == 1);
    close(fd);
}

static size_t rss_peak(void) { return proc_number("/proc/self/status", "\nVmHWM:") * KIB; }

static void raise_live(size_t bytes) {
    size_t live = atomic_fetch_add_explicit(&live_bytes, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&live_peak, memory_order_relaxed);
    while (live > peak && !atomic_compare_exchange_weak(&live_peak, &peak, live)) continue;
}

static int start(void **state) {
    (void)state;
    eddy_collect();
    atomic_store(&live_peak, 0);
    forget_peak();
    rss_before = rollup_rss();
    return 0;
}

static void assert_near_what_was_alive(void) {
    size_t held = rss_peak() - rss_before, alive = atomic_load(&live_peak);
    print_message("%zu MiB alive at most, %zu MiB held\n", alive / MIB, held / MIB);
    assert_true(held <= alive / 10 * 13 + 4 * MIB);
    assert_int_equal(atomic_load(&live_bytes), 0);
}

/* As many of 16 to 32 bytes as of 1 to 2 KiB. */
static block_t *allocate(uint64_t *random) {
    size_t least = (size_t)1 << (LEAST_BITS + random_below(random, MOST_BITS - LEAST_BITS));
    size_t size = least + random_below(random, least);
    block_t *block = malloc(size);
    check(block != NULL);
    memset(block, 1, size);
    block->size = (uint32_t)size;
    raise_live(size);
    return block;
}

static void release(block_t *block) {
    if (block == NULL) return;
    atomic_fetch_sub_explicit(&live_bytes, block->size, memory_order_relaxed);
    free(block);
}

/* ---- a thread that only allocates, and one that only frees ---- */

static block_t *ring[IN_FLIGHT];
static atomic_size_t put_count, taken_count;

static void *free_all(void *unused) {
    for (size_t i = 0; i < blocks; i++) {
        /* Pairs with the release below. */
        while (atomic_load_explicit(&put_count, memory_order_acquire) == i) sched_yield();
        release(ring[i % IN_FLIGHT]);
        atomic_store_explicit(&taken_count, i + 1, memory_order_release);
    }
    return unused;
}

static void a_producer_and_a_thread_that_only_frees(void **state) {
    (void)state;
    pthread_t consumer;
    uint64_t random = 1;
    assert_int_equal(pthread_create(&consumer, NULL, free_all, NULL), 0);
    for (size_t i = 0; i < blocks; i++) {
        while (i - atomic_load_explicit(&taken_count, memory_order_acquire) == IN_FLIGHT) {
            sched_yield();
        }
        block_t *block = allocate(&random);
        ring[i % IN_FLIGHT] = block;
        atomic_store_explicit(&put_count, i + 1, memory_order_release);
    }
    assert_int_equal(pthread_join(consumer, NULL), 0);
    assert_near_what_was_alive();
}

/* ---- threads that live for one request ---- */

static _Atomic(block_t *) slots[SLOTS];

/* Every second block outlives the request, until a later one has another for its slot. */
static void *serve(void *seed) {
    uint64_t random = (uintptr_t)seed;
    block_t *own[BLOCKS_PER_REQUEST / 2];
    for (size_t i = 0; i < BLOCKS_PER_REQUEST; i++) {
        block_t *block = allocate(&random);
        if (i % 2 == 0) {
            own[i / 2] = block;
        } else {
            size_t slot = random_below(&random, SLOTS);
            release(atomic_exchange(&slots[slot], block));
        }
    }
    for (size_t i = 0; i < LENGTH(own); i++) release(own[i]);
    return NULL;
}

static void threads_that_live_for_one_request(void **state) {
    (void)state;
    size_t turns = blocks / BLOCKS_PER_REQUEST / REQUESTS_AT_ONCE;
    for (size_t turn = 0; turn < turns; turn++) {
        pthread_t threads[REQUESTS_AT_ONCE];
        for (size_t i = 0; i < REQUESTS_AT_ONCE; i++) {
            void *seed = (void *)(uintptr_t)(turn * REQUESTS_AT_ONCE + i + 1);
            assert_int_equal(pthread_create(&threads[i], NULL, serve, seed), 0);
        }
        for (size_t i = 0; i < REQUESTS_AT_ONCE; i++) pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < SLOTS; i++) release(slots[i]);
    assert_near_what_was_alive();
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_producer_and_a_thread_that_only_frees, start),
        cmocka_unit_test_setup(threads_that_live_for_one_request, start),
    };
    if (argc > 1) blocks = strtoull(argv[1], NULL, 10);
    /* Only blocks count, not where the program keeps them. */
    memset(ring, 0, sizeof ring);
    memset((void *)slots, 0, sizeof slots);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
