/* What C++ expects of operator new: the new-handler is asked for memory as long as there is none.
 * Compiled with -fexceptions: what it throws passes through.
 * SPDX-License-Identifier: MIT */
#include "mimalloc/layer.h"

void *mi_new(size_t size) {
    void *block;
    while ((block = eddy_malloc(size)) == NULL) eddy_new_handler(size, true);
    return block;
}

void *mi_new_aligned(size_t size, size_t alignment) {
    void *block;
    while ((block = eddy_malloc_aligned(size, alignment)) == NULL) eddy_new_handler(size, true);
    return block;
}

void *mi_new_nothrow(size_t size) {
    void *block;
    while ((block = eddy_malloc(size)) == NULL && eddy_new_handler(size, false)) continue;
    return block;
}

void *mi_new_aligned_nothrow(size_t size, size_t alignment) {
    void *block;
    do {
        block = eddy_malloc_aligned(size, alignment);
    } while (block == NULL && eddy_new_handler(size, false));
    return block;
}

void *mi_new_n(size_t count, size_t size) { return mi_new(product(count, size)); }

void *mi_new_realloc(void *block, size_t size) {
    void *resized;
    while ((resized = eddy_realloc(block, size)) == NULL) eddy_new_handler(size, true);
    return resized;
}

void *mi_new_reallocn(void *block, size_t count, size_t size) {
    return mi_new_realloc(block, product(count, size));
}

void *mi_heap_alloc_new(mi_heap_t *heap, size_t size) {
    void *block;
    while ((block = eddy_heap_malloc(of_heap(heap), size)) == NULL) eddy_new_handler(size, true);
    return block;
}

void *mi_heap_alloc_new_n(mi_heap_t *heap, size_t count, size_t size) {
    return mi_heap_alloc_new(heap, product(count, size));
}
