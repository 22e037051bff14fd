/* SPDX-License-Identifier: MIT */
#include "inspect/snapshot.h"

#include "os/os.h"

/* What the kernel would not take back, for the next snapshot. */
static _Atomic(void *) kept;

/* In memory of their own: too much for a stack. */
static size_t classes_bytes(void) {
    return round_up(CLASS_COUNT * sizeof(eddy_class_stats_t), os_page_size());
}

void snapshot_take(snapshot_t *snapshot) {
    eddy_stats_get(&snapshot->stats, sizeof snapshot->stats);
    eddy_counters(&snapshot->counters, sizeof snapshot->counters);
    /* Ordered, so acquire: pairs with the release of the one that kept it. */
    void *classes = exchange_ordered(&kept, NULL);
    snapshot->classes = classes != NULL ? classes : os_map(classes_bytes());
    snapshot->class_count = 0;
    if (snapshot->classes == NULL) return;
    snapshot->class_count =
        eddy_class_stats_get(snapshot->classes, CLASS_COUNT, sizeof *snapshot->classes);
}

void snapshot_drop(const snapshot_t *snapshot) {
    void *classes = snapshot->classes;
    if (classes == NULL || os_unmap(classes, classes_bytes())) return;
    /* One is enough. Of another, only the addresses stay. */
    classes = exchange_ordered(&kept, classes);
    if (classes != NULL && !os_unmap(classes, classes_bytes())) {
        (void)os_purge(classes, classes_bytes());
    }
}
