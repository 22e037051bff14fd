/* Wrong pointers: one line that says what is known, then abort or the program's own handler.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_ALLOC_ERROR_H
#define EDDY_ALLOC_ERROR_H

#include "heap/thread.h"

/* The mistake that a pointer shows, told from the descriptors alone, and its error number. */
typedef struct mistake {
    int error;
    const char *text;
} mistake_t;

cold void error_report(const char *call, const void *pointer, mistake_t mistake);
/* Find out what is wrong with a pointer that no live block begins at, and report it. */
cold void error_bad_pointer(const char *call, const void *pointer);

/* NULL with errno ENOMEM / EINVAL. */
cold void *error_no_memory(void);
cold void *error_invalid(void);

#endif
