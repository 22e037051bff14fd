/* Threads that burst on and on while memory is being returned in the background: they make no
 * system call about memory and take no page fault, exactly.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "common/test.h"
#include "common/watched.h"

enum {
    THREADS = 2,
    BURST_BYTES = 8 << 20,
    BLOCKS = BURST_BYTES / 64,
    DECAY_MS = 1600,    /* long, so that a busy machine gets through */
    WARM_UP_MS = 1700,  /* by then the scavenger runs, and windows have turned */
    STEADY_MS = 2500,   /* three windows more */
    PAUSE_MS_MAX = 200, /* four rounds of this, and the peak is out of the policy's sight */
    ATTEMPTS = 4,
};

typedef struct worker {
    pthread_t thread;
    size_t size, faults;
    int64_t longest_ms;
    void *blocks[BLOCKS];
} worker_t;

static worker_t workers[THREADS];
static pthread_barrier_t together;
static eddy_counters_t before, after;

static void rise(worker_t *worker) {
    for (size_t i = 0; i < BURST_BYTES / worker->size; i++) {
        worker->blocks[i] = malloc(worker->size);
        *(volatile char *)worker->blocks[i] = 1;
    }
}

static void fall(worker_t *worker) {
    for (size_t i = 0; i < BURST_BYTES / worker->size; i++) free(worker->blocks[i]);
}

static int64_t run_for(worker_t *worker, int64_t ms) {
    int64_t longest = 0, begin = now_ms(), now = begin;
    while (now < begin + ms) {
        rise(worker);
        fall(worker);
        int64_t last = now;
        now = now_ms();
        if (now - last > longest) longest = now - last;
    }
    return longest;
}

static void *work(void *argument) {
    worker_t *worker = argument;
    run_for(worker, WARM_UP_MS);
    pthread_barrier_wait(&together);
    /* Threads whose bursts never overlapped so far have served each other: the peak of both at once
     * is part of the warm-up. */
    rise(worker);
    pthread_barrier_wait(&together);
    if (worker == workers) eddy_counters(&before, sizeof before);
    pthread_barrier_wait(&together);
    fall(worker);
    size_t faults_before = faults();
    worker->longest_ms = run_for(worker, STEADY_MS);
    worker->faults = faults() - faults_before;
    pthread_barrier_wait(&together);
    if (worker == workers) eddy_counters(&after, sizeof after);
    pthread_barrier_wait(&together);
    return NULL;
}

/* False when other programs held the processor for so long that nothing is to be said. */
static bool is_steady(size_t size) {
    check(pthread_barrier_init(&together, NULL, THREADS) == 0);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].size = size;
        check(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    bool busy = false;
    for (size_t i = 0; i < THREADS; i++) {
        check(pthread_join(workers[i].thread, NULL) == 0);
        busy |= workers[i].longest_ms > PAUSE_MS_MAX;
    }
    pthread_barrier_destroy(&together);
    if (busy) return false;
    assert_int_equal(workers[0].faults, 0);
    assert_int_equal(workers[1].faults, 0);
    assert_int_equal(after.memory_system_calls - before.memory_system_calls, 0);
    assert_int_equal(after.spans_purged - before.spans_purged, 0);
    assert_int_equal(after.pages_made - before.pages_made, 0);
    return true;
}

/* Whether this machine was too busy to tell, for some size. */
static bool untold;

static void bursts_stay_steady(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_SCAVENGER, 2);
    eddy_option_set(EDDY_OPTION_DECAY_MS, DECAY_MS);
    for (size_t size = 64; size <= 4096; size *= 64) {
        int attempts = 0;
        while (attempts < ATTEMPTS && !is_steady(size)) attempts++;
        if (attempts == ATTEMPTS) {
            print_message("size %zu: this machine is too busy to tell\n", size);
            untold = true;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bursts_stay_steady)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed == 0 && untold ? SKIPPED : failed;
}
