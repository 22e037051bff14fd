/* eddy_heap_set_limit: what a first-class heap is refused, to the slice, and what it is not.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/alone.h"
#include "common/faults.h"
#include "common/inside.h"
#include "heap/idle.h"
#include "heap/remote.h"
#include "heap/subheap.h"
#include "os/os.h"

enum { SLICES = 16, LARGE = 4 * SLICE_BYTES, PER_PAGE = SLICE_BYTES / 1024, THREADS = 4 };

static eddy_heap_t *heap;
static void *blocks[(SLICES + 1) * PER_PAGE];

static int start(void **state) {
    (void)state;
    faults_refuse_barriers_unseen();
    start_clean();
    heap = eddy_heap_new();
    return heap == NULL || eddy_heap_set_limit(heap, SLICES * SLICE_BYTES) != 0;
}

static int end(void **state) {
    eddy_heap_destroy(heap);
    return tear_down_clean(state);
}

static void assert_refused(size_t size) {
    errno = 0;
    assert_null(eddy_heap_malloc(heap, size));
    assert_int_equal(errno, ENOMEM);
}

/* Blocks of that size until one is refused; their number. */
static size_t fill_up(size_t size) {
    size_t count = 0;
    while (count < LENGTH(blocks) && (blocks[count] = eddy_heap_malloc(heap, size)) != NULL) {
        count++;
    }
    return count;
}

static void free_blocks(size_t count) {
    while (count > 0) eddy_free(blocks[--count]);
}

static void pages_up_to_the_limit_are_filled(void **state) {
    (void)state;
    assert_int_equal(fill_up(1024), SLICES * PER_PAGE);
    assert_int_equal(errno, ENOMEM);
    assert_refused(16);
    assert_refused(100000);
    eddy_free(must(eddy_malloc(100000)));
    eddy_free(blocks[0]);
    blocks[0] = must(eddy_heap_malloc(heap, 1024));
    free_blocks(SLICES * PER_PAGE);
}

static void large_blocks_count_by_their_slices(void **state) {
    (void)state;
    size_t count = fill_up(LARGE);
    assert_int_equal(count, SLICES * SLICE_BYTES / LARGE);
    assert_refused(1024);
    eddy_free(blocks[--count]);
    assert_refused(LARGE + 1);
    free_blocks(count);
    eddy_free(must(eddy_heap_malloc(heap, SLICES * SLICE_BYTES)));
    assert_refused(SLICES * SLICE_BYTES + 1);
    eddy_free(must(eddy_heap_malloc_aligned_at(heap, 8 * SLICE_BYTES, 64 * MIB, 3 * SLICE_BYTES)));
}

static void large_blocks_grow_and_shrink_within_it(void **state) {
    (void)state;
    void *large = must(eddy_heap_malloc(heap, LARGE));
    void *wall = must(eddy_heap_malloc(heap, LARGE));
    for (size_t size = LARGE; size <= 3 * LARGE; size += SLICE_BYTES) {
        void *grown = eddy_heap_realloc(heap, large, size);
        /* Copying takes the room of both. */
        if (grown == NULL) break;
        large = grown;
    }
    assert_null(eddy_heap_realloc(heap, large, 3 * LARGE + 1));
    large = must(eddy_heap_realloc(heap, large, SLICE_BYTES + 1));
    void *rest = must(eddy_heap_malloc(heap, (SLICES - 6) * SLICE_BYTES));
    assert_refused(16);
    eddy_free(rest);
    eddy_free(wall);
    eddy_free(large);
}

/* From 1 MiB on, a block is moved by page tables: its memory is there once all the time. */
static bool can_move(void) {
    void *from = must(os_map(SLICE_BYTES)), *to = must(os_map(SLICE_BYTES));
    bool moved = os_move(from, to, SLICE_BYTES);
    assert_true(os_unmap(from, SLICE_BYTES) && os_unmap(to, SLICE_BYTES));
    return moved;
}

static void a_block_may_be_moved_that_takes_more_than_half(void **state) {
    (void)state;
    if (!can_move()) skip();
    assert_int_equal(eddy_heap_set_limit(heap, 32 * SLICE_BYTES), 0);
    void *large = must(eddy_heap_malloc(heap, 20 * SLICE_BYTES));
    void *wall = must(eddy_malloc(LARGE));
    large = must(eddy_heap_realloc(heap, large, 32 * SLICE_BYTES));
    assert_refused(16);
    eddy_free(large);
    eddy_free(wall);
}

static void empty_pages_make_room(void **state) {
    (void)state;
    assert_int_equal(fill_up(1024), SLICES * PER_PAGE);
    free_blocks(SLICES * PER_PAGE);
    assert_true(counters_now().retained_slices > 0);
    eddy_free(must(eddy_heap_malloc(heap, (SLICES - 1) * SLICE_BYTES)));
}

static size_t filled;

static void free_all(void *unused) {
    (void)unused;
    free_blocks(filled);
}

static void pages_that_others_emptied_make_room(void **state) {
    (void)state;
    filled = fill_up(1024);
    in_thread(free_all, NULL);
    eddy_free(must(eddy_heap_malloc(heap, (SLICES - 1) * SLICE_BYTES)));
}

static void *kept[8 * PER_PAGE];

static void keep_pages(void *unused) {
    (void)unused;
    for (size_t i = 0; i < LENGTH(kept); i++) kept[i] = must(eddy_malloc(1024));
    for (size_t i = 0; i < LENGTH(kept); i++) eddy_free(kept[i]);
}

/* They would make none. */
static void no_other_heap_gives_up_its_own(void **state) {
    (void)state;
    actor_t other;
    actor_start(&other);
    size_t count = fill_up(1024);
    actor_do(&other, keep_pages, NULL);
    eddy_counters_t before = counters_now();
    assert_true(before.retained_slices > 0);
    assert_refused(1024);
    assert_refused(16);
    assert_refused(LARGE);
    assert_risen(before, pages_released, 0);
    assert_risen(before, retained_slices, 0);
    actor_end(&other);
    free_blocks(count);
}

static void a_limit_below_what_is_held_takes_nothing_away(void **state) {
    (void)state;
    size_t count = fill_up(1024);
    assert_int_equal(eddy_heap_set_limit(heap, 2 * SLICE_BYTES), 0);
    for (size_t i = 0; i < count; i++) memset(blocks[i], 1, 1024);
    assert_refused(1024);
    while (count > PER_PAGE) eddy_free(blocks[--count]);
    assert_refused(LARGE);
    void *more = must(eddy_heap_malloc(heap, 2048));
    eddy_free(more);
    free_blocks(count);
}

static void zero_lifts_it(void **state) {
    (void)state;
    assert_refused(SLICES * SLICE_BYTES + 1);
    assert_int_equal(eddy_heap_set_limit(heap, 0), 0);
    eddy_free(must(eddy_heap_malloc(heap, SLICES * SLICE_BYTES + 1)));
}

static void less_than_a_slice_allows_nothing(void **state) {
    (void)state;
    assert_int_equal(eddy_heap_set_limit(heap, 1), 0);
    assert_refused(1);
}

static void a_new_heap_has_none(void **state) {
    (void)state;
    eddy_heap_destroy(heap);
    heap = eddy_heap_new();
    eddy_free(must(eddy_heap_malloc(heap, 100 * SLICES * SLICE_BYTES)));
}

static void the_main_heap_has_none_of_its_own(void **state) {
    (void)state;
    errno = 0;
    assert_int_equal(eddy_heap_set_limit(eddy_heap_main(), MIB), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(eddy_heap_set_limit(NULL, MIB), -1);
}

/* ---- threads ---- */

static void *shares[THREADS][SLICES * PER_PAGE];

static void fill_share(void *argument) {
    void **share = argument;
    for (size_t i = 0; i < LENGTH(*shares); i++) share[i] = eddy_heap_malloc(heap, 1024);
}

static size_t held(void) {
    size_t slices = 0;
    for (heap_t *part = heap->subheaps; part != NULL; part = part->next_of_first_class) {
        slices += part->demand.in_use + part->retained_slices + part->large_slices;
    }
    return slices;
}

static void threads_share_one_limit(void **state) {
    (void)state;
    actor_t actors[THREADS];
    for (size_t i = 0; i < THREADS; i++) actor_start(&actors[i]);
    for (int rounds = 0; rounds < 20; rounds++) {
        for (size_t i = 0; i < THREADS; i++) actor_begin(&actors[i], fill_share, shares[i]);
        for (size_t i = 0; i < THREADS; i++) actor_wait(&actors[i]);
        assert_int_equal(held(), SLICES);
        for (size_t i = 0; i < THREADS; i++) {
            for (size_t j = 0; j < LENGTH(*shares); j++) eddy_free(shares[i][j]);
        }
    }
    for (size_t i = 0; i < THREADS; i++) actor_end(&actors[i]);
}

/* ---- another thread needs memory ---- */

static actor_t owner;

static void fill_up_again(void *unused) {
    (void)unused;
    filled = fill_up(1024);
}

/* The owner allocates while pages of its heap are in the hands of the thread that asks for a
 * barrier. */
static bool have_the_owner_fill_up(os_call_t call) {
    if (call != OS_BARRIER) return false;
    faults_stop();
    actor_do(&owner, fill_up_again, NULL);
    return false;
}

static void pages_that_others_need_stay_within_it(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    actor_start(&owner);
    actor_do(&owner, fill_up_again, NULL);
    free_blocks(filled);
    remote_flush(thread_self);
    os_fault = have_the_owner_fill_up;
    assert_true(idle_retire(heap->subheaps, own_heap()));
    assert_null(os_fault);
    assert_int_equal(held(), SLICES);
    free_blocks(filled);
    actor_end(&owner);
}

#define LIMIT_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        LIMIT_TEST(pages_up_to_the_limit_are_filled),
        LIMIT_TEST(large_blocks_count_by_their_slices),
        LIMIT_TEST(large_blocks_grow_and_shrink_within_it),
        LIMIT_TEST(a_block_may_be_moved_that_takes_more_than_half),
        LIMIT_TEST(empty_pages_make_room),
        LIMIT_TEST(pages_that_others_emptied_make_room),
        LIMIT_TEST(no_other_heap_gives_up_its_own),
        LIMIT_TEST(a_limit_below_what_is_held_takes_nothing_away),
        LIMIT_TEST(zero_lifts_it),
        LIMIT_TEST(less_than_a_slice_allows_nothing),
        LIMIT_TEST(a_new_heap_has_none),
        LIMIT_TEST(the_main_heap_has_none_of_its_own),
        LIMIT_TEST(threads_share_one_limit),
        LIMIT_TEST(pages_that_others_need_stay_within_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
