/* Preloaded before Eddy, it makes malloc and free a tenth dearer, or a little more: for the test
 * that the gate notices.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "eddy.h"

static volatile size_t work;

void *malloc(size_t size) {
    work = size;
    return eddy_malloc(size);
}

void free(void *block) {
    work = 0;
    eddy_free(block);
}
