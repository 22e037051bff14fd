/* Options and collection: what the program may ask for.
 * SPDX-License-Identifier: MIT */
#include <errno.h>

#include "alloc/heartbeat.h"
#include "config/options.h"
#include "eddy.h"
#include "heap/idle.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "memory/alarm.h"
#include "memory/span.h"

static bool is_option(eddy_option_t option) { return (unsigned)option < EDDY_OPTION_COUNT; }

/* Whether there can be huge pages shows only when the address space is reserved; the other options
 * need no more than to be read. */
static void settle(eddy_option_t option) {
    if (option == EDDY_OPTION_HUGE_PAGES) {
        (void)span_start();
    } else {
        span_load_options();
    }
}

int64_t eddy_option_get(eddy_option_t option) {
    settle(option);
    if (is_option(option)) return option_get(option);
    errno = EINVAL;
    return -1;
}

/* The address space is made for it already. */
static bool is_fixed(eddy_option_t option, int64_t value) {
    return option == EDDY_OPTION_HUGE_PAGES && value != option_get(option);
}

static int set(eddy_option_t option, int64_t value, bool (*how)(eddy_option_t, int64_t)) {
    settle(option);
    if (is_option(option) && !is_fixed(option, value) && how(option, value)) {
        alarm_ring_always();
        return 0;
    }
    errno = EINVAL;
    return -1;
}

int eddy_option_set(eddy_option_t option, int64_t value) { return set(option, value, option_set); }

int eddy_option_set_default(eddy_option_t option, int64_t value) {
    return set(option, value, option_set_default);
}

static size_t purged_bytes(void) {
    span_totals_t totals;
    span_totals(&totals);
    return totals.bytes_purged;
}

size_t eddy_collect(void) {
    /* Without decay, or beyond the soft limit, pages are purged as they are freed. */
    size_t before = purged_bytes();
    thread_t *thread = thread_self;
    if (thread_is_started(thread)) heartbeat(thread, true);
    remote_flush(thread);
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        heap_collect(heap, load_relaxed(&heap->thread) == thread);
    }
    idle_free_left();
    (void)span_purge_all();
    return purged_bytes() - before;
}

int eddy_add_memory(void *start, size_t bytes) {
    bool in_bounds = bytes <= PTRDIFF_MAX && (uintptr_t)start <= PTRDIFF_MAX - bytes;
    int number = in_bounds ? span_give(start, bytes) : -1;
    if (number < 0) errno = EINVAL;
    return number;
}

void *eddy_added_memory(int number, size_t *bytes) { return span_given(number, bytes); }
