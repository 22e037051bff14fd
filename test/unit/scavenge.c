/* What the scavenger does in one pass, beside owners at every point of theirs, forks at every point
 * of its own, and a kernel that refuses. The pass is made by threads of the test.
 * SPDX-License-Identifier: MIT */
#include "heap/scavenge.h"
#include "common/burst.h"
#include "common/clock.h"
#include "common/faults.h"
#include "common/forked.h"
#include "common/preempt.h"
#include "common/retaken.h"
#include "heap/remote.h"

enum { SIZE = 8 * KIB, LIMIT = SLICE_BYTES / SIZE, PAGES = 12 };

const char *eddy_options = "scavenger=never";

static burst_t burst;

static int start(void **state) {
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
    return set_up_clean(state);
}

static int end(void **state) {
    schedule_hook = NULL;
    faults_stop();
    return tear_down_clean(state);
}

/* The thread sanitizer does without barriers, and so without taking pages from running owners. */
static void need_barriers(void) {
    if (!os_barrier_available()) skip();
}

static size_t slices_used(void) {
    span_totals_t totals;
    span_totals(&totals);
    return totals.used;
}

static scavenge_result_t pass(void) { return scavenge_pass(os_now_ms()); }

static void pass_twice(void *unused) {
    (void)unused;
    pass();
    pass();
}

static void fill_pages(void *unused) {
    (void)unused;
    start_clean();
    burst_fill(&burst, SIZE, PAGES);
}

static void fill_two_pages(void *unused) {
    (void)unused;
    start_clean();
    burst_fill(&burst, SIZE, 2);
}

static void free_remotely(size_t page, size_t from) {
    for (size_t j = from; j < burst.limit; j++) burst_free(&burst, page, j);
    remote_flush(thread_self);
}

static void free_all(void *unused) {
    (void)unused;
    burst_free_all(&burst);
}

/* ---- what is returned ---- */

static void what_is_retained_goes_with_the_windows(void **state) {
    (void)state;
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_pages, NULL);
    actor_do(&owner, free_all, NULL);
    assert_int_equal(counters_now().retained_slices, PAGES - 1);
    assert_int_equal(pass(), SCAVENGE_BUSY);
    for (int windows = 0; windows < 5; windows++) {
        clock_next_window();
        pass();
    }
    assert_int_equal(pass(), SCAVENGE_NOTHING);
    assert_int_equal(counters_now().retained_slices, 0);
    assert_int_equal(stats_now().dirty, 0);
    assert_int_equal(stats_now().current_empty, SLICE_BYTES);
    actor_end(&owner);
}

static void never_keeps_everything(void **state) {
    (void)state;
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_pages, NULL);
    actor_do(&owner, free_all, NULL);
    eddy_option_set(EDDY_OPTION_DECAY_MS, -1);
    for (int windows = 0; windows < 5; windows++) {
        atomic_fetch_add(&clock_now_ms, 1000);
        assert_int_equal(pass(), SCAVENGE_NOTHING);
    }
    assert_int_equal(counters_now().retained_slices, PAGES - 1);
    actor_end(&owner);
}

static void pages_that_others_emptied_are_taken_in_the_second_pass(void **state) {
    (void)state;
    need_barriers();
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_pages, NULL);
    size_t used = slices_used();
    for (size_t i = 0; i < PAGES - 1; i++) free_remotely(i, 0);
    assert_int_equal(pass(), SCAVENGE_BUSY);
    assert_int_equal(slices_used(), used);
    pass();
    assert_int_equal(slices_used(), used - (PAGES - 1));
    actor_do(&owner, free_all, NULL);
    actor_end(&owner);
}

static void a_page_that_its_owner_used_again_is_not_taken(void **state) {
    (void)state;
    need_barriers();
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_two_pages, NULL);
    free_remotely(0, 0);
    pass();
    for (int rounds = 0; rounds < 5; rounds++) {
        /* Both pages are full again, the first one freed by this thread. */
        burst_t *all = &burst;
        actor_do(&owner, (actor_step_fn *)burst_refill, all);
        free_remotely(rounds % 2, 0);
        size_t used = slices_used();
        pass();
        assert_int_equal(slices_used(), used);
    }
    actor_do(&owner, (actor_step_fn *)burst_refill, &burst);
    actor_do(&owner, free_all, NULL);
    actor_end(&owner);
}

static void a_survivor_keeps_its_page_and_little_attention(void **state) {
    (void)state;
    need_barriers();
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_two_pages, NULL);
    free_remotely(0, 1);
    for (int passes = 0; passes < 3; passes++) {
        assert_int_equal(pass(), SCAVENGE_WAITING);
        assert_int_equal(burst.page[0]->heap == NULL, false);
    }
    assert_int_equal(stats_now().pending, (LIMIT - 1) * SIZE);
    actor_do(&owner, free_all, NULL);
    actor_end(&owner);
}

/* ---- beside an owner ---- */

static void free_own_half(void *unused) {
    (void)unused;
    for (size_t j = 0; j < LIMIT / 2; j++) burst_free(&burst, 0, j);
}

static void free_other_half_and_pass(void *unused) {
    free_remotely(0, LIMIT / 2);
    pass_twice(unused);
}

static void settle(void *unused) {
    (void)unused;
    heap_verify(own_heap());
    burst_forget(&burst, 0);
    burst_free_all(&burst);
    heap_verify(own_heap());
}

static void taking_a_page_races_with_the_owners_last_frees(void **state) {
    (void)state;
    need_barriers();
    preempt_everywhere(&(race_t){fill_two_pages, free_own_half, free_other_half_and_pass, settle});
}

static void free_first_page_and_pass(void *unused) {
    free_remotely(0, 0);
    pass_twice(unused);
}

static void free_retaken_and_second_page(void *unused) {
    free_retaken(unused);
    burst_free_page(&burst, 1);
    heap_verify(own_heap());
}

static void taking_a_page_races_with_the_owner_reusing_it(void **state) {
    (void)state;
    need_barriers();
    preempt_everywhere(&(race_t){fill_two_pages, retake_a_page, free_first_page_and_pass,
                                 free_retaken_and_second_page});
}

static void settle_all(void *unused) {
    (void)unused;
    burst_free_all(&burst);
    eddy_collect();
    assert_int_equal(live_blocks(), 0);
    assert_int_equal(slices_used(), 0);
}

static void taking_a_page_races_with_the_end_of_its_thread(void **state) {
    (void)state;
    need_barriers();
    preempt_everywhere(&(race_t){fill_two_pages, NULL, free_first_page_and_pass, settle_all});
}

/* ---- beside a fork ---- */

static void free_second_page(void *unused) {
    (void)unused;
    free_remotely(1, 0);
}

/* One page is retained, one idle, one full, one current. */
static void empty_pages(void *unused) {
    (void)unused;
    start_clean();
    burst_fill(&burst, SIZE, 4);
    burst_free_page(&burst, 0);
    in_thread(free_second_page, NULL);
    clock_next_window();
}

static void make_passes(void *unused) {
    pass_twice(unused);
    clock_next_window();
    clock_next_window();
    pass_twice(unused);
}

static void in_child(void) {
    schedule_hook = NULL;
    child_allocate_in_two_threads();
    burst_free_all(&burst);
    pass_twice(NULL);
    child_allocate(NULL);
    eddy_collect();
    /* A token that the pass had in hand is lost (docs/design.md, "Fork"). */
    check(live_blocks() <= 1);
}

static void fork_one(void *unused) {
    (void)unused;
    (void)live_blocks();
    fork_and_wait(in_child);
}

static void a_fork_at_every_point_of_a_pass(void **state) {
    (void)state;
    need_barriers();
    preempt_everywhere(&(race_t){empty_pages, make_passes, fork_one, settle_all});
}

/* ---- bad weather ---- */

static heap_t *owners_heap;
static size_t purges;

static void note_heap(void *unused) {
    (void)unused;
    owners_heap = own_heap();
}

/* Called in place of the kernel's word on each purge: the owner could go on meanwhile. */
static bool owner_may_go_on(os_call_t call) {
    if (call != OS_PURGE) return false;
    check(lock_try(&owners_heap->lock));
    lock_release(&owners_heap->lock);
    purges++;
    return false;
}

static void only_pass(void) { pass(); }
static void collect(void) { eddy_collect(); }

/* Where freed memory is purged at once, as it is near a limit. */
static void an_owner_may_go_on_during(void look(void)) {
    actor_t owner;
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
    actor_start(&owner);
    actor_do(&owner, fill_pages, NULL);
    actor_do(&owner, note_heap, NULL);
    actor_do(&owner, free_all, NULL);
    eddy_option_set(EDDY_OPTION_DECAY_MS, 0);
    os_fault = owner_may_go_on;
    purges = 0;
    look();
    os_fault = NULL;
    assert_true(purges > 0);
    assert_int_equal(counters_now().retained_slices, 0);
    actor_end(&owner);
}

static void no_owner_waits_for_the_kernel(void **state) {
    (void)state;
    an_owner_may_go_on_during(only_pass);
    an_owner_may_go_on_during(collect);
}

static void a_refused_purge_is_made_up_for(void **state) {
    (void)state;
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_pages, NULL);
    actor_do(&owner, free_all, NULL);
    faults_start(FAULT_KIND(OS_PURGE), 1, FOR_EVER);
    for (int windows = 0; windows < 6; windows++) {
        clock_next_window();
        assert_int_equal(pass(), SCAVENGE_BUSY);
    }
    assert_true(faults_refused() > 0);
    assert_true(stats_now().dirty > 0);
    faults_stop();
    clock_next_window();
    pass();
    assert_int_equal(stats_now().dirty, 0);
    actor_end(&owner);
}

/* What `look` does while the kernel refuses barriers frees nothing; afterwards it frees the page
 * that this thread emptied. */
static void a_page_waits_for_a_refused_barrier(void look(void), unsigned refused_looks) {
    need_barriers();
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_two_pages, NULL);
    assert_true(os_barrier_available());
    size_t used = slices_used();
    free_remotely(0, 0);
    faults_start(FAULT_KIND(OS_BARRIER), 1, FOR_EVER);
    for (unsigned i = 0; i < refused_looks; i++) look();
    assert_int_equal(slices_used(), used);
    faults_stop();
    look();
    assert_int_equal(slices_used(), used - 1);
    actor_do(&owner, free_all, NULL);
    actor_end(&owner);
}

static void pass_that_finds_work(void) { assert_int_equal(pass(), SCAVENGE_BUSY); }

static void pages_wait_for_a_refused_barrier(void **state) {
    (void)state;
    a_page_waits_for_a_refused_barrier(pass_that_finds_work, 3);
}

static void what_is_collected_waits_for_a_refused_barrier(void **state) {
    (void)state;
    a_page_waits_for_a_refused_barrier(collect, 1);
}

static void without_barriers(void) {
    faults_start(FAULT_KIND(OS_BARRIER), 1, FOR_EVER);
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_two_pages, NULL);
    size_t used = slices_used();
    free_remotely(0, 0);
    for (int passes = 0; passes < 3; passes++) pass();
    check(slices_used() == used);
    /* The owner has it as soon as it allocates. */
    actor_do(&owner, (actor_step_fn *)burst_refill, &burst);
    check(slices_used() == used);
    actor_do(&owner, free_all, NULL);
    actor_end(&owner);
}

/* First in its process: the answer of the kernel is remembered. */
static void without_barriers_pages_wait_for_their_owner(void **state) {
    (void)state;
    assert_in_child(without_barriers);
}

static void allocate_until(bool running) {
    for (int i = 0; i < 1000 && scavenge_is_running() != running; i++) {
        void *block = must(eddy_malloc(MIB));
        eddy_free(block);
    }
    check(scavenge_is_running() == running);
}

static void refused_thread(void) {
    faults_start(FAULT_KIND(OS_THREAD), 1, FOR_EVER);
    eddy_option_set(EDDY_OPTION_SCAVENGER, 2);
    for (int i = 0; i < 100; i++) eddy_free(must(eddy_malloc(MIB)));
    check(!scavenge_is_running());
    check(faults_refused() == 1);
    /* The slow paths do the work. */
    for (int windows = 0; windows < 4; windows++) {
        clock_next_window();
        eddy_free(must(eddy_malloc(100 * KIB)));
    }
    check(stats_now().dirty < MIB);
    faults_stop();
    atomic_fetch_add(&clock_now_ms, 60000);
    allocate_until(true);
}

static void a_refused_thread_is_tried_again_later(void **state) {
    (void)state;
    assert_in_child(refused_thread);
}

#define PASS_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)
int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_barriers_pages_wait_for_their_owner),
        cmocka_unit_test(a_refused_thread_is_tried_again_later),
        PASS_TEST(what_is_retained_goes_with_the_windows),
        PASS_TEST(never_keeps_everything),
        PASS_TEST(pages_that_others_emptied_are_taken_in_the_second_pass),
        PASS_TEST(a_page_that_its_owner_used_again_is_not_taken),
        PASS_TEST(a_survivor_keeps_its_page_and_little_attention),
        PASS_TEST(taking_a_page_races_with_the_owners_last_frees),
        PASS_TEST(taking_a_page_races_with_the_owner_reusing_it),
        PASS_TEST(taking_a_page_races_with_the_end_of_its_thread),
        PASS_TEST(a_fork_at_every_point_of_a_pass),
        PASS_TEST(no_owner_waits_for_the_kernel),
        PASS_TEST(a_refused_purge_is_made_up_for),
        PASS_TEST(pages_wait_for_a_refused_barrier),
        PASS_TEST(what_is_collected_waits_for_a_refused_barrier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
