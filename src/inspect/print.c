/* The table for people, and the statistics at exit.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "eddy.h"
#include "inspect/rows.h"
#include "os/os.h"

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

static void print_rows(const sink_t *sink, const row_t *rows, const void *values) {
    static const char blanks[] = "                        ";
    for (const row_t *row = rows; row->name != NULL; row++) {
        const char *pad = blanks + size_min(strlen(row->name), sizeof blanks - 1);
        char line[120];
        os_format(line, sizeof line, "  %s%s %zu\n", row->name, pad, row_value(row, values));
        put(sink, line);
    }
}

static void print(const sink_t *sink) {
    eddy_stats_t stats;
    eddy_counters_t counters;
    eddy_stats_get(&stats, sizeof stats);
    eddy_counters(&counters, sizeof counters);
    put(sink, "eddy: memory in bytes, then events since the start\n");
    print_rows(sink, rows_stats, &stats);
    print_rows(sink, rows_counters, &counters);
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
