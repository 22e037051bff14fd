/* How samples are taken, and what is made of them: the time of a process.
 *
 * Left alone, a process takes the samples one after the other. On demand it takes them when its
 * driver asks, a byte on standard input each time, so that several processes, each on another
 * allocator, take theirs in turn:
 *
 *     u   run while the machine runs at full speed (speed.h), for a while at most; what was done at
 *         a lower speed does not count
 *     a   take a sample, whatever the machine does
 *
 * Each begins with a stretch that is not measured. Since the last one, others have used the caches,
 * and the allocator may have given memory back: how much depends on how long the others took, which
 * must not be in a sample.
 *
 * Each is answered by the number of undisturbed samples so far. The driver asks for them first. If
 * some process does not get enough of them, it has all take samples of the other kind instead, and
 * then these alone count: so that one process is never compared with another in better times.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_SAMPLING_H
#define BENCH_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was done in a stretch, or in several. */
typedef struct bench_sample {
    uint64_t pairs;
    uint64_t nanoseconds; /* summed over the threads, idle gaps left out */
    uint64_t faults;
    bool disturbed; /* some thread did not run at full speed */
} bench_sample_t;

typedef struct sampling {
    bench_sample_t (*run)(size_t rounds); /* makes a stretch */
    size_t rounds;                        /* of a stretch */
    uint64_t sample_ns;                   /* of all threads; 0: a sample is one stretch */
    size_t samples;                       /* left alone */
    uint64_t probe_ns;                    /* on demand: that of speed.h at full speed; 0: alone */
} sampling_t;

typedef struct sampled {
    double ns_per_pair;
    size_t rounds; /* these three are of all stretches, disturbed ones as well */
    uint64_t pairs;
    uint64_t faults;
    size_t undisturbed; /* samples; 0 when the others count */
} sampled_t;

sampled_t sampling_take(const sampling_t *sampling);

#endif
