/* Every call to the kernel refused, in every scenario: for each n the n-th call fails, once, or it
 * and all after it, until the scenario makes no n-th call. Whatever fails says ENOMEM and loses
 * nothing: afterwards everything can be freed, and the same scenario succeeds.
 *
 * Each run is a child process that has not used Eddy before.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/alone.h"
#include "common/faults.h"
#include "common/inside.h"
#include "common/random_block.h"

#if defined(__SANITIZE_THREAD__)
enum { STRIDE = 25 }; /* the sanitizer makes processes slow, and there is one thread at a time */
#else
enum { STRIDE = 1 };
#endif

enum { KEPT_MOST = 4000, NO_ERROR = 12345 };

static void *kept[KEPT_MOST];
static size_t kept_count;
static bool all_served;

/* A block, or ENOMEM; errno is kept when there is a block. */
static void *served(void *block) {
    check(errno == (block != NULL ? NO_ERROR : ENOMEM));
    all_served &= block != NULL;
    errno = NO_ERROR;
    return block;
}

static void keep(void *block, size_t size) {
    if (served(block) == NULL) return;
    check(kept_count < KEPT_MOST && eddy_usable_size(block) >= size);
    kept[kept_count++] = seal(block, size);
}

static void release(size_t at) {
    sealed_free(kept[at]);
    kept[at] = kept[--kept_count];
}

/* ---- scenarios ---- */

static void small_burst(void) {
    for (size_t i = 0; i < 1000; i++) keep(eddy_malloc(16 + i % 1000), 16 + i % 1000);
    for (size_t i = 0; i < kept_count; i++) release(i);
    for (size_t i = 0; i < 300; i++) keep(eddy_zalloc(64), 64);
}

static void medium_burst(void) {
    for (size_t i = 0; i < 50; i++) keep(eddy_malloc(9 * KIB + i * 800), 9 * KIB + i * 800);
    while (kept_count > 20) release(kept_count / 2);
    for (size_t i = 0; i < 50; i++) keep(eddy_calloc(i, 1000), sealable(i * 1000));
}

static void large_objects(void) {
    for (size_t i = 1; i < 10; i++) {
        keep(eddy_malloc(i * 200 * KIB), i * 200 * KIB);
        keep(eddy_zalloc(i * 70 * KIB), i * 70 * KIB);
        if (i % 4 == 0 && kept_count > 3) release(kept_count - 3);
    }
}

/* What could not grow is as it was. */
static void growing_objects(void) {
    size_t size = 100;
    keep(eddy_malloc(size), size);
    keep(eddy_malloc(MIB), MIB);
    for (; size < 6 * MIB && kept_count > 0; size += size / 2) {
        uint64_t number = sealed_number(kept[0]);
        size_t old_size = sealed_size(kept[0]);
        void *grown = served(eddy_realloc(kept[0], size));
        if (grown == NULL) {
            check(is_sealed(kept[0]));
        } else {
            check(sealed_number(grown) == number);
            check(has_contents(grown, size_min(size, old_size), number));
            kept[0] = seal(grown, size);
        }
        keep(eddy_malloc(size / 10 + SEAL_BYTES), size / 10 + SEAL_BYTES);
    }
}

static void shrinking_objects(void) {
    keep(eddy_malloc(10 * MIB), 10 * MIB);
    if (kept_count == 0) return;
    for (size_t size = 8 * MIB; size > 50; size /= 3) {
        sealed_number(kept[0]);
        void *shrunk = eddy_realloc(kept[0], size);
        /* It fits where it is: this cannot fail. */
        check(shrunk != NULL && errno == NO_ERROR);
        check(has_contents(shrunk, size, sealed_number(shrunk)));
        kept[0] = seal(shrunk, size);
    }
}

static void aligned_blocks(void) {
    for (size_t alignment = 16; alignment <= 4 * MIB; alignment *= 8) {
        for (size_t size = 100; size <= 200 * KIB; size *= 30) {
            keep(eddy_malloc_aligned(size, alignment), size);
            keep(eddy_zalloc_aligned_at(size, alignment, size / 2), size);
        }
    }
}

static void first_class_heaps(void) {
    for (unsigned i = 0; i < 6; i++) {
        eddy_heap_t *heap = served(eddy_heap_new());
        if (heap == NULL) continue;
        for (size_t j = 0; j < 20; j++) {
            void *block = served(eddy_heap_malloc(heap, j * 4000));
            if (block != NULL) check(eddy_heap_of(block) == heap);
            if (i % 2 == 0 && block != NULL) kept[kept_count++] = seal(block, sealable(j * 4000));
        }
        if (i % 2 == 0) {
            eddy_heap_delete(heap);
        } else {
            eddy_heap_destroy(heap);
        }
    }
}

static void work_as_thread(void *argument) {
    errno = NO_ERROR;
    small_burst();
    if (argument != NULL) large_objects();
}

/* Their blocks outlive them, and are freed by the next one. */
static void threads(void) {
    for (unsigned i = 0; i < 4; i++) {
        in_thread(work_as_thread, i % 2 ? &all_served : NULL);
        while (kept_count > 500) release(kept_count - 1);
    }
    errno = NO_ERROR;
}

static void collecting(void) {
    for (unsigned round = 0; round < 2; round++) {
        medium_burst();
        keep(eddy_malloc(MIB), MIB);
        while (kept_count > 10) release(0);
        eddy_collect();
        check(errno == NO_ERROR);
    }
}

typedef void scenario_fn(void);

static const struct {
    const char *name;
    scenario_fn *run;
} scenarios[] = {
    {"small burst", small_burst},
    {"medium burst", medium_burst},
    {"large objects", large_objects},
    {"growing objects", growing_objects},
    {"shrinking objects", shrinking_objects},
    {"aligned blocks", aligned_blocks},
    {"first-class heaps", first_class_heaps},
    {"threads", threads},
    {"collecting", collecting},
};

/* ---- each of them, with each call refused ---- */

static struct {
    scenario_fn *scenario;
    size_t nth;
    fault_duration_t duration;
} run;

static void free_everything(void) {
    while (kept_count > 0) release(0);
    eddy_collect();
    span_totals_t totals;
    span_totals(&totals);
    check(live_blocks() == 0);
    check(totals.used == 0);
}

static void run_with_refusals(void) {
    errno = NO_ERROR;
    all_served = true;
    faults_start(FAULT_ALL, run.nth, run.duration);
    run.scenario();
    bool over = faults_refused() == 0;
    faults_stop();
    if (over) check(all_served);
    free_everything();
    all_served = true;
    errno = NO_ERROR;
    run.scenario();
    check(all_served);
    heap_verify(own_heap());
    free_everything();
    _exit(over ? SKIPPED : 0);
}

static void refuse_everything_in(size_t scenario, fault_duration_t duration) {
    run.scenario = scenarios[scenario].run;
    run.duration = duration;
    int status = 0;
    for (run.nth = 1; status == 0; run.nth += STRIDE) status = status_in_child(run_with_refusals);
    bool over = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
    if (!over) {
        fail_msg("%s: call %zu refused %s", scenarios[scenario].name, run.nth - STRIDE,
                 duration == ONCE ? "once" : "for ever");
    }
    assert_true(run.nth > 6);
}

static void every_scenario_survives_any_one_refusal(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(scenarios); i++) refuse_everything_in(i, ONCE);
}

static void every_scenario_survives_refusals_without_end(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(scenarios); i++) refuse_everything_in(i, FOR_EVER);
}

static void shrink_without_memory(void) {
    errno = NO_ERROR;
    for (size_t size = BLOCK_MAX; size > 16; size /= 2) {
        void *block = eddy_malloc(size);
        check(block != NULL);
        uint64_t number = sealed_number(seal(block, size));
        check(eddy_option_set(EDDY_OPTION_LIMIT, SLICE_BYTES) == 0);
        block = eddy_realloc(block, 16);
        check(block != NULL && errno == NO_ERROR && sealed_number(block) == number);
        check(eddy_option_set(EDDY_OPTION_LIMIT, 0) == 0);
        eddy_free(block);
        eddy_collect();
    }
}

static void shrinking_needs_no_memory(void **state) {
    (void)state;
    assert_in_child(shrink_without_memory);
}

static void count_heartbeat(bool force, unsigned long long heartbeat, void *argument) {
    (void)force, (void)heartbeat;
    ++*(unsigned *)argument;
}

/* Those without a record share one that nobody may write to. */
static void fail_as_a_thread_without_a_record(void) {
    unsigned heartbeats = 0;
    eddy_on_heartbeat(count_heartbeat, &heartbeats);
    faults_start(FAULT_MEMORY, 1, FOR_EVER);
    check(eddy_malloc(100) == NULL && eddy_malloc(MIB) == NULL);
    check(heartbeats == 0 && thread_none.heartbeats == 0);
    faults_stop();
    check(eddy_malloc(MIB) != NULL && heartbeats > 0);
}

static void a_thread_without_a_record_has_no_heartbeat(void **state) {
    (void)state;
    assert_in_child(fail_as_a_thread_without_a_record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_survives_any_one_refusal),
        cmocka_unit_test(every_scenario_survives_refusals_without_end),
        cmocka_unit_test(shrinking_needs_no_memory),
        cmocka_unit_test(a_thread_without_a_record_has_no_heartbeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
