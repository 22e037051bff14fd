/* Mistakes of the program that Eddy sees: one line that says what is known, then abort or the
 * program's own function (eddy_on_error). No lock may be held: that function may allocate.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_MISTAKE_H
#define EDDY_HEAP_MISTAKE_H

#include "heap/page.h"

/* `call`: what the program called, by its standard name. Returns only when there is a function of
 * the program's own. */
cold void mistake_report(const char *call, const void *pointer, int error, const char *text);
/* Find out what is wrong with a pointer that no live block begins at, and report it. */
cold void mistake_bad_pointer(const char *call, const void *pointer);

/* The block, or another one of its page, was freed twice. */
cold void mistake_freed_twice(const void *block);
/* The first free block of the current page was written to: give its list up, and report that. */
cold void mistake_broken_block(page_t *page);
/* Blocks of the current page of a running thread are missing: count them as in use, and report
 * that. */
cold void mistake_missing_blocks(page_t *page);

/* Tell the function of the program's own, errno kept; false when there is none. */
cold bool mistake_tell(int error, const char *message, const void *pointer);

#endif
