/* The standard names under mimalloc-override.h. The test harness keeps its own.
 * SPDX-License-Identifier: MIT */
#include "layer.h"

#include "mimalloc-override.h"

static void standard_names_mean_mimalloc(void **state) {
    (void)state;
    void *aligned;
    assert_int_equal(posix_memalign(&aligned, 64, 100), 0);
    void *blocks[] = {malloc(10),
                      calloc(2, 10),
                      realloc(NULL, 10),
                      strdup("eddy"),
                      strndup("eddy", 2),
                      realpath("/", NULL),
                      aligned_alloc(64, 64),
                      memalign(64, 64),
                      valloc(10),
                      pvalloc(10),
                      reallocarray(NULL, 2, 10),
                      reallocf(NULL, 10),
                      _aligned_malloc(10, 64),
                      _recalloc(NULL, 2, 10),
                      aligned};
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        assert_true(mi_is_in_heap_region(blocks[i]));
        assert_true(malloc_usable_size(blocks[i]) > 0);
        free(blocks[i]);
    }
}

static void names_of_windows_do_so_too(void **state) {
    (void)state;
    char *value = NULL;
    void *aligned = NULL;
    setenv("EDDYING", "round", 1);
    assert_int_equal(_dupenv_s(&value, NULL, "EDDYING"), 0);
    assert_int_equal(_posix_memalign(&aligned, 64, 100), 0);
    void *blocks[] = {_strdup("eddy"),
                      _strndup("eddy", 2),
                      _mbsdup((const unsigned char *)"eddy"),
                      _wcsdup(L"eddy"),
                      _aligned_realloc(NULL, 10, 64),
                      _aligned_recalloc(NULL, 2, 10, 64),
                      _aligned_offset_malloc(10, 64, 8),
                      _aligned_offset_realloc(NULL, 10, 64, 8),
                      _aligned_offset_recalloc(NULL, 2, 10, 64, 8),
                      value,
                      aligned};
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        assert_true(mi_is_in_heap_region(blocks[i]));
        assert_int_equal(_msize(blocks[i]), _aligned_msize(blocks[i], 64, 8));
        assert_ptr_equal(_expand(blocks[i], 1), blocks[i]);
        _aligned_free(blocks[i]);
    }
}

static void names_of_other_systems_do_so_too(void **state) {
    (void)state;
    size_t live = live_blocks();
    void *block = NULL;
    assert_int_equal(reallocarr(&block, 2, 10), 0);
    assert_true(mi_is_in_heap_region(block));
    assert_int_equal(malloc_size(block), malloc_good_size(20));
    cfree(block);
    assert_int_equal(live_blocks(), live);
}

RUN(cmocka_unit_test(standard_names_mean_mimalloc), cmocka_unit_test(names_of_windows_do_so_too),
    cmocka_unit_test(names_of_other_systems_do_so_too))
