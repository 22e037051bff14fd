/* The function that the program has run at slow paths.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_ALLOC_HEARTBEAT_H
#define EDDY_ALLOC_HEARTBEAT_H

#include "base/atomic.h"
#include "eddy.h"
#include "heap/errand.h"
#include "heap/thread.h"

extern _Atomic(eddy_heartbeat_fn *) heartbeat_function hidden_symbol;

/* Run it for a started thread, unless that thread runs it at this moment. */
cold void heartbeat_run(thread_t *thread, bool force);

static always_inline bool heartbeat_is_set(void) {
    return load_relaxed(&heartbeat_function) != NULL;
}

static always_inline void heartbeat(thread_t *thread, bool force) {
    if (unlikely(heartbeat_is_set())) heartbeat_run(thread, force);
}

#endif
