/* EDDY_STATS in the environment of a program that knows nothing of it. The program is this one,
 * run again with the name of what it is to do.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "common/rollup.h"

enum { SIGNAL = SIGUSR2, PATIENCE_MS = 20000, BLOCK = 1000, BLOCKS = 300 };

static const char head[] = "eddy: memory ";

static void pause_ms(int ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* ---- the program ---- */

/* Enough for a slow path. */
static void *allocate(void *unused) {
    void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) check((blocks[i] = malloc(BLOCK)) != NULL);
    for (size_t i = 0; i < BLOCKS; i++) free(blocks[i]);
    return unused;
}

static void say(const char *word) { check(write(STDOUT_FILENO, word, strlen(word)) > 0); }

/* Until the one that watches has seen enough. */
static void wait_for_the_end(void) {
    char end;
    check(read(STDIN_FILENO, &end, 1) == 0);
}

static void just_end(void) { allocate(NULL); }

static void sleep_for_ever(void) {
    for (int ms = 0; kernel_threads() == 1 && ms < PATIENCE_MS; ms += 10) {
        allocate(NULL);
        pause_ms(10);
    }
    say("asleep\n");
    wait_for_the_end();
}

static void allocate_later(void) {
    allocate(NULL);
    raise(SIGNAL);
    say("signalled\n");
    pause_ms(100);
    say("allocating\n");
    allocate(NULL);
    wait_for_the_end();
}

static atomic_bool ends;

static void *allocate_on(void *unused) {
    while (!atomic_load(&ends)) allocate(unused);
    return unused;
}

static void be_interrupted(void) {
    pthread_t threads[2];
    for (size_t i = 0; i < LENGTH(threads); i++) {
        check(pthread_create(&threads[i], NULL, allocate_on, NULL) == 0);
    }
    for (int i = 0; i < 2000; i++) {
        check(pthread_kill(threads[i % 2], SIGNAL) == 0);
        if (i % 8 == 0) sched_yield();
    }
    atomic_store(&ends, true);
    for (size_t i = 0; i < LENGTH(threads); i++) check(pthread_join(threads[i], NULL) == 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} programs[] = {{"just_end", just_end},
                {"sleep_for_ever", sleep_for_ever},
                {"allocate_later", allocate_later},
                {"be_interrupted", be_interrupted}};

/* ---- watching it ---- */

typedef struct watched {
    pid_t process;
    int input, output; /* its stdin, its stdout and stderr */
    char text[1 << 20];
    size_t length;
} watched_t;

static watched_t watched;

static void run_as(const char *program, const char *stats, const char *scavenger) {
    int input[2], output[2];
    assert_true(pipe(input) == 0 && pipe(output) == 0);
    watched.text[watched.length = 0] = '\0';
    watched.process = fork();
    if (watched.process == 0) {
        alarm(60);
        check(dup2(input[0], STDIN_FILENO) >= 0);
        check(dup2(output[1], STDOUT_FILENO) >= 0 && dup2(output[1], STDERR_FILENO) >= 0);
        for (int i = 0; i < 2; i++) check(close(input[i]) == 0 && close(output[i]) == 0);
        setenv("EDDY_STATS", stats, 1);
        setenv("EDDY_SCAVENGER", scavenger, 1);
        execl("/proc/self/exe", "report", program, NULL);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    watched.input = input[1];
    watched.output = output[0];
}

static bool read_more(void) {
    size_t room = sizeof watched.text - 1 - watched.length;
    ssize_t got = read(watched.output, watched.text + watched.length, room);
    watched.length += got > 0 ? (size_t)got : 0;
    watched.text[watched.length] = '\0';
    return got > 0;
}

static const char *read_until(const char *wanted) {
    const char *found;
    while ((found = strstr(watched.text, wanted)) == NULL) assert_true(read_more());
    return found;
}

static const char *text_at_end(void) {
    close(watched.input);
    while (read_more()) continue;
    close(watched.output);
    assert_int_equal(wait_for(watched.process), 0);
    return watched.text;
}

/* ---- what it says ---- */

static void at_exit_the_table_is_printed(void **state) {
    (void)state;
    run_as("just_end", "exit", "auto");
    assert_non_null(strstr(text_at_end(), head));
}

static void without_it_nothing_is_printed(void **state) {
    (void)state;
    run_as("just_end", "no", "auto");
    assert_string_equal(text_at_end(), "");
}

static void a_file_gets_the_statistics_as_json(void **state) {
    (void)state;
    char path[100], text[100] = "";
    run_as("just_end", "json:/tmp/eddy-report-%p.json", "auto");
    snprintf(path, sizeof path, "/tmp/eddy-report-%d.json", (int)watched.process);
    assert_string_equal(text_at_end(), "");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    unlink(path);
    assert_int_equal(strncmp(text, "{\n  \"memory\": {\n    \"live_bytes\": ", 34), 0);
}

static void a_signal_is_answered_while_all_threads_sleep(void **state) {
    (void)state;
    char stats[20];
    snprintf(stats, sizeof stats, "signal:%d", SIGNAL);
    run_as("sleep_for_ever", stats, "always");
    read_until("asleep\n");
    for (int times = 0; times < 3; times++) {
        watched.text[watched.length = 0] = '\0';
        assert_int_equal(kill(watched.process, SIGNAL), 0);
        read_until(head);
        read_until("retained\n");
    }
    text_at_end();
}

static void without_scavenger_the_next_slow_path_answers(void **state) {
    (void)state;
    char stats[20];
    snprintf(stats, sizeof stats, "signal:%d", SIGNAL);
    run_as("allocate_later", stats, "never");
    const char *report = read_until(head);
    assert_true(report > read_until("allocating\n"));
    text_at_end();
}

static void a_signal_at_any_moment_does_no_harm(void **state) {
    (void)state;
    static const char *const modes[] = {"never", "always"};
    char stats[20];
    snprintf(stats, sizeof stats, "signal:%d", SIGNAL);
    for (size_t i = 0; i < LENGTH(modes); i++) {
        run_as("be_interrupted", stats, modes[i]);
        while (read_more()) {
            /* Only the end counts. */
            if (watched.length > sizeof watched.text / 2) watched.length = 0;
        }
        text_at_end();
    }
}

static void what_cannot_be_done_gets_one_line(void **state) {
    (void)state;
    static const char *const stats[] = {"signal:9", "signal:0", "signal:x", "signal:99999999999",
                                        "json:/not/there/file"};
    for (size_t i = 0; i < LENGTH(stats); i++) {
        run_as("just_end", stats[i], "auto");
        const char *text = text_at_end();
        assert_int_equal(strncmp(text, "eddy: EDDY_STATS: ", 18), 0);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_exit_the_table_is_printed),
        cmocka_unit_test(without_it_nothing_is_printed),
        cmocka_unit_test(a_file_gets_the_statistics_as_json),
        cmocka_unit_test(a_signal_is_answered_while_all_threads_sleep),
        cmocka_unit_test(without_scavenger_the_next_slow_path_answers),
        cmocka_unit_test(a_signal_at_any_moment_does_no_harm),
        cmocka_unit_test(what_cannot_be_done_gets_one_line),
    };
    for (size_t i = 0; argc > 1 && i < LENGTH(programs); i++) {
        if (strcmp(argv[1], programs[i].name) != 0) continue;
        programs[i].run();
        return EXIT_SUCCESS;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
