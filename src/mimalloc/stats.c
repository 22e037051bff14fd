/* The struct of statistics, from Eddy's own and from a visit of a heap.
 * SPDX-License-Identifier: MIT */
#include "mimalloc/stats.h"

/* ---- size classes as bins: bin 1 is the smallest ---- */

size_t stats_bin_size(size_t bin) {
    size_t size = 0;
    for (size_t i = 0; i < bin; i++) {
        size = eddy_good_size(size + 1);
        if (size > STATS_NORMAL_MOST) return 0;
    }
    return size;
}

static size_t bin_of(size_t block_bytes) {
    size_t size = 0;
    for (size_t bin = 1; bin < MI_BIN_HUGE && size < block_bytes; bin++) {
        size = eddy_good_size(size + 1);
        if (size == block_bytes && size <= STATS_NORMAL_MOST) return bin;
    }
    return MI_BIN_HUGE;
}

/* ---- what a visit finds ---- */

static void add(mi_stat_count_t *count, size_t n) {
    count->current += (int64_t)n;
    count->peak = count->total = count->current;
}

static bool add_area(const eddy_area_t *area, void *argument) {
    mi_stats_t *stats = argument;
    size_t bin = bin_of(area->block_bytes);
    bool is_huge = bin == MI_BIN_HUGE;
    add(is_huge ? &stats->malloc_huge : &stats->malloc_normal, area->live * area->block_bytes);
    mi_stat_counter_t *blocks = is_huge ? &stats->malloc_huge_count : &stats->malloc_normal_count;
    blocks->total += (int64_t)area->live;
    add(&stats->malloc_bins[bin], area->live);
    add(&stats->page_bins[bin], 1);
    add(&stats->page_committed, area->bytes);
    add(&stats->pages, 1);
    return true;
}

void stats_of_heap(eddy_heap_t *heap, mi_stats_t *stats) {
    mi_stats_init(stats);
    eddy_heap_visit_areas(heap, false, add_area, stats);
}

typedef struct sum {
    const eddy_heap_t *subprocess;
    mi_stats_t *stats;
} sum_t;

static bool add_heap(eddy_heap_t *heap, void *argument) {
    const sum_t *sum = argument;
    if (subprocess_of(heap) == sum->subprocess)
        eddy_heap_visit_areas(heap, false, add_area, sum->stats);
    return true;
}

/* ---- what Eddy counts ---- */

static void set(mi_stat_count_t *count, size_t n) {
    count->total = count->peak = count->current = (int64_t)n;
}

static void stats_of_process(mi_stats_t *stats) {
    eddy_stats_t now;
    eddy_counters_t events;
    eddy_stats_get(&now, sizeof now);
    eddy_counters(&events, sizeof events);
    mi_stats_init(stats);
    set(&stats->reserved, now.reserved);
    set(&stats->committed, now.opened);
    set(&stats->page_committed,
        now.live_bytes + now.free_in_pages + now.current_empty + now.retained + now.pending);
    set(&stats->malloc_normal, now.live_bytes);
    stats->malloc_normal_count.total = (int64_t)now.live_blocks;
    stats->pages.total = (int64_t)events.pages_made;
    stats->pages.current = (int64_t)(events.pages_made - events.pages_released);
    stats->purged.total = (int64_t)events.bytes_purged;
    stats->purge_calls.total = (int64_t)events.spans_purged;
    stats->mmap_calls.total = (int64_t)events.memory_system_calls;
    stats->pages_extended.total = (int64_t)events.extensions;
    stats->pages_retire.total = (int64_t)events.pages_retired;
    stats->pages_reclaim_on_alloc.total = (int64_t)events.pages_adopted;
}

void stats_of_subprocess(eddy_heap_t *subprocess, mi_stats_t *stats) {
    mi_stats_init(stats);
    sum_t sum = {subprocess, stats};
    if (subprocess == eddy_heap_main()) {
        stats_of_process(stats);
    } else {
        eddy_heaps_visit(add_heap, &sum);
    }
}

static bool fits(const mi_stats_t *stats) {
    return stats != NULL && stats->size == sizeof *stats && stats->version == MI_STAT_VERSION;
}

bool mi_stats_get(mi_stats_t *stats) {
    if (!fits(stats)) return false;
    stats_of_subprocess(current_subprocess(), stats);
    return true;
}

/* Eddy's are merged at every look. */
void mi_stats_merge(void) {}

char *mi_stats_get_json(size_t buffer_size, char *buffer) {
    mi_stats_t stats;
    stats_of_subprocess(current_subprocess(), &stats);
    return stats_as_json(&stats, buffer_size, buffer);
}

#if EDDY_MIMALLOC_API == 3

bool mi_heap_stats_get(mi_heap_t *heap, mi_stats_t *stats) {
    if (heap == NULL || !fits(stats)) return false;
    stats_of_heap(of_heap(heap), stats);
    return true;
}

char *mi_heap_stats_get_json(mi_heap_t *heap, size_t buffer_size, char *buffer) {
    if (heap == NULL) return NULL;
    mi_stats_t stats;
    stats_of_heap(of_heap(heap), &stats);
    return stats_as_json(&stats, buffer_size, buffer);
}

/* They show what lives: nothing to move, nothing to reset. */
void mi_heap_stats_merge_to_subproc(mi_heap_t *heap) { (void)heap; }

/* In mimalloc, too, the sums over all heaps stay what they are. */
void mi_stats_reset(void) {}

bool mi_subproc_stats_get(mi_subproc_id_t subprocess, mi_stats_t *stats) {
    if (!fits(stats)) return false;
    stats_of_subprocess(subprocess_named(subprocess), stats);
    return true;
}

char *mi_subproc_stats_get_json(mi_subproc_id_t subprocess, size_t buffer_size, char *buffer) {
    mi_stats_t stats;
    stats_of_subprocess(subprocess_named(subprocess), &stats);
    return stats_as_json(&stats, buffer_size, buffer);
}

char *mi_stats_as_json(mi_stats_t *stats, size_t buffer_size, char *buffer) {
    return fits(stats) ? stats_as_json(stats, buffer_size, buffer) : NULL;
}

size_t mi_stats_get_bin_size(size_t bin) { return stats_bin_size(bin); }

#endif
