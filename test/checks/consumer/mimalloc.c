/* Exits with 0 when a program written for mimalloc runs on Eddy.
 * SPDX-License-Identifier: MIT */
#include <mimalloc-stats.h>
#include <mimalloc.h>

int main(void) {
    if (mi_version() != MI_MALLOC_VERSION) return 1;
    mi_heap_t *heap = mi_heap_new();
    int *number = mi_heap_malloc(heap, sizeof *number);
    if (number == NULL || mi_usable_size(number) < sizeof *number) return 2;
    mi_free(number);
    mi_heap_destroy(heap);
    return 0;
}
