/* SPDX-License-Identifier: MIT */
#include "inspect/rows.h"

#include <stddef.h>

#include "eddy.h"

#define ROW(type, field, name, bytes, rises)                                                       \
    { name, #field, offsetof(type, field), bytes, rises }
#define BYTES(field, name) ROW(eddy_stats_t, field, name, true, false)
#define THINGS(field, name) ROW(eddy_stats_t, field, name, false, false)
#define COUNT(field, name) ROW(eddy_counters_t, field, name, false, true)
#define LEVEL(field, name) ROW(eddy_counters_t, field, name, false, false)
#define END                                                                                        \
    { NULL, NULL, 0, false, false }

const row_t rows_stats[] = {
    BYTES(live_bytes, "live bytes"),
    THINGS(live_blocks, "live blocks"),
    BYTES(free_in_pages, "free in live pages"),
    BYTES(current_empty, "empty current pages"),
    BYTES(retained, "retained pages"),
    BYTES(dirty, "free, not purged yet"),
    BYTES(clean, "free, without memory"),
    BYTES(pending, "pending frees"),
    BYTES(gathered, "gathered frees"),
    THINGS(gathered_pages, "pages they are of"),
    BYTES(metadata, "metadata"),
    BYTES(reserved, "reserved"),
    BYTES(opened, "opened"),
    END,
};

const row_t rows_counters[] = {
    COUNT(slow_entries, "slow entries"),
    COUNT(promotions_retire, "promotions at retire"),
    COUNT(promotions_malloc, "promotions in malloc"),
    COUNT(extensions, "extensions"),
    COUNT(pages_made, "pages made"),
    COUNT(pages_retired, "pages retired"),
    COUNT(pages_reused, "pages reused"),
    COUNT(pages_released, "pages released"),
    COUNT(pages_adopted, "pages adopted"),
    COUNT(lists_straightened, "lists straightened"),
    LEVEL(retained_slices, "slices retained"),
    LEVEL(retained_slices_peak, "slices retained, peak"),
    COUNT(spans_purged, "spans purged"),
    COUNT(bytes_purged, "bytes purged"),
    COUNT(memory_system_calls, "memory system calls"),
    END,
};
