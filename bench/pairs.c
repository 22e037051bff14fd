/* What tools/count_pairs runs under callgrind: the rounds of each case stand in a function of
 * their own, which callgrind switches its counting on and off by, and writes a profile after.
 *
 *     pairs ORDER SIZE:BURST:ROUNDS...
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "burst.h"

enum { WARM_UP_ROUNDS = 10 };

static void run_rounds(void **blocks, const uint32_t *order, size_t size, size_t burst,
                       size_t rounds) {
    for (size_t i = 0; i < rounds; i++) {
        burst_allocate(blocks, burst, size);
        burst_free(blocks, order, burst);
    }
}

/* Called once per case and nowhere else: callgrind knows it by its name. */
__attribute__((noinline)) void count_here(void **blocks, const uint32_t *order, size_t size,
                                          size_t burst, size_t rounds);
void count_here(void **blocks, const uint32_t *order, size_t size, size_t burst, size_t rounds) {
    run_rounds(blocks, order, size, burst, rounds);
}

static burst_order_t order_of(const char *word) {
    burst_order_t order = BURST_LIFO;
    while (burst_order_words[order] != NULL && strcmp(burst_order_words[order], word) != 0) order++;
    if (burst_order_words[order] == NULL) bench_fail("not an order", word);
    return order;
}

int main(int argc, char **argv) {
    if (argc < 2) bench_fail("pairs", "ORDER SIZE:BURST:ROUNDS...");
    const burst_order_t freed = order_of(argv[1]);
    for (int i = 2; i < argc; i++) {
        size_t size, burst, rounds;
        if (sscanf(argv[i], "%zu:%zu:%zu", &size, &burst, &rounds) != 3) {
            bench_fail("not SIZE:BURST:ROUNDS", argv[i]);
        }
        void **blocks = bench_map(burst * sizeof *blocks);
        const uint32_t *order = burst_order_make(freed, burst, 1);
        run_rounds(blocks, order, size, burst, WARM_UP_ROUNDS);
        count_here(blocks, order, size, burst, rounds);
    }
    return 0;
}
