/* What a slow path of malloc is to do first, before it looks for memory: one word, so that it costs
 * one test when there is nothing. Set by any thread, anywhere; done where a thread may be started
 * and memory allocated and freed.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_ERRAND_H
#define EDDY_HEAP_ERRAND_H

#include "base/atomic.h"
#include "base/base.h"

typedef enum errand {
    ERRAND_HEARTBEAT = 1, /* the program has a function that runs now and then; stays set */
    ERRAND_SCAVENGER = 2  /* the scavenger is to be started; whoever does it clears it */
} errand_t;

extern _Atomic uint32_t errands hidden_symbol;

static always_inline bool errand_any(void) { return unlikely(load_relaxed(&errands) != 0); }

/* Whether it was set. */
bool errand_set(errand_t errand, bool on);

#endif
