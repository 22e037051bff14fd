/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "eddy.h"
#include "heap/registry.h"
#include "memory/span.h"
#include "os/os.h"

static void add_heap(eddy_counters_t *sum, heap_t *heap) {
    heap_counters_t *counters = &heap->counters;
    sum->slow_entries += load_relaxed(&counters->slow_entries);
    sum->promotions_malloc += load_relaxed(&counters->promotions_malloc);
    sum->extensions += load_relaxed(&counters->extensions);
    sum->pages_made += load_relaxed(&counters->pages_made);
    sum->pages_retired += load_relaxed(&counters->pages_retired);
    sum->pages_reused += load_relaxed(&counters->pages_reused);
    sum->pages_released += load_relaxed(&counters->pages_released);
    sum->pages_adopted += load_relaxed(&counters->pages_adopted);
    sum->lists_straightened += load_relaxed(&counters->straightened);
    sum->retained_slices += load_relaxed(&heap->retained_slices);
    sum->retained_slices_peak += load_relaxed(&heap->retained_peak);
}

void eddy_counters(eddy_counters_t *counters, size_t size) {
    eddy_counters_t sum = {0};
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        add_heap(&sum, heap);
    }
    span_totals_t spans;
    span_totals(&spans);
    sum.spans_purged = spans.spans_purged;
    sum.bytes_purged = spans.bytes_purged;
    sum.memory_system_calls = os_memory_calls();
    memcpy(counters, &sum, size_min(size, sizeof sum));
}
