/* A thread that has gone idle holds back little of what it freed for others: at most 128 KiB in
 * blocks of at most 8 pages, whatever it did before.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/random_block.h"
#include "common/schedule.h"

enum { IN_FLIGHT_BYTES = 128 << 10, PINNED_PAGES = 8, BLOCKS = 4000, SLICE = 64 << 10 };

static size_t rounds;
static void *blocks[BLOCKS];

/* Sizes in runs, so that pages of many classes and of several slices are full. */
static void fill_blocks(uint64_t *random) {
    size_t size = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i % 50 == 0) size = sealable(random_size_to(random, 16));
        blocks[i] = eddy_malloc(size);
        check(blocks[i] != NULL);
        seal(blocks[i], size);
    }
}

static void shuffle_blocks(uint64_t *random) {
    for (size_t i = BLOCKS - 1; i > 0; i--) {
        size_t other = random_below(random, (uint32_t)i + 1);
        void *block = blocks[i];
        blocks[i] = blocks[other];
        blocks[other] = block;
    }
}

/* Frees all of them, and does nothing more. */
static void free_blocks(void *unused) {
    (void)unused;
    for (size_t i = 0; i < BLOCKS; i++) sealed_free(blocks[i]);
}

typedef struct in_flight {
    size_t bytes, pages;
    void *pages_seen[PINNED_PAGES + 1];
} in_flight_t;

/* A block that the owner still sees as live. Blocks that are held back lie in pages of one
 * slice. */
static bool count_block(void *block, size_t usable_size, void *argument) {
    in_flight_t *seen = argument;
    seen->bytes += usable_size;
    void *slice = (void *)((uintptr_t)block / SLICE * SLICE);
    for (size_t i = 0; i < seen->pages; i++) {
        if (seen->pages_seen[i] == slice) return true;
    }
    if (seen->pages <= PINNED_PAGES) seen->pages_seen[seen->pages++] = slice;
    return true;
}

static void idle_threads_hold_back_little(actor_step_fn *free_all) {
    uint64_t random = crew_seed(0);
    for (size_t i = 0; i < rounds; i++) {
        actor_t idler;
        in_flight_t seen = {0};
        actor_start(&idler);
        fill_blocks(&random);
        if (i % 2 == 1) shuffle_blocks(&random);
        actor_do(&idler, free_all, NULL);
        assert_true(eddy_heap_visit(NULL, count_block, &seen));
        assert_in_range(seen.bytes, 0, IN_FLIGHT_BYTES);
        assert_in_range(seen.pages, 0, PINNED_PAGES);
        actor_end(&idler);
        in_flight_t left = {0};
        assert_true(eddy_heap_visit(NULL, count_block, &left));
        assert_int_equal(left.bytes, 0);
    }
}

static void a_thread_that_only_frees(void **state) {
    (void)state;
    idle_threads_hold_back_little(free_blocks);
}

static void allocate_and_free_blocks(void *unused) {
    for (size_t i = 0; i < 1000; i++) sealed_free(seal(eddy_malloc(i + 16), i + 16));
    free_blocks(unused);
}

static void a_thread_that_allocates_too(void **state) {
    (void)state;
    idle_threads_hold_back_little(allocate_and_free_blocks);
}

int main(int argc, char **argv) {
    stress_start(argc, argv);
    rounds = stress_argument("rounds", 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_only_frees),
        cmocka_unit_test(a_thread_that_allocates_too),
    };
    return stress_run(tests);
}
