/* Lines for people, written without allocating: printf could call malloc.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/os.h"

enum { LINE_MAX_BYTES = 400 };

void os_write(int fd, const char *text, size_t length) {
    int saved = errno;
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        text += written;
        length -= (size_t)written;
    }
    errno = saved;
}

static _Atomic(os_listener_t *) listener;
static _Atomic(void *) listener_argument;

void os_on_output(os_listener_t *function, void *argument) {
    store_relaxed(&listener_argument, argument);
    /* Release pairs with the acquire in os_output: who sees the function sees its argument. */
    store_release(&listener, function);
}

void os_output(const char *text) {
    os_listener_t *function = load_acquire(&listener);
    if (function != NULL) {
        function(text, load_relaxed(&listener_argument));
    } else {
        os_write(STDERR_FILENO, text, strlen(text));
    }
}

typedef struct output {
    char *buffer;
    size_t size, length;
} output_t;

static void put_text(output_t *out, const char *text, size_t length) {
    size_t room = out->size - 1 - out->length;
    if (length > room) length = room;
    memcpy(out->buffer + out->length, text, length);
    out->length += length;
}

static void put_blanks(output_t *out, size_t count) {
    while (count-- > 0) put_text(out, " ", 1);
}

/* How wide a conversion is at least, and where its blanks stand. */
typedef struct field {
    size_t width;
    bool is_left;
} field_t;

static void put_field(output_t *out, field_t field, const char *text, size_t length) {
    size_t blanks = field.width > length ? field.width - length : 0;
    if (!field.is_left) put_blanks(out, blanks);
    put_text(out, text, length);
    if (field.is_left) put_blanks(out, blanks);
}

static void put_number(output_t *out, field_t field, size_t number, unsigned base) {
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    put_field(out, field, digits + at, sizeof digits - at);
}

static void put_signed(output_t *out, long number) {
    if (number < 0) put_text(out, "-", 1);
    put_number(out, (field_t){0}, number < 0 ? 0 - (size_t)number : (size_t)number, 10);
}

static const char *parse_field(const char *format, field_t *field) {
    field->is_left = *format == '-';
    if (field->is_left) format++;
    for (field->width = 0; *format >= '0' && *format <= '9'; format++) {
        field->width = field->width * 10 + (size_t)(*format - '0');
    }
    return format;
}

/* Put the argument that the conversion at `format` (behind its '%') names; its last letter. */
static const char *put_argument(output_t *out, const char *format, va_list *arguments) {
    field_t field;
    format = parse_field(format, &field);
    if (strncmp(format, "zu", 2) == 0) {
        put_number(out, field, va_arg(*arguments, size_t), 10);
        return format + 1;
    }
    if (*format == 's') {
        const char *text = va_arg(*arguments, const char *);
        put_field(out, field, text, strlen(text));
    } else if (*format == 'd') {
        put_signed(out, va_arg(*arguments, int));
    } else if (*format == 'p') {
        put_text(out, "0x", 2);
        put_number(out, (field_t){0}, (size_t)va_arg(*arguments, void *), 16);
    } else {
        put_text(out, format, 1);
    }
    return format;
}

size_t os_format_list(char *buffer, size_t size, const char *format, va_list list) {
    output_t out = {buffer, size, 0};
    va_list arguments;
    va_copy(arguments, list);
    for (; *format != '\0'; format++) {
        if (*format == '%') {
            format = put_argument(&out, format + 1, &arguments);
        } else {
            put_text(&out, format, 1);
        }
    }
    va_end(arguments);
    buffer[out.length] = '\0';
    return out.length;
}

size_t os_format(char *buffer, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t length = os_format_list(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

void os_say(const char *format, ...) {
    char line[LINE_MAX_BYTES] = "eddy: ";
    size_t length = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    length += os_format_list(line + length, sizeof line - length - 1, format, arguments);
    va_end(arguments);
    line[length++] = '\n';
    line[length] = '\0';
    os_output(line);
}

_Noreturn void assert_failed(const char *condition, const char *file, int line) {
    os_say("%s:%d: broken invariant: %s", file, line, condition);
    abort();
}
