/* What only generation 3 has.
 * SPDX-License-Identifier: MIT */
#include "layer.h"

/* ---- heaps ---- */

static void a_heap_knows_its_blocks(void **state) {
    (void)state;
    int local = 0;
    mi_heap_t *heap = mi_heap_new();
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = mi_heap_malloc(heap, sizes[i]), *other = mi_malloc(sizes[i]);
        assert_ptr_equal(mi_heap_of(block), heap);
        assert_ptr_equal(mi_heap_of(other), mi_heap_main());
        assert_true(mi_heap_contains(heap, block) && !mi_heap_contains(heap, other));
        assert_true(mi_any_heap_contains(block) && mi_any_heap_contains(other));
        mi_free(block);
        mi_free(other);
    }
    assert_null(mi_heap_of(&local));
    assert_false(mi_heap_contains(heap, &local) || mi_heap_contains(NULL, &local));
    assert_false(mi_any_heap_contains(&local) || mi_any_heap_contains(NULL));
    mi_heap_destroy(heap);
}

static void theaps_allocate_in_their_heap(void **state) {
    (void)state;
    mi_heap_t *heap = mi_heap_new();
    mi_theap_t *theap = mi_heap_theap(heap);
    void *blocks[] = {mi_theap_malloc(theap, 100),       mi_theap_zalloc(theap, 100),
                      mi_theap_calloc(theap, 10, 10),    mi_theap_malloc_small(theap, 100),
                      mi_theap_zalloc_small(theap, 100), mi_theap_malloc_aligned(theap, 100, 512),
                      mi_theap_realloc(theap, NULL, 100)};
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        assert_true(mi_heap_contains(heap, blocks[i]));
        assert_true(mi_usable_size(blocks[i]) >= 100);
    }
    assert_true(is_zero(blocks[1], 100) && is_zero(blocks[2], 100) && is_zero(blocks[4], 100));
    assert_true(is_aligned(blocks[5], 512));
    assert_no_memory(mi_theap_malloc(theap, opaque(SIZE_MAX)));
    assert_no_memory(mi_theap_calloc(theap, opaque(SIZE_MAX), 2));
    assert_no_memory(mi_theap_realloc(theap, blocks[0], opaque(SIZE_MAX)));
    mi_theap_collect(theap, true);
    mi_heap_destroy(heap);
}

static void the_default_theap_is_what_malloc_uses(void **state) {
    (void)state;
    mi_heap_t *heap = mi_heap_new();
    mi_theap_t *before = mi_theap_get_default();
    assert_ptr_equal(before, mi_heap_theap(mi_heap_main()));
    assert_ptr_equal(mi_theap_set_default(mi_heap_theap(heap)), before);
    assert_ptr_equal(mi_theap_get_default(), mi_heap_theap(heap));
    void *block = mi_malloc(100), *named = mi_heap_malloc(mi_heap_main(), 100);
    assert_true(mi_heap_contains(heap, block) && !mi_heap_contains(heap, named));
    assert_ptr_equal(mi_theap_set_default(before), mi_heap_theap(heap));
    void *later = mi_malloc(100);
    assert_ptr_equal(mi_heap_of(later), mi_heap_main());
    mi_free(named);
    mi_free(later);
    mi_heap_destroy(heap);
}

/* ---- visits ---- */

typedef struct search {
    const void *block;
    size_t areas, found;
} search_t;

static bool look(const mi_heap_t *heap, const mi_heap_area_t *area, void *block, size_t size,
                 void *argument) {
    (void)heap, (void)area, (void)size;
    search_t *search = argument;
    search->areas += block == NULL;
    search->found += block != NULL && block == search->block;
    return true;
}

static void a_theap_shows_its_blocks(void **state) {
    (void)state;
    search_t search = {.block = mi_malloc(100)};
    assert_true(mi_theap_visit_blocks(mi_theap_get_default(), true, look, &search));
    assert_true(search.areas > 0 && search.found == 1);
    mi_free((void *)(uintptr_t)search.block);
}

static void *leave_a_block(void *heap) { return mi_heap_malloc(heap, 100); }

static void abandoned_blocks_are_visited(void **state) {
    (void)state;
    mi_heap_t *heap = mi_heap_new();
    void *mine = mi_heap_malloc(heap, 100), *left = run_thread(leave_a_block, heap);
    search_t for_left = {.block = left}, for_mine = {.block = mine};
    assert_true(mi_heap_visit_abandoned_blocks(heap, true, look, &for_left));
    assert_true(mi_heap_visit_abandoned_blocks(heap, true, look, &for_mine));
    assert_int_equal(for_left.found, 1);
    assert_int_equal(for_mine.found, 0);
    mi_heap_destroy(heap);
}

RUN(cmocka_unit_test(a_heap_knows_its_blocks), cmocka_unit_test(theaps_allocate_in_their_heap),
    cmocka_unit_test(the_default_theap_is_what_malloc_uses),
    cmocka_unit_test(a_theap_shows_its_blocks), cmocka_unit_test(abandoned_blocks_are_visited))
