/* The struct of statistics as JSON.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "mimalloc/stats.h"

/* What is written beyond the end is only counted. */
typedef struct writer {
    char *buffer;
    size_t size, length;
} writer_t;

__attribute__((format(printf, 2, 3))) static void put(writer_t *out, const char *format, ...) {
    size_t room = out->length < out->size ? out->size - out->length : 0;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(room == 0 ? NULL : out->buffer + out->length, room, format, arguments);
    va_end(arguments);
    if (length > 0) out->length += (size_t)length;
}

static void put_count(writer_t *out, const mi_stat_count_t *count) {
    put(out, "{ \"total\": %" PRId64 ", \"peak\": %" PRId64 ", \"current\": %" PRId64, count->total,
        count->peak, count->current);
}

static void put_bins(writer_t *out, const char *name, const mi_stat_count_t *bins) {
    put(out, "  \"%s\": [", name);
    for (size_t i = 0; i <= MI_BIN_HUGE; i++) {
        put(out, "%s\n    ", i == 0 ? "" : ",");
        put_count(out, &bins[i]);
        put(out, ", \"block_size\": %zu }", stats_bin_size(i));
    }
    put(out, "\n  ]");
}

static void put_process(writer_t *out) {
    size_t elapsed, user, system, rss, peak_rss, commit, peak_commit, faults;
    mi_process_info(&elapsed, &user, &system, &rss, &peak_rss, &commit, &peak_commit, &faults);
    put(out, "  \"process\": {\n");
    put(out, "    \"elapsed_msecs\": %zu, \"user_msecs\": %zu, \"system_msecs\": %zu,\n", elapsed,
        user, system);
    put(out, "    \"page_faults\": %zu, \"rss_current\": %zu, \"rss_peak\": %zu,\n", faults, rss,
        peak_rss);
    put(out, "    \"commit_current\": %zu, \"commit_peak\": %zu\n  },\n", commit, peak_commit);
}

#define MI_STAT_COUNT(field)                                                                       \
    put(out, "  \"" #field "\": ");                                                                \
    put_count(out, &stats->field);                                                                 \
    put(out, " },\n");
#define MI_STAT_COUNTER(field) put(out, "  \"" #field "\": %" PRId64 ",\n", stats->field.total);

static void put_stats(writer_t *out, const mi_stats_t *stats) {
    put(out, "{\n  \"stat_version\": %d,\n  \"mimalloc_version\": %d,\n  \"eddy_version\": %d,\n",
        MI_STAT_VERSION, MI_MALLOC_VERSION, eddy_version());
    put_process(out);
    MI_STAT_FIELDS()
    put_bins(out, "malloc_bins", stats->malloc_bins);
    put(out, ",\n");
    put_bins(out, "page_bins", stats->page_bins);
    put(out, "\n}\n");
}

char *stats_as_json(const mi_stats_t *stats, size_t buffer_size, char *buffer) {
    writer_t out = {buffer, buffer == NULL ? 0 : buffer_size, 0};
    if (buffer != NULL) {
        put_stats(&out, stats);
        return buffer_size == 0 ? NULL : buffer;
    }
    /* Once to learn the length, with room for numbers that grow meanwhile, once to write. */
    put_stats(&out, stats);
    out.size = out.length + 256;
    out.length = 0;
    out.buffer = eddy_malloc(out.size);
    if (out.buffer != NULL) put_stats(&out, stats);
    return out.buffer;
}
