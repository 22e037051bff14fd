/* The statistics for programs: JSON and Prometheus' text format.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "inspect/rows.h"
#include "inspect/sink.h"
#include "inspect/snapshot.h"

/* ---- JSON ---- */

static void put_json_rows(const sink_t *sink, const char *name, const row_t *rows,
                          const void *values) {
    sink_say(sink, "  \"%s\": {", name);
    for (const row_t *row = rows; row->name != NULL; row++) {
        sink_say(sink, "%s\n    \"%s\": %zu", row == rows ? "" : ",", row->key,
                 row_value(row, values));
    }
    sink_put(sink, "\n  },\n");
}

static void put_json_classes(const sink_t *sink, const snapshot_t *taken) {
    const char *before = "";
    sink_put(sink, "  \"classes\": [");
    for (size_t i = 0; i < taken->class_count; i++) {
        const eddy_class_stats_t *one = &taken->classes[i];
        if (!snapshot_class_is_in_use(one)) continue;
        sink_say(sink, "%s\n    {\"block_bytes\": %zu, \"pages\": %zu, \"live_blocks\": %zu, ",
                 before, one->block_bytes, one->pages, one->live_blocks);
        sink_say(
            sink,
            "\"live_bytes\": %zu, \"free_in_pages\": %zu, \"pending\": %zu, \"retained\": %zu}",
            one->live_bytes, one->free_in_pages, one->pending, one->retained);
        before = ",";
    }
    sink_put(sink, "\n  ]\n");
}

void eddy_stats_json(eddy_output_fn *output, void *argument) {
    const sink_t sink = {output, argument};
    snapshot_t taken;
    snapshot_take(&taken);
    sink_put(&sink, "{\n");
    put_json_rows(&sink, "memory", rows_stats, &taken.stats);
    put_json_rows(&sink, "events", rows_counters, &taken.counters);
    put_json_classes(&sink, &taken);
    sink_put(&sink, "}\n");
    snapshot_drop(&taken);
}

/* ---- Prometheus ---- */

static void put_metrics(const sink_t *sink, const row_t *rows, const void *values) {
    for (const row_t *row = rows; row->name != NULL; row++) {
        const char *type = row->only_rises ? "counter" : "gauge";
        sink_say(sink, "# TYPE eddy_%s %s\neddy_%s %zu\n", row->key, type, row->key,
                 row_value(row, values));
    }
}

static void put_class_metric(const sink_t *sink, const snapshot_t *taken, const char *name,
                             size_t offset) {
    sink_say(sink, "# TYPE eddy_class_%s gauge\n", name);
    for (size_t i = 0; i < taken->class_count; i++) {
        const eddy_class_stats_t *one = &taken->classes[i];
        if (!snapshot_class_is_in_use(one)) continue;
        size_t value = *(const size_t *)(const void *)((const char *)one + offset);
        sink_say(sink, "eddy_class_%s{bytes=\"%zu\"} %zu\n", name, one->block_bytes, value);
    }
}

void eddy_stats_prometheus(eddy_output_fn *output, void *argument) {
    const sink_t sink = {output, argument};
    snapshot_t taken;
    snapshot_take(&taken);
    put_metrics(&sink, rows_stats, &taken.stats);
    put_metrics(&sink, rows_counters, &taken.counters);
    put_class_metric(&sink, &taken, "live_blocks", offsetof(eddy_class_stats_t, live_blocks));
    put_class_metric(&sink, &taken, "live_bytes", offsetof(eddy_class_stats_t, live_bytes));
    put_class_metric(&sink, &taken, "free_bytes", offsetof(eddy_class_stats_t, free_in_pages));
    put_class_metric(&sink, &taken, "pending", offsetof(eddy_class_stats_t, pending));
    put_class_metric(&sink, &taken, "retained", offsetof(eddy_class_stats_t, retained));
    snapshot_drop(&taken);
}
