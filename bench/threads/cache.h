/* What cache-scratch and cache-thrash share (E. Berger et al., "Hoard: A Scalable Memory Allocator
 * for Multithreaded Applications", ASPLOS 2000): small blocks that are written again and again. An
 * allocator that gives blocks in one cache line to two threads makes them wait for each other.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_THREADS_CACHE_H
#define BENCH_THREADS_CACHE_H

#include "crew.h"

enum { CACHE_BLOCK = 8, CACHE_WRITES = 2000 };

static inline void cache_write(void *block) {
    volatile char *bytes = block;
    for (size_t i = 0; i < CACHE_WRITES; i++) bytes[i % CACHE_BLOCK]++;
}

/* Allocate, write, free; the malloc+free pairs made. */
static inline size_t cache_cycle(size_t rounds) {
    for (size_t i = 0; i < rounds; i++) {
        void *block = malloc(CACHE_BLOCK);
        cache_write(block);
        free(block);
    }
    return rounds;
}

#endif
