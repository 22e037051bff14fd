/* The barrier that pages are taken from running owners with is asked for while that is quick.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/faults.h"
#include "common/sanitizer.h"

static void allocate(void *unused) {
    (void)unused;
    eddy_free(must(eddy_malloc(100)));
}

/* With several threads the kernel takes some ten milliseconds for the answer. */
static void the_first_use_asks_for_it_before_there_are_threads(void **state) {
    (void)state;
    if (TSAN) skip();
    faults_start(FAULT_KIND(OS_BARRIER), SIZE_MAX, ONCE);
    allocate(NULL);
    assert_int_equal(faults_asked(), 1);
    actor_t threads[4];
    for (size_t i = 0; i < LENGTH(threads); i++) actor_start(&threads[i]);
    for (size_t i = 0; i < LENGTH(threads); i++) actor_do(&threads[i], allocate, NULL);
    (void)os_barrier_available();
    assert_int_equal(faults_asked(), 1);
    faults_stop();
    for (size_t i = 0; i < LENGTH(threads); i++) actor_end(&threads[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_use_asks_for_it_before_there_are_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
