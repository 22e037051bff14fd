/* Size classes: 16, 32, ... 128 bytes, then eight to the doubling up to 64 KiB (at most a ninth of
 * a block is lost to rounding). Larger objects are spans of their own.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_CLASS_H
#define EDDY_HEAP_CLASS_H

#include "memory/descriptor.h"

enum {
    BLOCK_ALIGN = 16,
    CLASS_LINEAR_BITS = 7, /* 16-byte steps up to 1 << this */
    CLASS_LINEAR = (1 << CLASS_LINEAR_BITS) / BLOCK_ALIGN,
    CLASS_STEP_BITS = 3,
    CLASS_STEPS = 1 << CLASS_STEP_BITS,
    DIRECT_MAX = 1024, /* sizes that malloc finds by table */
    DIRECT_COUNT = DIRECT_MAX / BLOCK_ALIGN + 1,
    SMALL_MAX = 8 << 10,   /* blocks of pages of a single slice */
    MEDIUM_MAX = 32 << 10, /* of four slices */
    BLOCK_MAX = 64 << 10,  /* of eight: the largest class */
    CLASS_COUNT = CLASS_LINEAR + (16 - CLASS_LINEAR_BITS) * CLASS_STEPS,
    PAGE_BLOCKS_LEAST = 8, /* in a page of several slices, where each begins at a multiple of: */
    MEDIUM_ALIGN = SMALL_MAX / CLASS_STEPS
};

/* The smallest class whose blocks hold `size` bytes; size <= BLOCK_MAX. */
static always_inline unsigned class_of(size_t size) {
    assert_debug(size <= BLOCK_MAX);
    if (size <= 1 << CLASS_LINEAR_BITS) return size <= 1 ? 0 : (unsigned)(size - 1) / BLOCK_ALIGN;
    unsigned top = highest_bit(size - 1);
    unsigned step = (unsigned)((size - 1) >> (top - CLASS_STEP_BITS)) & (CLASS_STEPS - 1);
    return CLASS_LINEAR + (top - CLASS_LINEAR_BITS) * CLASS_STEPS + step;
}

static always_inline size_t class_bytes(unsigned size_class) {
    assert_debug(size_class < CLASS_COUNT);
    if (size_class < CLASS_LINEAR) return (size_t)(size_class + 1) * BLOCK_ALIGN;
    unsigned above = size_class - CLASS_LINEAR;
    unsigned shift = above / CLASS_STEPS + CLASS_LINEAR_BITS - CLASS_STEP_BITS;
    return (size_t)(CLASS_STEPS + above % CLASS_STEPS + 1) << shift;
}

/* The entries of heap->direct that belong to a class: those of the sizes that it serves. */
typedef struct direct_range {
    uint8_t first, length;
} direct_range_t;

extern const direct_range_t class_direct[] hidden_symbol;
/* Classes that have such entries. */
enum { CLASS_DIRECT_COUNT = CLASS_LINEAR + (10 - CLASS_LINEAR_BITS) * CLASS_STEPS };

/* Slices of a page of that class. Few lengths, so that what one class leaves serves another as it
 * is (docs/evidence.md, "Lengths of pages"). */
static inline size_t class_slices(unsigned size_class) {
    size_t bytes = class_bytes(size_class);
    return bytes <= SMALL_MAX ? 1 : bytes <= MEDIUM_MAX ? 4 : 8;
}

#endif
