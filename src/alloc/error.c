/* SPDX-License-Identifier: MIT */
#include "alloc/error.h"

#include <errno.h>

#include "heap/mistake.h"

void *error_no_memory(void) {
    (void)mistake_tell(ENOMEM, "no memory, or a size that no memory holds", NULL);
    errno = ENOMEM;
    return NULL;
}

void *error_invalid(void) {
    errno = EINVAL;
    return NULL;
}
