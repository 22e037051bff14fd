/* An owner whose heap's lock another thread holds, and lets go of when the test says so. Where an
 * owner waits that should not, the test hangs and ends by a signal.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_LATE_H
#define EDDY_TEST_COMMON_LATE_H

#include "common/actor.h"
#include "common/alone.h"
#include "common/burst.h"
#include "common/clock.h"
#include "common/faults.h"
#include "common/sealed.h"
#include "heap/late.h"

enum { SIZE = 8 * KIB, LIMIT = SLICE_BYTES / SIZE, WAKE = (LIMIT + 15) / 16 };
enum { SOON_MS = 20, HANGS_SECONDS = 100 };

/* Who holds the lock. */
static actor_t holder;
static heap_t *held;
static atomic_bool let_go;

static burst_t burst;
static void *blocks[(LATE_PAGES + 4) * LIMIT];

static inline int start(void **state) {
    (void)state;
    alarm(HANGS_SECONDS);
    faults_refuse_barriers_unseen();
    start_clean();
    actor_start(&holder);
    return 0;
}

static inline int end(void **state) {
    schedule_hook = NULL;
    actor_end(&holder);
    tear_down_clean(state);
    assert_false(own_heap()->late.any);
    return 0;
}

/* ---- the lock ---- */

static inline void acquire(void *unused) {
    (void)unused;
    lock_acquire(&held->lock);
}

static inline void release(void *unused) {
    (void)unused;
    atomic_store(&let_go, true);
    lock_release(&held->lock);
}

static inline void release_soon(void *unused) {
    nanosleep(&(struct timespec){.tv_nsec = SOON_MS * 1000000}, NULL);
    release(unused);
}

static inline void hold_lock_of(heap_t *heap) {
    held = heap;
    atomic_store(&let_go, false);
    actor_do(&holder, acquire, NULL);
}

static inline void hold_lock(void) { hold_lock_of(own_heap()); }
static inline void let_lock_go(void) { actor_do(&holder, release, NULL); }

/* What follows waits for the lock. */
static inline void let_lock_go_soon(void) { actor_begin(&holder, release_soon, NULL); }
static inline void assert_waited(void) {
    assert_true(atomic_load(&let_go));
    actor_wait(&holder);
}

/* ---- pages ---- */

static inline void allocate_pages(size_t pages) {
    for (size_t i = 0; i < pages * LIMIT; i++) blocks[i] = seal(must(eddy_malloc(SIZE)), SIZE);
}

static inline void free_blocks(void) {
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        if (blocks[i] != NULL) sealed_free(blocks[i]);
        blocks[i] = NULL;
    }
}

/* A slow path of malloc, with a page that is full afterwards. */
static inline void turn_a_page(void) {
    void *page[LIMIT];
    for (size_t i = 0; i < LIMIT; i++) page[i] = must(eddy_malloc(SIZE));
    void *next = must(eddy_malloc(SIZE));
    for (size_t i = 0; i < LIMIT; i++) eddy_free(page[i]);
    eddy_free(next);
}

typedef struct sums {
    const heap_t *heap;
    size_t in_use;
} sums_t;

static inline bool add_page(page_t *page, void *argument) {
    sums_t *sums = argument;
    bool counts = span_kind(page) == SPAN_PAGE && load_relaxed(&page->heap) == sums->heap;
    if (counts && page->state != PAGE_RETAINED) sums->in_use += span_slices(page);
    return true;
}

/* Nothing is late, and the demand is what the pages add up to. */
static inline void assert_settled(heap_t *heap) {
    sums_t sums = {heap, 0};
    heap_verify(heap);
    check(!heap->late.any);
    span_walk(add_page, &sums);
    check(heap->demand.in_use == sums.in_use);
}

#endif
