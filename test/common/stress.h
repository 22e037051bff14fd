/* What the stress tests share: their parameters, and threads that start together.
 *
 * A program takes parameters as arguments, `rounds=1000000 seed=7`, so that it runs for seconds by
 * default and for long in the soak tier. `seed` repeats the random choices of a run, though not the
 * schedule that the kernel chose.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_STRESS_H
#define EDDY_TEST_COMMON_STRESS_H

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "common/sanitizer.h"
#include "common/test.h"

/* ---- parameters ---- */

static struct {
    int count;
    char **values;
    int known;
    uint64_t seed;
} stress_arguments;

/* The value of an argument `name=value`. */
static inline size_t stress_argument(const char *name, size_t standard) {
    size_t length = strlen(name);
    for (int i = 1; i < stress_arguments.count; i++) {
        const char *text = stress_arguments.values[i];
        if (strncmp(text, name, length) != 0 || text[length] != '=') continue;
        stress_arguments.known++;
        return strtoull(text + length + 1, NULL, 10);
    }
    return standard;
}

/* Once, first in main; every other argument is asked for behind it, then stress_run. */
static inline void stress_start(int argc, char **argv) {
    stress_arguments.count = argc;
    stress_arguments.values = argv;
    stress_arguments.seed = stress_argument("seed", (size_t)time(NULL) % 1000000);
    print_message("seed=%zu\n", (size_t)stress_arguments.seed);
}

#define stress_run(tests) (stress_check_arguments(), cmocka_run_group_tests(tests, NULL, NULL))

static inline void stress_check_arguments(void) {
    if (stress_arguments.known == stress_arguments.count - 1) return;
    fprintf(stderr, "unknown argument; all of them are NAME=NUMBER\n");
    exit(2);
}

/* ---- threads ---- */

typedef void crew_fn(size_t index, uint64_t *random);

typedef struct crew {
    crew_fn *work;
    pthread_barrier_t *together;
    size_t index;
} crew_t;

static inline uint64_t crew_seed(size_t index) { return stress_arguments.seed * 1000 + index; }

static inline void *crew_member(void *argument) {
    crew_t *crew = argument;
    uint64_t random = crew_seed(crew->index);
    pthread_barrier_wait(crew->together);
    crew->work(crew->index, &random);
    return NULL;
}

/* Run `work` in so many threads that begin at the same moment, until all have ended. */
static inline void crew_run(size_t threads, crew_fn *work) {
    enum { CREW_MAX = 64 };
    pthread_t ids[CREW_MAX];
    crew_t members[CREW_MAX];
    pthread_barrier_t together;
    check(threads <= CREW_MAX);
    check(pthread_barrier_init(&together, NULL, (unsigned)threads) == 0);
    for (size_t i = 0; i < threads; i++) {
        members[i] = (crew_t){work, &together, i};
        check(pthread_create(&ids[i], NULL, crew_member, &members[i]) == 0);
    }
    for (size_t i = 0; i < threads; i++) check(pthread_join(ids[i], NULL) == 0);
    pthread_barrier_destroy(&together);
}

#endif
