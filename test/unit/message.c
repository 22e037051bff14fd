/* Messages, against snprintf.
 * SPDX-License-Identifier: MIT */
#include <limits.h>

#include "common/test.h"
#include "os/os.h"

enum { SIZE_MOST = 80, GUARD = 0x5a };

/* In a buffer of every size: as much as fits, ended by a zero, nothing behind the buffer. */
#define assert_formats_as(expected, ...)                                                           \
    do {                                                                                           \
        for (size_t size = 1; size <= SIZE_MOST; size++) {                                         \
            char buffer[SIZE_MOST + 1], wanted[SIZE_MOST + 1];                                     \
            memset(buffer, GUARD, sizeof buffer);                                                  \
            size_t length = os_format(buffer, size, __VA_ARGS__);                                  \
            snprintf(wanted, size, "%s", expected);                                                \
            assert_string_equal(buffer, wanted);                                                   \
            assert_int_equal(length, strlen(wanted));                                              \
            assert_int_equal(buffer[size], GUARD);                                                 \
        }                                                                                          \
    } while (0)

static void assert_size_formats(size_t number) {
    char expected[SIZE_MOST];
    snprintf(expected, sizeof expected, "<%zu>", number);
    assert_formats_as(expected, "<%zu>", number);
    snprintf(expected, sizeof expected, "<0x%zx>", number);
    assert_formats_as(expected, "<%p>", (void *)number);
}

static void assert_int_formats(int number) {
    char expected[SIZE_MOST];
    snprintf(expected, sizeof expected, "<%d>", number);
    assert_formats_as(expected, "<%d>", number);
}

static void numbers_are_written_in_full(void **state) {
    (void)state;
    static const int ints[] = {0, 1, -1, 9, 10, -10, INT_MAX, INT_MIN};
    for (size_t i = 0; i < LENGTH(ints); i++) assert_int_formats(ints[i]);
    assert_size_formats(0);
    assert_size_formats(SIZE_MAX);
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_size_formats((size_t)1 << bit);
        assert_size_formats(((size_t)1 << bit) - 1);
    }
}

static void text_and_percent_signs_are_copied(void **state) {
    (void)state;
    assert_formats_as("", "%s", "");
    assert_formats_as("plain", "plain");
    assert_formats_as("a b c", "%s b %s", "a", "c");
    assert_formats_as("100 %", "%d %%", 100);
    assert_formats_as("limit=-5, 0xff, 7 of bytes", "%s=%d, %p, %zu of %s", "limit", -5,
                      (void *)255, (size_t)7, "bytes");
}

static void columns_are_padded(void **state) {
    (void)state;
    assert_formats_as("name    |", "%-8s|", "name");
    assert_formats_as("    name|", "%8s|", "name");
    assert_formats_as("      17|17      |", "%8zu|%-8zu|", (size_t)17, (size_t)17);
    assert_formats_as("longer, 12345", "%-2s, %2zu", "longer", (size_t)12345);
}

static void long_text_is_cut(void **state) {
    (void)state;
    char text[3 * SIZE_MOST];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_formats_as(text, "%s", text);
}

/* ---- whole lines ---- */

static int saved_stderr, line_pipe[2];

static int catch_stderr(void **state) {
    (void)state;
    saved_stderr = dup(STDERR_FILENO);
    return saved_stderr < 0 || pipe(line_pipe) != 0 || dup2(line_pipe[1], STDERR_FILENO) < 0;
}

static int release_stderr(void **state) {
    (void)state;
    dup2(saved_stderr, STDERR_FILENO);
    close(line_pipe[0]);
    close(line_pipe[1]);
    return close(saved_stderr);
}

/* What one write put on stderr. */
static const char *caught(void) {
    static char line[4096];
    ssize_t length = read(line_pipe[0], line, sizeof line - 1);
    line[length > 0 ? length : 0] = '\0';
    return line;
}

static void a_message_is_one_line_that_names_eddy(void **state) {
    (void)state;
    os_say("limit is %zu", (size_t)12);
    assert_string_equal(caught(), "eddy: limit is 12\n");
}

static void a_long_message_is_cut_but_still_a_line(void **state) {
    (void)state;
    char text[2000];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    os_say("%s", text);
    const char *line = caught();
    assert_int_equal(strlen(line), 399);
    assert_int_equal(strcspn(line, "\n"), 398);
    assert_int_equal(strspn(line + 6, "y"), 392);
}

static void a_message_leaves_errno_alone(void **state) {
    (void)state;
    errno = 12345;
    os_say("hello");
    assert_int_equal(errno, 12345);
    caught();
    os_write(-1, "nowhere", 7);
    assert_int_equal(errno, 12345);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_in_full),
        cmocka_unit_test(text_and_percent_signs_are_copied),
        cmocka_unit_test(columns_are_padded),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test_setup_teardown(a_message_is_one_line_that_names_eddy, catch_stderr,
                                        release_stderr),
        cmocka_unit_test_setup_teardown(a_long_message_is_cut_but_still_a_line, catch_stderr,
                                        release_stderr),
        cmocka_unit_test_setup_teardown(a_message_leaves_errno_alone, catch_stderr, release_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
