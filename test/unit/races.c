/* Frees, retiring, collecting and thread ends of two threads that use one page, in every order with
 * one switch between the threads: no block is lost or handed out twice.
 * SPDX-License-Identifier: MIT */
#include "common/alone.h"
#include "common/burst.h"
#include "common/clock.h"
#include "common/faults.h"
#include "common/preempt.h"
#include "common/retaken.h"
#include "heap/idle.h"
#include "heap/registry.h"
#include "heap/remote.h"

enum { SIZE = 8 * KIB, LIMIT = SLICE_BYTES / SIZE };

static size_t size = SIZE; /* of the burst's blocks */
static burst_t burst;
static void *kept;
static eddy_counters_t before; /* the race: taken by who prepares it */

static int start(void **state) {
    faults_refuse_barriers_unseen();
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
    return set_up_clean(state);
}

static int end(void **state) {
    schedule_hook = NULL;
    return tear_down_clean(state);
}

static void free_remotely(size_t page, size_t index) {
    burst_free(&burst, page, index);
    remote_flush(thread_self);
}

/* The page's blocks come back, each once; then nothing is live. */
static void refill_and_free(void *unused) {
    (void)unused;
    heap_verify(own_heap());
    burst_refill(&burst);
    heap_verify(own_heap());
    burst_free_all(&burst);
    heap_verify(own_heap());
}

/* ---- a free here, a free there ---- */

static void fill_two_pages(void *unused) {
    (void)unused;
    start_clean();
    burst_fill(&burst, size, 2);
}

/* The first page has two live blocks left, of those numbered 0 and 1. */
static void leave_two_blocks(void *unused) {
    fill_two_pages(unused);
    for (size_t j = 2; j < burst.limit; j++) burst_free(&burst, 0, j);
    before = counters_now();
}

static void free_first_block(void *unused) {
    (void)unused;
    burst_free(&burst, 0, 0);
}

static void free_second_block_remotely(void *unused) {
    (void)unused;
    free_remotely(0, 1);
}

/* Whichever was the last, the page waits with what was freed remotely, for one slow entry that
 * takes it; nothing retires, and nothing is made. */
static void refill_by_collecting(void *unused) {
    check(burst.page[0]->state == PAGE_PARTIAL);
    check(pending_count(load_relaxed(&burst.page[0]->thread_free)) == 1);
    burst_refill(&burst);
    check(risen(before, slow_entries) == 2);
    check(risen(before, promotions_malloc) == 1);
    check(risen(before, pages_retired) == 0);
    check(risen(before, pages_released) == 0);
    check(risen(before, pages_made) == 0);
    check(risen(before, extensions) == 0);
    refill_and_free(unused);
}

static void the_last_local_free_races_with_the_last_remote_one(void **state) {
    (void)state;
    static const size_t sizes[] = {64, 1000, SIZE, 40000};
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size = sizes[i];
        preempt_everywhere(&(race_t){leave_two_blocks, free_first_block, free_second_block_remotely,
                                     refill_by_collecting});
    }
    size = SIZE;
}

static void the_first_frees_of_a_full_page_race(void **state) {
    (void)state;
    preempt_everywhere(
        &(race_t){fill_two_pages, free_first_block, free_second_block_remotely, refill_and_free});
}

/* ---- a free there as the page fills up ---- */

static void fill_a_page(void *unused) {
    (void)unused;
    start_clean();
    burst_fill(&burst, SIZE, 1);
}

static void allocate_one_more(void *unused) {
    (void)unused;
    kept = must(eddy_malloc(SIZE));
    memset(kept, 1, SIZE);
}

/* What was allocated is either the block that was freed, or in a new page. */
static void settle_one_more(void *unused) {
    (void)unused;
    heap_verify(own_heap());
    check(page_of(kept) != burst.page[0] || kept == slice_address(burst.page[0]) + SIZE);
    eddy_free(kept);
    burst_free_all(&burst);
}

static void filling_up_races_with_a_remote_free(void **state) {
    (void)state;
    preempt_everywhere(
        &(race_t){fill_a_page, allocate_one_more, free_second_block_remotely, settle_one_more});
}

static void free_all_remotely(void *unused) {
    (void)unused;
    for (size_t j = 0; j < LIMIT; j++) free_remotely(0, j);
}

static void allocating_races_with_remote_frees_of_the_page(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){fill_a_page, retake_a_page, free_all_remotely, free_retaken});
}

/* ---- another thread collects ---- */

static void leave_one_block(void *unused) {
    leave_two_blocks(unused);
    burst_free(&burst, 0, 1);
}

static void collect(void *unused) {
    (void)unused;
    eddy_collect();
}

static void settle_current_page(void *unused) {
    (void)unused;
    heap_verify(own_heap());
    burst_forget(&burst, 0);
    refill_and_free(NULL);
}

static void retiring_races_with_collecting(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){leave_one_block, free_first_block, collect, settle_current_page});
}

/* Takes the emptied page's memory for a page of its own, and fills it. */
static void collect_and_allocate(void *unused) {
    eddy_collect();
    retake_a_page(unused);
    void *more = must(eddy_malloc(SIZE));
    heap_verify(own_heap());
    free_retaken(unused);
    eddy_free(more);
}

static void retiring_races_with_a_new_life_of_the_page(void **state) {
    (void)state;
    preempt_everywhere(
        &(race_t){leave_one_block, free_first_block, collect_and_allocate, settle_current_page});
}

static void collect_while_others_free(void *unused) {
    free_second_block_remotely(unused);
    eddy_collect();
}

static void a_token_races_with_collecting(void **state) {
    (void)state;
    preempt_everywhere(
        &(race_t){fill_two_pages, free_first_block, collect_while_others_free, refill_and_free});
}

/* ---- another thread needs memory ---- */

static void have_it_retire(void *unused) {
    (void)unused;
    idle_retire(load_relaxed(&burst.page[1]->heap), own_heap());
}

static void retiring_races_with_another_thread_that_has_the_page_retire(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    preempt_everywhere(
        &(race_t){leave_one_block, free_first_block, have_it_retire, refill_and_free});
}

static void have_it_retire_and_take_it(void *unused) {
    have_it_retire(unused);
    retake_a_page(unused);
    heap_verify(own_heap());
    free_retaken(unused);
}

/* The page is the owner's, or the other thread's current one. */
static void settle_where_it_is(void *unused) {
    if (load_relaxed(&burst.page[0]->heap) != own_heap()) burst_forget(&burst, 0);
    refill_and_free(unused);
}

static void retiring_races_with_another_thread_that_takes_the_page(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    preempt_everywhere(&(race_t){leave_one_block, free_first_block, have_it_retire_and_take_it,
                                 settle_where_it_is});
}

/* ---- the thread ends ---- */

static void free_all_of_ended_thread(void *unused) {
    (void)unused;
    burst_free_all(&burst);
    remote_flush(thread_self);
}

static void nothing_is_left(void *unused) {
    free_all_of_ended_thread(unused);
    eddy_collect();
    assert_int_equal(live_blocks(), 0);
    span_totals_t totals;
    span_totals(&totals);
    assert_int_equal(totals.used, 0);
}

static void the_end_of_a_thread_races_with_frees_of_its_blocks(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){fill_two_pages, NULL, free_all_of_ended_thread, nothing_is_left});
}

static void the_end_of_a_thread_races_with_adopting_its_pages(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){leave_one_block, NULL, collect_and_allocate, nothing_is_left});
}

static void empty_a_page_and_have_it_retire(void *unused) {
    for (size_t j = 0; j < burst.limit; j++) free_remotely(0, j);
    have_it_retire(unused);
}

static void nothing_is_retained_or_left(void *unused) {
    assert_int_equal(counters_now().retained_slices, 0);
    nothing_is_left(unused);
}

static void the_end_of_a_thread_races_with_having_its_pages_retire(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    preempt_everywhere(&(race_t){fill_two_pages, NULL, empty_a_page_and_have_it_retire,
                                 nothing_is_retained_or_left});
}

static actor_t first, next;

static void keep_a_block(void *unused) {
    (void)unused;
    kept = must(eddy_malloc(SIZE));
}

static void have_another_keep_a_block(void *unused) {
    (void)unused;
    start_clean();
    eddy_free(must(eddy_malloc(1)));
    actor_start(&first);
    actor_do(&first, keep_a_block, NULL);
}

static void free_kept(void *unused) {
    (void)unused;
    eddy_free(kept);
    remote_flush(thread_self);
}

static void take_a_record(void *unused) {
    (void)unused;
    eddy_free(must(eddy_malloc(1)));
}

/* The heap of the block's page dies, leaves it to an estate, and lives again. */
static void end_and_begin(void *unused) {
    (void)unused;
    actor_end(&first);
    actor_start(&next);
    actor_do(&next, take_a_record, NULL);
}

static void the_page_has_gone_back(void *unused) {
    (void)unused;
    heap_t *heap = load_relaxed(&page_of(kept)->heap);
    check(heap == NULL || load_relaxed(&heap->state) == HEAP_LIVE);
    actor_end(&next);
}

static void the_last_free_races_with_two_lives_of_a_heap(void **state) {
    (void)state;
    preempt_other(&(race_t){have_another_keep_a_block, end_and_begin, free_kept,
                            the_page_has_gone_back},
                  NULL);
}

/* ---- a page goes to another heap ---- */

static eddy_heap_t *parent, *below, *next_heap;
static void *blocks[LIMIT + 1];

/* The part that this thread made first has a full page; it is merged with the other. */
static void fill_a_page_above(void *unused) {
    (void)unused;
    start_clean();
    parent = eddy_heap_new();
    for (size_t j = 0; j <= LIMIT; j++) blocks[j] = must(eddy_heap_malloc(parent, SIZE));
    check(page_of(blocks[0])->state == PAGE_FULL);
    below = eddy_heap_new_below(parent);
    check(eddy_heap_malloc(below, SIZE) != NULL);
}

/* The two parts of this thread become one, and what was the other serves the next heap. */
static void end_the_one_below_and_begin_another(void *unused) {
    (void)unused;
    eddy_heap_delete(below);
    next_heap = eddy_heap_new();
    check(eddy_heap_malloc(next_heap, SIZE) != NULL);
}

static void free_into_the_full_page(void *unused) {
    (void)unused;
    eddy_free(blocks[0]);
}

/* Else it would lie in memory that serves something else once its heap is destroyed. */
static void each_token_is_with_the_heap_of_its_page(void *unused) {
    (void)unused;
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        const block_t *token = load_relaxed(&heap->tokens);
        for (; token != NULL; token = token->next)
            check(load_relaxed(&page_of(token)->heap) == heap);
    }
    eddy_heap_destroy(parent);
    eddy_heap_destroy(next_heap);
    eddy_collect();
    check(live_blocks() == 0);
}

static void merging_heaps_races_with_a_token(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){fill_a_page_above, end_the_one_below_and_begin_another,
                                 free_into_the_full_page, each_token_is_with_the_heap_of_its_page});
}

static void delete_the_one_below(void *unused) {
    (void)unused;
    eddy_heap_delete(below);
}

/* What it holds back would be given to a page whose heap may have been destroyed. */
static void free_into_the_full_page_at_once(void *unused) {
    free_into_the_full_page(unused);
    check(thread_self->remote_open == 0);
}

static void destroy_the_one_above(void *unused) {
    (void)unused;
    eddy_heap_destroy(parent);
    check(live_blocks() == 0);
}

static void merging_heaps_races_with_a_free(void **state) {
    (void)state;
    preempt_everywhere(&(race_t){fill_a_page_above, delete_the_one_below,
                                 free_into_the_full_page_at_once, destroy_the_one_above});
}

#define RACE_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        RACE_TEST(the_last_local_free_races_with_the_last_remote_one),
        RACE_TEST(the_first_frees_of_a_full_page_race),
        RACE_TEST(filling_up_races_with_a_remote_free),
        RACE_TEST(allocating_races_with_remote_frees_of_the_page),
        RACE_TEST(retiring_races_with_collecting),
        RACE_TEST(retiring_races_with_a_new_life_of_the_page),
        RACE_TEST(a_token_races_with_collecting),
        RACE_TEST(retiring_races_with_another_thread_that_has_the_page_retire),
        RACE_TEST(retiring_races_with_another_thread_that_takes_the_page),
        RACE_TEST(the_end_of_a_thread_races_with_frees_of_its_blocks),
        RACE_TEST(the_end_of_a_thread_races_with_adopting_its_pages),
        RACE_TEST(the_end_of_a_thread_races_with_having_its_pages_retire),
        RACE_TEST(the_last_free_races_with_two_lives_of_a_heap),
        RACE_TEST(merging_heaps_races_with_a_token),
        RACE_TEST(merging_heaps_races_with_a_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
