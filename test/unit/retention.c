/* How many empty pages a heap keeps: what its recent bursts need, and not a page more.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/alone.h"
#include "common/burst.h"
#include "common/clock.h"
#include "heap/registry.h"

enum { PAGES = 12, ROUNDS = 30, STEPS = 3000 };

static burst_t burst;

static int start(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
    eddy_option_set(EDDY_OPTION_RETAIN_MAX, 256 * MIB);
    start_clean();
    turn_windows(own_heap(), 2);
    return 0;
}

static int end(void **state) {
    burst_free_all(&burst);
    tear_down_clean(state);
    assert_int_equal(counters_now().retained_slices, 0);
    return 0;
}

static size_t retained(void) { return load_relaxed(&own_heap()->retained_slices); }
static size_t in_use(void) { return own_heap()->demand.in_use; }

/* Housekeeping releases a few pages at a time. */
static void housekeep_until_settled(void) {
    size_t before;
    do {
        before = retained();
        heap_housekeep(own_heap(), os_now_ms());
    } while (retained() != before);
}

/* All pages but the last one, which is current, retire. */
static void run_burst(size_t size, size_t pages) {
    burst_fill(&burst, size, pages);
    burst_free_all(&burst);
}

/* A burst wherever the last one left its pages. */
static void run_blocks(size_t size, size_t bytes) {
    static void *blocks[2 * PAGES * PAGE_BLOCKS_MOST];
    size_t count = bytes / (size <= SMALL_MAX ? class_bytes(class_of(size)) : size);
    for (size_t i = 0; i < count; i++) blocks[i] = must(eddy_malloc(size));
    for (size_t i = 0; i < count; i++) eddy_free(blocks[i]);
}

/* ---- the bound ---- */

/* The peaks of two windows, from looking at what is in use after every step. */
static struct {
    uint64_t window;
    size_t last, peak, peak_before;
} model;

static void model_start(void) {
    model.window = own_heap()->demand.window;
    model.last = model.peak = in_use();
    model.peak_before = 0;
}

static void model_look(void) {
    if (own_heap()->demand.window != model.window) {
        model.window = own_heap()->demand.window;
        model.peak_before = model.peak;
        model.peak = model.last;
    }
    model.last = in_use();
    model.peak = size_max(model.peak, model.last);
}

static void retained_is_at_most_the_peak_of_two_windows_less_what_is_in_use(void **state) {
    (void)state;
    enum { LIVE_MOST = 2000 };
    static void *live[LIVE_MOST];
    uint64_t random = 1;
    size_t count = 0, target = 0;
    model_start();
    for (unsigned step = 0; step < 100 * STEPS; step++) {
        if (step % 5000 == 0) target = random_below(&random, LIVE_MOST);
        if (count == 0 || (count < LIVE_MOST && random_below(&random, LIVE_MOST) > target)) {
            live[count++] = must(eddy_malloc(random_below(&random, 8 * KIB)));
        } else {
            size_t at = random_below(&random, (uint32_t)count);
            eddy_free(live[at]);
            live[at] = live[--count];
        }
        model_look();
        if (step % STEPS != 0) continue;
        turn_windows(own_heap(), 1);
        model_look();
        housekeep_until_settled();
        size_t peak = size_max(model.peak, model.peak_before);
        assert_true(retained() <= peak - in_use());
        assert_int_equal(demand_allowance(&own_heap()->demand), peak - in_use());
    }
    while (count > 0) eddy_free(live[--count]);
}

static void a_burst_keeps_all_of_its_pages(void **state) {
    (void)state;
    run_burst(64, PAGES);
    assert_int_equal(retained(), PAGES - 1);
    housekeep_until_settled();
    assert_int_equal(retained(), PAGES - 1);
    turn_windows(own_heap(), 1);
    assert_int_equal(retained(), PAGES - 1);
}

static void bursts_a_window_apart_make_no_page(void **state) {
    (void)state;
    run_burst(64, PAGES);
    eddy_counters_t before = counters_now();
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_blocks(64, PAGES * SLICE_BYTES / (round % 5 + 1));
        turn_windows(own_heap(), 1);
        run_blocks(64, PAGES * SLICE_BYTES);
    }
    assert_risen(before, pages_made, 0);
    assert_risen(before, extensions, 0);
    assert_risen(before, pages_released, 0);
    assert_risen(before, memory_system_calls, 0);
}

static void nothing_is_kept_when_bursts_have_stopped(void **state) {
    (void)state;
    run_burst(64, PAGES);
    size_t calls = os_memory_calls();
    turn_windows(own_heap(), 1);
    turn_windows(own_heap(), 1);
    housekeep_until_settled();
    assert_int_equal(retained(), 0);
    /* To the free spans, which have a demand of their own: no call to the kernel. */
    assert_int_equal(os_memory_calls(), calls);
}

static void a_lower_burst_lets_go_of_the_difference(void **state) {
    (void)state;
    run_burst(64, PAGES);
    for (unsigned round = 0; round < 3; round++) {
        turn_windows(own_heap(), 1);
        run_blocks(64, PAGES / 3 * SLICE_BYTES);
    }
    housekeep_until_settled();
    assert_int_equal(retained() + in_use(), PAGES / 3);
}

static void housekeeping_releases_a_few_pages_at_a_time(void **state) {
    (void)state;
    run_burst(64, PAGES_MOST);
    turn_windows(own_heap(), 1);
    size_t before = retained();
    turn_windows(own_heap(), 1);
    assert_true(before - retained() > 0 && before - retained() <= 8);
}

static void allocate_until_the_clock_is_read(void) {
    for (size_t looks = clock_looks; clock_looks == looks;) run_blocks(8 * KIB, 2 * SLICE_BYTES);
}

/* Above its bound a heap is until the clock is read, and then for as long as releasing takes. */
static void after_a_window_a_heap_is_above_its_bound_for_a_known_number_of_entries(void **state) {
    (void)state;
    enum { SURPLUS = 200, ENTRIES_PER_CLOCK = 64, RELEASES_PER_ENTRY = 8, ENTRIES_PER_RUN = 6 };
    run_blocks(8 * KIB, SURPLUS * SLICE_BYTES);
    turn_windows(own_heap(), 1);
    allocate_until_the_clock_is_read();
    clock_next_window();
    eddy_counters_t before = counters_now();
    allocate_until_the_clock_is_read();
    while (retained() > demand_allowance(&own_heap()->demand)) {
        run_blocks(8 * KIB, 2 * SLICE_BYTES);
    }
    size_t expected = ENTRIES_PER_CLOCK + SURPLUS / RELEASES_PER_ENTRY;
    assert_in_range(risen(before, slow_entries), expected - ENTRIES_PER_RUN,
                    expected + ENTRIES_PER_RUN);
    assert_in_range(risen(before, pages_released), SURPLUS - 3, SURPLUS);
}

static void a_thread_that_allocates_little_lets_go_of_what_a_burst_left(void **state) {
    (void)state;
    enum { ENTRIES = 70 };
    run_blocks(64, 2 * PAGES * SLICE_BYTES);
    for (unsigned i = 0; i < 2; i++) {
        clock_next_window();
        eddy_counters_t before = counters_now();
        while (risen(before, slow_entries) < ENTRIES) run_blocks(8 * KIB, 2 * SLICE_BYTES);
    }
    assert_true(retained() <= 3);
}

static void large_objects_let_go_of_what_a_burst_left(void **state) {
    (void)state;
    run_blocks(64, 2 * PAGES * SLICE_BYTES);
    assert_true(retained() > PAGES);
    for (unsigned i = 0; i < 3; i++) {
        clock_next_window();
        for (unsigned round = 0; round < ROUNDS; round++) eddy_free(must(eddy_malloc(300 * KIB)));
    }
    assert_int_equal(retained(), 0);
}

static void the_clock_is_read_once_in_64_slow_entries(void **state) {
    (void)state;
    run_blocks(8 * KIB, 2 * SLICE_BYTES);
    eddy_counters_t before = counters_now();
    size_t looks = clock_looks;
    while (risen(before, slow_entries) < 64 * ROUNDS) run_blocks(8 * KIB, 2 * SLICE_BYTES);
    looks = clock_looks - looks;
    assert_true(looks == ROUNDS || looks == ROUNDS + 1);
}

static void collecting_lets_go_of_everything(void **state) {
    (void)state;
    run_burst(64, PAGES);
    assert_true(eddy_collect() >= PAGES * SLICE_BYTES);
    assert_int_equal(retained(), 0);
    assert_int_equal(in_use(), 0);
}

/* ---- options ---- */

static void the_option_caps_what_is_kept(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_RETAIN_MAX, 4 * SLICE_BYTES);
    turn_windows(own_heap(), 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_blocks(64, PAGES * SLICE_BYTES);
        assert_true(retained() <= 4);
        run_blocks(8 * KIB, PAGES * SLICE_BYTES);
        assert_true(retained() <= 4);
    }
}

static void without_decay_nothing_is_kept(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_DECAY_MS, 0);
    heap_housekeep(own_heap(), os_now_ms());
    run_blocks(64, PAGES * SLICE_BYTES);
    assert_int_equal(retained(), 0);
    span_totals_t totals;
    span_totals(&totals);
    assert_int_equal(totals.dirty, 0);
}

static void with_endless_decay_everything_is_kept(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_DECAY_MS, -1);
    run_burst(64, PAGES);
    for (unsigned bit = 0; bit < 64; bit++) heap_housekeep(own_heap(), (uint64_t)1 << bit);
    assert_int_equal(retained(), PAGES - 1);
}

/* ---- peaks that do not add up ---- */

/* Slices that hold memory, or held some since they were last purged. */
static size_t slices_held(void) {
    span_totals_t totals;
    span_totals(&totals);
    return totals.used + totals.dirty;
}

static void alternating_classes_share_their_pages(void **state) {
    (void)state;
    static const size_t sizes[] = {16, 100, 1000, 5000, 8 * KIB};
    run_blocks(64, PAGES * SLICE_BYTES);
    size_t held = slices_held();
    eddy_counters_t before = counters_now();
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_blocks(sizes[round % LENGTH(sizes)], PAGES * SLICE_BYTES);
        assert_true(retained() + in_use() <= PAGES + 2);
    }
    assert_true(risen(before, pages_made) <= 2);
    assert_true(slices_held() <= held + 2);
}

/* A page for each would be five times as much. */
static void classes_one_after_the_other_share_their_current_pages(void **state) {
    (void)state;
    for (unsigned i = 0; class_bytes(i) < 8 * KIB; i++)
        run_blocks(class_bytes(i), PAGES * SLICE_BYTES);
    assert_true(slices_held() <= PAGES + 2);
}

/* What was never touched is no use to who comes next. */
static void of_empty_current_pages_the_one_touched_most_serves(void **state) {
    (void)state;
    void *few = must(eddy_malloc(16)), *many[SLICE_BYTES / 1024];
    for (size_t i = 0; i < LENGTH(many); i++) many[i] = must(eddy_malloc(1024));
    page_t *touched = page_of(many[0]);
    eddy_free(few);
    for (size_t i = 0; i < LENGTH(many); i++) eddy_free(many[i]);
    void *block = must(eddy_malloc(512));
    assert_ptr_equal(page_of(block), touched);
    eddy_free(block);
}

static void one_block_of_each_class(void) {
    for (unsigned i = 0; i < CLASS_COUNT; i++) eddy_free(must(eddy_malloc(class_bytes(i))));
}

static void classes_that_take_turns_have_a_page_each_before_long(void **state) {
    (void)state;
    for (unsigned round = 0; round < 2; round++) one_block_of_each_class();
    eddy_counters_t before = counters_now();
    one_block_of_each_class();
    assert_int_equal(risen(before, slow_entries), 0);
}

/* A page of several slices may find no gap among the free ones, so not all of them serve. */
static void classes_with_pages_of_other_lengths_share_their_memory(void **state) {
    (void)state;
    static const size_t sizes[] = {16, 10 * KIB, 40000, 1000, 64 * KIB};
    size_t current = 0, longest = 0;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t slices = class_slices(class_of(sizes[i]));
        current += slices;
        longest = size_max(longest, slices);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_blocks(sizes[round % LENGTH(sizes)], 2 * PAGES * SLICE_BYTES);
        assert_true(slices_held() <= 2 * PAGES + current + longest);
    }
}

/* So much that gaps too short for who comes next hardly count. */
enum { MANY_PAGES = 8 * PAGES, MANY_AND_GAPS = 10 * PAGES };

static void large_objects_use_what_is_kept_of_pages(void **state) {
    (void)state;
    for (size_t slices = 2; slices <= MANY_PAGES; slices *= 2) {
        run_blocks(64, MANY_PAGES * SLICE_BYTES);
        run_blocks(slices * SLICE_BYTES, MANY_PAGES * SLICE_BYTES);
        assert_true(slices_held() <= MANY_AND_GAPS);
    }
}

static void run_many(void *size) { run_blocks(*(const size_t *)size, MANY_PAGES * SLICE_BYTES); }

static void threads_share_pages_of_other_lengths_and_large_objects(void **state) {
    (void)state;
    static size_t sizes[] = {64, 10 * KIB, 40000, 2 * SLICE_BYTES};
    actor_t threads[LENGTH(sizes)];
    size_t most = 0;
    for (size_t i = 0; i < LENGTH(threads); i++) actor_start(&threads[i]);
    for (size_t turn = 0; turn < ROUNDS; turn++) {
        size_t i = turn % LENGTH(threads);
        actor_do(&threads[i], run_many, &sizes[i]);
        most = size_max(most, slices_held());
    }
    for (size_t i = 0; i < LENGTH(threads); i++) actor_end(&threads[i]);
    assert_true(most <= MANY_AND_GAPS);
}

static void run_blocks_elsewhere(void *unused) {
    (void)unused;
    run_blocks(64, PAGES * SLICE_BYTES);
}

static void run_one_block(void *unused) {
    (void)unused;
    run_blocks(64, 64);
}

/* `count` threads run a burst each, in turn, twice: how many slices are held at most beyond what
 * one of them needs. */
static size_t most_held_by_threads_in_turn(actor_t threads[], size_t count) {
    for (size_t i = 0; i < count; i++) actor_start(&threads[i]);
    actor_do(&threads[0], run_blocks_elsewhere, NULL);
    size_t needed = slices_held();
    size_t most = needed;
    for (size_t turn = 0; turn < 2 * count; turn++) {
        actor_do(&threads[turn % count], run_blocks_elsewhere, NULL);
        most = size_max(most, slices_held());
    }
    for (size_t i = 0; i < count; i++) actor_end(&threads[i]);
    return most - needed;
}

static void alternating_threads_share_their_pages(void **state) {
    (void)state;
    actor_t threads[24];
    /* One current page for each thread is not shared. */
    assert_true(most_held_by_threads_in_turn(threads, LENGTH(threads)) <= LENGTH(threads));
}

/* The first walks may end before it, and the page that was current there stays. */
static void who_found_a_heap_with_pages_takes_them_all(void **state) {
    (void)state;
    actor_t threads[2 * REGISTRY_LOOKS];
    for (size_t i = 0; i < LENGTH(threads); i++) {
        actor_start(&threads[i]);
        actor_do(&threads[i], run_one_block, NULL);
    }
    actor_do(&threads[REGISTRY_LOOKS], run_blocks_elsewhere, NULL);
    eddy_counters_t before = counters_now();
    run_blocks(64, PAGES * SLICE_BYTES);
    assert_true(risen(before, pages_made) <= PAGES / 4);
    for (size_t i = 0; i < LENGTH(threads); i++) actor_end(&threads[i]);
}

static void more_threads_than_a_walk_sees_share_most_of_their_pages(void **state) {
    (void)state;
    actor_t threads[2 * REGISTRY_LOOKS];
    assert_true(most_held_by_threads_in_turn(threads, LENGTH(threads)) <= 2 * LENGTH(threads));
}

/* ---- the next layer ---- */

static void large_objects_in_a_loop_cost_no_call(void **state) {
    (void)state;
    for (size_t size = 16 * KIB; size <= 32 * MIB; size = size * 3 / 2) {
        eddy_free(must(eddy_malloc(size)));
        size_t calls = os_memory_calls();
        for (unsigned round = 0; round < ROUNDS; round++) {
            void *block = must(eddy_malloc(size));
            *(volatile char *)block = 1;
            if (round % 2 == 0) clock_next_window();
            span_housekeep(os_now_ms());
            eddy_free(block);
        }
        assert_int_equal(os_memory_calls(), calls);
        span_purge_all();
    }
}

static void a_swing_of_several_large_objects_costs_no_call(void **state) {
    (void)state;
    enum { OBJECTS = 16 };
    void *objects[OBJECTS];
    size_t calls = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < OBJECTS; i++) objects[i] = must(eddy_malloc((i + 1) * 100 * KIB));
        for (size_t i = 0; i < OBJECTS; i++) eddy_free(objects[i]);
        clock_next_window();
        span_housekeep(os_now_ms());
        if (round == 1) calls = os_memory_calls();
    }
    assert_int_equal(os_memory_calls(), calls);
}

#define RETENTION_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        RETENTION_TEST(retained_is_at_most_the_peak_of_two_windows_less_what_is_in_use),
        RETENTION_TEST(a_burst_keeps_all_of_its_pages),
        RETENTION_TEST(bursts_a_window_apart_make_no_page),
        RETENTION_TEST(nothing_is_kept_when_bursts_have_stopped),
        RETENTION_TEST(a_lower_burst_lets_go_of_the_difference),
        RETENTION_TEST(housekeeping_releases_a_few_pages_at_a_time),
        RETENTION_TEST(after_a_window_a_heap_is_above_its_bound_for_a_known_number_of_entries),
        RETENTION_TEST(a_thread_that_allocates_little_lets_go_of_what_a_burst_left),
        RETENTION_TEST(large_objects_let_go_of_what_a_burst_left),
        RETENTION_TEST(the_clock_is_read_once_in_64_slow_entries),
        RETENTION_TEST(collecting_lets_go_of_everything),
        RETENTION_TEST(the_option_caps_what_is_kept),
        RETENTION_TEST(without_decay_nothing_is_kept),
        RETENTION_TEST(with_endless_decay_everything_is_kept),
        RETENTION_TEST(alternating_classes_share_their_pages),
        RETENTION_TEST(classes_one_after_the_other_share_their_current_pages),
        RETENTION_TEST(of_empty_current_pages_the_one_touched_most_serves),
        RETENTION_TEST(classes_that_take_turns_have_a_page_each_before_long),
        RETENTION_TEST(classes_with_pages_of_other_lengths_share_their_memory),
        RETENTION_TEST(large_objects_use_what_is_kept_of_pages),
        RETENTION_TEST(alternating_threads_share_their_pages),
        RETENTION_TEST(threads_share_pages_of_other_lengths_and_large_objects),
        RETENTION_TEST(large_objects_in_a_loop_cost_no_call),
        RETENTION_TEST(a_swing_of_several_large_objects_costs_no_call),
        /* The last two: heaps that were remain, and a walk sees only some of these. */
        RETENTION_TEST(who_found_a_heap_with_pages_takes_them_all),
        RETENTION_TEST(more_threads_than_a_walk_sees_share_most_of_their_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
