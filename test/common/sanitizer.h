/* Which sanitizer the program runs under.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_SANITIZER_H
#define EDDY_TEST_COMMON_SANITIZER_H

#if defined(__SANITIZE_THREAD__)
enum { TSAN = 1, SANITIZED = 1 };
#elif defined(__SANITIZE_ADDRESS__)
enum { TSAN = 0, SANITIZED = 1 };
#else
enum { TSAN = 0, SANITIZED = 0 };
#endif

#endif
