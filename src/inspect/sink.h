/* Where statistics are written: a function of the program's, or a file.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_INSPECT_SINK_H
#define EDDY_INSPECT_SINK_H

#include "base/base.h"
#include "eddy.h"

typedef struct sink {
    eddy_output_fn *function;
    void *argument;
} sink_t;

static inline void sink_put(const sink_t *sink, const char *text) {
    sink->function(text, sink->argument);
}

/* Formats as os_format does, cuts at 200 bytes. */
__attribute__((format(printf, 2, 3))) void sink_say(const sink_t *sink, const char *format, ...);

/* An eddy_output_fn: `argument` points to a file descriptor. */
void sink_to_file(const char *text, void *argument);

#endif
