/* How a point is measured, and how a program with several points runs each in a fresh process: so
 * no point inherits the memory, or the luck, of the one before.
 * SPDX-License-Identifier: MIT */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "measure.h"
#include "options.h"
#include "report.h"
#include "team.h"

enum { WARM_UP_ROUNDS = 5, SAMPLES_MAX = 1000 };

void *bench_map(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) bench_fail("mmap", "refused");
    return memory;
}

_Noreturn void bench_fail(const char *reason, const char *detail) {
    fprintf(stderr, "bench: %s: %s\n", reason, detail);
    _exit(2);
}

/* ---- one point ------------------------------------------------------------------------------ */

/* How many rounds fill a sample. Finding that out is the warm-up. */
static size_t warm_up(const bench_options_t *options) {
    team_run(WARM_UP_ROUNDS);
    if (options->rounds != 0) return options->rounds;
    const uint64_t wanted = options->sample_ms * 1000000;
    for (size_t rounds = 1;;) {
        const uint64_t start = clock_ns(CLOCK_MONOTONIC);
        team_run(rounds);
        const uint64_t taken = clock_ns(CLOCK_MONOTONIC) - start;
        if (taken >= wanted) return rounds;
        /* Growing by ten at most: a first round in cold caches says little about the others. */
        const uint64_t factor = wanted / (taken + 1) + 1;
        rounds *= factor < 10 ? factor : 10;
    }
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Other programs on the machine make samples slower, never faster, and often most of them. So the
 * time that a quarter of the samples stay within says more than their median. */
static double lower_quartile(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 4];
}

static void take_samples(const bench_options_t *options, size_t rounds, bench_report_t *report) {
    double times[SAMPLES_MAX];
    if (options->samples > SAMPLES_MAX) bench_fail("--samples", "too many");
    for (size_t i = 0; i < options->samples; i++) {
        const bench_sample_t sample = team_run(rounds);
        times[i] = (double)sample.nanoseconds / (double)sample.pairs;
        report->rounds += rounds;
        report->pairs += sample.pairs;
        report->faults += sample.faults;
    }
    report->resident_kib = resident_kib();
    report->ns_per_pair = lower_quartile(times, options->samples);
}

static void settle(bench_report_t *report) {
    static const size_t steps_ms[SETTLE_STEPS] = {100, 900, 9000};
    for (size_t i = 0; i < SETTLE_STEPS; i++) {
        sleep_ms(steps_ms[i]);
        report->settled_kib[i] = resident_kib();
    }
    report->settled = true;
}

static void run_point(const bench_program_t *program, const bench_options_t *options,
                      const bench_point_t *point) {
    bench_report_t report = {.threads = bench_value(point, "threads", 1)};
    team_start(program, point);
    const size_t rounds = warm_up(options);
    const counted_t before = counted_now();
    take_samples(options, rounds, &report);
    report.counted = counted_since(&before);
    report.peak_kib = resident_peak_kib();
    if (options->settle) settle(&report);
    team_stop();
    report_row(program, point, &report);
}

/* ---- many points ---------------------------------------------------------------------------- */

/* The same command line, narrowed down to one point: a later option overrides an earlier one. */
static void spawn_point(const bench_point_t *point, int argc, char **argv) {
    char text[POINT_TEXT];
    point_format(point, "--", text);
    char **arguments = bench_map(sizeof(char *) * ((size_t)argc + BENCH_AXES + 2));
    size_t count = 0;
    for (int i = 0; i < argc; i++) arguments[count++] = argv[i];
    arguments[count++] = (char[]){"--no-header"};
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        arguments[count++] = word;
    }

    pid_t child;
    int status;
    if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) != 0 ||
        waitpid(child, &status, 0) != child) {
        bench_fail("child process", "not started");
    }
    point_format(point, "--", text);
    if (status != 0) bench_fail("failed at", text);
}

static size_t count_points(const bench_program_t *program, const bench_options_t *options) {
    bench_point_t point;
    size_t position = 0, count = 0;
    while (options_next(program, options, &position, &point)) count++;
    return count;
}

static void list_point(const bench_point_t *point) {
    char text[POINT_TEXT];
    point_format(point, "--", text);
    puts(text);
}

int bench_main(const bench_program_t *program, int argc, char **argv) {
    const bench_options_t options = options_parse(program, argc, argv);
    const size_t points = count_points(program, &options);
    if (points == 0) bench_fail(program->name, "no sensible point among those asked for");
    if (options.header && !options.list) report_header();

    bench_point_t point;
    size_t position = 0;
    while (options_next(program, &options, &position, &point)) {
        if (options.list) {
            list_point(&point);
        } else if (points == 1) {
            run_point(program, &options, &point);
        } else {
            spawn_point(&point, argc, argv);
        }
    }
    return 0;
}
