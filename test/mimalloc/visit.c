/* Visiting areas and blocks.
 * SPDX-License-Identifier: MIT */
#include "layer.h"

typedef struct census {
    const mi_heap_t *heap;
    const mi_heap_area_t *area; /* of the call before */
    size_t areas, used, blocks;
    size_t stop_after; /* calls; 0: never */
} census_t;

static bool count(const mi_heap_t *heap, const mi_heap_area_t *area, void *block, size_t size,
                  void *argument) {
    census_t *census = argument;
    assert_ptr_equal(heap, census->heap);
    assert_int_equal(size, area->block_size);
    if (block == NULL) {
        census->areas++;
        census->used += area->used;
        census->area = area;
        assert_true(area->used * area->full_block_size <= area->committed);
        assert_true(area->committed <= area->reserved);
    } else {
        assert_ptr_equal(area, census->area);
        assert_true(block >= area->blocks);
        assert_true((char *)block + size <= (char *)area->blocks + area->reserved);
        census->blocks++;
    }
    return census->areas + census->blocks != census->stop_after;
}

static mi_heap_t *heap_with_blocks(size_t blocks) {
    mi_heap_t *heap = mi_heap_new();
    for (size_t i = 0; i < blocks; i++) assert_non_null(mi_heap_malloc(heap, sizes[i % 9]));
    return heap;
}

static void areas_come_before_their_blocks(void **state) {
    (void)state;
    mi_heap_t *heap = heap_with_blocks(900);
    void *freed = mi_heap_malloc(heap, 100);
    mi_free(freed);
    census_t census = {.heap = heap};
    assert_true(mi_heap_visit_blocks(heap, true, count, &census));
    assert_int_equal(census.blocks, 900);
    assert_int_equal(census.used, 900);
    assert_true(census.areas >= 8);
    mi_heap_destroy(heap);
}

static void areas_alone_are_shown_too(void **state) {
    (void)state;
    mi_heap_t *heap = heap_with_blocks(90);
    census_t census = {.heap = heap};
    assert_true(mi_heap_visit_blocks(heap, false, count, &census));
    assert_int_equal(census.blocks, 0);
    assert_int_equal(census.used, 90);
    mi_heap_destroy(heap);
}

static void a_visitor_may_stop(void **state) {
    (void)state;
    mi_heap_t *heap = heap_with_blocks(90);
    for (size_t calls = 1; calls < 5; calls++) {
        census_t census = {.heap = heap, .stop_after = calls};
        assert_false(mi_heap_visit_blocks(heap, true, count, &census));
        assert_int_equal(census.areas + census.blocks, calls);
    }
    assert_false(mi_heap_visit_blocks(heap, true, NULL, NULL));
    mi_heap_destroy(heap);
}

static void an_empty_heap_shows_no_block(void **state) {
    (void)state;
    mi_heap_t *heap = mi_heap_new();
    census_t census = {.heap = heap};
    assert_true(mi_heap_visit_blocks(heap, true, count, &census));
    assert_int_equal(census.blocks, 0);
    mi_heap_destroy(heap);
}

static void the_main_heap_is_shown(void **state) {
    (void)state;
    mi_heap_t *main_heap = (mi_heap_t *)eddy_heap_main();
    void *block = mi_malloc(100);
    census_t census = {.heap = main_heap};
    assert_true(mi_heap_visit_blocks(main_heap, true, count, &census));
    assert_true(census.blocks > 0);
    assert_int_equal(census.blocks, census.used);
    mi_free(block);
}

RUN(cmocka_unit_test(areas_come_before_their_blocks), cmocka_unit_test(areas_alone_are_shown_too),
    cmocka_unit_test(a_visitor_may_stop), cmocka_unit_test(an_empty_heap_shows_no_block),
    cmocka_unit_test(the_main_heap_is_shown))
