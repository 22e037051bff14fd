/* The C++ runtime, as far as the program has one: new-handlers and exceptions, in C, so that a C
 * program that runs on Eddy loads no C++ library. What calls into it is compiled with -fexceptions.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_ALLOC_RUNTIME_H
#define EDDY_ALLOC_RUNTIME_H

#include "base/base.h"

_Noreturn cold void runtime_throw_bad_alloc(size_t size);

/* `block`, the result of a call just made; NULL when that call threw.
 *
 * C has no catch, but a personality routine of its own is all it takes: runtime_catch stops the
 * exception in the frame that made the call, ends it, and lets the call return there as if it had
 * returned NULL. Naming `block` keeps the compiler from leaving the frame before the call (0x1b: a
 * 32-bit distance from here). */
static always_inline void *null_if_thrown(void *block) {
    __asm__ volatile(".cfi_personality 0x1b, runtime_catch" : "+r"(block));
    return block;
}

#endif
