/* First-class heaps.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "standard.h"

static const size_t sizes[] = {1,        16,       100,       1000,    5000,    8 * KIB + 1,
                               64 * KIB, 70 * KIB, 200 * KIB, 3 * MIB, 20 * MIB};

static eddy_heap_t *new_heap(void) { return (eddy_heap_t *)must(eddy_heap_new()); }

/* ---- visitors ---- */

typedef struct census {
    size_t blocks, bytes;
    const void *wanted;
    bool found;
    size_t stop_after; /* 0: never */
} census_t;

static bool count_block(void *block, size_t usable_size, void *argument) {
    census_t *census = argument;
    census->blocks++;
    census->bytes += usable_size;
    if (block == census->wanted) census->found = true;
    return census->blocks != census->stop_after;
}

static size_t blocks_in(eddy_heap_t *heap) {
    census_t census = {0};
    assert_true(eddy_heap_visit(heap, count_block, &census));
    return census.blocks;
}

/* ---- one thread ---- */

static void blocks_belong_to_their_heap(void **state) {
    (void)state;
    eddy_heap_t *a = new_heap(), *b = new_heap();
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *in_a = must(eddy_heap_malloc(a, sizes[i]));
        void *in_b = must(eddy_heap_malloc(b, sizes[i]));
        void *in_none = must(eddy_malloc(sizes[i]));
        assert_ptr_equal(eddy_heap_of(in_a), a);
        assert_ptr_equal(eddy_heap_of(in_b), b);
        assert_ptr_equal(eddy_heap_of(in_none), eddy_heap_main());
        eddy_free(in_a);
        eddy_free(in_b);
        eddy_free(in_none);
    }
    eddy_heap_destroy(a);
    eddy_heap_destroy(b);
}

static void foreign_pointers_belong_to_no_heap(void **state) {
    (void)state;
    static int global;
    int local;
    assert_null(eddy_heap_of(NULL));
    assert_null(eddy_heap_of(&global));
    assert_null(eddy_heap_of(&local));
    assert_null(eddy_heap_of((void *)(uintptr_t)opaque(SIZE_MAX)));
}

static void every_function_allocates_from_the_heap(void **state) {
    (void)state;
    eddy_heap_t *heap = new_heap();
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *blocks[] = {
            eddy_heap_malloc(heap, sizes[i]),
            eddy_heap_mallocn(heap, sizes[i], 1),
            eddy_heap_malloc_aligned(heap, sizes[i], 4 * KIB),
            eddy_heap_malloc_aligned_at(heap, sizes[i], 4 * KIB, 1),
            eddy_heap_realloc(heap, NULL, sizes[i]),
            eddy_heap_realloc_aligned_at(heap, NULL, sizes[i], 4 * KIB, 1),
            eddy_heap_zalloc(heap, sizes[i]),
            eddy_heap_calloc(heap, 1, sizes[i]),
            eddy_heap_zalloc_aligned(heap, sizes[i], 4 * KIB),
            eddy_heap_zalloc_aligned_at(heap, sizes[i], 4 * KIB, 1),
            eddy_heap_rezalloc(heap, NULL, sizes[i]),
            eddy_heap_rezalloc_aligned_at(heap, NULL, sizes[i], 4 * KIB, 1),
        };
        for (size_t j = 0; j < LENGTH(blocks); j++) {
            assert_ptr_equal(eddy_heap_of(must(blocks[j])), heap);
            assert_true(eddy_usable_size(blocks[j]) >= sizes[i]);
            assert_true(j < 6 || is_zero(blocks[j], sizes[i]));
            memset(blocks[j], 0xff, sizes[i]);
        }
        for (size_t j = 0; j < LENGTH(blocks); j++) eddy_free(blocks[j]);
    }
    assert_int_equal(blocks_in(heap), 0);
    eddy_heap_destroy(heap);
}

static void realloc_moves_into_the_heap(void **state) {
    (void)state;
    eddy_heap_t *heap = new_heap();
    void *block = must(eddy_malloc(100));
    fill(block, 100, 1);
    block = must(eddy_heap_realloc(heap, block, 100 * KIB));
    assert_ptr_equal(eddy_heap_of(block), heap);
    assert_true(is_filled(block, 100, 1));
    eddy_heap_destroy(heap);
}

static void destroy_frees_every_block(void **state) {
    (void)state;
    size_t before = live_blocks();
    eddy_heap_t *heap = new_heap();
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        for (size_t j = 0; j < (sizes[i] < 10 * KIB ? 1000 : 3); j++) {
            memset(must(eddy_heap_malloc(heap, sizes[i])), 1, sizes[i]);
        }
    }
    assert_int_equal(live_blocks(), before + blocks_in(heap));
    eddy_heap_destroy(heap);
    assert_int_equal(live_blocks(), before);
}

static void delete_keeps_the_blocks(void **state) {
    (void)state;
    size_t before = live_blocks();
    void *blocks[LENGTH(sizes)];
    eddy_heap_t *heap = new_heap();
    for (unsigned i = 0; i < LENGTH(sizes); i++) {
        blocks[i] = must(eddy_heap_malloc(heap, sizes[i]));
        fill(blocks[i], sizes[i], i);
    }
    eddy_heap_delete(heap);
    assert_int_equal(live_blocks(), before + LENGTH(sizes));
    for (unsigned i = 0; i < LENGTH(sizes); i++) {
        assert_true(is_filled(blocks[i], sizes[i], i));
        assert_ptr_equal(eddy_heap_of(blocks[i]), eddy_heap_main());
        eddy_free(blocks[i]);
    }
    assert_int_equal(live_blocks(), before);
}

static void many_heaps_come_and_go(void **state) {
    (void)state;
    eddy_stats_t first, last;
    size_t before = live_blocks();
    for (size_t i = 0; i < 2000; i++) {
        eddy_heap_t *heap = new_heap();
        must(eddy_heap_malloc(heap, i));
        void *kept = must(eddy_heap_malloc(heap, 10 * i));
        if (i % 2 == 0) {
            eddy_free(kept);
            eddy_heap_destroy(heap);
        } else {
            eddy_heap_destroy(heap);
        }
        if (i == 100) eddy_stats_get(&first, sizeof first);
    }
    eddy_stats_get(&last, sizeof last);
    assert_int_equal(live_blocks(), before);
    assert_true(last.metadata <= first.metadata + 64 * KIB);
}

static void visit_reports_each_live_block_once(void **state) {
    (void)state;
    enum { COUNT = 3000 };
    static void *blocks[COUNT];
    eddy_heap_t *heap = new_heap();
    size_t bytes = 0;
    for (size_t i = 0; i < COUNT; i++) blocks[i] = must(eddy_heap_malloc(heap, i % 700));
    for (size_t i = 0; i < COUNT; i++) {
        if (i % 3 == 0) {
            eddy_free(blocks[i]);
        } else {
            bytes += eddy_usable_size(blocks[i]);
        }
    }
    census_t census = {.wanted = blocks[COUNT - 1]};
    assert_true(eddy_heap_visit(heap, count_block, &census));
    assert_int_equal(census.blocks, COUNT * 2 / 3);
    assert_int_equal(census.bytes, bytes);
    assert_true(census.found);
    eddy_heap_destroy(heap);
}

static void visit_stops_when_told(void **state) {
    (void)state;
    eddy_heap_t *heap = new_heap();
    for (size_t i = 0; i < 100; i++) must(eddy_heap_malloc(heap, 50));
    census_t census = {.stop_after = 10};
    assert_false(eddy_heap_visit(heap, count_block, &census));
    assert_int_equal(census.blocks, 10);
    eddy_heap_destroy(heap);
}

static void visit_of_null_shows_the_ordinary_heap(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        void *block = must(eddy_malloc(sizes[i]));
        census_t census = {.wanted = block};
        assert_true(eddy_heap_visit(NULL, count_block, &census));
        assert_true(census.found);
        eddy_free(block);
        census = (census_t){.wanted = block};
        assert_true(eddy_heap_visit(NULL, count_block, &census));
        assert_false(census.found);
    }
}

static bool lies_outside(void *block, size_t usable_size, void *argument) {
    const char *wanted = argument;
    return wanted < (char *)block || wanted >= (char *)block + usable_size;
}

/* A block aligned at an offset may begin inside the block that is shown. */
static void visit_shows_the_room_of_blocks_at_an_offset(void **state) {
    (void)state;
    eddy_heap_t *heap = new_heap();
    char *block = must(eddy_heap_malloc_aligned_at(heap, 100, 512, 3));
    assert_false(eddy_heap_visit(heap, lies_outside, block));
    assert_false(eddy_heap_visit(heap, lies_outside, block + 99));
    assert_int_equal(blocks_in(heap), 1);
    eddy_heap_destroy(heap);
}

/* ---- several threads ---- */

enum { THREADS = 4, PER_THREAD = 2000 };

typedef struct worker {
    eddy_heap_t *heap;
    unsigned index;
    bool failed;
    void *blocks[PER_THREAD];
    void *foreign[PER_THREAD]; /* freed by this worker */
} worker_t;

static worker_t workers[THREADS];

static size_t size_of(size_t i) { return i % 100 == 0 ? 40000 : i * 37 % 1500; }

static void *allocate_all(void *argument) {
    worker_t *worker = argument;
    for (unsigned i = 0; i < PER_THREAD; i++) {
        worker->blocks[i] = eddy_heap_malloc(worker->heap, size_of(i));
        if (worker->blocks[i] == NULL) {
            worker->failed = true;
            return NULL;
        }
        fill(worker->blocks[i], size_of(i), worker->index);
    }
    return NULL;
}

static void *free_foreign(void *argument) {
    worker_t *worker = argument;
    unsigned other = (worker->index + 1) % THREADS;
    for (unsigned i = 0; i < PER_THREAD; i++) {
        if (!is_filled(worker->foreign[i], size_of(i), other)) worker->failed = true;
        eddy_free(worker->foreign[i]);
    }
    return NULL;
}

static void *churn(void *argument) {
    worker_t *worker = argument;
    allocate_all(worker);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = round % 2; i < PER_THREAD; i += 2) {
            if (!is_filled(worker->blocks[i], size_of(i), worker->index)) worker->failed = true;
            eddy_free(worker->blocks[i]);
            worker->blocks[i] = eddy_heap_malloc(worker->heap, size_of(i));
            if (worker->blocks[i] != NULL) fill(worker->blocks[i], size_of(i), worker->index);
        }
    }
    return NULL;
}

static void run_workers(eddy_heap_t *heap, void *(*work)(void *worker)) {
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].heap = heap;
        workers[i].index = i;
        workers[i].failed = false;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(workers[i].failed);
    }
}

static void *do_nothing(void *worker) { return worker; }

/* The C library keeps a few blocks for the stacks of threads that ended: have them counted. */
static int start_threads_once(void **state) {
    (void)state;
    run_workers(NULL, do_nothing);
    return 0;
}

static void threads_share_a_heap(void **state) {
    (void)state;
    size_t before = live_blocks();
    eddy_heap_t *heap = new_heap();
    run_workers(heap, churn);
    assert_int_equal(blocks_in(heap), THREADS * PER_THREAD);
    eddy_heap_destroy(heap);
    assert_int_equal(live_blocks(), before);
}

static void threads_free_blocks_of_each_other(void **state) {
    (void)state;
    size_t before = live_blocks();
    eddy_heap_t *heap = new_heap();
    run_workers(heap, allocate_all);
    for (unsigned i = 0; i < THREADS; i++) {
        memcpy(workers[i].foreign, workers[(i + 1) % THREADS].blocks, sizeof workers[i].foreign);
    }
    run_workers(heap, free_foreign);
    assert_int_equal(blocks_in(heap), 0);
    assert_int_equal(live_blocks(), before);
    eddy_heap_destroy(heap);
}

static void blocks_outlive_heap_and_threads(void **state) {
    (void)state;
    size_t before = live_blocks();
    eddy_heap_t *heap = new_heap();
    run_workers(heap, allocate_all);
    eddy_heap_delete(heap);
    for (unsigned i = 0; i < THREADS; i++) {
        for (unsigned j = 0; j < PER_THREAD; j++) {
            assert_true(is_filled(workers[i].blocks[j], size_of(j), i));
            eddy_free(workers[i].blocks[j]);
        }
    }
    assert_int_equal(live_blocks(), before);
}

static void *destroy_in_thread(void *heap) {
    eddy_heap_destroy(heap);
    return NULL;
}

static void any_thread_may_destroy_a_heap(void **state) {
    (void)state;
    size_t before = live_blocks();
    eddy_heap_t *heap = new_heap();
    run_workers(heap, allocate_all);
    for (size_t i = 0; i < 1000; i++) must(eddy_heap_malloc(heap, size_of(i)));
    run_thread(destroy_in_thread, heap);
    assert_int_equal(live_blocks(), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_belong_to_their_heap),
        cmocka_unit_test(foreign_pointers_belong_to_no_heap),
        cmocka_unit_test(every_function_allocates_from_the_heap),
        cmocka_unit_test(realloc_moves_into_the_heap),
        cmocka_unit_test(destroy_frees_every_block),
        cmocka_unit_test(delete_keeps_the_blocks),
        cmocka_unit_test(many_heaps_come_and_go),
        cmocka_unit_test(visit_reports_each_live_block_once),
        cmocka_unit_test(visit_stops_when_told),
        cmocka_unit_test(visit_of_null_shows_the_ordinary_heap),
        cmocka_unit_test(visit_shows_the_room_of_blocks_at_an_offset),
        cmocka_unit_test(threads_share_a_heap),
        cmocka_unit_test(threads_free_blocks_of_each_other),
        cmocka_unit_test(blocks_outlive_heap_and_threads),
        cmocka_unit_test(any_thread_may_destroy_a_heap),
    };
    return cmocka_run_group_tests(tests, start_threads_once, NULL);
}
