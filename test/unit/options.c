/* Options: what is read from the program's string and from the environment, what is refused, and
 * what is said about it.
 * SPDX-License-Identifier: MIT */
#include "config/options.h"

#include "common/test.h"

/* The link-time string of this program, a new one for each test. */
const char *eddy_options;
static const char *of_layer = "";
const char *eddy_layer_options(void);
const char *eddy_layer_options(void) { return of_layer; }

static const int64_t standard[EDDY_OPTION_COUNT] = {
    [EDDY_OPTION_DECAY_MS] = 500, [EDDY_OPTION_RETAIN_MAX] = 256 << 20,
    [EDDY_OPTION_LIMIT] = 0,      [EDDY_OPTION_STATS] = 0,
    [EDDY_OPTION_VERBOSE] = 0,    [EDDY_OPTION_SCAVENGER] = 1,
    [EDDY_OPTION_HUGE_PAGES] = 0,
};

static const char *const variables[] = {"EDDY_DECAY_MS",  "EDDY_RETAIN_MAX", "EDDY_LIMIT",
                                        "EDDY_STATS",     "EDDY_VERBOSE",    "EDDY_DECAYMS",
                                        "EDDY_SCAVENGER", "EDDY_decay_ms"};

static int saved_stderr;
static FILE *said;

/* The first test of all: the others set every option. */
static void a_default_gives_way_to_what_was_set(void **state) {
    (void)state;
    for (int64_t value = 1; value < 3; value++) {
        assert_int_equal(eddy_option_set_default(EDDY_OPTION_LIMIT, value), 0);
        assert_true(eddy_option_get(EDDY_OPTION_LIMIT) == value);
    }
    assert_int_equal(eddy_option_set(EDDY_OPTION_LIMIT, 3), 0);
    setenv("EDDY_RETAIN_MAX", "4", 1);
    eddy_options = "decay_ms=5";
    options_load();
    static const eddy_option_t set[] = {EDDY_OPTION_LIMIT, EDDY_OPTION_RETAIN_MAX,
                                        EDDY_OPTION_DECAY_MS};
    for (size_t i = 0; i < LENGTH(set); i++) {
        assert_int_equal(eddy_option_set_default(set[i], 6), 0);
        assert_true(eddy_option_get(set[i]) == (int64_t)i + 3);
    }
    assert_int_equal(eddy_option_set_default(EDDY_OPTION_LIMIT, -1), -1);
    assert_int_equal(errno, EINVAL);
}

static int start_from_defaults(void **state) {
    (void)state;
    /* The first use of Eddy reads the options; it lies behind then. */
    eddy_option_get(EDDY_OPTION_LIMIT);
    for (size_t i = 0; i < LENGTH(variables); i++) unsetenv(variables[i]);
    for (size_t i = 0; i < LENGTH(standard); i++) {
        if (!option_set((eddy_option_t)i, standard[i])) return -1;
    }
    eddy_options = NULL;
    said = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    return said == NULL || dup2(fileno(said), STDERR_FILENO) < 0;
}

/* What stands on stderr since the last call. */
static const char *messages(void) {
    static char text[4096];
    rewind(said);
    text[fread(text, 1, sizeof text - 1, said)] = '\0';
    assert_int_equal(ftruncate(fileno(said), 0), 0);
    rewind(said);
    return text;
}

static int show_stderr_again(void **state) {
    (void)state;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    fputs(messages(), stderr); /* of a failed test */
    return fclose(said);
}

static void load(const char *string) {
    eddy_options = string;
    options_load();
}

static void assert_taken(const char *string, eddy_option_t option, int64_t value) {
    load(string);
    assert_string_equal(messages(), "");
    assert_true(eddy_option_get(option) == value);
}

/* One line that names the culprit, and the value is what it was. */
static void assert_refused(const char *string, const char *culprit, eddy_option_t option) {
    int64_t before = eddy_option_get(option);
    load(string);
    const char *text = messages();
    assert_int_equal(strncmp(text, "eddy: ", 6), 0);
    assert_non_null(strstr(text, culprit));
    assert_int_equal(strchr(text, '\n') - text, strlen(text) - 1);
    assert_true(eddy_option_get(option) == before);
}

static void every_option_has_its_default(void **state) {
    (void)state;
    load(NULL);
    for (size_t i = 0; i < LENGTH(standard); i++) {
        assert_true(eddy_option_get((eddy_option_t)i) == standard[i]);
    }
    assert_string_equal(messages(), "");
}

static void numbers_and_their_ends(void **state) {
    (void)state;
    assert_taken("decay_ms=0", EDDY_OPTION_DECAY_MS, 0);
    assert_taken("decay_ms=-1", EDDY_OPTION_DECAY_MS, -1);
    assert_taken("decay_ms=-0", EDDY_OPTION_DECAY_MS, 0);
    assert_taken("decay_ms=0017", EDDY_OPTION_DECAY_MS, 17);
    assert_taken("decay_ms=2147483647", EDDY_OPTION_DECAY_MS, INT32_MAX);
    assert_taken("limit=9223372036854775807", EDDY_OPTION_LIMIT, INT64_MAX);
    assert_taken("stats=1", EDDY_OPTION_STATS, 1);
}

static void sizes_take_a_unit(void **state) {
    (void)state;
    assert_taken("limit=7", EDDY_OPTION_LIMIT, 7);
    assert_taken("limit=7K", EDDY_OPTION_LIMIT, 7 << 10);
    assert_taken("limit=7M", EDDY_OPTION_LIMIT, 7 << 20);
    assert_taken("limit=7G", EDDY_OPTION_LIMIT, INT64_C(7) << 30);
    assert_taken("limit=7T", EDDY_OPTION_LIMIT, INT64_C(7) << 40);
    assert_taken("limit=8388607T", EDDY_OPTION_LIMIT, INT64_C(8388607) << 40);
    assert_taken("limit=0T", EDDY_OPTION_LIMIT, 0);
}

static void words_stand_for_numbers(void **state) {
    (void)state;
    assert_taken("stats=exit", EDDY_OPTION_STATS, 1);
    assert_taken("stats=no", EDDY_OPTION_STATS, 0);
    assert_taken("scavenger=never", EDDY_OPTION_SCAVENGER, 0);
    assert_taken("scavenger=auto", EDDY_OPTION_SCAVENGER, 1);
    assert_taken("scavenger=always", EDDY_OPTION_SCAVENGER, 2);
    assert_taken("scavenger=0", EDDY_OPTION_SCAVENGER, 0);
    assert_refused("verbose=exit", "verbose", EDDY_OPTION_VERBOSE);
    assert_refused("stats=exit1", "exit1", EDDY_OPTION_STATS);
    assert_refused("stats=exi", "exi", EDDY_OPTION_STATS);
    assert_refused("scavenger=", "scavenger", EDDY_OPTION_SCAVENGER);
    assert_refused("scavenger=often", "often", EDDY_OPTION_SCAVENGER);
}

static void some_words_name_something(void **state) {
    (void)state;
    assert_taken("stats=json:/tmp/a,b", EDDY_OPTION_STATS, STATS_AS_JSON);
    assert_string_equal(option_argument(), "/tmp/a,b");
    assert_taken("stats=signal:10", EDDY_OPTION_STATS, STATS_AT_SIGNAL);
    assert_string_equal(option_argument(), "10");
    assert_refused("stats=json", "json", EDDY_OPTION_STATS);
    assert_refused("stats=json:", "json:", EDDY_OPTION_STATS);
    assert_refused("stats=3", "'3'", EDDY_OPTION_STATS);
    char path[300];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    memcpy(path, "json:/", 6);
    setenv("EDDY_STATS", path, 1);
    assert_refused(NULL, "EDDY_STATS: 'json:/xx", EDDY_OPTION_STATS);
}

static void what_overflows_is_refused(void **state) {
    (void)state;
    assert_refused("limit=9223372036854775808", "9223372036854775808", EDDY_OPTION_LIMIT);
    assert_refused("limit=18446744073709551617", "18446744073709551617", EDDY_OPTION_LIMIT);
    assert_refused("limit=99999999999999999999999", "99999999999999999999999", EDDY_OPTION_LIMIT);
    assert_refused("limit=8388608T", "8388608T", EDDY_OPTION_LIMIT);
    assert_refused("limit=16777217T", "16777217T", EDDY_OPTION_LIMIT);
    assert_refused("limit=9007199254740992K", "9007199254740992K", EDDY_OPTION_LIMIT);
    assert_refused("decay_ms=-9223372036854775808", "-9223372036854775808", EDDY_OPTION_DECAY_MS);
}

static void what_is_out_of_range_is_refused(void **state) {
    (void)state;
    assert_refused("decay_ms=-2", "-2", EDDY_OPTION_DECAY_MS);
    assert_refused("decay_ms=2147483648", "2147483648", EDDY_OPTION_DECAY_MS);
    assert_refused("retain_max=-1", "-1", EDDY_OPTION_RETAIN_MAX);
    assert_refused("limit=-1K", "-1K", EDDY_OPTION_LIMIT);
    assert_refused("stats=2", "2", EDDY_OPTION_STATS);
}

static void what_is_malformed_is_refused(void **state) {
    (void)state;
    static const char *const values[] = {"",  "-",   "--1", "+1", "x",  "1x",  "1KB", "1k",
                                         "K", "0x1", "1.5", "1,", "-K", "1=1", "1KK", "\t1"};
    for (size_t i = 0; i < LENGTH(values); i++) {
        char string[32];
        snprintf(string, sizeof string, "limit=%s", values[i]);
        assert_refused(string, "limit", EDDY_OPTION_LIMIT);
    }
    assert_refused("decay_ms=1K", "1K", EDDY_OPTION_DECAY_MS);
}

static void an_unknown_name_is_refused(void **state) {
    (void)state;
    assert_refused("limits=1", "limits", EDDY_OPTION_LIMIT);
    assert_refused("limi=1", "limi", EDDY_OPTION_LIMIT);
    assert_refused("LIMIT=1", "LIMIT", EDDY_OPTION_LIMIT);
    assert_refused("=1", "''", EDDY_OPTION_LIMIT);
    assert_refused("limit", "limit", EDDY_OPTION_LIMIT);
}

static void a_string_may_hold_several_items(void **state) {
    (void)state;
    assert_taken("  limit=1K   stats=exit decay_ms=9 ", EDDY_OPTION_LIMIT, 1 << 10);
    assert_true(eddy_option_get(EDDY_OPTION_STATS) == 1);
    assert_true(eddy_option_get(EDDY_OPTION_DECAY_MS) == 9);
    assert_taken("limit=1 limit=2", EDDY_OPTION_LIMIT, 2);
    assert_taken("", EDDY_OPTION_LIMIT, 2);
}

static void one_bad_item_does_not_spoil_the_others(void **state) {
    (void)state;
    assert_refused("limit=1 bad=2 decay_ms=3", "bad", EDDY_OPTION_RETAIN_MAX);
    assert_true(eddy_option_get(EDDY_OPTION_LIMIT) == 1);
    assert_true(eddy_option_get(EDDY_OPTION_DECAY_MS) == 3);
}

static void an_item_of_any_length_is_safe(void **state) {
    (void)state;
    char string[300];
    for (size_t length = 1; length < sizeof string; length++) {
        memset(string, '7', length);
        string[length] = '\0';
        if (length >= 6) memcpy(string, "limit=", 6);
        load(string);
    }
    assert_int_not_equal(eddy_option_get(EDDY_OPTION_LIMIT), standard[EDDY_OPTION_LIMIT]);
}

static void the_environment_wins_over_the_string(void **state) {
    (void)state;
    setenv("EDDY_LIMIT", "5K", 1);
    assert_taken("limit=1K decay_ms=9", EDDY_OPTION_LIMIT, 5 << 10);
    assert_true(eddy_option_get(EDDY_OPTION_DECAY_MS) == 9);
}

static void the_string_wins_over_that_of_a_layer(void **state) {
    (void)state;
    of_layer = "limit=1K retain_max=2K";
    setenv("EDDY_RETAIN_MAX", "3K", 1);
    assert_taken("decay_ms=9", EDDY_OPTION_LIMIT, 1 << 10);
    assert_true(eddy_option_get(EDDY_OPTION_RETAIN_MAX) == 3 << 10);
    assert_taken("limit=4K", EDDY_OPTION_LIMIT, 4 << 10);
    of_layer = "";
}

static void a_bad_value_in_the_environment_is_refused(void **state) {
    (void)state;
    setenv("EDDY_LIMIT", "lots", 1);
    assert_refused(NULL, "EDDY_LIMIT: 'lots'", EDDY_OPTION_LIMIT);
    setenv("EDDY_LIMIT", "", 1);
    assert_refused(NULL, "EDDY_LIMIT", EDDY_OPTION_LIMIT);
}

static void a_misspelt_variable_is_named_as_it_stands(void **state) {
    (void)state;
    setenv("EDDY_DECAYMS", "3", 1);
    assert_refused(NULL, "EDDY_DECAYMS is no option", EDDY_OPTION_DECAY_MS);
    unsetenv("EDDY_DECAYMS");
    setenv("EDDY_decay_ms", "3", 1);
    assert_refused(NULL, "EDDY_decay_ms is no option", EDDY_OPTION_DECAY_MS);
}

static void a_program_may_set_every_value_of_the_range(void **state) {
    (void)state;
    static const struct {
        eddy_option_t option;
        int64_t least, most;
    } ranges[] = {
        {EDDY_OPTION_DECAY_MS, -1, INT32_MAX}, {EDDY_OPTION_RETAIN_MAX, 0, INT64_MAX},
        {EDDY_OPTION_LIMIT, 0, INT64_MAX},     {EDDY_OPTION_STATS, 0, 1},
        {EDDY_OPTION_VERBOSE, 0, 1},           {EDDY_OPTION_SCAVENGER, 0, 2},
        {EDDY_OPTION_ADDED_ONLY, 0, 1},
    };
    for (size_t i = 0; i < LENGTH(ranges); i++) {
        assert_int_equal(eddy_option_set(ranges[i].option, ranges[i].most), 0);
        assert_true(eddy_option_get(ranges[i].option) == ranges[i].most);
        assert_int_equal(eddy_option_set(ranges[i].option, ranges[i].least), 0);
        assert_true(eddy_option_get(ranges[i].option) == ranges[i].least);
        errno = 0;
        assert_int_equal(eddy_option_set(ranges[i].option, ranges[i].least - 1), -1);
        assert_int_equal(errno, EINVAL);
        assert_true(eddy_option_get(ranges[i].option) == ranges[i].least);
        if (ranges[i].most == INT64_MAX) continue;
        assert_int_equal(eddy_option_set(ranges[i].option, ranges[i].most + 1), -1);
        assert_true(eddy_option_get(ranges[i].option) == ranges[i].least);
    }
}

static void an_option_that_does_not_exist_is_invalid(void **state) {
    (void)state;
    static const int none[] = {-1, EDDY_OPTION_COUNT, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < LENGTH(none); i++) {
        errno = 0;
        assert_true(eddy_option_get((eddy_option_t)none[i]) == -1);
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_int_equal(eddy_option_set((eddy_option_t)none[i], 0), -1);
        assert_int_equal(errno, EINVAL);
    }
}

#define WITH_MESSAGES(test)                                                                        \
    cmocka_unit_test_setup_teardown(test, start_from_defaults, show_stderr_again)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_default_gives_way_to_what_was_set),
        WITH_MESSAGES(every_option_has_its_default),
        WITH_MESSAGES(numbers_and_their_ends),
        WITH_MESSAGES(sizes_take_a_unit),
        WITH_MESSAGES(words_stand_for_numbers),
        WITH_MESSAGES(some_words_name_something),
        WITH_MESSAGES(what_overflows_is_refused),
        WITH_MESSAGES(what_is_out_of_range_is_refused),
        WITH_MESSAGES(what_is_malformed_is_refused),
        WITH_MESSAGES(an_unknown_name_is_refused),
        WITH_MESSAGES(a_string_may_hold_several_items),
        WITH_MESSAGES(one_bad_item_does_not_spoil_the_others),
        WITH_MESSAGES(an_item_of_any_length_is_safe),
        WITH_MESSAGES(the_environment_wins_over_the_string),
        WITH_MESSAGES(the_string_wins_over_that_of_a_layer),
        WITH_MESSAGES(a_bad_value_in_the_environment_is_refused),
        WITH_MESSAGES(a_misspelt_variable_is_named_as_it_stands),
        WITH_MESSAGES(a_program_may_set_every_value_of_the_range),
        WITH_MESSAGES(an_option_that_does_not_exist_is_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
