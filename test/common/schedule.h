/* Random schedules: a thread may lose the processor before each atomic operation of Eddy.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_SCHEDULE_H
#define EDDY_TEST_COMMON_SCHEDULE_H

#include "base/atomic.h"
#include "common/stress.h"

static _Thread_local uint64_t schedule_random;

static void schedule_yield(void) {
    static atomic_uint_fast64_t threads;
    if (schedule_random == 0) schedule_random = crew_seed(1000 + atomic_fetch_add(&threads, 1));
    uint32_t dice = random_below(&schedule_random, 1024);
    if (dice == 0) {
        nanosleep(&(struct timespec){0, (long)random_below(&schedule_random, 50000)}, NULL);
    } else if (dice < 64) {
        sched_yield();
    }
}

static inline int schedule_start(void **state) {
    (void)state;
    schedule_hook = schedule_yield;
    return 0;
}

static inline int schedule_stop(void **state) {
    (void)state;
    schedule_hook = NULL;
    return 0;
}

/* The same test once more, for the list of tests. */
#define under_random_schedules(test)                                                               \
    { #test "_under_random_schedules", test, schedule_start, schedule_stop, NULL }

#endif
