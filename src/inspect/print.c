/* The table for people, and the statistics at exit.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "eddy.h"
#include "os/os.h"

typedef struct row {
    const char *name;
    size_t offset;
} row_t;

static const row_t stats_rows[] = {
    {"live bytes", offsetof(eddy_stats_t, live_bytes)},
    {"live blocks", offsetof(eddy_stats_t, live_blocks)},
    {"free in pages", offsetof(eddy_stats_t, free_in_pages)},
    {"empty current pages", offsetof(eddy_stats_t, current_empty)},
    {"retained pages", offsetof(eddy_stats_t, retained)},
    {"dirty spans", offsetof(eddy_stats_t, dirty)},
    {"clean spans", offsetof(eddy_stats_t, clean)},
    {"pending frees", offsetof(eddy_stats_t, pending)},
    {"metadata", offsetof(eddy_stats_t, metadata)},
    {"reserved", offsetof(eddy_stats_t, reserved)},
    {"opened", offsetof(eddy_stats_t, opened)},
};

static const row_t counter_rows[] = {
    {"slow entries", offsetof(eddy_counters_t, slow_entries)},
    {"promotions in malloc", offsetof(eddy_counters_t, promotions_malloc)},
    {"extensions", offsetof(eddy_counters_t, extensions)},
    {"pages made", offsetof(eddy_counters_t, pages_made)},
    {"pages retired", offsetof(eddy_counters_t, pages_retired)},
    {"pages reused", offsetof(eddy_counters_t, pages_reused)},
    {"pages released", offsetof(eddy_counters_t, pages_released)},
    {"pages adopted", offsetof(eddy_counters_t, pages_adopted)},
    {"lists straightened", offsetof(eddy_counters_t, lists_straightened)},
    {"slices retained", offsetof(eddy_counters_t, retained_slices)},
    {"slices retained, peak", offsetof(eddy_counters_t, retained_slices_peak)},
    {"spans purged", offsetof(eddy_counters_t, spans_purged)},
    {"bytes purged", offsetof(eddy_counters_t, bytes_purged)},
    {"memory system calls", offsetof(eddy_counters_t, memory_system_calls)},
};

/* Where lines go: a function, or a file descriptor when there is none. */
typedef struct sink {
    eddy_output_fn *function;
    void *argument;
    int fd;
} sink_t;

static void put(const sink_t *sink, const char *text) {
    if (sink->function != NULL) {
        sink->function(text, sink->argument);
    } else {
        os_write(sink->fd, text, strlen(text));
    }
}

static void print_rows(const sink_t *sink, const row_t *rows, size_t count, const void *values) {
    static const char blanks[] = "                        ";
    for (size_t i = 0; i < count; i++) {
        const char *pad = blanks + size_min(strlen(rows[i].name), sizeof blanks - 1);
        size_t value = *(const size_t *)(const void *)((const char *)values + rows[i].offset);
        char line[120];
        os_format(line, sizeof line, "  %s%s %zu\n", rows[i].name, pad, value);
        put(sink, line);
    }
}

#define ROWS(rows) rows, sizeof(rows) / sizeof(rows)[0]

static void print(const sink_t *sink) {
    eddy_stats_t stats;
    eddy_counters_t counters;
    eddy_stats_get(&stats, sizeof stats);
    eddy_counters(&counters, sizeof counters);
    put(sink, "eddy: memory in bytes, then events since the start\n");
    print_rows(sink, ROWS(stats_rows), &stats);
    print_rows(sink, ROWS(counter_rows), &counters);
}

static void put_output(const char *text, void *argument) {
    (void)argument;
    os_output(text);
}

void eddy_stats_print(int fd) { print(&(sink_t){.fd = fd}); }

void eddy_stats_write(eddy_output_fn *output, void *argument) {
    print(&(sink_t){.function = output != NULL ? output : put_output, .argument = argument});
}

void eddy_on_output(eddy_output_fn *output, void *argument) { os_on_output(output, argument); }

void eddy_say(const char *text) { os_output(text); }

__attribute__((destructor)) static void print_at_exit(void) {
    if (eddy_option_get(EDDY_OPTION_STATS) == 1) eddy_stats_write(NULL, NULL);
}
