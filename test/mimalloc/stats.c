/* Statistics, and the process.
 * SPDX-License-Identifier: MIT */
#include "common/text.h"
#include "layer.h"
#include "mimalloc-stats.h"

static void stats_count_what_lives(void **state) {
    (void)state;
    mi_stats_t_decl(before);
    mi_stats_t_decl(after);
    assert_true(mi_stats_get(&before));
    void *blocks[100];
    for (size_t i = 0; i < LENGTH(blocks); i++) blocks[i] = mi_malloc(1000);
    assert_true(mi_stats_get(&after));
    assert_int_equal(after.malloc_normal_count.total - before.malloc_normal_count.total, 100);
    assert_true(after.malloc_normal.current - before.malloc_normal.current >= 100000);
    assert_true(after.reserved.current >= after.committed.current);
    for (size_t i = 0; i < LENGTH(blocks); i++) mi_free(blocks[i]);
    mi_stats_merge();
}

static void stats_of_another_layout_are_refused(void **state) {
    (void)state;
    mi_stats_t_decl(stats);
    stats.size--;
    assert_false(mi_stats_get(&stats));
    mi_stats_init(&stats);
    stats.version++;
    assert_false(mi_stats_get(&stats));
    assert_false(mi_stats_get(NULL));
}

/* As much of JSON as these are: brackets pair up, and no comma stands before one that closes. */
static void assert_json(const char *text) {
    int depth = 0;
    char before = '\0';
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '{' || *c == '[') depth++;
        if (*c == '}' || *c == ']') {
            depth--;
            assert_true(before != ',');
        }
        if (*c != ' ' && *c != '\n') before = *c;
    }
    assert_int_equal(depth, 0);
    assert_true(text[0] == '{' && before == '}');
}

static void json_has_every_field(void **state) {
    (void)state;
    char *json = mi_stats_get_json(0, NULL);
    assert_non_null(json);
    assert_json(json);
#define MI_STAT_COUNT(field) assert_non_null(strstr(json, "\"" #field "\": {"));
#define MI_STAT_COUNTER(field) assert_non_null(strstr(json, "\"" #field "\": "));
    MI_STAT_FIELDS()
    mi_free(json);
}

static void json_fits_the_buffer(void **state) {
    (void)state;
    char buffer[100];
    buffer[99] = 'x';
    assert_ptr_equal(mi_stats_get_json(99, buffer), buffer);
    assert_int_equal(strlen(buffer), 98);
    assert_int_equal(buffer[99], 'x');
    assert_null(mi_stats_get_json(0, buffer));
}

static void the_process_is_described(void **state) {
    (void)state;
    size_t elapsed, user, system, rss, peak_rss, commit, peak_commit, faults;
    mi_process_info(&elapsed, &user, &system, &rss, &peak_rss, &commit, &peak_commit, &faults);
    assert_in_range(elapsed, 0, 1000000);
    assert_true(rss > 100 * KIB && rss <= peak_rss + MIB);
    assert_true(commit > 0 && commit <= peak_commit);
    mi_process_info(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    assert_int_equal(mi_version(), MI_MALLOC_VERSION);
    assert_false(mi_is_redirected());
    mi_process_init();
    mi_process_done();
    mi_thread_init();
    mi_thread_done();
    mi_thread_set_in_threadpool();
    mi_free(mi_malloc(100));
}

#if EDDY_MIMALLOC_API == 3

static text_t said;

static void a_heap_has_stats_of_its_own(void **state) {
    (void)state;
    mi_heap_t *heap = mi_heap_new();
    for (int i = 0; i < 100; i++) assert_non_null(mi_heap_malloc(heap, 1000));
    assert_non_null(mi_heap_malloc(heap, 3 * MIB));
    mi_heap_stats_merge_to_subproc(heap);
    mi_stats_t_decl(stats);
    assert_true(mi_heap_stats_get(heap, &stats));
    assert_int_equal(stats.malloc_normal_count.total, 100);
    assert_int_equal(stats.malloc_huge_count.total, 1);
    size_t bin = 1;
    while (mi_stats_get_bin_size(bin) < 1000) bin++;
    assert_int_equal(mi_stats_get_bin_size(bin), mi_good_size(1000));
    assert_int_equal(stats.malloc_bins[bin].current, 100);
    char *json = mi_heap_stats_get_json(heap, 0, NULL);
    assert_json(json);
    mi_free(json);
    mi_heap_stats_print_out(heap, text_append, &said);
    assert_non_null(strstr(said.bytes, "101 blocks"));
    assert_false(mi_heap_stats_get(NULL, &stats) || mi_heap_stats_get(heap, NULL));
    assert_null(mi_heap_stats_get_json(NULL, 0, NULL));
    mi_heap_destroy(heap);
}

static void a_subprocess_has_those_of_all(void **state) {
    (void)state;
    mi_subproc_id_t one = mi_subproc_main();
    mi_stats_t_decl(stats);
    assert_true(mi_subproc_stats_get(one, &stats));
    mi_stats_reset();
    mi_stats_t_decl(later);
    assert_true(mi_stats_get(&later));
    assert_int_equal(later.malloc_normal_count.total, stats.malloc_normal_count.total);
    char *json = mi_subproc_stats_get_json(one, 0, NULL);
    assert_json(json);
    mi_free(json);
    json = mi_stats_as_json(&stats, 0, NULL);
    assert_json(json);
    mi_free(json);
    stats.version = 0;
    assert_null(mi_stats_as_json(&stats, 0, NULL));
    said = (text_t){0};
    mi_subproc_stats_print_out(one, text_append, &said);
    mi_subproc_heap_stats_print_out(one, text_append, &said);
    assert_non_null(strstr(said.bytes, "heap 0x"));
}

static void bins_are_the_size_classes(void **state) {
    (void)state;
    assert_int_equal(mi_stats_get_bin_size(0), 0);
    assert_int_equal(mi_stats_get_bin_size(1), 16);
    for (size_t bin = 2; mi_stats_get_bin_size(bin) != 0; bin++) {
        assert_true(mi_stats_get_bin_size(bin) > mi_stats_get_bin_size(bin - 1));
    }
    assert_int_equal(mi_stats_get_bin_size(1000), 0);
}

static void the_process_is_printed(void **state) {
    (void)state;
    said = (text_t){0};
    mi_process_info_print_out(text_append, &said);
    mi_options_print_out(text_append, &said);
    assert_non_null(strstr(said.bytes, "elapsed"));
    assert_non_null(strstr(said.bytes, "purge_delay: 500"));
    said = (text_t){0};
    mi_register_output(text_append, &said);
    mi_process_info_print();
    mi_register_output(NULL, NULL);
    assert_non_null(strstr(said.bytes, "resident"));
}

#define OF_GENERATION_3                                                                            \
    cmocka_unit_test(a_heap_has_stats_of_its_own),                                                 \
        cmocka_unit_test(a_subprocess_has_those_of_all),                                           \
        cmocka_unit_test(bins_are_the_size_classes), cmocka_unit_test(the_process_is_printed),
#else
#define OF_GENERATION_3
#endif

RUN(OF_GENERATION_3 cmocka_unit_test(stats_count_what_lives),
    cmocka_unit_test(stats_of_another_layout_are_refused), cmocka_unit_test(json_has_every_field),
    cmocka_unit_test(json_fits_the_buffer), cmocka_unit_test(the_process_is_described))
