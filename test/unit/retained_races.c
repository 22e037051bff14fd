/* Retained pages that the owner, without its heap's lock, and whoever has the lock take and keep at
 * the same time, in every order with one switch between the two.
 * SPDX-License-Identifier: MIT */
#include "common/late.h"
#include "common/preempt.h"
#include "heap/errand.h"
#include "heap/idle.h"
#include "heap/retain.h"

enum { PAGES = 4 };

/* The current page is used up, others of its class retained, and the heap's lock held. */
static void retain_under_lock(void *unused) {
    (void)unused;
    start_clean();
    burst_fill(&burst, SIZE, PAGES);
    burst_free_all(&burst);
    allocate_pages(1);
    hold_lock();
}

static void allocate_one_more(void *unused) {
    (void)unused;
    blocks[LIMIT] = seal(must(eddy_malloc(SIZE)), SIZE);
}

static void let_lock_go_and_wait(void) {
    let_lock_go_soon();
    actor_wait(&holder);
}

static void the_page_is_the_owners_alone(void *unused) {
    (void)unused;
    page_t *page = page_of(blocks[LIMIT]);
    check(page->state == PAGE_CURRENT && load_relaxed(&page->heap) == own_heap());
    check(!retains(page));
    heap_verify(own_heap());
    free_blocks();
    turn_a_page();
    assert_settled(own_heap());
}

/* ---- under the lock ---- */

static void release_slices(size_t slices) {
    list_t detached;
    list_init(&detached);
    heap_detach_retained(held, slices, &detached);
    idle_free(&detached);
    let_lock_go_and_wait();
}

static void release_one(void *unused) {
    (void)unused;
    release_slices(1);
}

static void release_all(void *unused) {
    (void)unused;
    release_slices(SIZE_MAX);
}

static void keep_one_more(void *unused) {
    (void)unused;
    bool is_zero;
    page_t *page = span_allocate(1, 1, SPAN_FROM_ANY, &is_zero);
    check(page != NULL);
    page_make(page, held, class_of(SIZE), is_zero);
    page_extend(page, 0);
    heap_keep_beside(held, page);
    let_lock_go_and_wait();
}

/* ---- an errand that goes away ---- */

static size_t released_before;

static void retain_beside_an_errand(void *unused) {
    (void)unused;
    start_clean();
    burst_fill(&burst, SIZE, PAGES);
    burst_free_all(&burst);
    allocate_pages(1);
    (void)errand_set(ERRAND_HEARTBEAT, true);
    released_before = counters_now().pages_released;
}

static void end_errand(void *unused) {
    (void)unused;
    (void)errand_set(ERRAND_HEARTBEAT, false);
}

static void nothing_was_released(void *unused) {
    (void)unused;
    check(counters_now().pages_released == released_before);
    check(blocks[LIMIT] != NULL);
    free_blocks();
}

#define RACE(other)                                                                                \
    preempt_everywhere(                                                                            \
        &(race_t){retain_under_lock, allocate_one_more, other, the_page_is_the_owners_alone})

static void taking_a_page_races_with_releasing_one(void **state) {
    (void)state;
    RACE(release_one);
}

static void taking_a_page_races_with_releasing_all(void **state) {
    (void)state;
    RACE(release_all);
}

static void taking_a_page_races_with_keeping_one_more(void **state) {
    (void)state;
    RACE(keep_one_more);
}

/* A malloc that has just found the errand has not been refused memory. */
static void an_errand_that_ends_meanwhile_empties_no_heap(void **state) {
    (void)state;
    preempt_everywhere(
        &(race_t){retain_beside_an_errand, allocate_one_more, end_errand, nothing_was_released});
}

int main(void) {
#define test(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        test(taking_a_page_races_with_releasing_one),
        test(taking_a_page_races_with_releasing_all),
        test(taking_a_page_races_with_keeping_one_more),
        test(an_errand_that_ends_meanwhile_empties_no_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
