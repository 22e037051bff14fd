/* The frame around every benchmark program. A program names its axes (size, burst, threads, ...)
 * and one round of work; the frame reads the command line, runs every point of the axes in a
 * process of its own, warms it up, takes samples and prints one row of tab-separated values each.
 *
 *     churn --quick
 *     churn --size=64,1024 --burst=1000 --order=lifo,random
 *
 * A program calls plain malloc and free; which allocator serves them is decided by preloading. The
 * frame itself takes its memory from mmap, so that it never stands in the allocator's way.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_AXES = 12, BENCH_THREADS = 64 };

/* One parameter of a program, set by --NAME=VALUE,VALUE... Two names have a meaning to the frame:
 * `threads` (how many run the rounds, default 1) and `gap` (milliseconds of sleep after each round,
 * outside the time measured, default 0). */
typedef struct bench_axis {
    const char *name;
    const char *full;         /* the values without --quick, comma-separated */
    const char *quick;        /* ... and with it */
    const char *const *words; /* names for the values 0, 1, ..., NULL-terminated; NULL: numbers */
} bench_axis_t;

/* One value for each axis. */
typedef struct bench_point {
    const bench_axis_t *axes;
    unsigned axis_count;
    size_t values[BENCH_AXES];
} bench_point_t;

/* The value of the axis called `name`; `fallback` where the program has no such axis. */
size_t bench_value(const bench_point_t *point, const char *name, size_t fallback);

/* What one thread of a program knows when it begins. */
typedef struct bench_seat {
    const bench_point_t *point;
    unsigned index; /* 0 is the main thread */
    unsigned count;
    uint64_t seed; /* differs between threads, is the same in every run */
} bench_seat_t;

typedef struct bench_program {
    const char *name;
    const char *summary;      /* for --help */
    const bench_axis_t *axes; /* ends with a nameless one */
    /* False for points that make no sense or do not fit into memory; NULL: all are run. */
    bool (*sensible)(const bench_point_t *point);
    /* The three below run on the thread that they serve; all threads make equally many rounds. */
    void *(*begin)(const bench_seat_t *seat);
    size_t (*round)(void *state); /* returns the malloc+free pairs made */
    void (*end)(void *state);     /* frees what the rounds left alive */
} bench_program_t;

/* The whole of a benchmark's main. */
int bench_main(const bench_program_t *program, int argc, char **argv);

/* Zeroed memory that the allocator under test knows nothing of; it lives as long as the process. */
void *bench_map(size_t size);

/* Says why on stderr and exits with status 2. */
_Noreturn void bench_fail(const char *reason, const char *detail);

/* One byte written, as any program would: a block is there to be used. A NULL block faults here. */
static inline void bench_touch(void *block) { *(volatile char *)block = 1; }

#endif
