/* malloc and free.
 * SPDX-License-Identifier: MIT */
#include "standard.h"

void cfree(void *block);
void free_sized(void *block, size_t size);

/* Around every boundary between two ways of allocating. */
static const size_t sizes[] = {
    0,         1,         8,           15,          16,      17,           100,
    1024,      1025,      8 * KIB,     8 * KIB + 1, 65535,   64 * KIB,     64 * KIB + 1,
    128 * KIB, 512 * KIB, 2 * MIB - 1, 2 * MIB,     3 * MIB, 32 * MIB + 1, 256 * MIB,
};

static void size_zero_gives_distinct_blocks(void **state) {
    (void)state;
    void *a = must(malloc(0)), *b = must(malloc(0));
    assert_ptr_not_equal(a, b);
    free(a);
    free(b);
}

static void blocks_are_aligned_to_16_from_16_bytes_up(void **state) {
    (void)state;
    for (size_t size = 1; size <= 64 * KIB; size++) {
        void *blocks[3];
        for (size_t i = 0; i < LENGTH(blocks); i++) {
            blocks[i] = must(malloc(size));
            assert_true(is_aligned(blocks[i], size >= 16 ? 16 : size >= 8 ? 8 : 1));
        }
        for (size_t i = 0; i < LENGTH(blocks); i++) free(blocks[i]);
    }
}

static void large_blocks_are_aligned_to_16(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        if (sizes[i] < 16) continue;
        void *block = must(malloc(sizes[i]));
        assert_true(is_aligned(block, 16));
        free(block);
    }
}

static void live_blocks_do_not_overlap(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    static void *blocks[COUNT];
    static size_t lengths[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        lengths[i] = (size_t)i * 7919 % (i % 100 == 0 ? 100000 : 2000);
        blocks[i] = must(malloc(lengths[i]));
        fill(blocks[i], lengths[i], i);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(is_filled(blocks[i], lengths[i], i));
        free(blocks[i]);
    }
}

static void free_of_null_does_nothing(void **state) {
    (void)state;
    size_t before = live_blocks();
    free(NULL);
    cfree(NULL);
    assert_int_equal(live_blocks(), before);
}

static void free_preserves_errno(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = must(malloc(sizes[i]));
        errno = 12345;
        free(block);
        assert_int_equal(errno, 12345);
    }
}

/* The last frees of a burst hand pages back; with decay 0 they call the kernel at once. */
static void free_preserves_errno_when_it_calls_the_kernel(void **state) {
    (void)state;
    enum { COUNT = 3000 };
    static void *blocks[COUNT];
    int64_t decay_ms = eddy_option_get(EDDY_OPTION_DECAY_MS);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, 0), 0);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t count = sizes[i] <= 128 * KIB ? COUNT : 2;
        for (size_t j = 0; j < count; j++) blocks[j] = must(malloc(sizes[i]));
        errno = 12345;
        for (size_t j = 0; j < count; j++) free(blocks[j]);
        assert_int_equal(errno, 12345);
    }
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, decay_ms), 0);
}

static void every_free_releases_the_block(void **state) {
    (void)state;
    size_t before = live_blocks();
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *a = must(malloc(sizes[i])), *b = must(malloc(sizes[i])), *c = must(malloc(sizes[i]));
        assert_int_equal(live_blocks(), before + 3);
        free(a);
        cfree(b);
        free_sized(c, sizes[i]);
        assert_int_equal(live_blocks(), before);
    }
}

static void blocks_are_shared_with_eddys_own_functions(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t before = live_blocks(), larger = 2 * sizes[i] + 1;
        eddy_free(must(malloc(sizes[i])));
        free(must(eddy_malloc(sizes[i])));
        free(must(eddy_realloc(must(malloc(sizes[i])), larger)));
        eddy_free(must(realloc(must(eddy_malloc(sizes[i])), larger)));
        assert_int_equal(live_blocks(), before);
    }
}

static void free_sized_takes_null(void **state) {
    (void)state;
    free_sized(NULL, 0);
    free_sized(NULL, 100);
}

static void gigabytes_can_be_allocated_untouched(void **state) {
    (void)state;
    char *block = must(malloc(8 * GIB));
    block[0] = 1;
    block[8 * GIB - 1] = 2;
    assert_int_equal(block[0] + block[8 * GIB - 1], 3);
    free(block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_zero_gives_distinct_blocks),
        cmocka_unit_test(blocks_are_aligned_to_16_from_16_bytes_up),
        cmocka_unit_test(large_blocks_are_aligned_to_16),
        cmocka_unit_test(live_blocks_do_not_overlap),
        cmocka_unit_test(free_of_null_does_nothing),
        cmocka_unit_test(free_preserves_errno),
        cmocka_unit_test(free_preserves_errno_when_it_calls_the_kernel),
        cmocka_unit_test(every_free_releases_the_block),
        cmocka_unit_test(blocks_are_shared_with_eddys_own_functions),
        cmocka_unit_test(free_sized_takes_null),
        cmocka_unit_test(gigabytes_can_be_allocated_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
