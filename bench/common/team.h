/* The threads of one benchmark process. All of them make equally many rounds, in step, so that a
 * thread which waits for another's blocks never waits in vain.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_TEAM_H
#define BENCH_TEAM_H

#include "bench.h"
#include "sampling.h"

/* There is one team in a process; the calling thread takes its first seat. */
void team_start(const bench_program_t *program, const bench_point_t *point, uint64_t probe_ns);
bench_sample_t team_run(size_t rounds);
void team_stop(void);

#endif
