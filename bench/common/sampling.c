/* SPDX-License-Identifier: MIT */
#include "sampling.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "report.h"
#include "speed.h"

enum {
    SAMPLES_MAX = 1000,
    STRETCHES_MAX = 10, /* on one demand */
};

typedef struct times {
    size_t count;
    double values[SAMPLES_MAX];
} times_t;

static struct {
    times_t undisturbed, any;
    bench_sample_t part; /* of an undisturbed sample that is not full yet */
    bench_sample_t sum;
    size_t stretches;
} taken;

static void times_add(times_t *times, bench_sample_t sample) {
    if (times->count == SAMPLES_MAX) bench_fail("samples", "too many");
    times->values[times->count++] = (double)sample.nanoseconds / (double)sample.pairs;
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Other programs on the machine make samples slower, never faster, and often most of them. So the
 * time that a quarter of the samples stay within says more than their median. */
static double lower_quartile(times_t *times) {
    qsort(times->values, times->count, sizeof *times->values, compare_doubles);
    return times->values[times->count / 4];
}

static bench_sample_t add(bench_sample_t sum, bench_sample_t stretch) {
    return (bench_sample_t){.pairs = sum.pairs + stretch.pairs,
                            .nanoseconds = sum.nanoseconds + stretch.nanoseconds,
                            .faults = sum.faults + stretch.faults};
}

static bench_sample_t take_stretch(const sampling_t *sampling) {
    const bench_sample_t stretch = sampling->run(sampling->rounds);
    taken.sum = add(taken.sum, stretch);
    taken.stretches++;
    return stretch;
}

static void take_any(const sampling_t *sampling) {
    bench_sample_t sample = {0};
    do sample = add(sample, take_stretch(sampling));
    while (sample.nanoseconds < sampling->sample_ns);
    times_add(&taken.any, sample);
}

/* Ends at the first stretch that is disturbed. */
static void take_undisturbed(const sampling_t *sampling) {
    for (size_t i = 0; i < STRETCHES_MAX; i++) {
        const bench_sample_t stretch = take_stretch(sampling);
        if (stretch.disturbed) return;
        taken.part = add(taken.part, stretch);
        if (taken.part.nanoseconds < sampling->sample_ns) continue;
        times_add(&taken.undisturbed, taken.part);
        taken.part = (bench_sample_t){0};
        if (sampling->sample_ns == 0) return;
    }
}

static void answer(const sampling_t *sampling, char demand) {
    if (demand == 'u' && !speed_is_full(sampling->probe_ns)) return;
    take_stretch(sampling); /* in sampling.h: why it is not measured */
    if (demand == 'u') {
        take_undisturbed(sampling);
    } else {
        take_any(sampling);
    }
}

static void serve(const sampling_t *sampling) {
    char demand;
    report_answer(0);
    while (read(STDIN_FILENO, &demand, 1) == 1) {
        answer(sampling, demand);
        report_answer(taken.undisturbed.count);
    }
}

sampled_t sampling_take(const sampling_t *sampling) {
    if (sampling->probe_ns != 0) {
        serve(sampling);
    } else {
        for (size_t i = 0; i < sampling->samples; i++) take_any(sampling);
    }
    times_t *times = taken.any.count != 0 ? &taken.any : &taken.undisturbed;
    if (times->count == 0) bench_fail("--on-demand", "no sample was taken");
    return (sampled_t){.ns_per_pair = lower_quartile(times),
                       .rounds = taken.stretches * sampling->rounds,
                       .pairs = taken.sum.pairs,
                       .faults = taken.sum.faults,
                       .undisturbed = times == &taken.undisturbed ? times->count : 0};
}
