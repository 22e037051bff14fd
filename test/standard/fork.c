/* A child has a whole allocator, whatever the threads of its parent did at that moment.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <pthread.h>

#include "standard.h"

static const size_t sizes[] = {1, 100, 1500, 20000, 70 * KIB, 200 * KIB};

enum { HELD = 60 };

static void *held[HELD];

static size_t held_size(size_t i) { return sizes[i % LENGTH(sizes)] / 2 + i; }

static int hold_blocks(void **state) {
    (void)state;
    for (unsigned i = 0; i < HELD; i++) {
        held[i] = malloc(held_size(i));
        if (held[i] == NULL) return -1;
        fill(held[i], held_size(i), i);
    }
    return 0;
}

static int drop_blocks(void **state) {
    (void)state;
    for (unsigned i = 0; i < HELD; i++) {
        if (!is_filled(held[i], held_size(i), i)) return -1;
        free(held[i]);
    }
    return 0;
}

static void child_allocates(void) {
    static void *blocks[60];
    for (unsigned i = 0; i < LENGTH(blocks); i++) {
        size_t size = sizes[i % 5];
        check((blocks[i] = malloc(size)) != NULL);
        fill(blocks[i], size, i);
    }
    for (unsigned i = 0; i < LENGTH(blocks); i++) {
        check(is_filled(blocks[i], sizes[i % 5], i));
        free(blocks[i]);
    }
}

static void child_uses_inherited_blocks(void) {
    for (unsigned i = 0; i < HELD; i++) {
        check(is_filled(held[i], held_size(i), i));
        check(malloc_usable_size(held[i]) >= held_size(i));
        if (i % 2 == 0) {
            free(held[i]);
        } else {
            check((held[i] = realloc(held[i], 2 * held_size(i))) != NULL);
            check(is_filled(held[i], held_size(i), i));
        }
    }
    child_allocates();
}

static void *allocate_in_thread(void *unused) {
    child_allocates();
    return unused;
}

static void child_starts_threads(void) {
    for (size_t i = 0; i < 3; i++) run_thread(allocate_in_thread, NULL);
    child_uses_inherited_blocks();
}

static void child_forks_again(void) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
        child_uses_inherited_blocks();
        _exit(EXIT_SUCCESS);
    }
    child_allocates();
    child_wait(grandchild);
}

static void child_leaves_through_exit(void) {
    child_allocates();
    exit(EXIT_SUCCESS);
}

static void a_child_allocates(void **state) {
    (void)state;
    assert_in_child(child_allocates);
}

static void a_child_frees_and_resizes_what_it_inherited(void **state) {
    (void)state;
    assert_in_child(child_uses_inherited_blocks);
}

static void a_child_starts_threads(void **state) {
    (void)state;
    assert_in_child(child_starts_threads);
}

static void a_child_forks_again(void **state) {
    (void)state;
    assert_in_child(child_forks_again);
}

static void a_child_without_handlers_allocates(void **state) {
    (void)state;
    pid_t child = _Fork();
    if (child == 0) {
        child_uses_inherited_blocks();
        _exit(EXIT_SUCCESS);
    }
    assert_int_equal(wait_for(child), 0);
}

/* ---- from a threaded process ---- */

enum { THREADS = 3, FORKS = 100 };

static _Atomic bool stop;
static pthread_t threads[THREADS];

/* Every kind of block, and an exchange with the other threads. */
static void *churn(void *unused) {
    static void *exchange[64];
    (void)unused;
    for (unsigned i = 0; !stop; i++) {
        void *block = malloc(sizes[i % LENGTH(sizes)] + i % 100);
        if (block != NULL) memset(block, 1, 1);
        free(__atomic_exchange_n(&exchange[i * 7 % 64], block, __ATOMIC_ACQ_REL));
    }
    for (size_t i = 0; i < 64; i++) {
        free(__atomic_exchange_n(&exchange[i], NULL, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static void start_churning(void) {
    stop = false;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, churn, NULL), 0);
    }
}

static void stop_churning(void) {
    stop = true;
    for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void forked_while_threads_allocate(void (*child)(void)) {
    start_churning();
    for (size_t i = 0; i < FORKS; i++) assert_in_child(child);
    stop_churning();
}

static void a_child_of_a_threaded_process_allocates(void **state) {
    (void)state;
    forked_while_threads_allocate(child_uses_inherited_blocks);
}

static void a_child_of_a_threaded_process_starts_threads(void **state) {
    (void)state;
    forked_while_threads_allocate(child_starts_threads);
}

static void a_child_of_a_threaded_process_leaves_through_exit(void **state) {
    (void)state;
    forked_while_threads_allocate(child_leaves_through_exit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_allocates),
        cmocka_unit_test(a_child_frees_and_resizes_what_it_inherited),
        cmocka_unit_test(a_child_starts_threads),
        cmocka_unit_test(a_child_forks_again),
        cmocka_unit_test(a_child_without_handlers_allocates),
        cmocka_unit_test(a_child_of_a_threaded_process_allocates),
        cmocka_unit_test(a_child_of_a_threaded_process_starts_threads),
        cmocka_unit_test(a_child_of_a_threaded_process_leaves_through_exit),
    };
    return cmocka_run_group_tests(tests, hold_blocks, drop_blocks);
}
