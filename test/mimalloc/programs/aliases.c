/* Linked with the archive: a function that differs by its name only is the same function, which
 * costs no instruction, and malloc is Eddy's too.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "eddy.h"
#include "mimalloc.h"

int main(void) {
    void *(*volatile mi)(size_t) = mi_malloc, *(*volatile eddy)(size_t) = eddy_malloc;
    void (*volatile mi_release)(void *) = mi_free, (*volatile eddy_release)(void *) = eddy_free;
    if (mi != eddy || mi_release != eddy_release) return 1;
    void *block = malloc(100);
    if (eddy_heap_of(block) == NULL) return 2;
    mi_free(block);
    mi_heap_t *heap = mi_heap_new();
    if (mi_heap_malloc(heap, 100) == NULL) return 3;
    mi_heap_destroy(heap);
    return 0;
}
