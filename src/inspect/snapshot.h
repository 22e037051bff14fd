/* All that the formats write out, taken at one moment.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_INSPECT_SNAPSHOT_H
#define EDDY_INSPECT_SNAPSHOT_H

#include "eddy.h"
#include "heap/class.h"

typedef struct snapshot {
    eddy_stats_t stats;
    eddy_counters_t counters;
    size_t class_count; /* 0 when there was no memory for the classes */
    eddy_class_stats_t *classes;
} snapshot_t;

void snapshot_take(snapshot_t *snapshot);
void snapshot_drop(const snapshot_t *snapshot);

static inline bool snapshot_class_is_in_use(const eddy_class_stats_t *class) {
    return class->pages != 0 || class->retained != 0;
}

#endif
