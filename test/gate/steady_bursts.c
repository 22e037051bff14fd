/* The promise, counted: once a burst over many pages has been seen, the same again, or a smaller
 * one, makes no page, links no block, and neither faults nor calls the kernel, for as long as the
 * bursts go on. Large objects likewise.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/watched.h"
#include "eddy.h"

enum {
    BURST_BYTES = 4 << 20,
    BLOCKS_MAX = BURST_BYTES / 16,
    NEAR_CAP_BYTES = 200 << 20, /* BLOCKS_MAX blocks of 1 KiB at most */
    WARM_UP_ROUNDS = 50, /* by then each page was the last one, which a burst fills in part */
    STEADY_MS = 700,     /* longer than the decay: nothing may go back meanwhile */
    PAUSE_MS_MAX = 40,   /* five rounds of this, and the peak is out of the policy's sight */
    WINDOW_MS = 250,
    KERNEL_PAGE_LEAST = 4096,
    ATTEMPTS = 20,
    SKIPPED = 77,
};

typedef enum order { LIFO, FIFO, SHUFFLED } order_t;

static void *blocks[BLOCKS_MAX];

/* Whether this machine was too busy to tell, for some size. */
static bool untold;

/* Steps by a prime visit every index of a shorter burst once, in no order that a page has. */
static const size_t prime = 1000003;

static void run_burst(size_t size, size_t count, order_t order) {
    const size_t step = order == SHUFFLED ? prime : 1;
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(size);
        *(volatile char *)blocks[i] = 1;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t index = i * step % count;
        free(blocks[order == LIFO ? count - 1 - index : index]);
    }
}

typedef void run_round_fn(size_t size, order_t order, size_t round);

/* Rounds with a gap after each. Returns the longest time that a round took beyond the gap. */
static int64_t run_rounds(run_round_fn *run_round, size_t size, order_t order, long gap_ms) {
    const int64_t begin = now_ms();
    int64_t longest = 0, now = begin;
    for (size_t round = 0; now < begin + STEADY_MS; round++) {
        run_round(size, order, round);
        if (gap_ms > 0) nanosleep(&(struct timespec){.tv_nsec = gap_ms * 1000000}, NULL);
        const int64_t before = now;
        now = now_ms();
        if (now - before - gap_ms > longest) longest = now - before - gap_ms;
    }
    return longest;
}

/* What a steady burst has none of. */
typedef struct trouble {
    size_t pages_made, extensions, system_calls, spans_purged, faults;
} trouble_t;

static trouble_t trouble_now(void) {
    eddy_counters_t counters;
    eddy_counters(&counters, sizeof counters);
    return (trouble_t){counters.pages_made, counters.extensions, counters.memory_system_calls,
                       counters.spans_purged, faults()};
}

static bool is_free_of_trouble(const trouble_t *before, const trouble_t *after) {
    return memcmp(before, after, sizeof *before) == 0;
}

static void assert_free_of_trouble(const trouble_t *before, const trouble_t *after) {
    assert_int_equal(after->pages_made - before->pages_made, 0);
    assert_int_equal(after->extensions - before->extensions, 0);
    assert_int_equal(after->system_calls - before->system_calls, 0);
    assert_int_equal(after->spans_purged - before->spans_purged, 0);
    assert_int_equal(after->faults - before->faults, 0);
}

typedef enum outcome { STEADY, BUSY_BUT_STEADY, BUSY } outcome_t;

/* Busy: other programs held the processor for so long that trouble would prove nothing. */
static outcome_t watch(run_round_fn *run_round, size_t size, order_t order, long gap_ms) {
    const trouble_t before = trouble_now();
    const int64_t longest = run_rounds(run_round, size, order, gap_ms);
    const trouble_t after = trouble_now();
    if (longest > PAUSE_MS_MAX) return is_free_of_trouble(&before, &after) ? BUSY_BUT_STEADY : BUSY;
    assert_free_of_trouble(&before, &after);
    return STEADY;
}

static void assert_steady_apart(run_round_fn *run_round, size_t size, order_t order, long gap_ms) {
    /* What the bursts of another size left behind goes back now, not in the midst of these. */
    eddy_collect();
    bool ever_steady = false;
    for (size_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        for (size_t round = 0; round < WARM_UP_ROUNDS; round++) run_round(size, order, round);
        const outcome_t outcome = watch(run_round, size, order, gap_ms);
        if (outcome == STEADY) return;
        ever_steady |= outcome == BUSY_BUT_STEADY;
    }
    /* Trouble each time is what makes the rounds long, not others. */
    assert_true(ever_steady || gap_ms > 0);
    print_message("size %zu: this machine is too busy to tell\n", size);
    untold = true;
}

static void assert_steady(run_round_fn *run_round, size_t size, order_t order) {
    assert_steady_apart(run_round, size, order, 0);
}

/* The highest amplitude comes first, so the warm-up has seen it. */
static void changing_amplitude(size_t size, order_t order, size_t round) {
    static const size_t divisors[] = {1, 7, 3, 100, 2};
    const size_t divisor = divisors[round % (sizeof divisors / sizeof *divisors)];
    run_burst(size, BURST_BYTES / size / divisor, order);
}

static void same_amplitude(size_t size, order_t order, size_t round) {
    (void)round;
    run_burst(size, BURST_BYTES / size, order);
}

static void lifo_bursts_are_steady(void **state) {
    (void)state;
    for (size_t size = 16; size <= 8192; size *= 8) assert_steady(same_amplitude, size, LIFO);
}

static void fifo_bursts_are_steady(void **state) {
    (void)state;
    for (size_t size = 64; size <= 32768; size *= 8) assert_steady(same_amplitude, size, FIFO);
}

static void shuffled_bursts_are_steady(void **state) {
    (void)state;
    for (size_t size = 32; size <= 16384; size *= 8) assert_steady(same_amplitude, size, SHUFFLED);
}

static void changing_bursts_are_steady(void **state) {
    (void)state;
    assert_steady(changing_amplitude, 64, LIFO);
    assert_steady(changing_amplitude, 1024, SHUFFLED);
}

/* The peak is of the window before when the next burst needs it, also when that comes late by as
 * much as is not called busy. Two windows later it may be forgotten. */
static void bursts_a_window_apart_are_steady(void **state) {
    (void)state;
    for (size_t size = 64; size <= 32768; size *= 8) {
        assert_steady_apart(same_amplitude, size, LIFO, WINDOW_MS - PAUSE_MS_MAX);
    }
}

static void most_that_is_retained(size_t size, order_t order, size_t round) {
    (void)round;
    run_burst(size, NEAR_CAP_BYTES / size, order);
}

/* The option `retain_max` is 256 MiB. */
static void bursts_near_the_cap_are_steady(void **state) {
    (void)state;
    assert_steady(most_that_is_retained, 1024, LIFO);
    assert_steady(most_that_is_retained, 8192, SHUFFLED);
    eddy_collect();
}

/* One object, its memory touched to the last kernel page. */
static void large_object(size_t size, order_t order, size_t round) {
    (void)order, (void)round;
    volatile char *object = malloc(size);
    assert_non_null(object);
    for (size_t at = 0; at < size; at += KERNEL_PAGE_LEAST) object[at] = 1;
    free((void *)object);
}

static void large_objects_are_steady(void **state) {
    (void)state;
    static const size_t sizes[] = {16 << 10, 128 << 10, 1 << 20, 8 << 20, 32 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_steady(large_object, sizes[i], LIFO);
    }
}

static void short_bursts_stay_on_the_fast_path(void **state) {
    (void)state;
    for (size_t size = 16; size <= 1024; size *= 2) {
        run_burst(size, 1, LIFO);
        eddy_counters_t before, after;
        eddy_counters(&before, sizeof before);
        for (int round = 0; round < 10000; round++) run_burst(size, 1, LIFO);
        eddy_counters(&after, sizeof after);
        assert_int_equal(after.slow_entries - before.slow_entries, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifo_bursts_are_steady),
        cmocka_unit_test(fifo_bursts_are_steady),
        cmocka_unit_test(shuffled_bursts_are_steady),
        cmocka_unit_test(changing_bursts_are_steady),
        cmocka_unit_test(bursts_a_window_apart_are_steady),
        cmocka_unit_test(large_objects_are_steady),
        cmocka_unit_test(bursts_near_the_cap_are_steady),
        cmocka_unit_test(short_bursts_stay_on_the_fast_path),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed == 0 && untold ? SKIPPED : failed;
}
