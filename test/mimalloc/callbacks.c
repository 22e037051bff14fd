/* Functions of the program that are called.
 * SPDX-License-Identifier: MIT */
#include "common/text.h"
#include "layer.h"

/* ---- deferred free ---- */

typedef struct deferred {
    void *list; /* blocks to free, linked through their first word */
    size_t calls, forced, freed;
    unsigned long long heartbeat;
} deferred_t;

static void free_deferred(bool force, unsigned long long heartbeat, void *argument) {
    deferred_t *deferred = argument;
    deferred->calls++;
    deferred->forced += force;
    assert_true(heartbeat > deferred->heartbeat);
    deferred->heartbeat = heartbeat;
    while (deferred->list != NULL) {
        void *block = deferred->list;
        deferred->list = *(void **)block;
        mi_free(block);
        deferred->freed++;
    }
    /* It may allocate, and is not entered anew by that. */
    for (int i = 0; i < 2000; i++) mi_free(mi_malloc(3000));
}

static void deferred_frees_are_done_by_and_by(void **state) {
    (void)state;
    size_t live = live_blocks();
    deferred_t deferred = {0};
    mi_register_deferred_free(free_deferred, &deferred);
    for (size_t i = 0; i < 100000; i++) {
        void **block = mi_malloc(16 + i % 200);
        assert_non_null(block);
        *block = deferred.list;
        deferred.list = block;
    }
    assert_true(deferred.calls > 10 && deferred.forced == 0);
    assert_true(deferred.freed > 0);
    mi_collect(true);
    assert_int_equal(deferred.forced, 1);
    assert_null(deferred.list);
    mi_register_deferred_free(NULL, NULL);
    size_t calls = deferred.calls;
    mi_collect(true);
    mi_collect_reduce(0);
    assert_int_equal(deferred.calls, calls);
    assert_int_equal(live_blocks(), live);
}

/* ---- output ---- */

static void output_goes_to_the_function(void **state) {
    (void)state;
    static text_t output;
    mi_register_output(text_append, &output);
    mi_stats_print(NULL);
    size_t length = output.length;
    assert_non_null(strstr(output.bytes, "live blocks"));
    mi_options_print();
    assert_non_null(strstr(output.bytes, "purge_delay"));
    assert_true(output.length > length);
    mi_register_output(NULL, NULL);
    length = output.length;
    mi_stats_print_out(text_append, &output);
    mi_thread_stats_print_out(text_append, &output);
    assert_true(output.length > length);
}

/* ---- errors ---- */

typedef struct errors {
    int last;
    size_t count;
} errors_t;

static void note(int error, void *argument) {
    errors_t *errors = argument;
    errors->last = error;
    errors->count++;
}

static void errors_are_passed_on(void **state) {
    (void)state;
    static text_t output;
    errors_t errors = {0};
    int local = 0;
    mi_register_output(text_append, &output);
    mi_register_error(note, &errors);
    mi_free((void *)opaque((uintptr_t)&local));
    assert_int_equal(errors.last, EINVAL);
    assert_true(output.length > 0);
    char *block = mi_malloc(3 * MIB);
    uintptr_t address = (uintptr_t)block;
    mi_free(block);
    mi_free((void *)opaque(address));
    assert_int_equal(errors.last, EAGAIN);
    assert_null(mi_malloc(opaque(SIZE_MAX)));
    assert_int_equal(errors.last, ENOMEM);
    assert_null(mi_calloc(opaque(SIZE_MAX), 2));
    assert_int_equal(errors.count, 4);
    mi_register_error(NULL, NULL);
    assert_null(mi_malloc(opaque(SIZE_MAX)));
    assert_int_equal(errors.count, 4);
    mi_register_output(NULL, NULL);
}

RUN(cmocka_unit_test(deferred_frees_are_done_by_and_by),
    cmocka_unit_test(output_goes_to_the_function), cmocka_unit_test(errors_are_passed_on))
