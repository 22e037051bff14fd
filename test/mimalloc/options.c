/* Options, set by calls and by the environment. The second is seen by this program when it runs
 * itself.
 * SPDX-License-Identifier: MIT */
#include <sys/prctl.h>

#include "common/text.h"
#include "layer.h"

static void options_of_eddy_are_read_and_set(void **state) {
    (void)state;
    mi_option_set(mi_option_purge_delay, 1234);
    assert_int_equal(mi_option_get(mi_option_purge_delay), 1234);
    assert_int_equal(eddy_option_get(EDDY_OPTION_DECAY_MS), 1234);
    assert_int_equal(mi_option_get_clamp(mi_option_purge_delay, 0, 100), 100);
    assert_int_equal(mi_option_get_clamp(mi_option_purge_delay, 2000, 3000), 2000);
    assert_int_equal(mi_option_get_size(mi_option_purge_delay), 1234);
    mi_option_set(mi_option_purge_delay, -1);
    assert_int_equal(mi_option_get(mi_option_reset_delay), -1);
    mi_option_enable(mi_option_show_stats);
    assert_true(mi_option_is_enabled(mi_option_show_stats));
    mi_option_disable(mi_option_show_stats);
    assert_false(mi_option_is_enabled(mi_option_show_stats));
    mi_option_set_enabled(mi_option_verbose, true);
    assert_int_equal(eddy_option_get(EDDY_OPTION_VERBOSE), 1);
    mi_option_set(mi_option_verbose, 2);
    assert_int_equal(eddy_option_get(EDDY_OPTION_VERBOSE), 1);
    mi_option_set_enabled(mi_option_verbose, false);
    assert_int_equal(eddy_option_get(EDDY_OPTION_VERBOSE), 0);
    mi_option_set(mi_option_purge_delay, 500);
}

/* The first test of all: the others set the options. */
static void a_default_gives_way_to_what_was_set(void **state) {
    (void)state;
    mi_option_set_default(mi_option_purge_delay, 7);
    mi_option_set_default(mi_option_purge_delay, 8);
    assert_int_equal(mi_option_get(mi_option_purge_delay), 8);
    mi_option_set(mi_option_purge_delay, 9);
    mi_option_set_default(mi_option_purge_delay, 10);
    assert_int_equal(mi_option_get(mi_option_purge_delay), 9);
    mi_option_set_enabled_default(mi_option_show_stats, true);
    assert_true(mi_option_is_enabled(mi_option_show_stats));
    mi_option_disable(mi_option_show_stats);
    mi_option_set_enabled_default(mi_option_show_stats, true);
    assert_false(mi_option_is_enabled(mi_option_show_stats));
}

static void thp_is_a_property_of_the_process(void **state) {
    (void)state;
    mi_option_disable(mi_option_allow_thp);
    assert_int_equal(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
    assert_false(mi_option_is_enabled(mi_option_allow_thp));
    mi_option_set_enabled_default(mi_option_allow_thp, true);
    assert_false(mi_option_is_enabled(mi_option_allow_thp));
    mi_option_enable(mi_option_allow_thp);
    assert_int_equal(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
}

static void options_without_effect_are_reported_as_such(void **state) {
    (void)state;
    static text_t said;
    mi_register_output(text_append, &said);
    mi_option_enable(mi_option_destroy_on_exit);
    assert_string_equal(said.bytes, "");
    mi_option_enable(mi_option_verbose);
    mi_option_enable(mi_option_destroy_on_exit);
    mi_option_enable(mi_option_large_os_pages);
    mi_option_set(mi_option_arena_reserve, 1000);
    mi_option_disable(mi_option_verbose);
    mi_register_output(NULL, NULL);
    assert_non_null(strstr(said.bytes, "destroy_on_exit of mimalloc has no effect"));
    assert_non_null(strstr(said.bytes, "allow_large_os_pages of mimalloc has no effect"));
    assert_non_null(strstr(said.bytes, "arena_reserve of mimalloc has no effect"));
    assert_false(mi_option_is_enabled(mi_option_large_os_pages));
    assert_int_equal(mi_option_get_size(mi_option_arena_reserve), 0);
}

static void every_option_has_a_value_and_a_name(void **state) {
    (void)state;
    for (int i = 0; i < _mi_option_last; i++) {
        mi_option_t option = (mi_option_t)i;
        long value = mi_option_get(option);
        mi_option_set(option, value);
        assert_int_equal(mi_option_get(option), value);
    }
    assert_int_equal(mi_option_get((mi_option_t)-1), 0);
    assert_int_equal(mi_option_get(_mi_option_last), 0);
    assert_int_equal(mi_option_get_size(_mi_option_last), 0);
    mi_option_set(_mi_option_last, 1);
    mi_option_set_default(_mi_option_last, 1);
}

/* ---- environment ---- */

/* This program, run anew with a variable or two: what it says of an option. */
static FILE *run_with(const char *option, const char *first, const char *second) {
    char command[1000], self[500] = "";
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(command, sizeof command, "%s %s %s %s", first, second, self, option);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    return pipe;
}

static long option_with(const char *option, const char *first, const char *second) {
    FILE *pipe = run_with(option, first, second);
    long value = -99;
    assert_int_equal(fscanf(pipe, "%ld", &value), 1);
    assert_int_equal(pclose(pipe), 0);
    return value;
}

static bool says_with(const char *text, const char *first, const char *second) {
    FILE *pipe = run_with("verbose 2>&1", first, second);
    char line[500];
    bool found = false;
    while (fgets(line, sizeof line, pipe) != NULL) found |= strstr(line, text) != NULL;
    assert_int_equal(pclose(pipe), 0);
    return found;
}

static void the_environment_is_read(void **state) {
    (void)state;
    assert_int_equal(option_with("purge_delay", "MIMALLOC_PURGE_DELAY=77", ""), 77);
    assert_int_equal(option_with("purge_delay", "MIMALLOC_RESET_DELAY=78", ""), 78);
    assert_int_equal(option_with("purge_delay", "MIMALLOC_PURGE_DELAY=-1", ""), -1);
    assert_int_equal(option_with("thp", "MIMALLOC_ALLOW_THP=off", ""), 0);
    assert_int_equal(option_with("show_stats", "MIMALLOC_SHOW_STATS=yes", "2>/dev/null"), 1);
    assert_int_equal(option_with("verbose", "MIMALLOC_VERBOSE=1", "2>/dev/null"), 1);
    assert_int_equal(option_with("show_stats", "MIMALLOC_VERBOSE=2", "2>/dev/null"), 1);
    assert_int_equal(option_with("limit", "MIMALLOC_LIMIT_OS_ALLOC=1", ""), 1);
    assert_int_equal(option_with("limit", "MIMALLOC_DISALLOW_OS_ALLOC=1", ""), 1);
    assert_int_equal(option_with("reserve", "MIMALLOC_RESERVE_OS_MEMORY=64M", ""), 65536);
    assert_int_equal(option_with("reserve", "MIMALLOC_RESERVE_OS_MEMORY=70000000", ""), 68360);
}

static void statistics_are_shown_at_exit(void **state) {
    (void)state;
    static const char text[] = "live blocks";
    assert_false(says_with(text, "", ""));
    assert_true(says_with(text, "MIMALLOC_SHOW_STATS=1", ""));
    assert_true(says_with(text, "MIMALLOC_VERBOSE=1", ""));
    assert_false(says_with(text, "MIMALLOC_SHOW_STATS=1", "EDDY_STATS=no"));
}

static void what_eddy_found_at_its_start_is_said(void **state) {
    (void)state;
    assert_true(says_with("of address space described", "MIMALLOC_VERBOSE=1", ""));
    assert_true(says_with("option purge_delay: 500", "MIMALLOC_VERBOSE=1", ""));
}

/* Where the kernel has huge pages. */
static void large_pages_are_asked_for_as_eddy_starts(void **state) {
    (void)state;
    long huge = option_with("large", "EDDY_HUGE_PAGES=yes", "");
    assert_int_equal(option_with("large", "", ""), 0);
    assert_int_equal(option_with("large", "MIMALLOC_ALLOW_LARGE_OS_PAGES=1", ""), huge);
    assert_int_equal(option_with("large", "MIMALLOC_LARGE_OS_PAGES=on", ""), huge);
    assert_int_equal(option_with("large", "MIMALLOC_LARGE_OS_PAGES=0", ""), 0);
    assert_int_equal(option_with("large", "MIMALLOC_LARGE_OS_PAGES=1", "EDDY_HUGE_PAGES=no"), 0);
}

static void eddys_variables_come_first(void **state) {
    (void)state;
    assert_int_equal(option_with("purge_delay", "MIMALLOC_PURGE_DELAY=77", "EDDY_DECAY_MS=88"), 88);
    assert_int_equal(option_with("limit", "MIMALLOC_LIMIT_OS_ALLOC=1", "EDDY_ADDED_ONLY=0"), 0);
    assert_int_equal(option_with("verbose", "MIMALLOC_VERBOSE=1", "EDDY_VERBOSE=0"), 0);
    assert_int_equal(option_with("show_stats", "MIMALLOC_SHOW_STATS=1", "EDDY_STATS=no"), 0);
}

static void mimallocs_variables_come_before_the_programs_defaults(void **state) {
    (void)state;
    assert_int_equal(option_with("default", "", ""), 5);
    assert_int_equal(option_with("default", "MIMALLOC_PURGE_DELAY=77", ""), 77);
    assert_int_equal(option_with("default", "EDDY_DECAY_MS=88", ""), 88);
}

static void variables_without_effect_are_reported(void **state) {
    (void)state;
    static const char text[] = "arena_reserve of mimalloc has no effect";
    assert_false(says_with(text, "MIMALLOC_ARENA_RESERVE=1G", ""));
    assert_true(says_with(text, "MIMALLOC_ARENA_RESERVE=1G", "MIMALLOC_VERBOSE=1"));
    assert_true(says_with("eager_commit of mimalloc has no effect", "MIMALLOC_EAGER_COMMIT=1",
                          "MIMALLOC_VERBOSE=1"));
    assert_true(says_with("'1Q' is no value", "MIMALLOC_RESERVE_OS_MEMORY=1Q", ""));
}

static void nonsense_in_the_environment_is_ignored(void **state) {
    (void)state;
    assert_int_equal(option_with("purge_delay", "MIMALLOC_PURGE_DELAY=soon", "2>/dev/null"), 500);
    assert_int_equal(option_with("purge_delay", "MIMALLOC_PURGE_DELAY=-2", "2>/dev/null"), 500);
    assert_int_equal(option_with("arena", "MIMALLOC_RESERVE_OS_MEMORY=1Q", "2>/dev/null"), 0);
    /* 2 to the 64 bytes and 1 KiB more. */
    assert_true(says_with("is no value", "MIMALLOC_RESERVE_OS_MEMORY=18014398509481985K", ""));
}

static void memory_is_reserved_at_start(void **state) {
    (void)state;
    assert_int_equal(option_with("arena", "", ""), 0);
    assert_in_range(option_with("arena", "MIMALLOC_RESERVE_OS_MEMORY=64MiB", ""), 64, 65);
    assert_in_range(option_with("arena", "MIMALLOC_RESERVE_OS_MEMORY=65536K", ""), 64, 65);
    assert_in_range(option_with("arena", "MIMALLOC_RESERVE_OS_MEMORY=1", ""), 32, 33);
}

static void what_cannot_be_reserved_is_said(void **state) {
    (void)state;
    assert_true(says_with("addresses free", "MIMALLOC_RESERVE_OS_MEMORY=9223372036854775807", ""));
    static const char huge[] = "MIMALLOC_RESERVE_HUGE_OS_PAGES=1";
    bool reserved = option_with("arena", huge, "2>/dev/null") >= 1023;
    assert_true(says_with("pages of 1 GiB free", huge, "") != reserved);
}

/* MiB in the first arena. */
static long first_arena(void) {
    size_t bytes = 0;
    (void)eddy_added_memory(0, &bytes);
    return (long)(bytes / MIB);
}

static long say(const char *name) {
    if (strcmp(name, "purge_delay") == 0) return mi_option_get(mi_option_purge_delay);
    if (strcmp(name, "thp") == 0) return mi_option_get(mi_option_allow_thp);
    if (strcmp(name, "show_stats") == 0) return mi_option_get(mi_option_show_stats);
    if (strcmp(name, "verbose") == 0) return mi_option_get(mi_option_verbose);
    if (strcmp(name, "large") == 0) return mi_option_get(mi_option_large_os_pages);
    if (strcmp(name, "limit") == 0) return mi_option_get(mi_option_limit_os_alloc);
    if (strcmp(name, "reserve") == 0) return mi_option_get(mi_option_reserve_os_memory);
    if (strcmp(name, "default") == 0) {
        mi_option_set_default(mi_option_purge_delay, 5);
        return mi_option_get(mi_option_purge_delay);
    }
    return first_arena();
}

int main(int argc, char **argv) {
    if (argc == 2) return printf("%ld\n", say(argv[1])) < 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_default_gives_way_to_what_was_set),
        cmocka_unit_test(options_of_eddy_are_read_and_set),
        cmocka_unit_test(thp_is_a_property_of_the_process),
        cmocka_unit_test(options_without_effect_are_reported_as_such),
        cmocka_unit_test(every_option_has_a_value_and_a_name),
        cmocka_unit_test(the_environment_is_read),
        cmocka_unit_test(statistics_are_shown_at_exit),
        cmocka_unit_test(what_eddy_found_at_its_start_is_said),
        cmocka_unit_test(large_pages_are_asked_for_as_eddy_starts),
        cmocka_unit_test(eddys_variables_come_first),
        cmocka_unit_test(mimallocs_variables_come_before_the_programs_defaults),
        cmocka_unit_test(variables_without_effect_are_reported),
        cmocka_unit_test(nonsense_in_the_environment_is_ignored),
        cmocka_unit_test(memory_is_reserved_at_start),
        cmocka_unit_test(what_cannot_be_reserved_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
