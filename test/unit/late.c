/* An owner whose heap's lock another thread holds: malloc and free go on without it, and what they
 * put off is done when the lock is free again. Where an owner waits that should not, the test hangs
 * and ends by a signal.
 * SPDX-License-Identifier: MIT */
#include "heap/late.h"

#include "common/actor.h"
#include "common/alone.h"
#include "common/burst.h"
#include "common/clock.h"
#include "common/faults.h"
#include "common/forked.h"
#include "common/sealed.h"
#include "heap/remote.h"
#include "heap/scavenge.h"

enum { SIZE = 8 * KIB, LIMIT = SLICE_BYTES / SIZE, WAKE = (LIMIT + 8) / 16 };
enum { SOON_MS = 20, HANGS_SECONDS = 100 };

/* Who holds the lock. */
static actor_t holder;
static heap_t *held;
static atomic_bool let_go;

static burst_t burst;
static void *blocks[(LATE_PAGES + 4) * LIMIT];

static int start(void **state) {
    (void)state;
    alarm(HANGS_SECONDS);
    faults_refuse_barriers_unseen();
    start_clean();
    actor_start(&holder);
    return 0;
}

static int end(void **state) {
    (void)state;
    actor_end(&holder);
    eddy_collect();
    heap_verify(own_heap());
    assert_false(own_heap()->late.any);
    assert_int_equal(live_blocks(), 0);
    return 0;
}

/* ---- the lock ---- */

static void acquire(void *unused) {
    (void)unused;
    lock_acquire(&held->lock);
}

static void release(void *unused) {
    (void)unused;
    atomic_store(&let_go, true);
    lock_release(&held->lock);
}

static void release_soon(void *unused) {
    nanosleep(&(struct timespec){.tv_nsec = SOON_MS * 1000000}, NULL);
    release(unused);
}

static void hold_lock_of(heap_t *heap) {
    held = heap;
    atomic_store(&let_go, false);
    actor_do(&holder, acquire, NULL);
}

static void hold_lock(void) { hold_lock_of(own_heap()); }
static void let_lock_go(void) { actor_do(&holder, release, NULL); }

/* What follows waits for the lock. */
static void let_lock_go_soon(void) { actor_begin(&holder, release_soon, NULL); }
static void assert_waited(void) {
    assert_true(atomic_load(&let_go));
    actor_wait(&holder);
}

/* ---- pages ---- */

static void allocate_pages(size_t pages) {
    for (size_t i = 0; i < pages * LIMIT; i++) blocks[i] = seal(must(eddy_malloc(SIZE)), SIZE);
}

static void free_blocks(void) {
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        if (blocks[i] != NULL) sealed_free(blocks[i]);
        blocks[i] = NULL;
    }
}

/* A slow path of malloc, with a page that is full afterwards. */
static void turn_a_page(void) {
    void *page[LIMIT];
    for (size_t i = 0; i < LIMIT; i++) page[i] = must(eddy_malloc(SIZE));
    void *next = must(eddy_malloc(SIZE));
    for (size_t i = 0; i < LIMIT; i++) eddy_free(page[i]);
    eddy_free(next);
}

static const list_t *partial(void) { return &own_heap()->partial[class_of(SIZE)]; }

typedef struct sums {
    const heap_t *heap;
    size_t in_use;
} sums_t;

static bool add_page(page_t *page, void *argument) {
    sums_t *sums = argument;
    bool counts = span_kind(page) == SPAN_PAGE && load_relaxed(&page->heap) == sums->heap;
    if (counts && page->state != PAGE_RETAINED) sums->in_use += span_slices(page);
    return true;
}

/* Nothing is late, and the demand is what the pages add up to. */
static void assert_settled(heap_t *heap) {
    sums_t sums = {heap, 0};
    heap_verify(heap);
    check(!heap->late.any);
    span_walk(add_page, &sums);
    check(heap->demand.in_use == sums.in_use);
}

/* ---- malloc ---- */

static void allocating_does_not_wait(void **state) {
    (void)state;
    allocate_pages(1);
    hold_lock();
    free_blocks();
    allocate_pages(LATE_PAGES);
    let_lock_go();
    heap_verify(own_heap());
    turn_a_page();
    assert_settled(own_heap());
    free_blocks();
}

static void pages_used_up_are_listed_later(void **state) {
    (void)state;
    hold_lock();
    allocate_pages(3);
    let_lock_go();
    assert_int_equal(list_length(&own_heap()->full), 0);
    turn_a_page();
    assert_int_equal(list_length(&own_heap()->full), 3);
    free_blocks();
}

static void pages_with_blocks_again_serve_before_others(void **state) {
    (void)state;
    hold_lock();
    allocate_pages(LATE_PAGES);
    eddy_counters_t before = counters_now();
    for (int rounds = 0; rounds < 50; rounds++) {
        free_blocks();
        allocate_pages(LATE_PAGES);
    }
    assert_risen(before, pages_made, 0);
    let_lock_go();
    free_blocks();
}

static void free_first_page(void *unused) {
    (void)unused;
    for (size_t i = 0; i < LIMIT; i++) {
        sealed_free(blocks[i]);
        blocks[i] = NULL;
    }
    remote_flush(thread_self);
}

static void blocks_that_others_freed_serve_again(void **state) {
    (void)state;
    hold_lock();
    allocate_pages(2);
    page_t *first = page_of(blocks[0]);
    in_thread(free_first_page, NULL);
    blocks[0] = seal(must(eddy_malloc(SIZE)), SIZE);
    assert_ptr_equal(page_of(blocks[0]), first);
    let_lock_go();
    free_blocks();
}

static void one_page_too_many_waits(void **state) {
    (void)state;
    hold_lock();
    allocate_pages(LATE_PAGES + 1);
    let_lock_go_soon();
    blocks[LENGTH(blocks) - 1] = seal(must(eddy_malloc(SIZE)), SIZE);
    assert_waited();
    assert_settled(own_heap());
    free_blocks();
}

static void retained_pages_are_waited_for(void **state) {
    (void)state;
    allocate_pages(3);
    free_blocks();
    eddy_counters_t before = counters_now();
    hold_lock();
    let_lock_go_soon();
    allocate_pages(3);
    assert_waited();
    assert_risen(before, pages_made, 0);
    free_blocks();
}

/* ---- free ---- */

static void freeing_does_not_wait(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 4);
    hold_lock();
    burst_free_all(&burst);
    let_lock_go();
    heap_verify(own_heap());
    turn_a_page();
    assert_settled(own_heap());
    assert_int_equal(list_length(partial()), 0);
}

static void a_full_page_with_free_blocks_is_listed_later(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 3);
    hold_lock();
    for (size_t i = 0; i < WAKE + 2; i++) burst_free(&burst, 0, i);
    let_lock_go();
    assert_int_equal(burst.page[0]->state, PAGE_FULL);
    heap_verify(own_heap());
    burst_refill(&burst);
    assert_settled(own_heap());
    burst_free_all(&burst);
}

static void an_emptied_page_retires_later(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 3);
    burst_open(&burst, 0);
    hold_lock();
    burst_free_page(&burst, 0);
    let_lock_go();
    assert_int_equal(burst.page[0]->state, PAGE_PARTIAL);
    eddy_counters_t before = counters_now();
    burst_take(&burst);
    assert_risen(before, pages_retired, 1);
    assert_settled(own_heap());
    burst_free_all(&burst);
}

static void one_count_too_many_waits(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, LATE_PAGES + 2);
    hold_lock();
    for (size_t i = 0; i < LATE_PAGES; i++) {
        for (size_t j = 0; j < WAKE; j++) burst_free(&burst, i, j);
    }
    let_lock_go_soon();
    for (size_t j = 0; j < WAKE; j++) burst_free(&burst, LATE_PAGES, j);
    assert_waited();
    assert_settled(own_heap());
    assert_int_equal(list_length(partial()), LATE_PAGES + 1);
    burst_free_all(&burst);
}

/* ---- others take what was counted out ---- */

/* The pages' memory is another thread's by now, and partial there. */
static void collect_and_allocate(void *unused) {
    (void)unused;
    eddy_collect();
    allocate_pages(3);
    for (size_t i = 0; i < 2; i++) {
        sealed_free(blocks[i * LIMIT]);
        blocks[i * LIMIT] = NULL;
    }
}

static void free_blocks_of_other(void *unused) {
    (void)unused;
    free_blocks();
}

static void a_page_taken_meanwhile_is_left_alone(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    actor_t other;
    actor_start(&other);
    burst_fill(&burst, SIZE, 3);
    hold_lock();
    burst_free_page(&burst, 0);
    burst_free_page(&burst, 1);
    let_lock_go();
    actor_do(&other, collect_and_allocate, NULL);
    page_t *again = page_of(blocks[1]);
    assert_true(again == burst.page[0] || again == burst.page[1]);
    /* Emptied there, too, and late. */
    hold_lock_of(load_relaxed(&again->heap));
    actor_do(&other, free_blocks_of_other, NULL);
    let_lock_go();
    eddy_free(must(eddy_malloc(64)));
    assert_settled(own_heap());
    heap_verify(load_relaxed(&again->heap));
    actor_end(&other);
    burst_free_all(&burst);
}

static void a_page_counted_out_twice_is_retired_once(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 3);
    hold_lock();
    for (size_t j = 0; j < WAKE; j++) burst_free(&burst, 0, j);
    let_lock_go();
    /* Woken when the lock is free, it counts out again. */
    burst_take(&burst);
    burst_free_page(&burst, 0);
    hold_lock();
    burst_free_page(&burst, 1);
    let_lock_go();
    turn_a_page();
    assert_settled(own_heap());
    burst_free_all(&burst);
}

/* A page of a thread that sleeps from now on; main has the lock of its heap. */
static heap_t *sleeper_heap;

static void fill_three_pages(void *unused) {
    (void)unused;
    start_clean();
    sleeper_heap = own_heap();
    burst_fill(&burst, SIZE, 3);
}

static void empty_first_page(void *unused) {
    (void)unused;
    burst_free_page(&burst, 0);
}

static void free_all(void *unused) {
    (void)unused;
    burst_free_all(&burst);
}

static void pages_of_a_sleeping_owner_go_back(void (*take)(void)) {
    actor_t sleeper;
    if (!os_barrier_available()) skip();
    actor_start(&sleeper);
    actor_do(&sleeper, fill_three_pages, NULL);
    hold_lock_of(sleeper_heap);
    actor_do(&sleeper, empty_first_page, NULL);
    let_lock_go();
    take();
    assert_null(load_relaxed(&burst.page[0]->heap));
    burst_forget(&burst, 0);
    actor_do(&sleeper, free_all, NULL);
    actor_end(&sleeper);
}

static void pass_twice(void) {
    scavenge_pass(os_now_ms());
    scavenge_pass(os_now_ms());
}

static void collect(void) { eddy_collect(); }

static void the_scavenger_takes_a_late_page_of_a_sleeping_owner(void **state) {
    (void)state;
    pages_of_a_sleeping_owner_go_back(pass_twice);
}

static void collecting_takes_a_late_page_of_a_sleeping_owner(void **state) {
    (void)state;
    pages_of_a_sleeping_owner_go_back(collect);
}

/* ---- ends ---- */

/* Of another thread: pages used up and pages counted out, none of them listed. */
static void leave_late_pages(void *unused) {
    (void)unused;
    burst_fill(&burst, SIZE, 3);
    hold_lock();
    burst_free_page(&burst, 0);
    allocate_pages(3);
    free_blocks();
    burst_free(&burst, 1, 0);
    let_lock_go();
    check(own_heap()->late.any);
}

static void a_thread_ends_with_late_pages(void **state) {
    (void)state;
    in_thread(leave_late_pages, NULL);
    burst_free_all(&burst);
    remote_flush(thread_self);
    eddy_collect();
    assert_int_equal(live_blocks(), 0);
}

static void a_first_class_heap_ends_with_late_pages(void **state) {
    (void)state;
    eddy_heap_t *heap = eddy_heap_new();
    void *first = must(eddy_heap_malloc(heap, SIZE));
    hold_lock_of(load_relaxed(&page_of(first)->heap));
    for (size_t i = 0; i < 3 * LIMIT; i++) must(eddy_heap_malloc(heap, SIZE));
    let_lock_go();
    eddy_heap_destroy(heap);
    assert_int_equal(live_blocks(), 0);
    eddy_collect();
    assert_int_equal(stats_now().free_in_pages, 0);
}

static void a_deleted_heap_leaves_its_late_pages(void **state) {
    (void)state;
    eddy_heap_t *heap = eddy_heap_new();
    blocks[0] = seal(must(eddy_heap_malloc(heap, SIZE)), SIZE);
    hold_lock_of(load_relaxed(&page_of(blocks[0])->heap));
    for (size_t i = 1; i < 3 * LIMIT; i++) {
        blocks[i] = seal(must(eddy_heap_malloc(heap, SIZE)), SIZE);
    }
    let_lock_go();
    eddy_heap_delete(heap);
    free_blocks();
}

/* ---- forks ---- */

static void go_on_in_child(void) {
    burst_free_all(&burst);
    turn_a_page();
    assert_settled(own_heap());
    if (!THREAD_SANITIZER) child_allocate_in_two_threads();
    eddy_collect();
    check(live_blocks() == 0);
}

static void the_forking_threads_late_pages_stay(void **state) {
    (void)state;
    leave_late_pages(NULL);
    fork_and_wait(go_on_in_child);
    turn_a_page();
    assert_settled(own_heap());
    burst_free_all(&burst);
}

static void free_of_vanished(void) {
    burst_free_all(&burst);
    remote_flush(thread_self);
    child_allocate(NULL);
    eddy_collect();
    check(live_blocks() == 0);
}

static void fork_by_another(void *unused) {
    (void)unused;
    child_allocate(NULL);
    fork_and_wait(free_of_vanished);
}

static void late_pages_of_a_vanished_thread_are_free_in_the_child(void **state) {
    (void)state;
    leave_late_pages(NULL);
    in_thread(fork_by_another, NULL);
    burst_free_all(&burst);
}

int main(void) {
    child_prepare();
#define test(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        test(allocating_does_not_wait),
        test(pages_used_up_are_listed_later),
        test(pages_with_blocks_again_serve_before_others),
        test(blocks_that_others_freed_serve_again),
        test(one_page_too_many_waits),
        test(retained_pages_are_waited_for),
        test(freeing_does_not_wait),
        test(a_full_page_with_free_blocks_is_listed_later),
        test(an_emptied_page_retires_later),
        test(one_count_too_many_waits),
        test(a_page_taken_meanwhile_is_left_alone),
        test(a_page_counted_out_twice_is_retired_once),
        test(the_scavenger_takes_a_late_page_of_a_sleeping_owner),
        test(collecting_takes_a_late_page_of_a_sleeping_owner),
        test(a_thread_ends_with_late_pages),
        test(a_first_class_heap_ends_with_late_pages),
        test(a_deleted_heap_leaves_its_late_pages),
        test(the_forking_threads_late_pages_stay),
        test(late_pages_of_a_vanished_thread_are_free_in_the_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
