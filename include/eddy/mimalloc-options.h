/* The options of mimalloc; mimalloc.h includes this. Which of them mean something to Eddy, and
 * what: docs/mimalloc.md. The others keep the value that describes what Eddy does; to set them has
 * no effect, and with `verbose` on that is said.
 *
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MIMALLOC_OPTIONS_H
#define EDDY_MIMALLOC_OPTIONS_H

#include "mimalloc.h"

/* In the order of the generation, so that programs compiled with its own header agree. */
typedef enum mi_option_e {
    mi_option_show_errors,
    mi_option_show_stats,
    mi_option_verbose,
#if EDDY_MIMALLOC_API == 2
    mi_option_eager_commit,
#else
    mi_option_deprecated_eager_commit,
#endif
    mi_option_arena_eager_commit,
    mi_option_purge_decommits,
    mi_option_allow_large_os_pages,
    mi_option_reserve_huge_os_pages,
    mi_option_reserve_huge_os_pages_at,
    mi_option_reserve_os_memory,
    mi_option_deprecated_segment_cache,
    mi_option_deprecated_page_reset,
#if EDDY_MIMALLOC_API == 2
    mi_option_abandoned_page_purge,
#else
    mi_option_deprecated_abandoned_page_purge,
#endif
    mi_option_deprecated_segment_reset,
#if EDDY_MIMALLOC_API == 2
    mi_option_eager_commit_delay,
#else
    mi_option_deprecated_eager_commit_delay,
#endif
    mi_option_purge_delay,
    mi_option_use_numa_nodes,
    mi_option_disallow_os_alloc,
    mi_option_os_tag,
    mi_option_max_errors,
    mi_option_max_warnings,
#if EDDY_MIMALLOC_API == 2
    mi_option_max_segment_reclaim,
#else
    mi_option_deprecated_max_segment_reclaim,
#endif
    mi_option_destroy_on_exit,
    mi_option_arena_reserve,
    mi_option_arena_purge_mult,
#if EDDY_MIMALLOC_API == 2
    mi_option_purge_extend_delay,
    mi_option_abandoned_reclaim_on_free,
#else
    mi_option_deprecated_purge_extend_delay,
#endif
    mi_option_disallow_arena_alloc,
    mi_option_retry_on_oom,
    mi_option_visit_abandoned,
    mi_option_guarded_min,
    mi_option_guarded_max,
    mi_option_guarded_precise,
    mi_option_guarded_sample_rate,
    mi_option_guarded_sample_seed,
#if EDDY_MIMALLOC_API == 2
    mi_option_target_segments_per_thread,
    mi_option_generic_collect,
    mi_option_allow_thp,
#else
    mi_option_generic_collect,
    mi_option_page_reclaim_on_free,
    mi_option_page_full_retain,
    mi_option_page_max_candidates,
    mi_option_max_vabits,
    mi_option_pagemap_commit,
    mi_option_page_commit_on_demand,
    mi_option_page_max_reclaim,
    mi_option_page_cross_thread_max_reclaim,
    mi_option_allow_thp,
    mi_option_minimal_purge_size,
    mi_option_arena_max_object_size,
    mi_option_arena_is_numa_local,
#endif
    _mi_option_last,
    /* older names */
    mi_option_large_os_pages = mi_option_allow_large_os_pages,
    mi_option_eager_region_commit = mi_option_arena_eager_commit,
    mi_option_reset_decommits = mi_option_purge_decommits,
    mi_option_reset_delay = mi_option_purge_delay,
#if EDDY_MIMALLOC_API == 2
    mi_option_abandoned_page_reset = mi_option_abandoned_page_purge,
#endif
    mi_option_limit_os_alloc = mi_option_disallow_os_alloc
} mi_option_t;

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

bool mi_option_is_enabled(mi_option_t option) MI_USED;
void mi_option_enable(mi_option_t option);
void mi_option_disable(mi_option_t option);
void mi_option_set_enabled(mi_option_t option, bool enable);
void mi_option_set_enabled_default(mi_option_t option, bool enable);

/* 0 for an unknown option. */
long mi_option_get(mi_option_t option) MI_USED;
long mi_option_get_clamp(mi_option_t option, long least, long most) MI_USED;
/* Of an option that counts KiB, the bytes. */
size_t mi_option_get_size(mi_option_t option) MI_USED;
void mi_option_set(mi_option_t option, long value);
/* The same, unless the environment, Eddy's own settings or mi_option_set said otherwise. */
void mi_option_set_default(mi_option_t option, long value);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
