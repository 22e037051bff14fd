/* What one thread writes on its fast paths lies in no cache line that another thread writes: its
 * blocks, the descriptors of its pages, its record.
 * SPDX-License-Identifier: MIT */
#include "common/actor.h"
#include "common/inside.h"

/* Processors fetch lines in pairs. */
enum { LINE = 64, LINE_PAIR = 2 * LINE, THREADS = 3, BLOCKS = 3000, TURN = 7 };

static const size_t sizes[] = {1, 8, 16, 24, 40, 48, 80, 112};

typedef struct hoard {
    size_t size, count;
    void *blocks[BLOCKS];
    thread_t *thread;
} hoard_t;

static hoard_t hoards[THREADS];

static void allocate_some(void *argument) {
    hoard_t *hoard = argument;
    for (size_t i = 0; i < TURN && hoard->count < BLOCKS; i++) {
        hoard->blocks[hoard->count++] = must(eddy_malloc(hoard->size));
    }
    hoard->thread = thread_self;
}

static void free_all(void *argument) {
    hoard_t *hoard = argument;
    for (size_t i = 0; i < hoard->count; i++) eddy_free(hoard->blocks[i]);
}

/* The threads take turns, so that their pages are fresh and fill up side by side. */
static void fill_hoards(actor_t *actors, size_t size) {
    for (size_t i = 0; i < THREADS; i++) hoards[i] = (hoard_t){.size = size};
    for (size_t turn = 0; turn < BLOCKS / TURN + 1; turn++) {
        for (size_t i = 0; i < THREADS; i++) actor_do(&actors[i], allocate_some, &hoards[i]);
    }
}

typedef struct unit_of {
    uintptr_t place;
    size_t thread;
} unit_of_t;

static int by_place(const void *left, const void *right) {
    const unit_of_t *a = left, *b = right;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* No two threads have the same place. */
static void assert_apart(unit_of_t *units, size_t count) {
    qsort(units, count, sizeof *units, by_place);
    for (size_t i = 1; i < count; i++) {
        if (units[i].place != units[i - 1].place) continue;
        assert_int_equal(units[i].thread, units[i - 1].thread);
    }
}

static void test_hoards(void (*look)(void)) {
    actor_t actors[THREADS];
    for (size_t i = 0; i < THREADS; i++) actor_start(&actors[i]);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        fill_hoards(actors, sizes[i]);
        look();
        for (size_t j = 0; j < THREADS; j++) actor_do(&actors[j], free_all, &hoards[j]);
    }
    for (size_t i = 0; i < THREADS; i++) actor_end(&actors[i]);
}

static unit_of_t units[THREADS * BLOCKS];

static void look_at_blocks(void) {
    for (size_t i = 0; i < LENGTH(units); i++) {
        const hoard_t *hoard = &hoards[i / BLOCKS];
        units[i] = (unit_of_t){(uintptr_t)hoard->blocks[i % BLOCKS] / LINE, i / BLOCKS};
    }
    assert_apart(units, LENGTH(units));
}

static void threads_get_small_blocks_in_lines_of_their_own(void **state) {
    (void)state;
    test_hoards(look_at_blocks);
}

static void look_at_descriptors(void) {
    for (size_t i = 0; i < LENGTH(units); i++) {
        page_t *page = page_of(hoards[i / BLOCKS].blocks[i % BLOCKS]);
        assert_int_equal((uintptr_t)page % LINE_PAIR, 0);
        units[i] = (unit_of_t){(uintptr_t)page / LINE_PAIR, i / BLOCKS};
    }
    assert_apart(units, LENGTH(units));
}

static void descriptors_of_different_pages_share_no_pair_of_lines(void **state) {
    (void)state;
    test_hoards(look_at_descriptors);
}

/* What others write in a descriptor is apart from what its owner writes on the fast paths. */
static void the_owner_of_a_page_writes_to_a_line_of_its_own(void **state) {
    (void)state;
    assert_int_not_equal(offsetof(page_t, thread_free) / LINE, offsetof(page_t, free) / LINE);
    assert_int_not_equal(offsetof(page_t, thread_free) / LINE, offsetof(page_t, used) / LINE);
}

static void look_at_records(void) {
    for (size_t i = 0; i < THREADS; i++) {
        thread_t *thread = hoards[i].thread;
        assert_int_equal((uintptr_t)thread % LINE_PAIR, 0);
        for (size_t j = 0; j < i; j++) assert_ptr_not_equal(thread, hoards[j].thread);
        /* Tokens of others come in a line of their own. */
        assert_int_not_equal((uintptr_t)&thread->heap.tokens / LINE,
                             (uintptr_t)&thread->heap.direct[DIRECT_COUNT - 1] / LINE);
        assert_int_not_equal((uintptr_t)&thread->heap.tokens / LINE,
                             (uintptr_t)&thread->remote[0] / LINE);
    }
}

static void records_of_threads_begin_with_a_line(void **state) {
    (void)state;
    test_hoards(look_at_records);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_get_small_blocks_in_lines_of_their_own),
        cmocka_unit_test(descriptors_of_different_pages_share_no_pair_of_lines),
        cmocka_unit_test(the_owner_of_a_page_writes_to_a_line_of_its_own),
        cmocka_unit_test(records_of_threads_begin_with_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
