/* SPDX-License-Identifier: MIT */
#include "inspect/snapshot.h"

#include "os/os.h"

/* In memory of their own: too much for a stack. */
static size_t classes_bytes(void) {
    return round_up(CLASS_COUNT * sizeof(eddy_class_stats_t), os_page_size());
}

void snapshot_take(snapshot_t *snapshot) {
    eddy_stats_get(&snapshot->stats, sizeof snapshot->stats);
    eddy_counters(&snapshot->counters, sizeof snapshot->counters);
    snapshot->classes = os_map(classes_bytes());
    snapshot->class_count = 0;
    if (snapshot->classes == NULL) return;
    snapshot->class_count =
        eddy_class_stats_get(snapshot->classes, CLASS_COUNT, sizeof *snapshot->classes);
}

void snapshot_drop(const snapshot_t *snapshot) {
    if (snapshot->classes != NULL) os_unmap(snapshot->classes, classes_bytes());
}
