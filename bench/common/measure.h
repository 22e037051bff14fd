/* What is read from the machine: time, faults, memory. Nothing here allocates.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* There when test/lab/longer.c is preloaded: called at the end of what is measured since `start`,
 * it makes that take longer. */
extern void bench_dawdle(clockid_t clock, uint64_t start) __attribute__((weak));

void sleep_ms(size_t milliseconds);

/* Minor page faults so far, of the calling thread and of the process. */
uint64_t thread_faults(void);
uint64_t process_faults(void);

/* Resident memory of the process now, that of files in it, which is code and constants, and its
 * highest value; in KiB. */
size_t resident_kib(void);
size_t resident_code_kib(void);
size_t resident_peak_kib(void);

/* The file name of the library that malloc comes from. */
const char *allocator_name(void);

#endif
