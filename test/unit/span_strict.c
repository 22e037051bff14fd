/* Free spans where the kernel promises no memory that it does not have (overcommit_memory=2): what
 * is purged is closed to any access, and opened again when it is handed out.
 * SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include "common/alone.h"
#include "common/faults.h"
#include "common/span_model.h"

/* The allocator's own file, compiled for such a kernel; the library's stays unused. */
#define os_commit_is_strict() true
#include "memory/span.c"

enum { TEST_STEPS = 2000 };

static int start_strict(void **state) {
    clean_is_closed = true;
    return model_start(state);
}

static int free_everything(void **state) {
    faults_stop();
    return model_end(state);
}

static bool is_accessible(const page_t *head) {
    char here;
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    /* The kernel reads the memory, and fails where we may not. */
    bool accessible = write(pipe_ends[1], slice_address(head), sizeof here) == sizeof here;
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    return accessible;
}

static void purged_spans_are_closed(void **state) {
    (void)state;
    assert_true(model_allocate(4, 1, SPAN_FROM_ANY));
    page_t *head = held[0].head;
    assert_true(is_accessible(head));
    model_free(&held[0]);
    assert_true(is_accessible(head));
    span_purge_all();
    assert_false(is_accessible(head));
}

static void random_spans_are_open_and_zero_after_purging(void **state) {
    (void)state;
    uint64_t random = 1;
    for (unsigned step = 0; step < TEST_STEPS; step++) {
        random_step(&random);
        if (random_below(&random, 20) == 0) span_purge_all();
        verify();
    }
}

static void a_refused_opening_loses_nothing(void **state) {
    (void)state;
    uint64_t random = 1;
    for (unsigned step = 0; step < TEST_STEPS; step++) {
        random_step(&random);
        if (random_below(&random, 10) != 0) continue;
        span_purge_all();
        bool zero;
        faults_start(FAULT_KIND(OS_OPEN), 1, FOR_EVER);
        page_t *head = span_allocate(random_slices(&random), 1, SPAN_FROM_ANY, &zero);
        faults_stop();
        assert_null(head);
        verify();
    }
}

static void what_is_open_is_not_clean(void **state) {
    (void)state;
    bool zero;
    page_t *head = must(span_allocate(4, 1, SPAN_FROM_ANY, &zero));
    size_t clean = totals_now().clean, dirty = totals_now().dirty;
    span_free_clean(head);
    assert_int_equal(totals_now().clean, clean);
    assert_int_equal(totals_now().dirty, dirty + 4);
}

static size_t mappings(void) {
    size_t lines = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    for (int c; (c = fgetc(maps)) != EOF;) lines += c == '\n';
    fclose(maps);
    return lines;
}

/* Twice as many as may be closed, no two of them side by side. */
enum { SPANS = 4000 };
static page_t *spans[SPANS];

static void free_every_second_span(void) {
    bool zero;
    for (size_t i = 0; i < SPANS; i++) spans[i] = must(span_allocate(1, 1, SPAN_FROM_ANY, &zero));
    for (size_t i = 0; i < SPANS; i += 2) span_free(spans[i]);
}

static void free_the_others(void) {
    for (size_t i = 1; i < SPANS; i += 2) span_free(spans[i]);
}

/* Each closed span splits the mapping that it lies in. */
static void closing_spans_adds_a_bounded_number_of_mappings(void **state) {
    (void)state;
    size_t before = mappings();
    free_every_second_span();
    span_purge_all();
    assert_true(totals_now().clean > 0 && totals_now().dirty > 0);
    assert_true(mappings() <= before + 2100);
    free_the_others();
    span_purge_all();
    assert_int_equal(totals_now().dirty, 0);
}

/* The scavenger calls until it is not behind. */
static void housekeeping_ends_though_spans_stay_dirty(void **state) {
    (void)state;
    uint64_t now_ms = os_now_ms(), window_ms = 250;
    free_every_second_span();
    for (int windows = 0; windows < 3; windows++, now_ms += window_ms) {
        int calls = 0;
        while (span_is_behind(now_ms)) {
            assert_true(++calls <= SPANS);
            span_housekeep(now_ms);
        }
    }
    assert_true(totals_now().clean > 0 && totals_now().dirty > 0);
    free_the_others();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(purged_spans_are_closed, start_strict, free_everything),
        cmocka_unit_test_setup_teardown(random_spans_are_open_and_zero_after_purging, start_strict,
                                        free_everything),
        cmocka_unit_test_setup_teardown(a_refused_opening_loses_nothing, start_strict,
                                        free_everything),
        cmocka_unit_test_setup_teardown(what_is_open_is_not_clean, start_strict, free_everything),
        cmocka_unit_test_setup_teardown(closing_spans_adds_a_bounded_number_of_mappings,
                                        start_strict, free_everything),
        cmocka_unit_test_setup_teardown(housekeeping_ends_though_spans_stay_dirty, start_strict,
                                        free_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
