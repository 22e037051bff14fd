/* Eddy's link-time string against mimalloc's variables. The program runs itself with those set.
 * SPDX-License-Identifier: MIT */
#include "layer.h"

const char *eddy_options = "decay_ms=99";

static void the_programs_string_comes_before_mimallocs_variables(void **state) {
    (void)state;
    assert_int_equal(mi_option_get(mi_option_purge_delay), 99);
    mi_option_set_default(mi_option_purge_delay, 5);
    assert_int_equal(mi_option_get(mi_option_purge_delay), 99);
}

static void what_the_string_leaves_open_is_theirs(void **state) {
    (void)state;
    assert_true(mi_option_is_enabled(mi_option_show_stats));
    mi_option_disable(mi_option_show_stats);
}

int main(int argc, char **argv) {
    (void)argc;
    if (getenv("MIMALLOC_PURGE_DELAY") == NULL) {
        setenv("MIMALLOC_PURGE_DELAY", "77", 1);
        setenv("MIMALLOC_SHOW_STATS", "1", 1);
        execv("/proc/self/exe", argv);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_programs_string_comes_before_mimallocs_variables),
        cmocka_unit_test(what_the_string_leaves_open_is_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
