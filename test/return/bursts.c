/* A burst is over, its threads sleep, and the program calls nothing: the memory goes back.
 *
 * The blocks are chained through themselves, so that only they take memory. An argument is the
 * size of the burst in MiB.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <time.h>

#include "common/actor.h"
#include "common/rollup.h"

enum { PRODUCERS = 4, LONGEST_MS = 2000, LOOK_MS = 20, SURVIVOR_EACH = 2000, LARGEST = 256 };

typedef struct chain {
    struct chain *next;
} chain_t;

typedef struct producer {
    actor_t actor;
    chain_t *blocks, *survivors;
    uint64_t random;
} producer_t;

static size_t burst_bytes = 256 * MIB;
static producer_t producers[PRODUCERS];
static actor_t consumer;
static size_t rss_before, rss_peak;

static void push(chain_t **chain, chain_t *block) {
    block->next = *chain;
    *chain = block;
}

static void produce(void *argument) {
    producer_t *producer = argument;
    for (size_t bytes = 0; bytes < burst_bytes / PRODUCERS;) {
        size_t size = 16 + random_below(&producer->random, LARGEST - 16);
        chain_t *block = must(malloc(size));
        memset(block, 1, size);
        push(&producer->blocks, block);
        bytes += size;
    }
}

static void free_chain(chain_t **chain) {
    while (*chain != NULL) {
        chain_t *block = *chain;
        *chain = block->next;
        free(block);
    }
}

static void free_all(void *argument) { free_chain(&((producer_t *)argument)->blocks); }

static void free_all_of_all(void *unused) {
    (void)unused;
    for (size_t i = 0; i < PRODUCERS; i++) free_all(&producers[i]);
}

/* All but one in so many. */
static void free_most(void *argument) {
    producer_t *producer = argument;
    for (size_t i = 1; producer->blocks != NULL; i++) {
        chain_t *block = producer->blocks;
        producer->blocks = block->next;
        if (i % SURVIVOR_EACH == 0) {
            push(&producer->survivors, block);
        } else {
            free(block);
        }
    }
}

static void all_producers(actor_step_fn *step) {
    for (size_t i = 0; i < PRODUCERS; i++) {
        actor_begin(&producers[i].actor, step, &producers[i]);
    }
    for (size_t i = 0; i < PRODUCERS; i++) actor_wait(&producers[i].actor);
}

static int start(void **state) {
    (void)state;
    /* The memory of an earlier test does not count. */
    malloc_trim(0);
    rss_before = rollup_rss();
    all_producers(produce);
    rss_peak = rollup_rss();
    return 0;
}

static int end(void **state) {
    (void)state;
    for (size_t i = 0; i < PRODUCERS; i++) free_chain(&producers[i].survivors);
    return 0;
}

static double share_returned(void) {
    size_t rss = rollup_rss();
    return (double)(rss_peak - (rss < rss_peak ? rss : rss_peak)) / (double)(rss_peak - rss_before);
}

/* Wait until that share of the burst has gone back, at most so long; how much has. */
static double wait_for_return(double share) {
    double returned = share_returned();
    for (int ms = 0; ms < LONGEST_MS && returned < share; ms += LOOK_MS) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
        returned = share_returned();
        if (returned >= share) print_message("%.1f %% returned after %d ms\n", 100 * returned, ms);
    }
    if (returned < share) print_message("only %.1f %% returned\n", 100 * returned);
    return returned;
}

static void what_its_threads_freed_goes_back(void **state) {
    (void)state;
    all_producers(free_all);
    assert_true(wait_for_return(0.98) >= 0.98);
}

static void what_another_thread_freed_goes_back(void **state) {
    (void)state;
    actor_do(&consumer, free_all_of_all, NULL);
    assert_true(wait_for_return(0.98) >= 0.98);
}

/* Pages with a survivor stay: the snapshot names what they pin, and the rest is returned. */
static void what_survivors_leave_free_goes_back(void **state) {
    (void)state;
    all_producers(free_most);
    (void)wait_for_return(0.98);
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    size_t held = rollup_rss() - rss_before;
    size_t named = stats.live_bytes + stats.free_in_pages + stats.current_empty + stats.pending;
    print_message("%zu KiB held, %zu KiB named\n", held / KIB, named / KIB);
    assert_int_equal(stats.retained, 0);
    assert_int_equal(stats.dirty, 0);
    assert_true(held <= named + 2 * MIB);
}

#define BURST_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        BURST_TEST(what_its_threads_freed_goes_back),
        BURST_TEST(what_another_thread_freed_goes_back),
        BURST_TEST(what_survivors_leave_free_goes_back),
    };
    if (argc > 1) burst_bytes = strtoull(argv[1], NULL, 10) * MIB;
    for (size_t i = 0; i < PRODUCERS; i++) {
        producers[i].random = i + 1;
        actor_start(&producers[i].actor);
    }
    actor_start(&consumer);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
