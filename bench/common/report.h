/* One measured point, and how it is printed.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"
#include "counted.h"
#include "sampling.h"

enum { SETTLE_STEPS = 3 };

typedef struct bench_report {
    size_t threads;
    sampled_t sampled;
    counted_t counted;   /* of all rounds after the warm-up */
    size_t resident_kib; /* right after the last round */
    size_t peak_kib;
    bool settled;
    size_t settled_kib[SETTLE_STEPS]; /* 0.1, 1 and 10 s after it */
} bench_report_t;

/* A line for the driver of a process that takes samples on demand. */
void report_answer(size_t undisturbed);

void report_header(void);
void report_row(const bench_program_t *program, const bench_point_t *point,
                const bench_report_t *report);

#endif
