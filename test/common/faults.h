/* Refusing calls to the kernel: the n-th of some kinds, once, from then on, or up to then. Counts
 * all of these calls, those that are refused included.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_FAULTS_H
#define EDDY_TEST_COMMON_FAULTS_H

#include <limits.h>

#include "os/os.h"

typedef enum fault_duration { ONCE, FOR_EVER, UP_TO } fault_duration_t;

#define FAULT_KIND(call) (1u << (call))
#define FAULT_ALL UINT_MAX
#define FAULT_MEMORY (FAULT_KIND(OS_RESERVE) | FAULT_KIND(OS_OPEN))

typedef struct faults {
    unsigned kinds;
    size_t first; /* counted from 1 */
    fault_duration_t duration;
    atomic_size_t asked, refused;
} faults_t;

static faults_t faults;

static inline bool faults_covers(size_t number) {
    switch (faults.duration) {
    case ONCE:
        return number == faults.first;
    case FOR_EVER:
        return number >= faults.first;
    default:
        return number <= faults.first;
    }
}

static inline bool faults_decide(os_call_t call) {
    if ((faults.kinds >> call & 1) == 0) return false;
    bool refuse = faults_covers(atomic_fetch_add(&faults.asked, 1) + 1);
    if (refuse) atomic_fetch_add(&faults.refused, 1);
    return refuse;
}

static inline void faults_start(unsigned kinds, size_t first, fault_duration_t duration) {
    faults.kinds = kinds;
    faults.first = first;
    faults.duration = duration;
    atomic_store(&faults.asked, 0);
    atomic_store(&faults.refused, 0);
    os_fault = faults_decide;
}

static inline void faults_stop(void) { os_fault = NULL; }

/* The thread sanitizer does not know what a membarrier orders: for tests where a thread takes pages
 * from another one that runs. */
static inline void faults_refuse_barriers_unseen(void) {
#if defined(__SANITIZE_THREAD__)
    faults_start(FAULT_KIND(OS_BARRIER), 1, FOR_EVER);
#endif
}

static inline size_t faults_asked(void) { return atomic_load(&faults.asked); }
static inline size_t faults_refused(void) { return atomic_load(&faults.refused); }

#endif
