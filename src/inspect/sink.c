/* SPDX-License-Identifier: MIT */
#include "inspect/sink.h"

#include <stdarg.h>
#include <string.h>

#include "os/os.h"

void sink_say(const sink_t *sink, const char *format, ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    os_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    sink_put(sink, text);
}

void sink_to_file(const char *text, void *argument) {
    os_write(*(const int *)argument, text, strlen(text));
}
