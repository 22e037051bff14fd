/* The scavenger: a thread that returns memory while the program is idle, and while it is not, so
 * that no allocating thread has to.
 *
 * Once in a window of the demand (memory/demand.h) it turns the window of every heap and releases
 * what the heap retains beyond its allowance, takes the pages that other threads emptied while
 * their owner looked elsewhere (heap/idle.h), and purges the free spans beyond theirs. When nothing
 * is left to return it sleeps until the alarm is rung (memory/alarm.h). While frees of other
 * threads wait in pages beside live blocks it looks at them every fourth window: the last block may
 * be freed without a trace.
 *
 * It is a guest in the program's process:
 *  - It has no record, and allocates nothing.
 *  - It is started by the slow path of malloc alone, never while a lock of Eddy is held, and
 *    neither from a call of the loader itself (starting a thread makes some, too) nor in a thread
 *    whose exit handler has run. What the C library calls of the program, as handlers of fork and
 *    constructors of libraries, is not told from its other code (docs/design.md).
 *  - It does not keep a process alive whose main thread has ended: the last thread with a record
 *    ends it, and waits until it has ended. Should the last thread end unseen (heap/thread.h), the
 *    scavenger finds that all threads are gone.
 *  - The child of a fork has none, and starts its own when it needs one.
 * When it cannot be started the slow paths do the work, and it is tried again later.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_SCAVENGE_H
#define EDDY_HEAP_SCAVENGE_H

#include "base/atomic.h"
#include "base/base.h"

/* STARTING and ENDING belong to the one thread that brought the state about. */
typedef enum scavenge_state {
    SCAVENGE_ABSENT,
    SCAVENGE_STARTING,
    SCAVENGE_RUNNING,
    SCAVENGE_ENDING
} scavenge_state_t;

extern _Atomic uint32_t scavenge_state hidden_symbol;

static always_inline bool scavenge_is_running(void) {
    return load_relaxed(&scavenge_state) == SCAVENGE_RUNNING;
}

/* Have the next slow path of malloc start it if it is time. For any slow path and the start of a
 * thread; at the turn of a window it looks closer. */
void scavenge_consider(uint64_t now_ms, bool turned);
/* Whether it may be in the midst of something, and may have been at the moment of a fork. */
static inline bool scavenge_is_absent(void) {
    return load_relaxed(&scavenge_state) == SCAVENGE_ABSENT;
}
/* Start it if it is time, in a call that code at `caller` made, and that got its memory: what
 * starting costs is not for a call that fails. True when it was tried, which allocates. */
bool scavenge_start(const void *caller);
/* The last thread with a record has ended. */
void scavenge_stop(void);
/* A report is asked for (heap/errand.h): wake the scavenger to make it; while it does not run, the
 * next slow path of malloc does. For handlers of signals: takes no lock. */
void scavenge_call_report(void);
/* The main thread has ended. */
void scavenge_outlive_main(void);
/* In the child of a fork. */
void scavenge_repair(void);

/* What the scavenger does once in a window, for tests to do it at a time of their own. */
typedef enum scavenge_result {
    SCAVENGE_NOTHING, /* is left to return */
    SCAVENGE_WAITING, /* for the last block of some pages */
    SCAVENGE_BUSY     /* there will be more to return when the windows pass */
} scavenge_result_t;
scavenge_result_t scavenge_pass(uint64_t now_ms);

#endif
