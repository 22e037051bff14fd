/* Every interleaving of two threads with one switch: one of them stops before its n-th atomic
 * operation until the other has done all that it has to do, for every n. Where the other one has to
 * wait for a lock that the stopped one holds, the stopped one goes on after a moment.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_PREEMPT_H
#define EDDY_TEST_COMMON_PREEMPT_H

#include <time.h>

#include "base/atomic.h"
#include "common/actor.h"

enum { PATIENCE_MS = 3, LONG_MS = 240000 };

/* What the threads do. When `owner` is NULL, its thread ends, and `settled` is called after
 * that. */
typedef struct race {
    actor_step_fn *prepare; /* by the owner, alone */
    actor_step_fn *owner, *other;
    actor_step_fn *settled; /* by the owner, when both are done */
} race_t;

static struct {
    size_t at;                  /* stop before this operation, counted from 1 */
    bool (*may_not_wait)(void); /* whether, where one is stopped, the other may not wait for it */
    atomic_size_t seen;
    sem_t reached, resumed;
} preempt;

static _Thread_local bool preempt_counts;

static inline void preempt_hook(void) {
    if (!preempt_counts || atomic_fetch_add(&preempt.seen, 1) + 1 != preempt.at) return;
    sem_post(&preempt.reached);
    while (sem_wait(&preempt.resumed) != 0) continue;
}

static inline struct timespec preempt_deadline(long patience_ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += patience_ms % 1000 * 1000000;
    until.tv_sec += patience_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

/* Whether the actor is through with its step, or has ended, before that time is over. */
static inline bool preempt_is_through(actor_t *actor, bool ends, long patience_ms) {
    struct timespec until = preempt_deadline(patience_ms);
    if (ends) return pthread_timedjoin_np(actor->thread, NULL, &until) == 0;
    int result;
    do {
        result = sem_timedwait(&actor->done, &until);
    } while (result != 0 && errno == EINTR);
    return result == 0;
}

static inline void preempt_count(void *unused) {
    (void)unused;
    preempt_counts = true;
}

static inline void preempt_begin(actor_t *actor, actor_step_fn *step) {
    if (step != NULL) {
        actor_begin(actor, step, NULL);
    } else {
        actor_tell_to_end(actor);
    }
}

/* Wait until the watched thread stops (true) or is through. */
static inline bool preempt_stops(actor_t *watched, bool ends) {
    for (;;) {
        if (sem_trywait(&preempt.reached) == 0) return true;
        if (preempt_is_through(watched, ends, 0)) return false;
        nanosleep(&(struct timespec){.tv_nsec = 10000}, NULL);
    }
}

/* `watched` stops before its n-th operation, and goes on when `beside` is through or has to wait.
 * False when it does not get as far. */
static inline bool preempt_steps(actor_t *watched, actor_step_fn *watched_step, actor_t *beside,
                                 actor_step_fn *beside_step, size_t n) {
    bool watched_ends = watched_step == NULL, beside_ends = beside_step == NULL;
    actor_do(watched, preempt_count, NULL);
    preempt.at = n;
    atomic_store(&preempt.seen, 0);
    preempt_begin(watched, watched_step);
    bool stopped = preempt_stops(watched, watched_ends);
    bool waits = stopped && !(preempt.may_not_wait != NULL && preempt.may_not_wait());
    preempt_begin(beside, beside_step);
    bool through = preempt_is_through(beside, beside_ends, waits ? PATIENCE_MS : LONG_MS);
    assert_true(through || waits);
    if (stopped) {
        sem_post(&preempt.resumed);
        assert_true(preempt_is_through(watched, watched_ends, LONG_MS));
    }
    assert_true(through || preempt_is_through(beside, beside_ends, LONG_MS));
    return stopped;
}

static inline bool preempt_run(const race_t *race, bool owner_stops, size_t n) {
    actor_t owner, other;
    actor_start(&owner);
    actor_start(&other);
    actor_do(&owner, race->prepare, NULL);
    bool stopped = owner_stops ? preempt_steps(&owner, race->owner, &other, race->other, n)
                               : preempt_steps(&other, race->other, &owner, race->owner, n);
    preempt.at = 0;
    if (race->owner != NULL) {
        actor_do(&owner, race->settled, NULL);
        actor_end(&owner);
    }
    actor_end(&other);
    if (race->owner == NULL) race->settled(NULL);
    return stopped;
}

static inline void preempt_set_up(void) {
    schedule_hook = preempt_hook;
    sem_init(&preempt.reached, 0, 0);
    sem_init(&preempt.resumed, 0, 0);
}

/* One in `apart` of them, with either thread as the one that stops. */
static inline void preempt_apart(const race_t *race, size_t apart) {
    preempt_set_up();
    for (int owner_stops = 0; owner_stops <= 1; owner_stops++) {
        size_t n = 1;
        while (preempt_run(race, owner_stops != 0, n)) n += apart;
        assert_true(n > 1);
    }
    schedule_hook = NULL;
}

/* All of them. */
static inline void preempt_everywhere(const race_t *race) { preempt_apart(race, 1); }

/* Those in which the other one stops. Where `may_not_wait` holds, the owner has to get through
 * while it is stopped. */
static inline void preempt_other(const race_t *race, bool (*may_not_wait)(void)) {
    preempt_set_up();
    preempt.may_not_wait = may_not_wait;
    size_t n = 1;
    while (preempt_run(race, false, n)) n++;
    preempt.may_not_wait = NULL;
    schedule_hook = NULL;
}

#endif
