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

RUN(cmocka_unit_test(standard_names_mean_mimalloc))
