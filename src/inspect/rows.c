/* SPDX-License-Identifier: MIT */
#include "inspect/rows.h"

#include <stddef.h>

#include "eddy.h"

#define ROW(type, field, name)                                                                     \
    { name, #field, offsetof(type, field) }
#define END                                                                                        \
    { NULL, NULL, 0 }

const row_t rows_stats[] = {
    ROW(eddy_stats_t, live_bytes, "live bytes"),
    ROW(eddy_stats_t, live_blocks, "live blocks"),
    ROW(eddy_stats_t, free_in_pages, "free in pages"),
    ROW(eddy_stats_t, current_empty, "empty current pages"),
    ROW(eddy_stats_t, retained, "retained pages"),
    ROW(eddy_stats_t, dirty, "dirty spans"),
    ROW(eddy_stats_t, clean, "clean spans"),
    ROW(eddy_stats_t, pending, "pending frees"),
    ROW(eddy_stats_t, gathered, "gathered frees"),
    ROW(eddy_stats_t, metadata, "metadata"),
    ROW(eddy_stats_t, reserved, "reserved"),
    ROW(eddy_stats_t, opened, "opened"),
    END,
};

const row_t rows_counters[] = {
    ROW(eddy_counters_t, slow_entries, "slow entries"),
    ROW(eddy_counters_t, promotions_malloc, "promotions in malloc"),
    ROW(eddy_counters_t, extensions, "extensions"),
    ROW(eddy_counters_t, pages_made, "pages made"),
    ROW(eddy_counters_t, pages_retired, "pages retired"),
    ROW(eddy_counters_t, pages_reused, "pages reused"),
    ROW(eddy_counters_t, pages_released, "pages released"),
    ROW(eddy_counters_t, pages_adopted, "pages adopted"),
    ROW(eddy_counters_t, lists_straightened, "lists straightened"),
    ROW(eddy_counters_t, retained_slices, "slices retained"),
    ROW(eddy_counters_t, retained_slices_peak, "slices retained, peak"),
    ROW(eddy_counters_t, spans_purged, "spans purged"),
    ROW(eddy_counters_t, bytes_purged, "bytes purged"),
    ROW(eddy_counters_t, memory_system_calls, "memory system calls"),
    END,
};
