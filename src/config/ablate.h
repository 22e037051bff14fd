/* Switches that turn one heuristic off, so that each can be measured alone: EDDY_ABLATE=name,name
 * in the environment of a build made with -DEDDY_ABLATE=ON. In every other build they are constants
 * and the compiler removes them. docs/evidence.md holds what each was found to be worth.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_CONFIG_ABLATE_H
#define EDDY_CONFIG_ABLATE_H

#include "base/atomic.h"
#include "base/base.h"

typedef enum ablation {
    ABLATE_BIAS,       /* a current page retires like any other when its last block is freed */
    ABLATE_RETAIN,     /* emptied pages become free spans at once */
    ABLATE_STRAIGHTEN, /* a scattered free list is reused as it is */
    ABLATE_FEW,        /* however few blocks the heap has, scattered lists are linked anew */
    ABLATE_REMAKE,     /* a retained page serves its own class only */
    ABLATE_EMPTY,      /* empty current pages stay with their class, whoever needs one */
    ABLATE_OTHERS,     /* pages that other heaps retain are not taken */
    ABLATE_ESTATE,     /* a thread has all pages that the one before left with its record */
    ABLATE_IDLE,       /* nor those that others than their owner emptied */
    ABLATE_LENGTHS,    /* retained pages stay beside the fresh memory taken for another length */
    ABLATE_KEEP_DIRTY, /* free spans are purged as soon as the window turns, whatever the demand */
    ABLATE_UNFITTING,  /* free spans too short stay beside the fresh memory taken instead */
    ABLATE_WAKE,       /* a full page is listed again at the first block freed */
    ABLATE_LISTED,     /* a page is linked to its end before another of its class is used */
    ABLATE_GROW,       /* a page is linked whole at its first extension */
    ABLATE_SOON,       /* it is linked on by as much, however slowly its class grows */
    ABLATE_SHORTEN,    /* a page keeps all its slices, even if no block of it lies there */
    ABLATE_COMBINE,    /* frees are not gathered (heap/remote.h): each block is given by itself */
    ABLATE_PREFETCH,   /* malloc does not prefetch the block that it hands out next */
    ABLATE_ROOM,       /* a block that realloc moves to let it grow gets no more than it needs */
    ABLATION_COUNT
} ablation_t;

#if defined(EDDY_ABLATE) && EDDY_ABLATE
extern _Atomic uint32_t ablations hidden_symbol;
static always_inline bool ablated(ablation_t which) {
    return load_relaxed(&ablations) >> which & 1;
}
void ablate_load(void);
#else
static always_inline bool ablated(ablation_t which) {
    (void)which;
    return false;
}
static inline void ablate_load(void) {}
#endif

#endif
