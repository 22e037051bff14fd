/* Free spans where the program wants huge pages: memory comes and goes in whole ones.
 * SPDX-License-Identifier: MIT */
#include "common/faults.h"
#include "common/span_model.h"

enum { SEEDS = 10, STEPS = 200 };

const char *eddy_options = "scavenger=never huge_pages=yes";

static int free_all(void **state) {
    faults_stop();
    return model_end(state);
}

static bool is_whole(uintptr_t slices) { return slices % region_unit == 0; }

/* Clean spans are whole huge pages; dirty ones hold one only if they may. */
static void verify_units(bool may_be_purged) {
    for (size_t i = 0; i < region_count(); i++) {
        const region_t *region = region_at(i);
        size_t end = region->first + region->opened;
        for (size_t slice = region->first; slice < end;) {
            page_t *head = slice_descriptor(slice);
            size_t slices = span_slices(head);
            uintptr_t start = (uintptr_t)slice_address(head) >> SLICE_SHIFT;
            if (span_kind(head) == SPAN_CLEAN) assert_true(is_whole(start) && is_whole(slices));
            bool has_unit = round_up(start, region_unit) + region_unit <= start + slices;
            if (span_kind(head) == SPAN_DIRTY && !may_be_purged) assert_false(has_unit);
            slice += slices;
        }
    }
}

static void random_spans_keep_to_huge_pages(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t random = seed;
        for (unsigned step = 0; step < STEPS; step++) {
            random_step(&random);
            verify();
            verify_units(true);
        }
    }
}

static void purging_leaves_no_whole_huge_page(void **state) {
    (void)state;
    uint64_t random = 1;
    for (unsigned step = 0; step < SEEDS * STEPS; step++) {
        random_step(&random);
        if (random_below(&random, 10) != 0) continue;
        size_t dirty = totals_now().dirty;
        size_t purged = span_purge_all();
        assert_true(is_whole(purged >> SLICE_SHIFT));
        assert_int_equal(totals_now().dirty, dirty - (purged >> SLICE_SHIFT));
        assert_int_equal(span_dirty(), 0);
        verify();
        verify_units(false);
    }
}

static void refused_purges_lose_nothing(void **state) {
    (void)state;
    uint64_t random = 1;
    for (unsigned step = 0; step < SEEDS * STEPS; step++) {
        random_step(&random);
        if (random_below(&random, 10) != 0) continue;
        faults_start(FAULT_KIND(OS_PURGE), 1 + step % 3, ONCE);
        span_purge_all();
        faults_stop();
        verify();
        verify_units(true);
    }
}

static void spans_are_rebuilt_after_a_fork(void **state) {
    (void)state;
    uint64_t random = 1;
    for (unsigned step = 0; step < SEEDS * STEPS; step++) {
        random_step(&random);
        if (random_below(&random, 20) != 0) continue;
        span_repair();
        verify();
        verify_units(true);
    }
    span_purge_all();
    verify_units(false);
}

static void what_shares_a_huge_page_is_used_next(void **state) {
    (void)state;
    model_free_all();
    span_purge_all();
    for (size_t i = 0; i < region_unit; i++) model_allocate(1, 1, SPAN_FROM_ANY);
    uintptr_t unit_bytes = region_unit << SLICE_SHIFT;
    uintptr_t first = round_down((uintptr_t)slice_address(held[0].head), unit_bytes);
    for (size_t i = 0; i < held_count; i++) {
        uintptr_t at = (uintptr_t)slice_address(held[i].head);
        assert_int_equal(round_down(at, unit_bytes), first);
    }
}

static void a_program_cannot_change_its_mind(void **state) {
    (void)state;
    assert_int_equal(eddy_option_set(EDDY_OPTION_HUGE_PAGES, 1), 0);
    errno = 0;
    assert_int_equal(eddy_option_set(EDDY_OPTION_HUGE_PAGES, 0), -1);
    assert_int_equal(errno, EINVAL);
}

#define ON_MODEL(test) cmocka_unit_test_setup_teardown(test, model_start, free_all)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_MODEL(random_spans_keep_to_huge_pages),      ON_MODEL(purging_leaves_no_whole_huge_page),
        ON_MODEL(refused_purges_lose_nothing),          ON_MODEL(spans_are_rebuilt_after_a_fork),
        ON_MODEL(what_shares_a_huge_page_is_used_next), ON_MODEL(a_program_cannot_change_its_mind),
    };
    if (eddy_option_get(EDDY_OPTION_HUGE_PAGES) == 0) return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
