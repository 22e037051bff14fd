/* Random calls of the whole interface: contents survive until a block is freed, new blocks are
 * nobody else's, zeroed ones are zero.
 * SPDX-License-Identifier: MIT */
#include "common/random_block.h"
#include "common/schedule.h"
#include "heap/registry.h"

enum { SLOTS = 400, SHARED = 64 };

static size_t threads, rounds;

/* Blocks on their way from thread to thread. */
static _Atomic(void *) shared[SHARED];

/* One step on a slot: fill an empty one, free or resize what a full one holds. */
static void *step(uint64_t *random, void *block) {
    if (block == NULL) return random_block(random);
    if (random_one_in(random, 3)) return random_resized(random, block);
    sealed_free(block);
    return NULL;
}

static void *exchange(uint64_t *random, void *block) {
    _Atomic(void *) *place = &shared[random_below(random, SHARED)];
    return atomic_exchange_explicit(place, block, memory_order_acq_rel);
}

static void work(size_t index, uint64_t *random) {
    (void)index;
    void *slots[SLOTS] = {NULL};
    for (size_t i = 0; i < rounds; i++) {
        void **slot = &slots[random_below(random, SLOTS)];
        *slot = random_one_in(random, 4) ? exchange(random, *slot) : step(random, *slot);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i] != NULL) sealed_free(slots[i]);
    }
}

static void empty_shared(void) {
    for (size_t i = 0; i < SHARED; i++) {
        void *block = atomic_exchange(&shared[i], NULL);
        if (block != NULL) sealed_free(block);
    }
}

/* What looks at all heaps, and takes from them, while they are in use. */
static void meddle(uint64_t *random) {
    eddy_stats_t stats;
    eddy_counters_t counters;
    switch (random_below(random, 4)) {
    case 0:
        eddy_collect();
        break;
    case 1:
        eddy_stats_get(&stats, sizeof stats);
        break;
    case 2:
        eddy_counters(&counters, sizeof counters);
        break;
    default:
        eddy_option_set(EDDY_OPTION_DECAY_MS, random_below(random, 3));
        break;
    }
}

/* The lock of some heap, for up to a tenth of a millisecond: its owner goes on without
 * (heap/late.h), and with it when that takes too long. */
static void hold_a_lock(uint64_t *random) {
    heap_t *heap = registry_first();
    for (uint32_t i = random_below(random, (uint32_t)threads + 1); i > 0 && heap != NULL; i--) {
        heap = heap->next_of_all;
    }
    if (heap == NULL) return;
    lock_acquire(&heap->lock);
    if (random_one_in(random, 2)) {
        nanosleep(&(struct timespec){.tv_nsec = (long)random_below(random, 100000)}, NULL);
    } else {
        sched_yield();
    }
    lock_release(&heap->lock);
}

static atomic_size_t working;

static void work_beside(size_t index, uint64_t *random, void (*disturb)(uint64_t *random)) {
    if (index > 0) {
        work(index, random);
        atomic_fetch_sub(&working, 1);
        return;
    }
    while (atomic_load(&working) > 0) {
        disturb(random);
        sched_yield();
    }
}

static void work_beside_a_meddler(size_t index, uint64_t *random) {
    work_beside(index, random, meddle);
}

static void work_beside_a_holder(size_t index, uint64_t *random) {
    work_beside(index, random, hold_a_lock);
}

static size_t blocks_before;

static int note_live_blocks(void **state) {
    (void)state;
    blocks_before = live_blocks();
    return 0;
}

/* Every block was freed once and has arrived at its page. */
static void assert_all_freed(void) {
    empty_shared();
    eddy_collect();
    assert_int_equal(live_blocks(), blocks_before);
}

static void one_thread(void **state) {
    (void)state;
    uint64_t random = crew_seed(0);
    work(0, &random);
    assert_all_freed();
}

static void threads_that_exchange_blocks(void **state) {
    (void)state;
    crew_run(threads, work);
    assert_all_freed();
}

static void threads_beside_one_that_collects(void **state) {
    (void)state;
    atomic_store(&working, threads);
    crew_run(threads + 1, work_beside_a_meddler);
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
    assert_all_freed();
}

static void threads_beside_one_that_holds_locks(void **state) {
    (void)state;
    atomic_store(&working, threads);
    crew_run(threads + 1, work_beside_a_holder);
    assert_all_freed();
}

int main(int argc, char **argv) {
    stress_start(argc, argv);
    threads = stress_argument("threads", 4);
    rounds = stress_argument("rounds", 40000);
    note_live_blocks(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread),
        cmocka_unit_test(threads_that_exchange_blocks),
        cmocka_unit_test(threads_beside_one_that_collects),
        cmocka_unit_test(threads_beside_one_that_holds_locks),
        under_random_schedules(threads_that_exchange_blocks),
        under_random_schedules(threads_beside_one_that_collects),
        under_random_schedules(threads_beside_one_that_holds_locks),
    };
    return stress_run(tests);
}
