/* The least that can serve bursts of one size: a list of blocks for each thread.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_THREADS_BARE_LIST_H
#define BENCH_THREADS_BARE_LIST_H

#include <stddef.h>

typedef struct bare_link {
    struct bare_link *next;
} bare_link_t;

static _Thread_local bare_link_t *bare_list;

/* Calls, as those of an allocator are. */
__attribute__((noinline)) static void bare_list_give(void *block) {
    bare_link_t *link = block;
    link->next = bare_list;
    bare_list = link;
}

__attribute__((noinline)) static void *bare_list_take(size_t size) {
    (void)size;
    bare_link_t *link = bare_list;
    bare_list = link->next;
    return link;
}

static inline void bare_list_fill(char *memory, size_t count, size_t block_bytes) {
    for (size_t i = 0; i < count; i++) bare_list_give(memory + i * block_bytes);
}

#endif
