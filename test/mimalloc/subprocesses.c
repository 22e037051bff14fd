/* Subprocesses: what their threads allocate is theirs.
 * SPDX-License-Identifier: MIT */
#include "common/text.h"
#include "layer.h"
#include "mimalloc-stats.h"

#if EDDY_MIMALLOC_API == 2
static mi_heap_t *main_heap(void) { return mi_heap_get_backing(); }
static void end(mi_subproc_id_t subprocess) { mi_subproc_delete(subprocess); }
#else
static mi_heap_t *main_heap(void) { return mi_heap_main(); }
static void end(mi_subproc_id_t subprocess) { mi_subproc_destroy(subprocess); }
#endif

static bool is_in(mi_heap_t *heap, const void *block) {
    return (mi_heap_t *)eddy_heap_of(block) == heap;
}

/* What a thread of a subprocess does and leaves behind. */
typedef struct work {
    mi_subproc_id_t subprocess;
    mi_heap_t *main_heap, *other;
    void *in_main, *in_other, *of_deleted;
} work_t;

static void *work_in(void *argument) {
    work_t *work = argument;
    mi_subproc_add_current_thread(work->subprocess);
    work->main_heap = main_heap();
    work->in_main = mi_malloc(100);
    check(is_in(work->main_heap, work->in_main));
    check(mi_check_owned(work->in_main));
    mi_heap_t *deleted = mi_heap_new();
    work->of_deleted = mi_heap_malloc(deleted, 100);
    mi_heap_delete(deleted);
    work->other = mi_heap_new();
    work->in_other = mi_heap_malloc(work->other, 200);
    /* It has no end but that of the subprocess. */
    mi_heap_delete(work->main_heap);
    mi_heap_destroy(work->main_heap);
    check(is_in(work->main_heap, work->in_main));
    mi_free(mi_malloc(70000));
    return NULL;
}

static work_t work_in_a_new_one(void) {
    work_t work = {.subprocess = mi_subproc_new()};
    run_thread(work_in, &work);
    return work;
}

static void a_subprocess_has_heaps_of_its_own(void **state) {
    (void)state;
    work_t one = work_in_a_new_one(), two = work_in_a_new_one();
    assert_ptr_not_equal(one.main_heap, main_heap());
    assert_ptr_not_equal(one.main_heap, two.main_heap);
    assert_true(is_in(one.main_heap, one.in_main) && is_in(two.main_heap, two.in_main));
    assert_true(is_in(one.other, one.in_other));
    void *mine = mi_malloc(100);
    assert_true(is_in(main_heap(), mine));
    mi_free(mine);
    end(one.subprocess);
    end(two.subprocess);
}

static void what_a_deleted_heap_leaves_stays_in_the_subprocess(void **state) {
    (void)state;
    work_t work = work_in_a_new_one();
    assert_true(is_in(work.main_heap, work.of_deleted));
    end(work.subprocess);
}

static void its_blocks_are_freed_from_anywhere(void **state) {
    (void)state;
    size_t live = live_blocks();
    work_t work = work_in_a_new_one();
    assert_int_equal(live_blocks(), live + 3);
    mi_free(work.in_main);
    mi_free(work.in_other);
    mi_free(work.of_deleted);
    assert_int_equal(live_blocks(), live);
    end(work.subprocess);
}

static void the_first_subprocess_has_no_end(void **state) {
    (void)state;
    void *block = mi_malloc(100);
    end(mi_subproc_main());
    end((mi_subproc_id_t){0});
    assert_true(is_in(main_heap(), block));
    mi_free(block);
}

static void a_thread_may_come_back(void **state) {
    (void)state;
    mi_heap_t *before = main_heap();
    mi_subproc_id_t subprocess = mi_subproc_new();
    mi_subproc_add_current_thread(subprocess);
    assert_ptr_not_equal(main_heap(), before);
    mi_subproc_add_current_thread(mi_subproc_main());
    assert_ptr_equal(main_heap(), before);
    end(subprocess);
}

#if EDDY_MIMALLOC_API == 2

static void deleting_keeps_the_blocks(void **state) {
    (void)state;
    size_t live = live_blocks();
    work_t work = work_in_a_new_one();
    mi_subproc_delete(work.subprocess);
    assert_int_equal(live_blocks(), live + 3);
    assert_true(is_in(main_heap(), work.in_main) && is_in(main_heap(), work.in_other));
    mi_free(work.in_main);
    mi_free(work.in_other);
    mi_free(work.of_deleted);
}

static bool count(const mi_heap_t *heap, const mi_heap_area_t *area, void *block, size_t size,
                  void *argument) {
    (void)heap, (void)area, (void)size;
    *(size_t *)argument += block != NULL;
    return true;
}

static void abandoned_blocks_are_those_of_its_threads(void **state) {
    (void)state;
    work_t one = work_in_a_new_one(), two = work_in_a_new_one();
    mi_free(two.in_main);
    size_t in_one = 0, in_two = 0, of_tag = 0;
    assert_true(mi_abandoned_visit_blocks(one.subprocess, -1, true, count, &in_one));
    assert_true(mi_abandoned_visit_blocks(two.subprocess, 0, true, count, &in_two));
    assert_true(mi_abandoned_visit_blocks(one.subprocess, 7, true, count, &of_tag));
    assert_int_equal(in_one, 3);
    assert_int_equal(in_two, 2);
    assert_int_equal(of_tag, 0);
    assert_false(mi_abandoned_visit_blocks(one.subprocess, -1, true, NULL, NULL));
    end(one.subprocess);
    end(two.subprocess);
    mi_free(one.in_main);
}

#else

static void destroying_frees_the_blocks(void **state) {
    (void)state;
    size_t live = live_blocks();
    work_t work = work_in_a_new_one();
    assert_int_equal(live_blocks(), live + 3);
    mi_subproc_destroy(work.subprocess);
    assert_int_equal(live_blocks(), live);
}

static void a_thread_knows_its_own(void **state) {
    (void)state;
    void *first = mi_subproc_main()._mi_subproc_id;
    assert_ptr_equal(mi_subproc_current()._mi_subproc_id, first);
    mi_subproc_id_t made = mi_subproc_new();
    assert_ptr_not_equal(made._mi_subproc_id, first);
    mi_subproc_add_current_thread(made);
    assert_ptr_equal(mi_subproc_current()._mi_subproc_id, made._mi_subproc_id);
    mi_theap_t *before = mi_theap_set_default(mi_heap_theap(mi_heap_new()));
    assert_ptr_equal(mi_subproc_current()._mi_subproc_id, made._mi_subproc_id);
    assert_ptr_equal(before, mi_heap_theap(main_heap()));
    mi_subproc_add_current_thread(mi_subproc_main());
    mi_subproc_destroy(made);
}

typedef struct list {
    mi_heap_t *heaps[10];
    size_t count;
} list_t;

static bool note(mi_heap_t *heap, void *argument) {
    list_t *list = argument;
    assert_true(list->count < LENGTH(list->heaps));
    list->heaps[list->count++] = heap;
    return true;
}

static bool stop(mi_heap_t *heap, void *argument) {
    (void)heap, (void)argument;
    return false;
}

static void its_heaps_are_visited(void **state) {
    (void)state;
    mi_heap_t *mine = mi_heap_new();
    work_t work = work_in_a_new_one();
    list_t of_main = {0}, of_work = {0};
    assert_true(mi_subproc_visit_heaps(mi_subproc_main(), note, &of_main));
    assert_true(mi_subproc_visit_heaps(work.subprocess, note, &of_work));
    assert_int_equal(of_main.count, 2);
    assert_true(of_main.heaps[0] == main_heap() && of_main.heaps[1] == mine);
    assert_int_equal(of_work.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(of_work.heaps[i] == work.main_heap || of_work.heaps[i] == work.other);
    assert_false(mi_subproc_visit_heaps(work.subprocess, stop, NULL));
    assert_false(mi_subproc_visit_heaps(work.subprocess, NULL, NULL));
    mi_subproc_destroy(work.subprocess);
    mi_heap_destroy(mine);
}

static void its_statistics_are_those_of_its_heaps(void **state) {
    (void)state;
    work_t work = work_in_a_new_one();
    mi_stats_t_decl(stats);
    assert_true(mi_subproc_stats_get(work.subprocess, &stats));
    assert_int_equal(stats.malloc_normal_count.total, 3);
    stats.size = 0;
    assert_false(mi_subproc_stats_get(work.subprocess, &stats));
    static text_t text;
    mi_subproc_stats_print_out(work.subprocess, text_append, &text);
    assert_non_null(strstr(text.bytes, "3 blocks"));
    mi_subproc_destroy(work.subprocess);
}

#endif

#if EDDY_MIMALLOC_API == 2
#define OF_GENERATION                                                                              \
    cmocka_unit_test(deleting_keeps_the_blocks),                                                   \
        cmocka_unit_test(abandoned_blocks_are_those_of_its_threads)
#else
#define OF_GENERATION                                                                              \
    cmocka_unit_test(destroying_frees_the_blocks), cmocka_unit_test(a_thread_knows_its_own),       \
        cmocka_unit_test(its_heaps_are_visited),                                                   \
        cmocka_unit_test(its_statistics_are_those_of_its_heaps)
#endif

RUN(cmocka_unit_test(a_subprocess_has_heaps_of_its_own),
    cmocka_unit_test(what_a_deleted_heap_leaves_stays_in_the_subprocess),
    cmocka_unit_test(its_blocks_are_freed_from_anywhere),
    cmocka_unit_test(the_first_subprocess_has_no_end), cmocka_unit_test(a_thread_may_come_back),
    OF_GENERATION)
