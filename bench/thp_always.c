/* Preloaded behind an allocator: its memory gets huge pages as if the system's default were
 * "always" and the allocator had not said what it wants. Advises the mapping that a block lies in,
 * and all that lie without a gap behind it.
 *
 *     LD_PRELOAD="libeddy.so thp_always.so" program
 *
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

__attribute__((constructor)) static void advise(void) {
    void *block = malloc(1);
    FILE *maps = fopen("/proc/self/maps", "r");
    uintptr_t start, end, from = 0, to = 0;
    char line[512];
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
        if (start <= (uintptr_t)block && (uintptr_t)block < end) from = start;
        if (from == start || (from != 0 && start == to)) to = end;
    }
    if (maps != NULL) fclose(maps);
    if (from == 0 || madvise((void *)from, to - from, MADV_HUGEPAGE) != 0) {
        perror("thp_always: madvise");
        exit(EXIT_FAILURE);
    }
    free(block);
}
