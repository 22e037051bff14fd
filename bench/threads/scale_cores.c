/* How much of its speed a thread keeps while all other processors do the same, told apart by
 * whether they are cores at that moment. The processors of a virtual machine may be two threads of
 * one core, now and then, and nothing tells it so; then there is one core's throughput for both,
 * whatever they share in memory.
 *
 *     scale_cores --turns=1000
 *
 * A turn, some five milliseconds, has one processor make rounds of each load, alone and beside all
 * others; the next turn is another processor's. The loads: a loop that needs nothing but the core's
 * arithmetic, the bursts of scale.h on a bare list, on such a list made as long in instructions as
 * an allocator, and on malloc. The core's loop is measured at the beginning and at the end of a
 * turn: where it keeps its speed to within 5 % both times, the other processors were cores of their
 * own (`cores`); where it loses a fifth of it or more, they were not (`shared`). Other turns tell
 * nothing and are left out: something else took a part of a core for a moment.
 *
 * A row for each kind of turn and load: how many turns, their share of all, the speed beside the
 * others over that alone, and this over the bare list's in the same turn; medians.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare_list.h"
#include "bench.h"
#include "measure.h"
#include "scale.h"
#include "speed.h"

enum { TURNS = 500, TURNS_MAX = 100000, STRETCH_NS = 300000, SLACK = 5, LOSS = 20 /* per cent */ };

/* ---- the loads: one round each --------------------------------------------------------------- */

static _Thread_local size_t order[SCALE_BURST];

static void core_round(void) { speed_probe_ns(); }

static void list_round(void) { scale_burst(order, bare_list_take, bare_list_give); }

static void malloc_round(void) { scale_burst(order, malloc, free); }

typedef struct numbers {
    uint64_t a, b, c, d;
} numbers_t;

static inline numbers_t add(numbers_t n) {
    n = (numbers_t){n.a + 3, n.b ^ 5, n.c - 7, n.d + 9};
    __asm__ volatile("" : "+r"(n.a), "+r"(n.b), "+r"(n.c), "+r"(n.d));
    return n;
}

/* A list's four instructions become some twenty, as many as malloc or free take. */
static inline void burden(void) { add(add(add((numbers_t){1, 2, 3, 4}))); }

__attribute__((noinline)) static void *heavy_take(size_t size) {
    burden();
    return bare_list_take(size);
}

__attribute__((noinline)) static void heavy_give(void *block) {
    burden();
    bare_list_give(block);
}

static void heavy_round(void) { scale_burst(order, heavy_take, heavy_give); }

enum { CORE, LIST, HEAVY, MALLOC, CORE_AGAIN, LOADS };
static void (*const rounds[LOADS])(void) = {core_round, list_round, heavy_round, malloc_round,
                                            core_round};
static const char *const names[CORE_AGAIN] = {"core", "bare list", "heavy list", "malloc"};

/* ---- the threads: one for each processor ----------------------------------------------------- */

/* Per load, how much of its speed alone the measuring thread kept beside the others. */
typedef struct turn {
    double kept[LOADS];
} turn_t;

static struct {
    unsigned count;
    size_t turn_count;
    pthread_barrier_t barrier;
    _Atomic unsigned companions; /* that make rounds */
    _Atomic bool measured;       /* they may stop */
    turn_t turns[TURNS_MAX];
} team;

static double rounds_per_ns(void (*round)(void)) {
    round(); /* fills the caches */
    const uint64_t start = clock_ns(CLOCK_MONOTONIC);
    uint64_t count = 0, elapsed;
    do {
        round();
        count++;
        elapsed = clock_ns(CLOCK_MONOTONIC) - start;
    } while (elapsed < STRETCH_NS);
    return (double)count / (double)elapsed;
}

static void keep_company(void (*round)(void)) {
    atomic_fetch_add(&team.companions, 1);
    while (!atomic_load(&team.measured)) round();
}

static double rounds_per_ns_in_company(void (*round)(void)) {
    while (atomic_load(&team.companions) != team.count - 1) continue;
    const double speed = rounds_per_ns(round);
    atomic_store(&team.measured, true);
    return speed;
}

/* Whoever has no part in a stretch sleeps: a thread that waits busily needs the core, too. */
static void take_turn(bool measures, turn_t *turn) {
    for (unsigned load = 0; load < LOADS; load++) {
        double alone = 0;
        pthread_barrier_wait(&team.barrier);
        if (measures) {
            alone = rounds_per_ns(rounds[load]);
            atomic_store(&team.companions, 0);
            atomic_store(&team.measured, false);
        }
        pthread_barrier_wait(&team.barrier);
        if (measures) {
            turn->kept[load] = rounds_per_ns_in_company(rounds[load]) / alone;
        } else {
            keep_company(rounds[load]);
        }
    }
}

/* The processor that is number `index` of those this process may run on. */
static void stay_on(unsigned index) {
    cpu_set_t allowed, one;
    sched_getaffinity(0, sizeof allowed, &allowed);
    size_t processor = 0;
    for (unsigned before = 0; processor < CPU_SETSIZE; processor++) {
        if (CPU_ISSET(processor, &allowed) && before++ == index) break;
    }
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) bench_fail("a processor", "refused");
}

static void *thread_main(void *argument) {
    const unsigned index = *(const unsigned *)argument;
    stay_on(index);
    bare_list_fill(bench_map(SCALE_BURST * SCALE_BLOCK), SCALE_BURST, SCALE_BLOCK);
    uint64_t random = index + 1;
    scale_shuffle(&random, order);
    for (size_t i = 0; i < team.turn_count; i++) {
        take_turn(i % team.count == index, &team.turns[i]);
    }
    return NULL;
}

static void take_turns(void) {
    static unsigned indices[BENCH_THREADS];
    pthread_t threads[BENCH_THREADS];
    if (pthread_barrier_init(&team.barrier, NULL, team.count) != 0)
        bench_fail("barrier", "refused");
    for (unsigned i = 0; i < team.count; i++) {
        indices[i] = i;
        if (pthread_create(&threads[i], NULL, thread_main, &indices[i]) != 0) {
            bench_fail("thread", "refused");
        }
    }
    for (unsigned i = 0; i < team.count; i++) pthread_join(threads[i], NULL);
}

/* ---- what they say --------------------------------------------------------------------------- */

static bool kept_all(double kept) { return kept * 100 >= 100 - SLACK && kept * 100 <= 100 + SLACK; }
static bool lost_much(double kept) { return kept * 100 <= 100 - LOSS; }

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static void print_rows(const char *kind, bool (*is_of_kind)(double)) {
    static double kept[TURNS_MAX], of_list[TURNS_MAX];
    for (unsigned load = 0; load < CORE_AGAIN; load++) {
        size_t count = 0;
        for (size_t i = 0; i < team.turn_count; i++) {
            const double *turn = team.turns[i].kept;
            if (!is_of_kind(turn[CORE]) || !is_of_kind(turn[CORE_AGAIN])) continue;
            kept[count] = turn[load];
            of_list[count++] = turn[load] / turn[LIST];
        }
        if (count == 0) return;
        printf("%s\t%u\t%s\t%s\t%zu\t%.3f\t%.3f\t%.3f\n", allocator_name(), team.count, kind,
               names[load], count, (double)count / (double)team.turn_count, median(kept, count),
               median(of_list, count));
    }
}

int main(int argc, char **argv) {
    cpu_set_t allowed;
    sched_getaffinity(0, sizeof allowed, &allowed);
    const int processors = CPU_COUNT(&allowed);
    if (processors < 2) bench_fail("needs two processors", "there is one");
    team.count = processors < BENCH_THREADS ? (unsigned)processors : BENCH_THREADS;
    const char *option = "--turns=";
    team.turn_count = TURNS;
    if (argc == 2 && strncmp(argv[1], option, strlen(option)) == 0) {
        team.turn_count = strtoul(argv[1] + strlen(option), NULL, 10);
    } else if (argc != 1) {
        bench_fail("usage", "scale_cores [--turns=N]");
    }
    if (team.turn_count == 0 || team.turn_count > TURNS_MAX) bench_fail("--turns", "out of range");
    take_turns();
    puts("allocator\tprocessors\tkind\tload\tturns\tshare\tkept\tof_list");
    print_rows("cores", kept_all);
    print_rows("shared", lost_much);
    return 0;
}
