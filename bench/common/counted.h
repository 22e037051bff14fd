/* Eddy's counters as columns of a row: what a stretch of work added to them.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_COUNTED_H
#define BENCH_COUNTED_H

#include <stdbool.h>

#include "eddy.h"

typedef struct counted {
    bool on_eddy;
    eddy_counters_t counters;
} counted_t;

enum { COUNTED_TEXT = 512 };

/* The names of the columns, tabs between them. */
extern const char counted_header[];

counted_t counted_now(void);
/* What was added since `before`. What is retained, and was at most, stays as it is now. */
counted_t counted_since(const counted_t *before);
/* The columns; `-` for other allocators than Eddy. */
void counted_format(const counted_t *counted, char text[COUNTED_TEXT]);

#endif
