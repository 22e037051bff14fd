/* What a benchmark under test is watched by: the clock and the running thread's page faults.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_WATCHED_H
#define EDDY_TEST_COMMON_WATCHED_H

#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

static inline int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline size_t faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (size_t)usage.ru_minflt;
}

#endif
