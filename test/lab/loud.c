/* Preloaded beside an allocator, it writes to the output of the program: as soon as it is loaded,
 * or at the end, as its constructor or destructor. test/lab/visit has the laboratory do without it.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

__attribute__((WHEN)) static void speak(void) { puts("the allocator speaks"); }
