/* An owner whose heap's lock another thread holds: malloc and free go on without it, and what they
 * put off is done when the lock is free again.
 * SPDX-License-Identifier: MIT */
#include "common/late.h"
#include "heap/remote.h"
#include "heap/retain.h"
#include "os/os.h"

/* ---- malloc ---- */

static void allocating_does_not_wait(void **state) {
    (void)state;
    allocate_pages(1);
    hold_lock();
    free_blocks();
    allocate_pages(LATE_PAGES);
    let_lock_go();
    heap_verify(own_heap());
    turn_a_page();
    assert_settled(own_heap());
    free_blocks();
}

static void pages_used_up_are_listed_later(void **state) {
    (void)state;
    hold_lock();
    allocate_pages(3);
    let_lock_go();
    assert_int_equal(list_length(&own_heap()->full), 0);
    turn_a_page();
    assert_int_equal(list_length(&own_heap()->full), 3);
    free_blocks();
}

static void pages_with_blocks_again_serve_before_others(void **state) {
    (void)state;
    hold_lock();
    allocate_pages(LATE_PAGES);
    eddy_counters_t before = counters_now();
    for (int rounds = 0; rounds < 50; rounds++) {
        free_blocks();
        allocate_pages(LATE_PAGES);
    }
    assert_risen(before, pages_made, 0);
    let_lock_go();
    free_blocks();
}

static void free_first_page(void *unused) {
    (void)unused;
    for (size_t i = 0; i < LIMIT; i++) {
        sealed_free(blocks[i]);
        blocks[i] = NULL;
    }
    remote_flush(thread_self);
}

static void blocks_that_others_freed_serve_again(void **state) {
    (void)state;
    hold_lock();
    allocate_pages(2);
    page_t *first = page_of(blocks[0]);
    in_thread(free_first_page, NULL);
    blocks[0] = seal(must(eddy_malloc(SIZE)), SIZE);
    assert_ptr_equal(page_of(blocks[0]), first);
    let_lock_go();
    free_blocks();
}

static void one_page_too_many_waits(void **state) {
    (void)state;
    hold_lock();
    allocate_pages(LATE_PAGES + 1);
    let_lock_go_soon();
    blocks[LENGTH(blocks) - 1] = seal(must(eddy_malloc(SIZE)), SIZE);
    assert_waited();
    assert_settled(own_heap());
    free_blocks();
}

static heap_t *other_heap;

static void retain_two_pages(void *unused) {
    (void)unused;
    start_clean();
    other_heap = own_heap();
    allocate_pages(3);
    free_blocks();
}

static void memory_is_not_refused_while_another_heap_retains_any(void **state) {
    (void)state;
    actor_do(&holder, retain_two_pages, NULL);
    span_totals_t totals;
    span_totals(&totals);
    assert_int_equal(eddy_option_set(EDDY_OPTION_LIMIT, (int64_t)(totals.used << SLICE_SHIFT)), 0);
    hold_lock_of(other_heap);
    let_lock_go_soon();
    eddy_free(must(eddy_malloc(2 * SLICE_BYTES)));
    assert_waited();
    assert_int_equal(eddy_option_set(EDDY_OPTION_LIMIT, 0), 0);
}

/* ---- retained pages ---- */

static size_t retained_slices(void) { return load_relaxed(&own_heap()->retained_slices); }

static void retained_pages_serve_as_they_are(void **state) {
    (void)state;
    allocate_pages(1 + LATE_PAGES);
    page_t *pages[LATE_PAGES];
    for (size_t i = 0; i < LATE_PAGES; i++) pages[i] = page_of(blocks[i * LIMIT]);
    free_blocks();
    assert_int_equal(retained_slices(), LATE_PAGES);
    eddy_counters_t before = counters_now();
    hold_lock();
    allocate_pages(1 + LATE_PAGES);
    assert_int_equal(retained_slices(), 0);
    let_lock_go();
    assert_risen(before, pages_made, 0);
    assert_risen(before, extensions, 0);
    assert_risen(before, pages_reused, LATE_PAGES);
    for (size_t i = 0; i < LATE_PAGES; i++) assert_int_equal(pages[i]->state, PAGE_CURRENT);
    turn_a_page();
    assert_settled(own_heap());
    free_blocks();
}

static void the_page_retained_last_serves_first(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 3);
    burst_free_all(&burst);
    assert_true(retains(burst.page[1]));
    hold_lock();
    allocate_pages(2);
    let_lock_go();
    assert_ptr_equal(page_of(blocks[LIMIT]), burst.page[1]);
    free_blocks();
}

static void a_page_of_the_class_serves_before_those_of_others(void **state) {
    (void)state;
    burst_fill(&burst, SIZE / 2, 3);
    burst_free_all(&burst);
    allocate_pages(2);
    free_blocks();
    eddy_counters_t before = counters_now();
    hold_lock();
    allocate_pages(2);
    let_lock_go();
    assert_risen(before, extensions, 0);
    free_blocks();
}

static void a_page_of_another_class_is_made_anew(void **state) {
    (void)state;
    burst_fill(&burst, SIZE / 2, 2);
    burst_free_all(&burst);
    eddy_counters_t before = counters_now();
    hold_lock();
    blocks[0] = seal(must(eddy_malloc(SIZE)), SIZE);
    let_lock_go();
    assert_risen(before, pages_made, 0);
    assert_risen(before, pages_reused, 1);
    assert_ptr_equal(page_of(blocks[0]), burst.page[0]);
    turn_a_page();
    assert_settled(own_heap());
    free_blocks();
}

static size_t used_slices(void) {
    span_totals_t totals;
    span_totals(&totals);
    return totals.used;
}

/* Memory of what is retained comes before memory that nobody holds. */
static void a_page_of_another_length_is_released_for_one(void **state) {
    (void)state;
    burst_fill(&burst, 40000, 2);
    burst_free_all(&burst);
    size_t before = used_slices();
    hold_lock();
    blocks[0] = seal(must(eddy_malloc(SIZE)), SIZE);
    let_lock_go();
    assert_int_equal(retained_slices(), 0);
    assert_int_equal(used_slices(), before - burst.slices + 1);
    free_blocks();
}

static void a_shortened_page_is_not_made_anew_as_a_whole_one(void **state) {
    (void)state;
    enum { LONG = 40000, OTHER = 50000, SHORT_LIMIT = 3 };
    void *block[SHORT_LIMIT + 1] = {must(eddy_malloc(LONG))};
    page_t *page = page_of(block[0]);
    page->extended_at -= 1000;
    list_t cut;
    list_init(&cut);
    heap_shorten_current(own_heap(), &cut);
    page_t *rest = list_object(list_first(&cut), page_t, link);
    assert_int_equal(span_slices(rest), 6);
    page_free_rest(rest);
    assert_int_equal(page->block_limit, SHORT_LIMIT);
    for (size_t i = 1; i < LENGTH(block); i++) block[i] = must(eddy_malloc(LONG));
    for (size_t i = 0; i < LENGTH(block); i++) eddy_free(block[i]);
    assert_int_equal(page->state, PAGE_RETAINED);
    hold_lock();
    void *other = must(eddy_malloc(OTHER));
    let_lock_go();
    assert_int_equal(span_slices(page_of(other)), class_slices(class_of(OTHER)));
    eddy_free(other);
}

/* ---- free ---- */

static const list_t *partial(void) { return &own_heap()->partial[class_of(SIZE)]; }

static void freeing_does_not_wait(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 4);
    hold_lock();
    burst_free_all(&burst);
    let_lock_go();
    heap_verify(own_heap());
    turn_a_page();
    assert_settled(own_heap());
    assert_int_equal(list_length(partial()), 0);
}

static void a_full_page_with_free_blocks_is_listed_later(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 3);
    hold_lock();
    for (size_t i = 0; i < WAKE + 2; i++) burst_free(&burst, 0, i);
    let_lock_go();
    assert_int_equal(burst.page[0]->state, PAGE_FULL);
    heap_verify(own_heap());
    burst_refill(&burst);
    assert_settled(own_heap());
    burst_free_all(&burst);
}

static void an_emptied_page_retires_later(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 3);
    burst_open(&burst, 0);
    hold_lock();
    burst_free_page(&burst, 0);
    let_lock_go();
    assert_int_equal(burst.page[0]->state, PAGE_PARTIAL);
    eddy_counters_t before = counters_now();
    burst_take(&burst);
    assert_risen(before, pages_retired, 1);
    assert_settled(own_heap());
    burst_free_all(&burst);
}

static void one_count_too_many_waits(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, LATE_PAGES + 2);
    hold_lock();
    for (size_t i = 0; i < LATE_PAGES; i++) {
        for (size_t j = 0; j < WAKE; j++) burst_free(&burst, i, j);
    }
    let_lock_go_soon();
    for (size_t j = 0; j < WAKE; j++) burst_free(&burst, LATE_PAGES, j);
    assert_waited();
    assert_settled(own_heap());
    assert_int_equal(list_length(partial()), LATE_PAGES + 1);
    burst_free_all(&burst);
}

static void counting_out_another_page_does_what_is_late(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 3);
    hold_lock();
    for (size_t i = 0; i < WAKE; i++) burst_free(&burst, 0, i);
    let_lock_go();
    burst_open(&burst, 1);
    assert_int_equal(burst.page[0]->state, PAGE_PARTIAL);
    assert_settled(own_heap());
    burst_free_all(&burst);
}

static void a_page_counted_out_twice_is_retired_once(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 3);
    hold_lock();
    for (size_t j = 0; j < WAKE; j++) burst_free(&burst, 0, j);
    let_lock_go();
    /* Woken when the lock is free, it counts out again. */
    burst_take(&burst);
    burst_free_page(&burst, 0);
    hold_lock();
    burst_free_page(&burst, 1);
    let_lock_go();
    turn_a_page();
    assert_settled(own_heap());
    burst_free_all(&burst);
}

/* ---- what retained pages promise ---- */

static void free_page(size_t number) {
    for (size_t i = number * LIMIT; i < (number + 1) * LIMIT; i++) sealed_drop(&blocks[i]);
}

/* Whoever has the lock may look at what was counted out, which has to stay the heap's. */
static void nothing_is_released_while_pages_are_counted_out(void **state) {
    (void)state;
    allocate_pages(5);
    free_page(1);
    free_page(2);
    size_t retained = retained_slices();
    assert_true(retained > 0);
    hold_lock();
    free_page(0);
    assert_true(own_heap()->late.counted_count > 0);
    assert_false(heap_release_some_retained(own_heap(), 1));
    assert_int_equal(retained_slices(), retained);
    let_lock_go();
    turn_a_page();
    assert_settled(own_heap());
    assert_true(heap_release_some_retained(own_heap(), 1));
    free_blocks();
}

/* It has left the stack and is still counted, and its owner is kept from the processor. */
static void housekeeping_does_not_wait_for_a_page_in_hand(void **state) {
    (void)state;
    allocate_pages(4);
    free_blocks();
    _Atomic(page_t *) *first = &own_heap()->retained[class_of(SIZE)];
    page_t *page = load_relaxed(first);
    store_relaxed(first, load_relaxed(&page->below));
    uint64_t later = os_now_ms();
    for (int windows = 0; windows < 3; windows++) {
        later += 3600 * 1000;
        for (int rounds = 0; heap_housekeep(own_heap(), later); rounds++) assert_true(rounds < 100);
    }
    assert_int_equal(retained_slices(), span_slices(page));
    store_relaxed(&page->below, load_relaxed(first));
    store_relaxed(first, page);
}

/* In no sum for a moment, it would let another heap under the limit take one too many. */
static void with_a_limit_no_page_is_taken_without_the_lock(void **state) {
    (void)state;
    eddy_heap_t *limited = eddy_heap_new();
    assert_int_equal(eddy_heap_set_limit(limited, 16 * SLICE_BYTES), 0);
    for (size_t i = 0; i < 3 * LIMIT; i++) blocks[i] = must(eddy_heap_malloc(limited, SIZE));
    heap_t *heap = load_relaxed(&page_of(blocks[0])->heap);
    for (size_t i = 0; i < 3 * LIMIT; i++) eddy_free(blocks[i]);
    assert_true(load_relaxed(&heap->retained_slices) > 0);
    hold_lock_of(heap);
    let_lock_go_soon();
    for (size_t i = 0; i <= LIMIT; i++) blocks[i] = must(eddy_heap_malloc(limited, SIZE));
    assert_waited();
    eddy_heap_destroy(limited);
    memset(blocks, 0, sizeof blocks);
}

int main(void) {
#define test(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        test(allocating_does_not_wait),
        test(pages_used_up_are_listed_later),
        test(pages_with_blocks_again_serve_before_others),
        test(blocks_that_others_freed_serve_again),
        test(one_page_too_many_waits),
        test(memory_is_not_refused_while_another_heap_retains_any),
        test(retained_pages_serve_as_they_are),
        test(the_page_retained_last_serves_first),
        test(a_page_of_the_class_serves_before_those_of_others),
        test(a_page_of_another_class_is_made_anew),
        test(a_page_of_another_length_is_released_for_one),
        test(a_shortened_page_is_not_made_anew_as_a_whole_one),
        test(freeing_does_not_wait),
        test(a_full_page_with_free_blocks_is_listed_later),
        test(an_emptied_page_retires_later),
        test(one_count_too_many_waits),
        test(counting_out_another_page_does_what_is_late),
        test(a_page_counted_out_twice_is_retired_once),
        test(nothing_is_released_while_pages_are_counted_out),
        test(housekeeping_does_not_wait_for_a_page_in_hand),
        test(with_a_limit_no_page_is_taken_without_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
