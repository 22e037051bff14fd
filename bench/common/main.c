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
#include "sampling.h"
#include "team.h"

enum {
    WARM_UP_ROUNDS = 5,
    WARM_UP_NS = 5000000,
    STRETCHES = 5, /* of a sample */
};

/* Memory that always began with a kernel page would share its low address bits with the first
 * blocks of an allocator whose pages begin there, and processors take the one for the other. So it
 * begins at any line of one: where, the kernel's choice of the address decides. */
void *bench_map(size_t size) {
    enum { LINE = 64, LINE_BITS = 6 };
    size_t mapped = size + ((size_t)LINE << LINE_BITS);
    char *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) bench_fail("mmap", "refused");
    uint64_t mixed = ((uintptr_t)memory >> 12) * UINT64_C(0x9e3779b97f4a7c15);
    return memory + (mixed >> (64 - LINE_BITS)) * LINE;
}

_Noreturn void bench_fail(const char *reason, const char *detail) {
    fprintf(stderr, "bench: %s: %s\n", reason, detail);
    _exit(2);
}

/* ---- one point ------------------------------------------------------------------------------ */

/* How many rounds fill a stretch. Finding that out is a part of the warm-up. */
static size_t warm_up(uint64_t wanted) {
    const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    for (size_t rounds = 1;;) {
        const uint64_t start = clock_ns(CLOCK_MONOTONIC);
        team_run(rounds);
        const uint64_t end = clock_ns(CLOCK_MONOTONIC), taken = end - start;
        if (taken >= wanted && end - begin >= WARM_UP_NS) return rounds;
        if (taken >= wanted) continue;
        /* Growing by ten at most: a first round in cold caches says little about the others. */
        const uint64_t factor = wanted / (taken + 1) + 1;
        rounds *= factor < 10 ? factor : 10;
    }
}

/* Idle gaps, and a number of rounds that was asked for, make a sample one stretch. So do threads
 * that wait for each other and need some time to get into step. */
static sampling_t prepare_sampling(const bench_options_t *options, const bench_point_t *point) {
    const uint64_t wanted = options->sample_ms * 1000000;
    const size_t threads = bench_value(point, "threads", 1);
    const bool idles = bench_value(point, "gap", 0) != 0, whole = options->rounds != 0 || idles;
    if (!idles) team_run(WARM_UP_ROUNDS); /* which gaps would make too long */
    return (sampling_t){.run = team_run,
                        .rounds = options->rounds != 0
                                      ? options->rounds
                                      : warm_up(whole || threads > 1 ? wanted : wanted / STRETCHES),
                        .sample_ns = whole ? 0 : wanted * threads,
                        .samples = options->samples,
                        .probe_ns = options->probe_ns};
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
    team_start(program, point, options->probe_ns);
    const sampling_t sampling = prepare_sampling(options, point);
    const counted_t before = counted_now();
    report.sampled = sampling_take(&sampling);
    report.resident_kib = resident_kib();
    report.counted = counted_since(&before);
    report.peak_kib = resident_peak_kib();
    if (options->settle) settle(&report);
    team_stop();
    if (options->header) report_header();
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
    if (options.header && !options.list && points > 1) report_header();

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
