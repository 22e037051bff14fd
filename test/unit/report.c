/* What EDDY_STATS asks for and the kernel refuses: one line each, and the program goes on.
 *
 * The report is made at the start and at the end of a process, so each case is a program: this one
 * again.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include "common/alone.h"
#include "common/faults.h"
#include "common/test.h"

/* The library's stays out: it belongs to whole programs. */
#include "inspect/report.c"

static char folder[] = "/tmp/eddy-report-XXXXXX";
static char said_path[64], json_path[64];

/* Before the one that listens to the signal. */
__attribute__((constructor(101))) static void refuse(void) {
    const char *kind = getenv("REFUSED_KIND");
    if (kind != NULL) faults_start(FAULT_KIND(strtoul(kind, NULL, 10)), 1, FOR_EVER);
}

/* What such a program says. */
static const char *said_with(const char *stats, int refused) {
    static char text[4096];
    char kind[8];
    snprintf(kind, sizeof kind, "%d", refused);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        int fd = open(said_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        check(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
        check(setenv("EDDY_STATS", stats, 1) == 0);
        if (refused < OS_CALL_COUNT) check(setenv("REFUSED_KIND", kind, 1) == 0);
        execl("/proc/self/exe", "report", "just-end", (char *)NULL);
        _exit(127);
    }
    child_wait(child);
    int fd = open(said_path, O_RDONLY);
    check(fd >= 0);
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void assert_one_line_with(const char *text, const char *words) {
    assert_non_null(strstr(text, words));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void a_signal_that_cannot_be_handled_is_said(void **state) {
    (void)state;
    assert_string_equal(said_with("signal:10", OS_CALL_COUNT), "");
    assert_one_line_with(said_with("signal:10", OS_SIGNAL), "eddy: EDDY_STATS: '10' is no signal");
}

static void a_file_that_cannot_be_made_is_said(void **state) {
    (void)state;
    char stats[80];
    snprintf(stats, sizeof stats, "json:%s", json_path);
    assert_one_line_with(said_with(stats, OS_FILE), "eddy: EDDY_STATS: cannot write");
    assert_int_not_equal(access(json_path, F_OK), 0);
    assert_string_equal(said_with(stats, OS_CALL_COUNT), "");
    assert_int_equal(access(json_path, F_OK), 0);
}

static int make_folder(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL) return 1;
    snprintf(said_path, sizeof said_path, "%s/said", folder);
    snprintf(json_path, sizeof json_path, "%s/json", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    (void)unlink(said_path);
    (void)unlink(json_path);
    return rmdir(folder);
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) {
        eddy_free(must(eddy_malloc(100)));
        return EXIT_SUCCESS;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_that_cannot_be_handled_is_said),
        cmocka_unit_test(a_file_that_cannot_be_made_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
