/* What the probe of common/speed.h takes at full speed, in nanoseconds: the driver tells it to the
 * benchmark programs. Not the least of many, but what one in twenty stays within: a processor may
 * run faster for a moment than it can for long.
 * SPDX-License-Identifier: MIT */
#include "speed.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

enum { PROBES = 50000, SECONDS = 1, ONE_IN = 20 };

static int compare(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int main(void) {
    static uint64_t probes[PROBES];
    const uint64_t end = clock_ns(CLOCK_MONOTONIC) + SECONDS * 1000000000u;
    size_t count = 0;
    while (count < PROBES && clock_ns(CLOCK_MONOTONIC) < end) probes[count++] = speed_probe_ns();
    qsort(probes, count, sizeof *probes, compare);
    printf("%llu\n", (unsigned long long)probes[count / ONE_IN]);
    return 0;
}
