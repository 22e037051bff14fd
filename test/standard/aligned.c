/* The aligned part of the malloc family.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>

#include "standard.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* valloc, pvalloc */

void *pvalloc(size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);

static const size_t sizes[] = {
    0,         1,       15,      16,           100,      1024,
    4 * KIB,   8 * KIB, 8193,    64 * KIB - 1, 64 * KIB, 64 * KIB + 1,
    128 * KIB, MIB + 7, 3 * MIB,
};

static size_t page_bytes(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static void *by_posix_memalign(size_t alignment, size_t size) {
    void *block = NULL;
    if (alignment < sizeof(void *)) alignment = sizeof(void *);
    assert_int_equal(posix_memalign(&block, alignment, size), 0);
    return block;
}

static void *(*const functions[])(size_t alignment, size_t size) = {
    aligned_alloc,
    memalign,
    by_posix_memalign,
};

static void every_alignment_to_a_gibibyte_is_kept(void **state) {
    (void)state;
    for (size_t f = 0; f < LENGTH(functions); f++) {
        for (size_t alignment = 1; alignment <= GIB; alignment *= 2) {
            for (size_t i = 0; i < LENGTH(sizes); i++) {
                void *block = must(functions[f](opaque(alignment), sizes[i]));
                assert_true(is_aligned(block, alignment));
                free(block);
            }
        }
    }
}

static void the_whole_usable_size_is_writable(void **state) {
    (void)state;
    for (size_t alignment = 1; alignment <= 16 * MIB; alignment *= 2) {
        for (size_t i = 0; i < LENGTH(sizes); i++) {
            void *blocks[3];
            size_t usable[3];
            for (unsigned j = 0; j < 3; j++) {
                blocks[j] = must(aligned_alloc(alignment, sizes[i]));
                usable[j] = malloc_usable_size(blocks[j]);
                assert_true(usable[j] >= sizes[i]);
                fill(blocks[j], usable[j], j);
            }
            for (unsigned j = 0; j < 3; j++) {
                assert_true(is_filled(blocks[j], usable[j], j));
                assert_int_equal(malloc_usable_size(blocks[j]), usable[j]);
                free(blocks[j]);
            }
        }
    }
}

static void many_live_blocks_do_not_overlap(void **state) {
    (void)state;
    enum { COUNT = 500 };
    static void *blocks[COUNT];
    for (size_t alignment = 32; alignment <= 64 * KIB; alignment *= 2) {
        for (unsigned i = 0; i < COUNT; i++) {
            blocks[i] = must(memalign(alignment, i * 13));
            assert_true(is_aligned(blocks[i], alignment));
            fill(blocks[i], i * 13, i);
        }
        for (unsigned i = 0; i < COUNT; i++) {
            assert_true(is_filled(blocks[i], i * 13, i));
            free(blocks[i]);
        }
    }
}

static void every_free_releases_an_aligned_block(void **state) {
    (void)state;
    size_t before = live_blocks();
    for (size_t alignment = 1; alignment <= 64 * MIB; alignment *= 8) {
        for (size_t i = 0; i < LENGTH(sizes); i++) {
            free(must(aligned_alloc(alignment, sizes[i])));
            free_aligned_sized(must(aligned_alloc(alignment, sizes[i])), alignment, sizes[i]);
            assert_int_equal(live_blocks(), before);
        }
    }
}

static void free_aligned_sized_takes_null(void **state) {
    (void)state;
    free_aligned_sized(NULL, 64, 100);
}

static void freed_aligned_blocks_leave_no_trace_in_ordinary_ones(void **state) {
    (void)state;
    for (size_t size = 16; size <= 4 * KIB; size *= 2) {
        void *aligned = must(aligned_alloc(4 * size, size));
        void *plain = must(malloc(size));
        fill(plain, size, 1);
        free(aligned);
        void *again = must(malloc(size));
        fill(again, size, 2);
        assert_true(is_filled(plain, size, 1));
        free(plain);
        free(again);
    }
}

/* ---- errors ---- */

static const size_t not_powers_of_two[] = {
    0,
    3,
    6,
    7,
    12,
    24,
    48,
    4095,
    4097,
    65537,
    MIB + 1,
    SIZE_MAX,
    SIZE_MAX - 1,
    SIZE_MAX / 2,
    SIZE_MAX / 2 + 2,
};

static void aligned_alloc_wants_a_power_of_two(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(not_powers_of_two); i++) {
        errno = 0;
        assert_null(aligned_alloc(opaque(not_powers_of_two[i]), 100));
        assert_int_equal(errno, EINVAL);
    }
}

static void aligned_alloc_takes_a_size_that_is_no_multiple(void **state) {
    (void)state;
    void *block = must(aligned_alloc(64, opaque(100)));
    assert_true(is_aligned(block, 64));
    free(block);
}

static void posix_memalign_wants_a_power_of_two_of_pointers(void **state) {
    (void)state;
    void *const untouched = &state;
    for (size_t i = 0; i < LENGTH(not_powers_of_two) + 3; i++) {
        size_t alignment = i < 3 ? (size_t)1 << i : not_powers_of_two[i - 3];
        void *block = untouched;
        errno = 12345;
        assert_int_equal(posix_memalign(&block, alignment, 100), EINVAL);
        assert_int_equal(errno, 12345);
        assert_ptr_equal(block, untouched);
    }
}

static void posix_memalign_returns_enomem_and_touches_nothing(void **state) {
    (void)state;
    static const size_t impossible[][2] = {
        {8, SIZE_MAX},
        {64, PTRDIFF_MAX},
        {4096, (size_t)PTRDIFF_MAX + 1},
        {SIZE_MAX / 2 + 1, 1},
        {SIZE_MAX / 2 + 1, SIZE_MAX},
    };
    void *const untouched = &state;
    for (size_t i = 0; i < LENGTH(impossible); i++) {
        void *block = untouched;
        errno = 12345;
        assert_int_equal(posix_memalign(&block, impossible[i][0], impossible[i][1]), ENOMEM);
        assert_int_equal(errno, 12345);
        assert_ptr_equal(block, untouched);
    }
}

static void memalign_rounds_the_alignment_up(void **state) {
    (void)state;
    static const size_t rounded[][2] = {
        {0, 1}, {1, 1}, {3, 4}, {7, 8}, {17, 32}, {24, 32}, {48, 64}, {4097, 8192}, {65537, 131072},
    };
    for (size_t i = 0; i < LENGTH(rounded); i++) {
        for (size_t j = 0; j < LENGTH(sizes); j++) {
            void *block = must(memalign(opaque(rounded[i][0]), sizes[j]));
            assert_true(is_aligned(block, rounded[i][1]));
            free(block);
        }
    }
}

static void memalign_refuses_what_rounds_beyond_size_max(void **state) {
    (void)state;
    static const size_t beyond[] = {SIZE_MAX / 2 + 2, SIZE_MAX - 1, SIZE_MAX};
    for (size_t i = 0; i < LENGTH(beyond); i++) {
        errno = 0;
        assert_null(memalign(opaque(beyond[i]), 100));
        assert_int_equal(errno, EINVAL);
    }
}

/* Powers of two, so no wrong argument; only there is no such place in memory. */
static void impossible_alignments_fail_with_enomem(void **state) {
    (void)state;
    size_t before = live_blocks();
    for (size_t alignment = (size_t)1 << 48; alignment != 0; alignment *= 2) {
        for (size_t f = 0; f < 2; f++) {
            for (size_t i = 0; i < LENGTH(sizes); i++) {
                errno = 0;
                assert_null(functions[f](opaque(alignment), sizes[i]));
                assert_int_equal(errno, ENOMEM);
            }
        }
    }
    assert_int_equal(live_blocks(), before);
}

/* Neither may fail for good: what does not fit is refused, and the next call works. */
static void large_alignments_succeed_or_fail_cleanly(void **state) {
    (void)state;
    size_t before = live_blocks();
    for (size_t alignment = 2 * GIB; alignment < (size_t)1 << 48; alignment *= 2) {
        errno = 0;
        void *block = aligned_alloc(opaque(alignment), 100);
        assert_true(block != NULL ? is_aligned(block, alignment) : errno == ENOMEM);
        free(block);
    }
    assert_int_equal(live_blocks(), before);
    free(must(aligned_alloc(opaque(GIB), 100)));
}

/* ---- pages ---- */

static void valloc_aligns_to_pages(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = must(valloc(sizes[i]));
        assert_true(is_aligned(block, page_bytes()));
        assert_true(malloc_usable_size(block) >= sizes[i]);
        free(block);
    }
}

static void pvalloc_gives_whole_pages(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t whole = (sizes[i] + page_bytes() - 1) / page_bytes() * page_bytes();
        void *block = must(pvalloc(sizes[i]));
        assert_true(is_aligned(block, page_bytes()));
        assert_true(malloc_usable_size(block) >= whole);
        free(block);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_alignment_to_a_gibibyte_is_kept),
        cmocka_unit_test(the_whole_usable_size_is_writable),
        cmocka_unit_test(many_live_blocks_do_not_overlap),
        cmocka_unit_test(every_free_releases_an_aligned_block),
        cmocka_unit_test(free_aligned_sized_takes_null),
        cmocka_unit_test(freed_aligned_blocks_leave_no_trace_in_ordinary_ones),
        cmocka_unit_test(aligned_alloc_wants_a_power_of_two),
        cmocka_unit_test(aligned_alloc_takes_a_size_that_is_no_multiple),
        cmocka_unit_test(posix_memalign_wants_a_power_of_two_of_pointers),
        cmocka_unit_test(posix_memalign_returns_enomem_and_touches_nothing),
        cmocka_unit_test(memalign_rounds_the_alignment_up),
        cmocka_unit_test(memalign_refuses_what_rounds_beyond_size_max),
        cmocka_unit_test(impossible_alignments_fail_with_enomem),
        cmocka_unit_test(large_alignments_succeed_or_fail_cleanly),
        cmocka_unit_test(valloc_aligns_to_pages),
        cmocka_unit_test(pvalloc_gives_whole_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
