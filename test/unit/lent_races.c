/* Pages are lent at the moment at which the owner looks for one, in every order with one switch
 * between the two: they serve as they are.
 * SPDX-License-Identifier: MIT */
#include "common/late.h"
#include "common/preempt.h"

/* Of one malloc, some. */
enum { OPERATIONS = 40 };

static eddy_counters_t before; /* the race: taken by who prepares it */

/* The current page is used up, another one of its class retained, and the heap's lock held. */
static void retain_under_lock(void *unused) {
    (void)unused;
    start_clean();
    burst_fill(&burst, SIZE, 2);
    burst_free_all(&burst);
    allocate_pages(1);
    before = counters_now();
    hold_lock();
}

static void allocate_one_more(void *unused) {
    (void)unused;
    blocks[LIMIT] = seal(must(eddy_malloc(SIZE)), SIZE);
}

static void lend_for_a_moment(void *unused) {
    (void)unused;
    lend_begin(held, &loan);
    let_lock_go_soon();
    actor_wait(&holder);
}

static void no_block_was_linked_anew(void *unused) {
    (void)unused;
    check(risen(before, pages_made) == 0);
    check(risen(before, extensions) == 0);
    check(risen(before, pages_reused) == 1);
    free_blocks();
    turn_a_page();
    assert_settled(own_heap());
}

static void looking_for_a_page_races_with_lending(void **state) {
    (void)state;
    preempt_owner_early(&(race_t){retain_under_lock, allocate_one_more, lend_for_a_moment,
                                  no_block_was_linked_anew},
                        OPERATIONS);
}

static int stop_hooks_and_end(void **state) {
    schedule_hook = NULL;
    return end(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(looking_for_a_page_races_with_lending, start,
                                        stop_hooks_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
