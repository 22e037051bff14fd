/* Threads that do one thing at a time, when told: they put the steps of several threads into one
 * order.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_ACTOR_H
#define EDDY_TEST_COMMON_ACTOR_H

#include <pthread.h>
#include <semaphore.h>

#include "common/test.h"

typedef void actor_step_fn(void *argument);

typedef struct actor {
    pthread_t thread;
    sem_t told, done;
    actor_step_fn *step; /* NULL: end */
    void *argument;
} actor_t;

static inline void *actor_live(void *argument) {
    actor_t *actor = argument;
    for (;;) {
        while (sem_wait(&actor->told) != 0) continue;
        if (actor->step == NULL) return NULL;
        actor->step(actor->argument);
        sem_post(&actor->done);
    }
}

static inline void actor_start(actor_t *actor) {
    assert_int_equal(sem_init(&actor->told, 0, 0), 0);
    assert_int_equal(sem_init(&actor->done, 0, 0), 0);
    assert_int_equal(pthread_create(&actor->thread, NULL, actor_live, actor), 0);
}

/* Have the actor run `step` and go on meanwhile; wait for it later. */
static inline void actor_begin(actor_t *actor, actor_step_fn *step, void *argument) {
    actor->step = step;
    actor->argument = argument;
    sem_post(&actor->told);
}

static inline void actor_wait(actor_t *actor) {
    while (sem_wait(&actor->done) != 0) continue;
}

/* Have the actor run `step`, and return when it has. */
static inline void actor_do(actor_t *actor, actor_step_fn *step, void *argument) {
    actor_begin(actor, step, argument);
    actor_wait(actor);
}

static inline void actor_tell_to_end(actor_t *actor) {
    actor->step = NULL;
    sem_post(&actor->told);
}

/* The thread ends, its exit handlers included. */
static inline void actor_end(actor_t *actor) {
    actor_tell_to_end(actor);
    assert_int_equal(pthread_join(actor->thread, NULL), 0);
    sem_destroy(&actor->told);
    sem_destroy(&actor->done);
}

/* Run `step` in a thread that does nothing else. */
static inline void in_thread(actor_step_fn *step, void *argument) {
    actor_t actor;
    actor_start(&actor);
    actor_do(&actor, step, argument);
    actor_end(&actor);
}

#endif
