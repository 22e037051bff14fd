/* Blocks at a multiple of an alignment: the fast path, whole.
 *
 * Pages begin at a multiple of a slice, so every block of a class whose size is a multiple of the
 * alignment is aligned. The class of a multiple is such a class: either the steps between classes
 * are multiples there, or every multiple is a class of its own (test/unit/class.c).
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_ALLOC_ALIGNED_H
#define EDDY_ALLOC_ALIGNED_H

#include "alloc/fast.h"

/* The largest offset in the smallest multiple of `alignment`, 0 aside, that holds `size`; the
 * largest number of all for an alignment of 0. */
static always_inline size_t aligned_last(size_t size, size_t alignment) {
    return (size - (size != 0)) | (alignment - 1);
}

/* Alignments and sizes beyond the fast path, and wrong ones. */
out_of_line void *aligned_slow(size_t size, size_t alignment);

static always_inline void *fast_malloc_aligned(size_t size, size_t alignment) {
    size_t last = aligned_last(size, alignment);
    bool is_power = (alignment & (alignment - 1)) == 0;
    if (likely(is_power && last < DIRECT_MAX)) return fast_malloc(last + 1);
    return aligned_slow(size, alignment);
}

#endif
