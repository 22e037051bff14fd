/* Threads that end: their blocks live on, their memory finds new users, and starting and ending
 * threads for ever costs no memory.
 * SPDX-License-Identifier: MIT */
#include <limits.h>

#include "common/memory_use.h"
#include "common/random_block.h"
#include "common/schedule.h"

static size_t threads, generations;

/* What this thread holds back is given to its page first. */
static size_t live_blocks_settled(void) {
    eddy_collect();
    return live_blocks();
}

/* ---- blocks outlive the thread that made them ---- */

enum { CREW = 4, KEPT = 500 };

static void *kept[CREW][KEPT];

/* Free half of what another thread left, keep the rest, fill the gaps. */
static void inherit(size_t index, uint64_t *random) {
    for (size_t i = 0; i < KEPT; i++) {
        void **slot = &kept[index][i];
        if (*slot != NULL && random_one_in(random, 2)) {
            sealed_free(*slot);
            *slot = NULL;
        }
        if (*slot == NULL) *slot = random_block(random);
    }
}

/* The next generation gets what its neighbours of the last one had. */
static void turn_round(void) {
    void *first[KEPT];
    memcpy(first, kept[0], sizeof first);
    memmove(kept[0], kept[1], sizeof kept - sizeof kept[0]);
    memcpy(kept[CREW - 1], first, sizeof first);
}

static void free_kept(void) {
    for (size_t i = 0; i < CREW * KEPT; i++) {
        void **slot = &kept[i / KEPT][i % KEPT];
        if (*slot != NULL) sealed_free(*slot);
        *slot = NULL;
    }
}

static void blocks_outlive_their_threads(void **state) {
    (void)state;
    size_t before = live_blocks_settled();
    for (size_t i = 0; i < generations; i++) {
        crew_run(CREW, inherit);
        turn_round();
    }
    free_kept();
    assert_int_equal(live_blocks_settled(), before);
}

static pthread_barrier_t filled;

/* Every second thread ends at once, while its neighbour frees all it made. */
static void end_or_free(size_t index, uint64_t *random) {
    for (size_t i = 0; i < KEPT; i++) kept[index][i] = random_block(random);
    pthread_barrier_wait(&filled);
    if (index % 2 == 0) return;
    for (size_t i = 0; i < KEPT; i++) {
        sealed_free(kept[index - 1][i]);
        sealed_free(kept[index][i]);
    }
    memset(kept[index - 1], 0, sizeof kept[0]);
    memset(kept[index], 0, sizeof kept[0]);
}

static void last_blocks_are_freed_as_their_thread_ends(void **state) {
    (void)state;
    size_t before = live_blocks_settled();
    assert_int_equal(pthread_barrier_init(&filled, NULL, CREW), 0);
    for (size_t i = 0; i < generations; i++) crew_run(CREW, end_or_free);
    pthread_barrier_destroy(&filled);
    assert_int_equal(live_blocks_settled(), before);
}

/* ---- short-lived threads ---- */

typedef void *thread_fn(void *);

static void *handed_on;

/* A few blocks, one of which the next thread frees. */
static void *live_briefly(void *argument) {
    uint64_t random = crew_seed((size_t)(uintptr_t)argument);
    void *blocks[8];
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        size_t size = sealable(random_size_to(&random, 13));
        blocks[i] = seal(eddy_malloc(size), size);
    }
    if (handed_on != NULL) sealed_free(handed_on);
    handed_on = blocks[0];
    for (size_t i = 1; i < LENGTH(blocks); i++) sealed_free(blocks[i]);
    return NULL;
}

/* Its destructor runs in every round that there is, the last one behind Eddy's own exit handler.
 * The thread sanitizer takes a thread for ended in the last round: what follows looks like a race
 * to it. */
enum { DESTRUCTOR_ROUNDS = TSAN ? 2 : PTHREAD_DESTRUCTOR_ITERATIONS };
static pthread_key_t late_key;

static void allocate_late(void *value) {
    size_t rounds = (size_t)(uintptr_t)value;
    void *block = eddy_malloc(100);
    check(block != NULL);
    sealed_free(seal(block, 100));
    if (rounds > 1) pthread_setspecific(late_key, (void *)(uintptr_t)(rounds - 1));
}

static void *live_on_in_destructors(void *argument) {
    pthread_setspecific(late_key, (void *)(uintptr_t)DESTRUCTOR_ROUNDS);
    return live_briefly(argument);
}

/* One thread after the other. */
static void run_in_turn(thread_fn *function, size_t count) {
    for (size_t i = 0; i < count; i++) run_thread(function, (void *)(uintptr_t)i);
    if (handed_on != NULL) sealed_free(handed_on);
    handed_on = NULL;
}

/* After the first tenth nothing grows any more, but for records of threads that the kernel has not
 * quite ended when they are joined. */
enum { LAGGING_BYTES = 128 << 10 };

typedef struct account {
    eddy_stats_t stats;
    size_t resident;
    size_t slow_entries, memory_calls;
} account_t;

/* What so many threads take and leave; says also what one costs in time, which no test judges. */
static account_t run_and_account(thread_fn *function, size_t count) {
    account_t account;
    eddy_counters_t counters_before, counters;
    eddy_counters(&counters_before, sizeof counters_before);
    clock_t before = clock();
    run_in_turn(function, count);
    double us = (double)(clock() - before) * 1e6 / CLOCKS_PER_SEC;
    eddy_counters(&counters, sizeof counters);
    account.slow_entries = counters.slow_entries - counters_before.slow_entries;
    account.memory_calls = counters.memory_system_calls - counters_before.memory_system_calls;
    eddy_collect();
    eddy_stats_get(&account.stats, sizeof account.stats);
    account.resident = resident_bytes();
    print_message(
        "%zu threads: %.1f us of processor time, %.2f slow entries and %.3f memory system "
        "calls each; then %zu KiB resident, %zu KiB of metadata\n",
        count, us / (double)count, (double)account.slow_entries / (double)count,
        (double)account.memory_calls / (double)count, account.resident / KIB,
        (size_t)account.stats.metadata / KIB);
    return account;
}

/* Ten times the threads take ten times the slow entries, but for their random sizes, and next to no
 * system call about memory. */
static void assert_flat_cost(const account_t *early, const account_t *end) {
    assert_in_range(end->slow_entries, 0, 10 * early->slow_entries / 4 * 5);
    assert_in_range(end->memory_calls, 0, threads / 10);
}

static void assert_flat(thread_fn *function) {
    account_t early = run_and_account(function, threads / 10);
    account_t end = run_and_account(function, threads);
    size_t metadata = early.stats.metadata;
    assert_in_range(end.stats.metadata, metadata, metadata + LAGGING_BYTES);
    assert_in_range(end.stats.live_blocks, 0, early.stats.live_blocks);
    if (!SANITIZED) assert_in_range(end.resident, 0, early.resident + 256 * KIB);
    assert_flat_cost(&early, &end);
}

static void short_lived_threads_leave_nothing(void **state) {
    (void)state;
    assert_flat(live_briefly);
}

static void destructors_of_the_last_round_may_allocate(void **state) {
    (void)state;
    assert_int_equal(pthread_key_create(&late_key, allocate_late), 0);
    assert_flat(live_on_in_destructors);
    assert_int_equal(pthread_key_delete(late_key), 0);
}

int main(int argc, char **argv) {
    stress_start(argc, argv);
    threads = stress_argument("threads", TSAN ? 1000 : 10000);
    generations = stress_argument("generations", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_outlive_their_threads),
        cmocka_unit_test(last_blocks_are_freed_as_their_thread_ends),
        cmocka_unit_test(short_lived_threads_leave_nothing),
        cmocka_unit_test(destructors_of_the_last_round_may_allocate),
        under_random_schedules(blocks_outlive_their_threads),
        under_random_schedules(last_blocks_are_freed_as_their_thread_ends),
    };
    return stress_run(tests);
}
