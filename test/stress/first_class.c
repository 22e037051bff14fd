/* First-class heaps used by many threads, and ended while other threads free their blocks.
 * SPDX-License-Identifier: MIT */
#include "common/random_block.h"
#include "common/schedule.h"

static size_t rounds;

static size_t blocks_before;

static void begin(void) {
    eddy_collect();
    blocks_before = live_blocks();
}

static void assert_all_gone(void) {
    eddy_collect();
    assert_int_equal(live_blocks(), blocks_before);
}

static void *heap_block(eddy_heap_t *heap, uint64_t *random) {
    size_t size = sealable(random_size(random));
    void *block;
    switch (random_below(random, 4)) {
    case 0:
        block = eddy_heap_zalloc(heap, size);
        check(block != NULL && is_zero(block, eddy_usable_size(block)));
        break;
    case 1:
        block = eddy_heap_malloc_aligned(heap, size, 256);
        break;
    default:
        block = eddy_heap_malloc(heap, size);
        break;
    }
    check(block != NULL && eddy_heap_of(block) == heap);
    return seal(block, size);
}

/* ---- one heap, many threads ---- */

enum { CREW = 4, SLOTS = 300, SHARED = 64 };

static eddy_heap_t *common_heap;
static _Atomic(void *) shared[SHARED];

static void work_in_common_heap(size_t index, uint64_t *random) {
    void *slots[SLOTS] = {NULL};
    (void)index;
    for (size_t i = 0; i < rounds * 100; i++) {
        void **slot = &slots[random_below(random, SLOTS)];
        _Atomic(void *) *place = &shared[random_below(random, SHARED)];
        if (random_one_in(random, 4)) {
            *slot = atomic_exchange_explicit(place, *slot, memory_order_acq_rel);
        } else if (*slot == NULL) {
            *slot = heap_block(common_heap, random);
        } else {
            sealed_free(*slot);
            *slot = NULL;
        }
    }
}

static void destroying_frees_what_all_threads_left(void **state) {
    (void)state;
    begin();
    common_heap = must(eddy_heap_new());
    crew_run(CREW, work_in_common_heap);
    eddy_heap_destroy(common_heap);
    for (size_t i = 0; i < SHARED; i++) atomic_store(&shared[i], NULL);
    assert_all_gone();
}

/* ---- a heap ends while blocks of it are freed ---- */

static pthread_barrier_t stage;

static void next_stage(void) { pthread_barrier_wait(&stage); }

static void run_in_stages(crew_fn *work) {
    assert_int_equal(pthread_barrier_init(&stage, NULL, CREW), 0);
    crew_run(CREW, work);
    pthread_barrier_destroy(&stage);
}

static void *made[CREW][SLOTS];

/* Every thread allocates from the heap; then one deletes it, and each frees what another made. */
static void delete_beside_frees(size_t index, uint64_t *random) {
    for (size_t round = 0; round < rounds; round++) {
        if (index == 0) common_heap = eddy_heap_new();
        next_stage();
        for (size_t i = 0; i < SLOTS; i++) made[index][i] = heap_block(common_heap, random);
        next_stage();
        if (index == 0) eddy_heap_delete(common_heap);
        for (size_t i = 0; i < SLOTS; i++) sealed_free(made[(index + 1) % CREW][i]);
    }
}

static void blocks_of_a_deleted_heap_are_freed_by_any_thread(void **state) {
    (void)state;
    begin();
    run_in_stages(delete_beside_frees);
    assert_all_gone();
}

static void *beside[CREW][SLOTS];

/* One thread makes blocks of a heap, the others free half of them, together with ordinary blocks.
 * The heap is destroyed and its slices get other blocks, while the others free ordinary ones. */
static void destroy_after_frees(size_t index, uint64_t *random) {
    for (size_t round = 0; round < rounds; round++) {
        eddy_heap_t *heap = index == 0 ? eddy_heap_new() : NULL;
        for (size_t i = 0; index == 0 && i < CREW * SLOTS; i++) {
            bool stays = random_one_in(random, 2);
            made[i / SLOTS][i % SLOTS] = stays ? random_block(random) : heap_block(heap, random);
            beside[i / SLOTS][i % SLOTS] = random_block(random);
        }
        next_stage();
        for (size_t i = 0; i < SLOTS; i++) {
            if (i % 2 == 0) sealed_free(made[index][i]);
        }
        next_stage();
        for (size_t i = 0; index == 0 && i < CREW * SLOTS; i++) {
            void **slot = &made[i / SLOTS][i % SLOTS];
            if (i % SLOTS % 2 == 0 || eddy_heap_of(*slot) == heap) *slot = NULL;
        }
        if (index == 0) eddy_heap_destroy(heap);
        for (size_t i = 0; index == 0 && i < CREW * SLOTS; i++) {
            void **slot = &made[i / SLOTS][i % SLOTS];
            if (*slot == NULL) *slot = random_block(random);
        }
        for (size_t i = 0; i < SLOTS; i++) sealed_free(beside[index][i]);
        next_stage();
        for (size_t i = 0; i < SLOTS; i++) sealed_free(made[(index + 1) % CREW][i]);
        next_stage();
    }
}

static void slices_of_a_destroyed_heap_are_used_again(void **state) {
    (void)state;
    begin();
    run_in_stages(destroy_after_frees);
    assert_all_gone();
}

/* ---- threads end while their heaps do ---- */

static atomic_bool filled;

static void *fill_and_end(void *argument) {
    uint64_t random = crew_seed((size_t)(uintptr_t)argument);
    for (size_t i = 0; i < SLOTS; i++) made[0][i] = heap_block(common_heap, &random);
    for (size_t i = 0; i < SLOTS; i++) made[1][i] = random_block(&random);
    atomic_store(&filled, true);
    return NULL;
}

/* The threads that come next take over what the ended one left: its record and its pages. */
static void free_and_allocate(size_t index, uint64_t *random) {
    for (size_t i = index; i < 2 * SLOTS; i += 2) {
        void **slot = &made[i / SLOTS][i % SLOTS];
        if (*slot != NULL) sealed_free(*slot);
        *slot = random_block(random);
    }
    for (size_t i = index; i < 2 * SLOTS; i += 2) sealed_free(made[i / SLOTS][i % SLOTS]);
}

static void delete_when_filled(void) {
    while (!atomic_load(&filled)) sched_yield();
    eddy_heap_delete(common_heap);
}

static void destroy_when_filled(void) {
    while (!atomic_load(&filled)) sched_yield();
    eddy_heap_destroy(common_heap);
    memset(made[0], 0, sizeof made[0]);
}

static size_t metadata_bytes(void) {
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    return stats.metadata;
}

static void end_beside_ending_thread(void (*end)(void)) {
    begin();
    size_t metadata = 0;
    for (size_t round = 0; round < rounds * 4; round++) {
        common_heap = must(eddy_heap_new());
        atomic_store(&filled, false);
        pthread_t thread;
        void *number = (void *)(uintptr_t)round;
        assert_int_equal(pthread_create(&thread, NULL, fill_and_end, number), 0);
        end();
        assert_int_equal(pthread_join(thread, NULL), 0);
        crew_run(2, free_and_allocate);
        if (round == rounds) metadata = metadata_bytes();
    }
    assert_all_gone();
    assert_in_range(metadata_bytes(), 0, metadata + 64 * KIB);
}

static void a_heap_is_deleted_as_its_thread_ends(void **state) {
    (void)state;
    end_beside_ending_thread(delete_when_filled);
}

static void a_heap_is_destroyed_as_its_thread_ends(void **state) {
    (void)state;
    end_beside_ending_thread(destroy_when_filled);
}

/* ---- whose block is it ---- */

static const size_t survivor_sizes[] = {16, 80, 500, 2000, 9000, 30000};
static void *survivors[LENGTH(survivor_sizes)];

static void *leave_survivors(void *argument) {
    (void)argument;
    for (size_t i = 0; i < LENGTH(survivor_sizes); i++) {
        survivors[i] = seal(eddy_malloc(survivor_sizes[i]), survivor_sizes[i]);
    }
    return NULL;
}

/* The pages of an ended thread are anybody's to adopt, but their blocks are not the heap's. */
static void destroying_spares_blocks_of_ended_threads(void **state) {
    (void)state;
    begin();
    for (size_t round = 0; round < 10; round++) {
        run_thread(leave_survivors, NULL);
        eddy_heap_t *heap = must(eddy_heap_new());
        for (size_t i = 0; i < LENGTH(survivor_sizes); i++) {
            assert_non_null(eddy_heap_malloc(heap, survivor_sizes[i]));
        }
        eddy_heap_destroy(heap);
        for (size_t i = 0; i < LENGTH(survivor_sizes); i++) {
            assert_ptr_equal(eddy_heap_of(survivors[i]), eddy_heap_main());
            sealed_free(survivors[i]);
        }
    }
    assert_all_gone();
}

int main(int argc, char **argv) {
    stress_start(argc, argv);
    rounds = stress_argument("rounds", 40);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroying_spares_blocks_of_ended_threads),
        cmocka_unit_test(destroying_frees_what_all_threads_left),
        cmocka_unit_test(blocks_of_a_deleted_heap_are_freed_by_any_thread),
        cmocka_unit_test(slices_of_a_destroyed_heap_are_used_again),
        cmocka_unit_test(a_heap_is_deleted_as_its_thread_ends),
        cmocka_unit_test(a_heap_is_destroyed_as_its_thread_ends),
        under_random_schedules(destroying_frees_what_all_threads_left),
        under_random_schedules(blocks_of_a_deleted_heap_are_freed_by_any_thread),
        under_random_schedules(slices_of_a_destroyed_heap_are_used_again),
        under_random_schedules(a_heap_is_deleted_as_its_thread_ends),
        under_random_schedules(a_heap_is_destroyed_as_its_thread_ends),
    };
    return stress_run(tests);
}
