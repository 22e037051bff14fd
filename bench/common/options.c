/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_TEXT = 32 };

/* ---- values of an axis ---------------------------------------------------------------------- */

static size_t parse_number(const char *text) {
    char *end = NULL;
    errno = 0;
    const unsigned long number = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || *text == '-' || errno != 0) {
        bench_fail("not a number", text);
    }
    return number;
}

static size_t parse_value(const bench_axis_t *axis, const char *text) {
    if (axis->words == NULL) return parse_number(text);
    for (size_t i = 0; axis->words[i] != NULL; i++) {
        if (strcmp(axis->words[i], text) == 0) return i;
    }
    bench_fail(axis->name, text);
}

static size_t count_values(const char *list) {
    size_t count = 1;
    for (; *list != '\0'; list++) count += *list == ',';
    return count;
}

/* Item `index` of a comma-separated list. */
static size_t value_at(const bench_axis_t *axis, const char *list, size_t index) {
    while (index-- > 0) list = strchr(list, ',') + 1;
    char text[VALUE_TEXT] = "";
    const size_t length = strcspn(list, ",");
    if (length >= sizeof text) bench_fail(axis->name, list);
    memcpy(text, list, length);
    return parse_value(axis, text);
}

/* ---- the command line ----------------------------------------------------------------------- */

static unsigned count_axes(const bench_program_t *program) {
    unsigned count = 0;
    while (program->axes[count].name != NULL) count++;
    if (count > BENCH_AXES) bench_fail(program->name, "has too many axes");
    return count;
}

static _Noreturn void print_help(const bench_program_t *program) {
    printf("%s: %s\n\n", program->name, program->summary);
    for (const bench_axis_t *axis = program->axes; axis->name != NULL; axis++) {
        printf("  --%s=%s\n", axis->name, axis->full);
    }
    puts("\n"
         "  --quick        the short set of values, short samples\n"
         "  --list         print the points, run nothing\n"
         "  --settle       also report the resident memory 0.1, 1 and 10 s after the last round\n"
         "  --rounds=N     rounds in each sample, instead of as many as fill its time\n"
         "  --samples=N    samples; the time of the lower quartile is reported\n"
         "  --sample-ms=N  time of one sample\n"
         "  --on-demand=N  samples when the driver asks for them; N is what `speed` prints\n"
         "  --no-header    rows only");
    exit(0);
}

/* The text behind "--NAME=" or NULL when `argument` is another option. */
static const char *option_value(const char *argument, const char *name) {
    const size_t length = strlen(name);
    if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, length) != 0) return NULL;
    return argument[2 + length] == '=' ? argument + 3 + length : NULL;
}

static bool parse_axis(const bench_program_t *program, bench_options_t *options,
                       const char *argument) {
    for (unsigned i = 0; program->axes[i].name != NULL; i++) {
        const char *value = option_value(argument, program->axes[i].name);
        if (value == NULL) continue;
        options->chosen[i] = value;
        return true;
    }
    return false;
}

static bool parse_count(bench_options_t *options, const char *argument) {
    const struct {
        const char *name;
        size_t *count;
    } counts[] = {{"rounds", &options->rounds},
                  {"samples", &options->samples},
                  {"sample-ms", &options->sample_ms},
                  {"on-demand", &options->probe_ns}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const char *value = option_value(argument, counts[i].name);
        if (value == NULL) continue;
        *counts[i].count = parse_number(value);
        return true;
    }
    return false;
}

static bool is_option(const char *argument, const char *name) {
    return strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, name) == 0;
}

static void parse_argument(const bench_program_t *program, bench_options_t *options,
                           const char *argument) {
    if (is_option(argument, "help")) print_help(program);
    if (is_option(argument, "list")) {
        options->list = true;
    } else if (is_option(argument, "settle")) {
        options->settle = true;
    } else if (is_option(argument, "no-header")) {
        options->header = false;
    } else if (!is_option(argument, "quick") && !parse_axis(program, options, argument) &&
               !parse_count(options, argument)) {
        bench_fail("unknown option (see --help)", argument);
    }
}

bench_options_t options_parse(const bench_program_t *program, int argc, char **argv) {
    bool quick = false;
    for (int i = 1; i < argc; i++) quick = quick || is_option(argv[i], "quick");

    bench_options_t options = {.header = true};
    options.samples = quick ? 15 : 21;
    options.sample_ms = quick ? 3 : 10;
    const unsigned axes = count_axes(program);
    for (unsigned i = 0; i < axes; i++) {
        options.chosen[i] = quick ? program->axes[i].quick : program->axes[i].full;
    }
    for (int i = 1; i < argc; i++) parse_argument(program, &options, argv[i]);
    if (options.samples == 0) bench_fail("--samples", "must not be 0");
    return options;
}

/* ---- points --------------------------------------------------------------------------------- */

static bool point_at(const bench_program_t *program, const bench_options_t *options,
                     size_t position, bench_point_t *point) {
    point->axes = program->axes;
    point->axis_count = count_axes(program);
    for (unsigned i = point->axis_count; i-- > 0;) {
        const size_t count = count_values(options->chosen[i]);
        point->values[i] = value_at(&program->axes[i], options->chosen[i], position % count);
        position /= count;
    }
    return position == 0;
}

bool options_next(const bench_program_t *program, const bench_options_t *options, size_t *position,
                  bench_point_t *point) {
    while (point_at(program, options, (*position)++, point)) {
        const size_t threads = bench_value(point, "threads", 1);
        if (threads == 0 || threads > BENCH_THREADS) bench_fail("--threads", "out of range");
        if (program->sensible == NULL || program->sensible(point)) return true;
    }
    return false;
}

size_t bench_value(const bench_point_t *point, const char *name, size_t fallback) {
    for (unsigned i = 0; i < point->axis_count; i++) {
        if (strcmp(point->axes[i].name, name) == 0) return point->values[i];
    }
    return fallback;
}

void point_format(const bench_point_t *point, const char *prefix, char text[POINT_TEXT]) {
    size_t length = 0;
    for (unsigned i = 0; i < point->axis_count && length < POINT_TEXT; i++) {
        const bench_axis_t *axis = &point->axes[i];
        const char *space = i == 0 ? "" : " ";
        const int written = axis->words == NULL
                                ? snprintf(text + length, POINT_TEXT - length, "%s%s%s=%zu", space,
                                           prefix, axis->name, point->values[i])
                                : snprintf(text + length, POINT_TEXT - length, "%s%s%s=%s", space,
                                           prefix, axis->name, axis->words[point->values[i]]);
        length += (size_t)written;
    }
    if (length >= POINT_TEXT) bench_fail("point", "has too long a name");
}
