/* How much memory the process holds, as the kernel counts it page by page.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_ROLLUP_H
#define EDDY_TEST_COMMON_ROLLUP_H

#include <fcntl.h>

#include "common/test.h"

/* A number of /proc/self/FILE, behind its name: without a call that allocates. */
static inline size_t proc_number(const char *file, const char *name) {
    char text[4096] = "";
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    check(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    const char *line = strstr(text, name);
    check(line != NULL);
    return strtoull(line + strlen(name), NULL, 10);
}

static inline size_t rollup_rss(void) {
    return proc_number("/proc/self/smaps_rollup", "\nRss:") * KIB;
}

static inline size_t kernel_threads(void) { return proc_number("/proc/self/status", "\nThreads:"); }

#endif
