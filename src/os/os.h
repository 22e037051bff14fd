/* Every call to the kernel that Eddy makes. Nothing here allocates, locks, or changes errno:
 * results say what happened and the interface layer alone sets errno.
 *
 * In builds with EDDY_TEST_HOOKS each call that can fail asks `os_fault` first, so that a test can
 * refuse the n-th call of a kind, once or from then on. What only asks, waits, wakes, or writes for
 * people has nothing to be refused.
 *
 * Needs Linux 3.2; what newer kernels add is tried once and done without:
 *   membarrier (4.14)   os_barrier_available() is false; asked for in the first malloc of all
 *   MADV_WIPEONFORK (4.14)   os_wipe_on_fork() is false
 *   MREMAP_DONTUNMAP (5.7)   os_move() is false
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_OS_OS_H
#define EDDY_OS_OS_H

#include "base/atomic.h"
#include "base/base.h"

typedef enum os_call {
    OS_RESERVE,
    OS_OPEN,
    OS_PURGE,
    OS_MOVE,
    OS_REPLACE,
    OS_BARRIER,
    OS_WIPE,
    OS_THREAD,
    OS_UNMAP,
    OS_ADVISE,
    OS_FILE,
    OS_SIGNAL,
    OS_CALL_COUNT
} os_call_t;

#if defined(EDDY_TEST_HOOKS) && EDDY_TEST_HOOKS
/* When set: true refuses the call as the kernel would. */
typedef bool os_fault_fn(os_call_t call);
extern _Atomic(os_fault_fn *) os_fault;
#endif
/* Whether a test refuses the call. */
bool os_refused(os_call_t call);

/* ---- memory: addresses and sizes are multiples of os_page_size() ---- */

/* Calls made so far through this section. */
size_t os_memory_calls(void);

size_t os_page_size(void);

/* Address space without memory and without access; placed at `hint` where that is free, elsewhere
 * otherwise. NULL when refused. */
void *os_reserve(void *hint, size_t bytes);
/* Zeroed memory that can be read and written at once; NULL when refused. */
void *os_map(size_t bytes);
/* Address space that reads as zero and takes memory only where os_open lets it be written. */
void *os_reserve_readable(size_t bytes);
/* False when refused, as for want of mappings where it would split one: then nothing changed. */
bool os_unmap(void *address, size_t bytes);
/* Make reserved memory readable and writable; it reads as zero. False when refused. */
bool os_open(void *address, size_t bytes);
/* Give the memory back, keep the address space open: it reads as zero afterwards. False when the
 * kernel refuses, then the contents are undefined and still in memory. */
bool os_purge(void *address, size_t bytes);
/* As os_purge, but no access is left, so that nothing counts towards the commit limit either. */
bool os_close(void *address, size_t bytes);
/* Put fresh zero memory in one open mapping over the range, whatever mappings lie there now. */
bool os_replace(void *address, size_t bytes);
/* Whether the kernel may put huge pages there: transparent ones, as a property of the mapping. One
 * that has none does not mind, and refused advice changes how fast memory is, not what it holds. */
void os_allow_huge_pages(void *address, size_t bytes, bool allow);
/* The size of a huge page; 0 when the kernel has none, or has them switched off. */
size_t os_huge_page_size(void);
/* Move the memory of `from` to `to` (both open, `to` of the same size) by page tables; `from` stays
 * open and reads as zero. False when refused, then nothing has moved. */
bool os_move(void *from, void *to, size_t bytes);
/* Whether all of it is mapped. */
bool os_is_mapped(void *address, size_t bytes);
/* A page of its own that the kernel zeroes in the child of every kind of fork. */
bool os_wipe_on_fork(void *address, size_t bytes);

/* ---- limits ---- */

/* Address space that this process may still reserve (RLIMIT_AS less what is mapped); SIZE_MAX
 * without a limit. */
size_t os_address_space_left(void);
size_t os_physical_memory(void);
/* The memory limit of this process's control group, from the file that names the groups and the
 * directory where they are mounted; SIZE_MAX without one. One thread at a time. */
size_t os_group_memory_limit(const char *groups, const char *mount);
/* Read a small file of /proc or /sys whole, without stdio; the length, 0 when it cannot be read. */
size_t os_read_file(const char *path, char *buffer, size_t size);
/* True when the kernel promises no memory that it does not have (vm.overcommit_memory=2). */
bool os_commit_is_strict(void);

/* ---- time, threads ---- */

/* Milliseconds of a clock that never goes back, coarse (a few ms), no system call. */
uint64_t os_now_ms(void);
/* Sleep while *word is `value`, at most `timeout_ms` (-1: for ever); may wake for no reason. */
void os_wait(_Atomic uint32_t *word, uint32_t value, int timeout_ms);
void os_wake_one(_Atomic uint32_t *word);
void os_yield(void);

int os_thread_id(void);
/* The id of the first thread too. */
int os_process_id(void);
/* False once the thread of this process with that id has ended. */
bool os_thread_is_alive(int thread_id);

/* What the C library says of this process: 0 once it has started a thread. NULL where it says
 * nothing, before glibc 2.32 and elsewhere. */
static inline const char *os_single_threaded(void) {
    extern const char libc_single_threaded __asm__("__libc_single_threaded") __attribute__((weak));
    return &libc_single_threaded;
}

/* Start the one background thread: it runs `function` with all signals blocked, under `name` (15
 * letters at most). False when refused. Allocates; no lock may be held. */
bool os_background_start(void (*function)(void), const char *name);
/* Wait until it has ended, down to the last trace that the C library keeps of it. */
void os_background_join(void);
/* By the background thread: nobody will join it. */
void os_background_leave(void);
/* Whether that code, a return address, belongs to the dynamic loader. */
bool os_is_loader(const void *code);

/* Whether os_barrier works; asks the kernel for it at the first call, which takes some ten
 * milliseconds in a process of several threads, for each of them that calls meanwhile. */
bool os_barrier_available(void);
/* Every running thread of the process passes a full memory barrier before this returns. */
bool os_barrier(void);

/* ---- environment and messages ---- */

/* The value of an environment variable, NULL when unset or when the program runs setuid. */
const char *os_environment(const char *name);
/* Whether the program runs with rights that its user lacks, as a setuid one. */
bool os_is_secure(void);

/* Have `handler` run at a signal; false when the kernel does not allow that. */
bool os_on_signal(int number, void (*handler)(int number));

/* Make a file, or empty it, to be written; -1 when it cannot be. */
int os_create_file(const char *path);
void os_close_file(int fd);
/* Write all bytes to a file descriptor, ignoring errors. */
void os_write(int fd, const char *text, size_t length);
/* Text for people: to the listener, or on stderr in one write. */
void os_output(const char *text);
typedef void os_listener_t(const char *text, void *argument);
void os_on_output(os_listener_t *function, void *argument);
/* "eddy: ...\n" through os_output; formats %s %d %zu %p (0x...) only, the first and third also with
 * a width (%-8s, %8zu); cuts at 400 bytes. */
void os_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same into a buffer, without prefix and newline; the length written. */
size_t os_format(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t os_format_list(char *buffer, size_t size, const char *format, __builtin_va_list arguments);

#endif
