/* A setuid program runs with rights that its user lacks: the user's environment sets no option.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "common/test.h"

const char *eddy_options = "decay_ms=60";

enum { NOBODY = 65534 };

/* This program, as that of another user. */
static char copy[] = "/tmp/eddy-setuid-XXXXXX";

static void copy_self(int to) {
    char buffer[4096];
    ssize_t length;
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(from >= 0);
    while ((length = read(from, buffer, sizeof buffer)) > 0) {
        assert_int_equal(write(to, buffer, (size_t)length), length);
    }
    close(from);
}

/* What the program answers (`answer`), its exit status. */
static int ask(const char *program, const char *question) {
    pid_t child = fork();
    if (child == 0) {
        setenv("EDDY_DECAY_MS", "5", 1);
        execl(program, "setuid", question, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    int status = wait_for(child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void other_programs_heed_the_environment(void **state) {
    (void)state;
    assert_int_equal(ask("/proc/self/exe", "decay"), 5);
}

static void a_setuid_program_ignores_the_environment(void **state) {
    (void)state;
    int file = mkstemp(copy);
    assert_true(file >= 0);
    copy_self(file);
    bool is_setuid = fchown(file, NOBODY, (gid_t)-1) == 0 && fchmod(file, 04755) == 0;
    close(file);
    int decay_ms = is_setuid ? ask(copy, "decay if setuid") : SKIPPED;
    unlink(copy);
    if (decay_ms == SKIPPED) skip(); /* not root, or files of /tmp are never setuid */
    assert_int_equal(decay_ms, 60);
}

static int answer(const char *question) {
    bool is_setuid = getauxval(AT_SECURE) != 0;
    if (strcmp(question, "decay if setuid") == 0 && !is_setuid) return SKIPPED;
    return (int)eddy_option_get(EDDY_OPTION_DECAY_MS);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_programs_heed_the_environment),
        cmocka_unit_test(a_setuid_program_ignores_the_environment),
    };
    if (argc == 2) return answer(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
