/* Memory that the program hands in, or has reserved at once. An arena is named by its number in
 * Eddy plus one.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/mman.h>

#include "mimalloc/layer.h"

/* Newer than the oldest headers that this is compiled with. */
#ifndef MAP_HUGE_1GB
#define MAP_HUGE_1GB (30 << 26)
#endif

enum { SLICE_BYTES = 64 << 10, LEAST_BYTES = 32 << 20, GIB_SHIFT = 30 };

static mi_arena_id_t arena_of(int number) { return (mi_arena_id_t)((intptr_t)number + 1); }

static int number_of(mi_arena_id_t arena) { return (int)((intptr_t)arena - 1); }

/* Eddy never gives such memory back and keeps no word of whether it is zero: all kinds are alike,
 * but memory that cannot be written at once. */
bool mi_manage_os_memory_ex(void *start, size_t size, bool is_committed, bool is_pinned,
                            bool is_zero, int numa_node, bool exclusive, mi_arena_id_t *arena) {
    (void)is_pinned, (void)is_zero, (void)numa_node;
    if (exclusive) return false;
    if (!is_committed && mprotect(start, size, PROT_READ | PROT_WRITE) != 0) return false;
    int number = eddy_add_memory(start, size);
    if (number >= 0 && arena != NULL) *arena = arena_of(number);
    return number >= 0;
}

bool mi_manage_os_memory(void *start, size_t size, bool is_committed, bool is_pinned, bool is_zero,
                         int numa_node) {
    return mi_manage_os_memory_ex(start, size, is_committed, is_pinned, is_zero, numa_node, false,
                                  NULL);
}

static int hand_in(void *start, size_t size, bool is_pinned, bool exclusive, mi_arena_id_t *arena) {
    if (start == MAP_FAILED) return ENOMEM;
    if (mi_manage_os_memory_ex(start, size, true, is_pinned, true, -1, exclusive, arena)) return 0;
    munmap(start, size);
    return exclusive ? EINVAL : ENOMEM;
}

static void *map(size_t size, int flags) {
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/* The kernel commits at the first touch. One slice more than asked for, since the first one may
 * begin within. Less than mimalloc's least would fit between two libraries, where Eddy has no
 * descriptors. */
int mi_reserve_os_memory_ex(size_t size, bool commit, bool allow_large, bool exclusive,
                            mi_arena_id_t *arena) {
    (void)commit;
    if (size > PTRDIFF_MAX - SLICE_BYTES) return ENOMEM;
    size = (size < LEAST_BYTES ? LEAST_BYTES : size) + SLICE_BYTES;
    void *start = map(size, MAP_NORESERVE);
    /* Where the kernel has no such pages, small ones do. */
    if (allow_large && start != MAP_FAILED) (void)madvise(start, size, MADV_HUGEPAGE);
    return hand_in(start, size, false, exclusive, arena);
}

int mi_reserve_os_memory(size_t size, bool commit, bool allow_large) {
    return mi_reserve_os_memory_ex(size, commit, allow_large, false, NULL);
}

/* The kernel reserves all these pages or refuses; it chooses the node. With MAP_NORESERVE it would
 * find out at the first touch that there are none, and end the program. */
int mi_reserve_huge_os_pages_at_ex(size_t pages, int numa_node, size_t timeout_ms, bool exclusive,
                                   mi_arena_id_t *arena) {
    (void)numa_node, (void)timeout_ms;
    if (pages > (size_t)PTRDIFF_MAX >> GIB_SHIFT) return ENOMEM;
    if (pages == 0) return 0;
    size_t size = pages << GIB_SHIFT;
    return hand_in(map(size, MAP_HUGETLB | MAP_HUGE_1GB), size, true, exclusive, arena);
}

int mi_reserve_huge_os_pages_at(size_t pages, int numa_node, size_t timeout_ms) {
    return mi_reserve_huge_os_pages_at_ex(pages, numa_node, timeout_ms, false, NULL);
}

int mi_reserve_huge_os_pages_interleave(size_t pages, size_t numa_nodes, size_t timeout_ms) {
    (void)numa_nodes;
    return mi_reserve_huge_os_pages_at(pages, -1, timeout_ms);
}

int mi_reserve_huge_os_pages(size_t pages, double max_seconds, size_t *reserved) {
    (void)max_seconds;
    int error = mi_reserve_huge_os_pages_at(pages, -1, 0);
    if (reserved != NULL) *reserved = error == 0 ? pages : 0;
    return error;
}

void *mi_arena_area(mi_arena_id_t arena, size_t *size) {
    size_t bytes = 0;
    void *start = eddy_added_memory(number_of(arena), &bytes);
    if (size != NULL) *size = bytes;
    return start;
}

void mi_arenas_print(void) {
    size_t size;
    const void *start;
    for (int i = 0; (start = eddy_added_memory(i, &size)) != NULL; i++) {
        layer_say(NULL, NULL, "arena %d: %zu KiB at %p\n", i + 1, size >> 10, start);
    }
}

void mi_debug_show_arenas(void) { mi_arenas_print(); }

#if EDDY_MIMALLOC_API == 3
bool mi_arena_contains(mi_arena_id_t arena, const void *pointer) {
    size_t size = 0;
    const char *start = mi_arena_area(arena, &size);
    return start != NULL && (uintptr_t)pointer - (uintptr_t)start < size;
}

size_t mi_arena_min_alignment(void) { return SLICE_BYTES; }

size_t mi_arena_min_size(void) { return SLICE_BYTES; }
#endif
