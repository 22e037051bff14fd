/* How long single calls take while memory is returned in the background. Threads burst on and on;
 * each malloc and its free are timed, together, by the clock that costs some 20 ns itself. Prints
 * what that took at the given shares of all blocks, without the scavenger and with it, each the
 * median of several runs in turn, and in brackets how far identical runs lie apart.
 *
 *     latency [SECONDS]                  of each run
 *     EDDY_BENCH_GATE=1 latency          fails when p99.99 rises beyond that
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "measure.h"

enum {
    RUNS = 5,
    THREADS = 2,
    BLOCKS = 100000, /* of a burst: many pages */
    SIZE = 64,
    BITS = 5, /* precise to a thirty-second */
    BUCKETS = 64 << BITS,
    MODES = 2,
    SHARES = 4
};

static const char *const modes[MODES] = {"never", "always"};
static const double shares[SHARES] = {0.5, 0.99, 0.9999, 1};
static const char *const share_names[SHARES] = {"p50", "p99", "p99.99", "longest"};
enum { JUDGED = 2 };

/* ---- one run --------------------------------------------------------------------------------- */

typedef struct worker {
    pthread_t thread;
    uint64_t duration_ns;
    void *blocks[BLOCKS];
    uint64_t malloc_ns[BLOCKS];
    uint64_t counts[BUCKETS];
} worker_t;

static size_t bucket_of(uint64_t ns) {
    if (ns < 1u << BITS) return ns;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ns);
    return ((size_t)(exponent - BITS + 1) << BITS) + ((ns >> (exponent - BITS)) - (1u << BITS));
}

static uint64_t bucket_least(size_t bucket) {
    if (bucket < 1u << BITS) return bucket;
    return ((bucket & ((1u << BITS) - 1)) + (1u << BITS)) << ((bucket >> BITS) - 1);
}

static void burst(worker_t *worker, bool counted) {
    for (size_t i = 0; i < BLOCKS; i++) {
        const uint64_t before = clock_ns(CLOCK_MONOTONIC);
        worker->blocks[i] = malloc(SIZE);
        worker->malloc_ns[i] = clock_ns(CLOCK_MONOTONIC) - before;
        bench_touch(worker->blocks[i]);
    }
    for (size_t i = BLOCKS; i-- > 0;) {
        const uint64_t before = clock_ns(CLOCK_MONOTONIC);
        free(worker->blocks[i]);
        const uint64_t free_ns = clock_ns(CLOCK_MONOTONIC) - before;
        if (counted) worker->counts[bucket_of(worker->malloc_ns[i] + free_ns)]++;
    }
}

/* The first half of the time warms up: the scavenger starts, and windows turn. */
static void *work(void *argument) {
    worker_t *worker = argument;
    const uint64_t start = clock_ns(CLOCK_MONOTONIC);
    for (uint64_t ns = 0; ns < worker->duration_ns; ns = clock_ns(CLOCK_MONOTONIC) - start) {
        burst(worker, ns > worker->duration_ns / 2);
    }
    return NULL;
}

static void run(double seconds) {
    worker_t *workers = bench_map(THREADS * sizeof *workers);
    uint64_t total = 0, counted = 0;
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].duration_ns = (uint64_t)(seconds * 1e9);
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            bench_fail("pthread_create", "refused");
        }
    }
    for (size_t i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < THREADS * BUCKETS; i++) {
        total += workers[i / BUCKETS].counts[i % BUCKETS];
    }
    for (size_t bucket = 0, share = 0; bucket < BUCKETS && share < SHARES; bucket++) {
        for (size_t i = 0; i < THREADS; i++) counted += workers[i].counts[bucket];
        for (; share < SHARES && (double)counted >= shares[share] * (double)total; share++) {
            printf("%llu ", (unsigned long long)bucket_least(bucket));
        }
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void run_in_child(const char *mode, char *seconds, double *figures) {
    pid_t child;
    int output[2], status;
    char text[200] = "", *end = text, *arguments[] = {"latency", seconds, "alone", NULL};
    posix_spawn_file_actions_t actions;
    setenv("EDDY_SCAVENGER", mode, 1);
    if (pipe(output) != 0 || posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO) != 0 ||
        posix_spawn(&child, "/proc/self/exe", &actions, NULL, arguments, environ) != 0 ||
        waitpid(child, &status, 0) != child || status != 0 ||
        read(output[0], text, sizeof text - 1) <= 0) {
        bench_fail("a run", mode);
    }
    for (size_t i = 0; i < SHARES; i++) figures[i] = strtod(end, &end);
    posix_spawn_file_actions_destroy(&actions);
    close(output[0]);
    close(output[1]);
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of a share's figures; how far they lie apart, through *spread. */
static double median_of(double runs[RUNS][SHARES], size_t share, double *spread) {
    double sorted[RUNS];
    for (size_t i = 0; i < RUNS; i++) sorted[i] = runs[i][share];
    qsort(sorted, RUNS, sizeof *sorted, compare_doubles);
    *spread = sorted[RUNS - 1] - sorted[0];
    return sorted[RUNS / 2];
}

int main(int argc, char **argv) {
    static double figures[MODES][RUNS][SHARES];
    char *seconds = argc > 1 ? argv[1] : (char[]){"4"};
    if (argc > 2) {
        run(strtod(seconds, NULL));
        return 0;
    }
    for (size_t i = 0; i < RUNS * MODES; i++) {
        run_in_child(modes[i % MODES], seconds, figures[i % MODES][i / MODES]);
    }
    bool judges = getenv("EDDY_BENCH_GATE") != NULL, slower = false;
    puts("ns\twithout scavenger\twith it");
    for (size_t share = 0; share < SHARES; share++) {
        double spread[MODES], median[MODES];
        for (size_t mode = 0; mode < MODES; mode++) {
            median[mode] = median_of(figures[mode], share, &spread[mode]);
        }
        printf("%s\t%.0f (%.0f)\t%.0f (%.0f)\n", share_names[share], median[0], spread[0],
               median[1], spread[1]);
        double most = median[0] + (spread[0] > spread[1] ? spread[0] : spread[1]);
        if (share == JUDGED && median[1] > most) slower = true;
    }
    return judges && slower;
}
