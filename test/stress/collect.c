/* Pages taken from threads that run: eddy_collect beside threads whose pages empty at that moment,
 * and whose memory then goes to other uses at once.
 * SPDX-License-Identifier: MIT */
#include "common/random_block.h"
#include "common/schedule.h"

static size_t threads, rounds;

static size_t blocks_before;
static atomic_size_t working;

static void begin(void) {
    eddy_collect();
    blocks_before = live_blocks();
    atomic_store(&working, threads - 1);
}

static void assert_all_freed(void) {
    eddy_collect();
    assert_int_equal(live_blocks(), blocks_before);
}

/* Large objects and pages of every shape, made of what was just collected. */
static void collect_and_use(uint64_t *random) {
    void *blocks[64];
    size_t size = random_one_in(random, 2) ? 100 * KIB : 1u << random_below(random, 14);
    eddy_collect();
    for (size_t i = 0; i < LENGTH(blocks); i++) blocks[i] = sealed_malloc(sealable(size));
    for (size_t i = 0; i < LENGTH(blocks); i++) sealed_free(blocks[i]);
}

/* Some pages full of blocks of one size, freed in one go: the last free of each empties it. */
static void fill_and_empty_pages(uint64_t *random) {
    enum { BLOCKS = 300 };
    void *blocks[BLOCKS];
    size_t size = sealable(512u << random_below(random, 4));
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = sealed_malloc(size);
    for (size_t i = 0; i < BLOCKS; i++) sealed_free(blocks[i]);
}

static void empty_beside_collector(size_t index, uint64_t *random) {
    if (index > 0) {
        for (size_t i = 0; i < rounds; i++) fill_and_empty_pages(random);
        atomic_fetch_sub(&working, 1);
        return;
    }
    while (atomic_load(&working) > 0) collect_and_use(random);
}

static void pages_that_empty_are_taken_once(void **state) {
    (void)state;
    begin();
    crew_run(threads, empty_beside_collector);
    assert_all_freed();
}

/* ---- the owner sleeps, others free its blocks, a third takes its pages ---- */

enum { LENT = 2000 };

static pthread_barrier_t stage;
static void *lent[LENT];

static void next_stage(void) { pthread_barrier_wait(&stage); }

/* The first thread makes blocks and frees a few, the second frees the rest, the third collects, all
 * three at once. */
static void lend_and_collect(size_t index, uint64_t *random) {
    for (size_t round = 0; round < rounds; round++) {
        size_t size = sealable(random_size_to(random, 12));
        if (index == 0) {
            for (size_t i = 0; i < LENT; i++) lent[i] = sealed_malloc(size);
        }
        next_stage();
        if (index == 2) collect_and_use(random);
        for (size_t i = 0; index < 2 && i < LENT; i++) {
            if ((i % 8 == 0) == (index == 0)) sealed_free(lent[i]);
        }
        next_stage();
    }
}

static void pages_of_a_sleeping_owner_are_taken(void **state) {
    (void)state;
    begin();
    assert_int_equal(pthread_barrier_init(&stage, NULL, 3), 0);
    crew_run(3, lend_and_collect);
    pthread_barrier_destroy(&stage);
    assert_all_freed();
}

int main(int argc, char **argv) {
    stress_start(argc, argv);
    threads = stress_argument("threads", 3);
    rounds = stress_argument("rounds", 300);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_that_empty_are_taken_once),
        cmocka_unit_test(pages_of_a_sleeping_owner_are_taken),
        under_random_schedules(pages_that_empty_are_taken_once),
        under_random_schedules(pages_of_a_sleeping_owner_are_taken),
    };
    return stress_run(tests);
}
