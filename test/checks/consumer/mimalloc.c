/* Exits with 0 when a program written for mimalloc runs on Eddy.
 * SPDX-License-Identifier: MIT */
#include <mimalloc-stats.h>
#include <mimalloc.h>
#include <stdlib.h>

int main(void) {
    if (mi_version() != MI_MALLOC_VERSION) return 1;
    mi_heap_t *heap = mi_heap_new();
    int *number = mi_heap_malloc(heap, sizeof *number);
    if (number == NULL || mi_usable_size(number) < sizeof *number) return 2;
    mi_free(number);
    mi_heap_destroy(heap);
    void *from_malloc = malloc(100);
    if (!mi_is_in_heap_region(from_malloc)) return 3;
    mi_free(from_malloc);
    return 0;
}
