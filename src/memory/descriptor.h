/* One descriptor per 64 KiB slice of the window, out of band: finding it costs a subtraction, a
 * shift and one comparison, and never touches the block's own memory.
 *
 * The slices of each region, up to its front, are tiled by spans. The first slice of a span is its
 * head and its descriptor describes the whole span. Invariants:
 *  - Only heads have a head kind (span_is_head). Walking from the first slice of a region from head
 *    to head reaches its front exactly: at every moment, as seen by any prefix of the stores,
 *    because a head's kind and length change together in one store and a new head is written
 *    before the length that makes it reachable (fork repairs from this walk).
 *  - An inner slice of a page names its distance to the head; so does the last slice of a free
 *    span, and that of one that was free a moment ago: a reader checks it against the head
 *    (span_head).
 *  - A slice that never was in a span has kind SPAN_NONE.
 *
 * A page is a span that holds blocks of one size; its fields belong to the heap layer, which says
 * in heap/page.h who writes which. Here they are only laid out: what other threads write is in the
 * first cache line, what the owner writes on the fast paths in the second; pages never share a line
 * (adjacent-line prefetch included).
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MEMORY_DESCRIPTOR_H
#define EDDY_MEMORY_DESCRIPTOR_H

#include "base/atomic.h"
#include "base/list.h"

enum { SLICE_SHIFT = 16, SLICE_BYTES = 1 << SLICE_SHIFT };

typedef enum span_kind {
    SPAN_NONE,    /* no head: never used, or absorbed by the span before */
    SPAN_INNER,   /* no head: `shape` holds the distance to it */
    SPAN_CLEAN,   /* free, reads as zero, holds no memory */
    SPAN_DIRTY,   /* free, memory not yet given back */
    SPAN_KEPT,    /* free, in a region that the program handed in: never given back */
    SPAN_GROUND,  /* free, in the region where objects are moved to: nobody ever touched it */
    SPAN_TRANSIT, /* in the hands of one thread: being allocated, freed or purged */
    SPAN_PAGE,    /* a page of blocks */
    SPAN_LARGE    /* one large object */
} span_kind_t;

/* A free block's first word. */
typedef struct block {
    struct block *next;
} block_t;

struct heap;
struct thread;

/* Where the fields stand keeps the fast paths from stalls that only addresses cause
 * (docs/evidence.md, "Aliasing"):
 *  - The line that they use is the second one. The first block of every page lies at a multiple of
 *    64 KiB, in the first set of the cache: never in the set of a descriptor's second line.
 *  - What they touch in it stands 8 behind a multiple of 16. Processors compare only the low 12
 *    bits of addresses at first, and no block's link, at a multiple of 16, seems to be one of
 *    these.
 * So the owner word is in the second line too, although others read it: that it slows a burst of
 * one block down elsewhere costs more than they gain ("Frees from other threads"). */
typedef struct page {
    /* read, and the first word written, by other threads */
    _Atomic uint64_t thread_free;
    _Atomic uint64_t shape;
    _Atomic(struct heap *) heap; /* of a page; NULL when there is none */
    size_t block_bytes;
    list_node_t age;
    union {
        _Atomic(struct heap *) large_heap; /* of a large object, and its alone */
        _Atomic(struct page *) below;      /* of a retained page, see heap/retain.h: never a heap */
    };
    union {
        size_t large_offset;
        struct {
            uint32_t looked_at, empty_since; /* of a page, see heap/idle.h */
        };
    };

    /* written by the owner on its fast paths, or under the heap's lock */
    _Alignas(64) uint32_t capacity;
    uint32_t block_limit;
    block_t *free;
    uint8_t size_class;
    uint8_t state;
    bool is_zero;
    _Atomic bool has_interior;
    uint32_t extended_at; /* see heap/page.h */
    _Alignas(8) uint32_t used;
    list_node_t link;
    bool is_first_class; /* of a page, see heap/page.h */
    bool is_moved;
    bool begins_region; /* by the span layer, once: no span reaches over it */
    _Alignas(8) _Atomic(struct thread *) owner;
} page_t;

_Static_assert(offsetof(page_t, free) % 16 == 8 && offsetof(page_t, used) % 16 == 8 &&
                   offsetof(page_t, owner) % 16 == 8,
               "no link of a free block aliases them");
_Static_assert(sizeof(page_t) == 128, "a descriptor is one pair of cache lines");

/* What the window describes: `slices` slices from `base`, the i-th by descriptors[i]. Written once,
 * before the first block is handed out. Until then every pointer is outside, also for a thread that
 * sees only some of it: no address is as high as the first base. */
typedef struct window {
    uintptr_t base;
    size_t slices;
    page_t *descriptors;
} window_t;

extern window_t window hidden_symbol;

/* The slice of the window that `pointer` lies in; not below window.slices when it lies outside. */
static always_inline size_t slice_of(const void *pointer) {
    return ((uintptr_t)pointer - window.base) >> SLICE_SHIFT;
}

static always_inline page_t *slice_descriptor(size_t slice) {
    assert_debug(slice < window.slices);
    return &window.descriptors[slice];
}

static always_inline size_t slice_index(const page_t *descriptor) {
    return (size_t)(descriptor - window.descriptors);
}

static always_inline char *slice_address(const page_t *descriptor) {
    return (char *)(window.base + (slice_index(descriptor) << SLICE_SHIFT));
}

/* ---- shape: kind and length (of a head) or distance (of an inner slice), one word ---- */

static always_inline uint64_t shape_of(span_kind_t kind, size_t count) {
    return (uint64_t)count << 8 | kind;
}

static always_inline span_kind_t shape_kind(uint64_t shape) { return (span_kind_t)(shape & 255); }

static always_inline size_t shape_count(uint64_t shape) { return (size_t)(shape >> 8); }

/* Acquire pairs with the release in span_set: who sees the kind sees the fields behind it. */
static always_inline uint64_t span_shape(page_t *descriptor) {
    return load_acquire(&descriptor->shape);
}

static always_inline span_kind_t span_kind(page_t *descriptor) {
    return shape_kind(span_shape(descriptor));
}

static always_inline size_t span_slices(page_t *head) { return shape_count(span_shape(head)); }

/* Release pairs with the acquire in span_shape. */
static always_inline void span_set(page_t *descriptor, span_kind_t kind, size_t count) {
    store_release(&descriptor->shape, shape_of(kind, count));
}

static always_inline bool span_kind_is_head(span_kind_t kind) { return kind >= SPAN_CLEAN; }

static always_inline size_t span_bytes(page_t *head) { return span_slices(head) << SLICE_SHIFT; }

/* The heap of a page or large object; NULL when it has none (any more). */
static inline struct heap *span_heap(page_t *head) {
    bool is_large = span_kind(head) == SPAN_LARGE;
    return load_relaxed(is_large ? &head->large_heap : &head->heap);
}

/* The head of the span that the slice belongs to, NULL when it belongs to none or its inner
 * descriptor is not kept (inside free spans and large objects). */
static inline page_t *span_head(page_t *descriptor) {
    uint64_t shape = span_shape(descriptor);
    if (span_kind_is_head(shape_kind(shape))) return descriptor;
    if (shape_kind(shape) != SPAN_INNER) return NULL;
    page_t *head = descriptor - shape_count(shape);
    uint64_t head_shape = span_shape(head);
    bool covers =
        span_kind_is_head(shape_kind(head_shape)) && shape_count(head_shape) > shape_count(shape);
    return covers ? head : NULL;
}

#endif
