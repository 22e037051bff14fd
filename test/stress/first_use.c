/* Many threads use Eddy for the first time in the process, at the same moment and by different
 * functions. Each round is a new process.
 * SPDX-License-Identifier: MIT */
#include "common/forked.h"
#include "common/random_block.h"
#include "common/schedule.h"

enum { THREADS = 10 };

static size_t rounds;

/* A pointer that Eddy did not hand out is told from its own without any order between threads
 * (memory/descriptor.h), which is a race to the thread sanitizer. */
static void name_no_block(size_t index) {
    if (TSAN) return;
    if (index == 0) eddy_free(NULL);
    if (index == 1) check(eddy_heap_of(&index) == NULL);
}

enum { BEFORE = 200 * 1024, AFTER = 2 * BEFORE };
static _Atomic(void *) handed_on;

/* The block behind it keeps it from growing where it lies, mostly. */
static void make_for_another(void) {
    void *block = eddy_malloc(BEFORE), *behind = eddy_malloc(BEFORE);
    check(block != NULL && behind != NULL);
    atomic_store(&handed_on, seal(block, BEFORE));
}

static void grow_what_another_made(void) {
    void *block;
    while ((block = atomic_load(&handed_on)) == NULL) sched_yield();
    uint64_t number = sealed_number(block);
    block = eddy_realloc(block, AFTER);
    check(block != NULL && has_contents(block, BEFORE, number));
    sealed_free(seal(block, AFTER));
}

static void first_call(size_t index) {
    eddy_stats_t stats;
    eddy_counters_t counters;
    switch (index) {
    case 0:
    case 1:
        name_no_block(index);
        break;
    case 2:
        check(eddy_option_get(EDDY_OPTION_DECAY_MS) == 500);
        break;
    case 3:
        eddy_collect();
        break;
    case 4:
        eddy_stats_get(&stats, sizeof stats);
        break;
    case 5:
        eddy_counters(&counters, sizeof counters);
        break;
    case 6:
        eddy_heap_destroy(eddy_heap_new());
        break;
    case 7:
        make_for_another();
        break;
    case 8:
        grow_what_another_made();
        break;
    default:
        break;
    }
}

static void begin(size_t index, uint64_t *random) {
    (void)random;
    first_call(index);
    child_allocate(NULL);
}

static void begin_together(void) { crew_run(THREADS, begin); }

static void threads_begin_together(void **state) {
    (void)state;
    for (size_t i = 0; i < rounds; i++) {
        stress_arguments.seed++;
        fork_and_wait(begin_together);
    }
}

int main(int argc, char **argv) {
    stress_start(argc, argv);
    rounds = stress_argument("rounds", 50);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_begin_together),
        under_random_schedules(threads_begin_together),
    };
    return stress_run(tests);
}
