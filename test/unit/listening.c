/* While a page waits for its last block, which nobody tells the scavenger of, it looks less and
 * less often; but it hears of everything else.
 * SPDX-License-Identifier: MIT */
#include <time.h>

#include "common/actor.h"
#include "common/alone.h"
#include "common/inside.h"
#include "heap/scavenge.h"
#include "memory/alarm.h"

enum { SIZE = KIB, BLOCKS = 4 * SLICE_BYTES / SIZE, DECAY_MS = 20, HANGS_SECONDS = 30 };
enum { ALWAYS = 2 }; /* EDDY_OPTION_SCAVENGER */

static void *blocks[BLOCKS];

static void free_every_second(void *unused) {
    (void)unused;
    for (size_t i = 0; i < BLOCKS; i += 2) eddy_free(blocks[i]);
}

static void the_scavenger_listens_while_a_page_waits(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    alarm(HANGS_SECONDS);
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = must(eddy_malloc(SIZE));
    in_thread(free_every_second, NULL);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, DECAY_MS), 0);
    assert_int_equal(eddy_option_set(EDDY_OPTION_SCAVENGER, ALWAYS), 0);
    while (!scavenge_is_running()) eddy_free(must(eddy_malloc(8 << 20)));
    while (load_relaxed(&alarm_word) != ALARM_ASLEEP) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_true(stats_now().pending > 0);
    for (size_t i = 1; i < BLOCKS; i += 2) eddy_free(blocks[i]);
    scavenge_stop();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scavenger_listens_while_a_page_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
