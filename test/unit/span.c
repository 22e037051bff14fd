/* Free spans against a naive model: no overlap, zero when said to be, aligned, tiled, counted.
 * SPDX-License-Identifier: MIT */
#include "memory/span.h"

#include "common/alone.h"
#include "common/faults.h"
#include "common/forked.h"
#include "common/span_model.h"

enum { SEEDS = 10, STEPS = 200, WINDOW_MS = 250 };

static uint64_t clock_ms = 1 << 20;

static int free_all(void **state) {
    faults_stop();
    eddy_option_set(EDDY_OPTION_LIMIT, 0);
    return model_end(state);
}

/* ---- random lives ---- */

static void random_spans_tile_their_regions(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t random = seed;
        for (unsigned step = 0; step < STEPS; step++) {
            random_step(&random);
            verify();
        }
    }
}

static void random_spans_survive_purging(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t random = seed;
        for (unsigned step = 0; step < STEPS; step++) {
            random_step(&random);
            if (random_below(&random, 10) != 0) continue;
            size_t dirty = totals_now().dirty, clean = totals_now().clean;
            assert_int_equal(span_purge_all(), dirty * SLICE_BYTES);
            assert_int_equal(totals_now().dirty, 0);
            assert_int_equal(totals_now().clean, clean + dirty);
            verify();
        }
    }
}

/* As often as it takes. */
static void housekeep(uint64_t now_ms) {
    do span_housekeep(now_ms);
    while (span_is_behind(now_ms));
}

static void random_spans_survive_refused_purges(void **state) {
    (void)state;
    uint64_t random = 1;
    for (size_t nth = 1; nth <= 200; nth++) {
        for (unsigned i = 0; i < 20; i++) random_step(&random);
        faults_start(FAULT_KIND(OS_PURGE), 1 + nth % 7, nth % 2 ? ONCE : FOR_EVER);
        size_t dirty = totals_now().dirty;
        size_t purged = span_purge_all();
        faults_stop();
        assert_int_equal(totals_now().dirty, dirty - purged / SLICE_BYTES);
        if (faults_refused() == 0) assert_int_equal(purged, dirty * SLICE_BYTES);
        verify();
    }
}

static void one_look_purges_some_spans_and_the_next_ones_the_rest(void **state) {
    (void)state;
    enum { SPANS = 200, CALLS_MOST = 32 };
    bool is_zero;
    page_t *spans[SPANS];
    (void)span_purge_all();
    for (size_t i = 0; i < SPANS; i++) {
        spans[i] = must(span_allocate(1, 1, SPAN_FROM_ANY, &is_zero));
    }
    for (size_t i = 0; i < SPANS; i += 2) span_free(spans[i]);
    span_housekeep(clock_ms += WINDOW_MS);
    size_t looks = 0;
    clock_ms += WINDOW_MS;
    do {
        size_t calls = os_memory_calls();
        span_housekeep(clock_ms);
        assert_true(os_memory_calls() - calls <= CALLS_MOST);
        looks++;
    } while (span_is_behind(clock_ms));
    assert_true(looks >= SPANS / 2 / CALLS_MOST);
    assert_int_equal(totals_now().dirty, 0);
    for (size_t i = 1; i < SPANS; i += 2) span_free(spans[i]);
    (void)span_purge_all();
}

static void random_spans_are_purged_as_windows_pass(void **state) {
    (void)state;
    uint64_t random = 1;
    size_t highest = 0;
    housekeep(clock_ms += WINDOW_MS);
    housekeep(clock_ms += WINDOW_MS);
    for (unsigned step = 0; step < SEEDS * STEPS; step++) {
        random_step(&random);
        highest = size_max(highest, occupied_slices);
        if (random_below(&random, 20) != 0) continue;
        housekeep(clock_ms += WINDOW_MS);
        span_totals_t totals = totals_now();
        assert_true(totals.used + totals.dirty <= highest);
        verify();
    }
}

static void random_spans_are_rebuilt_from_their_descriptors(void **state) {
    (void)state;
    uint64_t random = 1;
    for (unsigned step = 0; step < SEEDS * STEPS; step++) {
        random_step(&random);
        if (random_below(&random, 20) != 0) continue;
        span_totals_t before = totals_now();
        span_repair();
        span_totals_t after = totals_now();
        assert_memory_equal(&before, &after, sizeof before);
        verify();
    }
}

/* ---- one thing at a time ---- */

static void spans_in_transit_are_free_after_a_fork(void **state) {
    (void)state;
    bool zero;
    page_t *head = span_allocate(3, 1, SPAN_FROM_ANY, &zero);
    size_t dirty = totals_now().dirty;
    assert_non_null(head);
    assert_int_equal(totals_now().used, occupied_slices + 3);
    span_repair();
    assert_int_equal(totals_now().used, occupied_slices);
    assert_int_equal(totals_now().dirty, dirty + 3);
    assert_int_equal(span_kind(head), SPAN_DIRTY);
    /* It was not joined with its neighbours, but is as it becomes clean. */
    span_purge_all();
    verify();
}

static void dirty_spans_are_used_before_clean_ones(void **state) {
    (void)state;
    span_purge_all();
    for (unsigned i = 0; i < 20; i++) model_allocate(4, 1, SPAN_FROM_ANY);
    page_t *freed = held[7].head;
    model_free(&held[7]);
    assert_true(model_allocate(4, 1, SPAN_FROM_DIRTY));
    assert_ptr_equal(held[held_count - 1].head, freed);
    assert_false(model_allocate(1, 1, SPAN_FROM_DIRTY));
}

static void a_good_fit_leaves_longer_spans_whole(void **state) {
    (void)state;
    span_purge_all();
    for (unsigned i = 0; i < 10; i++) model_allocate(i % 2 ? 1 : 5 * (i + 1), 1, SPAN_FROM_ANY);
    page_t *five = held[0].head;
    /* Every second one stays, so that the others do not join. */
    for (size_t i = held_count; i-- > 0;) {
        if (held[i].slices > 1) model_free(&held[i]);
    }
    assert_true(model_allocate(5, 1, SPAN_FROM_DIRTY));
    assert_ptr_equal(held[held_count - 1].head, five);
}

static void two_windows_without_change_leave_nothing_dirty(void **state) {
    (void)state;
    for (unsigned i = 0; i < 30; i++) model_allocate(8, 1, SPAN_FROM_ANY);
    for (unsigned i = 0; i < 20; i++) model_free(&held[0]);
    assert_true(totals_now().dirty >= 160);
    span_housekeep(clock_ms += WINDOW_MS);
    span_housekeep(clock_ms += WINDOW_MS);
    assert_int_equal(totals_now().dirty, 0);
}

static void what_a_swing_needs_stays_dirty(void **state) {
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 30; i++) model_allocate(8, 1, SPAN_FROM_ANY);
        model_free_all();
        size_t calls = os_memory_calls();
        span_housekeep(clock_ms += WINDOW_MS);
        if (round > 0) assert_int_equal(os_memory_calls(), calls);
        assert_true(totals_now().dirty >= 240);
    }
}

static void fresh_memory_pushes_out_as_much_that_did_not_fit(void **state) {
    (void)state;
    enum { WANTED = 8 };
    span_purge_all();
    for (unsigned i = 0; i < 20; i++) model_allocate(2, 1, SPAN_FROM_ANY);
    for (unsigned i = 0; i < 2; i++) span_housekeep(clock_ms += WINDOW_MS);
    /* No two of them are neighbours. */
    page_t *first = held[0].head;
    for (size_t i = held_count; i-- > 0;) {
        if ((held[i].head - first) % 4 == 0) model_free(&held[i]);
    }
    span_totals_t before = totals_now();
    assert_true(before.dirty >= WANTED);
    assert_true(model_allocate(WANTED, 1, SPAN_FROM_ANY));
    span_totals_t after = totals_now();
    assert_int_equal(after.used + after.dirty, before.used + before.dirty);
    verify();
}

/* Clean and dirty ones are not joined, but serve together before memory is refused. */
static void a_clean_span_and_a_dirty_neighbour_are_had_as_one_before_a_refusal(void **state) {
    (void)state;
    span_purge_all();
    size_t half = size_max(totals_now().clean, 4);
    assert_true(model_allocate(half, 1, SPAN_FROM_ANY));
    assert_true(model_allocate(half, 1, SPAN_FROM_ANY));
    page_t *first = held[0].head, *second = held[1].head;
    assert_ptr_equal(second, first + half);
    model_free(&held[0]);
    span_purge_all();
    model_free(&held[0]);
    assert_int_equal(span_kind(first), SPAN_CLEAN);
    assert_int_equal(span_kind(second), SPAN_DIRTY);
    faults_start(FAULT_MEMORY, 1, FOR_EVER);
    assert_true(model_allocate(2 * half, 1, SPAN_FROM_ANY));
    assert_ptr_equal(held[0].head, first);
    verify();
}

/* What would not suffice is not purged for nothing. */
static void a_refusal_that_purging_cannot_avert_purges_nothing(void **state) {
    (void)state;
    bool zero;
    assert_true(model_allocate(20, 1, SPAN_FROM_ANY));
    model_free(&held[0]);
    span_purge_all();
    assert_true(model_allocate(4, 1, SPAN_FROM_ANY));
    model_free(&held[0]);
    span_totals_t before = totals_now();
    assert_true(before.dirty > 0 && before.clean > 0);
    faults_start(FAULT_MEMORY, 1, FOR_EVER);
    assert_null(span_allocate(before.dirty + before.clean + 1, 1, SPAN_FROM_ANY, &zero));
    assert_int_equal(totals_now().dirty, before.dirty);
}

static void without_decay_a_freed_span_is_purged_at_once(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_DECAY_MS, 0);
    model_allocate(8, 1, SPAN_FROM_ANY);
    model_free(&held[0]);
    assert_int_equal(totals_now().dirty, 0);
}

static void with_endless_decay_nothing_is_purged(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_DECAY_MS, -1);
    model_allocate(8, 1, SPAN_FROM_ANY);
    model_free(&held[0]);
    size_t dirty = totals_now().dirty;
    span_housekeep(clock_ms += 100 * WINDOW_MS);
    assert_int_equal(totals_now().dirty, dirty);
}

static void purges_are_counted(void **state) {
    (void)state;
    span_purge_all();
    for (unsigned i = 0; i < 6; i++) model_allocate(2, 1, SPAN_FROM_ANY);
    span_totals_t before = totals_now();
    /* Two that join and one apart. */
    page_t *first = held[0].head;
    for (size_t i = held_count; i-- > 0;) {
        size_t place = (size_t)(held[i].head - first);
        if (place == 0 || place == 2 || place == 8) model_free(&held[i]);
    }
    span_purge_all();
    span_totals_t after = totals_now();
    assert_int_equal(after.spans_purged - before.spans_purged, 2);
    assert_int_equal(after.bytes_purged - before.bytes_purged, 6 * SLICE_BYTES);
}

static span_totals_t totals_before;

static bool look_at_totals(os_call_t call) {
    if (call != OS_PURGE) return false;
    span_totals_t totals = totals_now();
    check(memcmp(&totals, &totals_before, sizeof totals) == 0);
    return true;
}

static void repair_and_purge(void) {
    faults_stop();
    span_repair();
    check(totals_now().dirty == totals_before.dirty);
    span_purge_all();
    check(totals_now().dirty == 0);
    _exit(EXIT_SUCCESS);
}

static bool fork_in_a_purge(os_call_t call) {
    if (call != OS_PURGE) return false;
    faults_stop();
    fork_and_wait(repair_and_purge);
    return true;
}

static void test_in_a_purge(os_fault_fn *hook) {
    span_purge_all();
    assert_true(model_allocate(4, 1, SPAN_FROM_ANY));
    model_free(&held[0]);
    totals_before = totals_now();
    os_fault = hook;
    assert_int_equal(span_purge_all(), 0);
}

static void what_is_being_purged_is_dirty_still(void **state) {
    (void)state;
    test_in_a_purge(look_at_totals);
}

static void what_is_being_purged_is_dirty_in_the_child_of_a_fork(void **state) {
    (void)state;
    test_in_a_purge(fork_in_a_purge);
}

static void nothing_is_handed_out_beyond_the_limit(void **state) {
    (void)state;
    bool zero;
    span_purge_all();
    eddy_option_set(EDDY_OPTION_LIMIT, 10 * SLICE_BYTES);
    assert_true(model_allocate(6, 1, SPAN_FROM_ANY));
    assert_null(span_allocate(5, 1, SPAN_FROM_ANY, &zero));
    assert_false(span_extend(held[0].head, 11));
    assert_true(model_allocate(4, 1, SPAN_FROM_ANY));
    assert_null(span_allocate(1, 1, SPAN_FROM_ANY, &zero));
    model_free(&held[0]);
    assert_true(model_allocate(6, 1, SPAN_FROM_ANY));
    verify();
}

static void impossible_spans_are_refused(void **state) {
    (void)state;
    static const size_t sizes[] = {1, (size_t)1 << 40, SIZE_MAX >> SLICE_SHIFT, SIZE_MAX / 2};
    bool zero;
    span_totals_t before = totals_now();
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        if (i > 0) assert_null(span_allocate(sizes[i], 1, SPAN_FROM_ANY, &zero));
        assert_null(span_allocate(sizes[i], (size_t)1 << 47, SPAN_FROM_ANY, &zero));
    }
    assert_int_equal(totals_now().used, before.used);
    verify();
}

#define ON_MODEL(test) cmocka_unit_test_setup_teardown(test, model_start, free_all)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_MODEL(random_spans_tile_their_regions),
        ON_MODEL(random_spans_survive_purging),
        ON_MODEL(random_spans_survive_refused_purges),
        ON_MODEL(one_look_purges_some_spans_and_the_next_ones_the_rest),
        ON_MODEL(random_spans_are_purged_as_windows_pass),
        ON_MODEL(random_spans_are_rebuilt_from_their_descriptors),
        ON_MODEL(spans_in_transit_are_free_after_a_fork),
        ON_MODEL(dirty_spans_are_used_before_clean_ones),
        ON_MODEL(a_good_fit_leaves_longer_spans_whole),
        ON_MODEL(two_windows_without_change_leave_nothing_dirty),
        ON_MODEL(what_a_swing_needs_stays_dirty),
        ON_MODEL(fresh_memory_pushes_out_as_much_that_did_not_fit),
        ON_MODEL(a_clean_span_and_a_dirty_neighbour_are_had_as_one_before_a_refusal),
        ON_MODEL(a_refusal_that_purging_cannot_avert_purges_nothing),
        ON_MODEL(without_decay_a_freed_span_is_purged_at_once),
        ON_MODEL(with_endless_decay_nothing_is_purged),
        ON_MODEL(purges_are_counted),
        ON_MODEL(what_is_being_purged_is_dirty_still),
        ON_MODEL(what_is_being_purged_is_dirty_in_the_child_of_a_fork),
        ON_MODEL(nothing_is_handed_out_beyond_the_limit),
        ON_MODEL(impossible_spans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
