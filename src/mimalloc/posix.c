/* Under the names of POSIX and other systems.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>

#include "mimalloc/layer.h"

SAME_VOID(mi_free_size, eddy_free_sized, (void *block, size_t size), (block, size));
SAME(void *, mi_reallocarray, eddy_reallocn, (void *block, size_t count, size_t size),
     (block, count, size));

void mi_cfree(void *block) {
    if (eddy_heap_of(block) != NULL) eddy_free(block);
}

void mi_free_aligned(void *block, size_t alignment) {
    (void)alignment;
    eddy_free(block);
}

void mi_free_size_aligned(void *block, size_t size, size_t alignment) {
    eddy_free_aligned_sized(block, alignment, size);
}

void *mi_memalign(size_t alignment, size_t size) { return eddy_malloc_aligned(size, alignment); }

void *mi_aligned_alloc(size_t alignment, size_t size) {
    return eddy_malloc_aligned(size, alignment);
}

static size_t kernel_page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *mi_valloc(size_t size) { return eddy_malloc_aligned(size, kernel_page()); }

void *mi_pvalloc(size_t size) {
    size_t page = kernel_page();
    size_t pages = size / page + (size % page != 0);
    return eddy_malloc_aligned(product(pages, page), page);
}

int mi_posix_memalign(void **block, size_t alignment, size_t size) {
    if (block == NULL || alignment % sizeof(void *) != 0) return EINVAL;
    int saved = errno;
    void *made = eddy_malloc_aligned(size, alignment);
    int error = made == NULL ? errno : 0;
    errno = saved;
    if (made != NULL) *block = made;
    return error;
}

int mi_reallocarr(void *place, size_t count, size_t size) {
    if (place == NULL) return EINVAL;
    void **block = place;
    int saved = errno;
    void *resized = eddy_reallocn(*block, count, size);
    int error = resized == NULL ? errno : 0;
    errno = saved;
    if (resized != NULL) *block = resized;
    return error;
}
