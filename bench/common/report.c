/* Rows are composed on the stack and written in one piece: stdio would allocate its buffer from
 * the allocator under test.
 * SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "options.h"

typedef struct line {
    size_t length;
    char text[1024];
} line_t;

__attribute__((format(printf, 2, 3))) static void line_add(line_t *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const size_t room = sizeof line->text - line->length;
    const int written = vsnprintf(line->text + line->length, room, format, arguments);
    va_end(arguments);
    if (written < 0 || (size_t)written >= room) bench_fail("row", "too long");
    line->length += (size_t)written;
}

static void line_write(const line_t *line) {
    if (write(STDOUT_FILENO, line->text, line->length) != (ssize_t)line->length) {
        bench_fail("standard output", "not writable");
    }
}

void report_answer(size_t undisturbed) {
    line_t line = {0};
    line_add(&line, "%zu\n", undisturbed);
    line_write(&line);
}

void report_header(void) {
    line_t line = {0};
    line_add(&line,
             "scenario\tparameters\tallocator\trounds\tpairs\tns_per_pair\tmallocs_per_s\t"
             "undisturbed\t%s\tfaults\trss_kib\tpeak_kib\trss_100ms_kib\trss_1s_kib\trss_10s_kib\n",
             counted_header);
    line_write(&line);
}

static void add_settled(line_t *line, const bench_report_t *report) {
    for (size_t i = 0; i < SETTLE_STEPS; i++) {
        if (report->settled) {
            line_add(line, "\t%zu", report->settled_kib[i]);
        } else {
            line_add(line, "\t-");
        }
    }
}

void report_row(const bench_program_t *program, const bench_point_t *point,
                const bench_report_t *report) {
    const sampled_t *sampled = &report->sampled;
    char parameters[POINT_TEXT], counted[COUNTED_TEXT];
    point_format(point, "", parameters);
    counted_format(&report->counted, counted);
    line_t line = {0};
    line_add(&line, "%s\t%s\t%s\t%zu\t%zu\t%.3f\t%.0f\t%zu", program->name, parameters,
             allocator_name(), sampled->rounds, (size_t)sampled->pairs, sampled->ns_per_pair,
             (double)report->threads * 1e9 / sampled->ns_per_pair, sampled->undisturbed);
    line_add(&line, "\t%s\t%zu\t%zu\t%zu", counted, (size_t)sampled->faults, report->resident_kib,
             report->peak_kib);
    add_settled(&line, report);
    line_add(&line, "\n");
    line_write(&line);
}
