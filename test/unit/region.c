/* Address space: what happens when reserving or opening it is refused, at every call. Each scenario
 * runs in a child process of its own, which has not used Eddy before.
 * SPDX-License-Identifier: MIT */
#include "memory/region.h"

#include <sys/resource.h>

#include "common/alone.h"
#include "common/faults.h"
#include "common/test.h"
#include "memory/span.h"

enum {
    FIRST_USE_CALLS = 20, /* to the kernel about memory, at most */
    FAILED_CALLS = 6,     /* the same, of a malloc that fails for good: it tries twice */
    BLOCKS = 60
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LIMITS_WORK = false }; /* sanitizers map terabytes */
#else
enum { LIMITS_WORK = true };
#endif

static const size_t sizes[] = {1, 1 * KIB, 9 * KIB, 64 * KIB, 65 * KIB, 3 * MIB};

/* Calls to the kernel about memory, refused ones included. */
static size_t calls(void) { return os_memory_calls() + faults_refused(); }

/* A block of each size, or NULL and ENOMEM. */
static void allocate_or_fail(void) {
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        errno = 0;
        void *block = eddy_malloc(sizes[i]);
        check(block != NULL || errno == ENOMEM);
        if (block != NULL) fill(block, sizes[i], 1);
        eddy_free(block);
    }
}

static void all_sizes_work(void) {
    void *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = eddy_malloc(sizes[i % LENGTH(sizes)]);
        check(blocks[i] != NULL);
        fill(blocks[i], size_min(sizes[i % LENGTH(sizes)], KIB), i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        check(is_filled(blocks[i], size_min(sizes[i % LENGTH(sizes)], KIB), i));
        eddy_free(blocks[i]);
    }
    check(live_blocks() == 0);
}

/* ---- first use ---- */

static size_t nth;
static fault_duration_t duration;

static void use_first_with_a_refusal(void) {
    faults_start(FAULT_ALL, nth, duration);
    allocate_or_fail();
    bool over = faults_refused() == 0;
    faults_stop();
    all_sizes_work();
    _exit(over ? SKIPPED : 0);
}

/* For every n, until the n-th call is not made any more. */
static void refuse_every_call_of_the_first_use(fault_duration_t how_long) {
    duration = how_long;
    int status = 0;
    for (nth = 1; status == 0; nth++) status = status_in_child(use_first_with_a_refusal);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SKIPPED);
    assert_true(nth > 5);
}

static void first_use_survives_any_one_refusal(void **state) {
    (void)state;
    refuse_every_call_of_the_first_use(ONCE);
}

static void first_use_succeeds_after_refusals_without_end(void **state) {
    (void)state;
    refuse_every_call_of_the_first_use(FOR_EVER);
}

static void use_first_and_count(void) {
    faults_start(FAULT_ALL, nth, duration);
    eddy_free(eddy_malloc(1));
    check(calls() <= FIRST_USE_CALLS);
}

static void first_use_costs_few_calls_whatever_is_refused(void **state) {
    (void)state;
    for (nth = 1; nth <= FIRST_USE_CALLS; nth++) {
        for (duration = ONCE; duration <= FOR_EVER; duration++)
            assert_in_child(use_first_and_count);
    }
}

static void fail_to_start_again_and_again(void) {
    faults_start(FAULT_MEMORY, 1, FOR_EVER);
    check(eddy_malloc(1) == NULL);
    for (unsigned i = 0; i < 100; i++) {
        size_t before = calls();
        check(eddy_malloc(sizes[i % LENGTH(sizes)]) == NULL);
        check(calls() - before <= FAILED_CALLS);
    }
    faults_stop();
    all_sizes_work();
}

static void a_start_that_fails_for_good_costs_few_calls_each_time(void **state) {
    (void)state;
    assert_in_child(fail_to_start_again_and_again);
}

static void speak_once(void) {
    int ends[2];
    char text[1000];
    check(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    setenv("EDDY_LIMIT", "nonsense", 1);
    faults_start(FAULT_MEMORY, 1, FOR_EVER);
    check(eddy_malloc(1) == NULL && eddy_malloc(1) == NULL);
    faults_stop();
    check(eddy_option_set(EDDY_OPTION_STATS, 0) == 0);
    eddy_free(eddy_malloc(1));
    ssize_t length = read(ends[0], text, sizeof text - 1);
    check(length > 0);
    text[length] = '\0';
    check(strchr(text, '\n') == text + length - 1);
}

static void options_are_read_once_even_if_the_start_fails(void **state) {
    (void)state;
    assert_in_child(speak_once);
}

static void start_verbosely(void) {
    int ends[2];
    char text[1000], expected[100];
    check(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    setenv("EDDY_VERBOSE", "1", 1);
    eddy_free(eddy_malloc(1));
    ssize_t length = read(ends[0], text, sizeof text - 1);
    check(length > 0);
    text[length] = '\0';
    snprintf(expected, sizeof expected, "eddy: %zu MiB of address space described, %zu reserved;",
             window.slices * SLICE_BYTES / MIB, region_at(0)->reserved * SLICE_BYTES / MIB);
    check(strstr(text, expected) == text);
    check(strchr(text, '\n') == text + length - 1);
}

static void a_verbose_start_says_what_was_found(void **state) {
    (void)state;
    assert_in_child(start_verbosely);
}

/* ---- what cannot be given back ---- */

static size_t reservations;

static bool refuse_unmapping(os_call_t call) { return call == OS_UNMAP; }

static bool refuse_descriptors_and_unmapping(os_call_t call) {
    return call == OS_UNMAP || (call == OS_RESERVE && reservations++ > 0);
}

/* The first region is granted and cannot be used. */
static void start_without_unmapping(void) {
    os_fault = refuse_descriptors_and_unmapping;
    check(eddy_malloc(1) == NULL);
    size_t lost = region_lost();
    check(lost > 0);
    os_fault = refuse_unmapping;
    size_t before = os_memory_calls();
    for (unsigned i = 0; i < 10; i++) check(eddy_malloc(1) == NULL);
    check(os_memory_calls() - before <= 1 && region_lost() == lost);
    os_fault = NULL;
    all_sizes_work();
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    size_t reserved = lost;
    for (size_t i = 0; i < region_count(); i++) reserved += region_at(i)->reserved;
    check(stats.reserved == reserved * SLICE_BYTES);
}

static void what_cannot_be_unmapped_counts_as_reserved_and_is_not_asked_for_again(void **state) {
    (void)state;
    assert_in_child(start_without_unmapping);
}

/* ---- later ---- */

static void fail_for_good(void) {
    static void *blocks[10000];
    size_t count = 0;
    all_sizes_work();
    eddy_collect();
    faults_start(FAULT_ALL, 1, FOR_EVER);
    /* What is open already is used up first: no two slices side by side are left. */
    while ((blocks[count] = eddy_malloc(SLICE_BYTES + 1)) != NULL) count++;
    for (unsigned i = 0; i < 100; i++) {
        size_t before = calls();
        check(eddy_malloc(SLICE_BYTES + sizes[i % LENGTH(sizes)]) == NULL);
        check(eddy_malloc_aligned(SLICE_BYTES, 4 * MIB) == NULL);
        check(eddy_zalloc(MIB) == NULL);
        check(calls() - before <= 3 * FAILED_CALLS);
    }
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t before = calls();
        while (eddy_malloc(sizes[i]) != NULL) before = calls();
        check(errno == ENOMEM && calls() - before <= FAILED_CALLS);
    }
    while (count > 0) eddy_free(blocks[--count]);
    faults_stop();
    must(eddy_malloc(20 * MIB));
}

static void a_malloc_that_fails_for_good_costs_few_calls(void **state) {
    (void)state;
    assert_in_child(fail_for_good);
}

/* Descriptors of slices can be had where the slices themselves are refused. */
static void fail_by_limit_on_data(void) {
    size_t held[LENGTH(sizes)] = {0};
    struct rlimit limit = {64 * MIB, 64 * MIB};
    all_sizes_work();
    check(setrlimit(RLIMIT_DATA, &limit) == 0);
    for (size_t i = LENGTH(sizes); i-- > 0;) {
        while (eddy_malloc(sizes[i]) != NULL) held[i]++;
        for (unsigned round = 0; round < 10; round++) {
            size_t before = calls();
            check(eddy_malloc(sizes[i]) == NULL && errno == ENOMEM);
            check(calls() - before <= FAILED_CALLS);
        }
    }
    check(held[LENGTH(sizes) - 1] > 0);
}

static void a_malloc_refused_by_a_limit_on_data_costs_few_calls(void **state) {
    (void)state;
    if (!LIMITS_WORK) skip();
    assert_in_child(fail_by_limit_on_data);
}

/* ---- a first region that is smaller than what is needed ---- */

static void check_regions_lie_apart_in_the_window(void) {
    for (size_t i = 0; i < region_count(); i++) {
        const region_t *a = region_at(i);
        check(a->opened <= a->reserved && a->first + a->reserved <= window.slices);
        for (size_t j = 0; j < i; j++) {
            const region_t *b = region_at(j);
            check(a->first + a->reserved <= b->first || b->first + b->reserved <= a->first);
        }
    }
}

/* The first `nth` sizes are refused, as by a limit on the address space. */
static void live_in_small_regions(void) {
    enum { OBJECTS = 200 };
    static void *objects[OBJECTS];
    faults_start(FAULT_KIND(OS_RESERVE), nth, UP_TO);
    check(span_start());
    faults_stop();
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i] = eddy_malloc(MIB);
        check(objects[i] != NULL);
        fill(objects[i], KIB, i);
    }
    check_regions_lie_apart_in_the_window();
    for (unsigned i = 0; i < OBJECTS; i++) {
        check(is_filled(objects[i], KIB, i));
        eddy_free(objects[i]);
    }
    eddy_collect();
}

static void further_regions_serve_when_the_first_is_small(void **state) {
    (void)state;
    for (nth = 0; nth <= 6; nth++) assert_in_child(live_in_small_regions);
}

static void use_what_the_limit_leaves(void) {
    struct rlimit limit = {nth, nth};
    size_t bytes = 0;
    check(setrlimit(RLIMIT_AS, &limit) == 0);
    while (eddy_malloc(KIB) != NULL) bytes += KIB;
    check_regions_lie_apart_in_the_window();
    check(bytes >= nth / 8 * 7);
}

static void most_of_a_limited_address_space_can_be_used(void **state) {
    (void)state;
    if (!LIMITS_WORK) skip();
    for (nth = 128 * MIB; nth <= 512 * MIB; nth *= 2) assert_in_child(use_what_the_limit_leaves);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_use_survives_any_one_refusal),
        cmocka_unit_test(first_use_succeeds_after_refusals_without_end),
        cmocka_unit_test(first_use_costs_few_calls_whatever_is_refused),
        cmocka_unit_test(a_start_that_fails_for_good_costs_few_calls_each_time),
        cmocka_unit_test(options_are_read_once_even_if_the_start_fails),
        cmocka_unit_test(a_verbose_start_says_what_was_found),
        cmocka_unit_test(what_cannot_be_unmapped_counts_as_reserved_and_is_not_asked_for_again),
        cmocka_unit_test(a_malloc_that_fails_for_good_costs_few_calls),
        cmocka_unit_test(a_malloc_refused_by_a_limit_on_data_costs_few_calls),
        cmocka_unit_test(further_regions_serve_when_the_first_is_small),
        cmocka_unit_test(most_of_a_limited_address_space_can_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
