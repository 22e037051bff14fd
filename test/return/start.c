/* Where the thread that returns memory starts, and where it does not: inside the C library, which
 * calls malloc and free and the program's own handlers. Each test is a process of its own, which
 * does not hang.
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>

#include "common/guest.h"

static void want_it(bool wanted) {
    check(eddy_option_set(EDDY_OPTION_SCAVENGER, wanted ? 2 : 0) == 0);
}

static void wait_until_alone(void) {
    for (int ms = 0; ms < PATIENCE_MS && kernel_threads() > 1; ms += 20) pause_ms(20);
    check(kernel_threads() == 1);
}

/* ---- forks ---- */

/* At the end of the latest handler. */
static size_t threads_seen;

static void burst_in_handler(void) {
    burst(LITTLE);
    threads_seen = kernel_threads();
}

/* It was started in the handler of the child, which is like any other process. */
static void live_on(void) {
    check(threads_seen == 2);
    run_thread(burst_in_thread, NULL);
    pid_t child = fork();
    if (child == 0) _exit(EXIT_SUCCESS);
    child_wait(child);
}

static void fork_with_handlers(void) {
    check(pthread_atfork(burst_in_handler, burst_in_handler, burst_in_handler) == 0);
    for (int i = 0; i < 5; i++) {
        want_it(false);
        wait_until_alone();
        want_it(true);
        pid_t child = fork();
        if (child == 0) {
            live_on();
            exit(EXIT_SUCCESS);
        }
        check(threads_seen == 2);
        child_wait(child);
    }
}

static void handlers_of_fork_may_allocate_much(void **state) {
    (void)state;
    assert_in_child(fork_with_handlers);
}

/* ---- threads come and go ---- */

static void *nothing(void *unused) { return unused; }

/* The C library frees the stacks of ended threads under a lock that starting a thread takes. */
static void many_stacks(void) {
    want_it(true);
    pthread_attr_t large;
    check(pthread_attr_init(&large) == 0);
    check(pthread_attr_setstacksize(&large, 24 << 20) == 0);
    for (int i = 0; i < 300; i++) {
        pthread_t ids[4];
        for (size_t j = 0; j < LENGTH(ids); j++) {
            check(pthread_create(&ids[j], &large, j % 2 ? nothing : burst_in_thread, NULL) == 0);
        }
        for (size_t j = 0; j < LENGTH(ids); j++) check(pthread_join(ids[j], NULL) == 0);
    }
}

static void threads_with_large_stacks_come_and_go(void **state) {
    (void)state;
    assert_in_child(many_stacks);
}

static pthread_key_t last;

static void burst_at_end(void *unused) {
    (void)unused;
    want_it(true);
    burst(LITTLE);
    /* This one and the one that waits for it. */
    check(kernel_threads() == 2);
}

static void *end_with_burst(void *unused) {
    burst(LITTLE);
    check(pthread_setspecific(last, &last) == 0);
    return unused;
}

/* In the record of the thread that ended. */
static void *start_in_thread(void *unused) {
    start_it();
    return unused;
}

static void end_threads(void) {
    want_it(false);
    check(pthread_key_create(&last, burst_at_end) == 0);
    run_thread(end_with_burst, NULL);
    run_thread(start_in_thread, NULL);
}

static void a_thread_that_ends_does_not_start_it(void **state) {
    (void)state;
    assert_in_child(end_threads);
}

/* ---- libraries come and go ---- */

static void load_often(void) {
    want_it(true);
    for (int i = 0; i < 200; i++) {
        void *library = dlopen("libm.so.6", RTLD_NOW);
        check(library != NULL && dlclose(library) == 0);
    }
}

static void loading_does_not_start_it_under_the_loader(void **state) {
    (void)state;
    assert_in_child(load_often);
}

/* Each thread's part of such a library is made by the loader when the thread first touches it. */
static void *touch_thread_locals(void *library) {
    char *(*room)(void) = (char *(*)(void))(uintptr_t)dlsym(library, "room");
    check(room != NULL);
    room()[0] = 1;
    burst(LITTLE / 8);
    return NULL;
}

static void load_thread_locals(void) {
    want_it(true);
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        void *library = dlopen(THREAD_LOCAL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
        check(library != NULL);
        check(pthread_create(&thread, NULL, touch_thread_locals, library) == 0);
        touch_thread_locals(library);
        check(pthread_join(thread, NULL) == 0);
        check(dlclose(library) == 0);
    }
}

static void libraries_with_thread_locals_come_and_go(void **state) {
    (void)state;
    assert_in_child(load_thread_locals);
}

static void load_allocating(void) {
    for (int i = 0; i < 5; i++) {
        want_it(false);
        wait_until_alone();
        want_it(true);
        void *library = dlopen(ALLOCATING_LIBRARY, RTLD_NOW | RTLD_LOCAL);
        check(library != NULL && kernel_threads() == 2);
        check(dlclose(library) == 0);
    }
}

static void a_library_may_allocate_much_as_it_comes_and_goes(void **state) {
    (void)state;
    assert_in_child(load_allocating);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handlers_of_fork_may_allocate_much),
        cmocka_unit_test(threads_with_large_stacks_come_and_go),
        cmocka_unit_test(a_thread_that_ends_does_not_start_it),
        cmocka_unit_test(loading_does_not_start_it_under_the_loader),
        cmocka_unit_test(libraries_with_thread_locals_come_and_go),
        cmocka_unit_test(a_library_may_allocate_much_as_it_comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
