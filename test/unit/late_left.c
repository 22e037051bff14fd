/* What becomes of pages that are late when their owner does not come back to them: others take
 * them, the thread or the heap ends, the process forks.
 * SPDX-License-Identifier: MIT */
#include "common/forked.h"
#include "common/late.h"
#include "heap/remote.h"
#include "heap/scavenge.h"

/* ---- others take what was counted out ---- */

/* The pages' memory is another thread's by now, and partial there. */
static void collect_and_allocate(void *unused) {
    (void)unused;
    eddy_collect();
    allocate_pages(3);
    for (size_t i = 0; i < 2; i++) {
        sealed_free(blocks[i * LIMIT]);
        blocks[i * LIMIT] = NULL;
    }
}

static void free_blocks_of_other(void *unused) {
    (void)unused;
    free_blocks();
}

static void a_page_taken_meanwhile_is_left_alone(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    actor_t other;
    actor_start(&other);
    burst_fill(&burst, SIZE, 3);
    hold_lock();
    burst_free_page(&burst, 0);
    burst_free_page(&burst, 1);
    let_lock_go();
    actor_do(&other, collect_and_allocate, NULL);
    page_t *again = page_of(blocks[1]);
    assert_true(again == burst.page[0] || again == burst.page[1]);
    /* Emptied there, too, and late. */
    hold_lock_of(load_relaxed(&again->heap));
    actor_do(&other, free_blocks_of_other, NULL);
    let_lock_go();
    eddy_free(must(eddy_malloc(64)));
    assert_settled(own_heap());
    heap_verify(load_relaxed(&again->heap));
    actor_end(&other);
    burst_free_all(&burst);
}

/* A page of a thread that sleeps from now on; main has the lock of its heap. */
static heap_t *sleeper_heap;

static void fill_three_pages(void *unused) {
    (void)unused;
    start_clean();
    sleeper_heap = own_heap();
    burst_fill(&burst, SIZE, 3);
}

static void open_first_page(void *unused) {
    (void)unused;
    for (size_t i = 0; i < WAKE; i++) burst_free(&burst, 0, i);
}

static void empty_first_page(void *unused) {
    (void)unused;
    burst_free_page(&burst, 0);
}

static void free_all(void *unused) {
    (void)unused;
    burst_free_all(&burst);
}

static void pages_of_a_sleeping_owner_go_back(void (*take)(void)) {
    actor_t sleeper;
    if (!os_barrier_available()) skip();
    actor_start(&sleeper);
    actor_do(&sleeper, fill_three_pages, NULL);
    hold_lock_of(sleeper_heap);
    actor_do(&sleeper, empty_first_page, NULL);
    let_lock_go();
    take();
    assert_null(load_relaxed(&burst.page[0]->heap));
    burst_forget(&burst, 0);
    actor_do(&sleeper, free_all, NULL);
    actor_end(&sleeper);
}

static void pass_twice(void) {
    scavenge_pass(os_now_ms());
    scavenge_pass(os_now_ms());
}

static void collect(void) { eddy_collect(); }

static void the_scavenger_takes_a_late_page_of_a_sleeping_owner(void **state) {
    (void)state;
    pages_of_a_sleeping_owner_go_back(pass_twice);
}

static void collecting_takes_a_late_page_of_a_sleeping_owner(void **state) {
    (void)state;
    pages_of_a_sleeping_owner_go_back(collect);
}

/* No slow path sees the last block go: the page has counted out before. */
static void a_late_page_that_is_emptied_slowly_goes_back(void **state) {
    (void)state;
    actor_t sleeper;
    if (!os_barrier_available()) skip();
    actor_start(&sleeper);
    actor_do(&sleeper, fill_three_pages, NULL);
    hold_lock_of(sleeper_heap);
    actor_do(&sleeper, open_first_page, NULL);
    let_lock_go();
    eddy_collect();
    assert_int_equal(scavenge_pass(os_now_ms()), SCAVENGE_WAITING);
    actor_do(&sleeper, empty_first_page, NULL);
    pass_twice();
    assert_null(load_relaxed(&burst.page[0]->heap));
    burst_forget(&burst, 0);
    actor_do(&sleeper, free_all, NULL);
    actor_end(&sleeper);
}

static void fill_first_page_again(void *unused) {
    (void)unused;
    burst_free_page(&burst, 1);
    allocate_pages(3);
}

static void empty_first_page_again(void *unused) {
    (void)unused;
    for (size_t i = 0; i < 3 * LIMIT; i++) {
        if (page_of(blocks[i]) != burst.page[0]) continue;
        sealed_free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void free_all_again(void *unused) {
    free_all(unused);
    free_blocks();
}

static void a_late_page_that_served_again_is_not_taken_at_first_sight(void **state) {
    (void)state;
    actor_t sleeper;
    if (!os_barrier_available()) skip();
    actor_start(&sleeper);
    actor_do(&sleeper, fill_three_pages, NULL);
    void (*empty[])(void *) = {empty_first_page, empty_first_page_again};
    for (size_t life = 0; life < LENGTH(empty); life++) {
        hold_lock_of(sleeper_heap);
        actor_do(&sleeper, empty[life], NULL);
        let_lock_go();
        scavenge_pass(os_now_ms());
        assert_ptr_equal(load_relaxed(&burst.page[0]->heap), sleeper_heap);
        if (life == 0) actor_do(&sleeper, fill_first_page_again, NULL);
    }
    actor_do(&sleeper, free_all_again, NULL);
    actor_end(&sleeper);
}

/* ---- ends ---- */

/* Of another thread: pages used up and pages counted out, none of them listed. */
static void leave_late_pages(void *unused) {
    (void)unused;
    burst_fill(&burst, SIZE, 3);
    hold_lock();
    burst_free_page(&burst, 0);
    allocate_pages(3);
    free_blocks();
    burst_free(&burst, 1, 0);
    let_lock_go();
    check(own_heap()->late.any);
}

static void a_thread_ends_with_late_pages(void **state) {
    (void)state;
    in_thread(leave_late_pages, NULL);
    burst_free_all(&burst);
    remote_flush(thread_self);
    eddy_collect();
    assert_int_equal(live_blocks(), 0);
}

static void a_first_class_heap_ends_with_late_pages(void **state) {
    (void)state;
    eddy_heap_t *heap = eddy_heap_new();
    void *first = must(eddy_heap_malloc(heap, SIZE));
    hold_lock_of(load_relaxed(&page_of(first)->heap));
    for (size_t i = 0; i < 3 * LIMIT; i++) must(eddy_heap_malloc(heap, SIZE));
    let_lock_go();
    eddy_heap_destroy(heap);
    assert_int_equal(live_blocks(), 0);
    eddy_collect();
    assert_int_equal(stats_now().free_in_pages, 0);
}

static void a_deleted_heap_leaves_its_late_pages(void **state) {
    (void)state;
    eddy_heap_t *heap = eddy_heap_new();
    blocks[0] = seal(must(eddy_heap_malloc(heap, SIZE)), SIZE);
    hold_lock_of(load_relaxed(&page_of(blocks[0])->heap));
    for (size_t i = 1; i < 3 * LIMIT; i++) {
        blocks[i] = seal(must(eddy_heap_malloc(heap, SIZE)), SIZE);
    }
    let_lock_go();
    eddy_heap_delete(heap);
    free_blocks();
}

static void a_heap_that_is_standard_no_more_counts_its_late_pages(void **state) {
    (void)state;
    eddy_heap_t *heap = eddy_heap_new();
    hold_lock();
    allocate_pages(2);
    let_lock_go();
    eddy_heap_t *before = eddy_heap_set_default(heap);
    assert_settled(own_heap());
    free_blocks();
    (void)eddy_heap_set_default(before);
    eddy_heap_delete(heap);
}

/* ---- forks ---- */

static void go_on_in_child(void) {
    heap_verify(own_heap());
    burst_free_all(&burst);
    turn_a_page();
    assert_settled(own_heap());
    if (!THREAD_SANITIZER) child_allocate_in_two_threads();
    eddy_collect();
    check(live_blocks() == 0);
}

static void the_forking_threads_late_pages_stay(void **state) {
    (void)state;
    turn_windows(own_heap(), 2);
    leave_late_pages(NULL);
    fork_and_wait(go_on_in_child);
    turn_a_page();
    assert_settled(own_heap());
    burst_free_all(&burst);
}

static void free_of_vanished(void) {
    burst_free_all(&burst);
    remote_flush(thread_self);
    child_allocate(NULL);
    eddy_collect();
    check(live_blocks() == 0);
}

static void fork_by_another(void *unused) {
    (void)unused;
    child_allocate(NULL);
    fork_and_wait(free_of_vanished);
}

static void late_pages_of_a_vanished_thread_are_free_in_the_child(void **state) {
    (void)state;
    leave_late_pages(NULL);
    in_thread(fork_by_another, NULL);
    burst_free_all(&burst);
}

static void use_what_was_retained(void) {
    heap_verify(own_heap());
    allocate_pages(3);
    assert_settled(own_heap());
    free_blocks();
    eddy_collect();
    check(live_blocks() == 0);
}

static void retained_pages_are_free_in_the_child(void **state) {
    (void)state;
    allocate_pages(3);
    free_blocks();
    hold_lock();
    fork_and_wait(use_what_was_retained);
    let_lock_go();
    heap_verify(own_heap());
}

int main(void) {
    child_prepare();
#define test(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        test(a_page_taken_meanwhile_is_left_alone),
        test(the_scavenger_takes_a_late_page_of_a_sleeping_owner),
        test(collecting_takes_a_late_page_of_a_sleeping_owner),
        test(a_late_page_that_is_emptied_slowly_goes_back),
        test(a_late_page_that_served_again_is_not_taken_at_first_sight),
        test(a_thread_ends_with_late_pages),
        test(a_first_class_heap_ends_with_late_pages),
        test(a_deleted_heap_leaves_its_late_pages),
        test(a_heap_that_is_standard_no_more_counts_its_late_pages),
        test(the_forking_threads_late_pages_stay),
        test(late_pages_of_a_vanished_thread_are_free_in_the_child),
        test(retained_pages_are_free_in_the_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
