/* First-class heaps from the inside: the sub-heaps of their threads, and where these and their
 * memory go when the heap or a thread ends.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/alone.h"
#include "common/faults.h"
#include "common/inside.h"
#include "common/random_block.h"
#include "heap/subheap.h"

enum { BLOCKS = 600, HEAPS = 6, LIVE_MOST = 500, STEPS = 20000 };

static eddy_heap_t *heap;
static void *blocks[BLOCKS];

static int start(void **state) {
    (void)state;
    faults_refuse_barriers_unseen();
    start_clean();
    heap = eddy_heap_new();
    return heap == NULL;
}

static int end(void **state) {
    assert_ptr_equal(eddy_heap_get_default(), eddy_heap_main());
    return tear_down_clean(state);
}

static size_t slices_used(void) {
    span_totals_t totals;
    span_totals(&totals);
    return totals.used;
}

static size_t heaps_ever(void) {
    size_t count = 0;
    for (heap_t *one = registry_first(); one != NULL; one = one->next_of_all) count++;
    return count;
}

/* Small ones, some of pages of several slices, some large. */
static size_t size_of(size_t i) {
    return i % 100 == 99 ? 300 * KIB : i % 50 == 0 ? 20000 : i % 900;
}

static void allocate_all(void *unused) {
    (void)unused;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = sealable(size_of(i));
        blocks[i] = seal(must(eddy_heap_malloc(heap, size)), size);
    }
}

static void free_all(void *unused) {
    (void)unused;
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i] != NULL) sealed_free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void free_half(void *unused) {
    (void)unused;
    for (size_t i = 0; i < BLOCKS; i += 2) {
        sealed_free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void delete_heap(void *unused) {
    (void)unused;
    eddy_heap_delete(heap);
}

static void destroy_heap(void *unused) {
    (void)unused;
    eddy_heap_destroy(heap);
}

static heap_t *heap_of(const void *block) { return span_heap(page_of(block)); }

/* ---- memory ---- */

static void destroying_gives_every_slice_back(void **state) {
    (void)state;
    size_t before = slices_used();
    allocate_all(NULL);
    assert_true(slices_used() > before + BLOCKS / 100 * 4);
    destroy_heap(NULL);
    assert_int_equal(slices_used(), before);
}

static void the_slices_of_a_destroyed_heap_are_used_again(void **state) {
    (void)state;
    allocate_all(NULL);
    destroy_heap(NULL);
    size_t opened = stats_now().opened;
    for (unsigned round = 0; round < 20; round++) {
        heap = eddy_heap_new();
        allocate_all(NULL);
        destroy_heap(NULL);
    }
    assert_int_equal(stats_now().opened, opened);
}

static void blocks_freed_by_others_are_not_freed_twice_by_destroying(void **state) {
    (void)state;
    size_t before = slices_used();
    allocate_all(NULL);
    in_thread(free_half, NULL);
    destroy_heap(NULL);
    assert_int_equal(slices_used(), before);
    assert_int_equal(live_blocks(), 0);
}

static void blocks_freed_by_others_are_not_lost_by_deleting(void **state) {
    (void)state;
    allocate_all(NULL);
    in_thread(free_half, NULL);
    delete_heap(NULL);
    assert_int_equal(live_blocks(), BLOCKS / 2);
    free_all(NULL);
}

/* The heap may be destroyed at any moment: nobody holds back blocks of it. */
static void frees_of_other_threads_are_never_gathered(void **state) {
    (void)state;
    actor_t actor;
    actor_start(&actor);
    allocate_all(NULL);
    actor_do(&actor, free_half, NULL);
    assert_int_equal(live_blocks(), BLOCKS / 2);
    destroy_heap(NULL);
    /* Another's blocks lie there by now when the freeing thread ends. */
    heap = eddy_heap_new();
    allocate_all(NULL);
    actor_end(&actor);
    assert_int_equal(live_blocks(), BLOCKS);
    free_all(NULL);
    destroy_heap(NULL);
}

static void an_emptied_heap_holds_no_large_object(void **state) {
    (void)state;
    allocate_all(NULL);
    heap_t *part = heap_of(blocks[0]);
    assert_int_equal(load_relaxed(&part->large_slices),
                     BLOCKS / 100 * divide_up(300 * KIB, SLICE_BYTES));
    in_thread(free_all, NULL);
    assert_int_equal(load_relaxed(&part->large_slices), 0);
    destroy_heap(NULL);
}

/* ---- sub-heaps ---- */

static void a_heap_has_a_part_for_each_thread(void **state) {
    (void)state;
    actor_t actor;
    actor_start(&actor);
    allocate_all(NULL);
    heap_t *mine = heap_of(blocks[1]);
    free_all(NULL);
    actor_do(&actor, allocate_all, NULL);
    assert_ptr_not_equal(heap_of(blocks[1]), mine);
    assert_ptr_equal(eddy_heap_of(blocks[1]), heap);
    free_all(NULL);
    allocate_all(NULL);
    assert_ptr_equal(heap_of(blocks[1]), mine);
    destroy_heap(NULL);
    actor_end(&actor);
}

static void the_part_of_an_ended_thread_goes_to_the_next_one(void **state) {
    (void)state;
    in_thread(allocate_all, NULL);
    heap_t *left = heap_of(blocks[1]);
    free_half(NULL);
    void *kept = blocks[1];
    in_thread(free_all, NULL);
    in_thread(allocate_all, NULL);
    assert_ptr_equal(heap_of(blocks[1]), left);
    assert_ptr_equal(eddy_heap_of(kept), heap);
    destroy_heap(NULL);
}

static void threads_that_come_and_go_share_a_part(void **state) {
    (void)state;
    in_thread(allocate_all, NULL);
    size_t heaps = heaps_ever();
    for (unsigned round = 0; round < 20; round++) {
        in_thread(free_all, NULL);
        in_thread(allocate_all, NULL);
    }
    assert_int_equal(heaps_ever(), heaps);
    destroy_heap(NULL);
}

static void the_parts_of_heaps_that_ended_are_used_again(void **state) {
    (void)state;
    allocate_all(NULL);
    size_t heaps = heaps_ever();
    for (unsigned round = 0; round < 50; round++) {
        if (round % 2) {
            delete_heap(NULL);
        } else {
            destroy_heap(NULL);
            memset(blocks, 0, sizeof blocks);
        }
        free_all(NULL);
        heap = eddy_heap_new();
        allocate_all(NULL);
    }
    assert_true(heaps_ever() <= heaps + 1);
    destroy_heap(NULL);
}

static void what_a_deleted_heap_leaves_belongs_to_its_threads(void **state) {
    (void)state;
    allocate_all(NULL);
    in_thread(delete_heap, NULL);
    assert_ptr_equal(eddy_heap_of(blocks[1]), eddy_heap_main());
    /* The thread notices as it looks for another part. */
    heap = eddy_heap_new();
    void *block = must(eddy_heap_malloc(heap, 1));
    assert_ptr_equal(heap_of(blocks[1]), own_heap());
    assert_ptr_equal(eddy_heap_of(block), heap);
    heap_verify(own_heap());
    free_all(NULL);
    destroy_heap(NULL);
}

static void a_new_heap_in_the_old_place_is_another(void **state) {
    (void)state;
    allocate_all(NULL);
    eddy_heap_t *old = heap;
    uint64_t old_id = load_relaxed(&old->id);
    delete_heap(NULL);
    heap = eddy_heap_new();
    assert_ptr_equal(heap, old);
    assert_true(load_relaxed(&heap->id) > old_id);
    assert_ptr_equal(eddy_heap_of(blocks[1]), eddy_heap_main());
    free_all(NULL);
    destroy_heap(NULL);
}

/* ---- the default heap ---- */

static void what_names_no_heap_comes_from_the_default_one(void **state) {
    (void)state;
    assert_ptr_equal(eddy_heap_set_default(heap), eddy_heap_main());
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = seal(must(eddy_malloc(sealable(size_of(i)))), sealable(size_of(i)));
        assert_ptr_equal(eddy_heap_of(blocks[i]), heap);
    }
    assert_ptr_equal(eddy_heap_set_default(eddy_heap_main()), heap);
    void *block = must(eddy_malloc(100));
    assert_ptr_equal(eddy_heap_of(block), eddy_heap_main());
    eddy_free(block);
    free_all(NULL);
    destroy_heap(NULL);
}

static void a_default_heap_that_ends_is_the_default_no_more(void **state) {
    (void)state;
    assert_non_null(eddy_heap_set_default(heap));
    void *kept = must(eddy_malloc(100));
    delete_heap(NULL);
    assert_ptr_equal(eddy_heap_get_default(), eddy_heap_main());
    void *block = must(eddy_malloc(100));
    assert_ptr_equal(eddy_heap_of(block), eddy_heap_main());
    eddy_free(block);
    eddy_free(kept);
}

/* ---- heaps below others ---- */

static eddy_heap_t *parent;

static int start_below(void **state) {
    if (start(state) != 0) return 1;
    eddy_heap_destroy(heap);
    parent = eddy_heap_new_below(NULL);
    heap = parent == NULL ? NULL : eddy_heap_new_below(parent);
    return heap == NULL;
}

static void parents_are_told(void **state) {
    (void)state;
    assert_null(eddy_heap_parent(eddy_heap_main()));
    assert_null(eddy_heap_parent(parent));
    assert_ptr_equal(eddy_heap_parent(heap), parent);
    eddy_heap_t *other = eddy_heap_new();
    assert_ptr_equal(eddy_heap_parent(other), eddy_heap_main());
    eddy_heap_delete(other);
    eddy_heap_destroy(parent);
}

static void what_a_deleted_heap_leaves_is_the_parents(void **state) {
    (void)state;
    size_t before = slices_used();
    allocate_all(NULL);
    eddy_heap_delete(heap);
    for (size_t i = 0; i < BLOCKS; i++) assert_ptr_equal(eddy_heap_of(blocks[i]), parent);
    in_thread(free_half, NULL);
    eddy_heap_destroy(parent);
    assert_int_equal(slices_used(), before);
}

static void what_threads_left_in_a_deleted_heap_is_the_parents(void **state) {
    (void)state;
    size_t before = slices_used();
    in_thread(allocate_all, NULL);
    in_thread(delete_heap, NULL);
    for (size_t i = 0; i < BLOCKS; i++) assert_ptr_equal(eddy_heap_of(blocks[i]), parent);
    free_half(NULL);
    eddy_heap_destroy(parent);
    assert_int_equal(slices_used(), before);
}

static void a_thread_keeps_one_part_of_the_parent(void **state) {
    (void)state;
    /* Small blocks: large objects stay with the part that they are of. */
    size_t heaps = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = seal(must(eddy_heap_malloc(heap, 100)), 100);
        eddy_heap_delete(heap);
        heap = eddy_heap_new_below(parent);
        if (i == 10) heaps = heaps_ever();
    }
    assert_int_equal(heaps_ever(), heaps);
    for (size_t i = 1; i < BLOCKS; i++) assert_ptr_equal(heap_of(blocks[i]), heap_of(blocks[0]));
    heap_verify(heap_of(blocks[0]));
    free_all(NULL);
    eddy_heap_destroy(parent);
}

static void two_parts_stay_while_one_holds_a_large_object(void **state) {
    (void)state;
    void *large = must(eddy_heap_malloc(heap, 300 * KIB));
    must(eddy_heap_malloc(parent, 100));
    eddy_heap_delete(heap);
    assert_ptr_equal(eddy_heap_of(large), parent);
    heap_t *part = heap_of(large);
    eddy_free(large);
    /* The thread notices as it looks for another part. */
    heap = eddy_heap_new_below(parent);
    assert_ptr_equal(heap_of(must(eddy_heap_malloc(heap, 100))), part);
    eddy_heap_destroy(parent);
}

static void a_heap_ends_with_its_parent(void **state) {
    (void)state;
    size_t before = slices_used();
    allocate_all(NULL);
    eddy_heap_t *below = eddy_heap_new_below(heap);
    void *block = must(eddy_heap_malloc(below, 300 * KIB));
    assert_non_null(block);
    eddy_heap_destroy(parent);
    assert_int_equal(slices_used(), before);
}

static void deleting_a_parent_frees_nothing(void **state) {
    (void)state;
    allocate_all(NULL);
    eddy_heap_delete(parent);
    for (size_t i = 0; i < BLOCKS; i++) assert_ptr_equal(eddy_heap_of(blocks[i]), eddy_heap_main());
    free_all(NULL);
}

static void a_default_heap_that_ends_makes_its_parent_the_default(void **state) {
    (void)state;
    static void (*const ends[])(eddy_heap_t *) = {eddy_heap_delete, eddy_heap_destroy};
    for (size_t i = 0; i < LENGTH(ends); i++) {
        assert_non_null(eddy_heap_set_default(heap));
        assert_non_null(eddy_malloc(100));
        ends[i](heap);
        assert_ptr_equal(eddy_heap_get_default(), parent);
        assert_ptr_equal(eddy_heap_of(must(eddy_malloc(100))), parent);
        heap = eddy_heap_new_below(parent);
    }
    eddy_heap_destroy(parent);
}

static void delete_another(void *unused) {
    (void)unused;
    for (unsigned i = 0; i < 200; i++) {
        eddy_heap_t *other = eddy_heap_new_below(parent);
        for (size_t size = 0; size < 2000; size += 100) must(eddy_heap_malloc(other, size));
        eddy_heap_delete(other);
        eddy_free(must(eddy_heap_malloc(parent, 100)));
    }
}

static void threads_delete_heaps_of_one_parent_side_by_side(void **state) {
    (void)state;
    size_t before = slices_used();
    actor_t actors[3];
    for (size_t i = 0; i < LENGTH(actors); i++) actor_start(&actors[i]);
    for (size_t i = 0; i < LENGTH(actors); i++) actor_begin(&actors[i], delete_another, NULL);
    delete_another(NULL);
    for (size_t i = 0; i < LENGTH(actors); i++) actor_end(&actors[i]);
    eddy_heap_destroy(parent);
    assert_int_equal(slices_used(), before);
}

/* ---- random lives ---- */

/* Blocks of several heaps that come, are deleted, and are destroyed with all they hold. */
static void live_randomly_below(eddy_heap_t *home) {
    static struct {
        void *block;
        eddy_heap_t *heap;
    } live[LIVE_MOST];
    eddy_heap_t *heaps[HEAPS];
    uint64_t random = 1;
    size_t count = 0;
    for (size_t i = 0; i < HEAPS; i++) heaps[i] = must(eddy_heap_new_below(home));
    for (unsigned step = 0; step < STEPS; step++) {
        eddy_heap_t **one = &heaps[random_below(&random, HEAPS)];
        if (random_one_in(&random, 500)) {
            bool destroy = random_one_in(&random, 2);
            for (size_t i = count; i-- > 0;) {
                if (live[i].heap != *one) continue;
                check(is_sealed(live[i].block));
                live[i].heap = home;
                if (destroy) live[i] = live[--count];
            }
            if (destroy) {
                eddy_heap_destroy(*one);
            } else {
                eddy_heap_delete(*one);
            }
            *one = must(eddy_heap_new_below(home));
            assert_int_equal(live_blocks(), count);
            heap_verify(own_heap());
        } else if (count == 0 || (count < LIVE_MOST && random_one_in(&random, 2))) {
            size_t size = sealable(random_size(&random));
            live[count].heap = *one;
            live[count++].block = seal(must(eddy_heap_malloc(*one, size)), size);
        } else {
            size_t at = random_below(&random, (uint32_t)count);
            assert_ptr_equal(eddy_heap_of(live[at].block), live[at].heap);
            sealed_free(live[at].block);
            live[at] = live[--count];
        }
    }
    for (size_t i = 0; i < HEAPS; i++) eddy_heap_delete(heaps[i]);
    while (count > 0) sealed_free(live[--count].block);
}

static void random_heaps_hold_what_the_model_says(void **state) {
    (void)state;
    live_randomly_below(eddy_heap_main());
    destroy_heap(NULL);
}

static void random_heaps_below_another_do_so_too(void **state) {
    (void)state;
    live_randomly_below(parent);
    eddy_heap_destroy(parent);
}

#define FIRST_CLASS_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)
#define BELOW_TEST(test) cmocka_unit_test_setup_teardown(test, start_below, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        FIRST_CLASS_TEST(destroying_gives_every_slice_back),
        FIRST_CLASS_TEST(the_slices_of_a_destroyed_heap_are_used_again),
        FIRST_CLASS_TEST(blocks_freed_by_others_are_not_freed_twice_by_destroying),
        FIRST_CLASS_TEST(blocks_freed_by_others_are_not_lost_by_deleting),
        FIRST_CLASS_TEST(frees_of_other_threads_are_never_gathered),
        FIRST_CLASS_TEST(an_emptied_heap_holds_no_large_object),
        FIRST_CLASS_TEST(a_heap_has_a_part_for_each_thread),
        FIRST_CLASS_TEST(the_part_of_an_ended_thread_goes_to_the_next_one),
        FIRST_CLASS_TEST(threads_that_come_and_go_share_a_part),
        FIRST_CLASS_TEST(the_parts_of_heaps_that_ended_are_used_again),
        FIRST_CLASS_TEST(what_a_deleted_heap_leaves_belongs_to_its_threads),
        FIRST_CLASS_TEST(a_new_heap_in_the_old_place_is_another),
        FIRST_CLASS_TEST(what_names_no_heap_comes_from_the_default_one),
        FIRST_CLASS_TEST(a_default_heap_that_ends_is_the_default_no_more),
        BELOW_TEST(parents_are_told),
        BELOW_TEST(what_a_deleted_heap_leaves_is_the_parents),
        BELOW_TEST(what_threads_left_in_a_deleted_heap_is_the_parents),
        BELOW_TEST(a_thread_keeps_one_part_of_the_parent),
        BELOW_TEST(two_parts_stay_while_one_holds_a_large_object),
        BELOW_TEST(a_heap_ends_with_its_parent),
        BELOW_TEST(deleting_a_parent_frees_nothing),
        BELOW_TEST(a_default_heap_that_ends_makes_its_parent_the_default),
        BELOW_TEST(threads_delete_heaps_of_one_parent_side_by_side),
        BELOW_TEST(random_heaps_below_another_do_so_too),
        FIRST_CLASS_TEST(random_heaps_hold_what_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
