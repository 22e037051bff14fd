/* What a slow path of malloc is to do besides: before it looks for memory, but the scavenger is
 * started once there is some. One word, so that it costs one test when there is nothing. Set by any
 * thread, anywhere; done where a thread may be started and memory allocated and freed.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_ERRAND_H
#define EDDY_HEAP_ERRAND_H

#include "base/atomic.h"
#include "base/base.h"

typedef enum errand {
    ERRAND_HEARTBEAT = 1, /* the program has a function that runs now and then; stays set */
    ERRAND_SCAVENGER = 2, /* the scavenger is to be started; whoever does it clears it */
    ERRAND_REPORT = 4     /* a signal asked for a report; the scavenger makes it if it runs */
} errand_t;

extern _Atomic uint32_t errands hidden_symbol;

static always_inline bool errand_any(void) { return unlikely(load_relaxed(&errands) != 0); }

/* Whether it was set. Ordered: a signal's handler sets an errand and rings, the scavenger sets the
 * alarm and looks. */
bool errand_set(errand_t errand, bool on);

typedef void errand_fn(void);
/* What a report is. Once, before anything asks for one. */
void errand_on_report(errand_fn *function);
/* Make the report if one is asked for. No lock may be held. */
void errand_report(void);

#endif
