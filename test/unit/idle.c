/* Pages that others than their owner emptied serve whoever needs memory, before the owner has
 * noticed.
 * SPDX-License-Identifier: MIT */
#include "heap/idle.h"
#include "common/actor.h"
#include "common/alone.h"
#include "common/burst.h"
#include "common/clock.h"
#include "common/faults.h"
#include "heap/remote.h"

/* Of a class whose pages have room for no more than the blocks that are said. */
enum { PAGES = 12, ROUNDS = 30, SIZE = 1000, BLOCKS = PAGES * (SLICE_BYTES / 1024) };

static burst_t burst;

static void fill_pages(void *unused) {
    (void)unused;
    burst_fill(&burst, 64, PAGES);
}

static void empty_pages(void *unused) {
    (void)unused;
    burst_free_all(&burst);
    remote_flush(thread_self);
}

static void empty_first_page(void *unused) {
    (void)unused;
    burst_free_page(&burst, 0);
    remote_flush(thread_self);
}

static void use_as_much_for_another_class(void) {
    static void *blocks[BLOCKS];
    own_heap()->next_idle_look = 0;
    eddy_counters_t before = counters_now();
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = must(eddy_malloc(SIZE));
    /* The owner's last page stays its current one. */
    assert_risen(before, pages_made, 1);
    assert_risen(before, pages_reused, PAGES - 1);
    assert_risen(before, pages_released, 0);
    for (size_t i = 0; i < BLOCKS; i++) eddy_free(blocks[i]);
}

/* In another thread; then the owner sleeps. */
static void test_sleeping_owner(actor_step_fn *last) {
    if (!os_barrier_available()) skip();
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_pages, NULL);
    empty_pages(NULL);
    if (last != NULL) actor_do(&owner, last, NULL);
    use_as_much_for_another_class();
    actor_end(&owner);
}

static void pages_that_others_emptied_serve_them_while_the_owner_sleeps(void **state) {
    (void)state;
    test_sleeping_owner(NULL);
}

static void list_pages(void *unused) {
    (void)unused;
    lock_acquire(&own_heap()->lock);
    heap_settle(own_heap());
    lock_release(&own_heap()->lock);
}

static void pages_that_their_owner_has_listed_again_do_so_too(void **state) {
    (void)state;
    test_sleeping_owner(list_pages);
}

static void pages_that_others_emptied_serve_all_classes_of_their_owner(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    fill_pages(NULL);
    in_thread(empty_pages, NULL);
    use_as_much_for_another_class();
}

typedef struct handed {
    void *in[BLOCKS], *out[BLOCKS];
} handed_t;

static void free_all(void *blocks[BLOCKS]) {
    for (size_t i = 0; i < BLOCKS; i++) eddy_free(blocks[i]);
}

/* The thread frees another one's burst and allocates its own, whose pages that one has not emptied
 * yet, or it does not know so. */
static void take_and_give(void *argument) {
    handed_t *handed = argument;
    free_all(handed->in);
    own_heap()->next_idle_look = 0;
    for (size_t i = 0; i < BLOCKS; i++) handed->out[i] = must(eddy_malloc(SIZE));
}

static void hand_on(void *from[BLOCKS], void *to[BLOCKS]) {
    memcpy(to, from, sizeof(void *[BLOCKS]));
}

/* One burst of the other thread is alive at a time, two of this one. */
static void exchange(actor_t *other, handed_t *theirs, handed_t *ours) {
    actor_do(other, take_and_give, theirs);
    hand_on(ours->out, theirs->in);
    hand_on(theirs->out, ours->in);
    take_and_give(ours);
}

static void threads_that_free_each_others_bursts_make_no_page(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    static handed_t theirs, ours;
    actor_t other;
    actor_start(&other);
    for (unsigned round = 0; round < 3; round++) exchange(&other, &theirs, &ours);
    eddy_counters_t before = counters_now();
    for (unsigned round = 0; round < ROUNDS; round++) exchange(&other, &theirs, &ours);
    assert_risen(before, pages_made, 0);
    assert_risen(before, extensions, 0);
    assert_risen(before, pages_released, 0);
    free_all(theirs.in);
    free_all(ours.out);
    actor_end(&other);
}

/* Its blocks lie on the owner's list and on that of the others. */
static void a_page_that_owner_and_others_emptied_comes_back_whole(void **state) {
    (void)state;
    burst_fill(&burst, SIZE, 3);
    burst_open(&burst, 0);
    in_thread(empty_first_page, NULL);
    eddy_counters_t before = counters_now();
    assert_true(idle_retire(own_heap(), own_heap()));
    assert_int_equal(burst.page[0]->state, PAGE_RETAINED);
    heap_verify(own_heap());
    burst_refill(&burst);
    assert_risen(before, pages_retired, 1);
    assert_risen(before, pages_reused, 1);
    assert_risen(before, pages_made, 0);
    assert_risen(before, extensions, 0);
    burst_free_all(&burst);
}

/* Until the kernel grants a barrier they are nobody's. */
static void what_waits_for_a_barrier_is_collected(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    actor_t owner;
    actor_start(&owner);
    actor_do(&owner, fill_pages, NULL);
    empty_pages(NULL);
    faults_start(FAULT_KIND(OS_BARRIER), 1, FOR_EVER);
    own_heap()->next_idle_look = 0;
    void *block = must(eddy_malloc(SIZE));
    faults_stop();
    assert_null(load_relaxed(&burst.page[0]->heap));
    actor_end(&owner);
    eddy_free(block);
    eddy_collect();
    span_totals_t totals;
    span_totals(&totals);
    assert_int_equal(totals.used, 0);
}

#define IDLE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_clean, tear_down_clean)

int main(void) {
    const struct CMUnitTest tests[] = {
        IDLE_TEST(pages_that_others_emptied_serve_them_while_the_owner_sleeps),
        IDLE_TEST(pages_that_their_owner_has_listed_again_do_so_too),
        IDLE_TEST(pages_that_others_emptied_serve_all_classes_of_their_owner),
        IDLE_TEST(threads_that_free_each_others_bursts_make_no_page),
        IDLE_TEST(a_page_that_owner_and_others_emptied_comes_back_whole),
        IDLE_TEST(what_waits_for_a_barrier_is_collected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
