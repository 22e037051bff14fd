/* Room to grow: what realloc must move to let it grow gets more than was asked for, and what grows
 * on by small steps stays where it is for a while. Room is no reason to refuse, nor to keep.
 * SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include "common/actor.h"
#include "common/alone.h"
#include "common/faults.h"
#include "common/inside.h"
#include "heap/class.h"
#include "os/os.h"

enum { ARRAYS = 3, STEP = 64, MOVES_EACH_DOUBLING = 4 };

static void *array[ARRAYS];

static void free_arrays(void) {
    for (size_t i = 0; i < ARRAYS; i++) eddy_free(array[i]);
}

/* All arrays in turn, so that none has the memory behind it for itself; how often one moved. */
static size_t moves_between(size_t from, size_t to) {
    size_t moves = 0;
    for (size_t i = 0; i < ARRAYS; i++) array[i] = must(eddy_malloc(from));
    for (size_t size = from; size <= to; size += STEP) {
        for (size_t i = 0; i < ARRAYS; i++) {
            void *grown = must(eddy_realloc(array[i], size));
            moves += (uintptr_t)grown != (uintptr_t)array[i];
            array[i] = grown;
        }
    }
    free_arrays();
    return moves;
}

static void blocks_that_grow_by_small_steps_rarely_move(void **state) {
    (void)state;
    assert_true(moves_between(KIB, 64 * KIB) <= (size_t)ARRAYS * MOVES_EACH_DOUBLING * 6);
}

static void large_objects_that_grow_by_small_steps_rarely_move(void **state) {
    (void)state;
    assert_true(moves_between(64 * KIB, 16 * MIB) <= (size_t)ARRAYS * MOVES_EACH_DOUBLING * 8);
}

/* A size that realloc has given is no reason to shrink, and what is asked for again stays. */
static void what_has_room_stays_at_its_size(void **state) {
    (void)state;
    void *block = must(eddy_malloc(16));
    for (size_t size = 16; size <= 4 * MIB; size += size / 20 + 1) {
        block = must(eddy_realloc(block, size));
        assert_ptr_equal(eddy_realloc(block, size), block);
    }
    eddy_free(block);
}

static void small_sizes_grow_to_blocks_not_to_large_objects(void **state) {
    (void)state;
    for (size_t size = 16; size < BLOCK_MAX; size += 1000) {
        void *block = must(eddy_realloc(must(eddy_malloc(size)), BLOCK_MAX));
        assert_int_equal(eddy_usable_size(block), BLOCK_MAX);
        eddy_free(block);
    }
}

static void nothing_but_growth_gets_room(void **state) {
    (void)state;
    static const size_t sizes[] = {100, 1000, 10000, 100000, 3 * MIB};
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *fresh = must(eddy_realloc(NULL, sizes[i]));
        assert_int_equal(eddy_usable_size(fresh), eddy_good_size(sizes[i]));
        fresh = must(eddy_realloc(fresh, sizes[i] / 4));
        assert_int_equal(eddy_usable_size(fresh), eddy_good_size(sizes[i] / 4));
        fresh = must(eddy_realloc(fresh, 2 * sizes[i]));
        assert_int_equal(eddy_usable_size(fresh), eddy_good_size(2 * sizes[i]));
        eddy_free(fresh);
    }
}

static void what_is_aligned_gets_none(void **state) {
    (void)state;
    static const size_t sizes[] = {1000, 100000, 2 * MIB};
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = must(eddy_malloc_aligned(sizes[i], 64));
        void *wall = must(eddy_malloc(sizes[i]));
        size_t size = eddy_usable_size(block) + 1;
        block = must(eddy_realloc_aligned(block, size, 64));
        void *fresh = must(eddy_malloc_aligned(size, 64));
        assert_int_equal(eddy_usable_size(block), eddy_usable_size(fresh));
        eddy_free(fresh);
        eddy_free(block);
        eddy_free(wall);
    }
}

static void room_is_zero_where_new_bytes_are_to_be(void **state) {
    (void)state;
    unsigned char *block = must(eddy_zalloc(16));
    size_t size = 16;
    while (size < 3 * MIB) {
        size_t usable = eddy_usable_size(block);
        memset(block, 1, usable);
        /* Used before, so that what is taken anew is not zero by itself. */
        void *used = must(eddy_malloc(2 * usable));
        memset(used, 1, 2 * usable);
        eddy_free(used);
        size = usable + 1;
        block = must(eddy_rezalloc(block, size));
        for (size_t i = usable; i < eddy_usable_size(block); i++) assert_int_equal(block[i], 0);
    }
    eddy_free(block);
}

/* ---- where there is no memory for it ---- */

static eddy_heap_t *heap;
static size_t told;

static void count_errors(int error, const char *message, const void *pointer, void *argument) {
    (void)error;
    (void)message;
    (void)pointer;
    (void)argument;
    told++;
}

static int start_limited(void **state) {
    (void)state;
    start_clean();
    heap = eddy_heap_new();
    told = 0;
    (void)eddy_on_error(count_errors, NULL);
    return heap == NULL;
}

static int end_limited(void **state) {
    (void)eddy_on_error(NULL, NULL);
    eddy_heap_destroy(heap);
    return tear_down_clean(state);
}

static void *others_blocks[256];

static void allocate_some(void *unused) {
    (void)unused;
    for (size_t i = 0; i < LENGTH(others_blocks); i++) others_blocks[i] = must(eddy_malloc(KIB));
}

/* Before memory is refused empty pages are looked for everywhere; before room is, they are not. */
static void nothing_is_given_up_for_it(void **state) {
    (void)state;
    enum { OBJECT = 8 * SLICE_BYTES };
    actor_t other;
    actor_start(&other);
    actor_do(&other, allocate_some, NULL);
    void *object = must(eddy_malloc(OBJECT)), *wall = must(eddy_malloc(OBJECT));
    span_totals_t totals;
    span_totals(&totals);
    for (size_t i = 0; i < LENGTH(others_blocks); i++) eddy_free(others_blocks[i]);
    int64_t limit = (int64_t)((totals.used << SLICE_SHIFT) + OBJECT + SLICE_BYTES);
    assert_int_equal(eddy_option_set(EDDY_OPTION_LIMIT, limit), 0);
    eddy_counters_t before = counters_now();
    object = must(eddy_realloc(object, OBJECT + 1));
    assert_int_equal(eddy_usable_size(object), OBJECT + SLICE_BYTES);
    assert_risen(before, pages_released, 0);
    assert_risen(before, spans_purged, 0);
    assert_int_equal(eddy_option_set(EDDY_OPTION_LIMIT, 0), 0);
    eddy_free(object);
    eddy_free(wall);
    actor_end(&other);
}

/* In a heap that has just so many slices. */
static void assert_grows(void *block, size_t size, size_t slices) {
    assert_int_equal(eddy_heap_set_limit(heap, slices * SLICE_BYTES), 0);
    errno = 12345;
    void *grown = must(eddy_heap_realloc(heap, block, size));
    assert_int_equal(errno, 12345);
    assert_int_equal(told, 0);
    assert_int_equal(eddy_usable_size(grown), eddy_good_size(size));
}

static void a_block_grows_where_there_is_no_page_with_room(void **state) {
    (void)state;
    void *block = must(eddy_heap_malloc(heap, 1024));
    (void)must(eddy_heap_malloc(heap, 1152));
    assert_grows(block, 1100, 2);
}

static void a_large_object_is_copied_where_there_is_no_room(void **state) {
    (void)state;
    void *object = must(eddy_heap_malloc(heap, (size_t)6 * SLICE_BYTES));
    (void)must(eddy_heap_malloc(heap, SLICE_BYTES + 1));
    assert_grows(object, (size_t)6 * SLICE_BYTES + 1, 8 + 7);
}

static bool can_move(void) {
    void *from = must(os_map(SLICE_BYTES)), *to = must(os_map(SLICE_BYTES));
    bool moved = os_move(from, to, SLICE_BYTES);
    assert_true(os_unmap(from, SLICE_BYTES) && os_unmap(to, SLICE_BYTES));
    return moved;
}

/* A quarter of nothing but zeros would be written where the kernel gives zeros. */
static void room_of_a_large_object_that_was_moved_is_not_touched(void **state) {
    (void)state;
    if (!can_move()) skip();
    char *object = must(eddy_zalloc(2 * MIB)), *wall = must(eddy_malloc(2 * MIB));
    object = must(eddy_rezalloc(object, 2 * MIB + 1));
    unsigned char resident;
    char *last_page = object + eddy_usable_size(object) - os_page_size();
    assert_int_equal(mincore(last_page, os_page_size(), &resident), 0);
    assert_int_equal(resident & 1, 0);
    size_t usable = eddy_usable_size(object);
    object = must(eddy_rezalloc(object, usable));
    assert_int_equal(object[usable - 1], 0);
    eddy_free(object);
    eddy_free(wall);
}

static void a_large_object_is_moved_where_there_is_no_room(void **state) {
    (void)state;
    if (!can_move()) skip();
    void *object = must(eddy_heap_malloc(heap, (size_t)20 * SLICE_BYTES));
    void *wall = must(eddy_malloc((size_t)2 * SLICE_BYTES));
    assert_grows(object, (size_t)20 * SLICE_BYTES + 1, 21);
    eddy_free(wall);
}

#define ROOM_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_clean, tear_down_clean)
#define LIMITED_TEST(test) cmocka_unit_test_setup_teardown(test, start_limited, end_limited)

int main(void) {
    const struct CMUnitTest tests[] = {
        ROOM_TEST(blocks_that_grow_by_small_steps_rarely_move),
        ROOM_TEST(large_objects_that_grow_by_small_steps_rarely_move),
        ROOM_TEST(what_has_room_stays_at_its_size),
        ROOM_TEST(small_sizes_grow_to_blocks_not_to_large_objects),
        ROOM_TEST(nothing_but_growth_gets_room),
        ROOM_TEST(room_is_zero_where_new_bytes_are_to_be),
        ROOM_TEST(what_is_aligned_gets_none),
        ROOM_TEST(room_of_a_large_object_that_was_moved_is_not_touched),
        ROOM_TEST(nothing_is_given_up_for_it),
        LIMITED_TEST(a_block_grows_where_there_is_no_page_with_room),
        LIMITED_TEST(a_large_object_is_copied_where_there_is_no_room),
        LIMITED_TEST(a_large_object_is_moved_where_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
