/* Functions of the program that Eddy calls, and text for people.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mimalloc/layer.h"

SAME_VOID(mi_register_deferred_free, eddy_on_heartbeat,
          (mi_deferred_free_fun * function, void *argument), (function, argument));
SAME_VOID(mi_register_output, eddy_on_output, (mi_output_fun * function, void *argument),
          (function, argument));

typedef struct error_handler {
    mi_error_fun *function;
    void *argument;
} error_handler_t;

static void pass_error(int error, const char *message, const void *pointer, void *argument) {
    (void)pointer;
    const error_handler_t *handler = argument;
    if (pointer != NULL) layer_say(NULL, NULL, "eddy: %s\n", message);
    handler->function(error, handler->argument);
}

/* The pair is kept in a block of its own, which is never freed: another thread may be about to call
 * the function that is replaced. */
void mi_register_error(mi_error_fun *function, void *argument) {
    if (function == NULL) {
        eddy_on_error(NULL, NULL);
        return;
    }
    error_handler_t *handler = eddy_malloc(sizeof *handler);
    if (handler == NULL) return;
    *handler = (error_handler_t){function, argument};
    eddy_on_error(pass_error, handler);
}

void layer_say(mi_output_fun *output, void *argument, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (output != NULL) {
        output(text, argument);
    } else {
        eddy_say(text);
    }
}
