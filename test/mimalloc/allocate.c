/* Allocation without a heap.
 * SPDX-License-Identifier: MIT */
#include "forms.h"

/* ---- by size ---- */

static void *umalloc(size_t size) { return mi_umalloc(size, NULL); }
static void *umalloc_small(size_t size) { return mi_umalloc_small(size, NULL); }
static void *uzalloc_small(size_t size) { return mi_uzalloc_small(size, NULL); }

static void *posix_memalign_16(size_t size) {
    void *block = NULL;
    int error = mi_posix_memalign(&block, 16, size);
    if (error != 0) errno = error;
    return block;
}

static void functions_by_size(void **state) {
    (void)state;
    static const by_size_t forms[] = {
        {mi_malloc, false},         {mi_zalloc, true},      {mi_malloc_small, false},
        {mi_zalloc_small, true},    {mi_valloc, false},     {mi_pvalloc, false},
        {umalloc, false},           {umalloc_small, false}, {uzalloc_small, true},
        {posix_memalign_16, false},
    };
    for (size_t i = 0; i < LENGTH(forms); i++) check_by_size(forms[i]);
}

/* ---- by count ---- */

static void *ucalloc(size_t count, size_t size) { return mi_ucalloc(count, size, NULL); }
static void *calloc_16(size_t count, size_t size) { return mi_calloc_aligned(count, size, 16); }
static void *calloc_at(size_t count, size_t size) {
    return mi_calloc_aligned_at(count, size, 16, 0);
}
static void *reallocn(size_t count, size_t size) { return mi_reallocn(NULL, count, size); }
static void *recalloc(size_t count, size_t size) { return mi_recalloc(NULL, count, size); }
static void *reallocarray_(size_t count, size_t size) { return mi_reallocarray(NULL, count, size); }
static void *recalloc_16(size_t count, size_t size) {
    return mi_recalloc_aligned(NULL, count, size, 16);
}
static void *aligned_recalloc_16(size_t count, size_t size) {
    return mi_aligned_recalloc(NULL, count, size, 16);
}

static void *recalloc_at(size_t count, size_t size) {
    return mi_recalloc_aligned_at(NULL, count, size, 16, 0);
}
static void *aligned_offset_recalloc_16(size_t count, size_t size) {
    return mi_aligned_offset_recalloc(NULL, count, size, 16, 0);
}

static void *reallocarr_(size_t count, size_t size) {
    void *block = NULL;
    int error = mi_reallocarr(&block, count, size);
    if (error != 0) errno = error;
    return block;
}

static void functions_by_count(void **state) {
    (void)state;
    static const by_count_t forms[] = {
        {mi_calloc, true},
        {mi_mallocn, false},
        {ucalloc, true},
        {calloc_16, true},
        {calloc_at, true},
        {reallocn, false},
        {recalloc, true},
        {reallocarray_, false},
        {recalloc_16, true},
        {reallocarr_, false},
        {aligned_recalloc_16, true},
        {recalloc_at, true},
        {aligned_offset_recalloc_16, true},
    };
    for (size_t i = 0; i < LENGTH(forms); i++) check_by_count(forms[i]);
}

/* ---- aligned ---- */

#define IGNORING(name, call)                                                                       \
    static void *name(size_t size, size_t alignment, size_t offset) {                              \
        (void)offset;                                                                              \
        return call;                                                                               \
    }

IGNORING(malloc_aligned, mi_malloc_aligned(size, alignment))
IGNORING(zalloc_aligned, mi_zalloc_aligned(size, alignment))
IGNORING(calloc_aligned, mi_calloc_aligned(1, size, alignment))
IGNORING(umalloc_aligned, mi_umalloc_aligned(size, alignment, NULL))
IGNORING(uzalloc_aligned, mi_uzalloc_aligned(size, alignment, NULL))
IGNORING(memalign_, mi_memalign(alignment, size))
IGNORING(aligned_alloc_, mi_aligned_alloc(alignment, size))
IGNORING(realloc_aligned, mi_realloc_aligned(NULL, size, alignment))
IGNORING(rezalloc_aligned, mi_rezalloc_aligned(NULL, size, alignment))
IGNORING(recalloc_aligned, mi_recalloc_aligned(NULL, 1, size, alignment))
IGNORING(aligned_recalloc, mi_aligned_recalloc(NULL, 1, size, alignment))

static void *calloc_aligned_at(size_t size, size_t alignment, size_t offset) {
    return mi_calloc_aligned_at(1, size, alignment, offset);
}
static void *realloc_aligned_at(size_t size, size_t alignment, size_t offset) {
    return mi_realloc_aligned_at(NULL, size, alignment, offset);
}
static void *rezalloc_aligned_at(size_t size, size_t alignment, size_t offset) {
    return mi_rezalloc_aligned_at(NULL, size, alignment, offset);
}
static void *recalloc_aligned_at(size_t size, size_t alignment, size_t offset) {
    return mi_recalloc_aligned_at(NULL, 1, size, alignment, offset);
}
static void *aligned_offset_recalloc(size_t size, size_t alignment, size_t offset) {
    return mi_aligned_offset_recalloc(NULL, 1, size, alignment, offset);
}

static void functions_by_alignment(void **state) {
    (void)state;
    static const by_alignment_t forms[] = {
        {malloc_aligned, false, false},     {zalloc_aligned, true, false},
        {calloc_aligned, true, false},      {umalloc_aligned, false, false},
        {uzalloc_aligned, true, false},     {memalign_, false, false},
        {aligned_alloc_, false, false},     {realloc_aligned, false, false},
        {rezalloc_aligned, true, false},    {recalloc_aligned, true, false},
        {aligned_recalloc, true, false},    {mi_malloc_aligned_at, false, true},
        {mi_zalloc_aligned_at, true, true}, {calloc_aligned_at, true, true},
        {realloc_aligned_at, false, true},  {rezalloc_aligned_at, true, true},
        {recalloc_aligned_at, true, true},  {aligned_offset_recalloc, true, true},
    };
    for (size_t i = 0; i < LENGTH(forms); i++) check_by_alignment(forms[i]);
}

static void posix_memalign_says_what_is_wrong(void **state) {
    (void)state;
    void *block = &block;
    errno = 0;
    assert_int_equal(mi_posix_memalign(NULL, 16, 1), EINVAL);
    assert_int_equal(mi_posix_memalign(&block, 2, 1), EINVAL);
    assert_int_equal(mi_posix_memalign(&block, 24, 1), EINVAL);
    assert_int_equal(mi_posix_memalign(&block, opaque(0), 1), EINVAL);
    assert_int_equal(mi_posix_memalign(&block, 16, opaque(SIZE_MAX)), ENOMEM);
    assert_ptr_equal(block, &block);
    assert_int_equal(errno, 0);
}

static void valloc_and_pvalloc_give_kernel_pages(void **state) {
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *one = mi_valloc(1), *whole = mi_pvalloc(page + 1);
    assert_true(is_aligned(one, page) && is_aligned(whole, page));
    assert_true(mi_usable_size(whole) >= 2 * page);
    mi_free(one);
    mi_free(whole);
}

/* ---- resized ---- */

static void *resize_n(void *block, size_t size) { return mi_reallocn(block, size, 1); }
static void *resize_array(void *block, size_t size) { return mi_reallocarray(block, size, 1); }
static void *resize_aligned(void *block, size_t size) {
    return mi_realloc_aligned(block, size, 64);
}
static void *resize_at(void *block, size_t size) {
    return mi_realloc_aligned_at(block, size, 64, 0);
}
static void *resize_telling(void *block, size_t size) {
    size_t before = 1, after = 1, was = mi_usable_size(block);
    void *resized = mi_urealloc(block, size, &before, &after);
    assert_int_equal(before, was);
    assert_int_equal(after, mi_usable_size(resized));
    return resized;
}
static void *resize_place(void *block, size_t size) {
    int error = mi_reallocarr(&block, size, 1);
    errno = error;
    return error == 0 ? block : NULL;
}
static void *resize_zeroed_n(void *block, size_t size) { return mi_recalloc(block, size, 1); }
static void *resize_zeroed_aligned(void *block, size_t size) {
    return mi_rezalloc_aligned(block, size, 64);
}
static void *resize_zeroed_at(void *block, size_t size) {
    return mi_rezalloc_aligned_at(block, size, 64, 0);
}
static void *resize_zeroed_n_aligned(void *block, size_t size) {
    return mi_recalloc_aligned(block, size, 1, 64);
}
static void *resize_zeroed_n_at(void *block, size_t size) {
    return mi_recalloc_aligned_at(block, size, 1, 64, 0);
}
static void *resize_zeroed_windows(void *block, size_t size) {
    return mi_aligned_recalloc(block, size, 1, 64);
}
static void *resize_zeroed_windows_at(void *block, size_t size) {
    return mi_aligned_offset_recalloc(block, size, 1, 64, 0);
}

static void functions_that_resize(void **state) {
    (void)state;
    static const resize_t forms[] = {
        {mi_realloc, false, false},
        {mi_reallocf, false, true},
        {resize_n, false, false},
        {resize_array, false, false},
        {resize_aligned, false, false},
        {resize_at, false, false},
        {resize_telling, false, false},
        {resize_place, false, false},
        {mi_rezalloc, true, false},
        {resize_zeroed_n, true, false},
        {resize_zeroed_aligned, true, false},
        {resize_zeroed_at, true, false},
        {resize_zeroed_n_aligned, true, false},
        {resize_zeroed_n_at, true, false},
        {resize_zeroed_windows, true, false},
        {resize_zeroed_windows_at, true, false},
    };
    for (size_t i = 0; i < LENGTH(forms); i++) check_resize(forms[i]);
}

static void realloc_to_nothing_gives_a_block(void **state) {
    (void)state;
    void *block = mi_realloc(mi_malloc(100), 0);
    assert_non_null(block);
    mi_free(block);
}

static void expand_stays_where_it_is(void **state) {
    (void)state;
    void *block = mi_malloc(100);
    size_t usable = mi_usable_size(block);
    assert_ptr_equal(mi_expand(block, usable), block);
    assert_ptr_equal(mi__expand(block, usable), block);
    assert_null(mi_expand(block, usable + 1));
    assert_null(mi__expand(block, opaque(SIZE_MAX)));
    assert_null(mi_expand(NULL, 100));
    mi_free(block);
}

/* ---- sizes ---- */

static void usable_sizes_are_told(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t usable[5] = {0};
        void *blocks[] = {mi_umalloc(sizes[i], &usable[0]), mi_ucalloc(1, sizes[i], &usable[1]),
                          mi_umalloc_aligned(sizes[i], 64, &usable[2]),
                          mi_uzalloc_aligned(sizes[i], 64, &usable[3]),
                          sizes[i] <= MI_SMALL_SIZE_MAX ? mi_umalloc_small(sizes[i], &usable[4])
                                                        : mi_uzalloc_small(sizes[i], &usable[4])};
        for (size_t j = 0; j < LENGTH(blocks); j++) {
            assert_true(usable[j] >= sizes[i]);
            assert_int_equal(usable[j], mi_malloc_size(blocks[j]));
            assert_int_equal(usable[j], mi_malloc_usable_size(blocks[j]));
            size_t freed = 0;
            mi_ufree(blocks[j], &freed);
            assert_int_equal(freed, usable[j]);
        }
        void *block = mi_malloc(sizes[i]);
        assert_int_equal(mi_good_size(sizes[i]), mi_usable_size(block));
        assert_int_equal(mi_malloc_good_size(sizes[i]), mi_usable_size(block));
        mi_free(block);
    }
    size_t usable = 1;
    assert_no_memory(mi_umalloc(opaque(SIZE_MAX), &usable));
    assert_int_equal(usable, 0);
    assert_int_equal(mi_usable_size(NULL), 0);
}

/* ---- free ---- */

static void every_way_to_free_frees(void **state) {
    (void)state;
    size_t live = live_blocks();
    mi_free(mi_malloc(100));
    mi_free_small(mi_malloc_small(100));
    mi_free_size(mi_malloc(100), 100);
    mi_free_size_aligned(mi_malloc_aligned(100, 64), 100, 64);
    mi_free_aligned(mi_malloc_aligned(100, 64), 64);
    mi_ufree(mi_malloc(100), NULL);
    mi_cfree(mi_malloc(100));
    assert_int_equal(live_blocks(), live);
    mi_free(NULL);
    mi_ufree(NULL, NULL);
    mi_cfree(NULL);
    int local;
    mi_cfree(&local);
}

/* ---- typed ---- */

static void typed_macros_have_the_type(void **state) {
    (void)state;
    typedef struct pair {
        long first, second;
    } pair_t;
    pair_t *one = mi_malloc_tp(pair_t), *zero = mi_zalloc_tp(pair_t);
    assert_true(zero->first == 0 && zero->second == 0);
    pair_t *many = mi_mallocn_tp(pair_t, 10), *zeros = mi_calloc_tp(pair_t, 10);
    assert_int_equal(zeros[9].second, 0);
#if EDDY_MIMALLOC_API == 2
    many = mi_reallocn_tp(many, pair_t, 100);
    zeros = mi_recalloc_tp(zeros, pair_t, 100);
#else
    many = mi_reallocn_tp(pair_t, many, 100);
    zeros = mi_recalloc_tp(pair_t, zeros, 100);
#endif
    many[99].second = zeros[99].second;
    mi_free(one);
    mi_free(zero);
    mi_free(many);
    mi_free(zeros);
}

RUN(cmocka_unit_test(functions_by_size), cmocka_unit_test(functions_by_count),
    cmocka_unit_test(functions_by_alignment), cmocka_unit_test(posix_memalign_says_what_is_wrong),
    cmocka_unit_test(valloc_and_pvalloc_give_kernel_pages), cmocka_unit_test(functions_that_resize),
    cmocka_unit_test(realloc_to_nothing_gives_a_block), cmocka_unit_test(expand_stays_where_it_is),
    cmocka_unit_test(usable_sizes_are_told), cmocka_unit_test(every_way_to_free_frees),
    cmocka_unit_test(typed_macros_have_the_type))
