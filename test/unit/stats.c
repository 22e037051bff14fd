/* Statistics against a model of what one thread holds; every byte of opened memory is in one of the
 * sums, and every page that was made is there or was released.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/alone.h"
#include "common/burst.h"
#include "common/clock.h"
#include "common/faults.h"
#include "common/random_block.h"
#include "heap/remote.h"

enum { LIVE_MOST = 500, STEPS = 20000, STEPS_PER_CHECK = 100 };

static burst_t burst;

static int end(void **state) {
    burst_free_all(&burst);
    return tear_down_clean(state);
}

static void assert_adds_up(const eddy_stats_t *stats) {
    assert_int_equal(stats->live_bytes + stats->free_in_pages + stats->current_empty +
                         stats->retained + stats->dirty + stats->clean + stats->pending,
                     stats->opened);
    assert_true(stats->opened <= stats->reserved);
}

/* ---- one thread ---- */

static size_t live_bytes, live_count;
static void *live[LIVE_MOST];

static void model_allocate(uint64_t *random) {
    size_t size = random_size(random);
    void *block = random_one_in(random, 3) ? eddy_zalloc(size) : eddy_malloc(size);
    live[live_count++] = must(block);
    live_bytes += eddy_usable_size(block);
}

static void model_resize(uint64_t *random, size_t at) {
    live_bytes -= eddy_usable_size(live[at]);
    live[at] = must(eddy_realloc(live[at], random_size(random)));
    live_bytes += eddy_usable_size(live[at]);
}

static void model_free(size_t at) {
    live_bytes -= eddy_usable_size(live[at]);
    eddy_free(live[at]);
    live[at] = live[--live_count];
}

static void assert_like_model(void) {
    eddy_stats_t stats = stats_now();
    assert_int_equal(stats.live_blocks, live_count);
    assert_int_equal(stats.live_bytes, live_bytes);
    assert_int_equal(stats.pending, 0);
    assert_adds_up(&stats);
}

static bool count_page(page_t *page, void *argument) {
    if (span_kind(page) == SPAN_PAGE) ++*(size_t *)argument;
    return true;
}

static void assert_pages_add_up(void) {
    eddy_counters_t counters = counters_now();
    size_t pages = 0;
    span_walk(count_page, &pages);
    assert_int_equal(counters.pages_made - counters.pages_released, pages);
    assert_true(counters.retained_slices <= counters.retained_slices_peak);
    assert_int_equal(counters.retained_slices * SLICE_BYTES, stats_now().retained);
    assert_true(counters.pages_reused <= counters.pages_retired);
}

static void random_work_is_counted_exactly(void **state) {
    (void)state;
    uint64_t random = 1;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t at = live_count == 0 ? 0 : random_below(&random, (uint32_t)live_count);
        if (live_count == 0 || (live_count < LIVE_MOST && random_one_in(&random, 2))) {
            model_allocate(&random);
        } else if (random_one_in(&random, 4)) {
            model_resize(&random, at);
        } else {
            model_free(at);
        }
        if (random_one_in(&random, 1000)) turn_windows(own_heap(), 1);
        if (random_one_in(&random, 3000)) eddy_collect();
        if (step % STEPS_PER_CHECK != 0) continue;
        assert_like_model();
        assert_pages_add_up();
    }
    while (live_count > 0) model_free(0);
    assert_like_model();
}

static bool never_falls(const eddy_counters_t *before, const eddy_counters_t *after) {
    return before->slow_entries <= after->slow_entries &&
           before->promotions_malloc <= after->promotions_malloc &&
           before->extensions <= after->extensions && before->pages_made <= after->pages_made &&
           before->pages_retired <= after->pages_retired &&
           before->pages_reused <= after->pages_reused &&
           before->pages_released <= after->pages_released &&
           before->pages_adopted <= after->pages_adopted &&
           before->retained_slices_peak <= after->retained_slices_peak &&
           before->spans_purged <= after->spans_purged &&
           before->bytes_purged <= after->bytes_purged &&
           before->memory_system_calls <= after->memory_system_calls;
}

static void run_burst(void *unused) {
    (void)unused;
    static burst_t own;
    burst_fill(&own, 100, 5);
    burst_free_all(&own);
}

static void counters_outlive_their_threads(void **state) {
    (void)state;
    eddy_counters_t before = counters_now();
    for (unsigned round = 1; round <= 5; round++) {
        in_thread(run_burst, NULL);
        eddy_counters_t after = counters_now();
        assert_true(never_falls(&before, &after));
        assert_true(after.slow_entries > before.slow_entries);
        assert_int_equal(after.pages_retired - before.pages_retired, 4);
        before = after;
    }
}

/* ---- blocks on their way ---- */

typedef struct range {
    size_t page, from, to;
} range_t;

static void free_range(void *argument) {
    const range_t *range = argument;
    for (size_t j = range->from; j < range->to; j++) burst_free(&burst, range->page, j);
}

static void assert_split(size_t live_expected, size_t pending_expected) {
    eddy_stats_t stats = stats_now();
    assert_int_equal(stats.live_blocks, live_expected);
    assert_int_equal(stats.pending, pending_expected * class_bytes(class_of(burst.size)));
    assert_adds_up(&stats);
}

static void what_others_freed_is_pending_wherever_it_stands(void **state) {
    (void)state;
    actor_t actor;
    actor_start(&actor);
    burst_fill(&burst, 200, 2);
    size_t blocks = 2 * burst.limit;
    assert_split(blocks, 0);
    /* Gathered by the other thread. */
    actor_do(&actor, free_range, &(range_t){1, 0, 5});
    assert_split(blocks - 5, 5);
    /* On its page; a token of a full page; and the rest of its chain. */
    actor_end(&actor);
    assert_split(blocks - 5, 5);
    in_thread(free_range, &(range_t){0, 0, 1});
    assert_split(blocks - 6, 6);
    in_thread(free_range, &(range_t){0, 1, 10});
    assert_split(blocks - 15, 15);
    /* Collected by the owner. */
    burst_refill(&burst);
    assert_split(blocks, 0);
}

static void free_one_of_each_page(void *unused) {
    (void)unused;
    for (size_t i = 0; i < burst.pages; i++) burst_free(&burst, i, 0);
}

static void assert_gathered(size_t blocks, size_t pages) {
    eddy_stats_t stats = stats_now();
    assert_int_equal(stats.gathered, blocks * class_bytes(class_of(burst.size)));
    assert_int_equal(stats.gathered_pages, pages);
}

static void what_a_thread_gathers_is_shown_with_its_pages(void **state) {
    (void)state;
    actor_t actor;
    actor_start(&actor);
    burst_fill(&burst, 200, 3);
    assert_gathered(0, 0);
    actor_do(&actor, free_range, &(range_t){1, 1, 6});
    assert_gathered(5, 1);
    actor_do(&actor, free_one_of_each_page, NULL);
    assert_gathered(8, 3);
    actor_end(&actor);
    assert_gathered(0, 0);
}

/* ---- the interface ---- */

static void no_byte_beyond_the_callers_struct_is_written(void **state) {
    (void)state;
    eddy_stats_t stats, whole_stats = stats_now();
    eddy_counters_t counters, whole_counters = counters_now();
    for (size_t size = 0; size <= sizeof stats; size++) {
        memset(&stats, 0x5a, sizeof stats);
        eddy_stats_get(&stats, size);
        assert_memory_equal(&stats, &whole_stats, size);
        for (size_t i = size; i < sizeof stats; i++) assert_int_equal(((char *)&stats)[i], 0x5a);
    }
    for (size_t size = 0; size <= sizeof counters; size++) {
        memset(&counters, 0x5a, sizeof counters);
        eddy_counters(&counters, size);
        assert_memory_equal(&counters, &whole_counters, size);
        for (size_t i = size; i < sizeof counters; i++) {
            assert_int_equal(((char *)&counters)[i], 0x5a);
        }
    }
}

/* The number behind `name` in the table. */
static size_t printed(const char *table, const char *name) {
    const char *row = strstr(table, name);
    assert_non_null(row);
    return strtoul(row + strlen(name), NULL, 10);
}

static void the_table_shows_the_same_numbers(void **state) {
    (void)state;
    static char table[8192];
    int ends[2];
    void *block = must(eddy_malloc(12345));
    assert_int_equal(pipe(ends), 0);
    eddy_counters_t counters = counters_now();
    eddy_stats_print(ends[1]);
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], table + length, sizeof table - 1 - length)) > 0;) {
        length += (size_t)got;
    }
    close(ends[0]);
    eddy_stats_t stats = stats_now();
    assert_int_equal(printed(table, "live bytes"), stats.live_bytes);
    assert_int_equal(printed(table, "live blocks"), 1);
    assert_int_equal(printed(table, "opened"), stats.opened);
    assert_int_equal(printed(table, "metadata"), stats.metadata);
    assert_int_equal(printed(table, "slow entries"), counters.slow_entries);
    assert_int_equal(printed(table, "bytes purged"), counters.bytes_purged);
    assert_int_equal(printed(table, "memory system calls"), counters.memory_system_calls);
    eddy_free(block);
}

#define STATS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_clean, end)

static void say_nothing(const char *text, void *argument) { (void)text, (void)argument; }

static size_t calls_of_a_report(void) {
    size_t before = os_memory_calls();
    eddy_stats_json(say_nothing, NULL);
    return os_memory_calls() - before;
}

static void memory_of_a_report_that_cannot_be_unmapped_serves_the_next(void **state) {
    (void)state;
    assert_int_equal(calls_of_a_report(), 2);
    faults_start(FAULT_KIND(OS_UNMAP), 1, FOR_EVER);
    assert_int_equal(calls_of_a_report(), 1);
    assert_int_equal(calls_of_a_report(), 0);
    assert_true(faults_refused() == 2);
    faults_stop();
    assert_int_equal(calls_of_a_report(), 1);
    assert_int_equal(calls_of_a_report(), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STATS_TEST(random_work_is_counted_exactly),
        STATS_TEST(counters_outlive_their_threads),
        STATS_TEST(what_others_freed_is_pending_wherever_it_stands),
        STATS_TEST(what_a_thread_gathers_is_shown_with_its_pages),
        STATS_TEST(no_byte_beyond_the_callers_struct_is_written),
        STATS_TEST(the_table_shows_the_same_numbers),
        STATS_TEST(memory_of_a_report_that_cannot_be_unmapped_serves_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
