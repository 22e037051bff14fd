/* What the tests of the C++ operators begin with.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_STANDARD_OPERATORS_H
#define EDDY_TEST_STANDARD_OPERATORS_H

#include <cstdlib>
#include <new>

#include "standard.h"

using std::align_val_t;
using std::nothrow;
using std::size_t;

/* Clang declares these by itself only on request. */
void operator delete(void *block, size_t size) noexcept;
void operator delete[](void *block, size_t size) noexcept;
void operator delete(void *block, size_t size, align_val_t alignment) noexcept;
void operator delete[](void *block, size_t size, align_val_t alignment) noexcept;

#endif
