/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "os/os.h"

/* From linux/membarrier.h, which older headers lack, and linux/futex.h: a C library other than the
 * system's comes without the kernel's headers. */
enum { BARRIER_PRIVATE_EXPEDITED = 1 << 3, BARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4 };
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_PRIVATE_FLAG = 128 };

size_t os_read_file(const char *path, char *buffer, size_t size) {
    int saved = errno;
    size_t length = 0;
    int fd = os_refused(OS_FILE) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got = read(fd, buffer, size - 1);
        length = got > 0 ? (size_t)got : 0;
        close(fd);
    }
    buffer[length] = '\0';
    errno = saved;
    return length;
}

int os_create_file(const char *path) {
    if (os_refused(OS_FILE)) return -1;
    int saved = errno;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    errno = saved;
    return fd;
}

void os_close_file(int fd) {
    int saved = errno;
    close(fd);
    errno = saved;
}

/* What the signal interrupts goes on, and a handler's stack of the program's own is used. */
bool os_on_signal(int number, void (*handler)(int number)) {
    if (os_refused(OS_SIGNAL)) return false;
    int saved = errno;
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK};
    bool set = sigaction(number, &action, NULL) == 0;
    errno = saved;
    return set;
}

size_t os_address_space_left(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
    char text[64];
    /* The first number of statm is the size of the address space in kernel pages. */
    size_t used = 0;
    if (os_read_file("/proc/self/statm", text, sizeof text) != 0) {
        used = strtoul(text, NULL, 10) * os_page_size();
    }
    return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

size_t os_physical_memory(void) {
    struct sysinfo info;
    return sysinfo(&info) == 0 ? (size_t)info.totalram * info.mem_unit : 0;
}

bool os_commit_is_strict(void) {
    char text[8];
    return os_read_file("/proc/sys/vm/overcommit_memory", text, sizeof text) != 0 && text[0] == '2';
}

uint64_t os_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static long futex(_Atomic uint32_t *word, int operation, uint32_t value,
                  const struct timespec *timeout) {
    int saved = errno;
    long result = syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, timeout, NULL, 0);
    errno = saved;
    return result;
}

void os_wait(_Atomic uint32_t *word, uint32_t value, int timeout_ms) {
    struct timespec timeout = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
    futex(word, FUTEX_WAIT, value, timeout_ms < 0 ? NULL : &timeout);
}

void os_wake_one(_Atomic uint32_t *word) { futex(word, FUTEX_WAKE, 1, NULL); }

void os_yield(void) { sched_yield(); }

int os_thread_id(void) { return (int)syscall(SYS_gettid); }

int os_process_id(void) { return getpid(); }

bool os_thread_is_alive(int thread_id) {
    int saved = errno;
    bool alive = syscall(SYS_tgkill, getpid(), thread_id, 0) == 0 || errno != ESRCH;
    errno = saved;
    return alive;
}

static bool membarrier(int command) {
    if (os_refused(OS_BARRIER)) return false;
    int saved = errno;
    long result = syscall(SYS_membarrier, command, 0, 0);
    errno = saved;
    return result == 0;
}

bool os_barrier_available(void) {
    enum { UNKNOWN, YES, NO };
    static _Atomic int known;
    /* It does not know what the barrier orders, and would take that for races. */
    if (THREAD_SANITIZER) return false;
    int state = load_relaxed(&known);
    if (state == UNKNOWN) {
        state = membarrier(BARRIER_REGISTER_PRIVATE_EXPEDITED) ? YES : NO;
        store_relaxed(&known, state);
    }
    return state == YES;
}

bool os_barrier(void) { return membarrier(BARRIER_PRIVATE_EXPEDITED); }

bool os_is_secure(void) { return getauxval(AT_SECURE) != 0; }

const char *os_environment(const char *name) { return os_is_secure() ? NULL : getenv(name); }
