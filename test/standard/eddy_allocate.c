/* eddy_malloc and its family, where it is not the malloc family under another name.
 * SPDX-License-Identifier: MIT */
#include "standard.h"

static const size_t sizes[] = {
    1,        16,        100,       1024, 1500,    8 * KIB,  8 * KIB + 1,
    60 * KIB, 100 * KIB, 200 * KIB, MIB,  3 * MIB, 20 * MIB,
};

static void dirty(void *block) { memset(block, 0xff, eddy_usable_size(block)); }

static void dirty_and_free(size_t size) {
    void *blocks[4];
    for (size_t i = 0; i < LENGTH(blocks); i++) dirty(blocks[i] = must(eddy_malloc(size)));
    for (size_t i = 0; i < LENGTH(blocks); i++) eddy_free(blocks[i]);
}

/* ---- allocate and free ---- */

static void size_zero_gives_distinct_blocks(void **state) {
    (void)state;
    void *blocks[] = {
        eddy_malloc(0),         eddy_zalloc(0),        eddy_calloc(0, 8),
        eddy_mallocn(8, 0),     eddy_realloc(NULL, 0), eddy_reallocn(NULL, 0, 8),
        eddy_rezalloc(NULL, 0),
    };
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        assert_non_null(blocks[i]);
        for (size_t j = 0; j < i; j++) assert_ptr_not_equal(blocks[i], blocks[j]);
    }
    for (size_t i = 0; i < LENGTH(blocks); i++) eddy_free(blocks[i]);
}

static void every_block_is_aligned_to_16(void **state) {
    (void)state;
    for (size_t size = 0; size <= 1024; size++) {
        void *a = must(eddy_malloc(size)), *b = must(eddy_zalloc(size));
        assert_true(is_aligned(a, 16) && is_aligned(b, 16));
        eddy_free(a);
        eddy_free(b);
    }
}

static void calloc_is_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        dirty_and_free(sizes[i]);
        void *block = must(eddy_calloc(sizes[i], 1));
        assert_true(is_zero(block, sizes[i]));
        eddy_free(block);
    }
}

static void mallocn_gives_the_product(void **state) {
    (void)state;
    void *block = must(eddy_mallocn(300, 7));
    assert_true(eddy_usable_size(block) >= 2100);
    eddy_free(block);
}

static void frees_take_null_and_keep_errno(void **state) {
    (void)state;
    errno = 12345;
    eddy_free(NULL);
    eddy_free_sized(NULL, 10);
    eddy_free_aligned_sized(NULL, 64, 10);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *a = must(eddy_malloc(sizes[i])), *b = must(eddy_malloc_aligned(sizes[i], 64));
        void *c = must(eddy_malloc(sizes[i]));
        errno = 12345;
        eddy_free_sized(a, sizes[i]);
        eddy_free_aligned_sized(b, 64, sizes[i]);
        eddy_free(c);
        assert_int_equal(errno, 12345);
    }
}

/* ---- realloc and its kin ---- */

static void realloc_to_zero_gives_a_block(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t before = live_blocks();
        void *block = must(eddy_realloc(must(eddy_malloc(sizes[i])), 0));
        assert_int_equal(live_blocks(), before + 1);
        eddy_free(block);
    }
}

static void reallocn_keeps_the_contents(void **state) {
    (void)state;
    void *block = must(eddy_reallocn(NULL, 10, 10));
    fill(block, 100, 1);
    block = must(eddy_reallocn(block, 1000, 1000));
    assert_true(is_filled(block, 100, 1));
    block = must(eddy_reallocn(block, 5, 10));
    assert_true(is_filled(block, 50, 1));
    eddy_free(block);
}

static void reallocf_keeps_the_contents(void **state) {
    (void)state;
    void *block = must(eddy_reallocf(NULL, 100));
    fill(block, 100, 2);
    block = must(eddy_reallocf(block, 100 * KIB));
    assert_true(is_filled(block, 100, 2));
    eddy_free(block);
}

/* Grow a zeroed block step by step over memory that was dirty: what was never written is zero. */
static void assert_growth_is_zero(void *(*resize)(void *block, size_t size)) {
    for (size_t i = 0; i < LENGTH(sizes); i++) dirty_and_free(sizes[i]);
    void *block = NULL;
    size_t written = 0;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        unsigned char *grown = block = must(resize(block, sizes[i]));
        size_t usable = eddy_usable_size(block);
        assert_true(is_filled(block, written, 5));
        assert_true(is_zero(grown + written, usable - written));
        written = usable / 2;
        fill(block, written, 5);
    }
    eddy_free(block);
}

static void *recalloc_bytes(void *block, size_t size) { return eddy_recalloc(block, size, 1); }

static void rezalloc_grows_with_zeros(void **state) {
    (void)state;
    assert_growth_is_zero(eddy_rezalloc);
}

static void recalloc_grows_with_zeros(void **state) {
    (void)state;
    assert_growth_is_zero(recalloc_bytes);
}

static void rezalloc_shrinks_and_grows_again_with_zeros(void **state) {
    (void)state;
    for (size_t i = 1; i < LENGTH(sizes); i++) {
        unsigned char *block = must(eddy_zalloc(sizes[i]));
        dirty(block);
        block = must(eddy_rezalloc(block, sizes[0]));
        size_t kept = eddy_usable_size(block);
        block = must(eddy_rezalloc(block, sizes[i]));
        size_t usable = eddy_usable_size(block);
        assert_true(kept >= sizes[i] || is_zero(block + kept, usable - kept));
        eddy_free(block);
    }
}

/* ---- expand ---- */

static void expand_succeeds_within_the_usable_size(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = must(eddy_malloc(sizes[i]));
        size_t usable = eddy_usable_size(block);
        assert_ptr_equal(eddy_expand(block, usable), block);
        assert_ptr_equal(eddy_expand(block, 1), block);
        assert_ptr_equal(eddy_expand(block, 0), block);
        eddy_free(block);
    }
}

static void expand_never_moves_the_block_nor_sets_errno(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        for (size_t j = 0; j < LENGTH(sizes); j++) {
            void *block = must(eddy_malloc(sizes[i]));
            fill(block, sizes[i], 6);
            errno = 12345;
            void *expanded = eddy_expand(block, sizes[j]);
            assert_int_equal(errno, 12345);
            assert_true(expanded == NULL || expanded == block);
            assert_true(expanded == NULL || eddy_usable_size(block) >= sizes[j]);
            assert_true(is_filled(block, sizes[i] < sizes[j] ? sizes[i] : sizes[j], 6));
            eddy_free(block);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_zero_gives_distinct_blocks),
        cmocka_unit_test(every_block_is_aligned_to_16),
        cmocka_unit_test(calloc_is_zero),
        cmocka_unit_test(mallocn_gives_the_product),
        cmocka_unit_test(frees_take_null_and_keep_errno),
        cmocka_unit_test(realloc_to_zero_gives_a_block),
        cmocka_unit_test(reallocn_keeps_the_contents),
        cmocka_unit_test(reallocf_keeps_the_contents),
        cmocka_unit_test(rezalloc_grows_with_zeros),
        cmocka_unit_test(recalloc_grows_with_zeros),
        cmocka_unit_test(rezalloc_shrinks_and_grows_again_with_zeros),
        cmocka_unit_test(expand_succeeds_within_the_usable_size),
        cmocka_unit_test(expand_never_moves_the_block_nor_sets_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
