/* Heaps: their invariants under random work, the pages of threads that have ended, interior
 * pointers, and frees gathered by other threads.
 * SPDX-License-Identifier: MIT */
#include "heap/heap.h"

#include "common/actor.h"
#include "common/alone.h"
#include "common/burst.h"
#include "common/clock.h"
#include "common/faults.h"
#include "common/random_block.h"
#include "heap/remote.h"

enum { LIVE_MOST = 400, STEPS = 20000, STEPS_PER_CHECK = 250 };

static burst_t burst;

static int start(void **state) {
    faults_refuse_barriers_unseen();
    return set_up_clean(state);
}

static int end(void **state) {
    burst_free_all(&burst);
    return tear_down_clean(state);
}

/* ---- invariants ---- */

typedef struct page_sums {
    const heap_t *heap;
    size_t in_use, retained;
} page_sums_t;

static bool add_page(page_t *page, void *argument) {
    page_sums_t *sums = argument;
    if (span_kind(page) != SPAN_PAGE || load_relaxed(&page->heap) != sums->heap) return true;
    if (page->state == PAGE_RETAINED) {
        sums->retained += span_slices(page);
    } else {
        sums->in_use += span_slices(page);
    }
    return true;
}

/* What heap_verify does not look at: the table for malloc, and what the pages add up to. */
static void verify_heap(heap_t *heap) {
    heap_verify(heap);
    for (size_t i = 0; i < DIRECT_COUNT; i++) {
        check(heap->direct[i] == heap->current[class_of(i * BLOCK_ALIGN)]);
    }
    page_sums_t sums = {heap, 0, 0};
    span_walk(add_page, &sums);
    check(heap->demand.in_use == sums.in_use);
    check(load_relaxed(&heap->retained_slices) == sums.retained);
}

static void random_work_keeps_the_invariants(void **state) {
    (void)state;
    static void *live[LIVE_MOST];
    uint64_t random = 1;
    size_t count = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t at = count == 0 ? 0 : random_below(&random, (uint32_t)count);
        if (count == 0 || (count < LIVE_MOST && random_one_in(&random, 2))) {
            live[count++] = random_block(&random);
        } else if (random_one_in(&random, 3)) {
            live[at] = random_resized(&random, live[at]);
        } else {
            sealed_free(live[at]);
            live[at] = live[--count];
        }
        if (random_one_in(&random, 1000)) turn_windows(own_heap(), 1);
        if (random_one_in(&random, 2000)) eddy_collect();
        if (step % STEPS_PER_CHECK == 0) verify_heap(own_heap());
    }
    assert_int_equal(live_blocks(), count);
    while (count > 0) sealed_free(live[--count]);
    verify_heap(own_heap());
}

static void every_class_is_refilled_and_emptied(void **state) {
    (void)state;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        burst_fill(&burst, class_bytes(i), 3);
        verify_heap(own_heap());
        burst_free_all(&burst);
        verify_heap(own_heap());
        burst_refill(&burst);
        burst_free_all(&burst);
        start_clean();
    }
}

/* ---- pages of threads that have ended ---- */

static const size_t page_size = 1000;

static void fill_pages(void *argument) { burst_fill(&burst, page_size, *(size_t *)argument); }

static heap_t *ended; /* of the thread that runs this */

static void fill_pages_of_eight_slices(void *unused) {
    (void)unused;
    burst_fill(&burst, 40000, 2);
    check(burst.slices == 8);
    ended = own_heap();
}

/* Pages full of blocks whose thread has ended. */
static void leave_pages(size_t pages) {
    in_thread(fill_pages, &pages);
    for (size_t i = 0; i < pages; i++) {
        assert_int_equal(load_relaxed(&load_relaxed(&burst.page[i]->heap)->state), HEAP_DEAD);
    }
}

static void empty_pages_of_an_ended_thread_go_back(void **state) {
    (void)state;
    leave_pages(3);
    burst_free_page(&burst, 0);
    burst_free_page(&burst, 1);
    remote_flush(thread_self);
    assert_false(span_kind(burst.page[0]) == SPAN_PAGE);
    assert_false(span_kind(burst.page[1]) == SPAN_PAGE);
    assert_true(span_kind(burst.page[2]) == SPAN_PAGE);
}

static void whoever_empties_a_page_without_owner_releases_it(void **state) {
    (void)state;
    leave_pages(2);
    eddy_counters_t before = counters_now();
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < burst.limit; j++) {
            assert_int_equal(span_kind(burst.page[i]), SPAN_PAGE);
            burst_free(&burst, i, j);
            remote_flush(thread_self);
        }
        assert_int_not_equal(span_kind(burst.page[i]), SPAN_PAGE);
        assert_risen(before, pages_released, i + 1);
    }
}

static void allocate_large(void *large) { *(void **)large = eddy_malloc(5 * SLICE_BYTES); }

/* Somebody gave a page its last block, and looks after it when all is over: its thread has ended,
 * the page went to its estate and was released, the next thread with the record has a large object
 * there and ended too. */
static void a_late_look_at_a_released_page_spares_a_large_object(void **state) {
    (void)state;
    in_thread(fill_pages_of_eight_slices, NULL);
    page_t *page = burst.page[0];
    heap_t *heap = ended;
    burst_free_page(&burst, 0);
    remote_flush(thread_self);
    assert_int_not_equal(span_kind(page), SPAN_PAGE);
    void *large;
    in_thread(allocate_large, &large);
    assert_ptr_equal(large, slice_address(page));
    assert_ptr_equal(span_heap(page), heap);
    assert_int_equal(load_relaxed(&heap->state), HEAP_DEAD);
    heap_release_if_empty(heap, page);
    assert_int_equal(span_kind(page), SPAN_LARGE);
    eddy_free(large);
}

static void a_partial_page_of_an_ended_thread_is_adopted(void **state) {
    (void)state;
    leave_pages(1);
    for (size_t j = 0; j < burst.limit; j += 2) burst_free(&burst, 0, j);
    remote_flush(thread_self);
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    assert_risen(before, pages_adopted, 1);
    assert_risen(before, pages_made, 0);
    assert_ptr_equal(load_relaxed(&burst.page[0]->heap), own_heap());
    assert_ptr_equal(load_relaxed(&burst.page[0]->owner), thread_self);
    verify_heap(own_heap());
}

/* Its blocks keep it for long; the span can go back to the kernel. */
static void pages_are_adopted_before_dirty_spans_are_taken(void **state) {
    (void)state;
    leave_pages(1);
    for (size_t j = 0; j < burst.limit; j += 2) burst_free(&burst, 0, j);
    remote_flush(thread_self);
    eddy_free(must(eddy_malloc(5 * SLICE_BYTES)));
    assert_true(stats_now().dirty >= 5 * SLICE_BYTES);
    eddy_counters_t before = counters_now();
    burst_refill(&burst);
    assert_risen(before, pages_adopted, 1);
    assert_risen(before, pages_made, 0);
}

static void fill_and_retire_pages(void *unused) {
    (void)unused;
    burst_fill(&burst, page_size, 4);
    burst_free_page(&burst, 1);
    burst_free_page(&burst, 2);
    check(load_relaxed(&own_heap()->retained_slices) == 2);
    ended = own_heap();
}

static void an_ended_thread_keeps_nothing_ready(void **state) {
    (void)state;
    in_thread(fill_and_retire_pages, NULL);
    assert_int_equal(load_relaxed(&ended->retained_slices), 0);
    verify_heap(ended);
    verify_heap(load_relaxed(&burst.page[0]->heap));
}

static void *last_words;

static void free_last_words(void *block) { eddy_free(block); }

static pthread_key_t late_key;

/* Runs after Eddy's own handler: keys are destroyed in the order in which they were made. */
static void allocate_late(void *unused) {
    (void)unused;
    last_words = eddy_malloc(100);
    check(last_words != NULL);
    memset(last_words, 1, 100);
}

static void arrange_last_words(void *unused) {
    (void)unused;
    check(thread_start() != NULL);
    check(pthread_setspecific(late_key, &late_key) == 0);
}

static void blocks_of_late_destructors_are_freed_by_others(void **state) {
    (void)state;
    assert_int_equal(pthread_key_create(&late_key, allocate_late), 0);
    in_thread(arrange_last_words, NULL);
    in_thread(free_last_words, last_words);
    assert_int_equal(pthread_key_delete(late_key), 0);
}

/* ---- interior pointers ---- */

static void interior_pointers_are_aligned_and_lead_to_their_block(void **state) {
    (void)state;
    enum { COUNT = 200 };
    char *blocks[COUNT];
    uint64_t random = 1;
    for (size_t i = 0; i < COUNT; i++) {
        size_t alignment = (size_t)32 << random_below(&random, 7);
        size_t size = 1 + random_below(&random, 3000);
        size_t offset = random_below(&random, (uint32_t)size);
        blocks[i] = must(eddy_malloc_aligned_at(size, alignment, offset));
        assert_true(is_aligned(blocks[i] + offset, alignment));
        assert_true(eddy_usable_size(blocks[i]) >= size);
        fill(blocks[i], eddy_usable_size(blocks[i]), (unsigned)i);
        if (page_block(page_of(blocks[i]), blocks[i]) != (block_t *)(void *)blocks[i]) {
            assert_null(load_relaxed(&page_of(blocks[i])->owner));
        }
    }
    verify_heap(own_heap());
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(is_filled(blocks[i], eddy_usable_size(blocks[i]), (unsigned)i));
        eddy_free(blocks[i]);
    }
    verify_heap(own_heap());
}

typedef struct given {
    void *block[20];
} given_t;

static void free_given(void *argument) {
    const given_t *given = argument;
    for (size_t i = 0; i < LENGTH(given->block); i++) eddy_free(given->block[i]);
}

static void interior_pointers_are_freed_by_other_threads(void **state) {
    (void)state;
    given_t given;
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < LENGTH(given.block); i++) {
            given.block[i] =
                i % 2 ? must(eddy_malloc(230)) : must(eddy_malloc_aligned_at(100, 128, i + 1));
        }
        in_thread(free_given, &given);
        verify_heap(own_heap());
    }
    assert_int_equal(live_blocks(), 0);
}

/* ---- frees gathered by another thread ---- */

typedef struct range {
    size_t from, to;
} range_t;

static void free_range(void *argument) {
    const range_t *range = argument;
    for (size_t j = range->from; j < range->to; j++) burst_free(&burst, 0, j);
}

static uint32_t pending_in(page_t *page) { return pending_count(load_relaxed(&page->thread_free)); }

static void frees_are_gathered_up_to_64_blocks_or_16_kib(void **state) {
    (void)state;
    actor_t actor;
    actor_start(&actor);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        burst_fill(&burst, class_bytes(i), 1);
        size_t limit = size_min(REMOTE_BLOCKS, REMOTE_BYTES / burst.page[0]->block_bytes);
        if (limit <= 1) limit = 0;
        /* The page is current, not marked full: no block becomes a token. */
        actor_do(&actor, free_range, &(range_t){0, limit});
        assert_int_equal(pending_in(burst.page[0]), 0);
        assert_int_equal(live_blocks(), burst.limit - limit);
        /* One more: it stays, and the others go. Large blocks go one by one. */
        actor_do(&actor, free_range, &(range_t){limit, limit + 1});
        assert_int_equal(pending_in(burst.page[0]), size_max(limit, 1));
        burst_free_all(&burst);
        start_clean();
    }
    actor_end(&actor);
}

static void gathered_frees_are_given_when_the_thread_ends(void **state) {
    (void)state;
    burst_fill(&burst, 64, 1);
    in_thread(free_range, &(range_t){0, 10});
    assert_int_equal(pending_in(burst.page[0]), 10);
}

static void allocate_slowly(void *unused) {
    (void)unused;
    size_t entries = load_relaxed(&own_heap()->counters.slow_entries);
    void *first = NULL;
    while (load_relaxed(&own_heap()->counters.slow_entries) == entries) {
        void **block = eddy_malloc(8 * KIB);
        *block = first;
        first = block;
    }
    while (first != NULL) {
        void *next = *(void **)first;
        eddy_free(first);
        first = next;
    }
}

static void gathered_frees_are_given_when_the_thread_needs_a_page(void **state) {
    (void)state;
    actor_t actor;
    actor_start(&actor);
    burst_fill(&burst, 64, 1);
    actor_do(&actor, free_range, &(range_t){0, 10});
    assert_int_equal(pending_in(burst.page[0]), 0);
    actor_do(&actor, allocate_slowly, NULL);
    assert_int_equal(pending_in(burst.page[0]), 10);
    actor_end(&actor);
}

static void free_one_of_each_page(void *unused) {
    (void)unused;
    for (size_t i = 0; i < burst.pages; i++) burst_free(&burst, i, 0);
}

static void frees_are_gathered_for_a_few_pages_only(void **state) {
    (void)state;
    actor_t actor;
    actor_start(&actor);
    burst_fill(&burst, 64, PAGES_MOST);
    actor_do(&actor, free_one_of_each_page, NULL);
    size_t held = PAGES_MOST;
    for (block_t *token = load_relaxed(&own_heap()->tokens); token != NULL; token = token->next) {
        held--;
    }
    for (size_t i = 0; i < PAGES_MOST; i++) held -= pending_in(burst.page[i]);
    assert_true(held <= REMOTE_ENTRIES);
    actor_end(&actor);
}

#define HEAP_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

static void free_and_gather_nothing(void *block) {
    eddy_free(block);
    check(thread_self->remote_open == 0);
}

/* Such a heap may be destroyed at any moment. */
static void nothing_is_gathered_of_a_page_that_a_first_class_heap_takes(void **state) {
    (void)state;
    static const size_t size = 1000;
    burst_fill(&burst, size, 2);
    page_t *retained = burst.page[0];
    burst_free_all(&burst);
    assert_int_equal(retained->state, PAGE_RETAINED);
    eddy_heap_t *first_class = eddy_heap_new();
    void *block = must(eddy_heap_malloc(first_class, size));
    assert_ptr_equal(page_of(block), retained);
    in_thread(free_and_gather_nothing, block);
    eddy_heap_destroy(first_class);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        HEAP_TEST(random_work_keeps_the_invariants),
        HEAP_TEST(every_class_is_refilled_and_emptied),
        HEAP_TEST(empty_pages_of_an_ended_thread_go_back),
        HEAP_TEST(whoever_empties_a_page_without_owner_releases_it),
        HEAP_TEST(a_late_look_at_a_released_page_spares_a_large_object),
        HEAP_TEST(a_partial_page_of_an_ended_thread_is_adopted),
        HEAP_TEST(pages_are_adopted_before_dirty_spans_are_taken),
        HEAP_TEST(an_ended_thread_keeps_nothing_ready),
        HEAP_TEST(blocks_of_late_destructors_are_freed_by_others),
        HEAP_TEST(interior_pointers_are_aligned_and_lead_to_their_block),
        HEAP_TEST(interior_pointers_are_freed_by_other_threads),
        HEAP_TEST(frees_are_gathered_up_to_64_blocks_or_16_kib),
        HEAP_TEST(gathered_frees_are_given_when_the_thread_ends),
        HEAP_TEST(gathered_frees_are_given_when_the_thread_needs_a_page),
        HEAP_TEST(frees_are_gathered_for_a_few_pages_only),
        HEAP_TEST(nothing_is_gathered_of_a_page_that_a_first_class_heap_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
