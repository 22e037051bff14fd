/* What every file of Eddy may use: attributes, asserts, sizes that cannot overflow.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_BASE_BASE_H
#define EDDY_BASE_BASE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* A path that is taken rarely: kept out of line and out of the hot cache lines. */
#define cold __attribute__((noinline, cold))
/* Entered from a fast path by a tail call, often enough to be laid out as ordinary code. */
#define out_of_line __attribute__((noinline))
#define always_inline inline __attribute__((always_inline))
#define public_api __attribute__((visibility("default")))
/* On declarations of data, so that it is reached without the global offset table. */
#define hidden_symbol __attribute__((visibility("hidden")))
#define cache_aligned __attribute__((aligned(128)))

#if defined(EDDY_DEBUG) && EDDY_DEBUG
enum { DEBUG_BUILD = 1 };
#else
enum { DEBUG_BUILD = 0 };
#endif

#if defined(__SANITIZE_THREAD__)
enum { THREAD_SANITIZER = 1 };
#else
enum { THREAD_SANITIZER = 0 };
#endif

/* Says where and stops; writes without allocating (os/message.c). */
_Noreturn cold void assert_failed(const char *condition, const char *file, int line);

/* Three tiers. `always`: cheap, guards against corruption, stays in the release build. `debug`:
 * every invariant, in the debug build. The slow walkers (`*_verify`) are called by tests and, in
 * the debug build, where their cost is bounded. */
#define assert_always(condition)                                                                   \
    (likely(condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))
#define assert_debug(condition)                                                                    \
    (!DEBUG_BUILD || likely(condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))

static always_inline size_t size_min(size_t a, size_t b) { return a < b ? a : b; }
static always_inline size_t size_max(size_t a, size_t b) { return a > b ? a : b; }

static always_inline bool is_power_of_two(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

static always_inline size_t round_down(size_t n, size_t power_of_two) {
    assert_debug(is_power_of_two(power_of_two));
    return n & ~(power_of_two - 1);
}

/* The caller makes sure that the sum does not overflow: see size_in_bounds. */
static always_inline size_t round_up(size_t n, size_t power_of_two) {
    assert_debug(n <= SIZE_MAX - (power_of_two - 1));
    return round_down(n + power_of_two - 1, power_of_two);
}

static always_inline size_t divide_up(size_t n, size_t divisor) {
    return n / divisor + (n % divisor != 0);
}

/* The index of the highest set bit. */
static always_inline unsigned highest_bit(size_t n) {
    assert_debug(n != 0);
    /* The exclusive or, not a subtraction: compilers know it as one instruction. */
    return (unsigned)(sizeof(long) * CHAR_BIT - 1) ^ (unsigned)__builtin_clzl(n);
}

static always_inline unsigned lowest_bit(uint64_t n) {
    assert_debug(n != 0);
    return (unsigned)__builtin_ctzll(n);
}

/* No object may exceed PTRDIFF_MAX; every size from outside is held against this first, and no
 * rounding to a slice, page or power-of-two alignment of such a size can overflow. */
static always_inline bool size_in_bounds(size_t size) { return size <= PTRDIFF_MAX; }

/* False when the product overflows; a product beyond PTRDIFF_MAX is left to size_in_bounds. */
static always_inline bool size_product(size_t count, size_t size, size_t *product) {
    return !__builtin_mul_overflow(count, size, product);
}

#endif
