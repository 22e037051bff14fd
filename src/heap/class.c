/* SPDX-License-Identifier: MIT */
#include "heap/class.h"

#define LINEAR(i)                                                                                  \
    { (i) == 1 ? 0 : (i), (i) == 1 ? 2 : 1 }
/* Four, eight classes above `base`, `step` apart, in units of BLOCK_ALIGN. */
#define STEPS4(base, step)                                                                         \
    {(base) + 1, step}, {(base) + (step) + 1, step}, {(base) + 2 * (step) + 1, step}, {            \
        (base) + 3 * (step) + 1, step                                                              \
    }
#define STEPS(base, step) STEPS4(base, step), STEPS4((base) + 4 * (step), step)

const direct_range_t class_direct[CLASS_DIRECT_COUNT] = {
    LINEAR(1), LINEAR(2), LINEAR(3),   LINEAR(4),    LINEAR(5),    LINEAR(6),
    LINEAR(7), LINEAR(8), STEPS(8, 1), STEPS(16, 2), STEPS(32, 4),
};
