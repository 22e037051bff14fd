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
#include "sampling.h"
#include "speed.h"

typedef struct member {
    crew_seat_t seat;
    uint64_t began, ended;
    size_t pairs;
    bool disturbed;
    pthread_t thread;
} __attribute__((aligned(128))) member_t;

static struct {
    const crew_job_t *job;
    unsigned threads;
    size_t probe_ns; /* speed.h */
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
    member->disturbed = !speed_is_full(crew.probe_ns);
    crew_wait();
    member->began = clock_ns(CLOCK_MONOTONIC);
    member->pairs = crew.job->work(&member->seat);
    if (bench_dawdle != NULL) bench_dawdle(CLOCK_MONOTONIC, member->began);
    member->ended = clock_ns(CLOCK_MONOTONIC);
    member->disturbed = member->disturbed || !speed_is_full(crew.probe_ns);
    return NULL;
}

static void start(size_t rounds) {
    if (crew.job->prepare != NULL) crew.job->prepare(crew.threads);
    for (unsigned i = 0; i < crew.threads; i++) {
        member_t *member = &crew.members[i];
        member->seat =
            (crew_seat_t){.index = i, .count = crew.threads, .rounds = rounds, .random = i + 1};
        if (pthread_create(&member->thread, NULL, member_main, member) != 0) {
            bench_fail("thread", "refused");
        }
    }
}

/* The job, once. */
static bench_sample_t run(size_t rounds) {
    bench_sample_t sample = {0};
    const uint64_t faults = process_faults();
    uint64_t began = UINT64_MAX, ended = 0;
    start(rounds);
    for (unsigned i = 0; i < crew.threads; i++) {
        const member_t *member = &crew.members[i];
        pthread_join(member->thread, NULL);
        if (member->began < began) began = member->began;
        if (member->ended > ended) ended = member->ended;
        sample.pairs += member->pairs;
        sample.disturbed = sample.disturbed || member->disturbed;
    }
    sample.nanoseconds = crew.threads * (ended - began);
    sample.faults = process_faults() - faults;
    return sample;
}

/* ---- the row --------------------------------------------------------------------------------- */

static void print_header(void) {
    printf(
        "benchmark\tthreads\trounds\tallocator\tpairs\tns_per_pair\tcpu_ns_per_pair\tpairs_per_s\t"
        "undisturbed\tfaults\tlive_kib\tbase_kib\tpeak_kib\t%s\n",
        counted_header);
}

/* What is known before the job. */
typedef struct before {
    size_t resident_kib;
    size_t code_kib;
    uint64_t cpu_ns; /* of all threads */
    counted_t counted;
} before_t;

/* base_kib: what was resident before, and the code of libraries that was first called since then.
 * ns_per_pair: how long one thread takes, waiting included; cpu_ns_per_pair: how long processors
 * work for it. */
static void print_row(size_t rounds, const before_t *before, sampled_t sampled) {
    const counted_t since = counted_since(&before->counted);
    char counted[COUNTED_TEXT];
    counted_format(&since, counted);
    const uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before->cpu_ns;
    const size_t base_kib = before->resident_kib + resident_code_kib() - before->code_kib;
    printf("%s\t%u\t%zu\t%s\t%zu\t%.2f\t%.2f\t%.0f\t%zu\t%zu\t%td\t%zu\t%zu\t%s\n", crew.job->name,
           crew.threads, rounds, allocator_name(), (size_t)sampled.pairs, sampled.ns_per_pair,
           (double)cpu_ns / (double)sampled.pairs, crew.threads * 1e9 / sampled.ns_per_pair,
           sampled.undisturbed, (size_t)sampled.faults, atomic_load(&crew.live_peak) / 1024,
           base_kib, resident_peak_kib(), counted);
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
    printf(
        "%s: %s\n\n"
        "  --threads=N   at least %u (default: one for each processor)\n"
        "  --rounds=N    the work of each thread (default: %zu)\n"
        "  --samples=N   how often the job is done (default: 1); the lower quartile is reported\n"
        "  --on-demand=N  jobs when the driver asks for them; N is what `speed` prints\n"
        "  --list        print the point, run nothing\n"
        "  --no-header   the row only\n",
        job->name, job->summary, job->threads_min, job->rounds);
    exit(0);
}

/* What the command line asks for. */
typedef struct crew_options {
    size_t threads, rounds, samples, probe_ns;
    bool header, list;
} crew_options_t;

static void parse_argument(const crew_job_t *job, crew_options_t *options, const char *argument) {
    if (strcmp(argument, "--help") == 0) print_help(job);
    if (strcmp(argument, "--no-header") == 0) {
        options->header = false;
    } else if (strcmp(argument, "--list") == 0) {
        options->list = true;
    } else if (!parse_number(argument, "--threads=", &options->threads) &&
               !parse_number(argument, "--rounds=", &options->rounds) &&
               !parse_number(argument, "--samples=", &options->samples) &&
               !parse_number(argument, "--on-demand=", &options->probe_ns)) {
        bench_fail("unknown option (see --help)", argument);
    }
}

static crew_options_t parse(const crew_job_t *job, int argc, char **argv) {
    crew_options_t options = {.threads = (size_t)sysconf(_SC_NPROCESSORS_ONLN),
                              .rounds = job->rounds,
                              .samples = 1,
                              .header = true};
    if (options.threads < job->threads_min) options.threads = job->threads_min;
    for (int i = 1; i < argc; i++) parse_argument(job, &options, argv[i]);
    if (options.threads < job->threads_min) bench_fail(job->name, "needs more threads");
    if (options.threads > BENCH_THREADS) bench_fail("--threads", "too many");
    return options;
}

int crew_main(const crew_job_t *job, int argc, char **argv) {
    const crew_options_t options = parse(job, argc, argv);
    if (options.list) {
        printf("--threads=%zu\n", options.threads);
        return 0;
    }
    crew.job = job;
    crew.threads = (unsigned)options.threads;
    crew.probe_ns = options.probe_ns;
    if (pthread_barrier_init(&crew.barrier, NULL, crew.threads) != 0) {
        bench_fail("barrier", "refused");
    }
    if (job->prepare != NULL) job->prepare(crew.threads);
    const before_t before = {resident_kib(), resident_code_kib(),
                             clock_ns(CLOCK_PROCESS_CPUTIME_ID), counted_now()};
    const sampling_t sampling = {.run = run,
                                 .rounds = options.rounds,
                                 .samples = options.samples,
                                 .probe_ns = options.probe_ns};
    const sampled_t sampled = sampling_take(&sampling);
    if (options.header) print_header();
    print_row(options.rounds, &before, sampled);
    return 0;
}
