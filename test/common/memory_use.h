/* How much memory the process holds.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_MEMORY_USE_H
#define EDDY_TEST_COMMON_MEMORY_USE_H

#include <fcntl.h>

#include "common/test.h"

/* Resident bytes, without a call that allocates. */
static inline size_t resident_bytes(void) {
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    check(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    char *second = strchr(text, ' ');
    check(second != NULL);
    return strtoull(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

#endif
