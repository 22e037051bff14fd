/* SPDX-License-Identifier: MIT */
#include "team.h"

#include <pthread.h>

#include "measure.h"
#include "speed.h"

typedef struct member {
    bench_seat_t seat;
    void *state;
    bench_sample_t sample;
    pthread_t thread;
} __attribute__((aligned(128))) member_t;

static struct {
    const bench_program_t *program;
    unsigned count;
    size_t gap_ms;
    uint64_t probe_ns; /* 0: nothing counts as disturbed */
    clockid_t clock;
    size_t rounds; /* of the run that the barrier opens; 0: the end */
    pthread_barrier_t barrier;
    member_t members[BENCH_THREADS];
} team;

static bench_sample_t run_rounds(void *state, size_t rounds) {
    bench_sample_t sample = {.disturbed = !speed_is_full(team.probe_ns)};
    const uint64_t faults = thread_faults();
    const size_t stretch = team.gap_ms == 0 ? rounds : 1;
    for (size_t done = 0; done < rounds; done += stretch) {
        const uint64_t start = clock_ns(team.clock);
        for (size_t i = 0; i < stretch; i++) sample.pairs += team.program->round(state);
        if (bench_dawdle != NULL) bench_dawdle(team.clock, start);
        sample.nanoseconds += clock_ns(team.clock) - start;
        if (team.gap_ms != 0) sleep_ms(team.gap_ms);
    }
    sample.faults = thread_faults() - faults;
    sample.disturbed = sample.disturbed || !speed_is_full(team.probe_ns);
    return sample;
}

static void *member_main(void *argument) {
    member_t *member = argument;
    member->state = team.program->begin(&member->seat);
    for (;;) {
        pthread_barrier_wait(&team.barrier);
        if (team.rounds == 0) break;
        member->sample = run_rounds(member->state, team.rounds);
        pthread_barrier_wait(&team.barrier);
    }
    team.program->end(member->state);
    return NULL;
}

void team_start(const bench_program_t *program, const bench_point_t *point, uint64_t probe_ns) {
    team.program = program;
    team.count = (unsigned)bench_value(point, "threads", 1);
    team.gap_ms = bench_value(point, "gap", 0);
    team.probe_ns = probe_ns;
    /* Threads that share a burst wait for each other, which costs no processor time. A single
     * thread is better off with the clock that stands still while other programs run. */
    team.clock = team.count == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    if (pthread_barrier_init(&team.barrier, NULL, team.count) != 0) {
        bench_fail("barrier", "refused");
    }
    for (unsigned i = 0; i < team.count; i++) {
        team.members[i].seat =
            (bench_seat_t){.point = point, .index = i, .count = team.count, .seed = i + 1};
    }
    for (unsigned i = 1; i < team.count; i++) {
        member_t *member = &team.members[i];
        if (pthread_create(&member->thread, NULL, member_main, member) != 0) {
            bench_fail("thread", "refused");
        }
    }
    team.members[0].state = program->begin(&team.members[0].seat);
}

bench_sample_t team_run(size_t rounds) {
    team.rounds = rounds;
    pthread_barrier_wait(&team.barrier);
    team.members[0].sample = run_rounds(team.members[0].state, rounds);
    pthread_barrier_wait(&team.barrier);

    bench_sample_t sum = {0};
    for (unsigned i = 0; i < team.count; i++) {
        sum.pairs += team.members[i].sample.pairs;
        sum.nanoseconds += team.members[i].sample.nanoseconds;
        sum.faults += team.members[i].sample.faults;
        sum.disturbed = sum.disturbed || team.members[i].sample.disturbed;
    }
    return sum;
}

void team_stop(void) {
    team.rounds = 0;
    pthread_barrier_wait(&team.barrier);
    team.program->end(team.members[0].state);
    for (unsigned i = 1; i < team.count; i++) pthread_join(team.members[i].thread, NULL);
}
