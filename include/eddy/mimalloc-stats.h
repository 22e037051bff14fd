/* The statistics of mimalloc, filled from Eddy's. Fields for which Eddy has no number are 0:
 * docs/mimalloc.md says which are filled.
 *
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MIMALLOC_STATS_H
#define EDDY_MIMALLOC_STATS_H

#include <string.h>

#include "mimalloc.h"

#if EDDY_MIMALLOC_API == 2
#define MI_STAT_VERSION 4
#else
#define MI_STAT_VERSION 5
#endif

/* Of something that comes and goes: all there ever was, the most at once, now. */
typedef struct mi_stat_count_s {
    int64_t total;
    int64_t peak;
    int64_t current;
} mi_stat_count_t;

/* Of something that only happens. */
typedef struct mi_stat_counter_s {
    int64_t total;
} mi_stat_counter_t;

/* Each field, for a program that defines the two macros for itself; in the order of the generation,
 * so that programs compiled with its own header agree. */
#if EDDY_MIMALLOC_API == 2
#define MI_STAT_FIELDS_OF_HEAPS()
#define MI_STAT_FIELDS_OF_HEAP_ENDS()
#else
#define MI_STAT_FIELDS_OF_HEAPS() MI_STAT_COUNT(heaps) MI_STAT_COUNT(theaps)
#define MI_STAT_FIELDS_OF_HEAP_ENDS() MI_STAT_COUNTER(heaps_delete_wait)
#endif
#define MI_STAT_FIELDS()                                                                           \
    MI_STAT_COUNT(pages)                                                                           \
    MI_STAT_COUNT(reserved)                                                                        \
    MI_STAT_COUNT(committed)                                                                       \
    MI_STAT_COUNTER(reset)                                                                         \
    MI_STAT_COUNTER(purged)                                                                        \
    MI_STAT_COUNT(page_committed)                                                                  \
    MI_STAT_COUNT(pages_abandoned)                                                                 \
    MI_STAT_COUNT(threads)                                                                         \
    MI_STAT_COUNT(malloc_normal)                                                                   \
    MI_STAT_COUNT(malloc_huge)                                                                     \
    MI_STAT_COUNT(malloc_requested)                                                                \
    MI_STAT_COUNTER(mmap_calls)                                                                    \
    MI_STAT_COUNTER(commit_calls)                                                                  \
    MI_STAT_COUNTER(reset_calls)                                                                   \
    MI_STAT_COUNTER(purge_calls)                                                                   \
    MI_STAT_COUNTER(arena_count)                                                                   \
    MI_STAT_COUNTER(malloc_normal_count)                                                           \
    MI_STAT_COUNTER(malloc_huge_count)                                                             \
    MI_STAT_COUNTER(malloc_guarded_count)                                                          \
    MI_STAT_COUNTER(arena_rollback_count)                                                          \
    MI_STAT_COUNTER(arena_purges)                                                                  \
    MI_STAT_COUNTER(pages_extended)                                                                \
    MI_STAT_COUNTER(pages_retire)                                                                  \
    MI_STAT_COUNTER(page_searches)                                                                 \
    MI_STAT_COUNTER(page_searches_count)                                                           \
    MI_STAT_COUNT(segments)                                                                        \
    MI_STAT_COUNT(segments_abandoned)                                                              \
    MI_STAT_COUNT(segments_cache)                                                                  \
    MI_STAT_COUNT(_segments_reserved)                                                              \
    MI_STAT_FIELDS_OF_HEAPS()                                                                      \
    MI_STAT_COUNTER(pages_reclaim_on_alloc)                                                        \
    MI_STAT_COUNTER(pages_reclaim_on_free)                                                         \
    MI_STAT_COUNTER(pages_reabandon_full)                                                          \
    MI_STAT_COUNTER(pages_unabandon_busy_wait)                                                     \
    MI_STAT_FIELDS_OF_HEAP_ENDS()

#define MI_BIN_HUGE (73U)

#if EDDY_MIMALLOC_API == 3
typedef enum mi_chunkbin_e {
    MI_CBIN_SMALL,
    MI_CBIN_OTHER,
    MI_CBIN_MEDIUM,
    MI_CBIN_LARGE,
    MI_CBIN_HUGE,
    MI_CBIN_NONE,
    MI_CBIN_COUNT
} mi_chunkbin_t;
#endif

#define MI_STAT_COUNT(field) mi_stat_count_t field;
#define MI_STAT_COUNTER(field) mi_stat_counter_t field;

typedef struct mi_stats_s {
    size_t size; /* sizeof(mi_stats_t) and MI_STAT_VERSION as the program was compiled */
    size_t version;
    MI_STAT_FIELDS()
    mi_stat_count_t _stat_reserved[4];
    mi_stat_counter_t _stat_counter_reserved[4];
    mi_stat_count_t malloc_bins[MI_BIN_HUGE + 1]; /* live blocks by bin */
    mi_stat_count_t page_bins[MI_BIN_HUGE + 1];   /* pages by bin */
#if EDDY_MIMALLOC_API == 3
    mi_stat_count_t chunk_bins[MI_CBIN_COUNT];
#endif
} mi_stats_t;

#undef MI_STAT_COUNT
#undef MI_STAT_COUNTER

static inline void mi_stats_header_init(mi_stats_t *stats) {
    stats->size = sizeof *stats;
    stats->version = MI_STAT_VERSION;
}

static inline void mi_stats_init(mi_stats_t *stats) {
    memset(stats, 0, sizeof *stats);
    mi_stats_header_init(stats);
}

#define mi_stats_t_decl(name)                                                                      \
    mi_stats_t name;                                                                               \
    mi_stats_init(&(name));

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* False for a struct of another size or version. */
bool mi_stats_get(mi_stats_t *stats) MI_NOEXCEPT;
/* In `buffer`, cut where it ends, or in a new block for mi_free when that is NULL. */
char *mi_stats_get_json(size_t buffer_size, char *buffer) MI_NOEXCEPT;

#if EDDY_MIMALLOC_API == 3

bool mi_heap_stats_get(mi_heap_t *heap, mi_stats_t *stats) MI_NOEXCEPT;
char *mi_heap_stats_get_json(mi_heap_t *heap, size_t buffer_size, char *buffer) MI_NOEXCEPT;
void mi_heap_stats_print_out(mi_heap_t *heap, mi_output_fun *output, void *argument) MI_NOEXCEPT;
void mi_heap_stats_merge_to_subproc(mi_heap_t *heap);

bool mi_subproc_stats_get(mi_subproc_id_t subprocess, mi_stats_t *stats) MI_NOEXCEPT;
char *mi_subproc_stats_get_json(mi_subproc_id_t subprocess, size_t buffer_size,
                                char *buffer) MI_NOEXCEPT;
void mi_subproc_stats_print_out(mi_subproc_id_t subprocess, mi_output_fun *output,
                                void *argument) MI_NOEXCEPT;
void mi_subproc_heap_stats_print_out(mi_subproc_id_t subprocess, mi_output_fun *output,
                                     void *argument) MI_NOEXCEPT;

char *mi_stats_as_json(mi_stats_t *stats, size_t buffer_size, char *buffer) MI_NOEXCEPT;
/* 0 for a bin that Eddy has not. */
size_t mi_stats_get_bin_size(size_t bin) MI_NOEXCEPT;

#endif

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
