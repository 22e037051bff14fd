/* realloc and reallocarray: contents, and the corners where standards differ.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <semaphore.h>

#include "standard.h"

/* Small, medium, large and huge blocks, and both sides of the boundaries between them. */
static const size_t sizes[] = {
    1,           16,          24,       100,          1024,      1025,          8 * KIB,
    8 * KIB + 1, 20 * KIB,    64 * KIB, 64 * KIB + 1, 128 * KIB, 128 * KIB + 1, 500 * KIB,
    MIB,         2 * MIB + 8, 4 * MIB,  9 * MIB,
};

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void null_allocates(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = must(realloc(NULL, sizes[i]));
        fill(block, sizes[i], 1);
        free(block);
    }
    free(must(realloc(NULL, 0)));
}

/* glibc and C17 before it; undefined since C23. */
static void size_zero_frees_and_gives_null(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t before = live_blocks();
        void *block = must(malloc(sizes[i]));
        errno = 12345;
        assert_null(realloc(block, opaque(0)));
        assert_int_equal(errno, 12345);
        assert_int_equal(live_blocks(), before);
    }
}

static void contents_survive_every_change_of_size(void **state) {
    (void)state;
    for (unsigned from = 0; from < LENGTH(sizes); from++) {
        for (unsigned to = 0; to < LENGTH(sizes); to++) {
            void *block = must(malloc(sizes[from]));
            fill(block, sizes[from], from);
            block = must(realloc(block, sizes[to]));
            assert_true(malloc_usable_size(block) >= sizes[to]);
            assert_true(is_filled(block, smaller(sizes[from], sizes[to]), from));
            fill(block, sizes[to], to);
            assert_true(is_filled(block, sizes[to], to));
            free(block);
        }
    }
}

/* With neighbours on both sides, so that growing in place is rarely possible. */
static void contents_survive_among_neighbours(void **state) {
    (void)state;
    for (unsigned i = 0; i + 1 < LENGTH(sizes); i++) {
        void *blocks[8];
        for (unsigned j = 0; j < LENGTH(blocks); j++) {
            blocks[j] = must(malloc(sizes[i]));
            fill(blocks[j], sizes[i], j);
        }
        for (unsigned j = 0; j < LENGTH(blocks); j += 2) {
            blocks[j] = must(realloc(blocks[j], sizes[i + 1]));
        }
        for (unsigned j = 0; j < LENGTH(blocks); j++) {
            assert_true(is_filled(blocks[j], sizes[i], j));
            free(blocks[j]);
        }
    }
}

static void a_growing_and_shrinking_array_keeps_its_contents(void **state) {
    (void)state;
    size_t size = 1;
    unsigned char *block = must(malloc(size));
    fill(block, size, 9);
    while (size < 64 * MIB) {
        size_t larger = size * 3 / 2 + 1;
        block = must(realloc(block, larger));
        assert_true(is_filled(block, size, 9));
        size = larger;
        fill(block, size, 9);
    }
    while (size > 1) {
        size = size * 2 / 3;
        block = must(realloc(block, size));
        assert_true(is_filled(block, size, 9));
    }
    free(block);
}

static void growing_by_one_byte_keeps_the_contents(void **state) {
    (void)state;
    unsigned char *block = NULL;
    for (size_t size = 1; size <= 70 * KIB; size++) {
        block = must(realloc(block, size));
        block[size - 1] = (unsigned char)(size * 7);
    }
    for (size_t size = 1; size <= 70 * KIB; size++) {
        assert_int_equal(block[size - 1], (unsigned char)(size * 7));
    }
    free(block);
}

static void within_the_usable_size_the_block_need_not_move(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        char *block = must(malloc(sizes[i]));
        size_t usable = malloc_usable_size(block);
        uintptr_t before = (uintptr_t)block;
        block = must(realloc(block, usable));
        assert_int_equal((uintptr_t)block, before);
        free(block);
    }
}

static void shrinking_far_returns_memory(void **state) {
    (void)state;
    void *block = must(malloc(64 * MIB));
    block = must(realloc(block, 100));
    assert_true(malloc_usable_size(block) < MIB);
    free(block);
}

static void aligned_blocks_keep_their_contents(void **state) {
    (void)state;
    for (size_t alignment = 16; alignment <= 4 * MIB; alignment *= 4) {
        for (unsigned i = 0; i + 1 < LENGTH(sizes); i++) {
            void *block = must(aligned_alloc(alignment, sizes[i]));
            fill(block, sizes[i], i);
            block = must(realloc(block, sizes[i + 1]));
            assert_true(is_filled(block, sizes[i], i));
            free(block);
        }
    }
}

static void success_leaks_nothing(void **state) {
    (void)state;
    size_t before = live_blocks();
    void *block = NULL;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        block = must(realloc(block, sizes[i]));
        assert_int_equal(live_blocks(), before + 1);
    }
    free(block);
    assert_int_equal(live_blocks(), before);
}

/* ---- as the first call of a thread ---- */

enum { NEIGHBOURS = 8 };

/* Blocks among each other, so that few of them can grow where they lie. */
static void make_neighbours(void *blocks[], size_t size) {
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        blocks[i] = must(malloc(size));
        fill(blocks[i], size, i);
    }
}

static void *double_to_400_kib(void *block) { return realloc(block, 400 * KIB); }

static void a_thread_may_begin_by_growing_what_another_made(void **state) {
    (void)state;
    void *blocks[NEIGHBOURS];
    make_neighbours(blocks, 200 * KIB);
    bool any_moved = false;
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        void *grown = must(run_thread(double_to_400_kib, blocks[i]));
        any_moved = any_moved || grown != blocks[i];
        assert_true(is_filled(grown, 200 * KIB, i));
        free(grown);
    }
    assert_true(any_moved);
}

static pthread_key_t late_key;
static void *late_blocks[NEIGHBOURS];

/* Behind the exit handler of Eddy, whichever of the two comes first in a round. */
static void grow_in_second_round(void *value) {
    static _Thread_local bool is_second;
    if (!is_second) {
        is_second = true;
        pthread_setspecific(late_key, value);
        return;
    }
    void **block = value;
    *block = double_to_400_kib(*block);
}

static void *end_with_growing(void *block) {
    free(malloc(10));
    pthread_setspecific(late_key, block);
    return NULL;
}

static void a_thread_may_begin_again_with_it_in_its_last_destructors(void **state) {
    (void)state;
    assert_int_equal(pthread_key_create(&late_key, grow_in_second_round), 0);
    make_neighbours(late_blocks, 200 * KIB);
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        run_thread(end_with_growing, &late_blocks[i]);
        assert_true(is_filled(must(late_blocks[i]), 200 * KIB, i));
        free(late_blocks[i]);
    }
    pthread_key_delete(late_key);
}

static sem_t nothing_is_left;

static void *grow_when_nothing_is_left(void *block) {
    while (sem_wait(&nothing_is_left) != 0) continue;
    errno = 0;
    check(realloc(block, 15000) == NULL && errno == ENOMEM);
    return block;
}

static void exhaust(void) {
    static const size_t wanted[] = {60 * KIB, 18000, 15000};
    for (size_t i = 0; i < LENGTH(wanted); i++) {
        while (malloc(opaque(wanted[i])) != NULL) continue;
    }
}

static void begin_when_nothing_is_left(void) {
    pthread_t thread;
    void *block = malloc(14000);
    check(block != NULL && sem_init(&nothing_is_left, 0, 0) == 0);
    fill(block, 14000, 1);
    check(pthread_create(&thread, NULL, grow_when_nothing_is_left, block) == 0);
    eddy_option_set(EDDY_OPTION_LIMIT, (long)(64 * MIB));
    exhaust();
    sem_post(&nothing_is_left);
    check(pthread_join(thread, NULL) == 0 && is_filled(block, 14000, 1));
}

static void a_thread_may_begin_with_it_in_vain(void **state) {
    (void)state;
    assert_in_child(begin_when_nothing_is_left);
}

static void reallocarray_resizes_to_the_product(void **state) {
    (void)state;
    void *block = must(reallocarray(NULL, 10, 100));
    fill(block, 1000, 3);
    block = must(reallocarray(block, 1000, 1000));
    assert_true(malloc_usable_size(block) >= 1000000);
    assert_true(is_filled(block, 1000, 3));
    free(block);
}

static void reallocarray_of_zero_frees(void **state) {
    (void)state;
    size_t before = live_blocks();
    assert_null(reallocarray(must(malloc(100)), opaque(0), 8));
    assert_null(reallocarray(must(malloc(100)), 8, opaque(0)));
    assert_int_equal(live_blocks(), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_allocates),
        cmocka_unit_test(size_zero_frees_and_gives_null),
        cmocka_unit_test(contents_survive_every_change_of_size),
        cmocka_unit_test(contents_survive_among_neighbours),
        cmocka_unit_test(a_growing_and_shrinking_array_keeps_its_contents),
        cmocka_unit_test(growing_by_one_byte_keeps_the_contents),
        cmocka_unit_test(within_the_usable_size_the_block_need_not_move),
        cmocka_unit_test(shrinking_far_returns_memory),
        cmocka_unit_test(aligned_blocks_keep_their_contents),
        cmocka_unit_test(success_leaks_nothing),
        cmocka_unit_test(a_thread_may_begin_by_growing_what_another_made),
        cmocka_unit_test(a_thread_may_begin_again_with_it_in_its_last_destructors),
        cmocka_unit_test(a_thread_may_begin_with_it_in_vain),
        cmocka_unit_test(reallocarray_resizes_to_the_product),
        cmocka_unit_test(reallocarray_of_zero_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
