/* The statistics for programs: JSON and Prometheus' text format.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include "eddy.h"
#include "heap/class.h"
#include "inspect/rows.h"
#include "os/os.h"

typedef struct sink {
    eddy_output_fn *function;
    void *argument;
} sink_t;

/* What is written out, taken at one moment; in memory of its own, too much for a stack. */
typedef struct snapshot {
    eddy_stats_t stats;
    eddy_counters_t counters;
    eddy_class_stats_t classes[CLASS_COUNT];
} snapshot_t;

static void put(const sink_t *sink, const char *text) { sink->function(text, sink->argument); }

__attribute__((format(printf, 2, 3))) static void say(const sink_t *sink, const char *format, ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    os_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    put(sink, text);
}

static size_t snapshot_bytes(void) { return round_up(sizeof(snapshot_t), os_page_size()); }

static snapshot_t *take_snapshot(void) {
    snapshot_t *taken = os_map(snapshot_bytes());
    if (taken == NULL) return NULL;
    eddy_stats_get(&taken->stats, sizeof taken->stats);
    eddy_counters(&taken->counters, sizeof taken->counters);
    eddy_class_stats_get(taken->classes, CLASS_COUNT, sizeof *taken->classes);
    return taken;
}

static bool is_in_use(const eddy_class_stats_t *class) {
    return class->pages != 0 || class->retained != 0;
}

/* ---- JSON ---- */

static void put_json_rows(const sink_t *sink, const char *name, const row_t *rows,
                          const void *values) {
    say(sink, "  \"%s\": {", name);
    for (const row_t *row = rows; row->name != NULL; row++) {
        say(sink, "%s\n    \"%s\": %zu", row == rows ? "" : ",", row->key, row_value(row, values));
    }
    put(sink, "\n  },\n");
}

static void put_json_classes(const sink_t *sink, const eddy_class_stats_t *classes) {
    const char *before = "";
    put(sink, "  \"classes\": [");
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        const eddy_class_stats_t *one = &classes[i];
        if (!is_in_use(one)) continue;
        say(sink, "%s\n    {\"block_bytes\": %zu, \"pages\": %zu, \"live_blocks\": %zu, ", before,
            one->block_bytes, one->pages, one->live_blocks);
        say(sink,
            "\"live_bytes\": %zu, \"free_in_pages\": %zu, \"pending\": %zu, \"retained\": %zu}",
            one->live_bytes, one->free_in_pages, one->pending, one->retained);
        before = ",";
    }
    put(sink, "\n  ]\n");
}

void eddy_stats_json(eddy_output_fn *output, void *argument) {
    const sink_t sink = {output, argument};
    snapshot_t *taken = take_snapshot();
    if (taken == NULL) return;
    put(&sink, "{\n");
    put_json_rows(&sink, "memory", rows_stats, &taken->stats);
    put_json_rows(&sink, "events", rows_counters, &taken->counters);
    put_json_classes(&sink, taken->classes);
    put(&sink, "}\n");
    os_unmap(taken, snapshot_bytes());
}

/* ---- Prometheus ---- */

static void put_metrics(const sink_t *sink, const row_t *rows, const void *values) {
    for (const row_t *row = rows; row->name != NULL; row++) {
        say(sink, "# TYPE eddy_%s gauge\neddy_%s %zu\n", row->key, row->key,
            row_value(row, values));
    }
}

static void put_class_metric(const sink_t *sink, const eddy_class_stats_t *classes,
                             const char *name, size_t offset) {
    say(sink, "# TYPE eddy_class_%s gauge\n", name);
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (!is_in_use(&classes[i])) continue;
        size_t value = *(const size_t *)(const void *)((const char *)&classes[i] + offset);
        say(sink, "eddy_class_%s{bytes=\"%zu\"} %zu\n", name, classes[i].block_bytes, value);
    }
}

void eddy_stats_prometheus(eddy_output_fn *output, void *argument) {
    const sink_t sink = {output, argument};
    snapshot_t *taken = take_snapshot();
    if (taken == NULL) return;
    put_metrics(&sink, rows_stats, &taken->stats);
    put_metrics(&sink, rows_counters, &taken->counters);
    const eddy_class_stats_t *classes = taken->classes;
    put_class_metric(&sink, classes, "live_blocks", offsetof(eddy_class_stats_t, live_blocks));
    put_class_metric(&sink, classes, "live_bytes", offsetof(eddy_class_stats_t, live_bytes));
    put_class_metric(&sink, classes, "free_bytes", offsetof(eddy_class_stats_t, free_in_pages));
    put_class_metric(&sink, classes, "retained", offsetof(eddy_class_stats_t, retained));
    os_unmap(taken, snapshot_bytes());
}
