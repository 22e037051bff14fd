/* Whoever else holds the lock of a heap, and wherever in that he stops: the owner goes on in malloc
 * and free, with what the heap retains.
 * SPDX-License-Identifier: MIT */
#include "common/late.h"
#include "common/preempt.h"
#include "heap/idle.h"
#include "heap/remote.h"
#include "heap/scavenge.h"

enum { PAGES = 4 };
enum { OTHER_SIZE = 4 * KIB, OTHER_PAGES = 3 };

static heap_t *owned;
static void *full[OTHER_PAGES * SLICE_BYTES / OTHER_SIZE];
static size_t holds; /* how often the owner's lock was held where the other one stopped */

/* ---- the owner ---- */

static void retain_pages(void *unused) {
    (void)unused;
    start_clean();
    owned = own_heap();
    turn_windows(owned, 2);
    burst_fill(&burst, SIZE, PAGES);
    burst_free_all(&burst);
}

static void allocate_and_free(void *unused) {
    (void)unused;
    allocate_pages(PAGES - 1);
    free_blocks();
}

static void nothing_is_late_or_lost(void *unused) {
    (void)unused;
    turn_a_page();
    assert_settled(owned);
    eddy_collect();
    check(live_blocks() == 0);
}

/* ---- the others ---- */

static bool lock_is_held(void) {
    bool held_now = load_relaxed(&owned->lock.word) != 0;
    holds += held_now;
    return held_now;
}

static void the_owner_never_waits_for(actor_step_fn *prepare, actor_step_fn *other) {
    holds = 0;
    preempt_other(&(race_t){prepare, allocate_and_free, other, nothing_is_late_or_lost},
                  lock_is_held);
    assert_true(holds > 0);
}

static void pass(void *unused) {
    (void)unused;
    scavenge_pass(os_now_ms());
}

static void the_scavenger_looks_at_the_pages(void **state) {
    (void)state;
    the_owner_never_waits_for(retain_pages, pass);
}

/* What is retained exceeds the demand. */
static void pass_when_windows_have_ended(void *unused) {
    clock_next_window();
    pass(unused);
    clock_next_window();
    pass(unused);
}

static void the_scavenger_releases_pages(void **state) {
    (void)state;
    the_owner_never_waits_for(retain_pages, pass_when_windows_have_ended);
}

static void allocate_elsewhere(void *unused) {
    (void)unused;
    eddy_free(must(eddy_malloc(SIZE)));
}

static void another_heap_takes_a_page(void **state) {
    (void)state;
    the_owner_never_waits_for(retain_pages, allocate_elsewhere);
}

static void allocate_longer_elsewhere(void *unused) {
    (void)unused;
    eddy_free(must(eddy_malloc(2 * SLICE_BYTES)));
}

static void another_heap_has_pages_released(void **state) {
    (void)state;
    the_owner_never_waits_for(retain_pages, allocate_longer_elsewhere);
}

/* Of other pages of the owner, which another thread empties. */
static void retain_pages_beside_full_ones(void *unused) {
    retain_pages(unused);
    for (size_t i = 0; i < LENGTH(full); i++) full[i] = must(eddy_malloc(OTHER_SIZE));
}

static void empty_and_have_retire(void *unused) {
    (void)unused;
    for (size_t i = 0; i < LENGTH(full); i++) eddy_free(full[i]);
    remote_flush(thread_self);
    idle_retire(owned, own_heap());
}

static void another_heap_has_emptied_pages_retire(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    the_owner_never_waits_for(retain_pages_beside_full_ones, empty_and_have_retire);
}

static void collect(void *unused) {
    (void)unused;
    eddy_collect();
}

static void another_thread_collects(void **state) {
    (void)state;
    the_owner_never_waits_for(retain_pages, collect);
}

static void report(void *unused) {
    (void)unused;
    (void)stats_now();
}

static void another_thread_reports(void **state) {
    (void)state;
    the_owner_never_waits_for(retain_pages, report);
}

int main(void) {
#define test(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        test(the_scavenger_looks_at_the_pages), test(the_scavenger_releases_pages),
        test(another_heap_takes_a_page),        test(another_heap_has_emptied_pages_retire),
        test(another_heap_has_pages_released),  test(another_thread_collects),
        test(another_thread_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
