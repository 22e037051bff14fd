/* Allocation: the names of mimalloc for what Eddy has.
 * SPDX-License-Identifier: MIT */
#include "mimalloc/layer.h"

/* ---- standard and extended ---- */

SAME(void *, mi_malloc, eddy_malloc, (size_t size), (size));
SAME(void *, mi_calloc, eddy_calloc, (size_t count, size_t size), (count, size));
SAME(void *, mi_realloc, eddy_realloc, (void *block, size_t size), (block, size));
SAME(void *, mi_expand, eddy_expand, (void *block, size_t size), (block, size));
SAME(void *, mi__expand, eddy_expand, (void *block, size_t size), (block, size));
SAME_VOID(mi_free, eddy_free, (void *block), (block));
SAME_VOID(mi_free_small, eddy_free, (void *block), (block));
SAME(void *, mi_malloc_small, eddy_malloc, (size_t size), (size));
SAME(void *, mi_zalloc_small, eddy_zalloc, (size_t size), (size));
SAME(void *, mi_zalloc, eddy_zalloc, (size_t size), (size));
SAME(void *, mi_mallocn, eddy_mallocn, (size_t count, size_t size), (count, size));
SAME(void *, mi_reallocn, eddy_reallocn, (void *block, size_t count, size_t size),
     (block, count, size));
SAME(void *, mi_reallocf, eddy_reallocf, (void *block, size_t size), (block, size));
SAME(size_t, mi_usable_size, eddy_usable_size, (const void *block), (block));
SAME(size_t, mi_malloc_size, eddy_usable_size, (const void *block), (block));
SAME(size_t, mi_malloc_usable_size, eddy_usable_size, (const void *block), (block));
SAME(size_t, mi_good_size, eddy_good_size, (size_t size), (size));
SAME(size_t, mi_malloc_good_size, eddy_good_size, (size_t size), (size));

/* ---- aligned ---- */

SAME(void *, mi_malloc_aligned, eddy_malloc_aligned, (size_t size, size_t alignment),
     (size, alignment));
SAME(void *, mi_malloc_aligned_at, eddy_malloc_aligned_at,
     (size_t size, size_t alignment, size_t offset), (size, alignment, offset));
SAME(void *, mi_zalloc_aligned, eddy_zalloc_aligned, (size_t size, size_t alignment),
     (size, alignment));
SAME(void *, mi_zalloc_aligned_at, eddy_zalloc_aligned_at,
     (size_t size, size_t alignment, size_t offset), (size, alignment, offset));
SAME(void *, mi_calloc_aligned, eddy_calloc_aligned, (size_t count, size_t size, size_t alignment),
     (count, size, alignment));
SAME(void *, mi_calloc_aligned_at, eddy_calloc_aligned_at,
     (size_t count, size_t size, size_t alignment, size_t offset),
     (count, size, alignment, offset));
SAME(void *, mi_realloc_aligned, eddy_realloc_aligned, (void *block, size_t size, size_t alignment),
     (block, size, alignment));
SAME(void *, mi_realloc_aligned_at, eddy_realloc_aligned_at,
     (void *block, size_t size, size_t alignment, size_t offset), (block, size, alignment, offset));

/* ---- resized, what is new is zero ---- */

SAME(void *, mi_rezalloc, eddy_rezalloc, (void *block, size_t size), (block, size));
SAME(void *, mi_recalloc, eddy_recalloc, (void *block, size_t count, size_t size),
     (block, count, size));
SAME(void *, mi_rezalloc_aligned, eddy_rezalloc_aligned,
     (void *block, size_t size, size_t alignment), (block, size, alignment));
SAME(void *, mi_rezalloc_aligned_at, eddy_rezalloc_aligned_at,
     (void *block, size_t size, size_t alignment, size_t offset), (block, size, alignment, offset));
SAME(void *, mi_recalloc_aligned, eddy_recalloc_aligned,
     (void *block, size_t count, size_t size, size_t alignment), (block, count, size, alignment));
SAME(void *, mi_aligned_recalloc, eddy_recalloc_aligned,
     (void *block, size_t count, size_t size, size_t alignment), (block, count, size, alignment));
SAME(void *, mi_recalloc_aligned_at, eddy_recalloc_aligned_at,
     (void *block, size_t count, size_t size, size_t alignment, size_t offset),
     (block, count, size, alignment, offset));
SAME(void *, mi_aligned_offset_recalloc, eddy_recalloc_aligned_at,
     (void *block, size_t count, size_t size, size_t alignment, size_t offset),
     (block, count, size, alignment, offset));

/* ---- that tell the usable size ---- */

static void *tell(void *block, size_t *usable) {
    if (usable != NULL) *usable = eddy_usable_size(block);
    return block;
}

void *mi_umalloc(size_t size, size_t *usable) { return tell(eddy_malloc(size), usable); }

void *mi_umalloc_small(size_t size, size_t *usable) { return tell(eddy_malloc(size), usable); }

void *mi_uzalloc_small(size_t size, size_t *usable) { return tell(eddy_zalloc(size), usable); }

void *mi_ucalloc(size_t count, size_t size, size_t *usable) {
    return tell(eddy_calloc(count, size), usable);
}

void *mi_umalloc_aligned(size_t size, size_t alignment, size_t *usable) {
    return tell(eddy_malloc_aligned(size, alignment), usable);
}

void *mi_uzalloc_aligned(size_t size, size_t alignment, size_t *usable) {
    return tell(eddy_zalloc_aligned(size, alignment), usable);
}

void *mi_urealloc(void *block, size_t size, size_t *usable_before, size_t *usable_after) {
    tell(block, usable_before);
    return tell(eddy_realloc(block, size), usable_after);
}

void mi_ufree(void *block, size_t *usable) { eddy_free(tell(block, usable)); }
