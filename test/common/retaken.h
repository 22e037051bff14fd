/* A page's worth of blocks, allocated while another thread does something to the pages they may
 * come from: each comes once, and nobody else writes to it.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_RETAKEN_H
#define EDDY_TEST_COMMON_RETAKEN_H

#include "common/inside.h"

enum { RETAKEN_SIZE = 8 * KIB, RETAKEN_COUNT = SLICE_BYTES / RETAKEN_SIZE };

static void *retaken[RETAKEN_COUNT];

static inline void retake_a_page(void *unused) {
    (void)unused;
    for (size_t i = 0; i < RETAKEN_COUNT; i++) {
        retaken[i] = must(eddy_malloc(RETAKEN_SIZE));
        memset(retaken[i], (int)i, RETAKEN_SIZE);
    }
}

static inline void free_retaken(void *unused) {
    (void)unused;
    heap_verify(own_heap());
    for (size_t i = 0; i < RETAKEN_COUNT; i++) {
        for (size_t j = 0; j < i; j++) check(retaken[j] != retaken[i]);
        check(*(unsigned char *)retaken[i] == i);
        eddy_free(retaken[i]);
    }
}

#endif
