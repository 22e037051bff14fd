/* Each function is put into a form that others of its kind have too, and all of a kind are held to
 * the same.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_MIMALLOC_FORMS_H
#define EDDY_TEST_MIMALLOC_FORMS_H

#include "layer.h"

static inline void assert_holds(void *block, size_t size, bool zeroed) {
    assert_non_null(block);
    assert_true(is_aligned(block, 16));
    assert_true(mi_usable_size(block) >= size);
    assert_true(!zeroed || is_zero(block, size));
    memset(block, 0xa5, size);
}

/* ---- by size ---- */

typedef struct by_size {
    void *(*make)(size_t size);
    bool zeroed;
} by_size_t;

static inline void check_by_size(by_size_t form) {
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = form.make(sizes[i]);
        assert_holds(block, sizes[i], form.zeroed);
        mi_free(block);
    }
    assert_no_memory(form.make(opaque(SIZE_MAX)));
    assert_no_memory(form.make(opaque((size_t)PTRDIFF_MAX + 1)));
}

/* ---- by count and size ---- */

typedef struct by_count {
    void *(*make)(size_t count, size_t size);
    bool zeroed;
} by_count_t;

static inline void check_by_count(by_count_t form) {
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = form.make(3, sizes[i]);
        assert_holds(block, 3 * sizes[i], form.zeroed);
        mi_free(block);
    }
    assert_no_memory(form.make(opaque(SIZE_MAX / 4), 8));
    assert_no_memory(form.make(opaque((size_t)1 << 32), (size_t)1 << 32));
}

/* ---- aligned ---- */

typedef struct by_alignment {
    void *(*make)(size_t size, size_t alignment, size_t offset);
    bool zeroed;
    bool at_offset; /* else `offset` is ignored */
} by_alignment_t;

static inline void check_by_alignment(by_alignment_t form) {
    for (size_t alignment = 1; alignment <= 1 * MIB; alignment *= 4) {
        for (size_t i = 0; i < LENGTH(sizes); i++) {
            size_t offset = form.at_offset ? sizes[i] / 3 : 0;
            char *block = form.make(sizes[i], alignment, offset);
            assert_non_null(block);
            assert_true(is_aligned(block + offset, alignment));
            assert_true(mi_usable_size(block) >= sizes[i]);
            assert_true(!form.zeroed || is_zero(block, sizes[i]));
            memset(block, 0xa5, sizes[i]);
            mi_free(block);
        }
    }
    assert_null(form.make(100, opaque(0), 0));
    assert_null(form.make(100, opaque(24), 0));
    errno = 0;
    assert_no_memory(form.make(opaque(SIZE_MAX), 64, 0));
}

/* ---- resized ---- */

typedef struct resize {
    void *(*resize)(void *block, size_t size);
    bool zeroed;
    bool frees_on_failure;
} resize_t;

static inline void check_resize(resize_t form) {
    for (size_t i = 0; i + 1 < LENGTH(sizes); i++) {
        size_t size = sizes[i], larger = sizes[i + 1];
        void *block = form.resize(NULL, size);
        assert_holds(block, size, form.zeroed);
        fill(block, size, 7);
        size_t usable = mi_usable_size(block);
        char *grown = form.resize(block, larger);
        assert_non_null(grown);
        assert_true(is_filled(grown, size, 7));
        assert_true(!form.zeroed || larger <= usable || is_zero(grown + usable, larger - usable));
        grown = form.resize(grown, size);
        assert_true(is_filled(grown, size, 7));
        mi_free(grown);
    }
    size_t live = live_blocks();
    char *block = form.resize(NULL, 100);
    memset(block, 1, 100);
    assert_no_memory(form.resize(block, opaque(SIZE_MAX)));
    if (!form.frees_on_failure) {
        assert_int_equal(block[99], 1);
        mi_free(block);
    }
    assert_int_equal(live_blocks(), live);
}

#endif
