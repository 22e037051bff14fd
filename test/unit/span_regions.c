/* Free spans over many small regions, some of memory that the program handed in, against the naive
 * model: no span reaches over the end of its region.
 * SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include "common/alone.h"
#include "common/faults.h"
#include "common/span_model.h"

enum { TEST_STEPS = 4000, PIECES = 4, PIECE_SLICES = 40 };

/* As where address space is short: the first region has 4 MiB. */
static int start_small(void **state) {
    faults_start(FAULT_KIND(OS_RESERVE), 6, UP_TO);
    bool started = span_start();
    faults_stop();
    return started ? model_start(state) : -1;
}

static void live_randomly(uint64_t random) {
    for (unsigned step = 0; step < TEST_STEPS; step++) {
        random_step(&random);
        if (random_below(&random, 200) == 0) span_purge_all();
        if (random_below(&random, 200) == 0) span_repair();
        verify();
    }
}

/* Memory right below the lowest region, where the kernel would place the next one. */
static void *map_below_regions(size_t bytes) {
    size_t lowest = SIZE_MAX;
    for (size_t i = 0; i < region_count(); i++) lowest = size_min(lowest, region_at(i)->first);
    char *hint = slice_address(slice_descriptor(lowest)) - bytes;
    void *memory = mmap(hint, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

static void spans_stay_within_their_regions(void **state) {
    (void)state;
    live_randomly(1);
    assert_true(region_count() > 2);
}

/* The first piece: all that is free and not clean, for the tests that come first. */
static char *first_piece;

static void handed_in_memory_is_used_first(void **state) {
    (void)state;
    span_purge_all();
    size_t bytes = PIECE_SLICES * SLICE_BYTES, whole;
    first_piece = map_below_regions(bytes);
    int number = eddy_add_memory(first_piece, bytes);
    assert_true(number >= 0);
    assert_ptr_equal(eddy_added_memory(number, &whole), first_piece);
    assert_int_equal(whole, bytes);
    for (size_t i = 0; i < PIECE_SLICES; i += 4) {
        assert_true(model_allocate(4, 1, SPAN_FROM_ANY));
        const char *address = slice_address(held[held_count - 1].head);
        assert_true((size_t)(address - first_piece) < bytes);
    }
    verify();
}

static void handed_in_memory_is_never_given_back(void **state) {
    (void)state;
    size_t bytes = PIECE_SLICES * SLICE_BYTES;
    /* Between the stamps, which the model looks at. */
    for (size_t i = 8; i < bytes; i += STAMP_STEP) first_piece[i] = 0x5a;
    while (model_allocate(1, 1, SPAN_FROM_DIRTY)) continue;
    assert_int_equal(held_count, PIECE_SLICES);
    model_free_all();
    assert_int_equal(span_purge_all(), 0);
    for (size_t i = 8; i < bytes; i += STAMP_STEP) assert_int_equal(first_piece[i], 0x5a);
    assert_int_equal(totals_now().dirty, PIECE_SLICES);
}

static void no_other_memory_is_taken_when_so_wished(void **state) {
    (void)state;
    bool is_zero;
    while (model_allocate(1, 1, SPAN_FROM_DIRTY)) continue;
    assert_true(model_allocate(1, 1, SPAN_FROM_ANY));
    held_t *own = &held[held_count - 1];
    assert_true(can_extend(own, 2));
    eddy_option_set(EDDY_OPTION_ADDED_ONLY, 1);
    assert_null(span_allocate(1, 1, SPAN_FROM_ANY, &is_zero));
    assert_false(span_extend(own->head, 2));
    eddy_option_set(EDDY_OPTION_ADDED_ONLY, 0);
    model_extend(own, 2);
    assert_int_equal(own->slices, 2);
    assert_true(model_allocate(1, 1, SPAN_FROM_ANY));
}

static void handed_in_memory_is_not_taken_for_zero(void **state) {
    (void)state;
    size_t bytes = PIECE_SLICES * SLICE_BYTES;
    char *memory = map_below_regions(bytes);
    assert_true(eddy_add_memory(memory, bytes) >= 0);
    memset(memory, 0x5a, bytes);
    void *blocks[PIECE_SLICES];
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        blocks[i] = must(eddy_zalloc(i % 4 ? 1000 : 2 * SLICE_BYTES));
        assert_true(is_zero(blocks[i], eddy_usable_size(blocks[i])));
    }
    for (size_t i = 0; i < LENGTH(blocks); i++) eddy_free(blocks[i]);
    eddy_collect();
}

static void only_whole_slices_are_taken(void **state) {
    (void)state;
    size_t bytes = 3 * SLICE_BYTES, whole = 0;
    char *memory = map_below_regions(bytes);
    char *first = (char *)round_up((uintptr_t)memory + 1, SLICE_BYTES);
    int number = eddy_add_memory(memory + 1, bytes - 1);
    assert_true(number >= 0);
    assert_ptr_equal(eddy_added_memory(number, &whole), first);
    assert_true(whole == SLICE_BYTES || whole == 2 * SLICE_BYTES);
}

static void what_cannot_be_used_is_refused(void **state) {
    (void)state;
    static char outside[4 * SLICE_BYTES];
    size_t whole;
    const struct {
        void *start;
        size_t bytes;
    } pieces[] = {
        {outside, sizeof outside},
        {slice_address(slice_descriptor(region_at(0)->first)), SLICE_BYTES}, /* Eddy's own */
        {map_below_regions(SLICE_BYTES), SLICE_BYTES - 1},
        {NULL, 0},
        {NULL, SIZE_MAX},
        {(void *)UINTPTR_MAX, SIZE_MAX},
        {(void *)(UINTPTR_MAX - SLICE_BYTES), 2 * SLICE_BYTES},
    };
    for (size_t i = 0; i < LENGTH(pieces); i++) {
        errno = 0;
        assert_int_equal(eddy_add_memory(pieces[i].start, pieces[i].bytes), -1);
        assert_int_equal(errno, EINVAL);
    }
    assert_null(eddy_added_memory(-1, &whole));
    assert_null(eddy_added_memory(1000, &whole));
    verify();
}

static void spans_of_own_and_handed_in_memory_stay_apart(void **state) {
    (void)state;
    for (unsigned i = 0; i < PIECES; i++) {
        size_t bytes = PIECE_SLICES * SLICE_BYTES;
        (void)eddy_add_memory(map_below_regions(bytes), bytes);
        live_randomly(i + 2);
    }
}

#define REGIONS_TEST(test) cmocka_unit_test_teardown(test, model_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        REGIONS_TEST(spans_stay_within_their_regions),
        REGIONS_TEST(handed_in_memory_is_used_first),
        REGIONS_TEST(handed_in_memory_is_never_given_back),
        REGIONS_TEST(no_other_memory_is_taken_when_so_wished),
        REGIONS_TEST(spans_of_own_and_handed_in_memory_stay_apart),
        REGIONS_TEST(only_whole_slices_are_taken),
        REGIONS_TEST(what_cannot_be_used_is_refused),
        REGIONS_TEST(handed_in_memory_is_not_taken_for_zero),
    };
    return cmocka_run_group_tests(tests, start_small, NULL);
}
