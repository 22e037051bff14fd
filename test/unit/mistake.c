/* What only a mistake of the program can leave behind in a page: seen where its count and its list
 * are looked at anyhow, told once, and never taken further.
 *
 * These are the mistakes that the marks of debug builds miss (heap/check.h), because the program
 * wrote over them. test/bad has the others.
 * SPDX-License-Identifier: MIT */
#include "heap/mistake.h"

#include "common/actor.h"
#include "common/alone.h"
#include "common/forked.h"
#include "common/inside.h"
#include "heap/remote.h"

/* Another class for each test: the one before may have lost blocks. */
static size_t size = KIB;

static int told, told_error;
static const void *told_pointer;

static void tell(int error, const char *message, const void *pointer, void *argument) {
    (void)message, (void)argument;
    told++;
    told_error = error;
    told_pointer = pointer;
}

static int start(void **state) {
    (void)state;
    start_clean();
    told = 0;
    size -= 128;
    eddy_on_error(tell, NULL);
    return 0;
}

static int end(void **state) {
    (void)state;
    eddy_on_error(NULL, NULL);
    heap_verify(own_heap());
    return 0;
}

/* As a program that does not know that the block is not its own. */
static void write_over(void *block) { memset(block, 0x55, 2 * sizeof(void *)); }

static void free_again(void *block) {
    write_over(block);
    eddy_free(block);
}

static void assert_told_once(int error, const void *pointer) {
    assert_int_equal(told, 1);
    assert_int_equal(told_error, error);
    assert_ptr_equal(told_pointer, pointer);
}

/* Nobody is given what somebody has. */
static void assert_apart(const void *block) {
    for (size_t i = 0; i < 200; i++) assert_ptr_not_equal(must(eddy_malloc(size)), block);
    assert_int_equal(told, 1);
}

static void a_current_page_does_not_count_out(void **state) {
    (void)state;
    void *block = must(eddy_malloc(size));
    void *other = must(eddy_malloc(size));
    eddy_free(block);
    eddy_free(other);
    free_again(block);
    assert_told_once(EAGAIN, block);
    heap_verify(own_heap());
    assert_apart(NULL);
}

static void hold_lock(void *heap) { lock_acquire(&((heap_t *)heap)->lock); }
static void release_lock(void *heap) { lock_release(&((heap_t *)heap)->lock); }

static void a_current_page_does_not_count_out_while_the_lock_is_held(void **state) {
    (void)state;
    actor_t holder;
    void *block = must(eddy_malloc(size));
    void *other = must(eddy_malloc(size));
    actor_start(&holder);
    actor_do(&holder, hold_lock, own_heap());
    eddy_free(block);
    eddy_free(other);
    free_again(block);
    actor_do(&holder, release_lock, own_heap());
    assert_told_once(EAGAIN, block);
    assert_apart(block);
    actor_end(&holder);
}

static void a_page_used_up_while_the_lock_is_held_does_not_count_out(void **state) {
    (void)state;
    actor_t holder;
    size_t limit = SLICE_BYTES / size;
    void *first = must(eddy_malloc(size));
    page_t *page = page_of(first);
    void *rest[SLICE_BYTES / BLOCK_ALIGN];
    actor_start(&holder);
    actor_do(&holder, hold_lock, own_heap());
    for (size_t i = 1; i < limit; i++) rest[i] = must(eddy_malloc(size));
    assert_ptr_not_equal(page_of(must(eddy_malloc(size))), page);
    eddy_free(first);
    for (size_t i = 1; i < limit; i++) eddy_free(rest[i]);
    free_again(first);
    actor_do(&holder, release_lock, own_heap());
    assert_told_once(EAGAIN, first);
    assert_apart(first);
    actor_end(&holder);
}

static void free_in_a_ring(void *argument) {
    void **blocks = argument;
    eddy_free(blocks[0]);
    eddy_free(blocks[1]);
    free_again(blocks[0]);
}

static void a_ring_gathered_is_given_as_a_chain(void **state) {
    (void)state;
    void *blocks[3];
    for (size_t i = 0; i < LENGTH(blocks); i++) blocks[i] = must(eddy_malloc(size));
    page_t *page = page_of(blocks[0]);
    in_thread(free_in_a_ring, blocks);
    assert_told_once(EAGAIN, blocks[0]);
    assert_int_equal(pending_count(load_relaxed(&page->thread_free)), 2);
    assert_apart(blocks[2]);
    eddy_free(blocks[2]);
}

/* The link of a free block is the list behind it. */
static void a_list_broken_off_is_told_when_it_ends(void **state) {
    (void)state;
    void *blocks[4];
    for (size_t i = 0; i < LENGTH(blocks); i++) blocks[i] = must(eddy_malloc(size));
    page_t *page = page_of(blocks[0]);
    eddy_free(blocks[1]);
    memset(blocks[1], 0, sizeof(void *));
    assert_ptr_equal(must(eddy_malloc(size)), blocks[1]);
    assert_int_equal(told, 0);
    (void)must(eddy_malloc(size));
    assert_told_once(EFAULT, slice_address(page));
    heap_verify(own_heap());
    assert_apart(blocks[0]);
}

/* ---- what looks like a mistake, and is none ---- */

static void *first_of_vanished;

static void allocate_one(void *unused) {
    (void)unused;
    first_of_vanished = eddy_malloc(size);
}

static void adopt_and_use_up(void) {
    page_t *page = page_of(first_of_vanished);
    check(eddy_malloc(size) != NULL);
    check(load_relaxed(&page->heap) == own_heap() && page->state == PAGE_CURRENT);
    for (size_t i = 0; i < 2 * page->block_limit; i++) check(eddy_malloc(size) != NULL);
    check(told == 0);
}

static void what_a_vanished_thread_was_about_to_pop_is_not_missed(void **state) {
    (void)state;
    actor_t actor;
    actor_start(&actor);
    actor_do(&actor, allocate_one, NULL);
    /* As fast_pop would leave it in the middle. */
    page_t *page = page_of(first_of_vanished);
    block_t *popped = page->free;
    page->free = popped->next;
    eddy_collect();
    fork_and_wait(adopt_and_use_up);
    page->free = popped;
    actor_end(&actor);
}

int main(void) {
#define MISTAKE_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)
    const struct CMUnitTest tests[] = {
        MISTAKE_TEST(a_current_page_does_not_count_out),
        MISTAKE_TEST(a_current_page_does_not_count_out_while_the_lock_is_held),
        MISTAKE_TEST(a_page_used_up_while_the_lock_is_held_does_not_count_out),
        MISTAKE_TEST(a_ring_gathered_is_given_as_a_chain),
        MISTAKE_TEST(a_list_broken_off_is_told_when_it_ends),
        MISTAKE_TEST(what_a_vanished_thread_was_about_to_pop_is_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
