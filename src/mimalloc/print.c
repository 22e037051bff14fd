/* What is printed for people.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "mimalloc/options.h"
#include "mimalloc/stats.h"

/* ---- options ---- */

static const char *effect(option_meaning_t meaning) {
    switch (meaning) {
    case OPTION_WITHOUT_EFFECT:
        return " (to set it has no effect)";
    case OPTION_AT_START:
    case OPTION_AT_LOAD:
        return " (set by the environment only)";
    default:
        return "";
    }
}

static void print_options(mi_output_fun *output, void *argument) {
    for (int i = 0; i < _mi_option_last; i++) {
        const option_row_t *row = option_row((mi_option_t)i);
        layer_say(output, argument, "eddy: option %s: %ld%s%s\n", row->name,
                  mi_option_get((mi_option_t)i), row->in_kib ? " KiB" : "", effect(row->meaning));
    }
}

void mi_options_print(void) { print_options(NULL, NULL); }

/* ---- statistics ---- */

void mi_stats_print_out(mi_output_fun *output, void *argument) {
    eddy_stats_write(output, argument);
}

void mi_stats_print(void *ignored) {
    (void)ignored;
    eddy_stats_write(NULL, NULL);
}

/* Eddy's are those of all threads. */
void mi_thread_stats_print_out(mi_output_fun *output, void *argument) {
    mi_stats_print_out(output, argument);
}

#if EDDY_MIMALLOC_API == 3

void mi_options_print_out(mi_output_fun *output, void *argument) {
    print_options(output, argument);
}

void mi_process_info_print_out(mi_output_fun *output, void *argument) {
    size_t elapsed, user, system, rss, peak_rss, commit, faults;
    mi_process_info(&elapsed, &user, &system, &rss, &peak_rss, &commit, NULL, &faults);
    layer_say(output, argument, "elapsed %zu ms, user %zu ms, system %zu ms, %zu page faults\n",
              elapsed, user, system, faults);
    layer_say(output, argument, "resident %zu KiB, at most %zu KiB, accessible %zu KiB\n",
              rss >> 10, peak_rss >> 10, commit >> 10);
}

void mi_process_info_print(void) { mi_process_info_print_out(NULL, NULL); }

static void print_census(const char *what, const void *address, const mi_stats_t *stats,
                         mi_output_fun *output, void *argument) {
    layer_say(output, argument,
              "%s %p: %" PRId64 " pages, %" PRId64 " blocks of %" PRId64 " bytes\n", what, address,
              stats->pages.current,
              stats->malloc_normal_count.total + stats->malloc_huge_count.total,
              stats->malloc_normal.current + stats->malloc_huge.current);
}

void mi_heap_stats_print_out(mi_heap_t *heap, mi_output_fun *output, void *argument) {
    if (heap == NULL) return;
    mi_stats_t stats;
    stats_of_heap(of_heap(heap), &stats);
    print_census("heap", heap, &stats, output, argument);
}

void mi_subproc_stats_print_out(mi_subproc_id_t subprocess, mi_output_fun *output, void *argument) {
    eddy_heap_t *main_heap = subprocess_named(subprocess);
    if (main_heap == eddy_heap_main()) {
        mi_stats_print_out(output, argument);
        return;
    }
    mi_stats_t stats;
    stats_of_subprocess(main_heap, &stats);
    print_census("subprocess", main_heap, &stats, output, argument);
}

typedef struct destination {
    mi_output_fun *output;
    void *argument;
} destination_t;

static bool print_heap(mi_heap_t *heap, void *argument) {
    const destination_t *to = argument;
    mi_heap_stats_print_out(heap, to->output, to->argument);
    return true;
}

void mi_subproc_heap_stats_print_out(mi_subproc_id_t subprocess, mi_output_fun *output,
                                     void *argument) {
    mi_subproc_stats_print_out(subprocess, output, argument);
    destination_t to = {output, argument};
    mi_subproc_visit_heaps(subprocess, print_heap, &to);
}

#endif
