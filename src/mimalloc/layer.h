/* What the files of the mimalloc layer share. It includes nothing of Eddy but the public header:
 * the layer is a library of its own, and has no data that is written to.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MIMALLOC_LAYER_H
#define EDDY_MIMALLOC_LAYER_H

#include "eddy.h"
#include "eddy/mimalloc-stats.h"
#include "eddy/mimalloc.h"

/* A function that differs from one of Eddy by its name only. The shared library jumps to it; in the
 * archive the two names stand for one function, which the build sees to (cmake/mimalloc.cmake). */
#if defined(EDDY_MIMALLOC_ALIASES)
#define SAME(type, name, eddy_name, parameters, arguments)                                         \
    _Static_assert(sizeof(&(name)) == sizeof(&(eddy_name)), "both are declared")
#define SAME_VOID(name, eddy_name, parameters, arguments)                                          \
    _Static_assert(sizeof(&(name)) == sizeof(&(eddy_name)), "both are declared")
#else
#define SAME(type, name, eddy_name, parameters, arguments)                                         \
    type name parameters { return eddy_name arguments; }                                           \
    _Static_assert(1, "")
#define SAME_VOID(name, eddy_name, parameters, arguments)                                          \
    void name parameters { eddy_name arguments; }                                                  \
    _Static_assert(1, "")
#endif

/* A heap of mimalloc is a heap of Eddy, and so is a thread's part of one: Eddy finds the part. */
static inline eddy_heap_t *of_heap(const mi_heap_t *heap) { return (eddy_heap_t *)(uintptr_t)heap; }
static inline mi_heap_t *heap_of(eddy_heap_t *heap) { return (mi_heap_t *)heap; }

/* A subprocess is its main heap: one below none, all its other heaps below it. A thread belongs to
 * the one that its default heap is of. */
static inline eddy_heap_t *subprocess_of(const eddy_heap_t *heap) {
    eddy_heap_t *parent = eddy_heap_parent(heap);
    return parent != NULL ? parent : (eddy_heap_t *)(uintptr_t)heap;
}
static inline eddy_heap_t *current_subprocess(void) {
    return subprocess_of(eddy_heap_get_default());
}
/* Of an id; the one that mimalloc's programs know as 0 is the first. */
eddy_heap_t *subprocess_named(mi_subproc_id_t id);

/* A size that Eddy refuses where the product is too large. */
static inline size_t product(size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes;
}

/* Where text goes: the caller's function, else to where Eddy's own goes. */
void layer_say(mi_output_fun *output, void *argument, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Visit what mi_heap_visit_blocks shows; `heap` is what the visitor is told. */
bool layer_visit(mi_heap_t *heap, eddy_heap_t *visited, bool only_abandoned, bool visit_blocks,
                 mi_block_visit_fun *visitor, void *argument);

#endif
