/* What the scavenger hears of, and which calls have it started. While a page waits for its last
 * block, which nobody tells it of, it looks less and less often; but it hears of everything else.
 * SPDX-License-Identifier: MIT */
#include <time.h>

#include "common/actor.h"
#include "common/alone.h"
#include "common/inside.h"
#include "heap/scavenge.h"
#include "memory/alarm.h"

enum { SIZE = KIB, BLOCKS = 4 * SLICE_BYTES / SIZE, DECAY_MS = 20, HANGS_SECONDS = 30 };
enum { ALWAYS = 2 }; /* EDDY_OPTION_SCAVENGER */

static void *blocks[BLOCKS];

static void free_every_second(void *unused) {
    (void)unused;
    for (size_t i = 0; i < BLOCKS; i += 2) eddy_free(blocks[i]);
}

static void the_scavenger_listens_while_a_page_waits(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    alarm(HANGS_SECONDS);
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = must(eddy_malloc(SIZE));
    in_thread(free_every_second, NULL);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, DECAY_MS), 0);
    assert_int_equal(eddy_option_set(EDDY_OPTION_SCAVENGER, ALWAYS), 0);
    while (!scavenge_is_running()) eddy_free(must(eddy_malloc(8 << 20)));
    while (load_relaxed(&alarm_word) != ALARM_ASLEEP) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_true(stats_now().pending > 0);
    for (size_t i = 1; i < BLOCKS; i += 2) eddy_free(blocks[i]);
    scavenge_stop();
}

/* A pass finds nothing in a current page; listed, it may be emptied without a trace. */
static void a_page_that_is_listed_with_what_others_freed_rings(void **state) {
    (void)state;
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = NULL;
    for (size_t i = 0; i < 4; i++) blocks[i] = must(eddy_malloc(SIZE));
    in_thread(free_every_second, NULL);
    (void)alarm_set();
    lock_acquire(&own_heap()->lock);
    heap_put_aside_current(own_heap());
    lock_release(&own_heap()->lock);
    assert_true(alarm_is_rung());
    alarm_leave();
    for (size_t i = 1; i < 4; i += 2) eddy_free(blocks[i]);
}

static void allocate_and_free(void) {
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = must(eddy_malloc(SIZE));
    for (size_t i = 0; i < BLOCKS; i++) eddy_free(blocks[i]);
}

/* Before the scavenger is known to run, owners look at the clock themselves. */
static void a_heap_that_looks_at_the_clock_rings_all_the_same(void **state) {
    (void)state;
    allocate_and_free();
    eddy_collect();
    (void)alarm_set();
    assert_true(heap_arm(own_heap()));
    (void)heap_housekeep(own_heap(), os_now_ms());
    assert_false(alarm_is_rung());
    allocate_and_free();
    assert_true(alarm_is_rung());
    alarm_leave();
}

/* ---- started by large objects alone ---- */

enum { LARGE = MIB, ALIGNMENT = 4 * KIB };

typedef void *call_fn(void *object);

static void *allocate_aligned(void *object) {
    eddy_free(object);
    return eddy_malloc_aligned(LARGE, ALIGNMENT);
}

static void *reallocate(void *object) {
    eddy_free(object);
    return eddy_realloc(NULL, LARGE);
}

static void *resize(void *object) {
    bool is_long = object != NULL && eddy_usable_size(object) > LARGE;
    return eddy_realloc(object, is_long ? LARGE : LARGE / 2 * 3);
}

static void large_objects_of_any_call_have_it_started(void **state) {
    (void)state;
    static call_fn *const calls[] = {allocate_aligned, reallocate, resize};
    alarm(HANGS_SECONDS);
    assert_int_equal(eddy_option_set(EDDY_OPTION_SCAVENGER, ALWAYS), 0);
    for (size_t i = 0; i < LENGTH(calls); i++) {
        void *object = NULL;
        while (!scavenge_is_running()) object = must(calls[i](object));
        scavenge_stop();
        eddy_free(object);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scavenger_listens_while_a_page_waits),
        cmocka_unit_test(a_page_that_is_listed_with_what_others_freed_rings),
        cmocka_unit_test(a_heap_that_looks_at_the_clock_rings_all_the_same),
        cmocka_unit_test(large_objects_of_any_call_have_it_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
