/* The memory limit of the control group: version 2, version 1, or none. A group is limited by those
 * above it too. In a container the path may name a group that cannot be seen from inside; then the
 * root of what can be seen is the container's own.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

/* The file has a line for each of some thirteen controllers, and its names may be long. */
enum { MOUNT_BYTES = 128, PATH_BYTES = 512, GROUPS_BYTES = 8192, LEVELS_MOST = 8 };
/* Version 1 says "no limit" by a number close to the largest. */
static const size_t LIMIT_MOST = (size_t)1 << 60;

/* "max", garbage and impossible numbers limit nothing. */
static size_t parse_limit(const char *text) {
    if (*text < '0' || *text > '9') return SIZE_MAX;
    char *end;
    unsigned long long limit = strtoull(text, &end, 10);
    bool whole = *end == '\0' || *end == '\n';
    return whole && limit > 0 && limit < LIMIT_MOST ? (size_t)limit : SIZE_MAX;
}

static size_t limit_at(const char *mount, const char *group, const char *file) {
    char path[PATH_BYTES], text[32];
    os_format(path, sizeof path, "%s%s/%s", mount, group, file);
    return os_read_file(path, text, sizeof text) == 0 ? SIZE_MAX : parse_limit(text);
}

/* The least of the group's limit and those above it. `group` begins with a slash, and is used
 * up. */
static size_t limit_up(const char *mount, char *group, const char *file) {
    size_t limit = SIZE_MAX;
    for (int level = 0; level < LEVELS_MOST; level++) {
        char *last = strrchr(group, '/');
        if (last != NULL && last[1] == '\0') *last = '\0';
        limit = size_min(limit, limit_at(mount, group, file));
        if (last == NULL || *group == '\0') break;
        *last = '\0';
    }
    return limit;
}

/* A line reads NUMBER:CONTROLLERS:GROUP; the controllers of version 2 are not named. */
static size_t limit_of_line(const char *mount, char *line) {
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL || group[1] != '/') return SIZE_MAX;
    *group++ = '\0';
    if (controllers[1] == '\0') return limit_up(mount, group, "memory.max");
    if (strcmp(controllers, ":memory") != 0) return SIZE_MAX;
    char below[MOUNT_BYTES];
    os_format(below, sizeof below, "%s/memory", mount);
    return limit_up(below, group, "memory.limit_in_bytes");
}

size_t os_group_memory_limit(const char *groups, const char *mount) {
    static char text[GROUPS_BYTES];
    size_t limit = SIZE_MAX;
    (void)os_read_file(groups, text, sizeof text);
    for (char *line = text, *end; *line != '\0'; line = end) {
        end = strchrnul(line, '\n');
        if (*end != '\0') *end++ = '\0';
        limit = size_min(limit, limit_of_line(mount, line));
    }
    return limit;
}
