/* calloc: zero, whatever the memory held before and by whatever way it came back.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>

#include "standard.h"

/* One or more of every kind of block. */
static const size_t sizes[] = {
    1,         8,         16,      48,          100,         512,      1024,
    1500,      4 * KIB,   8 * KIB, 8 * KIB + 1, 20 * KIB,    64 * KIB, 100 * KIB,
    128 * KIB, 300 * KIB, MIB,     2 * MIB,     5 * MIB + 3, 17 * MIB,
};

enum { BURST_BYTES = 1 << 20, BURST_MAX = 4096 };

static void *blocks[BURST_MAX];

/* Enough blocks to fill several pages of small ones. */
static size_t burst_of(size_t size) {
    size_t count = BURST_BYTES / size + 2;
    return count < BURST_MAX ? count : BURST_MAX;
}

static void dirty(void *block) { memset(block, 0xff, malloc_usable_size(block)); }

static void dirty_burst(size_t size) {
    size_t count = burst_of(size);
    for (size_t i = 0; i < count; i++) dirty(blocks[i] = must(malloc(size)));
}

static void free_burst(size_t size) {
    for (size_t i = 0; i < burst_of(size); i++) free(blocks[i]);
}

/* That a burst of calloc is zero; it leaves its blocks dirty and freed. */
static void assert_zero_burst(size_t size) {
    size_t count = burst_of(size);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = must(calloc(1, size));
        assert_true(is_zero(blocks[i], size));
        dirty(blocks[i]);
    }
    free_burst(size);
}

static void counts_and_sizes_of_zero_give_blocks(void **state) {
    (void)state;
    static const size_t pairs[][2] = {{0, 0}, {0, 1}, {1, 0}, {0, SIZE_MAX}, {SIZE_MAX, 0}};
    for (size_t i = 0; i < LENGTH(pairs); i++) {
        void *a = must(calloc(pairs[i][0], pairs[i][1]));
        void *b = must(calloc(pairs[i][0], pairs[i][1]));
        assert_ptr_not_equal(a, b);
        free(a);
        free(b);
    }
}

static void the_whole_product_is_zero(void **state) {
    (void)state;
    for (size_t count = 1; count < 300; count += 7) {
        for (size_t size = 1; size < 300; size += 11) {
            void *block = must(malloc(count * size));
            memset(block, 0xff, count * size);
            free(block);
            block = must(calloc(count, size));
            assert_true(is_zero(block, count * size));
            free(block);
        }
    }
}

static void fresh_memory_is_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) assert_zero_burst(sizes[i]);
}

static void a_block_freed_a_moment_ago_is_zero(void **state) {
    (void)state;
    for (size_t size = 1; size <= 300 * KIB; size = size * 9 / 8 + 1) {
        void *block = must(malloc(size));
        dirty(block);
        free(block);
        block = must(calloc(1, size));
        assert_true(is_zero(block, size));
        dirty(block);
        free(block);
    }
}

static void blocks_of_emptied_pages_are_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        dirty_burst(sizes[i]);
        free_burst(sizes[i]);
        assert_zero_burst(sizes[i]);
    }
}

static void blocks_in_holes_are_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t count = burst_of(sizes[i]);
        dirty_burst(sizes[i]);
        for (size_t j = 0; j < count; j += 2) free(blocks[j]);
        for (size_t j = 0; j < count; j += 2) {
            blocks[j] = must(calloc(1, sizes[i]));
            assert_true(is_zero(blocks[j], sizes[i]));
        }
        free_burst(sizes[i]);
    }
}

/* Pages, and the spans below them, that last served another size. */
static void memory_of_another_size_is_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        for (size_t j = 0; j < LENGTH(sizes); j += 3) {
            dirty_burst(sizes[i]);
            free_burst(sizes[i]);
            assert_zero_burst(sizes[j]);
        }
    }
}

static void memory_given_back_to_the_kernel_is_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        dirty_burst(sizes[i]);
        free_burst(sizes[i]);
        eddy_collect();
        assert_zero_burst(sizes[i]);
    }
}

/* The first blocks of a page are handed out, its rest is still untouched memory. */
static void a_page_dirtied_in_part_is_zero(void **state) {
    (void)state;
    for (size_t size = 16; size <= 8 * KIB; size *= 2) {
        void *first = must(malloc(size)), *second = must(malloc(size));
        dirty(first);
        dirty(second);
        free(first);
        assert_zero_burst(size);
        free(second);
    }
}

static void *free_all_blocks(void *size) {
    free_burst(*(size_t *)size);
    return NULL;
}

static void blocks_freed_by_another_thread_are_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t size = sizes[i];
        dirty_burst(size);
        run_thread(free_all_blocks, &size);
        assert_zero_burst(size);
    }
}

/* Leaves its pages half full, so that another thread adopts them. */
static void *dirty_and_free_half(void *argument) {
    size_t size = *(size_t *)argument;
    for (size_t i = 0; i < burst_of(size); i++) {
        blocks[i] = malloc(size);
        if (blocks[i] != NULL) dirty(blocks[i]);
    }
    for (size_t i = 0; i < burst_of(size); i += 2) free(blocks[i]);
    return NULL;
}

static void pages_of_a_thread_that_ended_are_zero(void **state) {
    (void)state;
    static void *kept[BURST_MAX];
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t size = sizes[i];
        run_thread(dirty_and_free_half, &size);
        memcpy(kept, blocks, sizeof kept);
        assert_zero_burst(size);
        for (size_t j = 1; j < burst_of(size); j += 2) free(kept[j]);
    }
}

/* What a shrinking or moving realloc left behind. */
static void memory_left_by_realloc_is_zero(void **state) {
    (void)state;
    for (size_t i = 1; i < LENGTH(sizes); i++) {
        void *block = must(malloc(sizes[i]));
        dirty(block);
        block = must(realloc(block, sizes[i] / 2));
        assert_zero_burst(sizes[i] / 2);
        block = must(realloc(block, 2 * sizes[i]));
        dirty(block);
        assert_zero_burst(sizes[i]);
        free(block);
    }
}

static void calloc_in_child(void) {
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        for (size_t j = 0; j < 10; j++) {
            void *block = calloc(1, sizes[i]);
            check(block != NULL && is_zero(block, sizes[i]));
            dirty(block);
            free(block);
        }
    }
}

static void memory_inherited_over_fork_is_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        dirty_burst(sizes[i]);
        free_burst(sizes[i]);
    }
    assert_in_child(calloc_in_child);
}

static void zalloc_zeroes_the_whole_usable_size(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        dirty_burst(sizes[i]);
        free_burst(sizes[i]);
        for (size_t j = 0; j < 10; j++) {
            blocks[j] = must(eddy_zalloc(sizes[i]));
            assert_true(is_zero(blocks[j], eddy_usable_size(blocks[j])));
            dirty(blocks[j]);
        }
        for (size_t j = 0; j < 10; j++) eddy_free(blocks[j]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_sizes_of_zero_give_blocks),
        cmocka_unit_test(fresh_memory_is_zero),
        cmocka_unit_test(the_whole_product_is_zero),
        cmocka_unit_test(a_block_freed_a_moment_ago_is_zero),
        cmocka_unit_test(blocks_of_emptied_pages_are_zero),
        cmocka_unit_test(blocks_in_holes_are_zero),
        cmocka_unit_test(memory_of_another_size_is_zero),
        cmocka_unit_test(memory_given_back_to_the_kernel_is_zero),
        cmocka_unit_test(a_page_dirtied_in_part_is_zero),
        cmocka_unit_test(blocks_freed_by_another_thread_are_zero),
        cmocka_unit_test(pages_of_a_thread_that_ended_are_zero),
        cmocka_unit_test(memory_left_by_realloc_is_zero),
        cmocka_unit_test(memory_inherited_over_fork_is_zero),
        cmocka_unit_test(zalloc_zeroes_the_whole_usable_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
