/* What generation 2 has and generation 3 has not.
 * SPDX-License-Identifier: MIT */
#include "mimalloc/layer.h"

mi_heap_t *mi_heap_set_default(mi_heap_t *heap) {
    return heap_of(eddy_heap_set_default(of_heap(heap)));
}

mi_heap_t *mi_heap_get_default(void) { return heap_of(eddy_heap_get_default()); }

mi_heap_t *mi_heap_get_backing(void) { return heap_of(current_subprocess()); }

bool mi_heap_contains_block(mi_heap_t *heap, const void *block) {
    return block != NULL && eddy_heap_of(block) == of_heap(heap);
}

bool mi_heap_check_owned(mi_heap_t *heap, const void *pointer) {
    return mi_heap_contains_block(heap, pointer);
}

/* The backing heap shows what is of the thread. */
bool mi_heap_visit_blocks(const mi_heap_t *heap, bool visit_blocks, mi_block_visit_fun *visitor,
                          void *argument) {
    eddy_heap_t *visited = of_heap(heap);
    if (visited == eddy_heap_main()) visited = NULL;
    return layer_visit((mi_heap_t *)(uintptr_t)heap, visited, false, visit_blocks, visitor,
                       argument);
}

typedef struct abandoned_visit {
    eddy_heap_t *subprocess;
    mi_block_visit_fun *visitor;
    void *argument;
    bool visit_blocks;
} abandoned_visit_t;

static bool visit_abandoned(eddy_heap_t *heap, void *argument) {
    const abandoned_visit_t *visit = argument;
    return subprocess_of(heap) != visit->subprocess ||
           layer_visit(heap_of(heap), heap, true, visit->visit_blocks, visit->visitor,
                       visit->argument);
}

/* All heaps have the tag 0; less than that stands for all tags. */
bool mi_abandoned_visit_blocks(mi_subproc_id_t subprocess, int heap_tag, bool visit_blocks,
                               mi_block_visit_fun *visitor, void *argument) {
    if (heap_tag > 0) return true;
    abandoned_visit_t visit = {subprocess_named(subprocess), visitor, argument, visit_blocks};
    return eddy_heaps_visit(visit_abandoned, &visit);
}
