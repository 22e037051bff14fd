/* The command line of a benchmark program and the points it asks for.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "bench.h"

typedef struct bench_options {
    const char *chosen[BENCH_AXES]; /* per axis: comma-separated values */
    bool list;                      /* print the points, run nothing */
    bool settle;                    /* watch the resident memory for ten seconds afterwards */
    bool header;
    size_t rounds; /* in each sample; 0: as many as fill sample_ms */
    size_t samples;
    size_t sample_ms;
    size_t probe_ns; /* of speed.h at full speed: samples are taken on demand; else 0 */
} bench_options_t;

/* Exits with a message when the command line is wrong. */
bench_options_t options_parse(const bench_program_t *program, int argc, char **argv);

/* Walks the points: begin with *position = 0; false when there is none left. Every axis steps
 * through its chosen values, the last one fastest. */
bool options_next(const bench_program_t *program, const bench_options_t *options, size_t *position,
                  bench_point_t *point);

enum { POINT_TEXT = 256 };

/* "size=64 burst=100": the point as a row shows it. With the prefix "--", as options. */
void point_format(const bench_point_t *point, const char *prefix, char text[POINT_TEXT]);

#endif
