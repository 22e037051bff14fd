/* The order in which the blocks of a retained page come back: that of their addresses, or where a
 * burst has few blocks the one in which they were freed.
 * SPDX-License-Identifier: MIT */
#include "common/alone.h"
#include "common/retaining.h"
#include "heap/retain.h"

/* The heap looks as if it had never retained more slices than these. */
static void set_retained_peak(size_t slices) {
    store_relaxed(&own_heap()->retained_peak, slices);
    heap_read_retain_limit(own_heap());
}

/* The block of a page that is freed as the j-th. */
static size_t in_disorder(size_t j) { return j * 1000003 % burst.limit; }

static void free_in_disorder(size_t page) {
    for (size_t j = 0; j < burst.limit; j++) burst_free(&burst, page, in_disorder(j));
    assert_int_equal(burst.page[page]->state, PAGE_RETAINED);
}

static void a_page_freed_in_disorder_comes_back_in_order(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        set_retained_peak(FEW_BLOCKS);
        burst_fill(&burst, size, 3);
        free_in_disorder(0);
        eddy_counters_t before = counters_now();
        for (size_t j = 0; j < burst.limit; j++) {
            assert_int_equal(burst_take(&burst), 0);
            assert_non_null(burst.block[0][j]);
        }
        assert_risen(before, lists_straightened, 1);
        assert_risen(before, pages_reused, 1);
        assert_risen(before, extensions, 0);
    }
}

static void few_blocks_come_back_as_they_were_freed_the_last_one_first(void **state) {
    (void)state;
    set_retained_peak(0);
    burst_fill(&burst, 1024, 2);
    assert_int_equal(2 * burst.limit, FEW_BLOCKS);
    free_in_disorder(0);
    eddy_counters_t before = counters_now();
    for (size_t j = burst.limit; j-- > 0;) {
        assert_int_equal(burst_take(&burst), 0);
        assert_non_null(burst.block[0][in_disorder(j)]);
    }
    assert_risen(before, lists_straightened, 0);
    assert_risen(before, pages_reused, 1);
}

/* As a page that others than its owner emptied. */
static void few_blocks_without_a_list_are_linked(void **state) {
    (void)state;
    set_retained_peak(0);
    burst_fill(&burst, 1024, 2);
    free_in_disorder(0);
    burst.page[0]->free = NULL;
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    assert_risen(before, lists_straightened, 1);
    assert_risen(before, pages_made, 0);
}

static void with_a_page_more_they_are_not_few(void **state) {
    (void)state;
    set_retained_peak(0);
    burst_fill(&burst, 1024, 3);
    for (size_t i = 0; i < 2; i++) free_in_disorder(i);
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    assert_risen(before, lists_straightened, 2);
    assert_risen(before, pages_reused, 2);
}

static void in_many_pages_they_are_not_few(void **state) {
    (void)state;
    set_retained_peak(FEW_PAGES);
    burst_fill(&burst, 8192, 2);
    assert_true((FEW_PAGES + 1) * burst.limit <= FEW_BLOCKS);
    free_in_disorder(0);
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    assert_risen(before, lists_straightened, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_freed_in_disorder_comes_back_in_order, start, end),
        cmocka_unit_test_setup_teardown(few_blocks_come_back_as_they_were_freed_the_last_one_first,
                                        start, end),
        cmocka_unit_test_setup_teardown(few_blocks_without_a_list_are_linked, start, end),
        cmocka_unit_test_setup_teardown(with_a_page_more_they_are_not_few, start, end),
        cmocka_unit_test_setup_teardown(in_many_pages_they_are_not_few, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
