/* A child forked before any atomic operation of another thread, at all of its slow paths, has a
 * whole allocator: no hang, no block lost that a living thread knows, none handed out twice.
 * SPDX-License-Identifier: MIT */
#include "common/forked.h"
#include "common/preempt.h"

enum { SIZE = KIB, COUNT = 150 };

/* Side by side in their pages: the other thread uses `blocks`, `kept` must survive. */
static void *blocks[COUNT], *kept[COUNT];
/* Shared by all threads, in some tests. */
static eddy_heap_t *shared;

static void fill_both(void *unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = sealed_malloc(SIZE);
        kept[i] = sealed_malloc(SIZE);
    }
}

static void drop_both(void *unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT; i++) {
        sealed_drop(&blocks[i]);
        sealed_drop(&kept[i]);
    }
    eddy_heap_destroy(shared);
    shared = NULL;
    eddy_collect();
    check(live_blocks() == 0);
}

/* ---- the child ---- */

static void check_kept(void) {
    for (size_t i = 0; i < COUNT; i++) check(is_sealed(kept[i]));
}

static void use_all(void) {
    schedule_hook = NULL;
    check_kept();
    child_allocate(NULL);
    if (shared != NULL) check(eddy_heap_malloc(shared, SIZE) != NULL);
    check_kept();
    for (size_t i = 0; i < COUNT; i++) sealed_free(kept[i]);
    eddy_collect();
    child_allocate(NULL);
}

static void begin_with_a_thread(void) {
    schedule_hook = NULL;
    child_allocate_in_two_threads();
    use_all();
}

/* The thread that forks has used Eddy before. */
static void fork_one(void *unused) {
    static unsigned forks;
    (void)unused;
    sealed_free(sealed_malloc(SIZE));
    fork_and_wait(forks++ % 2 == 0 || TSAN ? use_all : begin_with_a_thread);
}

/* ---- what the other thread does ---- */

static void free_and_allocate(void *unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT; i++) sealed_drop(&blocks[i]);
    for (size_t i = 0; i < COUNT; i++) blocks[i] = sealed_malloc(SIZE);
}

static void make_two_pages(void *unused) {
    (void)unused;
    for (size_t i = 0; i < 16; i++) blocks[i] = sealed_malloc(8 * KIB);
}

static void empty_two_pages(void *unused) {
    (void)unused;
    for (size_t i = 0; i < 16; i++) sealed_drop(&blocks[i]);
    eddy_collect();
}

static void keep_only(void *unused) {
    fill_both(unused);
    for (size_t i = 0; i < COUNT; i++) sealed_drop(&blocks[i]);
}

static void make_pages_to_empty(void *unused) {
    keep_only(unused);
    make_two_pages(unused);
}

static void use_large_objects(void *unused) {
    (void)unused;
    void *object = eddy_malloc(300 * KIB);
    object = eddy_realloc(object, 2 * MIB);
    object = eddy_realloc(object, 8 * MIB);
    check(object != NULL);
    eddy_free(object);
}

static void use_first_class_heap(void *unused) {
    (void)unused;
    eddy_heap_t *heap = eddy_heap_new();
    for (size_t i = 0; i < 10; i++) check(eddy_heap_malloc(heap, i % 5 * 20000 + 100) != NULL);
    eddy_heap_destroy(heap);
}

static void share_heap(void *unused) {
    keep_only(unused);
    shared = eddy_heap_new();
    check(shared != NULL);
}

static void use_shared_heap(void *unused) {
    (void)unused;
    check(eddy_heap_malloc(shared, SIZE) != NULL);
}

static void *fill_in_thread(void *unused) {
    keep_only(unused);
    return NULL;
}

/* A heap that ends while it stands below another: its blocks become the other's. */
static eddy_heap_t *below;

static void share_heap_and_one_below(void *unused) {
    share_heap(unused);
    below = eddy_heap_new_below(shared);
    check(below != NULL && eddy_heap_malloc(below, SIZE) != NULL);
}

static void delete_the_one_below(void *unused) {
    (void)unused;
    eddy_heap_delete(below);
}

static void free_what_the_shared_heap_has(void) {
    schedule_hook = NULL;
    size_t live = live_blocks();
    eddy_heap_destroy(shared);
    check(live_blocks() == live - 1);
    shared = NULL;
    use_all();
}

static void fork_one_that_ends_the_shared_heap(void *unused) {
    (void)unused;
    sealed_free(sealed_malloc(SIZE));
    fork_and_wait(free_what_the_shared_heap_has);
}

/* The first blocks of this thread, which takes over what an ended one left, or adopts it. */
static void leave_to_others(void *unused) { run_thread(fill_in_thread, unused); }

static void free_what_is_left(void *unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT; i++) {
        if (blocks[i] == NULL) blocks[i] = sealed_malloc(SIZE);
    }
}

/* ---- tests ---- */

static void test_at_every_point(actor_step_fn *prepare, actor_step_fn *step) {
    preempt_apart(&(race_t){prepare, step, fork_one, drop_both}, POINTS_APART);
}

static void a_fork_beside_frees_and_allocations(void **state) {
    (void)state;
    test_at_every_point(fill_both, free_and_allocate);
}

static void a_fork_beside_the_making_of_pages(void **state) {
    (void)state;
    test_at_every_point(keep_only, make_two_pages);
}

static void a_fork_beside_the_emptying_of_pages(void **state) {
    (void)state;
    test_at_every_point(make_pages_to_empty, empty_two_pages);
}

static void a_fork_beside_large_objects(void **state) {
    (void)state;
    test_at_every_point(keep_only, use_large_objects);
}

static void a_fork_beside_a_first_class_heap(void **state) {
    (void)state;
    test_at_every_point(keep_only, use_first_class_heap);
}

static void a_fork_beside_the_first_use_of_a_shared_heap(void **state) {
    (void)state;
    test_at_every_point(share_heap, use_shared_heap);
}

static void a_fork_beside_the_end_of_a_heap_below_another(void **state) {
    (void)state;
    preempt_apart(&(race_t){share_heap_and_one_below, delete_the_one_below,
                            fork_one_that_ends_the_shared_heap, drop_both},
                  POINTS_APART);
}

static void a_fork_beside_the_start_of_a_thread(void **state) {
    (void)state;
    test_at_every_point(leave_to_others, free_what_is_left);
}

static void a_fork_beside_the_end_of_a_thread(void **state) {
    (void)state;
    test_at_every_point(fill_both, NULL);
}

int main(void) {
    child_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_beside_frees_and_allocations),
        cmocka_unit_test(a_fork_beside_the_making_of_pages),
        cmocka_unit_test(a_fork_beside_the_emptying_of_pages),
        cmocka_unit_test(a_fork_beside_large_objects),
        cmocka_unit_test(a_fork_beside_a_first_class_heap),
        cmocka_unit_test(a_fork_beside_the_first_use_of_a_shared_heap),
        cmocka_unit_test(a_fork_beside_the_end_of_a_heap_below_another),
        cmocka_unit_test(a_fork_beside_the_start_of_a_thread),
        cmocka_unit_test(a_fork_beside_the_end_of_a_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
