/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/os.h"

#if defined(EDDY_TEST_HOOKS) && EDDY_TEST_HOOKS
_Atomic(schedule_hook_fn *) schedule_hook;
_Atomic(os_fault_fn *) os_fault;

bool os_refused(os_call_t call) {
    /* Acquire pairs with the store by a test: who sees its function sees what that decides by. */
    os_fault_fn *fault = atomic_load_explicit(&os_fault, memory_order_acquire);
    return fault != NULL && fault(call);
}
#else
bool os_refused(os_call_t call) {
    (void)call;
    return false;
}
#endif

/* Newer than the oldest headers that we compile with. */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

enum { OPEN = PROT_READ | PROT_WRITE, PLAIN = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

static _Atomic size_t calls;

size_t os_memory_calls(void) { return load_relaxed(&calls); }

size_t os_page_size(void) {
    static _Atomic size_t known;
    size_t bytes = load_relaxed(&known);
    if (unlikely(bytes == 0)) {
        bytes = getauxval(AT_PAGESZ);
        store_relaxed(&known, bytes);
    }
    return bytes;
}

/* mmap without a trace in errno; NULL when refused. */
static void *map(void *address, size_t bytes, int access, int flags) {
    int saved = errno;
    add_relaxed(&calls, 1);
    void *result = mmap(address, bytes, access, flags, -1, 0);
    errno = saved;
    return result == MAP_FAILED ? NULL : result;
}

/* A kernel that is short of something says EAGAIN, perhaps for ever: whoever asks tries again
 * later, or does without. */
static bool advise(void *address, size_t bytes, int advice) {
    int saved = errno;
    add_relaxed(&calls, 1);
    int result = madvise(address, bytes, advice);
    errno = saved;
    return result == 0;
}

void *os_reserve(void *hint, size_t bytes) {
    return os_refused(OS_RESERVE) ? NULL : map(hint, bytes, PROT_NONE, PLAIN);
}

void *os_map(size_t bytes) { return os_refused(OS_RESERVE) ? NULL : map(NULL, bytes, OPEN, PLAIN); }

void *os_reserve_readable(size_t bytes) {
    return os_refused(OS_RESERVE) ? NULL : map(NULL, bytes, PROT_READ, PLAIN);
}

bool os_unmap(void *address, size_t bytes) {
    if (os_refused(OS_UNMAP)) return false;
    int saved = errno;
    add_relaxed(&calls, 1);
    int result = munmap(address, bytes);
    errno = saved;
    return result == 0;
}

bool os_open(void *address, size_t bytes) {
    if (os_refused(OS_OPEN)) return false;
    int saved = errno;
    add_relaxed(&calls, 1);
    int result = mprotect(address, bytes, OPEN);
    errno = saved;
    return result == 0;
}

bool os_purge(void *address, size_t bytes) {
    return !os_refused(OS_PURGE) && advise(address, bytes, MADV_DONTNEED);
}

bool os_close(void *address, size_t bytes) {
    return !os_refused(OS_PURGE) && map(address, bytes, PROT_NONE, PLAIN | MAP_FIXED) != NULL;
}

bool os_replace(void *address, size_t bytes) {
    return !os_refused(OS_REPLACE) && map(address, bytes, OPEN, PLAIN | MAP_FIXED) != NULL;
}

void os_allow_huge_pages(void *address, size_t bytes, bool allow) {
    if (os_refused(OS_ADVISE)) return;
    (void)advise(address, bytes, allow ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

size_t os_huge_page_size(void) {
    static const char folder[] = "/sys/kernel/mm/transparent_hugepage/";
    char path[64], text[64];
    os_format(path, sizeof path, "%senabled", folder);
    bool is_on = os_read_file(path, text, sizeof text) > 0 && strstr(text, "[never]") == NULL;
    os_format(path, sizeof path, "%shpage_pmd_size", folder);
    return is_on && os_read_file(path, text, sizeof text) > 0 ? strtoul(text, NULL, 10) : 0;
}

bool os_move(void *from, void *to, size_t bytes) {
    if (os_refused(OS_MOVE)) return false;
    int saved = errno;
    add_relaxed(&calls, 1);
    void *result = mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to);
    errno = saved;
    return result != MAP_FAILED;
}

bool os_is_mapped(void *address, size_t bytes) {
    int saved = errno;
    add_relaxed(&calls, 1);
    int result = msync(address, bytes, MS_ASYNC);
    errno = saved;
    return result == 0;
}

bool os_wipe_on_fork(void *address, size_t bytes) {
    return !os_refused(OS_WIPE) && advise(address, bytes, MADV_WIPEONFORK);
}
