/* Heaps, as both generations have them.
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <pthread.h>

#include "forms.h"

/* What every test here allocates from. */
static mi_heap_t *heap;

static int make_heap(void **state) {
    (void)state;
    heap = mi_heap_new();
    return heap == NULL;
}

static int end_heap(void **state) {
    (void)state;
    mi_heap_destroy(heap);
    return 0;
}

static bool is_in(mi_heap_t *expected, const void *block) {
    return eddy_heap_of(block) == (eddy_heap_t *)expected;
}

static void *in_heap(void *block) {
    if (block != NULL) assert_true(is_in(heap, block));
    return block;
}

/* ---- by size, by count ---- */

static void *h_malloc(size_t size) { return in_heap(mi_heap_malloc(heap, size)); }
static void *h_malloc_small(size_t size) { return in_heap(mi_heap_malloc_small(heap, size)); }
static void *h_zalloc(size_t size) { return in_heap(mi_heap_zalloc(heap, size)); }
static void *h_zalloc_small(size_t size) { return in_heap(mi_heap_zalloc_small(heap, size)); }
static void *h_calloc(size_t count, size_t size) {
    return in_heap(mi_heap_calloc(heap, count, size));
}
static void *h_mallocn(size_t count, size_t size) {
    return in_heap(mi_heap_mallocn(heap, count, size));
}
static void *h_reallocn(size_t count, size_t size) {
    return in_heap(mi_heap_reallocn(heap, NULL, count, size));
}
static void *h_recalloc(size_t count, size_t size) {
    return in_heap(mi_heap_recalloc(heap, NULL, count, size));
}
static void *h_calloc_16(size_t count, size_t size) {
    return in_heap(mi_heap_calloc_aligned(heap, count, size, 16));
}
static void *h_recalloc_16(size_t count, size_t size) {
    return in_heap(mi_heap_recalloc_aligned(heap, NULL, count, size, 16));
}
static void *h_calloc_at(size_t count, size_t size) {
    return in_heap(mi_heap_calloc_aligned_at(heap, count, size, 16, 0));
}
static void *h_recalloc_at(size_t count, size_t size) {
    return in_heap(mi_heap_recalloc_aligned_at(heap, NULL, count, size, 16, 0));
}

static void functions_by_size_and_count(void **state) {
    (void)state;
    static const by_size_t by_size[] = {{h_malloc, false},
                                        {h_malloc_small, false},
                                        {h_zalloc, true},
                                        {h_zalloc_small, true}};
    static const by_count_t by_count[] = {{h_calloc, true},    {h_mallocn, false},
                                          {h_reallocn, false}, {h_recalloc, true},
                                          {h_calloc_16, true}, {h_recalloc_16, true},
                                          {h_calloc_at, true}, {h_recalloc_at, true}};
    for (size_t i = 0; i < LENGTH(by_size); i++) check_by_size(by_size[i]);
    for (size_t i = 0; i < LENGTH(by_count); i++) check_by_count(by_count[i]);
}

/* ---- aligned ---- */

#define ALIGNED(name, call)                                                                        \
    static void *name(size_t size, size_t alignment, size_t offset) {                              \
        (void)offset;                                                                              \
        return in_heap(call);                                                                      \
    }

ALIGNED(h_malloc_aligned, mi_heap_malloc_aligned(heap, size, alignment))
ALIGNED(h_malloc_aligned_at, mi_heap_malloc_aligned_at(heap, size, alignment, offset))
ALIGNED(h_zalloc_aligned, mi_heap_zalloc_aligned(heap, size, alignment))
ALIGNED(h_zalloc_aligned_at, mi_heap_zalloc_aligned_at(heap, size, alignment, offset))
ALIGNED(h_calloc_aligned, mi_heap_calloc_aligned(heap, 1, size, alignment))
ALIGNED(h_calloc_aligned_at, mi_heap_calloc_aligned_at(heap, 1, size, alignment, offset))
ALIGNED(h_realloc_aligned, mi_heap_realloc_aligned(heap, NULL, size, alignment))
ALIGNED(h_realloc_aligned_at, mi_heap_realloc_aligned_at(heap, NULL, size, alignment, offset))
ALIGNED(h_rezalloc_aligned, mi_heap_rezalloc_aligned(heap, NULL, size, alignment))
ALIGNED(h_rezalloc_aligned_at, mi_heap_rezalloc_aligned_at(heap, NULL, size, alignment, offset))
ALIGNED(h_recalloc_aligned, mi_heap_recalloc_aligned(heap, NULL, 1, size, alignment))
ALIGNED(h_recalloc_aligned_at, mi_heap_recalloc_aligned_at(heap, NULL, 1, size, alignment, offset))

static void functions_by_alignment(void **state) {
    (void)state;
    static const by_alignment_t forms[] = {
        {h_malloc_aligned, false, false},  {h_malloc_aligned_at, false, true},
        {h_zalloc_aligned, true, false},   {h_zalloc_aligned_at, true, true},
        {h_calloc_aligned, true, false},   {h_calloc_aligned_at, true, true},
        {h_realloc_aligned, false, false}, {h_realloc_aligned_at, false, true},
        {h_rezalloc_aligned, true, false}, {h_rezalloc_aligned_at, true, true},
        {h_recalloc_aligned, true, false}, {h_recalloc_aligned_at, true, true},
    };
    for (size_t i = 0; i < LENGTH(forms); i++) check_by_alignment(forms[i]);
}

/* ---- resized ---- */

static void *r_realloc(void *block, size_t size) { return mi_heap_realloc(heap, block, size); }
static void *r_reallocf(void *block, size_t size) { return mi_heap_reallocf(heap, block, size); }
static void *r_reallocn(void *block, size_t size) { return mi_heap_reallocn(heap, block, size, 1); }
static void *r_rezalloc(void *block, size_t size) { return mi_heap_rezalloc(heap, block, size); }
static void *r_recalloc(void *block, size_t size) { return mi_heap_recalloc(heap, block, size, 1); }
static void *r_aligned(void *block, size_t size) {
    return mi_heap_realloc_aligned(heap, block, size, 64);
}
static void *r_aligned_at(void *block, size_t size) {
    return mi_heap_realloc_aligned_at(heap, block, size, 64, 0);
}
static void *r_zeroed_aligned(void *block, size_t size) {
    return mi_heap_rezalloc_aligned(heap, block, size, 64);
}
static void *r_zeroed_aligned_at(void *block, size_t size) {
    return mi_heap_rezalloc_aligned_at(heap, block, size, 64, 0);
}
static void *r_zeroed_n_aligned(void *block, size_t size) {
    return mi_heap_recalloc_aligned(heap, block, size, 1, 64);
}
static void *r_zeroed_n_aligned_at(void *block, size_t size) {
    return mi_heap_recalloc_aligned_at(heap, block, size, 1, 64, 0);
}

static void functions_that_resize(void **state) {
    (void)state;
    static const resize_t forms[] = {
        {r_realloc, false, false},
        {r_reallocf, false, true},
        {r_reallocn, false, false},
        {r_rezalloc, true, false},
        {r_recalloc, true, false},
        {r_aligned, false, false},
        {r_aligned_at, false, false},
        {r_zeroed_aligned, true, false},
        {r_zeroed_aligned_at, true, false},
        {r_zeroed_n_aligned, true, false},
        {r_zeroed_n_aligned_at, true, false},
    };
    for (size_t i = 0; i < LENGTH(forms); i++) check_resize(forms[i]);
}

/* ---- strings, types ---- */

static void strings_lie_in_the_heap(void **state) {
    (void)state;
    char *whole = in_heap(mi_heap_strdup(heap, "whirlpool"));
    char *part = in_heap(mi_heap_strndup(heap, "whirlpool", 5));
    char *path = in_heap(mi_heap_realpath(heap, "/.", NULL));
    assert_string_equal(whole, "whirlpool");
    assert_string_equal(part, "whirl");
    assert_string_equal(path, "/");
    assert_null(mi_heap_strdup(heap, NULL));
    assert_null(mi_heap_strndup(heap, NULL, 5));
    assert_null(mi_heap_realpath(heap, "/no such name", NULL));
    char buffer[PATH_MAX];
    assert_ptr_equal(mi_heap_realpath(heap, "/", buffer), buffer);
}

static void typed_macros_have_the_type(void **state) {
    (void)state;
#if EDDY_MIMALLOC_API == 2
    long *one = mi_heap_malloc_tp(heap, long), *zero = mi_heap_zalloc_tp(heap, long);
    long *many = mi_heap_mallocn_tp(heap, long, 9), *zeros = mi_heap_calloc_tp(heap, long, 9);
    many = mi_heap_reallocn_tp(heap, many, long, 90);
    zeros = mi_heap_recalloc_tp(heap, zeros, long, 90);
#else
    long *one = mi_heap_malloc_tp(long, heap), *zero = mi_heap_zalloc_tp(long, heap);
    long *many = mi_heap_mallocn_tp(long, heap, 9), *zeros = mi_heap_calloc_tp(long, heap, 9);
    many = mi_heap_reallocn_tp(long, heap, many, 90);
    zeros = mi_heap_recalloc_tp(long, heap, zeros, 90);
#endif
    assert_true(is_in(heap, one) && is_in(heap, zero) && is_in(heap, many) && is_in(heap, zeros));
    assert_true(*zero == 0 && zeros[89] == 0);
}

/* ---- the ends of a heap ---- */

static void destroy_frees_all_blocks(void **state) {
    (void)state;
    size_t live = live_blocks();
    mi_heap_t *other = mi_heap_new();
    for (size_t i = 0; i < 1000; i++) assert_non_null(mi_heap_malloc(other, sizes[i % 8]));
    mi_heap_destroy(other);
    assert_int_equal(live_blocks(), live);
}

static void delete_keeps_the_blocks(void **state) {
    (void)state;
    mi_heap_t *other = mi_heap_new();
    char *block = mi_heap_malloc(other, 1000);
    fill(block, 1000, 3);
    mi_heap_delete(other);
    assert_true(is_filled(block, 1000, 3));
    assert_false(is_in(other, block));
    assert_true(mi_is_in_heap_region(block));
    mi_free(block);
}

static void the_main_heap_has_no_end(void **state) {
    (void)state;
    mi_heap_t *main_heap = (mi_heap_t *)eddy_heap_main();
    void *block = mi_heap_malloc(main_heap, 100);
    mi_heap_delete(main_heap);
    mi_heap_destroy(main_heap);
    assert_true(is_in(main_heap, block));
    mi_free(block);
    mi_heap_delete(NULL);
    mi_heap_destroy(NULL);
}

static void collect_gives_memory_back(void **state) {
    (void)state;
    void *blocks[100];
    for (size_t i = 0; i < LENGTH(blocks); i++) blocks[i] = mi_heap_zalloc(heap, 100 * KIB);
    for (size_t i = 0; i < LENGTH(blocks); i++) mi_free(blocks[i]);
    mi_heap_collect(heap, false);
    mi_heap_collect(heap, true);
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    assert_int_equal(stats.dirty, 0);
}

static void a_pointer_is_ours_or_not(void **state) {
    (void)state;
    int local = 0;
    void *block = mi_malloc(100), *other = mi_heap_malloc(heap, 100);
    assert_true(mi_is_in_heap_region(block) && mi_is_in_heap_region(other));
    assert_true(mi_check_owned(block));
    assert_false(mi_check_owned(other));
    assert_false(mi_is_in_heap_region(&local) || mi_is_in_heap_region(NULL));
    assert_false(mi_check_owned(&local) || mi_check_owned(NULL));
    mi_free(block);
}

/* ---- several threads ---- */

enum { THREADS = 4, ROUNDS = 2000, SLOTS = 64 };

typedef struct worker {
    pthread_t thread;
    mi_heap_t *own, *shared;
    unsigned number;
    void *survivor;
} worker_t;

static void *work(void *argument) {
    worker_t *worker = argument;
    char *slots[SLOTS] = {0};
    for (size_t i = 0; i < ROUNDS; i++) {
        char **slot = &slots[i * 7 % SLOTS];
        if (*slot != NULL) check(**slot == (char)worker->number);
        mi_free(*slot);
        mi_heap_t *from = i % 3 == 0 ? worker->own : worker->shared;
        *slot = mi_heap_malloc(from, 16 + i % 500);
        check(*slot != NULL && is_in(from, *slot));
        **slot = (char)worker->number;
    }
    worker->survivor = slots[0];
    return NULL;
}

static void heaps_serve_several_threads(void **state) {
    (void)state;
    mi_heap_t *shared = mi_heap_new();
    worker_t workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (worker_t){.own = mi_heap_new(), .shared = shared, .number = i + 1};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(*(char *)workers[i].survivor, i + 1);
        mi_heap_destroy(workers[i].own);
    }
    mi_heap_destroy(shared);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_heap, end_heap)

RUN(TEST(functions_by_size_and_count), TEST(functions_by_alignment), TEST(functions_that_resize),
    TEST(strings_lie_in_the_heap), TEST(typed_macros_have_the_type), TEST(destroy_frees_all_blocks),
    TEST(delete_keeps_the_blocks), TEST(the_main_heap_has_no_end), TEST(collect_gives_memory_back),
    TEST(a_pointer_is_ours_or_not), TEST(heaps_serve_several_threads))
