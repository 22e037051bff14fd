/* Size classes, for every size.
 * SPDX-License-Identifier: MIT */
#include "alloc/aligned.h"

#include "common/alone.h"
#include "common/test.h"

/* The definition, word for word. */
static unsigned smallest_class_that_holds(size_t size) {
    unsigned size_class = 0;
    while (class_bytes(size_class) < size) size_class++;
    return size_class;
}

static void every_size_gets_the_smallest_class_that_holds_it(void **state) {
    (void)state;
    for (size_t size = 0; size <= BLOCK_MAX; size++) {
        assert_int_equal(class_of(size), smallest_class_that_holds(size));
    }
}

static void classes_rise_to_the_largest_block(void **state) {
    (void)state;
    assert_int_equal(class_bytes(0), BLOCK_ALIGN);
    for (unsigned i = 1; i < CLASS_COUNT; i++) assert_true(class_bytes(i) > class_bytes(i - 1));
    assert_int_equal(class_bytes(CLASS_COUNT - 1), BLOCK_MAX);
}

static void rounding_wastes_less_than_16_bytes_or_one_step(void **state) {
    (void)state;
    for (size_t size = 1; size <= BLOCK_MAX; size++) {
        size_t bytes = class_bytes(class_of(size));
        size_t waste = bytes - size;
        assert_true(waste < BLOCK_ALIGN || waste * (CLASS_STEPS + 1) < bytes);
    }
}

static void every_block_is_aligned_as_far_as_its_class_is(void **state) {
    (void)state;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        size_t alignment = class_bytes(i) & (0 - class_bytes(i));
        assert_true(alignment >= BLOCK_ALIGN);
        /* The step above a power of two divides the size. */
        assert_true(alignment * CLASS_STEPS * 2 >= class_bytes(i));
    }
}

/* What aligned allocation rests on. */
static void the_class_of_a_multiple_is_a_multiple_and_the_smallest(void **state) {
    (void)state;
    for (size_t alignment = 1; alignment <= BLOCK_MAX; alignment *= 2) {
        unsigned smallest = 0;
        for (size_t size = 0; aligned_last(size, alignment) < BLOCK_MAX; size++) {
            while (class_bytes(smallest) < size || class_bytes(smallest) % alignment != 0) {
                smallest++;
            }
            assert_int_equal(class_of(aligned_last(size, alignment) + 1), smallest);
        }
    }
}

static void small_classes_have_pages_of_one_slice(void **state) {
    (void)state;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        assert_int_equal(class_slices(i) == 1, class_bytes(i) <= SMALL_MAX);
    }
}

static void a_page_has_eight_blocks_or_more_and_little_over(void **state) {
    (void)state;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        size_t page_bytes = class_slices(i) * SLICE_BYTES;
        size_t blocks = page_bytes / class_bytes(i);
        assert_true(blocks >= PAGE_BLOCKS_LEAST);
        assert_true(page_bytes - blocks * class_bytes(i) <= page_bytes / 8);
    }
}

static void good_size_is_the_usable_size_of_every_block(void **state) {
    (void)state;
    for (size_t size = 0; size <= BLOCK_MAX + SLICE_BYTES; size += size < 2 * KIB ? 1 : 61) {
        void *block = must(eddy_malloc(size));
        assert_int_equal(eddy_usable_size(block), eddy_good_size(size));
        assert_true(is_aligned(block, BLOCK_ALIGN));
        eddy_free(block);
    }
}

static void impossible_sizes_have_no_better_one(void **state) {
    (void)state;
    assert_int_equal(eddy_good_size(SIZE_MAX), SIZE_MAX);
    assert_int_equal(eddy_good_size((size_t)PTRDIFF_MAX + 1), (size_t)PTRDIFF_MAX + 1);
    assert_int_equal(eddy_good_size(PTRDIFF_MAX), (size_t)PTRDIFF_MAX + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_gets_the_smallest_class_that_holds_it),
        cmocka_unit_test(classes_rise_to_the_largest_block),
        cmocka_unit_test(rounding_wastes_less_than_16_bytes_or_one_step),
        cmocka_unit_test(every_block_is_aligned_as_far_as_its_class_is),
        cmocka_unit_test(the_class_of_a_multiple_is_a_multiple_and_the_smallest),
        cmocka_unit_test(small_classes_have_pages_of_one_slice),
        cmocka_unit_test(a_page_has_eight_blocks_or_more_and_little_over),
        cmocka_unit_test(good_size_is_the_usable_size_of_every_block),
        cmocka_unit_test(impossible_sizes_have_no_better_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
