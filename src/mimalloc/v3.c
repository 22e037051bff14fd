/* What generation 3 has and generation 2 has not.
 * SPDX-License-Identifier: MIT */
#include "mimalloc/layer.h"

static eddy_heap_t *of_theap(const mi_theap_t *theap) { return (eddy_heap_t *)(uintptr_t)theap; }

static mi_theap_t *theap_of(eddy_heap_t *heap) { return (mi_theap_t *)heap; }

/* ---- heaps ---- */

mi_heap_t *mi_heap_main(void) { return heap_of(current_subprocess()); }

mi_heap_t *mi_heap_of(const void *pointer) { return heap_of(eddy_heap_of(pointer)); }

bool mi_heap_contains(const mi_heap_t *heap, const void *pointer) {
    return heap != NULL && eddy_heap_of(pointer) == of_heap(heap);
}

bool mi_any_heap_contains(const void *pointer) { return eddy_heap_of(pointer) != NULL; }

bool mi_heap_visit_blocks(mi_heap_t *heap, bool visit_blocks, mi_block_visit_fun *visitor,
                          void *argument) {
    return layer_visit(heap, of_heap(heap), false, visit_blocks, visitor, argument);
}

bool mi_heap_visit_abandoned_blocks(mi_heap_t *heap, bool visit_blocks, mi_block_visit_fun *visitor,
                                    void *argument) {
    return layer_visit(heap, of_heap(heap), true, visit_blocks, visitor, argument);
}

/* ---- a thread's part of a heap ---- */

mi_theap_t *mi_heap_theap(mi_heap_t *heap) { return theap_of(of_heap(heap)); }

mi_theap_t *mi_theap_set_default(mi_theap_t *theap) {
    return theap_of(eddy_heap_set_default(of_theap(theap)));
}

mi_theap_t *mi_theap_get_default(void) { return theap_of(eddy_heap_get_default()); }

void mi_theap_collect(mi_theap_t *theap, bool force) {
    (void)theap;
    mi_collect(force);
}

SAME(void *, mi_theap_malloc, eddy_heap_malloc, (mi_theap_t * theap, size_t size),
     (of_theap(theap), size));
SAME(void *, mi_theap_malloc_small, eddy_heap_malloc, (mi_theap_t * theap, size_t size),
     (of_theap(theap), size));
SAME(void *, mi_theap_zalloc, eddy_heap_zalloc, (mi_theap_t * theap, size_t size),
     (of_theap(theap), size));
SAME(void *, mi_theap_zalloc_small, eddy_heap_zalloc, (mi_theap_t * theap, size_t size),
     (of_theap(theap), size));
SAME(void *, mi_theap_calloc, eddy_heap_calloc, (mi_theap_t * theap, size_t count, size_t size),
     (of_theap(theap), count, size));
SAME(void *, mi_theap_malloc_aligned, eddy_heap_malloc_aligned,
     (mi_theap_t * theap, size_t size, size_t alignment), (of_theap(theap), size, alignment));
SAME(void *, mi_theap_realloc, eddy_heap_realloc, (mi_theap_t * theap, void *block, size_t size),
     (of_theap(theap), block, size));

/* The part of the main heap that is the thread's own can be told apart; of another heap all parts
 * are shown. */
bool mi_theap_visit_blocks(const mi_theap_t *theap, bool visit_blocks, mi_block_visit_fun *visitor,
                           void *argument) {
    eddy_heap_t *heap = of_theap(theap);
    eddy_heap_t *visited = heap == eddy_heap_main() ? NULL : heap;
    return layer_visit(heap_of(heap), visited, false, visit_blocks, visitor, argument);
}
