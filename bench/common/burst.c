/* SPDX-License-Identifier: MIT */
#include "burst.h"

#include "random.h"

const char *const burst_order_words[] = {"lifo", "fifo", "random", "half", NULL};

static void shuffle(uint32_t *order, size_t count, uint64_t seed) {
    for (size_t i = count; i > 1; i--) {
        const uint32_t other = random_below(&seed, (uint32_t)i);
        const uint32_t last = order[i - 1];
        order[i - 1] = order[other];
        order[other] = last;
    }
}

uint32_t *burst_order_make(burst_order_t order, size_t count, uint64_t seed) {
    uint32_t *indices = bench_map(count * sizeof *indices);
    for (size_t i = 0; i < count; i++) {
        size_t index = i;
        if (order == BURST_LIFO) index = count - 1 - i;
        if (order == BURST_HALF) index = i < count / 2 ? 2 * i + 1 : 2 * (i - count / 2);
        indices[i] = (uint32_t)index;
    }
    if (order == BURST_RANDOM) shuffle(indices, count, seed);
    return indices;
}
