/* What generation 2 has and generation 3 has not.
 * SPDX-License-Identifier: MIT */
#include "mimalloc/layer.h"

mi_heap_t *mi_heap_set_default(mi_heap_t *heap) {
    return heap_of(eddy_heap_set_default(of_heap(heap)));
}

mi_heap_t *mi_heap_get_default(void) { return heap_of(eddy_heap_get_default()); }

mi_heap_t *mi_heap_get_backing(void) { return heap_of(eddy_heap_main()); }

bool mi_heap_contains_block(mi_heap_t *heap, const void *block) {
    return block != NULL && eddy_heap_of(block) == of_heap(heap);
}

bool mi_heap_check_owned(mi_heap_t *heap, const void *pointer) {
    return mi_heap_contains_block(heap, pointer);
}

/* The backing heap is the thread's own. */
bool mi_heap_visit_blocks(const mi_heap_t *heap, bool visit_blocks, mi_block_visit_fun *visitor,
                          void *argument) {
    eddy_heap_t *visited = of_heap(heap);
    if (visited == eddy_heap_main()) visited = NULL;
    return layer_visit((mi_heap_t *)(uintptr_t)heap, visited, false, visit_blocks, visitor,
                       argument);
}

/* There is one subprocess and no tag. */
bool mi_abandoned_visit_blocks(mi_subproc_id_t subprocess, int heap_tag, bool visit_blocks,
                               mi_block_visit_fun *visitor, void *argument) {
    (void)subprocess, (void)heap_tag;
    eddy_heap_t *main_heap = eddy_heap_main();
    return layer_visit(heap_of(main_heap), main_heap, true, visit_blocks, visitor, argument);
}

mi_subproc_id_t mi_subproc_main(void) { return eddy_heap_main(); }

mi_subproc_id_t mi_subproc_new(void) { return mi_subproc_main(); }

void mi_subproc_delete(mi_subproc_id_t subprocess) { (void)subprocess; }

void mi_subproc_add_current_thread(mi_subproc_id_t subprocess) { (void)subprocess; }
