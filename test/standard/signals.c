/* Handlers of signals that interrupted code outside the allocator may allocate.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "standard.h"

static const size_t sizes[] = {1, 100, 3000, 20000, 300 * KIB, 3 * MIB};

static volatile sig_atomic_t handled, failed;
static void *passed_on; /* made by one signal, freed by the next */

static void allocate_in_handler(int number) {
    (void)number;
    int saved = errno;
    if (passed_on != NULL && !is_filled(passed_on, 500, 1)) failed = 1;
    free(passed_on);
    passed_on = malloc(500);
    if (passed_on != NULL) fill(passed_on, 500, 1);
    for (unsigned i = 0; i < LENGTH(sizes); i++) {
        void *block = calloc(1, sizes[i]);
        if (block == NULL || !is_zero(block, sizes[i])) failed = 1;
        if (block != NULL) memset(block, 0xff, sizes[i]);
        free(block);
    }
    handled = handled + 1;
    errno = saved;
}

static void handle(int number, int flags) {
    struct sigaction action = {.sa_handler = allocate_in_handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(number, &action, NULL), 0);
    handled = failed = 0;
}

static void a_raised_signal_may_allocate(void **state) {
    (void)state;
    handle(SIGUSR1, 0);
    for (size_t i = 0; i < 200; i++) {
        void *block = must(malloc(i * 100));
        fill(block, i * 100, 2);
        raise(SIGUSR1);
        assert_true(is_filled(block, i * 100, 2));
        free(block);
    }
    assert_int_equal(handled, 200);
    assert_int_equal(failed, 0);
}

static void start_timer(suseconds_t microseconds) {
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* The loop computes and holds blocks, but is never inside the allocator when the signal comes. */
static void a_timer_may_allocate_while_the_program_computes(void **state) {
    (void)state;
    sigset_t timer;
    sigemptyset(&timer);
    sigaddset(&timer, SIGALRM);
    handle(SIGALRM, SA_RESTART);
    start_timer(1000);
    for (unsigned round = 0; handled < 100; round++) {
        assert_int_equal(pthread_sigmask(SIG_BLOCK, &timer, NULL), 0);
        void *block = must(malloc(round % 5000 + 1));
        assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &timer, NULL), 0);
        fill(block, round % 5000 + 1, round);
        assert_true(is_filled(block, round % 5000 + 1, round));
        assert_int_equal(pthread_sigmask(SIG_BLOCK, &timer, NULL), 0);
        free(block);
        assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &timer, NULL), 0);
    }
    start_timer(0);
    assert_int_equal(failed, 0);
}

static void *raise_on_small_stack(void *unused) {
    (void)unused;
    static char stack[16 << 10];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    if (sigaltstack(&alternate, NULL) == 0) pthread_kill(pthread_self(), SIGUSR2);
    alternate.ss_flags = SS_DISABLE;
    sigaltstack(&alternate, NULL);
    return NULL;
}

/* The first thing that this thread ever allocates, on a stack of 16 KiB. */
static void a_first_allocation_fits_a_signal_stack(void **state) {
    (void)state;
    handle(SIGUSR2, SA_ONSTACK);
    run_thread(raise_on_small_stack, NULL);
    assert_int_equal(handled, 1);
    assert_int_equal(failed, 0);
}

static sigjmp_buf back;

static void allocate_and_jump(int number) {
    allocate_in_handler(number);
    siglongjmp(back, 1);
}

static void a_handler_may_leave_by_a_jump(void **state) {
    (void)state;
    handle(SIGUSR1, 0);
    assert_true(signal(SIGUSR1, allocate_and_jump) != SIG_ERR);
    for (volatile int i = 0; i < 100; i++) {
        if (sigsetjmp(back, 1) == 0) raise(SIGUSR1);
        free(must(malloc(100)));
    }
    assert_int_equal(handled, 100);
    assert_int_equal(failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_raised_signal_may_allocate),
        cmocka_unit_test(a_timer_may_allocate_while_the_program_computes),
        cmocka_unit_test(a_first_allocation_fits_a_signal_stack),
        cmocka_unit_test(a_handler_may_leave_by_a_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
