/* SPDX-License-Identifier: MIT */
#include "mimalloc/options.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define ROW(label, older, meaning, option, value, kib)                                             \
    [mi_option_##label] = {#label, older, meaning, option, value, kib}
#define EDDY(label, older, option) ROW(label, older, OPTION_OF_EDDY, EDDY_OPTION_##option, 0, false)
#define OTHER(label, older, meaning, value, kib)                                                   \
    ROW(label, older, meaning, EDDY_OPTION_COUNT, value, kib)
#define FIXED(label, older, value) OTHER(label, older, OPTION_WITHOUT_EFFECT, value, false)

/* Eddy reports every error; it opens memory in steps, purges by MADV_DONTNEED after the delay
 * alone, and never destroys itself. */
static const option_row_t rows[_mi_option_last] = {
    FIXED(show_errors, NULL, 1),
    EDDY(show_stats, NULL, STATS),
    EDDY(verbose, NULL, VERBOSE),
    FIXED(arena_eager_commit, "eager_region_commit", 0),
    FIXED(purge_decommits, "reset_decommits", 1),
    ROW(allow_large_os_pages, "large_os_pages", OPTION_AT_LOAD, EDDY_OPTION_HUGE_PAGES, 0, false),
    OTHER(reserve_huge_os_pages, NULL, OPTION_AT_START, 0, false),
    FIXED(reserve_huge_os_pages_at, NULL, -1),
    OTHER(reserve_os_memory, NULL, OPTION_AT_START, 0, true),
    FIXED(deprecated_segment_cache, NULL, 0),
    FIXED(deprecated_page_reset, NULL, 0),
    FIXED(deprecated_segment_reset, NULL, 0),
    EDDY(purge_delay, "reset_delay", DECAY_MS),
    FIXED(use_numa_nodes, NULL, 1),
    EDDY(disallow_os_alloc, "limit_os_alloc", ADDED_ONLY),
    FIXED(os_tag, NULL, 0),
    FIXED(max_errors, NULL, LONG_MAX),
    FIXED(max_warnings, NULL, LONG_MAX),
    FIXED(destroy_on_exit, NULL, 0),
    OTHER(arena_reserve, NULL, OPTION_WITHOUT_EFFECT, 0, true),
    FIXED(arena_purge_mult, NULL, 1),
    FIXED(disallow_arena_alloc, NULL, 0),
    FIXED(retry_on_oom, NULL, 0),
    FIXED(visit_abandoned, NULL, 1),
    FIXED(guarded_min, NULL, 0),
    FIXED(guarded_max, NULL, 0),
    FIXED(guarded_precise, NULL, 0),
    FIXED(guarded_sample_rate, NULL, 0),
    FIXED(guarded_sample_seed, NULL, 0),
    FIXED(generic_collect, NULL, 0),
    OTHER(allow_thp, NULL, OPTION_THP, 1, false),
#if EDDY_MIMALLOC_API == 2
    FIXED(eager_commit, NULL, 0),
    FIXED(abandoned_page_purge, "abandoned_page_reset", 0),
    FIXED(eager_commit_delay, NULL, 0),
    FIXED(max_segment_reclaim, NULL, 100),
    FIXED(purge_extend_delay, NULL, 0),
    FIXED(abandoned_reclaim_on_free, NULL, 0),
    FIXED(target_segments_per_thread, NULL, 0),
#else
    FIXED(deprecated_eager_commit, "eager_commit", 0),
    FIXED(deprecated_abandoned_page_purge, "abandoned_page_purge", 0),
    FIXED(deprecated_eager_commit_delay, "eager_commit_delay", 0),
    FIXED(deprecated_max_segment_reclaim, NULL, 100),
    FIXED(deprecated_purge_extend_delay, NULL, 0),
    FIXED(page_reclaim_on_free, NULL, 0),
    FIXED(page_full_retain, NULL, 0),
    FIXED(page_max_candidates, NULL, 1),
    FIXED(max_vabits, NULL, 48),
    FIXED(pagemap_commit, NULL, 0),
    FIXED(page_commit_on_demand, NULL, 1),
    FIXED(page_max_reclaim, NULL, -1),
    FIXED(page_cross_thread_max_reclaim, NULL, -1),
    OTHER(minimal_purge_size, NULL, OPTION_WITHOUT_EFFECT, 64, true),
    OTHER(arena_max_object_size, NULL, OPTION_WITHOUT_EFFECT, LONG_MAX >> 10, true),
    FIXED(arena_is_numa_local, NULL, 0),
#endif
};

const option_row_t *option_row(mi_option_t option) {
    return (unsigned)option < _mi_option_last ? &rows[option] : NULL;
}

long mi_option_get(mi_option_t option) {
    const option_row_t *row = option_row(option);
    if (row == NULL) return 0;
    switch (row->meaning) {
    case OPTION_OF_EDDY:
    case OPTION_AT_LOAD:
        return (long)eddy_option_get(row->eddy_option);
    case OPTION_THP:
        return prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) != 1;
    case OPTION_AT_START: {
        long value;
        return option_from_environment(row, &value) ? value : 0;
    }
    default:
        return row->value;
    }
}

static void say_without_effect(const option_row_t *row) {
    if (eddy_option_get(EDDY_OPTION_VERBOSE) == 0) return;
    layer_say(NULL, NULL, "eddy: the option %s of mimalloc has no effect\n", row->name);
}

/* What mimalloc only asks whether it is 0 is no more than 1 to Eddy. */
static int64_t value_of_eddy(const option_row_t *row, long value) {
    return row->eddy_option == EDDY_OPTION_DECAY_MS ? value : value != 0;
}

void mi_option_set(mi_option_t option, long value) {
    const option_row_t *row = option_row(option);
    if (row == NULL) return;
    switch (row->meaning) {
    case OPTION_OF_EDDY:
        (void)eddy_option_set(row->eddy_option, value_of_eddy(row, value));
        break;
    case OPTION_THP:
        prctl(PR_SET_THP_DISABLE, value == 0, 0, 0, 0);
        break;
    default:
        say_without_effect(row);
    }
}

bool option_set_weakly(mi_option_t option, long value) {
    const option_row_t *row = option_row(option);
    if (row->meaning == OPTION_OF_EDDY)
        return eddy_option_set_default(row->eddy_option, value_of_eddy(row, value)) == 0;
    /* Who has disabled huge pages, this process or the one that started it, chose to. */
    bool stays = row->meaning == OPTION_THP && mi_option_get(option) == 0;
    if (!stays) mi_option_set(option, value);
    return true;
}

void mi_option_set_default(mi_option_t option, long value) {
    const option_row_t *row = option_row(option);
    if (row != NULL && option_variable(row) == NULL) (void)option_set_weakly(option, value);
}

size_t mi_option_get_size(mi_option_t option) {
    const option_row_t *row = option_row(option);
    long value = mi_option_get(option);
    if (value <= 0) return 0;
    return row->in_kib ? (size_t)value << 10 : (size_t)value;
}

long mi_option_get_clamp(mi_option_t option, long least, long most) {
    long value = mi_option_get(option);
    return value < least ? least : value > most ? most : value;
}

bool mi_option_is_enabled(mi_option_t option) { return mi_option_get(option) != 0; }

void mi_option_set_enabled(mi_option_t option, bool enable) { mi_option_set(option, enable); }

void mi_option_set_enabled_default(mi_option_t option, bool enable) {
    mi_option_set_default(option, enable);
}

void mi_option_enable(mi_option_t option) { mi_option_set(option, 1); }

void mi_option_disable(mi_option_t option) { mi_option_set(option, 0); }
