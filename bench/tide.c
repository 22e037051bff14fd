/* Resident memory over time: three bursts close upon each other, then an idle process. Prints a row
 * of milliseconds, phase and KiB for every step.
 *
 *     tide [IDLE_MS]
 *
 * The thread that freed the blocks sleeps: what goes back while it does, goes back by itself.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "measure.h"
#include "random.h"

enum {
    BLOCKS = 100000,
    SMALLEST = 64,
    LARGEST = 1024,
    BURSTS = 3,
    STEPS = 16, /* of a burst's rise, and of its fall */
    REST_MS = 100,
    IDLE_MS = 3000,
    TICK_MS = 50,
    ROWS_MAX = 100000,
};

typedef struct row {
    double ms;
    const char *phase;
    size_t resident_kib;
} row_t;

static struct {
    void **blocks;
    row_t *rows;
    size_t count;
    uint64_t start_ns;
    uint64_t random;
} tide = {.random = 1};

static void note(const char *phase) {
    if (tide.count == ROWS_MAX) bench_fail("tide", "too many rows");
    const double ms = (double)(clock_ns(CLOCK_MONOTONIC) - tide.start_ns) * 1e-6;
    tide.rows[tide.count++] = (row_t){ms, phase, resident_kib()};
}

/* Blocks are written whole, as a program would that needs them. */
static void rise(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        const size_t size = SMALLEST + random_below(&tide.random, LARGEST - SMALLEST + 1);
        char *block = tide.blocks[i] = malloc(size);
        for (size_t at = 0; at < size; at += 64) bench_touch(block + at);
        if (i % (BLOCKS / STEPS) == 0) note("rise");
    }
}

static void fall(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        free(tide.blocks[i]);
        if (i % (BLOCKS / STEPS) == 0) note("fall");
    }
}

static void wait_idly(const char *phase, size_t duration_ms) {
    note(phase);
    for (size_t waited_ms = 0; waited_ms < duration_ms; waited_ms += TICK_MS) {
        sleep_ms(TICK_MS);
        note(phase);
    }
}

int main(int argc, char **argv) {
    const size_t idle_ms = argc > 1 ? strtoul(argv[1], NULL, 10) : IDLE_MS;
    tide.blocks = bench_map(BLOCKS * sizeof *tide.blocks);
    tide.rows = bench_map(ROWS_MAX * sizeof *tide.rows);
    tide.start_ns = clock_ns(CLOCK_MONOTONIC);
    note("start");
    for (size_t burst = 0; burst < BURSTS; burst++) {
        rise();
        fall();
        wait_idly(burst + 1 < BURSTS ? "rest" : "idle", burst + 1 < BURSTS ? REST_MS : idle_ms);
    }
    puts("ms\tphase\trss_kib");
    for (size_t i = 0; i < tide.count; i++) {
        printf("%.1f\t%s\t%zu\n", tide.rows[i].ms, tide.rows[i].phase, tide.rows[i].resident_kib);
    }
    return 0;
}
