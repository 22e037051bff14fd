/* The table for people.
 * SPDX-License-Identifier: MIT */
#include "inspect/rows.h"
#include "inspect/sink.h"
#include "inspect/snapshot.h"
#include "os/os.h"

static void print_rows(const sink_t *sink, const row_t *rows, const void *values) {
    for (const row_t *row = rows; row->name != NULL; row++) {
        size_t value = row_value(row, values);
        if (row->is_bytes) {
            size_t tenths = value * 10 >> 20;
            sink_say(sink, "  %-24s%16zu%10zu.%zu\n", row->name, value, tenths / 10, tenths % 10);
        } else {
            sink_say(sink, "  %-24s%16zu\n", row->name, value);
        }
    }
}

static void print_classes(const sink_t *sink, const snapshot_t *taken) {
    sink_say(sink, "eddy: blocks by size in bytes, memory in KiB\n%8s%10s%12s%10s%10s%10s%10s\n",
             "size", "pages", "blocks", "live", "free", "pending", "retained");
    for (size_t i = 0; i < taken->class_count; i++) {
        const eddy_class_stats_t *one = &taken->classes[i];
        if (!snapshot_class_is_in_use(one)) continue;
        sink_say(sink, "%8zu%10zu%12zu%10zu%10zu%10zu%10zu\n", one->block_bytes, one->pages,
                 one->live_blocks, one->live_bytes >> 10, one->free_in_pages >> 10,
                 one->pending >> 10, one->retained >> 10);
    }
}

static void print(const sink_t *sink) {
    snapshot_t taken;
    snapshot_take(&taken);
    sink_say(sink, "%-26s%16s%12s\n", "eddy: memory", "bytes", "MiB");
    print_rows(sink, rows_stats, &taken.stats);
    sink_put(sink, "eddy: events since the start\n");
    print_rows(sink, rows_counters, &taken.counters);
    print_classes(sink, &taken);
    snapshot_drop(&taken);
}

static void put_output(const char *text, void *argument) {
    (void)argument;
    os_output(text);
}

void eddy_stats_print(int fd) { print(&(sink_t){sink_to_file, &fd}); }

void eddy_stats_write(eddy_output_fn *output, void *argument) {
    print(&(sink_t){output != NULL ? output : put_output, argument});
}

void eddy_on_output(eddy_output_fn *output, void *argument) { os_on_output(output, argument); }

void eddy_say(const char *text) { os_output(text); }
