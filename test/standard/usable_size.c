/* malloc_usable_size: constant for the life of a block, and all of it is the caller's.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>

#include "standard.h"

static void null_has_no_size(void **state) {
    (void)state;
    assert_int_equal(malloc_usable_size(NULL), 0);
    assert_int_equal(eddy_usable_size(NULL), 0);
}

static void is_constant_and_writable_for_all_sizes_to_128_kib(void **state) {
    (void)state;
    for (size_t size = 0; size <= 128 * KIB; size++) {
        void *block = must(malloc(size));
        size_t usable = malloc_usable_size(block);
        assert_true(usable >= size);
        memset(block, 0xa5, usable);
        assert_int_equal(malloc_usable_size(block), usable);
        free(block);
    }
}

/* Written at both ends and once in every 64 KiB, to need little memory. */
static void is_constant_and_writable_up_to_a_gibibyte(void **state) {
    (void)state;
    for (size_t size = 128 * KIB; size <= GIB; size = size * 3 / 2 + 4093) {
        volatile char *block = must(malloc(size));
        size_t usable = malloc_usable_size((void *)block);
        assert_true(usable >= size);
        for (size_t at = 0; at < usable; at += 64 * KIB) block[at] = 1;
        block[usable - 1] = 1;
        assert_int_equal(malloc_usable_size((void *)block), usable);
        free((void *)block);
    }
}

static void neighbours_survive_a_fully_written_block(void **state) {
    (void)state;
    for (size_t size = 1; size <= 128 * KIB; size += size < 4 * KIB ? 1 : 509) {
        void *blocks[5];
        size_t usable = 0;
        for (unsigned i = 0; i < LENGTH(blocks); i++) {
            blocks[i] = must(malloc(size));
            usable = malloc_usable_size(blocks[i]);
            fill(blocks[i], usable, i);
        }
        for (unsigned i = 0; i < LENGTH(blocks); i++) {
            assert_true(is_filled(blocks[i], usable, i));
        }
        for (unsigned i = 0; i < LENGTH(blocks); i++) free(blocks[i]);
    }
}

static void stays_while_neighbours_come_and_go(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    static void *blocks[COUNT];
    for (size_t size = 1; size <= 20000; size = size * 2 + 3) {
        for (size_t i = 0; i < COUNT; i++) blocks[i] = must(malloc(size));
        size_t usable = malloc_usable_size(blocks[0]);
        for (size_t i = 1; i < COUNT; i++) free(blocks[i]);
        eddy_collect();
        assert_int_equal(malloc_usable_size(blocks[0]), usable);
        memset(blocks[0], 0x5a, usable);
        free(blocks[0]);
    }
}

static void good_size_foretells_it(void **state) {
    (void)state;
    for (size_t size = 0; size <= 40 * MIB; size += size <= 128 * KIB ? 1 : size / 7) {
        void *block = must(malloc(size));
        assert_int_equal(eddy_good_size(size), malloc_usable_size(block));
        free(block);
    }
}

static void good_size_of_what_cannot_be_served_is_the_size(void **state) {
    (void)state;
    assert_int_equal(eddy_good_size((size_t)PTRDIFF_MAX + 1), (size_t)PTRDIFF_MAX + 1);
    assert_int_equal(eddy_good_size(SIZE_MAX - 1), SIZE_MAX - 1);
    assert_int_equal(eddy_good_size(SIZE_MAX), SIZE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_has_no_size),
        cmocka_unit_test(is_constant_and_writable_for_all_sizes_to_128_kib),
        cmocka_unit_test(is_constant_and_writable_up_to_a_gibibyte),
        cmocka_unit_test(neighbours_survive_a_fully_written_block),
        cmocka_unit_test(stays_while_neighbours_come_and_go),
        cmocka_unit_test(good_size_foretells_it),
        cmocka_unit_test(good_size_of_what_cannot_be_served_is_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
