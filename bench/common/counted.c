/* SPDX-License-Identifier: MIT */
#include "counted.h"

#include <stdio.h>

#include "bench.h"

/* There when Eddy is preloaded. */
#pragma weak eddy_counters

const char counted_header[] =
    "slow_entries\tpromotions_malloc\tpages_made\textensions\tpages_retired\tpages_reused\t"
    "pages_released\tpages_adopted\tlists_straightened\tretained_slices\tretained_slices_peak\t"
    "spans_purged\tbytes_purged\tsystem_calls";
enum { COLUMNS = 14 };

counted_t counted_now(void) {
    counted_t now = {.on_eddy = eddy_counters != NULL};
    if (now.on_eddy) eddy_counters(&now.counters, sizeof now.counters);
    return now;
}

counted_t counted_since(const counted_t *before) {
    counted_t since = counted_now();
    const eddy_counters_t *old = &before->counters;
    eddy_counters_t *new = &since.counters;
    new->slow_entries -= old->slow_entries;
    new->promotions_malloc -= old->promotions_malloc;
    new->pages_made -= old->pages_made;
    new->extensions -= old->extensions;
    new->pages_retired -= old->pages_retired;
    new->pages_reused -= old->pages_reused;
    new->pages_released -= old->pages_released;
    new->pages_adopted -= old->pages_adopted;
    new->lists_straightened -= old->lists_straightened;
    new->spans_purged -= old->spans_purged;
    new->bytes_purged -= old->bytes_purged;
    new->memory_system_calls -= old->memory_system_calls;
    return since;
}

void counted_format(const counted_t *counted, char text[COUNTED_TEXT]) {
    const eddy_counters_t *counters = &counted->counters;
    const size_t columns[COLUMNS] = {
        counters->slow_entries,    counters->promotions_malloc,    counters->pages_made,
        counters->extensions,      counters->pages_retired,        counters->pages_reused,
        counters->pages_released,  counters->pages_adopted,        counters->lists_straightened,
        counters->retained_slices, counters->retained_slices_peak, counters->spans_purged,
        counters->bytes_purged,    counters->memory_system_calls,
    };
    size_t length = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *tab = i == 0 ? "" : "\t";
        const size_t room = COUNTED_TEXT - length;
        const int written = counted->on_eddy
                                ? snprintf(text + length, room, "%s%zu", tab, columns[i])
                                : snprintf(text + length, room, "%s-", tab);
        if (written < 0 || (size_t)written >= room) bench_fail("row", "too long");
        length += (size_t)written;
    }
}
