/* Heaps that end, and pages that change their heap, while another thread uses them: in every order
 * with one switch between the two threads (common/preempt.h). Contents survive, nothing is lost.
 * SPDX-License-Identifier: MIT */
#include "common/preempt.h"
#include "common/sealed.h"

enum { BLOCK = 1024, PAGE_BLOCKS = 64, COUNT = 3 * PAGE_BLOCKS, OTHERS = 32 };

static void *blocks[COUNT], *others[OTHERS];
static size_t blocks_before, metadata_before;

static size_t metadata_bytes(void) {
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    return stats.metadata;
}

static int start(void **state) {
    (void)state;
    eddy_collect();
    blocks_before = live_blocks();
    metadata_before = metadata_bytes();
    return 0;
}

/* No struct is lost, however often the race is run. */
static int end(void **state) {
    (void)state;
    assert_in_range(metadata_bytes(), 0, metadata_before + 256 * KIB);
    return 0;
}

/* What the caller gathers for other threads is given to its pages. */
static void drop_all_blocks(void *unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT; i++) sealed_drop(&blocks[i]);
    eddy_collect();
}

/* The end of every race: all blocks are intact and can be freed, and nothing else is left. */
static void free_all(void *unused) {
    for (size_t i = 0; i < OTHERS; i++) sealed_drop(&others[i]);
    drop_all_blocks(unused);
    check(live_blocks() == blocks_before);
}

static void fill_slots(void *unused) {
    (void)unused;
    eddy_collect();
    for (size_t i = 0; i < COUNT; i++) blocks[i] = sealed_malloc(BLOCK);
}

/* ---- a page changes its heap, or ends ---- */

/* The first page has one live block, the one behind it none; the third is the current one. */
static void fill_and_leave_one(void *unused) {
    fill_slots(unused);
    for (size_t i = 1; i < 2 * PAGE_BLOCKS; i++) sealed_drop(&blocks[i]);
}

static void free_last_of_page(void *unused) {
    (void)unused;
    sealed_drop(&blocks[0]);
}

/* Two empty pages side by side have room for a large object. */
static void collect_and_make_large(void *unused) {
    (void)unused;
    eddy_collect();
    for (size_t i = 0; i < OTHERS; i++) others[i] = sealed_malloc(100 * KIB);
}

static void retiring_races_with_a_large_object_in_its_place(void **state) {
    (void)state;
    preempt_everywhere(
        &(race_t){fill_and_leave_one, free_last_of_page, collect_and_make_large, free_all});
}

static void leave_survivors(void *unused) {
    fill_slots(unused);
    for (size_t i = 0; i < COUNT; i++) {
        if (i % PAGE_BLOCKS != 1) sealed_drop(&blocks[i]);
    }
}

/* This thread has a record of its own; that of the ended one is the next to be taken. */
static void begin_after_one_that_ended(void *unused) {
    (void)unused;
    sealed_free(sealed_malloc(BLOCK));
    in_thread(leave_survivors, NULL);
}

static void fill_empty_slots(void *unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT; i++) {
        if (i % PAGE_BLOCKS != 1) blocks[i] = sealed_malloc(BLOCK);
    }
}

/* By a new thread, into pages that it takes for its own. */
static void free_survivors(void *unused) {
    (void)unused;
    for (size_t i = 1; i < COUNT; i += PAGE_BLOCKS) sealed_drop(&blocks[i]);
    eddy_collect();
}

static void adopting_races_with_a_new_thread_in_the_old_record(void **state) {
    (void)state;
    preempt_everywhere(
        &(race_t){begin_after_one_that_ended, fill_empty_slots, free_survivors, free_all});
}

/* ---- a first-class heap ends ---- */

static eddy_heap_t *heap;

static void fill_heap(void *unused) {
    (void)unused;
    heap = eddy_heap_new();
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i % 16 == 0 ? 100 * KIB : BLOCK;
        blocks[i] = seal(eddy_heap_malloc(heap, size), size);
    }
}

static void free_some(void *unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT; i += PAGE_BLOCKS / 2) sealed_drop(&blocks[i]);
    sealed_drop(&blocks[1]);
}

static void delete_heap(void *unused) {
    (void)unused;
    eddy_heap_delete(heap);
}

static void destroy_heap(void *unused) {
    (void)unused;
    eddy_heap_destroy(heap);
    memset(blocks, 0, sizeof blocks);
}

/* The structs of the old heap are the new one's at once. */
static void delete_heap_and_use_another(void *unused) {
    (void)unused;
    eddy_heap_delete(heap);
    eddy_heap_t *another = eddy_heap_new();
    for (size_t i = 0; i < OTHERS; i++) others[i] = seal(eddy_heap_malloc(another, BLOCK), BLOCK);
    eddy_heap_delete(another);
}

static void use_another_heap(void *unused) {
    (void)unused;
    eddy_heap_t *another = eddy_heap_new();
    for (size_t i = 0; i < OTHERS; i++) others[i] = seal(eddy_heap_malloc(another, BLOCK), BLOCK);
    eddy_heap_delete(another);
}

static void deleting_races_with_frees(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){fill_heap, delete_heap, free_some, free_all});
}

static void deleting_races_with_the_use_of_another_heap(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){fill_heap, use_another_heap, delete_heap, free_all});
}

static void deleting_races_with_the_end_of_a_thread(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){fill_heap, NULL, delete_heap, free_all});
}

static void destroying_races_with_the_end_of_a_thread(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){fill_heap, NULL, destroy_heap, free_all});
}

static void a_new_life_of_the_heap_races_with_the_end_of_a_thread(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){fill_heap, NULL, delete_heap_and_use_another, free_all});
}

#define RACE_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        RACE_TEST(retiring_races_with_a_large_object_in_its_place),
        RACE_TEST(adopting_races_with_a_new_thread_in_the_old_record),
        RACE_TEST(deleting_races_with_frees),
        RACE_TEST(deleting_races_with_the_use_of_another_heap),
        RACE_TEST(deleting_races_with_the_end_of_a_thread),
        RACE_TEST(destroying_races_with_the_end_of_a_thread),
        RACE_TEST(a_new_life_of_the_heap_races_with_the_end_of_a_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
