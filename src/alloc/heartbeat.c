/* SPDX-License-Identifier: MIT */
#include "alloc/heartbeat.h"

_Atomic(eddy_heartbeat_fn *) heartbeat_function;
static _Atomic(void *) heartbeat_argument;

void eddy_on_heartbeat(eddy_heartbeat_fn *function, void *argument) {
    store_relaxed(&heartbeat_argument, argument);
    /* Release pairs with the acquire in heartbeat_run: who sees the function sees its argument. */
    store_release(&heartbeat_function, function);
    errand_set(ERRAND_HEARTBEAT, function != NULL);
}

void heartbeat_run(thread_t *thread, bool force) {
    eddy_heartbeat_fn *function = load_acquire(&heartbeat_function);
    if (function == NULL || thread->in_heartbeat) return;
    thread->in_heartbeat = true;
    function(force, ++thread->heartbeats, load_relaxed(&heartbeat_argument));
    thread->in_heartbeat = false;
}
