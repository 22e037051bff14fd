/* What the tests of the mimalloc layer share. For C and C++.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_MIMALLOC_LAYER_H
#define EDDY_TEST_MIMALLOC_LAYER_H

#include "../common/test.h"
#include "mimalloc.h"

static const size_t sizes[] = {0, 1, 16, 100, 1000, 1024, 5000, 8193, 70000, 200 * KIB, 3 * MIB};

static inline void assert_no_memory(void *block) {
    assert_null(block);
    assert_int_equal(errno, ENOMEM);
    errno = 0;
}

/* A program that runs its tests and nothing else. */
#define RUN(...)                                                                                   \
    int main(void) {                                                                               \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                           \
        return cmocka_run_group_tests(tests, NULL, NULL);                                          \
    }

#endif
