/* Pages of several slices that give back those in which no block lies, when memory is wanted.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/alone.h"
#include "common/burst.h"

enum { SIZE = 40000, MORE_ENTRIES = 128 };

static int end(void **state) {
    tear_down_clean(state);
    assert_int_equal(own_heap()->demand.in_use, 0);
    return 0;
}

static span_totals_t totals_now(void) {
    span_totals_t totals;
    span_totals(&totals);
    return totals;
}

/* ---- pages by themselves ---- */

#define FOR_EACH_LONG_CLASS(i) for (unsigned i = class_of(SMALL_MAX) + 1; i < CLASS_COUNT; i++)

/* A page of the class that belongs to no heap. */
static page_t *new_page(unsigned size_class, bool zero) {
    bool is_zero;
    page_t *page = must(span_allocate(class_slices(size_class), 1, SPAN_FROM_ANY, &is_zero));
    page_make(page, NULL, size_class, zero && is_zero);
    page->state = PAGE_PARTIAL;
    return page;
}

/* Have at least so many blocks linked, and handed out. */
static void link_most(page_t *page, uint32_t count) {
    while (page->capacity < count) {
        page_extend(page, 0);
        page->free = NULL;
        page->used = page->capacity;
    }
}

/* How many slices the page gives back. */
static size_t shorten(page_t *page) {
    page_t *rest = page_shorten(page);
    if (rest == NULL) return 0;
    size_t slices = span_slices(rest);
    page_free_rest(rest);
    return slices;
}

static void a_page_keeps_the_slices_of_its_linked_blocks_and_of_two(void **state) {
    (void)state;
    FOR_EACH_LONG_CLASS(i) {
        for (uint32_t count = 0; count <= class_slices(i) * SLICE_BYTES / class_bytes(i); count++) {
            page_t *page = new_page(i, true);
            link_most(page, count);
            size_t before = totals_now().used, length = span_slices(page);
            size_t needed = size_max(page->capacity, 2) * class_bytes(i);
            size_t slices = divide_up(needed, SLICE_BYTES);
            assert_int_equal(shorten(page), length - slices);
            assert_int_equal(span_slices(page), slices);
            assert_int_equal(page->block_limit, slices * SLICE_BYTES / class_bytes(i));
            assert_int_equal(before - totals_now().used, length - slices);
            assert_int_equal(shorten(page), 0);
            link_most(page, page->block_limit);
            page_verify(page);
            page_free(page);
            assert_int_equal(before - totals_now().used, length);
        }
    }
}

static void what_was_never_touched_is_clean_again(void **state) {
    (void)state;
    FOR_EACH_LONG_CLASS(i) {
        for (unsigned is_zero = 0; is_zero <= 1; is_zero++) {
            span_purge_all();
            page_t *page = new_page(i, is_zero);
            size_t dirty = totals_now().dirty, cut = shorten(page);
            assert_true(cut > 0);
            assert_int_equal(totals_now().dirty - dirty, is_zero ? 0 : cut);
            page_free(page);
            span_purge_all();
        }
    }
}

static void a_page_that_is_freed_is_dirty_where_it_was_touched(void **state) {
    (void)state;
    FOR_EACH_LONG_CLASS(i) {
        span_purge_all();
        page_t *page = new_page(i, true);
        link_most(page, 3);
        page_free(page);
        assert_int_equal(totals_now().dirty, divide_up(3 * class_bytes(i), SLICE_BYTES));
    }
}

/* ---- pages of a heap ---- */

static void *blocks[16 * SLICE_BYTES / KIB];

/* The heap enters so many slow paths. */
static void enter_slow_paths(size_t entries) {
    enum { TWO_PAGES = 2 * SLICE_BYTES / KIB };
    size_t end = counters_now().slow_entries + entries;
    while (counters_now().slow_entries < end) {
        for (size_t i = 0; i < TWO_PAGES; i++) blocks[i] = must(eddy_malloc(KIB));
        for (size_t i = 0; i < TWO_PAGES; i++) eddy_free(blocks[i]);
    }
}

/* A class needs one page more than there are: how many blocks it has then. */
static size_t allocate_until_a_page_is_made(void) {
    size_t made = counters_now().pages_made, count = 0;
    for (; counters_now().pages_made == made; count++) {
        assert_true(count < LENGTH(blocks));
        blocks[count] = must(eddy_malloc(KIB));
    }
    return count;
}

static void free_blocks(size_t count) {
    while (count > 0) eddy_free(blocks[--count]);
}

static void have_a_page_made(void) { free_blocks(allocate_until_a_page_is_made()); }

static void a_page_that_rests_is_shortened_before_clean_memory_is_taken(void **state) {
    (void)state;
    void *block = must(eddy_malloc(SIZE));
    page_t *page = page_of(block);
    enter_slow_paths(MORE_ENTRIES);
    assert_int_equal(span_slices(page), class_slices(class_of(SIZE)));
    have_a_page_made();
    assert_int_equal(span_slices(page), 2);
    eddy_free(block);
}

/* A block of a page that rests, and was filled as one of another class. */
static void *block_of_a_touched_page(void) {
    burst_t burst;
    burst_fill(&burst, SIZE, 1);
    burst_free_all(&burst);
    enter_slow_paths(MORE_ENTRIES);
    void *block = must(eddy_malloc(60000));
    assert_ptr_equal(page_of(block), burst.page[0]);
    enter_slow_paths(MORE_ENTRIES);
    return block;
}

/* Instead of clean memory: pages of one slice lie there. */
static void what_was_touched_before_serves_other_classes(void **state) {
    (void)state;
    void *block = block_of_a_touched_page();
    page_t *page = page_of(block);
    span_purge_all();
    size_t opened = totals_now().opened, clean = totals_now().clean;
    have_a_page_made();
    assert_int_equal(span_slices(page), 2);
    assert_int_equal(span_kind(page + 2), SPAN_PAGE);
    assert_int_equal(totals_now().opened, opened);
    assert_int_equal(totals_now().clean, clean);
    eddy_free(block);
}

static void a_class_that_grows_keeps_its_page(void **state) {
    (void)state;
    enter_slow_paths(MORE_ENTRIES);
    void *block = must(eddy_malloc(SIZE));
    page_t *page = page_of(block);
    have_a_page_made();
    assert_int_equal(span_slices(page), class_slices(class_of(SIZE)));
    eddy_free(block);
}

static void leave_a_free_and_a_live_block(void *live) {
    void *block = must(eddy_malloc(SIZE));
    *(void **)live = must(eddy_malloc(SIZE));
    eddy_free(block);
}

/* Its last extension was in a slow entry of another heap. */
static void a_page_from_elsewhere_has_not_rested(void **state) {
    (void)state;
    void *live;
    enter_slow_paths(MORE_ENTRIES);
    in_thread(leave_a_free_and_a_live_block, &live);
    page_t *page = page_of(live);
    void *block = must(eddy_malloc(SIZE));
    assert_ptr_equal(page_of(block), page);
    span_purge_all();
    have_a_page_made();
    assert_int_equal(span_slices(page), class_slices(class_of(SIZE)));
    eddy_free(block);
    eddy_free(live);
}

static page_t *shortened;
static heap_t *owners_heap;
static size_t purges;

/* Called in place of the kernel's word on each purge: once the page is shortened, others may have
 * the lock of its heap meanwhile. */
static bool others_may_go_on(os_call_t call) {
    if (call != OS_PURGE || span_slices(shortened) != 2) return false;
    check(lock_try(&owners_heap->lock));
    lock_release(&owners_heap->lock);
    purges++;
    return false;
}

/* Where freed memory is purged at once, as it is near a limit. */
static void nobody_waits_for_the_kernel(void **state) {
    (void)state;
    void *block = block_of_a_touched_page();
    shortened = page_of(block);
    owners_heap = own_heap();
    purges = 0;
    span_purge_all();
    eddy_option_set(EDDY_OPTION_DECAY_MS, 0);
    os_fault = others_may_go_on;
    size_t count = allocate_until_a_page_is_made();
    os_fault = NULL;
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
    heap_housekeep(owners_heap, os_now_ms());
    assert_int_equal(span_slices(shortened), 2);
    assert_true(purges > 0);
    free_blocks(count);
    eddy_free(block);
}

/* Each block of it comes once, whatever the order in which they are freed: it is full, has blocks
 * again, and retires. */
static void a_shortened_page_is_used_like_any_other(void **state) {
    (void)state;
    void *first = must(eddy_malloc(SIZE));
    page_t *page = page_of(first);
    enter_slow_paths(MORE_ENTRIES);
    have_a_page_made();
    size_t limit = page->block_limit;
    assert_int_equal(limit, 2 * SLICE_BYTES / class_bytes(class_of(SIZE)));
    blocks[0] = first;
    for (unsigned round = 0; round < 6; round++) {
        for (size_t i = round == 0; i <= limit; i++) {
            blocks[i] = must(eddy_malloc(SIZE));
            fill(blocks[i], SIZE, (unsigned)i);
        }
        if (round == 0) fill(first, SIZE, 0);
        heap_verify(own_heap());
        for (size_t i = 0; i <= limit; i++) {
            size_t next = (i * (round % 2 == 0 ? 1 : limit) + round) % (limit + 1);
            assert_true(is_filled(blocks[next], SIZE, (unsigned)next));
            eddy_free(blocks[next]);
            heap_verify(own_heap());
        }
    }
}

#define SHORTEN_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_clean, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        SHORTEN_TEST(a_page_keeps_the_slices_of_its_linked_blocks_and_of_two),
        SHORTEN_TEST(what_was_never_touched_is_clean_again),
        SHORTEN_TEST(a_page_that_is_freed_is_dirty_where_it_was_touched),
        SHORTEN_TEST(a_page_that_rests_is_shortened_before_clean_memory_is_taken),
        SHORTEN_TEST(what_was_touched_before_serves_other_classes),
        SHORTEN_TEST(a_class_that_grows_keeps_its_page),
        SHORTEN_TEST(a_page_from_elsewhere_has_not_rested),
        SHORTEN_TEST(nobody_waits_for_the_kernel),
        SHORTEN_TEST(a_shortened_page_is_used_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
