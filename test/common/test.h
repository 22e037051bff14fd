/* What all tests share. For C and C++.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_TEST_H
#define EDDY_TEST_COMMON_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" { /* cmocka's header does not say so itself */
#endif
#include <cmocka.h>
#ifdef __cplusplus
}
#endif

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../bench/common/random.h"
#include "eddy.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)
#define LENGTH(array) (sizeof(array) / sizeof *(array))

enum { SKIPPED = 77 };

/* A size that the compiler cannot see: it refuses to compile calls that must fail. */
static inline size_t opaque(size_t size) {
    __asm__("" : "+r"(size));
    return size;
}

static inline bool is_aligned(const void *block, size_t alignment) {
    return ((uintptr_t)block & (alignment - 1)) == 0;
}

/* For calls that may not fail here. */
static inline void *must(void *block) {
    assert_non_null(block);
    return block;
}

static inline size_t live_blocks(void) {
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    return stats.live_blocks;
}

/* ---- contents ---- */

/* Different in every word of a block, and for every seed. */
static inline uint64_t pattern_word(size_t index, unsigned seed) {
    return (index + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ seed * UINT64_C(0xd1342543de82ef95);
}

static inline void fill(void *block, size_t size, unsigned seed) {
    unsigned char *at = (unsigned char *)block;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = pattern_word(i / 8, seed);
        memcpy(at + i, &word, size - i < 8 ? size - i : 8);
    }
}

static inline bool is_filled(const void *block, size_t size, unsigned seed) {
    const unsigned char *at = (const unsigned char *)block;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = pattern_word(i / 8, seed);
        if (memcmp(at + i, &word, size - i < 8 ? size - i : 8) != 0) return false;
    }
    return true;
}

static inline bool is_zero(const void *block, size_t size) {
    const unsigned char *at = (const unsigned char *)block;
    return size == 0 || (at[0] == 0 && memcmp(at, at + 1, size - 1) == 0);
}

/* ---- threads and child processes ---- */

/* For child processes and further threads, where a failing assert_* would jump into the test loop
 * of another: ends the process. */
#define check(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

static inline void check_failed(const char *condition, const char *file, int line) {
    dprintf(STDERR_FILENO, "%s:%d: not true: %s\n", file, line, condition);
    _exit(EXIT_FAILURE);
}

/* The wait status of a child; one that hangs is ended by SIGALRM. */
static inline int wait_for(pid_t child) {
    int status = -1;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* A child that ends well; for child processes and further threads. */
static inline void child_wait(pid_t child) {
    int status = -1;
    check(child > 0 && waitpid(child, &status, 0) == child);
    if (status == 0) return;
    dprintf(STDERR_FILENO, "a child ended with status %#x\n", (unsigned)status);
    _exit(EXIT_FAILURE);
}

/* A child that found out that something is missing here skips the test. */
static inline void assert_ended_well(int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) skip();
    assert_int_equal(status, 0);
}

static inline int status_in_child(void (*body)(void)) {
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        body();
        _exit(EXIT_SUCCESS);
    }
    return wait_for(child);
}

static inline void assert_in_child(void (*body)(void)) { assert_ended_well(status_in_child(body)); }

/* What `body` returns, in a thread of its own, which has ended then. */
static inline void *run_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    void *result = NULL;
    check(pthread_create(&thread, NULL, body, argument) == 0);
    check(pthread_join(thread, &result) == 0);
    return result;
}

#endif
