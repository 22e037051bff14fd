/* Subprocesses: each has a main heap, what malloc means to its threads, and heaps below it.
 * SPDX-License-Identifier: MIT */
#include "mimalloc/layer.h"

#if EDDY_MIMALLOC_API == 2

static mi_subproc_id_t id_of(eddy_heap_t *subprocess) { return subprocess; }

static eddy_heap_t *heap_named(mi_subproc_id_t id) { return id; }

/* What its threads left behind is the main heap's. */
void mi_subproc_delete(mi_subproc_id_t subprocess) {
    eddy_heap_delete(subprocess_named(subprocess));
}

#else

static mi_subproc_id_t id_of(eddy_heap_t *subprocess) { return (mi_subproc_id_t){subprocess}; }

static eddy_heap_t *heap_named(mi_subproc_id_t id) { return id._mi_subproc_id; }

mi_subproc_id_t mi_subproc_current(void) { return id_of(current_subprocess()); }

void mi_subproc_destroy(mi_subproc_id_t subprocess) {
    eddy_heap_destroy(subprocess_named(subprocess));
}

typedef struct heaps_visit {
    eddy_heap_t *subprocess;
    mi_heap_visit_fun *visitor;
    void *argument;
} heaps_visit_t;

static bool visit_heap(eddy_heap_t *heap, void *argument) {
    const heaps_visit_t *visit = argument;
    return subprocess_of(heap) != visit->subprocess ||
           visit->visitor(heap_of(heap), visit->argument);
}

bool mi_subproc_visit_heaps(mi_subproc_id_t subprocess, mi_heap_visit_fun *visitor,
                            void *argument) {
    if (visitor == NULL) return false;
    heaps_visit_t visit = {subprocess_named(subprocess), visitor, argument};
    return eddy_heaps_visit(visit_heap, &visit);
}

#endif

eddy_heap_t *subprocess_named(mi_subproc_id_t id) {
    eddy_heap_t *heap = heap_named(id);
    return heap != NULL ? heap : eddy_heap_main();
}

mi_subproc_id_t mi_subproc_main(void) { return id_of(eddy_heap_main()); }

mi_subproc_id_t mi_subproc_new(void) { return id_of(eddy_heap_new_below(NULL)); }

void mi_subproc_add_current_thread(mi_subproc_id_t subprocess) {
    (void)eddy_heap_set_default(subprocess_named(subprocess));
}
