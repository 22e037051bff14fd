/* A page that loses its last block is kept as it is, and is the same page when it is used again:
 * free, retire, malloc, for every place that a page can stand in.
 *
 * A page has one free list (heap/page.h), so what is freed is at once what malloc takes: nothing
 * ever needs promoting when a page retires. That counter is 0 in every test.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/alone.h"
#include "common/clock.h"
#include "common/retaining.h"
#include "heap/remote.h"

enum { PAGES = 5, ROUNDS = 20, OSCILLATIONS = 1000000 };

static list_t *partial_pages(size_t size) { return &own_heap()->partial[class_of(size)]; }

static void assert_retained(const page_t *page) {
    assert_int_equal(page->state, PAGE_RETAINED);
    assert_null(load_relaxed(&page->owner));
    assert_true(retains(page));
    assert_false(list_holds(partial_pages(burst.size), &page->link));
    heap_verify(own_heap());
}

/* The page's blocks come back, each once, without a page made or a block linked anew. */
static void assert_reused(const page_t *page) {
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    assert_int_not_equal(page->state, PAGE_RETAINED);
    assert_risen(before, pages_reused, 1);
    assert_risen(before, pages_made, 0);
    assert_risen(before, extensions, 0);
    assert_risen(before, promotions_malloc, 0);
    heap_verify(own_heap());
}

/* ---- the only page ---- */

static void a_burst_of_one_has_no_slow_entry(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        void *first = must(eddy_malloc(size));
        eddy_free(first);
        eddy_counters_t before = counters_now();
        for (unsigned i = 0; i < OSCILLATIONS / LENGTH(burst_sizes); i++) {
            void *block = eddy_malloc(size);
            if (block != first) fail();
            eddy_free(block);
        }
        assert_risen(before, slow_entries, 0);
    }
}

static void a_burst_within_the_only_page_has_no_slow_entry(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 1);
        eddy_counters_t before = counters_now();
        for (unsigned round = 0; round < ROUNDS; round++) {
            burst_free_page(&burst, 0);
            assert_int_equal(burst.page[0]->state, PAGE_CURRENT);
            burst_refill(&burst);
        }
        assert_risen(before, slow_entries, 0);
    }
}

static void the_only_page_stays_current_with_all_its_blocks(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 1);
        eddy_counters_t before = counters_now();
        burst_free_page(&burst, 0);
        assert_ptr_equal(own_heap()->current[class_of(size)], burst.page[0]);
        assert_int_equal(page_in_use(PAGE_CURRENT, burst.page[0]->used, (uint32_t)burst.limit), 0);
        assert_risen(before, pages_retired, 0);
        assert_risen(before, slow_entries, 0);
        burst_refill(&burst);
        assert_risen(before, slow_entries, 0);
    }
}

/* ---- a page of a queue ---- */

/* Of the partial pages 0 to PAGES - 2, listed in this order, that one is emptied. */
static void retire_in_queue(size_t size, size_t at) {
    burst_fill(&burst, size, PAGES);
    for (size_t i = 0; i < PAGES - 1; i++) burst_open(&burst, i);
    assert_int_equal(list_length(partial_pages(size)), PAGES - 1);
    eddy_counters_t before = counters_now();
    burst_free_page(&burst, at);
    assert_risen(before, slow_entries, 1);
    assert_risen(before, pages_retired, 1);
    assert_risen(before, pages_released, 0);
    assert_int_equal(counters_now().retained_slices, burst.slices);
    assert_int_equal(list_length(partial_pages(size)), PAGES - 2);
    assert_retained(burst.page[at]);
    before = counters_now();
    assert_reused(burst.page[at]);
    /* One for each page that became the current one. */
    assert_risen(before, slow_entries, PAGES - 1);
    assert_int_equal(counters_now().retained_slices, 0);
}

static void a_page_is_kept_first_amidst_or_last_in_its_queue(void **state) {
    (void)state;
    const size_t places[] = {0, PAGES / 2 - 1, PAGES - 2};
    for (size_t i = 0; i < LENGTH(places); i++) {
        FOR_EACH_SIZE(size) retire_in_queue(size, places[i]);
    }
}

static void a_full_page_turned_empty_is_kept(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        eddy_counters_t before = counters_now();
        burst_free_page(&burst, 1);
        /* One as it has blocks again, one as it has no other. */
        assert_risen(before, slow_entries, 2);
        assert_risen(before, pages_retired, 1);
        assert_retained(burst.page[1]);
        assert_int_equal(burst.page[0]->state, PAGE_FULL);
        assert_reused(burst.page[1]);
    }
}

static void a_full_page_is_listed_again_once_a_sixteenth_is_free(void **state) {
    (void)state;
    static const size_t sixteenth[LENGTH(burst_sizes)] = {256, 64, 4, 1, 1};
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 2);
        eddy_counters_t before = counters_now();
        for (size_t i = 0; i < sixteenth[index_]; i++) {
            assert_int_equal(burst.page[0]->state, PAGE_FULL);
            assert_risen(before, slow_entries, 0);
            burst_free(&burst, 0, i);
        }
        assert_int_equal(burst.page[0]->state, PAGE_PARTIAL);
        assert_risen(before, slow_entries, 1);
        burst_refill(&burst);
    }
}

static void a_kept_page_goes_before_a_new_one_but_after_a_partial_one(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        burst_free_page(&burst, 0);
        burst_open(&burst, 1);
        for (size_t i = 0; i < page_wake((uint32_t)burst.limit); i++) {
            assert_int_equal(burst_take(&burst), 1);
        }
        assert_int_equal(burst_take(&burst), 0);
        assert_ptr_equal(own_heap()->current[class_of(size)], burst.page[0]);
        burst_refill(&burst);
    }
}

static void blocks_of_listed_pages_come_before_more_of_the_current_one(void **state) {
    (void)state;
    enum { LINKED_MOST = 4 * KIB / BLOCK_ALIGN };
    static void *linked[LINKED_MOST];
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 1);
        size_t count = 0;
        linked[count++] = must(eddy_malloc(size));
        page_t *page = page_of(linked[0]);
        while (page->free != NULL) linked[count++] = must(eddy_malloc(size));
        burst_open(&burst, 0);
        eddy_counters_t before = counters_now();
        burst_refill(&burst);
        assert_risen(before, extensions, 0);
        assert_int_equal(page->state, PAGE_PARTIAL);
        /* The page's room comes next. */
        void *next = must(eddy_malloc(size));
        assert_ptr_equal(page_of(next), page);
        assert_risen(before, extensions, 1);
        assert_risen(before, pages_made, 0);
        eddy_free(next);
        while (count > 0) eddy_free(linked[--count]);
    }
}

static void steady_bursts_have_three_slow_entries_a_page(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, PAGES);
        eddy_counters_t before = counters_now();
        for (unsigned round = 0; round < ROUNDS; round++) {
            /* The current page first: it stays, the others are listed, retire, are taken again. */
            for (size_t i = PAGES; i-- > 0;) burst_free_page(&burst, i);
            burst_refill(&burst);
        }
        assert_risen(before, slow_entries, ROUNDS * 3 * (PAGES - 1));
        assert_risen(before, pages_retired, ROUNDS * (PAGES - 1));
        assert_risen(before, pages_reused, ROUNDS * (PAGES - 1));
        assert_risen(before, pages_made, 0);
        assert_risen(before, extensions, 0);
        assert_risen(before, pages_released, 0);
    }
}

static void a_page_with_interior_pointers_is_an_ordinary_one_again(void **state) {
    (void)state;
    burst_fill(&burst, 1000, 2);
    page_t *page = burst.page[0];
    burst_open(&burst, 0);
    char *inner = must(eddy_malloc_aligned_at(900, 64, 4));
    assert_ptr_equal(page_of(inner), page);
    assert_true(load_relaxed(&page->has_interior));
    eddy_free(inner);
    burst_refill(&burst);
    burst_free_page(&burst, 1);
    burst_free_page(&burst, 0);
    assert_int_equal(burst.page[1]->state, PAGE_RETAINED);
    burst_refill(&burst);
    assert_int_equal(page->state, PAGE_FULL);
    burst_free_page(&burst, 0);
    assert_retained(page);
    assert_false(load_relaxed(&page->has_interior));
    burst_refill(&burst);
    assert_ptr_equal(load_relaxed(&page->owner), thread_self);
}

/* ---- frees of other threads ---- */

typedef struct range {
    size_t page, from, to;
} range_t;

static void free_range_elsewhere(void *argument) {
    const range_t *range = argument;
    for (size_t j = range->from; j < range->to; j++) burst_free(&burst, range->page, j);
    remote_flush(thread_self);
}

static void free_elsewhere(size_t page, size_t from, size_t to) {
    range_t range = {page, from, to};
    in_thread(free_range_elsewhere, &range);
}

/* Two entries where the page has free blocks of its own, which come first. */
static void assert_collected_and_reused(size_t slow_entries) {
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    assert_risen(before, slow_entries, slow_entries);
    assert_risen(before, pages_retired, 0);
    assert_risen(before, pages_made, 0);
    assert_risen(before, extensions, 0);
    assert_risen(before, promotions_malloc, 1);
    heap_verify(own_heap());
}

static void a_page_with_pending_frees_does_not_retire(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        burst_open(&burst, 1);
        eddy_counters_t before = counters_now();
        free_elsewhere(1, burst.limit - 3, burst.limit);
        burst_free_page(&burst, 1);
        assert_risen(before, pages_retired, 0);
        assert_int_equal(burst.page[1]->state, PAGE_PARTIAL);
        assert_int_equal(burst.page[1]->used, 3);
        assert_int_equal(pending_count(load_relaxed(&burst.page[1]->thread_free)), 3);
        assert_collected_and_reused(2);
    }
}

static void a_page_emptied_by_others_is_taken_by_collecting(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        burst_open(&burst, 1);
        eddy_counters_t before = counters_now();
        free_elsewhere(1, 1, burst.limit);
        assert_int_equal(burst.page[1]->state, PAGE_PARTIAL);
        assert_risen(before, pages_released, 0);
        eddy_collect();
        assert_risen(before, pages_released, 1);
        assert_int_equal(span_kind(burst.page[1]), SPAN_CLEAN);
        heap_verify(own_heap());
        burst_forget(&burst, 1);
    }
}

static void a_remote_free_before_the_last_local_one(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        for (size_t j = 0; j < burst.limit - 2; j++) burst_free(&burst, 1, j);
        free_elsewhere(1, burst.limit - 2, burst.limit - 1);
        burst_free(&burst, 1, burst.limit - 1);
        assert_int_equal(burst.page[1]->state, PAGE_PARTIAL);
        assert_collected_and_reused(2);
    }
}

static void a_remote_free_after_the_last_local_one(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        for (size_t j = 0; j < burst.limit - 1; j++) burst_free(&burst, 1, j);
        free_elsewhere(1, burst.limit - 1, burst.limit);
        assert_int_equal(burst.page[1]->state, PAGE_PARTIAL);
        assert_collected_and_reused(2);
    }
}

static void a_token_is_freed_like_any_block(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        free_elsewhere(0, 0, 1);
        assert_non_null(load_relaxed(&own_heap()->tokens));
        assert_int_equal(burst.page[0]->state, PAGE_FULL);
        assert_collected_and_reused(1);
        assert_null(load_relaxed(&own_heap()->tokens));
    }
}

static void a_full_page_emptied_by_another_thread_comes_back_whole(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        free_elsewhere(0, 0, burst.limit);
        assert_collected_and_reused(1);
    }
}

static void a_full_page_with_a_token_is_emptied_by_its_owner(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        free_elsewhere(0, 0, 1);
        burst_free_page(&burst, 0);
        /* The token is in use until it is settled: the page cannot retire. */
        assert_int_equal(burst.page[0]->state, PAGE_PARTIAL);
        assert_int_equal(burst.page[0]->used, 1);
        assert_collected_and_reused(2);
    }
}

static void a_current_page_emptied_by_others_stays_current(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 1);
        free_elsewhere(0, 0, burst.limit);
        eddy_counters_t before = counters_now();
        assert_collected_and_reused(1);
        assert_risen(before, slow_entries, 1);
        assert_ptr_equal(own_heap()->current[class_of(size)], burst.page[0]);
    }
}

/* ---- pages that the budget takes ---- */

static void a_kept_page_taken_by_the_budget_is_made_again(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        burst_fill(&burst, size, 3);
        burst_free_page(&burst, 0);
        eddy_counters_t before = counters_now();
        while (counters_now().retained_slices > 0) turn_windows(own_heap(), 1);
        assert_risen(before, pages_released, 1);
        assert_int_equal(span_kind(burst.page[0]), SPAN_DIRTY);
        heap_verify(own_heap());
        burst_refill(&burst);
        assert_risen(before, pages_made, 1);
        assert_risen(before, pages_reused, 0);
        heap_verify(own_heap());
    }
}

static void a_kept_page_is_made_one_of_another_class(void **state) {
    (void)state;
    static burst_t other;
    burst_fill(&burst, 64, 3);
    burst_free_page(&burst, 0);
    page_t *page = burst.page[0];
    eddy_counters_t before = counters_now();
    burst_fill(&other, 1000, 1);
    assert_ptr_equal(other.page[0], page);
    assert_risen(before, pages_reused, 1);
    assert_risen(before, pages_made, 0);
    assert_int_equal(counters_now().retained_slices, 0);
    heap_verify(own_heap());
    burst_free_all(&other);
    burst_forget(&burst, 0);
}

/* ---- for long ---- */

/* How many blocks are live swings over the ends of pages; each carries its own number. */
static void a_million_oscillations_lose_and_repeat_no_block(void **state) {
    (void)state;
    enum { LIVE_MOST = 400 };
    static uint64_t *live[LIVE_MOST];
    const size_t size = 1000;
    uint64_t random = 1;
    size_t count = 0, target = 0, made_after_start = 0;
    for (uint64_t step = 0; step < OSCILLATIONS; step++) {
        if (step % 1000 == 0) target = random_below(&random, LIVE_MOST);
        if (step == OSCILLATIONS / 2) made_after_start = counters_now().pages_made;
        bool more = count == 0 || (count < LIVE_MOST && random_below(&random, LIVE_MOST) > target);
        if (more) {
            uint64_t *block = eddy_malloc(size);
            /* A live block holds its own address behind its number. */
            if (block[1] == (uintptr_t)block) fail();
            block[0] = step;
            block[1] = (uintptr_t)block;
            live[count++] = block;
        } else {
            size_t at = random_below(&random, (uint32_t)count);
            if (live[at][1] != (uintptr_t)live[at]) fail();
            live[at][1] = 0;
            eddy_free(live[at]);
            live[at] = live[--count];
        }
    }
    assert_int_equal(counters_now().pages_made, made_after_start);
    heap_verify(own_heap());
    assert_int_equal(live_blocks(), count);
    while (count > 0) eddy_free(live[--count]);
}

#define RETIRE_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        RETIRE_TEST(a_burst_of_one_has_no_slow_entry),
        RETIRE_TEST(a_burst_within_the_only_page_has_no_slow_entry),
        RETIRE_TEST(the_only_page_stays_current_with_all_its_blocks),
        RETIRE_TEST(a_page_is_kept_first_amidst_or_last_in_its_queue),
        RETIRE_TEST(a_full_page_turned_empty_is_kept),
        RETIRE_TEST(a_full_page_is_listed_again_once_a_sixteenth_is_free),
        RETIRE_TEST(a_kept_page_goes_before_a_new_one_but_after_a_partial_one),
        RETIRE_TEST(blocks_of_listed_pages_come_before_more_of_the_current_one),
        RETIRE_TEST(steady_bursts_have_three_slow_entries_a_page),
        RETIRE_TEST(a_page_with_interior_pointers_is_an_ordinary_one_again),
        RETIRE_TEST(a_page_with_pending_frees_does_not_retire),
        RETIRE_TEST(a_page_emptied_by_others_is_taken_by_collecting),
        RETIRE_TEST(a_remote_free_before_the_last_local_one),
        RETIRE_TEST(a_remote_free_after_the_last_local_one),
        RETIRE_TEST(a_token_is_freed_like_any_block),
        RETIRE_TEST(a_full_page_emptied_by_another_thread_comes_back_whole),
        RETIRE_TEST(a_full_page_with_a_token_is_emptied_by_its_owner),
        RETIRE_TEST(a_current_page_emptied_by_others_stays_current),
        RETIRE_TEST(a_kept_page_taken_by_the_budget_is_made_again),
        RETIRE_TEST(a_kept_page_is_made_one_of_another_class),
        RETIRE_TEST(a_million_oscillations_lose_and_repeat_no_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
