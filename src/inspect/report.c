/* The statistics of a program that was not changed (EDDY_STATS): at its end, in a file, at a
 * signal.
 *
 * The handler of the signal only asks for the report. The scavenger makes it if it runs, else the
 * next slow path of malloc: places where no lock is held.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "config/options.h"
#include "heap/errand.h"
#include "heap/scavenge.h"
#include "inspect/sink.h"
#include "os/os.h"

enum { PATH_BYTES = 256 };

/* Each "%p" becomes the number of the process: those that a program starts have the same option. */
static void expand(char *path, const char *pattern) {
    size_t length = 0;
    for (; *pattern != '\0' && length < PATH_BYTES - 1; pattern++) {
        if (strncmp(pattern, "%p", 2) == 0) {
            length += os_format(path + length, PATH_BYTES - length, "%d", os_process_id());
            pattern++;
        } else {
            path[length++] = *pattern;
        }
    }
    path[length] = '\0';
}

static void write_json(void) {
    char path[PATH_BYTES];
    expand(path, option_argument());
    int fd = os_create_file(path);
    if (fd < 0) {
        os_say("EDDY_STATS: cannot write '%s'; name a file in a folder that can be written", path);
        return;
    }
    eddy_stats_json(sink_to_file, &fd);
    os_close_file(fd);
}

static void print(void) { eddy_stats_write(NULL, NULL); }

static void at_signal(int number) {
    (void)number;
    scavenge_call_report();
}

static bool listen_to(const char *signal) {
    char *end;
    long number = strtol(signal, &end, 10);
    return *end == '\0' && number <= INT_MAX && os_on_signal((int)number, at_signal);
}

__attribute__((constructor)) static void listen(void) {
    if (eddy_option_get(EDDY_OPTION_STATS) != STATS_AT_SIGNAL) return;
    errand_on_report(print);
    if (!listen_to(option_argument())) {
        os_say("EDDY_STATS: '%s' is no signal that a program may handle; give its number",
               option_argument());
    }
}

__attribute__((destructor)) static void report_at_exit(void) {
    int64_t when = eddy_option_get(EDDY_OPTION_STATS);
    if (when == STATS_AT_EXIT) print();
    if (when == STATS_AS_JSON) write_json();
}
