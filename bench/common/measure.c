/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

void sleep_ms(size_t milliseconds) {
    struct timespec left = {.tv_sec = (time_t)(milliseconds / 1000),
                            .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) continue;
}

static uint64_t faults_of(int who) {
    struct rusage usage;
    getrusage(who, &usage);
    return (uint64_t)usage.ru_minflt;
}

uint64_t thread_faults(void) { return faults_of(RUSAGE_THREAD); }

uint64_t process_faults(void) { return faults_of(RUSAGE_SELF); }

/* The number behind `key` in a file of /proc. stdio would allocate. */
static size_t proc_number(const char *path, const char *key) {
    char text[4096];
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length < 0 ? 0 : length] = '\0';
    const char *line = strstr(text, key);
    return line == NULL ? 0 : strtoul(line + strlen(key), NULL, 10);
}

/* smaps_rollup counts the pages; the figure in /proc/self/status may lag behind by some. */
size_t resident_kib(void) {
    const size_t counted = proc_number("/proc/self/smaps_rollup", "Rss:");
    return counted != 0 ? counted : proc_number("/proc/self/status", "VmRSS:");
}

/* What belongs to no file, or was written, is anonymous. 0 where the kernel counts neither. */
size_t resident_code_kib(void) {
    const char *path = "/proc/self/smaps_rollup";
    return proc_number(path, "Rss:") - proc_number(path, "Anonymous:");
}

/* Unlike ru_maxrss this does not begin with the peak of the program before exec. */
size_t resident_peak_kib(void) { return proc_number("/proc/self/status", "VmHWM:"); }

const char *allocator_name(void) {
    Dl_info info;
    if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) == 0) return "?";
    const char *slash = strrchr(info.dli_fname, '/');
    return slash == NULL ? info.dli_fname : slash + 1;
}
