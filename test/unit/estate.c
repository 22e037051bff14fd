/* Estates: the pages of ended threads serve whoever needs them, one by one.
 * SPDX-License-Identifier: MIT */
#include "heap/estate.h"

#include "common/actor.h"
#include "common/alone.h"
#include "common/burst.h"
#include "common/clock.h"
#include "common/faults.h"
#include "common/forked.h"
#include "heap/idle.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "memory/alarm.h"

static const size_t page_size = 1000;

static burst_t burst;
static void *extra; /* the only block of its page */

static int end(void **state) {
    burst_free_all(&burst);
    eddy_free(extra);
    extra = NULL;
    return tear_down_clean(state);
}

static void fill_pages(void *pages) { burst_fill(&burst, page_size, *(size_t *)pages); }

static void fill_page_and_begin_another(void *unused) {
    (void)unused;
    burst_fill(&burst, page_size, 1);
    extra = must(eddy_malloc(page_size));
    assert_ptr_not_equal(page_of(extra), burst.page[0]);
}

static void free_half(size_t page) {
    for (size_t j = 0; j < burst.limit; j += 2) burst_free(&burst, page, j);
    remote_flush(thread_self);
}

/* Pages of an ended thread, half of whose blocks another has freed. */
static void leave_pages(size_t pages) {
    in_thread(fill_pages, &pages);
    for (size_t i = 0; i < pages; i++) free_half(i);
}

/* The running thread has the record of the one that has left them. */
static void take_record(void *unused) {
    (void)unused;
    eddy_free(must(eddy_malloc(1)));
    assert_ptr_equal(own_heap()->estate, load_relaxed(&burst.page[0]->heap));
}

/* thread_nobody does: so a free of another thread gathers, as it did while the owner was there. */
static void no_thread_owns_a_page_that_is_left(void **state) {
    (void)state;
    leave_pages(3);
    for (size_t i = 0; i < burst.pages; i++) {
        heap_t *estate = load_relaxed(&burst.page[i]->heap);
        assert_ptr_equal(load_relaxed(&burst.page[i]->owner), &thread_nobody);
        assert_null(load_relaxed(&estate->thread));
        assert_int_equal(load_relaxed(&estate->state), HEAP_DEAD);
        assert_int_equal(estate->demand.in_use, burst.pages * burst.slices);
        heap_verify(estate);
    }
}

static void pages_left_serve_others_while_their_record_has_a_thread(void **state) {
    (void)state;
    actor_t next;
    actor_start(&next);
    leave_pages(3);
    actor_do(&next, take_record, NULL);
    heap_t *estate = load_relaxed(&burst.page[0]->heap);
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    assert_risen(before, pages_adopted, 3);
    assert_risen(before, pages_made, 0);
    assert_int_equal(estate->demand.in_use, 0);
    actor_end(&next);
}

static void take_one_block(void *unused) {
    (void)unused;
    heap_t *estate = load_relaxed(&burst.page[0]->heap);
    size_t taken = burst_take(&burst);
    for (size_t i = 0; i < burst.pages; i++) {
        bool adopted = i == taken;
        page_t *page = burst.page[i];
        assert_ptr_equal(load_relaxed(&page->heap), adopted ? own_heap() : estate);
        assert_ptr_equal(load_relaxed(&page->owner), adopted ? thread_self : &thread_nobody);
    }
    assert_int_equal(own_heap()->demand.in_use, burst.slices);
    assert_int_equal(estate->demand.in_use, 2 * burst.slices);
    heap_verify(own_heap());
    heap_verify(estate);
}

static void the_next_thread_adopts_them_one_by_one(void **state) {
    (void)state;
    leave_pages(3);
    in_thread(take_one_block, NULL);
}

/* As the scavenger does, when nothing is idle. */
static bool has_more_to_look_at(heap_t *heap) {
    list_t detached;
    list_init(&detached);
    idle_round_t round = {.number = 1, .detached = &detached};
    idle_sweep(heap, &round);
    assert_true(list_is_empty(&detached));
    return round.aging;
}

/* Who freed the block had looked for the page's heap before, and comes to its tokens now. */
static block_t *leave_behind(heap_t *estate) {
    block_t *token = burst.block[0][0];
    burst.block[0][0] = NULL;
    token->next = NULL;
    store_relaxed(&estate->tokens, token);
    return token;
}

static void a_token_that_comes_behind_an_adoption_finds_its_page(void **state) {
    (void)state;
    leave_pages(1);
    heap_t *estate = load_relaxed(&burst.page[0]->heap);
    burst_refill(&burst);
    assert_ptr_equal(load_relaxed(&burst.page[0]->heap), own_heap());
    block_t *token = leave_behind(estate);
    assert_true(has_more_to_look_at(estate));
    assert_null(load_relaxed(&estate->tokens));
    assert_ptr_equal(load_relaxed(&own_heap()->tokens), token);
}

/* The same token, settled by a thread that is to adopt more: the scavenger may have seen the page's
 * heap already. */
static void one_that_is_passed_on_while_others_adopt_rings(void **state) {
    (void)state;
    leave_pages(1);
    heap_t *estate = load_relaxed(&burst.page[0]->heap);
    burst_refill(&burst);
    leave_behind(estate);
    (void)alarm_set();
    lock_acquire(&estate->lock);
    heap_settle_for(estate, burst.page[0]->size_class);
    lock_release(&estate->lock);
    bool rung = alarm_is_rung();
    alarm_leave();
    assert_true(rung);
    assert_non_null(load_relaxed(&own_heap()->tokens));
}

static void use_up_what_is_linked(void *unused) {
    (void)unused;
    page_t *begun = page_of(extra);
    void *others[64];
    size_t count = 0, linked = begun->capacity - 1;
    assert_in_range(linked, 1, LENGTH(others) - 1);
    eddy_counters_t before = counters_now();
    for (; count < linked; count++) others[count] = must(eddy_malloc(page_size));
    assert_ptr_equal(page_of(others[linked - 1]), begun);
    burst_refill(&burst);
    assert_risen(before, extensions, 0);
    others[count++] = must(eddy_malloc(page_size));
    assert_risen(before, extensions, 1);
    assert_ptr_equal(page_of(others[linked]), begun);
    while (count > 0) eddy_free(others[--count]);
}

static void pages_left_come_before_blocks_that_were_never_linked(void **state) {
    (void)state;
    in_thread(fill_page_and_begin_another, NULL);
    free_half(0);
    in_thread(use_up_what_is_linked, NULL);
}

static void refill_in_child(void) {
    forked_check();
    for (size_t i = 0; i < burst.pages; i++)
        check(load_relaxed(&burst.page[i]->owner) == &thread_nobody);
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    check(load_relaxed(&burst.page[0]->heap) == own_heap());
    assert_risen(before, pages_made, 0);
}

static void the_child_of_a_fork_adopts_them(void **state) {
    (void)state;
    leave_pages(3);
    heap_t *estate = load_relaxed(&burst.page[0]->heap);
    fork_and_wait(refill_in_child);
    assert_ptr_equal(load_relaxed(&burst.page[0]->heap), estate);
}

/* What Eddy has of its own memory is used up, and the kernel gives no more. */
static void refuse_structs(void) {
    faults_start(FAULT_KIND(OS_RESERVE), 1, FOR_EVER);
    while (registry_allocate(sizeof(heap_t)) != NULL) continue;
}

static void refill_as_own(void *unused) {
    (void)unused;
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    assert_risen(before, pages_adopted, 0);
    assert_risen(before, pages_made, 0);
    assert_ptr_equal(load_relaxed(&burst.page[0]->heap), own_heap());
}

/* The first of the tests: the record is a new one, which has no estate yet. */
static void without_memory_for_an_estate_pages_stay_with_the_record(void **state) {
    (void)state;
    size_t pages = 3;
    actor_t first;
    actor_start(&first);
    actor_do(&first, fill_pages, &pages);
    heap_t *heap = load_relaxed(&burst.page[0]->heap);
    assert_null(heap->estate);
    refuse_structs();
    actor_end(&first);
    faults_stop();
    assert_null(heap->estate);
    assert_int_equal(load_relaxed(&heap->state), HEAP_DEAD);
    assert_int_equal(heap->demand.in_use, pages * burst.slices);
    for (size_t i = 0; i < pages; i++) free_half(i);
    in_thread(refill_as_own, NULL);
}

#define ESTATE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_clean, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        ESTATE_TEST(without_memory_for_an_estate_pages_stay_with_the_record),
        ESTATE_TEST(no_thread_owns_a_page_that_is_left),
        ESTATE_TEST(pages_left_serve_others_while_their_record_has_a_thread),
        ESTATE_TEST(the_next_thread_adopts_them_one_by_one),
        ESTATE_TEST(a_token_that_comes_behind_an_adoption_finds_its_page),
        ESTATE_TEST(one_that_is_passed_on_while_others_adopt_rings),
        ESTATE_TEST(pages_left_come_before_blocks_that_were_never_linked),
        ESTATE_TEST(the_child_of_a_fork_adopts_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
