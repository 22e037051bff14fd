/* A child forked at any point of the scavenger's loop, while it works, rests or leaves: it has a
 * whole allocator, starts a scavenger of its own, and its parent's goes on.
 * SPDX-License-Identifier: MIT */
#include <semaphore.h>
#include <sys/prctl.h>
#include <time.h>

#include "common/forked.h"
#include "common/rollup.h"
#include "heap/scavenge.h"
#include "memory/alarm.h"

enum { KEPT = 100, SIZE = KIB, DECAY_MS = 20 };
/* Atomic operations of several rounds: of such with something to return, and of such without. */
enum { POINTS = 300 };
enum { NEVER = 0, ALWAYS = 2 }; /* EDDY_OPTION_SCAVENGER */

static void *kept[KEPT];

/* ---- the scavenger stops before its n-th operation, counted from a moment on ---- */

static struct {
    size_t at;
    atomic_size_t seen;
    atomic_bool counts;
    sem_t reached, resumed;
} stop;

static bool is_scavenger(void) {
    static _Thread_local char name[16];
    if (name[0] == '\0') prctl(PR_GET_NAME, name);
    return strcmp(name, "eddy-scavenger") == 0;
}

static void stop_at_point(void) {
    if (!is_scavenger() || !atomic_load(&stop.counts)) return;
    if (atomic_fetch_add(&stop.seen, 1) + 1 != stop.at) return;
    sem_post(&stop.reached);
    while (sem_wait(&stop.resumed) != 0) continue;
}

static void start_it(void) {
    check(eddy_option_set(EDDY_OPTION_SCAVENGER, ALWAYS) == 0);
    while (!scavenge_is_running()) child_allocate(NULL);
}

static void let_it_leave(void) {
    check(eddy_option_set(EDDY_OPTION_SCAVENGER, NEVER) == 0);
    while (!scavenge_is_absent()) {
        alarm_ring_always();
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
}

/* False when it has left before. */
static bool stops(void) {
    while (sem_trywait(&stop.reached) != 0) {
        if (scavenge_is_absent()) return false;
        alarm_ring_always();
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return true;
}

/* ---- the child ---- */

static void live(void) {
    schedule_hook = NULL;
    child_allocate_in_two_threads();
    for (size_t i = 0; i < KEPT; i++) sealed_free(kept[i]);
    start_it();
    check(kernel_threads() >= 2);
    eddy_collect();
    check(live_blocks() == 0);
}

/* ---- tests ---- */

/* Whether there is such a point. */
static bool fork_at(size_t point, bool leaves) {
    start_it();
    stop.at = point;
    atomic_store(&stop.seen, 0);
    atomic_store(&stop.counts, true);
    if (leaves) check(eddy_option_set(EDDY_OPTION_SCAVENGER, NEVER) == 0);
    bool stopped = stops();
    if (stopped) {
        fork_and_wait(live);
        sem_post(&stop.resumed);
    }
    atomic_store(&stop.counts, false);
    let_it_leave();
    return stopped;
}

static int keep_some(void **state) {
    (void)state;
    check(eddy_option_set(EDDY_OPTION_DECAY_MS, DECAY_MS) == 0);
    check(sem_init(&stop.reached, 0, 0) == 0 && sem_init(&stop.resumed, 0, 0) == 0);
    for (size_t i = 0; i < KEPT; i++) kept[i] = sealed_malloc(SIZE);
    schedule_hook = stop_at_point;
    return 0;
}

static int drop_all(void **state) {
    (void)state;
    schedule_hook = NULL;
    for (size_t i = 0; i < KEPT; i++) sealed_drop(&kept[i]);
    return live_blocks() == 0 ? 0 : -1;
}

static void a_fork_at_every_point_of_the_loop(void **state) {
    (void)state;
    if (SANITIZED) skip();
    for (size_t point = 1; point <= POINTS; point++) assert_true(fork_at(point, false));
}

static void a_fork_at_every_point_of_its_end(void **state) {
    (void)state;
    if (SANITIZED) skip();
    size_t point = 1;
    while (fork_at(point, true)) point++;
    assert_true(point > 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fork_at_every_point_of_the_loop, keep_some, drop_all),
        cmocka_unit_test_setup_teardown(a_fork_at_every_point_of_its_end, keep_some, drop_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
