/* Looking inside: pages, lists, counters of the running thread.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_INSIDE_H
#define EDDY_TEST_COMMON_INSIDE_H

#include "common/test.h"
#include "heap/registry.h"
#include "heap/thread.h"

static inline page_t *page_of(const void *block) {
    return span_head(slice_descriptor(slice_of(block)));
}

static inline heap_t *own_heap(void) { return &thread_start()->heap; }

static inline size_t list_length(const list_t *list) {
    size_t length = 0;
    for (list_node_t *node = list_first(list); node != NULL; node = list_next(list, node)) length++;
    return length;
}

static inline bool list_holds(const list_t *list, const list_node_t *wanted) {
    list_node_t *node = list_first(list);
    while (node != NULL && node != wanted) node = list_next(list, node);
    return node != NULL;
}

/* Whether the running thread retains the page. */
static inline bool retains(const page_t *wanted) {
    page_t *page = load_relaxed(&own_heap()->retained[wanted->size_class]);
    while (page != NULL && page != wanted) page = load_relaxed(&page->below);
    return page != NULL;
}

/* Pages of the running thread without a live block go back, so that a test starts from none. */
static inline void start_clean(void) {
    (void)thread_start();
    eddy_collect();
}

/* Set-up of a test that starts from none, and tear-down of one that leaves no block. */
static inline int set_up_clean(void **state) {
    (void)state;
    start_clean();
    return 0;
}

static inline int tear_down_clean(void **state) {
    (void)state;
    heap_verify(own_heap());
    eddy_collect();
    heap_verify(own_heap());
    assert_int_equal(live_blocks(), 0);
    return 0;
}

static inline eddy_counters_t counters_now(void) {
    eddy_counters_t counters;
    eddy_counters(&counters, sizeof counters);
    return counters;
}

static inline eddy_stats_t stats_now(void) {
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    return stats;
}

/* By how much `counter` has risen since `before`, an earlier counters_now(). */
#define risen(before, counter) (counters_now().counter - (before).counter)
#define assert_risen(before, counter, expected)                                                    \
    assert_int_equal(risen(before, counter), (size_t)(expected))

#endif
