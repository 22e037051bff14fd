/* How much was in use lately: the peak over two windows of time, the one that runs and the last one
 * before it in which somebody looked: a peak is remembered while everything sleeps, and for one
 * more window. What is free may be kept up to that peak and no further, so that a load that swings
 * keeps what its swings need, a steady one keeps nothing, and keeping never raises the peak of who
 * keeps.
 *
 * Both layers that keep memory use it: heaps for their pages, the span layer for its slices. The
 * owner of the struct guards it.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MEMORY_DEMAND_H
#define EDDY_MEMORY_DEMAND_H

#include "base/atomic.h"
#include "base/base.h"
#include "config/options.h"

/* Invariant: in_use <= peak. */
typedef struct demand {
    size_t in_use;
    size_t peak;
    size_t peak_before;
    uint64_t window;
} demand_t;

static inline void demand_rise(demand_t *demand, size_t n) {
    demand->in_use += n;
    if (demand->in_use > demand->peak) demand->peak = demand->in_use;
}

static inline void demand_fall(demand_t *demand, size_t n) {
    assert_debug(demand->in_use >= n);
    demand->in_use -= n;
}

/* The number of the window that `now_ms` lies in. A window is half the decay time: what is not
 * needed any more is kept for at least half of it, and leaves a layer within all of it. Pages leave
 * two, one after the other: the spans that they become are dirty for half of it more. */
static inline uint64_t demand_window(uint64_t now_ms) {
    int64_t decay_ms = option_get(EDDY_OPTION_DECAY_MS);
    if (decay_ms < 0) return 0;
    return now_ms / (decay_ms >= 2 ? (uint64_t)decay_ms / 2 : 1);
}

/* True when the window is a new one. */
static inline bool demand_turn(demand_t *demand, uint64_t window_now) {
    if (window_now == demand->window) return false;
    demand->window = window_now;
    demand->peak_before = demand->peak;
    demand->peak = demand->in_use;
    return true;
}

/* The process holds more than the soft limit (memory/span.c): nothing is kept that need not be. */
extern _Atomic bool demand_is_tight hidden_symbol;

/* How much may be kept beside what is in use. */
static inline size_t demand_allowance(const demand_t *demand) {
    if (option_get(EDDY_OPTION_DECAY_MS) == 0) return 0;
    if (unlikely(load_relaxed(&demand_is_tight))) return 0;
    return size_max(demand->peak, demand->peak_before) - demand->in_use;
}

#endif
