/* What Eddy says of itself: version, options, counters, statistics, errors.
 * SPDX-License-Identifier: MIT */
#include <signal.h>

#include "standard.h"

static void version_is_that_of_the_header(void **state) {
    (void)state;
    assert_int_equal(eddy_version(),
                     EDDY_VERSION_MAJOR * 10000 + EDDY_VERSION_MINOR * 100 + EDDY_VERSION_PATCH);
}

/* ---- options ---- */

static void options_hold_what_is_set(void **state) {
    (void)state;
    static const int64_t values[] = {
        [EDDY_OPTION_DECAY_MS] = 1234,
        [EDDY_OPTION_RETAIN_MAX] = 5 << 20,
        [EDDY_OPTION_LIMIT] = INT64_C(1) << 40,
        [EDDY_OPTION_STATS] = 0,
        [EDDY_OPTION_VERBOSE] = 0,
        [EDDY_OPTION_SOFT_LIMIT] = INT64_C(1) << 40,
        [EDDY_OPTION_SCAVENGER] = 0,
        [EDDY_OPTION_ADDED_ONLY] = 0,
        [EDDY_OPTION_HUGE_PAGES] = 0,
    };
    for (int i = 0; i < EDDY_OPTION_COUNT; i++) {
        eddy_option_t option = (eddy_option_t)i;
        int64_t before = eddy_option_get(option);
        assert_int_equal(eddy_option_set(option, values[i]), 0);
        assert_int_equal(eddy_option_get(option), values[i]);
        assert_int_equal(eddy_option_set(option, before), 0);
        assert_int_equal(eddy_option_get(option), before);
    }
}

static void decay_takes_never_and_at_once(void **state) {
    (void)state;
    int64_t before = eddy_option_get(EDDY_OPTION_DECAY_MS);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, -1), 0);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, 0), 0);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, before), 0);
}

static void values_out_of_range_change_nothing(void **state) {
    (void)state;
    static const struct {
        eddy_option_t option;
        int64_t value;
    } wrong[] = {
        {EDDY_OPTION_DECAY_MS, -2},   {EDDY_OPTION_DECAY_MS, INT64_MIN},
        {EDDY_OPTION_RETAIN_MAX, -1}, {EDDY_OPTION_RETAIN_MAX, INT64_MIN},
        {EDDY_OPTION_LIMIT, -1},      {EDDY_OPTION_LIMIT, INT64_MIN},
        {EDDY_OPTION_STATS, 2},       {EDDY_OPTION_STATS, -1},
        {EDDY_OPTION_VERBOSE, 2},     {EDDY_OPTION_VERBOSE, -1},
    };
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        int64_t before = eddy_option_get(wrong[i].option);
        errno = 0;
        assert_int_equal(eddy_option_set(wrong[i].option, wrong[i].value), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(eddy_option_get(wrong[i].option), before);
    }
}

static void unknown_options_are_refused(void **state) {
    (void)state;
    static const int unknown[] = {EDDY_OPTION_COUNT, 1000, -1};
    for (size_t i = 0; i < LENGTH(unknown); i++) {
        errno = 0;
        assert_int_equal(eddy_option_get((eddy_option_t)unknown[i]), -1);
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_int_equal(eddy_option_set((eddy_option_t)unknown[i], 1), -1);
        assert_int_equal(errno, EINVAL);
    }
}

static void the_limit_is_kept(void **state) {
    (void)state;
    assert_int_equal(eddy_option_set(EDDY_OPTION_LIMIT, 64 * (int64_t)MIB), 0);
    errno = 0;
    assert_null(eddy_malloc(128 * MIB));
    assert_int_equal(errno, ENOMEM);
    eddy_free(must(eddy_malloc(MIB)));
    assert_int_equal(eddy_option_set(EDDY_OPTION_LIMIT, 0), 0);
    eddy_free(must(eddy_malloc(128 * MIB)));
}

/* ---- counters and statistics ---- */

static void an_older_program_gets_only_what_it_knows(void **state) {
    (void)state;
    union {
        eddy_counters_t counters;
        eddy_stats_t stats;
        unsigned char bytes[sizeof(eddy_counters_t)];
    } out;
    for (size_t size = 0; size <= sizeof out.counters; size += sizeof(size_t)) {
        memset(&out, 0xa5, sizeof out);
        eddy_counters(&out.counters, size);
        for (size_t i = size; i < sizeof out.bytes; i++) assert_int_equal(out.bytes[i], 0xa5);
        if (size > sizeof out.stats) continue;
        memset(&out, 0xa5, sizeof out);
        eddy_stats_get(&out.stats, size);
        for (size_t i = size; i < sizeof out.bytes; i++) assert_int_equal(out.bytes[i], 0xa5);
    }
}

static void counters_never_fall(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    void *blocks[COUNT];
    eddy_counters_t before, after;
    eddy_counters(&before, sizeof before);
    for (size_t i = 0; i < COUNT; i++) blocks[i] = must(eddy_malloc(i * 50));
    for (size_t i = 0; i < COUNT; i++) eddy_free(blocks[i]);
    eddy_collect();
    eddy_counters(&after, sizeof after);
    assert_true(after.slow_entries > before.slow_entries);
    assert_true(after.pages_made > before.pages_made);
    assert_true(after.extensions > before.extensions);
    assert_true(after.pages_retired > before.pages_retired);
    assert_true(after.pages_released > before.pages_released);
    assert_true(after.bytes_purged > before.bytes_purged);
    assert_true(after.memory_system_calls > before.memory_system_calls);
}

static void live_bytes_follow_the_blocks(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 100, 5000, 70 * KIB, MIB, 50 * MIB};
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        eddy_stats_t before, during, after;
        eddy_stats_get(&before, sizeof before);
        void *block = must(eddy_malloc(sizes[i]));
        eddy_stats_get(&during, sizeof during);
        size_t usable = eddy_usable_size(block);
        eddy_free(block);
        eddy_stats_get(&after, sizeof after);
        assert_int_equal(during.live_bytes, before.live_bytes + usable);
        assert_int_equal(during.live_blocks, before.live_blocks + 1);
        assert_int_equal(after.live_bytes, before.live_bytes);
        assert_int_equal(after.live_blocks, before.live_blocks);
    }
}

static void what_is_held_is_opened_and_reserved(void **state) {
    (void)state;
    void *block = must(eddy_malloc(10 * MIB));
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    size_t held = stats.live_bytes + stats.free_in_pages + stats.current_empty + stats.retained +
                  stats.dirty + stats.clean + stats.pending;
    assert_true(held <= stats.opened);
    assert_true(stats.opened <= stats.reserved);
    eddy_free(block);
}

static void collect_returns_what_it_returned(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    void *blocks[COUNT];
    eddy_option_set(EDDY_OPTION_DECAY_MS, -1);
    for (size_t i = 0; i < COUNT; i++) memset(blocks[i] = must(eddy_malloc(10000)), 1, 10000);
    for (size_t i = 0; i < COUNT; i++) eddy_free(blocks[i]);
    assert_true(eddy_collect() >= COUNT * 10000 / 2);
    assert_int_equal(eddy_collect(), 0);
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
}

static void stats_print_writes_a_table(void **state) {
    (void)state;
    static char text[8192];
    FILE *file = tmpfile();
    assert_non_null(file);
    eddy_stats_print(fileno(file));
    ssize_t length = pread(fileno(file), text, sizeof text - 1, 0);
    assert_true(length > 0);
    assert_non_null(strchr(text, '\n'));
    assert_int_equal(text[length - 1], '\n');
    fclose(file);
}

static void stats_print_to_a_closed_file_does_no_harm(void **state) {
    (void)state;
    eddy_stats_print(-1);
    eddy_free(must(eddy_malloc(100)));
}

/* ---- errors ---- */

static const void *reported;
static char reported_message[200];

static int reported_error;

static void report(int error, const char *message, const void *pointer, void *argument) {
    assert_ptr_equal(argument, &reported);
    reported_error = error;
    reported = pointer;
    snprintf(reported_message, sizeof reported_message, "%s", message);
}

static void the_error_handler_is_called_with_the_pointer(void **state) {
    (void)state;
    static char foreign[64];
    assert_null(eddy_on_error(report, &reported));
    reported = NULL;
    eddy_free((void *)((uintptr_t)foreign + opaque(16)));
    assert_ptr_equal(reported, foreign + 16);
    assert_int_equal(reported_error, EINVAL);
    assert_true(strlen(reported_message) > 0);
    assert_ptr_equal((void *)(uintptr_t)eddy_on_error(NULL, NULL), (void *)(uintptr_t)report);
}

static void a_large_block_freed_twice_is_reported(void **state) {
    (void)state;
    void *block = must(eddy_malloc(3 * MIB));
    uintptr_t address = (uintptr_t)block;
    eddy_on_error(report, &reported);
    eddy_free(block);
    reported = NULL;
    eddy_free((void *)opaque(address));
    eddy_on_error(NULL, NULL);
    assert_int_equal((uintptr_t)reported, address);
    assert_int_equal(reported_error, EAGAIN);
}

static void a_request_without_memory_is_reported(void **state) {
    (void)state;
    eddy_on_error(report, &reported);
    assert_null(eddy_malloc(opaque(SIZE_MAX)));
    eddy_on_error(NULL, NULL);
    assert_int_equal(reported_error, ENOMEM);
    assert_int_equal(errno, ENOMEM);
    assert_null(reported);
}

static void after_a_reported_error_the_allocator_works(void **state) {
    (void)state;
    int local = 0;
    eddy_on_error(report, &reported);
    eddy_free((void *)opaque((uintptr_t)&local));
    eddy_on_error(NULL, NULL);
    for (size_t size = 0; size < 10000; size += 100) eddy_free(must(eddy_malloc(size)));
}

static void free_a_stack_address(void) {
    int local = 0;
    FILE *silence = freopen("/dev/null", "w", stderr);
    (void)silence;
    eddy_free((void *)opaque((uintptr_t)&local));
}

static void without_a_handler_an_error_aborts(void **state) {
    (void)state;
    int status = status_in_child(free_a_stack_address);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_that_of_the_header),
        cmocka_unit_test(options_hold_what_is_set),
        cmocka_unit_test(decay_takes_never_and_at_once),
        cmocka_unit_test(values_out_of_range_change_nothing),
        cmocka_unit_test(unknown_options_are_refused),
        cmocka_unit_test(the_limit_is_kept),
        cmocka_unit_test(an_older_program_gets_only_what_it_knows),
        cmocka_unit_test(counters_never_fall),
        cmocka_unit_test(live_bytes_follow_the_blocks),
        cmocka_unit_test(what_is_held_is_opened_and_reserved),
        cmocka_unit_test(collect_returns_what_it_returned),
        cmocka_unit_test(stats_print_writes_a_table),
        cmocka_unit_test(stats_print_to_a_closed_file_does_no_harm),
        cmocka_unit_test(the_error_handler_is_called_with_the_pointer),
        cmocka_unit_test(a_large_block_freed_twice_is_reported),
        cmocka_unit_test(a_request_without_memory_is_reported),
        cmocka_unit_test(after_a_reported_error_the_allocator_works),
        cmocka_unit_test(without_a_handler_an_error_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
