/* Sizes and counts that no allocator can serve: every function returns NULL with ENOMEM, keeps what
 * it was given, and loses nothing.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>

#include "standard.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* valloc, pvalloc */

static const size_t impossible_sizes[] = {
    SIZE_MAX,
    SIZE_MAX - 1,
    SIZE_MAX - 15,
    SIZE_MAX - 4095,
    SIZE_MAX - 65535,
    SIZE_MAX - 2 * MIB,
    (size_t)PTRDIFF_MAX + 2,
    (size_t)PTRDIFF_MAX + 1,
    PTRDIFF_MAX,
    PTRDIFF_MAX - 1,
    PTRDIFF_MAX - 15,
    PTRDIFF_MAX - 4096,
    PTRDIFF_MAX - 65535,
    PTRDIFF_MAX - 64 * MIB,
    (size_t)1 << 62,
    (size_t)1 << 48,
};

/* Products beyond PTRDIFF_MAX, most beyond SIZE_MAX: some of these wrap to 0, 2 and 16. */
static const size_t impossible_products[][2] = {
    {SIZE_MAX, 2},
    {2, SIZE_MAX},
    {SIZE_MAX, SIZE_MAX},
    {(size_t)1 << 32, (size_t)1 << 32},
    {((size_t)1 << 60) + 1, 16},
    {16, ((size_t)1 << 60) + 1},
    {SIZE_MAX / 2 + 1, 2},
    {SIZE_MAX / 3 + 1, 3},
    {(size_t)PTRDIFF_MAX, 2},
    {(size_t)1 << 31, (size_t)1 << 32},
    {1, (size_t)PTRDIFF_MAX + 1},
    {SIZE_MAX, 1},
    {PTRDIFF_MAX / 7 + 1, 7},
};

static eddy_heap_t *heap;

/* ---- by size ---- */

static void *call_posix_memalign(size_t size) {
    void *block = NULL;
    int error = posix_memalign(&block, 64, size);
    errno = error;
    return block;
}

static void *call_calloc(size_t size) { return calloc(1, size); }
static void *call_aligned_alloc(size_t size) { return aligned_alloc(64, size); }
static void *call_aligned_to_page(size_t size) { return aligned_alloc(4096, size); }
static void *call_aligned_to_mib(size_t size) { return aligned_alloc(MIB, size); }
static void *call_memalign(size_t size) { return memalign(opaque(48), size); }
static void *call_eddy_aligned(size_t size) { return eddy_malloc_aligned(size, 32); }
static void *call_eddy_aligned_zero(size_t size) { return eddy_zalloc_aligned(size, 65536); }
static void *call_eddy_at(size_t size) { return eddy_malloc_aligned_at(size, 4096, 24); }
static void *call_eddy_at_end(size_t size) { return eddy_malloc_aligned_at(size, 4096, size); }
static void *call_eddy_zero_at(size_t size) { return eddy_zalloc_aligned_at(size, 128, 8); }
static void *call_heap_malloc(size_t size) { return eddy_heap_malloc(heap, size); }
static void *call_heap_zalloc(size_t size) { return eddy_heap_zalloc(heap, size); }
static void *call_heap_aligned(size_t size) { return eddy_heap_malloc_aligned(heap, size, 64); }
static void *call_heap_zaligned(size_t size) { return eddy_heap_zalloc_aligned(heap, size, 64); }
static void *call_heap_at(size_t size) { return eddy_heap_malloc_aligned_at(heap, size, 64, 8); }
static void *call_heap_zat(size_t size) { return eddy_heap_zalloc_aligned_at(heap, size, 64, 8); }
static void *call_realloc_of_null(size_t size) { return realloc(NULL, size); }
static void *call_eddy_realloc_of_null(size_t size) { return eddy_realloc(NULL, size); }

static void sizes_fail_with_enomem(void **state) {
    (void)state;
    static void *(*const calls[])(size_t) = {
        malloc,
        call_calloc,
        valloc,
        pvalloc,
        call_posix_memalign,
        call_aligned_alloc,
        call_aligned_to_page,
        call_aligned_to_mib,
        call_memalign,
        call_realloc_of_null,
        eddy_malloc,
        eddy_zalloc,
        call_eddy_realloc_of_null,
        call_eddy_aligned,
        call_eddy_aligned_zero,
        call_eddy_at,
        call_eddy_at_end,
        call_eddy_zero_at,
        call_heap_malloc,
        call_heap_zalloc,
        call_heap_aligned,
        call_heap_zaligned,
        call_heap_at,
        call_heap_zat,
    };
    size_t before = live_blocks();
    for (size_t i = 0; i < LENGTH(calls); i++) {
        for (size_t j = 0; j < LENGTH(impossible_sizes); j++) {
            errno = 0;
            assert_null(calls[i](impossible_sizes[j]));
            assert_int_equal(errno, ENOMEM);
        }
    }
    assert_int_equal(live_blocks(), before);
}

/* ---- by count and size ---- */

static void *call_reallocarray(size_t count, size_t size) {
    return reallocarray(NULL, count, size);
}
static void *call_reallocn(size_t count, size_t size) { return eddy_reallocn(NULL, count, size); }
static void *call_recalloc(size_t count, size_t size) { return eddy_recalloc(NULL, count, size); }
static void *call_calloc_aligned(size_t count, size_t size) {
    return eddy_calloc_aligned(count, size, 64);
}
static void *call_calloc_at(size_t count, size_t size) {
    return eddy_calloc_aligned_at(count, size, 64, 1);
}
static void *call_recalloc_aligned(size_t count, size_t size) {
    return eddy_recalloc_aligned(NULL, count, size, 64);
}
static void *call_recalloc_at(size_t count, size_t size) {
    return eddy_recalloc_aligned_at(NULL, count, size, 64, 1);
}
static void *call_heap_calloc(size_t count, size_t size) {
    return eddy_heap_calloc(heap, count, size);
}
static void *call_heap_mallocn(size_t count, size_t size) {
    return eddy_heap_mallocn(heap, count, size);
}

static void products_fail_with_enomem(void **state) {
    (void)state;
    static void *(*const calls[])(size_t, size_t) = {
        calloc,           call_reallocarray,     eddy_calloc,      eddy_mallocn,
        call_reallocn,    call_recalloc,         call_calloc_at,   call_calloc_aligned,
        call_recalloc_at, call_recalloc_aligned, call_heap_calloc, call_heap_mallocn,
    };
    size_t before = live_blocks();
    for (size_t i = 0; i < LENGTH(calls); i++) {
        for (size_t j = 0; j < LENGTH(impossible_products); j++) {
            errno = 0;
            assert_null(calls[i](impossible_products[j][0], impossible_products[j][1]));
            assert_int_equal(errno, ENOMEM);
        }
    }
    assert_int_equal(live_blocks(), before);
}

/* ---- by resizing ---- */

static void *resize_reallocarray(void *block, size_t size) { return reallocarray(block, 1, size); }
static void *resize_reallocn(void *block, size_t size) { return eddy_reallocn(block, size, 1); }
static void *resize_recalloc(void *block, size_t size) { return eddy_recalloc(block, 1, size); }
static void *resize_aligned(void *block, size_t size) {
    return eddy_realloc_aligned(block, size, 4096);
}
static void *resize_aligned_at(void *block, size_t size) {
    return eddy_realloc_aligned_at(block, size, 4096, 16);
}
static void *resize_zero_aligned(void *block, size_t size) {
    return eddy_rezalloc_aligned(block, size, 64);
}
static void *resize_zero_aligned_at(void *block, size_t size) {
    return eddy_rezalloc_aligned_at(block, size, 64, 16);
}
static void *resize_recalloc_aligned(void *block, size_t size) {
    return eddy_recalloc_aligned(block, 1, size, 64);
}
static void *resize_recalloc_aligned_at(void *block, size_t size) {
    return eddy_recalloc_aligned_at(block, 1, size, 64, 16);
}
static void *resize_heap(void *block, size_t size) { return eddy_heap_realloc(heap, block, size); }
static void *resize_heap_zero(void *block, size_t size) {
    return eddy_heap_rezalloc(heap, block, size);
}
static void *resize_heap_at(void *block, size_t size) {
    return eddy_heap_realloc_aligned_at(heap, block, size, 64, 16);
}
static void *resize_heap_zero_at(void *block, size_t size) {
    return eddy_heap_rezalloc_aligned_at(heap, block, size, 64, 16);
}

static void resizing_fails_with_enomem_and_keeps_the_block(void **state) {
    (void)state;
    static void *(*const calls[])(void *, size_t) = {
        realloc,
        resize_reallocarray,
        eddy_realloc,
        eddy_rezalloc,
        resize_reallocn,
        resize_recalloc,
        resize_aligned,
        resize_aligned_at,
        resize_zero_aligned,
        resize_zero_aligned_at,
        resize_recalloc_aligned,
        resize_recalloc_aligned_at,
        resize_heap,
        resize_heap_zero,
        resize_heap_at,
        resize_heap_zero_at,
    };
    static const size_t held[] = {24, 3000, 50000, 300 * KIB, 5 * MIB};
    for (size_t h = 0; h < LENGTH(held); h++) {
        void *block = must(calloc(1, held[h]));
        fill(block, held[h], 7);
        size_t before = live_blocks();
        for (size_t i = 0; i < LENGTH(calls); i++) {
            for (size_t j = 0; j < LENGTH(impossible_sizes); j++) {
                errno = 0;
                assert_null(calls[i](block, impossible_sizes[j]));
                assert_int_equal(errno, ENOMEM);
            }
        }
        assert_int_equal(live_blocks(), before);
        assert_true(is_filled(block, held[h], 7));
        free(block);
    }
}

static void reallocf_fails_with_enomem_and_frees_the_block(void **state) {
    (void)state;
    for (size_t j = 0; j < LENGTH(impossible_sizes); j++) {
        size_t before = live_blocks();
        void *block = must(malloc(100));
        errno = 0;
        assert_null(eddy_reallocf(block, impossible_sizes[j]));
        assert_int_equal(errno, ENOMEM);
        assert_int_equal(live_blocks(), before);
    }
}

static void expand_fails_without_errno(void **state) {
    (void)state;
    void *block = must(malloc(100));
    for (size_t j = 0; j < LENGTH(impossible_sizes); j++) {
        errno = 12345;
        assert_null(eddy_expand(block, impossible_sizes[j]));
        assert_int_equal(errno, 12345);
    }
    free(block);
}

static void the_allocator_works_afterwards(void **state) {
    (void)state;
    void *blocks[100];
    for (size_t i = 0; i < LENGTH(blocks); i++) blocks[i] = must(malloc(i * i * 10));
    for (size_t i = 0; i < LENGTH(blocks); i++) free(blocks[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_fail_with_enomem),
        cmocka_unit_test(products_fail_with_enomem),
        cmocka_unit_test(resizing_fails_with_enomem_and_keeps_the_block),
        cmocka_unit_test(reallocf_fails_with_enomem_and_frees_the_block),
        cmocka_unit_test(expand_fails_without_errno),
        cmocka_unit_test(the_allocator_works_afterwards),
    };
    heap = eddy_heap_new();
    int failures = heap == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    eddy_heap_destroy(heap);
    return failures;
}
