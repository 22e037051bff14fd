/* Whether the processor runs at full speed right now. It often shares its core with another, which
 * may belong to a neighbour on the same machine whom nobody here can see: what that one does slows
 * this one down by up to a factor of two, for microseconds or for seconds, and no clock of this
 * side leaves it out. The probe is a loop that needs nothing but the core, so that any delay of it
 * is somebody else's doing.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_SPEED_H
#define BENCH_SPEED_H

#include <stdbool.h>
#include <stdint.h>

/* How long the probe takes now: some 20 us. */
uint64_t speed_probe_ns(void);

/* Whether it takes what it takes at full speed, `full_ns`; always true where that is 0: unknown. */
bool speed_is_full(uint64_t full_ns);

#endif
