/* Full pages that others freed blocks of: a slow path of their owner lists some of them again,
 * however many there are.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/alone.h"
#include "common/inside.h"
#include "heap/idle.h"
#include "heap/remote.h"

enum { SIZE = 8 * KIB, LIMIT = SLICE_BYTES / SIZE, PAGES = 200, STEP = 32 };
enum { OTHER_SIZE = 4 * KIB, OTHER_LIMIT = SLICE_BYTES / OTHER_SIZE };

static void *blocks[PAGES][LIMIT];
static void *others[2][OTHER_LIMIT];

static size_t full_pages(void) { return list_length(&own_heap()->full); }

/* All blocks are handed out; the last page of each class is current still. */
static int start(void **state) {
    set_up_clean(state);
    for (size_t i = 0; i < PAGES; i++) {
        for (size_t j = 0; j < LIMIT; j++) blocks[i][j] = must(eddy_malloc(SIZE));
    }
    for (size_t i = 0; i < LENGTH(others); i++) {
        for (size_t j = 0; j < OTHER_LIMIT; j++) others[i][j] = must(eddy_malloc(OTHER_SIZE));
    }
    return full_pages() == PAGES - 1 + LENGTH(others) - 1 ? 0 : -1;
}

static int end(void **state) {
    for (size_t i = 0; i < PAGES; i++) {
        for (size_t j = 0; j < LIMIT; j++) eddy_free(blocks[i][j]);
    }
    for (size_t i = 0; i < LENGTH(others); i++) {
        for (size_t j = 0; j < OTHER_LIMIT; j++) eddy_free(others[i][j]);
    }
    return tear_down_clean(state);
}

/* The token of the other class is settled last. */
static void free_a_block_of_each_full_page(void *unused) {
    (void)unused;
    eddy_free(others[0][0]);
    others[0][0] = NULL;
    remote_flush(thread_self);
    for (size_t i = 0; i < PAGES - 1; i++) {
        eddy_free(blocks[i][0]);
        blocks[i][0] = NULL;
    }
    remote_flush(thread_self);
}

static void one_malloc_lists_some_of_many_pages(void **state) {
    (void)state;
    in_thread(free_a_block_of_each_full_page, NULL);
    size_t full = full_pages();
    blocks[0][0] = must(eddy_malloc(SIZE));
    /* The page that was current is full as well. */
    assert_int_equal(full_pages(), full - STEP + 1);
}

static void all_of_them_come_back(void **state) {
    (void)state;
    in_thread(free_a_block_of_each_full_page, NULL);
    eddy_counters_t before = counters_now();
    for (size_t i = 0; i < PAGES - 1; i++) blocks[i][0] = must(eddy_malloc(SIZE));
    assert_risen(before, pages_made, 0);
    assert_risen(before, extensions, 0);
    assert_null(load_relaxed(&own_heap()->tokens));
    assert_int_equal(live_blocks(), PAGES * LIMIT + 2 * OTHER_LIMIT - 1);
}

static void pages_of_the_class_are_found_behind_all_others(void **state) {
    (void)state;
    void *block = others[0][0];
    in_thread(free_a_block_of_each_full_page, NULL);
    eddy_counters_t before = counters_now();
    others[0][0] = must(eddy_malloc(OTHER_SIZE));
    assert_ptr_equal(others[0][0], block);
    assert_risen(before, pages_made, 0);
}

/* As the scavenger does, none of whose pages is idle here. */
static void look_at_some_tokens(heap_t *heap) {
    list_t detached;
    list_init(&detached);
    idle_round_t round = {.number = 1, .at_once = true, .detached = &detached};
    lock_acquire(&heap->lock);
    assert_true(idle_sweep_tokens(heap, &round));
    lock_release(&heap->lock);
    assert_true(list_is_empty(&detached));
}

static void a_look_for_idle_pages_goes_on_behind_those_listed(void **state) {
    (void)state;
    in_thread(free_a_block_of_each_full_page, NULL);
    heap_t *heap = own_heap();
    look_at_some_tokens(heap);
    look_at_some_tokens(heap);
    const block_t *at = must(heap->token_at);
    blocks[0][0] = must(eddy_malloc(SIZE));
    assert_ptr_equal(heap->token_at, at);
    blocks[1][0] = must(eddy_malloc(SIZE));
    assert_null(heap->token_at);
}

#define SETTLE_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        SETTLE_TEST(one_malloc_lists_some_of_many_pages),
        SETTLE_TEST(all_of_them_come_back),
        SETTLE_TEST(pages_of_the_class_are_found_behind_all_others),
        SETTLE_TEST(a_look_for_idle_pages_goes_on_behind_those_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
