/* SPDX-License-Identifier: MIT */
#include "speed.h"

#include "measure.h"

enum { PROBE_STEPS = 30000, SLACK = 10 /* per cent */ };

/* Four additions at a time keep the arithmetic units busy: a loop that waits for one result after
 * the other would hardly notice that it has to share them. */
uint64_t speed_probe_ns(void) {
    const uint64_t start = clock_ns(CLOCK_MONOTONIC);
    uint64_t a = 1, b = 2, c = 3, d = 4;
    for (uint64_t i = 0; i < PROBE_STEPS; i++) {
        a += i;
        b ^= i;
        c -= i;
        d += i;
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    }
    return clock_ns(CLOCK_MONOTONIC) - start;
}

bool speed_is_full(uint64_t full_ns) {
    return full_ns == 0 || speed_probe_ns() <= full_ns + full_ns * SLACK / 100;
}
