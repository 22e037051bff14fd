/* Before main, after main, and while threads end.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "standard.h"

static const size_t sizes[] = {1, 100, 3000, 20000, 300 * KIB, 3 * MIB};

static size_t written(unsigned i) { return sizes[i] < 4 * KIB ? sizes[i] : 4 * KIB; }

/* A block of each kind, its beginning written and checked, then freed. False when one could not be
 * had. */
static bool allocate_all_kinds(void) {
    void *blocks[LENGTH(sizes)];
    bool good = true;
    for (unsigned i = 0; i < LENGTH(sizes); i++) {
        blocks[i] = malloc(sizes[i]);
        if (blocks[i] != NULL) fill(blocks[i], written(i), i);
    }
    for (unsigned i = 0; i < LENGTH(sizes); i++) {
        good = good && blocks[i] != NULL && is_filled(blocks[i], written(i), i);
        free(blocks[i]);
    }
    return good;
}

/* ---- before and after main ---- */

static bool good_before_main;
static void *made_before_main;

__attribute__((constructor(101))) static void before_main(void) {
    good_before_main = allocate_all_kinds();
    made_before_main = malloc(1000);
    if (made_before_main != NULL) fill(made_before_main, 1000, 1);
}

static void constructors_allocate(void **state) {
    (void)state;
    assert_true(good_before_main);
    assert_true(is_filled(made_before_main, 1000, 1));
    free(made_before_main);
}

static void exit_badly_unless(bool good) {
    if (!good) _exit(EXIT_FAILURE);
}

static void *kept_to_the_end;

static void at_exit(void) {
    exit_badly_unless(is_filled(kept_to_the_end, 5000, 2));
    free(kept_to_the_end);
    exit_badly_unless(allocate_all_kinds());
}

__attribute__((destructor(101))) static void after_exit_handlers(void) {
    exit_badly_unless(allocate_all_kinds());
}

static void leave_through_exit(void) {
    kept_to_the_end = malloc(5000);
    check(kept_to_the_end != NULL);
    fill(kept_to_the_end, 5000, 2);
    check(atexit(at_exit) == 0);
    exit(EXIT_SUCCESS);
}

static void exit_handlers_and_destructors_allocate(void **state) {
    (void)state;
    assert_in_child(leave_through_exit);
}

static void *exit_from_here(void *unused) {
    (void)unused;
    leave_through_exit();
    return NULL;
}

static void leave_from_a_thread(void) {
    pthread_t thread;
    check(pthread_create(&thread, NULL, exit_from_here, NULL) == 0);
    for (;;) pause();
}

static void exit_may_be_called_by_any_thread(void **state) {
    (void)state;
    assert_in_child(leave_from_a_thread);
}

/* ---- the end of a thread ---- */

enum { KEYS = 8, ROUNDS = 4 /* PTHREAD_DESTRUCTOR_ITERATIONS */ };

static pthread_key_t keys[KEYS];
static _Atomic unsigned destructor_calls, destructor_failures;

typedef struct last_words {
    pthread_key_t key;
    unsigned round;
    char text[3000];
} last_words_t;

/* Frees what the round before made and makes it anew: each round begins with a block to free. */
static void run_destructor(void *value) {
    last_words_t *words = value;
    pthread_key_t key = words->key;
    unsigned round = words->round + 1;
    destructor_calls++;
    if (!allocate_all_kinds()) destructor_failures++;
    free(words);
    if (round == ROUNDS) return;
    words = malloc(sizeof *words);
    if (words == NULL) {
        destructor_failures++;
        return;
    }
    *words = (last_words_t){.key = key, .round = round};
    pthread_setspecific(key, words);
}

static void *set_all_keys(void *unused) {
    (void)unused;
    for (size_t i = 0; i < KEYS; i++) {
        last_words_t *words = calloc(1, sizeof *words);
        if (words == NULL) return NULL;
        words->key = keys[i];
        pthread_setspecific(keys[i], words);
    }
    return NULL;
}

static void thread_local_destructors_of_every_round_allocate(void **state) {
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(pthread_key_create(&keys[i], run_destructor), 0);
    }
    run_thread(set_all_keys, NULL);
    size_t before = live_blocks();
    destructor_calls = 0;
    for (size_t i = 0; i < 100; i++) run_thread(set_all_keys, NULL);
    assert_int_equal(destructor_calls, 100 * KEYS * ROUNDS);
    assert_int_equal(destructor_failures, 0);
    assert_int_equal(live_blocks(), before);
    for (size_t i = 0; i < KEYS; i++) pthread_key_delete(keys[i]);
}

/* A thread whose first block is made by the destructor of the last round. */
static void allocate_in_last_round(void *value) {
    uintptr_t round = (uintptr_t)value;
    if (round < ROUNDS) {
        pthread_setspecific(keys[0], (void *)(round + 1));
    } else if (!allocate_all_kinds()) {
        destructor_failures++;
    }
}

static void *set_a_round(void *unused) {
    (void)unused;
    pthread_setspecific(keys[0], (void *)(uintptr_t)1);
    return NULL;
}

static void heaps_made_in_the_last_round_are_not_lost(void **state) {
    (void)state;
    eddy_stats_t before, after;
    assert_int_equal(pthread_key_create(&keys[0], allocate_in_last_round), 0);
    for (size_t i = 0; i < 200; i++) run_thread(set_a_round, NULL);
    eddy_stats_get(&before, sizeof before);
    for (size_t i = 0; i < 1000; i++) run_thread(set_a_round, NULL);
    eddy_collect();
    eddy_stats_get(&after, sizeof after);
    assert_int_equal(destructor_failures, 0);
    assert_int_equal(after.live_blocks, before.live_blocks);
    assert_true(after.metadata <= before.metadata + 256 * KIB);
    assert_true(after.opened <= before.opened + 16 * MIB);
    pthread_key_delete(keys[0]);
}

static void *allocate_and_end(void *unused) {
    (void)unused;
    return allocate_all_kinds() ? NULL : &keys;
}

static void thousands_of_short_threads_leave_nothing(void **state) {
    (void)state;
    eddy_stats_t before, after;
    for (size_t i = 0; i < 100; i++) run_thread(allocate_and_end, NULL);
    eddy_stats_get(&before, sizeof before);
    for (size_t i = 0; i < 3000; i++) run_thread(allocate_and_end, NULL);
    eddy_stats_get(&after, sizeof after);
    assert_int_equal(after.live_blocks, before.live_blocks);
    assert_true(after.metadata <= before.metadata + 256 * KIB);
    assert_true(after.opened <= before.opened + 16 * MIB);
}

static void *leave_a_block(void *slot) {
    void *block = malloc(3000);
    if (block != NULL) fill(block, 3000, 3);
    *(void **)slot = block;
    return NULL;
}

static void blocks_outlive_their_thread(void **state) {
    (void)state;
    enum { COUNT = 200 };
    void *blocks[COUNT];
    run_thread(leave_a_block, &blocks[0]);
    free(blocks[0]);
    size_t before = live_blocks();
    for (size_t i = 0; i < COUNT; i++) run_thread(leave_a_block, &blocks[i]);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(is_filled(must(blocks[i]), 3000, 3));
        free(blocks[i]);
    }
    assert_int_equal(live_blocks(), before);
}

static void *free_only(void *block) {
    free(block);
    return NULL;
}

static void threads_that_only_free_work(void **state) {
    (void)state;
    run_thread(free_only, NULL);
    size_t before = live_blocks();
    for (size_t i = 0; i < 1000; i++) run_thread(free_only, must(malloc(i * 10)));
    assert_int_equal(live_blocks(), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constructors_allocate),
        cmocka_unit_test(exit_handlers_and_destructors_allocate),
        cmocka_unit_test(exit_may_be_called_by_any_thread),
        cmocka_unit_test(thread_local_destructors_of_every_round_allocate),
        cmocka_unit_test(heaps_made_in_the_last_round_are_not_lost),
        cmocka_unit_test(thousands_of_short_threads_leave_nothing),
        cmocka_unit_test(blocks_outlive_their_thread),
        cmocka_unit_test(threads_that_only_free_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
