/* A kernel that is short of memory for itself returns none, and holds nobody up. Takes the place
 * of a function of the C library in this program.
 * SPDX-License-Identifier: MIT */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "common/alone.h"
#include "common/test.h"

static bool busy;
static size_t calls;

int madvise(void *address, size_t bytes, int advice) {
    calls++;
    if (!busy) return (int)syscall(SYS_madvise, address, bytes, advice);
    check(calls < 1000);
    errno = EAGAIN;
    return -1;
}

static void a_busy_kernel_is_asked_once_and_again_later(void **state) {
    (void)state;
    void *object = must(eddy_malloc(MIB));
    memset(object, 1, MIB);
    eddy_free(object);
    busy = true;
    calls = 0;
    errno = 12345;
    assert_int_equal(eddy_collect(), 0);
    assert_int_equal(errno, 12345);
    assert_int_equal(calls, 1);
    busy = false;
    assert_true(eddy_collect() >= MIB);
}

static void use_first(void) {
    busy = true;
    void *block = eddy_malloc(100);
    check(block != NULL);
    eddy_free(block);
}

static void a_busy_kernel_does_not_hold_up_the_first_use(void **state) {
    (void)state;
    assert_in_child(use_first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_kernel_does_not_hold_up_the_first_use),
        cmocka_unit_test(a_busy_kernel_is_asked_once_and_again_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
