/* What only generation 2 has.
 * SPDX-License-Identifier: MIT */
#include "layer.h"

static void the_default_heap_is_what_malloc_uses(void **state) {
    (void)state;
    mi_heap_t *backing = mi_heap_get_backing();
    assert_ptr_equal(mi_heap_get_default(), backing);
    mi_heap_t *heap = mi_heap_new();
    assert_ptr_equal(mi_heap_set_default(heap), backing);
    assert_ptr_equal(mi_heap_get_default(), heap);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = mi_malloc(sizes[i]), *aligned = mi_zalloc_aligned(sizes[i], 256);
        void *resized = mi_realloc(mi_malloc(10), sizes[i]);
        void *named = mi_heap_malloc(backing, sizes[i]);
        assert_true(mi_heap_contains_block(heap, block));
        assert_true(mi_heap_contains_block(heap, aligned));
        assert_true(mi_heap_check_owned(heap, resized));
        assert_true(mi_heap_contains_block(backing, named));
        assert_true(mi_check_owned(block));
        assert_false(mi_check_owned(named));
        mi_free(block);
        mi_free(named);
    }
    assert_ptr_equal(mi_heap_set_default(backing), heap);
    void *block = mi_malloc(100);
    assert_true(mi_heap_contains_block(backing, block));
    mi_free(block);
    mi_heap_destroy(heap);
}

static void a_default_heap_that_ends_is_default_no_longer(void **state) {
    (void)state;
    mi_heap_t *heap = mi_heap_new();
    mi_heap_set_default(heap);
    char *block = mi_malloc(100);
    memset(block, 1, 100);
    mi_heap_delete(heap);
    assert_ptr_equal(mi_heap_get_default(), mi_heap_get_backing());
    void *later = mi_malloc(100);
    assert_true(mi_heap_contains_block(mi_heap_get_backing(), later));
    assert_int_equal(block[99], 1);
    mi_free(block);
    mi_free(later);
}

static void *see_the_backing_heap(void *heap) {
    void *before = mi_malloc(10);
    check(mi_heap_contains_block(mi_heap_get_backing(), before));
    mi_heap_set_default(heap);
    void *block = mi_malloc(10);
    check(mi_heap_contains_block(heap, block));
    mi_free(before);
    return block;
}

static void the_default_heap_is_the_threads_own(void **state) {
    (void)state;
    mi_heap_t *heap = mi_heap_new();
    for (int i = 0; i < 3; i++) {
        void *block = run_thread(see_the_backing_heap, heap);
        assert_true(mi_heap_contains_block(heap, block));
        assert_ptr_equal(mi_heap_get_default(), mi_heap_get_backing());
    }
    mi_heap_destroy(heap);
}

static void owners_are_told_apart(void **state) {
    (void)state;
    int local = 0;
    mi_heap_t *heap = mi_heap_new();
    void *block = mi_heap_malloc(heap, 100);
    assert_true(mi_heap_contains_block(heap, block) && mi_heap_check_owned(heap, block));
    assert_false(mi_heap_contains_block(mi_heap_get_backing(), block));
    assert_false(mi_heap_check_owned(heap, &local) || mi_heap_check_owned(heap, NULL));
    mi_heap_destroy(heap);
}

/* ---- the names of generation 3 ---- */

static void theaps_are_heaps(void **state) {
    (void)state;
    mi_theap_t *theap = mi_heap_new();
    mi_theap_t *before = mi_theap_set_default(theap);
    assert_ptr_equal(mi_theap_get_default(), theap);
    void *blocks[] = {mi_theap_malloc(theap, 10),
                      mi_theap_zalloc(theap, 10),
                      mi_theap_calloc(theap, 2, 10),
                      mi_theap_malloc_small(theap, 10),
                      mi_theap_malloc_aligned(theap, 10, 64),
                      mi_theap_realloc(theap, NULL, 10)};
    for (size_t i = 0; i < LENGTH(blocks); i++) assert_true(mi_heap_check_owned(theap, blocks[i]));
    mi_theap_collect(theap, false);
    mi_theap_set_default(before);
    mi_heap_destroy(theap);
}

/* ---- abandoned blocks ---- */

static bool find(const mi_heap_t *heap, const mi_heap_area_t *area, void *block, size_t size,
                 void *argument) {
    (void)heap, (void)area, (void)size;
    void **wanted = argument;
    if (block == *wanted) *wanted = NULL;
    return true;
}

static void *leave_a_block(void *size) {
    void *block = mi_malloc(*(size_t *)size);
    memset(block, 1, *(size_t *)size);
    return block;
}

static void abandoned_blocks_are_visited(void **state) {
    (void)state;
    for (size_t size = 50; size < 100000; size *= 50) {
        void *block = run_thread(leave_a_block, &size);
        void *wanted = block;
        assert_true(mi_abandoned_visit_blocks(mi_subproc_main(), -1, true, find, &wanted));
        assert_null(wanted);
        mi_free(block);
        wanted = block;
        assert_true(mi_abandoned_visit_blocks(mi_subproc_main(), -1, true, find, &wanted));
        assert_non_null(wanted);
    }
}

RUN(cmocka_unit_test(the_default_heap_is_what_malloc_uses),
    cmocka_unit_test(a_default_heap_that_ends_is_default_no_longer),
    cmocka_unit_test(the_default_heap_is_the_threads_own), cmocka_unit_test(owners_are_told_apart),
    cmocka_unit_test(theaps_are_heaps), cmocka_unit_test(abandoned_blocks_are_visited))
