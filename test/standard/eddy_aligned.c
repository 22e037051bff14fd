/* The aligned and aligned-at-offset families of eddy.h.
 * SPDX-License-Identifier: MIT */
#include "standard.h"

static const size_t alignments[] = {1, 2, 8, 16, 32, 64, 256, 4 * KIB, 64 * KIB, MIB, 64 * MIB};
static const size_t sizes[] = {
    0, 1, 16, 17, 100, 1000, 4 * KIB, 8 * KIB + 1, 64 * KIB, 100 * KIB, MIB + 1, 2 * MIB,
};
static const size_t wrong_alignments[] = {0, 3, 24, 4097, MIB + 1, SIZE_MAX};

/* An alignment, a size, and an offset within the size: what the families take. */
typedef struct place {
    size_t alignment, size, offset;
} place_t;

static bool is_placed(const void *block, place_t place) {
    return is_aligned((const char *)block + place.offset, place.alignment) &&
           eddy_usable_size(block) >= place.size;
}

static void for_each_place(void (*test)(place_t place)) {
    for (size_t a = 0; a < LENGTH(alignments); a++) {
        for (size_t s = 0; s < LENGTH(sizes); s++) {
            size_t offsets[] = {0, 1, 8, 16, 24, 100, 4093, sizes[s] / 2, sizes[s]};
            for (size_t o = 0; o < LENGTH(offsets); o++) {
                if (offsets[o] <= sizes[s]) {
                    test((place_t){alignments[a], sizes[s], offsets[o]});
                }
            }
        }
    }
}

/* Leave memory behind that is not zero. */
static void dirty_and_free(size_t size) {
    void *block = must(eddy_malloc(size));
    memset(block, 0xff, eddy_usable_size(block));
    eddy_free(block);
}

/* ---- places are kept, whole and the caller's own ---- */

static void check_malloc_at(place_t place) {
    void *blocks[3];
    for (unsigned i = 0; i < LENGTH(blocks); i++) {
        blocks[i] = must(eddy_malloc_aligned_at(place.size, place.alignment, place.offset));
        assert_true(is_placed(blocks[i], place));
        fill(blocks[i], eddy_usable_size(blocks[i]), i);
    }
    for (unsigned i = 0; i < LENGTH(blocks); i++) {
        assert_true(is_filled(blocks[i], eddy_usable_size(blocks[i]), i));
        eddy_free(blocks[i]);
    }
}

static void malloc_at_keeps_every_place(void **state) {
    (void)state;
    size_t before = live_blocks();
    for_each_place(check_malloc_at);
    assert_int_equal(live_blocks(), before);
}

static void check_zalloc_at(place_t place) {
    dirty_and_free(place.size);
    void *block = must(eddy_zalloc_aligned_at(place.size, place.alignment, place.offset));
    assert_true(is_placed(block, place));
    assert_true(is_zero(block, eddy_usable_size(block)));
    memset(block, 0xff, eddy_usable_size(block));
    eddy_free_aligned_sized(block, place.alignment, place.size);
}

static void zalloc_at_keeps_every_place(void **state) {
    (void)state;
    for_each_place(check_zalloc_at);
}

static void check_calloc_at(place_t place) {
    dirty_and_free(place.size);
    void *block = must(eddy_calloc_aligned_at(1, place.size, place.alignment, place.offset));
    assert_true(is_placed(block, place));
    assert_true(is_zero(block, place.size));
    eddy_free(block);
}

static void calloc_at_keeps_every_place(void **state) {
    (void)state;
    for_each_place(check_calloc_at);
}

static void families_without_offset_align_the_block(void **state) {
    (void)state;
    for (size_t a = 0; a < LENGTH(alignments); a++) {
        for (size_t s = 0; s < LENGTH(sizes); s++) {
            place_t place = {alignments[a], sizes[s], 0};
            void *plain = must(eddy_malloc_aligned(place.size, place.alignment));
            void *zeroed = must(eddy_zalloc_aligned(place.size, place.alignment));
            void *counted = must(eddy_calloc_aligned(place.size, 1, place.alignment));
            assert_true(is_placed(plain, place));
            assert_true(is_placed(zeroed, place) && is_zero(zeroed, place.size));
            assert_true(is_placed(counted, place) && is_zero(counted, place.size));
            eddy_free(plain);
            eddy_free(zeroed);
            eddy_free(counted);
        }
    }
}

static void good_size_is_not_exceeded_without_need(void **state) {
    (void)state;
    for (size_t s = 0; s < LENGTH(sizes); s++) {
        void *block = must(eddy_malloc_aligned(sizes[s], 16));
        assert_int_equal(eddy_usable_size(block), eddy_good_size(sizes[s]));
        eddy_free(block);
    }
}

/* ---- resizing ---- */

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void check_realloc_at(place_t place) {
    static const size_t old_sizes[] = {1, 100, 3000, 70000, MIB};
    for (unsigned i = 0; i < LENGTH(old_sizes); i++) {
        void *block = must(eddy_malloc(old_sizes[i]));
        fill(block, old_sizes[i], i);
        block = must(eddy_realloc_aligned_at(block, place.size, place.alignment, place.offset));
        assert_true(is_placed(block, place));
        assert_true(is_filled(block, smaller(old_sizes[i], place.size), i));
        eddy_free(block);
    }
}

static void realloc_at_keeps_place_and_contents(void **state) {
    (void)state;
    for_each_place(check_realloc_at);
}

static void check_rezalloc_at(place_t place) {
    dirty_and_free(place.size);
    unsigned char *block = must(eddy_zalloc(40));
    size_t usable = eddy_usable_size(block);
    fill(block, smaller(40, place.size), 4);
    block = must(eddy_rezalloc_aligned_at(block, place.size, place.alignment, place.offset));
    assert_true(is_placed(block, place));
    assert_true(is_filled(block, smaller(40, place.size), 4));
    if (place.size > usable) assert_true(is_zero(block + usable, place.size - usable));
    eddy_free(block);
}

static void rezalloc_at_grows_with_zeros(void **state) {
    (void)state;
    for_each_place(check_rezalloc_at);
}

static void resizing_without_offset_aligns_the_block(void **state) {
    (void)state;
    for (size_t a = 0; a < LENGTH(alignments); a++) {
        unsigned char *plain = NULL, *zeroed = NULL, *counted = NULL;
        for (size_t s = 0; s < LENGTH(sizes); s++) {
            place_t place = {alignments[a], sizes[s], 0};
            plain = must(eddy_realloc_aligned(plain, place.size, place.alignment));
            zeroed = must(eddy_rezalloc_aligned(zeroed, place.size, place.alignment));
            counted = must(eddy_recalloc_aligned(counted, place.size, 1, place.alignment));
            assert_true(is_placed(plain, place));
            assert_true(is_placed(zeroed, place) && is_zero(zeroed, place.size));
            assert_true(is_placed(counted, place) && is_zero(counted, place.size));
        }
        eddy_free(plain);
        eddy_free(zeroed);
        eddy_free(counted);
    }
}

static void recalloc_at_keeps_place_and_zeros(void **state) {
    (void)state;
    void *block = NULL;
    for (size_t s = 0; s < LENGTH(sizes); s++) {
        place_t place = {256, sizes[s], sizes[s] / 2};
        block = must(eddy_recalloc_aligned_at(block, 1, place.size, place.alignment, place.offset));
        assert_true(is_placed(block, place));
        assert_true(is_zero(block, place.size));
    }
    eddy_free(block);
}

static void ordinary_functions_take_blocks_of_any_place(void **state) {
    (void)state;
    for (size_t s = 1; s < LENGTH(sizes); s++) {
        void *block = must(eddy_malloc_aligned_at(sizes[s], 4 * KIB, 1));
        fill(block, sizes[s], 8);
        size_t usable = eddy_usable_size(block);
        assert_ptr_equal(eddy_expand(block, usable), block);
        block = must(eddy_realloc(block, 2 * usable));
        assert_true(is_filled(block, sizes[s], 8));
        eddy_free(block);
    }
}

/* ---- errors ---- */

/* Every function that takes an alignment, on `block` where it resizes one. */
enum { FUNCTIONS = 12 };

static void *call(size_t function, void *block, place_t p) {
    switch (function) {
    case 0:
        return eddy_malloc_aligned_at(p.size, p.alignment, p.offset);
    case 1:
        return eddy_zalloc_aligned_at(p.size, p.alignment, p.offset);
    case 2:
        return eddy_calloc_aligned_at(1, p.size, p.alignment, p.offset);
    case 3:
        return eddy_realloc_aligned_at(block, p.size, p.alignment, p.offset);
    case 4:
        return eddy_rezalloc_aligned_at(block, p.size, p.alignment, p.offset);
    case 5:
        return eddy_recalloc_aligned_at(block, 1, p.size, p.alignment, p.offset);
    case 6:
        return eddy_malloc_aligned(p.size, p.alignment);
    case 7:
        return eddy_zalloc_aligned(p.size, p.alignment);
    case 8:
        return eddy_calloc_aligned(1, p.size, p.alignment);
    case 9:
        return eddy_realloc_aligned(block, p.size, p.alignment);
    case 10:
        return eddy_rezalloc_aligned(block, p.size, p.alignment);
    default:
        return eddy_recalloc_aligned(block, 1, p.size, p.alignment);
    }
}

static void assert_refused(size_t function, void *block, place_t place, int error) {
    errno = 0;
    assert_null(call(function, block, place));
    assert_int_equal(errno, error);
}

static void wrong_alignments_are_refused_with_einval(void **state) {
    (void)state;
    void *block = must(eddy_malloc(100));
    fill(block, 100, 9);
    size_t before = live_blocks();
    for (size_t f = 0; f < FUNCTIONS; f++) {
        for (size_t i = 0; i < LENGTH(wrong_alignments); i++) {
            assert_refused(f, block, (place_t){wrong_alignments[i], 200, 0}, EINVAL);
            assert_refused(f, NULL, (place_t){wrong_alignments[i], 200, 0}, EINVAL);
        }
    }
    assert_int_equal(live_blocks(), before);
    assert_true(is_filled(block, 100, 9));
    eddy_free(block);
}

static void offsets_beyond_the_size_are_refused_with_einval(void **state) {
    (void)state;
    static const place_t wrong[] = {
        {16, 0, 1}, {64, 100, 101}, {4096, 100, SIZE_MAX}, {1, 1, 2}, {MIB, MIB, MIB + 1},
    };
    void *block = must(eddy_malloc(100));
    fill(block, 100, 9);
    for (size_t f = 0; f < FUNCTIONS / 2; f++) {
        for (size_t i = 0; i < LENGTH(wrong); i++) assert_refused(f, block, wrong[i], EINVAL);
    }
    assert_true(is_filled(block, 100, 9));
    eddy_free(block);
}

static void impossible_alignments_are_refused_with_enomem(void **state) {
    (void)state;
    void *block = must(eddy_malloc(100));
    fill(block, 100, 9);
    size_t before = live_blocks();
    for (size_t f = 0; f < FUNCTIONS; f++) {
        for (size_t alignment = (size_t)1 << 48; alignment != 0; alignment *= 2) {
            assert_refused(f, NULL, (place_t){alignment, 1, 0}, ENOMEM);
            assert_refused(f, NULL, (place_t){alignment, 100, 100}, ENOMEM);
            assert_refused(f, block, (place_t){alignment, MIB, 8}, ENOMEM);
        }
    }
    assert_int_equal(live_blocks(), before);
    assert_true(is_filled(block, 100, 9));
    eddy_free(block);
}

static void calloc_at_holds_the_offset_against_the_product(void **state) {
    (void)state;
    void *block = must(eddy_calloc_aligned_at(10, 10, 64, 100));
    assert_true(is_placed(block, (place_t){64, 100, 100}));
    eddy_free(block);
    errno = 0;
    assert_null(eddy_calloc_aligned_at(10, 10, 64, opaque(101)));
    assert_int_equal(errno, EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malloc_at_keeps_every_place),
        cmocka_unit_test(zalloc_at_keeps_every_place),
        cmocka_unit_test(calloc_at_keeps_every_place),
        cmocka_unit_test(families_without_offset_align_the_block),
        cmocka_unit_test(good_size_is_not_exceeded_without_need),
        cmocka_unit_test(realloc_at_keeps_place_and_contents),
        cmocka_unit_test(rezalloc_at_grows_with_zeros),
        cmocka_unit_test(resizing_without_offset_aligns_the_block),
        cmocka_unit_test(recalloc_at_keeps_place_and_zeros),
        cmocka_unit_test(ordinary_functions_take_blocks_of_any_place),
        cmocka_unit_test(wrong_alignments_are_refused_with_einval),
        cmocka_unit_test(offsets_beyond_the_size_are_refused_with_einval),
        cmocka_unit_test(impossible_alignments_are_refused_with_enomem),
        cmocka_unit_test(calloc_at_holds_the_offset_against_the_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
