/* A burst of a thread that retains all that it empties: set up and torn down for each test, and one
 * such burst after the other.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_RETAINING_H
#define EDDY_TEST_COMMON_RETAINING_H

#include "common/burst.h"

static burst_t burst;

static inline int start(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
    eddy_option_set(EDDY_OPTION_RETAIN_MAX, 256 * MIB);
    start_clean();
    heap_housekeep(own_heap(), os_now_ms());
    return 0;
}

static inline int end(void **state) {
    heap_verify(own_heap());
    burst_free_all(&burst);
    return tear_down_clean(state);
}

#define FOR_EACH_SIZE(size)                                                                        \
    for (size_t index_ = 0, size; index_ < LENGTH(burst_sizes) && (size = burst_sizes[index_]);    \
         index_++, burst_free_all(&burst), start_clean())

#endif
