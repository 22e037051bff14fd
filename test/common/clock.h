/* A clock for Eddy that stands still unless told to go on: demand windows end when a test says so,
 * and every counter is exact. Takes the place of the C library's function in this program.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_CLOCK_H
#define EDDY_TEST_COMMON_CLOCK_H

#include <sys/syscall.h>
#include <time.h>

#include "common/test.h"
#include "heap/heap.h"
#include "os/os.h"

static _Atomic uint64_t clock_now_ms = 1000000;
static _Atomic size_t clock_looks;

/* Eddy reads the coarse clock; all others are as ever. */
int clock_gettime(clockid_t id, struct timespec *now) {
    if (id != CLOCK_MONOTONIC_COARSE) return (int)syscall(SYS_clock_gettime, id, now);
    atomic_fetch_add(&clock_looks, 1);
    uint64_t ms = atomic_load(&clock_now_ms);
    *now = (struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    return 0;
}

static inline uint64_t clock_window_ms(void) {
    return (uint64_t)eddy_option_get(EDDY_OPTION_DECAY_MS) / 2;
}

/* A demand window (memory/demand.h) ends. */
static inline void clock_next_window(void) { atomic_fetch_add(&clock_now_ms, clock_window_ms()); }

/* Windows end, and the heap notices each time. */
static inline void turn_windows(heap_t *heap, unsigned windows) {
    for (unsigned i = 0; i < windows; i++) {
        clock_next_window();
        heap_housekeep(heap, os_now_ms());
    }
}

#endif
