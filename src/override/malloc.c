/* The malloc family under its standard names, for linking and preloading. It behaves as C23, POSIX
 * and glibc 2.36 document; where they differ, as glibc: realloc to size 0 frees, memalign rounds an
 * odd alignment up.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "alloc/aligned.h"
#include "alloc/fast.h"
#include "base/base.h"
#include "eddy.h"
#include "os/os.h"

/* C23, or gone from the headers of today's C libraries. */
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);
void cfree(void *block);
void *pvalloc(size_t size);

/* ---- plain ---- */

public_api void *malloc(size_t size) { return fast_malloc(size); }

public_api void free(void *block) { fast_free(block, "free"); }

public_api void *calloc(size_t count, size_t size) { return eddy_calloc(count, size); }

static void *resize(void *block, size_t size) {
    if (size == 0 && block != NULL) {
        fast_free(block, "realloc");
        return NULL;
    }
    return eddy_realloc(block, size);
}

public_api void *realloc(void *block, size_t size) { return resize(block, size); }

public_api void *reallocarray(void *block, size_t count, size_t size) {
    size_t bytes;
    if (!size_product(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(block, bytes);
}

public_api void free_sized(void *block, size_t size) { eddy_free_sized(block, size); }

public_api void free_aligned_sized(void *block, size_t alignment, size_t size) {
    eddy_free_aligned_sized(block, alignment, size);
}

public_api void cfree(void *block) { fast_free(block, "cfree"); }

public_api size_t malloc_usable_size(void *block) { return eddy_usable_size(block); }

/* ---- aligned ---- */

public_api void *aligned_alloc(size_t alignment, size_t size) {
    return fast_malloc_aligned(size, alignment);
}

/* POSIX: an error is the return value; errno and *block stay as they are. */
public_api int posix_memalign(void **block, size_t alignment, size_t size) {
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0) return EINVAL;
    int saved = errno;
    void *made = fast_malloc_aligned(size, alignment);
    if (made == NULL) {
        errno = saved;
        return ENOMEM;
    }
    *block = made;
    return 0;
}

public_api void *memalign(size_t alignment, size_t size) {
    if (alignment > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    size_t rounded = alignment <= 1 ? 1 : (size_t)1 << (highest_bit(alignment - 1) + 1);
    return eddy_malloc_aligned(size, rounded);
}

public_api void *valloc(size_t size) { return eddy_malloc_aligned(size, os_page_size()); }

public_api void *pvalloc(size_t size) {
    size_t page_bytes = os_page_size();
    size_t rounded = size_in_bounds(size) ? round_up(size, page_bytes) : size;
    return eddy_malloc_aligned(rounded, page_bytes);
}
