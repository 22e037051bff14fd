/* Preloaded beside an allocator, it makes everything take 5 % longer: what a benchmark program
 * measures, and the processor time of any program. test/lab/repeated has the laboratory find it.
 * SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "measure.h"

enum { ONE_IN = 20 };

static void spend(clockid_t clock, uint64_t nanoseconds) {
    const uint64_t end = clock_ns(clock) + nanoseconds;
    while (clock_ns(clock) < end) continue;
}

__attribute__((visibility("default"))) void bench_dawdle(clockid_t clock, uint64_t start) {
    spend(clock, (clock_ns(clock) - start) / ONE_IN);
}

__attribute__((destructor)) static void dawdle_at_exit(void) {
    spend(CLOCK_PROCESS_CPUTIME_ID, clock_ns(CLOCK_PROCESS_CPUTIME_ID) / ONE_IN);
}
