/* Zeroed memory is zero, wherever it was before: every byte is dirtied, then each way of using it
 * again is forced, and shown to have been taken.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/alone.h"
#include "common/burst.h"
#include "common/clock.h"
#include "common/faults.h"
#include "heap/remote.h"

enum { BLOCKS = 5000, DIRT = 0xff };

static const size_t sizes[] = {16, 64, 100, 1000, 8 * KIB, 40000, 64 * KIB, 100 * KIB, 2 * MIB};

static int start(void **state) {
    faults_stop();
    faults_refuse_barriers_unseen();
    return set_up_clean(state);
}

/* At most this much at a time. */
static size_t count_of(size_t size) { return size_max(size_min(BLOCKS, MIB / size), 2); }

typedef void *allocate_fn(size_t size);

/* Allocate and dirty as much as count_of says, then free it all. */
static void use(size_t size, allocate_fn *allocate, bool zero) {
    static void *blocks[BLOCKS];
    size_t count = count_of(size);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = allocate(size);
        check(blocks[i] != NULL);
        size_t usable = eddy_usable_size(blocks[i]);
        check(!zero || is_zero(blocks[i], usable));
        memset(blocks[i], DIRT, usable);
    }
    for (size_t i = 0; i < count; i++) eddy_free(blocks[i]);
}

static void make_dirty(size_t size) { use(size, eddy_malloc, false); }
static void assert_zeroed(size_t size) { use(size, eddy_zalloc, true); }

#define FOR_EACH_SIZE(size)                                                                        \
    for (size_t index_ = 0, size; index_ < LENGTH(sizes) && (size = sizes[index_]);                \
         index_++, start_clean())

/* ---- small blocks ---- */

static void blocks_of_the_current_page(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        make_dirty(size);
        assert_zeroed(size);
    }
}

static void blocks_of_retained_pages(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(burst_sizes); i++) {
        static burst_t burst;
        burst_fill(&burst, burst_sizes[i], 3);
        burst_free_all(&burst);
        eddy_counters_t before = counters_now();
        for (size_t j = 0; j < 3 * burst.limit; j++) {
            size_t *block = must(eddy_zalloc(burst.size));
            assert_true(is_zero(block, eddy_usable_size(block)));
            assert_true(page_of(block) == burst.page[0] || page_of(block) == burst.page[1] ||
                        page_of(block) == burst.page[2]);
            burst.block[j / burst.limit][j % burst.limit] = block;
        }
        assert_risen(before, pages_reused, 2);
        assert_risen(before, pages_made, 0);
        for (size_t j = 0; j < 3 * burst.limit; j++) {
            eddy_free(burst.block[j / burst.limit][j % burst.limit]);
        }
        start_clean();
    }
}

static void blocks_of_pages_remade_for_another_class(void **state) {
    (void)state;
    for (size_t size = 16; size <= 8 * KIB; size *= 2) {
        use(SLICE_BYTES / 4 / 2, eddy_malloc, false);
        make_dirty(80);
        eddy_counters_t before = counters_now();
        assert_zeroed(size);
        assert_true(risen(before, pages_reused) > 0 || class_of(size) == class_of(8 * KIB));
        start_clean();
    }
}

static void blocks_behind_what_a_page_has_linked(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        void *first = must(eddy_malloc(size));
        memset(first, DIRT, eddy_usable_size(first));
        eddy_free(first);
        assert_zeroed(size);
    }
}

static void free_elsewhere(void *block) {
    eddy_free(block);
    remote_flush(thread_self);
}

static void blocks_freed_by_another_thread(void **state) {
    (void)state;
    FOR_EACH_SIZE(size) {
        for (unsigned i = 0; i < 20; i++) {
            void *block = must(eddy_malloc(size));
            memset(block, DIRT, eddy_usable_size(block));
            in_thread(free_elsewhere, block);
        }
        assert_zeroed(size);
    }
}

static void *survivor;

static void leave_dirty_page(void *size) {
    make_dirty(*(size_t *)size);
    survivor = eddy_malloc(*(size_t *)size);
    memset(survivor, DIRT, eddy_usable_size(survivor));
}

static void blocks_of_adopted_pages(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes) && sizes[i] <= BLOCK_MAX; i++) {
        in_thread(leave_dirty_page, (void *)(uintptr_t)&sizes[i]);
        eddy_collect();
        eddy_counters_t before = counters_now();
        assert_zeroed(sizes[i]);
        assert_risen(before, pages_adopted, 1);
        eddy_free(survivor);
        start_clean();
    }
}

static void *zalloc_inner(size_t size) {
    void *block = eddy_zalloc_aligned_at(size, 64, 24);
    check(is_aligned((char *)block + 24, 64));
    return block;
}

static void *zalloc_aligned(size_t size) { return eddy_zalloc_aligned(size, 4 * KIB); }

static void aligned_blocks(void **state) {
    (void)state;
    for (size_t i = 1; i < LENGTH(sizes); i++) {
        for (unsigned round = 0; round < 2; round++) {
            use(sizes[i], zalloc_inner, true);
            make_dirty(sizes[i]);
            use(sizes[i], zalloc_aligned, true);
        }
        start_clean();
    }
}

/* ---- spans ---- */

/* All pages go, but keep their memory. */
static void release_to_dirty_spans(void) {
    faults_start(FAULT_KIND(OS_PURGE), 1, FOR_EVER);
    eddy_collect();
    faults_stop();
    assert_true(stats_now().dirty > 0);
}

/* Everything was dirtied in blocks of one size and is zeroed in blocks of another. */
static void for_each_two_sizes(void (*between)(void)) {
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        for (size_t j = 0; j < LENGTH(sizes); j++) {
            make_dirty(sizes[i]);
            between();
            assert_zeroed(sizes[j]);
            start_clean();
        }
    }
}

static void dirty_spans(void **state) {
    (void)state;
    for_each_two_sizes(release_to_dirty_spans);
}

static void collect_all(void) {
    eddy_collect();
    assert_int_equal(stats_now().dirty, 0);
}

static void purged_spans(void **state) {
    (void)state;
    for_each_two_sizes(collect_all);
}

static size_t nth;

static void refuse_a_purge(void) {
    faults_start(FAULT_KIND(OS_PURGE), nth++ % 3 + 1, ONCE);
    eddy_collect();
    faults_stop();
}

static void spans_whose_purge_was_refused_once(void **state) {
    (void)state;
    for_each_two_sizes(refuse_a_purge);
}

/* ---- large objects that change ---- */

static void *dirty_block(size_t size) { return memset(must(eddy_malloc(size)), DIRT, size); }

static void what_shrinking_objects_leave(void **state) {
    (void)state;
    void *block = dirty_block(4 * MIB);
    assert_ptr_equal(eddy_expand(block, 4 * MIB), block);
    block = must(eddy_realloc(block, 2 * MIB));
    assert_zeroed(MIB);
    assert_zeroed(64);
    eddy_free(block);
}

/* An object with another one right behind it cannot grow in place. */
static void *move_object(void) {
    start_clean();
    char *block = dirty_block(2 * MIB);
    char *barrier = dirty_block(100 * KIB);
    assert_ptr_equal(barrier, block + 2 * MIB);
    char *moved = must(eddy_realloc(block, 8 * MIB));
    assert_ptr_not_equal(moved, block);
    eddy_free(barrier);
    return moved;
}

static void what_moved_objects_leave(void **state) {
    (void)state;
    void *block = move_object();
    assert_true(page_of(block)->is_moved);
    assert_zeroed(2 * MIB);
    eddy_free(block);
    assert_zeroed(8 * MIB);
}

static void what_objects_leave_that_could_not_be_moved(void **state) {
    (void)state;
    faults_start(FAULT_KIND(OS_MOVE), 1, FOR_EVER);
    void *block = move_object();
    faults_stop();
    assert_false(page_of(block)->is_moved);
    assert_zeroed(2 * MIB);
    eddy_free(block);
    assert_zeroed(8 * MIB);
}

static void what_moved_objects_leave_that_could_not_be_replaced(void **state) {
    (void)state;
    void *block = memset(move_object(), DIRT, 8 * MIB);
    faults_start(FAULT_KIND(OS_REPLACE), 1, FOR_EVER);
    eddy_free(block);
    assert_true(faults_refused() > 0);
    faults_stop();
    assert_zeroed(8 * MIB);
}

static void what_aligned_objects_leave_in_front(void **state) {
    (void)state;
    for (size_t alignment = 64 * KIB; alignment <= 4 * MIB; alignment *= 2) {
        use(8 * MIB, eddy_malloc, false);
        void *block = must(eddy_zalloc_aligned_at(MIB, alignment, 100 * KIB));
        assert_true(is_zero(block, eddy_usable_size(block)));
        memset(block, DIRT, eddy_usable_size(block));
        assert_zeroed(100 * KIB);
        assert_zeroed(64 * KIB);
        eddy_free(block);
    }
}

static void what_resizing_adds(void **state) {
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        use(64 * KIB, eddy_malloc, false);
        use(8 * MIB, eddy_malloc, false);
        char *block = must(eddy_zalloc(10));
        for (size_t size = 10; size < 8 * MIB; size += size / (1 + round % 4) + 1) {
            size_t before = eddy_usable_size(block);
            memset(block, DIRT, before);
            block = must(eddy_rezalloc(block, size));
            size_t after = eddy_usable_size(block);
            if (after > before) assert_true(is_zero(block + before, after - before));
        }
        eddy_free(block);
        if (round % 3 == 0) start_clean();
    }
}

/* ---- after a fork ---- */

static void use_all_sizes(void *unused) {
    (void)unused;
    for (size_t i = 0; i < LENGTH(sizes); i++) make_dirty(sizes[i]);
}

static void zero_all_sizes(void) {
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < LENGTH(sizes); i++) assert_zeroed(sizes[i]);
    }
    heap_verify(own_heap());
}

static void memory_of_threads_that_vanished(void **state) {
    (void)state;
    actor_t actor;
    actor_start(&actor);
    actor_do(&actor, use_all_sizes, NULL);
    use_all_sizes(NULL);
    assert_in_child(zero_all_sizes);
    actor_end(&actor);
}

#define ZERO_TEST(test) cmocka_unit_test_setup_teardown(test, start, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        ZERO_TEST(blocks_of_the_current_page),
        ZERO_TEST(blocks_of_retained_pages),
        ZERO_TEST(blocks_of_pages_remade_for_another_class),
        ZERO_TEST(blocks_behind_what_a_page_has_linked),
        ZERO_TEST(blocks_freed_by_another_thread),
        ZERO_TEST(blocks_of_adopted_pages),
        ZERO_TEST(aligned_blocks),
        ZERO_TEST(dirty_spans),
        ZERO_TEST(purged_spans),
        ZERO_TEST(spans_whose_purge_was_refused_once),
        ZERO_TEST(what_shrinking_objects_leave),
        ZERO_TEST(what_moved_objects_leave),
        ZERO_TEST(what_objects_leave_that_could_not_be_moved),
        ZERO_TEST(what_moved_objects_leave_that_could_not_be_replaced),
        ZERO_TEST(what_aligned_objects_leave_in_front),
        ZERO_TEST(what_resizing_adds),
        ZERO_TEST(memory_of_threads_that_vanished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
