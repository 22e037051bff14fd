/* The numbers of eddy_stats_t and eddy_counters_t by name, for everything that writes them out.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_INSPECT_ROWS_H
#define EDDY_INSPECT_ROWS_H

#include "base/base.h"

typedef struct row {
    const char *name; /* for people; NULL ends a table */
    const char *key;  /* for programs: the name of the field */
    size_t offset;
    bool is_bytes; /* false: a number of things */
    bool only_rises;
} row_t;

extern const row_t rows_stats[] hidden_symbol;
extern const row_t rows_counters[] hidden_symbol;

static inline size_t row_value(const row_t *row, const void *values) {
    return *(const size_t *)(const void *)((const char *)values + row->offset);
}

#endif
