/* The process as a whole.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "mimalloc/layer.h"

int mi_version(void) { return MI_MALLOC_VERSION; }

/* As mimalloc has it: only Windows has such a thing. */
bool mi_is_redirected(void) { return false; }

/* Without `force` there is nothing to do: what is not needed goes back by itself. */
void mi_collect(bool force) {
    if (force) eddy_collect();
}

void mi_collect_reduce(size_t target_thread_owned) {
    (void)target_thread_owned;
    eddy_collect();
}

void mi_process_init(void) {}

void mi_process_done(void) {}

void mi_thread_init(void) {}

void mi_thread_done(void) {}

void mi_thread_set_in_threadpool(void) {}

static size_t milliseconds(struct timeval time) {
    return (size_t)time.tv_sec * 1000 + (size_t)time.tv_usec / 1000;
}

/* The number that stands behind `skip` words of a file of /proc, words in parentheses left out of
 * account; 0 when it cannot be read. */
static unsigned long long number_in(const char *path, int skip) {
    unsigned long long number = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    bool found = true;
    for (int i = 0; i < skip && found; i++) {
        found = fscanf(file, i == 1 ? " (%*[^)])" : "%*s") != EOF;
    }
    if (!found || fscanf(file, "%llu", &number) != 1) number = 0;
    fclose(file);
    return number;
}

static size_t elapsed_milliseconds(void) {
    enum { WORDS_BEFORE_START_TIME = 21 };
    unsigned long long started = number_in("/proc/self/stat", WORDS_BEFORE_START_TIME);
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
    unsigned long long now_ms =
        (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
    return (size_t)(now_ms - started * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static size_t resident_bytes(void) {
    size_t pages = (size_t)number_in("/proc/self/statm", 1);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void set(size_t *place, size_t value) {
    if (place != NULL) *place = value;
}

void mi_process_info(size_t *elapsed_ms, size_t *user_ms, size_t *system_ms, size_t *current_rss,
                     size_t *peak_rss, size_t *current_commit, size_t *peak_commit,
                     size_t *page_faults) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    set(elapsed_ms, elapsed_milliseconds());
    set(user_ms, milliseconds(usage.ru_utime));
    set(system_ms, milliseconds(usage.ru_stime));
    set(current_rss, resident_bytes());
    set(peak_rss, (size_t)usage.ru_maxrss * 1024);
    /* What was opened stays open. */
    set(current_commit, stats.opened);
    set(peak_commit, stats.opened);
    set(page_faults, (size_t)usage.ru_majflt);
}
