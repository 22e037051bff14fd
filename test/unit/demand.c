/* How much was in use lately, against the history written out.
 * SPDX-License-Identifier: MIT */
#include "memory/demand.h"

#include "common/alone.h"
#include "common/test.h"

enum { DECAY_MS = 500, WINDOW_MS = DECAY_MS / 2, STEPS = 5000 };

static int use_decay(void **state) {
    (void)state;
    return eddy_option_set(EDDY_OPTION_DECAY_MS, DECAY_MS);
}

/* ---- the naive model: every amount that ever was in use, and where each window began ---- */

static size_t history[STEPS + 1];
static size_t length, this_window, window_before;

static void model_start(void) {
    history[0] = 0;
    length = 1;
    this_window = window_before = 0;
}

static void model_change(size_t in_use) { history[length++] = in_use; }

/* What is in use as a window begins counts for it. */
static void model_turn(void) {
    window_before = this_window;
    this_window = length - 1;
}

static size_t model_allowance(void) {
    size_t peak = 0;
    for (size_t i = window_before; i < length; i++) peak = size_max(peak, history[i]);
    return peak - history[length - 1];
}

static void allowance_is_the_peak_of_two_windows_less_what_is_in_use(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        uint64_t random = seed, now_ms = 0;
        demand_t demand = {0};
        model_start();
        for (unsigned step = 0; step < STEPS; step++) {
            size_t n = random_below(&random, 100);
            uint32_t choice = random_below(&random, 20);
            if (choice == 0) {
                uint64_t window = demand.window;
                now_ms += random_below(&random, 3 * WINDOW_MS);
                bool turned = demand_turn(&demand, demand_window(now_ms));
                assert_int_equal(turned, window != now_ms / WINDOW_MS);
                if (turned) model_turn();
            } else if (choice < 11) {
                demand_rise(&demand, n);
                model_change(demand.in_use);
            } else {
                demand_fall(&demand, size_min(n, demand.in_use));
                model_change(demand.in_use);
            }
            assert_true(demand.in_use <= demand.peak);
            assert_int_equal(demand_allowance(&demand), model_allowance());
        }
    }
}

static void keeping_up_to_the_allowance_never_raises_a_peak(void **state) {
    (void)state;
    uint64_t random = 1;
    demand_t demand = {0};
    size_t highest = 0;
    for (uint64_t now_ms = 0; now_ms < 1000 * WINDOW_MS; now_ms += WINDOW_MS / 10) {
        demand_turn(&demand, demand_window(now_ms));
        demand_fall(&demand, demand.in_use);
        demand_rise(&demand, random_below(&random, 1000));
        highest = size_max(highest, demand.in_use);
        assert_true(demand.in_use + demand_allowance(&demand) <= highest);
    }
}

static void a_peak_is_forgotten_after_one_whole_window(void **state) {
    (void)state;
    demand_t demand = {0};
    demand_rise(&demand, 100);
    demand_fall(&demand, 90);
    assert_int_equal(demand_allowance(&demand), 90);
    assert_true(demand_turn(&demand, 1));
    assert_int_equal(demand_allowance(&demand), 90);
    assert_false(demand_turn(&demand, 1));
    assert_true(demand_turn(&demand, 2));
    assert_int_equal(demand_allowance(&demand), 0);
}

static void windows_are_half_a_decay_long(void **state) {
    (void)state;
    static const int64_t decays[] = {1, 2, 3, 500, 10000, INT32_MAX};
    for (size_t i = 0; i < LENGTH(decays); i++) {
        assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, decays[i]), 0);
        uint64_t window_ms = size_max((size_t)decays[i] / 2, 1);
        for (uint64_t window = 0; window < 10; window++) {
            assert_int_equal(demand_window(window * window_ms), window);
            assert_int_equal(demand_window((window + 1) * window_ms - 1), window);
        }
    }
}

static void without_decay_nothing_is_kept(void **state) {
    (void)state;
    demand_t demand = {0};
    eddy_option_set(EDDY_OPTION_DECAY_MS, 0);
    demand_rise(&demand, 100);
    demand_fall(&demand, 100);
    assert_int_equal(demand_allowance(&demand), 0);
}

static void a_decay_that_never_ends_is_one_window(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_DECAY_MS, -1);
    assert_int_equal(demand_window(0), 0);
    assert_int_equal(demand_window(UINT64_MAX), 0);
    demand_t demand = {0};
    demand_rise(&demand, 100);
    demand_fall(&demand, 100);
    assert_false(demand_turn(&demand, demand_window(UINT64_MAX)));
    assert_int_equal(demand_allowance(&demand), 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(allowance_is_the_peak_of_two_windows_less_what_is_in_use, use_decay),
        cmocka_unit_test_setup(keeping_up_to_the_allowance_never_raises_a_peak, use_decay),
        cmocka_unit_test_setup(a_peak_is_forgotten_after_one_whole_window, use_decay),
        cmocka_unit_test(windows_are_half_a_decay_long),
        cmocka_unit_test(without_decay_nothing_is_kept),
        cmocka_unit_test(a_decay_that_never_ends_is_one_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
