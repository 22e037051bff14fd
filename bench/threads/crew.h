/* The frame around the multi-threaded benchmarks. Every thread does a fixed amount of work; one row
 * of tab-separated values says how long it took and how much memory it needed.
 *
 *     larson --threads=4 --rounds=10
 *
 * A program of bench.h repeats short samples in a team of threads that stays. Here a job is
 * measured whole, from the moment when its first thread begins to the end of its last, so that
 * threads which start and end within it belong to what is measured. It may be done several times
 * in one process (sampling.h), and leaves no block behind.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_THREADS_CREW_H
#define BENCH_THREADS_CREW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "random.h"

/* The memory below which a thread may keep to itself how many bytes it made or freed. */
enum { CREW_UNCOUNTED_MAX = 64 * 1024 };

/* What a thread knows. A seat is used by one thread at a time. */
typedef struct crew_seat {
    unsigned index;
    unsigned count;
    size_t rounds;
    uint64_t random; /* differs between seats, the same in every run */
    ptrdiff_t live;  /* bytes that this thread made less those that it freed, not yet counted */
} crew_seat_t;

typedef struct crew_job {
    const char *name;
    const char *summary; /* for --help */
    unsigned threads_min;
    size_t rounds;                     /* of each thread, without --rounds */
    void (*prepare)(unsigned threads); /* on the main thread, unmeasured, before each time that the
                                          job is done; NULL: nothing to do */
    size_t (*work)(crew_seat_t *seat); /* returns the malloc+free pairs made, or 0 where another
                                          thread counts them */
} crew_job_t;

/* The whole of a benchmark's main. */
int crew_main(const crew_job_t *job, int argc, char **argv);

/* All threads wait here for each other. */
void crew_wait(void);

void crew_count(crew_seat_t *seat);

static inline void crew_live(crew_seat_t *seat, ptrdiff_t bytes) {
    seat->live += bytes;
    if (seat->live > CREW_UNCOUNTED_MAX || seat->live < -CREW_UNCOUNTED_MAX) crew_count(seat);
}

/* From `least` to `most` bytes, all sizes equally often. */
static inline size_t crew_size(crew_seat_t *seat, uint32_t least, uint32_t most) {
    return least + random_below(&seat->random, most - least + 1);
}

/* A block of at least 8 bytes that begins with its size, so that whoever frees it can count the
 * bytes alive: the measure for the memory that an allocator needs. */
static inline void *crew_malloc(crew_seat_t *seat, size_t size) {
    size_t *block = malloc(size);
    *block = size;
    crew_live(seat, (ptrdiff_t)size);
    return block;
}

static inline void crew_free(crew_seat_t *seat, void *block) {
    if (block == NULL) return;
    crew_live(seat, -(ptrdiff_t) * (size_t *)block);
    free(block);
}

#endif
