/* When a scavenger is due. A process with one thread gets one once it holds much free memory: what
 * its heaps retain is added up, a few heaps at a look.
 * SPDX-License-Identifier: MIT */
#include "common/alone.h"
#include "common/clock.h"
#include "common/inside.h"
#include "heap/errand.h"
#include "heap/scavenge.h"

enum { NEVER = 0, AUTO = 1, ALWAYS = 2 }; /* EDDY_OPTION_SCAVENGER */

/* Each heap retains a page of eight slices: all together more than the 512 slices that make a
 * scavenger due, as many as one look sees much less. */
enum { HEAPS = 80, SIZE = 60000, BLOCKS = 8 + 1 };

static eddy_heap_t *heaps[HEAPS];

static size_t heaps_known(void) {
    size_t known = 0;
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) known++;
    return known;
}

static int start(void **state) {
    static void *blocks[HEAPS][BLOCKS];
    set_up_clean(state);
    for (size_t i = 0; i < HEAPS; i++) {
        heaps[i] = must(eddy_heap_new());
        for (size_t j = 0; j < BLOCKS; j++) blocks[i][j] = must(eddy_heap_malloc(heaps[i], SIZE));
    }
    for (size_t i = 0; i < HEAPS; i++) {
        for (size_t j = 0; j < BLOCKS; j++) eddy_free(blocks[i][j]);
    }
    return eddy_option_set(EDDY_OPTION_SCAVENGER, AUTO);
}

static int end(void **state) {
    eddy_option_set(EDDY_OPTION_SCAVENGER, NEVER);
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
    eddy_option_set(EDDY_OPTION_SOFT_LIMIT, 0);
    for (size_t i = 0; i < HEAPS; i++) eddy_heap_destroy(heaps[i]);
    return tear_down_clean(state);
}

static bool is_due(bool turned) {
    scavenge_consider(os_now_ms(), turned);
    return errand_set(ERRAND_SCAVENGER, false);
}

static void what_all_heaps_retain_is_added_up_over_several_looks(void **state) {
    (void)state;
    size_t looks = 1, most = divide_up(heaps_known(), REGISTRY_LOOKS);
    for (bool turned = true; !is_due(turned); turned = false) assert_true(++looks <= most);
    assert_true(looks > 1);
}

static void never_and_keeping_all_are_heard_up_to_the_last_moment(void **state) {
    (void)state;
    (void)errand_set(ERRAND_SCAVENGER, true);
    eddy_option_set(EDDY_OPTION_SCAVENGER, NEVER);
    assert_false(scavenge_start(NULL));
    (void)errand_set(ERRAND_SCAVENGER, true);
    eddy_option_set(EDDY_OPTION_SCAVENGER, ALWAYS);
    eddy_option_set(EDDY_OPTION_DECAY_MS, -1);
    assert_false(scavenge_start(NULL));
    assert_true(scavenge_is_absent());
}

/* Beyond the soft limit memory is returned though the program would keep it. */
static void it_is_due_beyond_the_soft_limit_whatever_the_decay(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_SCAVENGER, ALWAYS);
    eddy_option_set(EDDY_OPTION_DECAY_MS, -1);
    assert_false(is_due(true));
    eddy_option_set(EDDY_OPTION_SOFT_LIMIT, SLICE_BYTES);
    void *object = must(eddy_malloc(MIB));
    (void)errand_set(ERRAND_SCAVENGER, false);
    bool due = is_due(true);
    eddy_free(object);
    assert_true(due);
}

static size_t operations;
static void count_operation(void) { operations++; }

static void one_look_is_at_a_few_heaps(void **state) {
    (void)state;
    operations = 0;
    schedule_hook = count_operation;
    bool due = is_due(true);
    schedule_hook = NULL;
    assert_false(due);
    assert_true(operations < 2 * REGISTRY_LOOKS);
    assert_true(heaps_known() > 2 * REGISTRY_LOOKS);
}

#define DUE_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        DUE_TEST(what_all_heaps_retain_is_added_up_over_several_looks),
        DUE_TEST(one_look_is_at_a_few_heaps),
        DUE_TEST(never_and_keeping_all_are_heard_up_to_the_last_moment),
        DUE_TEST(it_is_due_beyond_the_soft_limit_whatever_the_decay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
