/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "counted.h"
#include "crew.h"
#include "measure.h"

typedef struct member {
    crew_seat_t seat;
    uint64_t began, ended;
    size_t pairs;
    pthread_t thread;
} __attribute__((aligned(128))) member_t;

static struct {
    const crew_job_t *job;
    pthread_barrier_t barrier;
    _Atomic ptrdiff_t live, live_peak;
    member_t members[BENCH_THREADS];
} crew;

void crew_wait(void) { pthread_barrier_wait(&crew.barrier); }

void crew_count(crew_seat_t *seat) {
    const ptrdiff_t live = atomic_fetch_add(&crew.live, seat->live) + seat->live;
    seat->live = 0;
    ptrdiff_t peak = atomic_load(&crew.live_peak);
    while (live > peak && !atomic_compare_exchange_weak(&crew.live_peak, &peak, live)) continue;
}

static void *member_main(void *argument) {
    member_t *member = argument;
    crew_wait();
    member->began = clock_ns(CLOCK_MONOTONIC);
    member->pairs = crew.job->work(&member->seat);
    member->ended = clock_ns(CLOCK_MONOTONIC);
    return NULL;
}

static void run(unsigned threads, size_t rounds) {
    if (pthread_barrier_init(&crew.barrier, NULL, threads) != 0) bench_fail("barrier", "refused");
    for (unsigned i = 0; i < threads; i++) {
        member_t *member = &crew.members[i];
        member->seat =
            (crew_seat_t){.index = i, .count = threads, .rounds = rounds, .random = i + 1};
        if (pthread_create(&member->thread, NULL, member_main, member) != 0) {
            bench_fail("thread", "refused");
        }
    }
    for (unsigned i = 0; i < threads; i++) pthread_join(crew.members[i].thread, NULL);
}

/* ---- the row --------------------------------------------------------------------------------- */

static void print_header(void) {
    printf(
        "benchmark\tthreads\trounds\tallocator\tpairs\tns_per_pair\tcpu_ns_per_pair\tpairs_per_s\t"
        "live_kib\tbase_kib\tpeak_kib\t%s\n",
        counted_header);
}

/* What is known before the job. */
typedef struct before {
    size_t resident_kib;
    uint64_t cpu_ns; /* of all threads */
    counted_t counted;
} before_t;

/* ns_per_pair: how long one thread takes, waiting included; cpu_ns_per_pair: how long processors
 * work for it. */
static void print_row(unsigned threads, size_t rounds, const before_t *before) {
    const counted_t since = counted_since(&before->counted);
    char counted[COUNTED_TEXT];
    counted_format(&since, counted);
    const uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before->cpu_ns;
    uint64_t began = UINT64_MAX, ended = 0;
    size_t pairs = 0;
    for (unsigned i = 0; i < threads; i++) {
        const member_t *member = &crew.members[i];
        if (member->began < began) began = member->began;
        if (member->ended > ended) ended = member->ended;
        pairs += member->pairs;
    }
    const double seconds = (double)(ended - began) * 1e-9;
    const double per_second = (double)pairs / seconds;
    printf("%s\t%u\t%zu\t%s\t%zu\t%.2f\t%.2f\t%.0f\t%td\t%zu\t%zu\t%s\n", crew.job->name, threads,
           rounds, allocator_name(), pairs, threads * 1e9 / per_second,
           (double)cpu_ns / (double)pairs, per_second, atomic_load(&crew.live_peak) / 1024,
           before->resident_kib, resident_peak_kib(), counted);
}

/* ---- the command line ------------------------------------------------------------------------ */

/* The number behind "--NAME=", false when `argument` is another option. */
static bool parse_number(const char *argument, const char *name, size_t *number) {
    const size_t length = strlen(name);
    if (strncmp(argument, name, length) != 0) return false;
    char *end;
    *number = strtoul(argument + length, &end, 10);
    if (end == argument + length || *end != '\0' || *number == 0) {
        bench_fail("not a positive number", argument);
    }
    return true;
}

static _Noreturn void print_help(const crew_job_t *job) {
    printf("%s: %s\n\n"
           "  --threads=N   at least %u (default: one for each processor)\n"
           "  --rounds=N    the work of each thread (default: %zu)\n"
           "  --no-header   the row only\n",
           job->name, job->summary, job->threads_min, job->rounds);
    exit(0);
}

int crew_main(const crew_job_t *job, int argc, char **argv) {
    size_t threads = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    size_t rounds = job->rounds;
    bool header = true;
    if (threads < job->threads_min) threads = job->threads_min;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) print_help(job);
        if (strcmp(argv[i], "--no-header") == 0) {
            header = false;
        } else if (!parse_number(argv[i], "--threads=", &threads) &&
                   !parse_number(argv[i], "--rounds=", &rounds)) {
            bench_fail("unknown option (see --help)", argv[i]);
        }
    }
    if (threads < job->threads_min) bench_fail(job->name, "needs more threads");
    if (threads > BENCH_THREADS) bench_fail("--threads", "too many");

    crew.job = job;
    if (job->prepare != NULL) job->prepare((unsigned)threads);
    const before_t before = {resident_kib(), clock_ns(CLOCK_PROCESS_CPUTIME_ID), counted_now()};
    run((unsigned)threads, rounds);
    if (header) print_header();
    print_row((unsigned)threads, rounds, &before);
    return 0;
}
