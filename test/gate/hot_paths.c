/* Calls entry points once each on their hot path, for tools/golden: it counts inside count_here.
 *
 *     hot_paths malloc free ...
 *
 * Exits with 1 when a call was not on its hot path.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eddy.h"

void free_sized(void *block, size_t size);

enum { SIZE = 64, ROUNDS = 4, BURST = 100, LEFT = 10 };

static void *blocks[BURST];
static void *block;

static void call_malloc(void) { block = malloc(SIZE); }
static void call_free(void) { free(block); }
static void call_calloc(void) { block = calloc(1, SIZE); }
static void call_realloc(void) { block = realloc(block, SIZE - 1); }
static void call_free_sized(void) { free_sized(block, SIZE); }
static void call_aligned_alloc(void) { block = aligned_alloc(SIZE, SIZE); }

static const struct {
    const char *name;
    void (*call)(void);
    bool takes_block, leaves_block;
} entries[] = {
    {"malloc", call_malloc, false, true},
    {"free", call_free, true, false},
    {"calloc", call_calloc, false, true},
    {"realloc", call_realloc, true, true},
    {"free_sized", call_free_sized, true, false},
    {"aligned_alloc", call_aligned_alloc, false, true},
};

/* Callgrind knows it by its name. */
__attribute__((noinline)) void count_here(void (*call)(void));
void count_here(void (*call)(void)) { call(); }

/* A page in the middle of its life: blocks live, blocks free, none of them fresh. */
static void warm_up(void) {
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BURST; i++) blocks[i] = malloc(SIZE);
        for (int i = 0; i < BURST; i++) free(blocks[i]);
    }
    for (int i = 0; i < LEFT; i++) blocks[i] = malloc(SIZE);
}

static void run_entry(const char *name) {
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (strcmp(entries[i].name, name) != 0) continue;
        if (entries[i].takes_block) block = malloc(SIZE);
        count_here(entries[i].call);
        if (entries[i].leaves_block) free(block);
    }
}

static size_t slow_entries(void) {
    eddy_counters_t counters;
    eddy_counters(&counters, sizeof counters);
    return counters.slow_entries;
}

int main(int argc, char **argv) {
    warm_up();
    const size_t before = slow_entries();
    for (int i = 1; i < argc; i++) run_entry(argv[i]);
    if (slow_entries() == before) return 0;
    fputs("a hot path left for the slow one\n", stderr);
    return 1;
}
