/* What each option of mimalloc means here.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MIMALLOC_OPTION_TABLE_H
#define EDDY_MIMALLOC_OPTION_TABLE_H

#include "mimalloc/layer.h"

typedef enum option_meaning {
    OPTION_WITHOUT_EFFECT, /* its value is what Eddy does anyway */
    OPTION_OF_EDDY,        /* an option of Eddy has its value */
    OPTION_AT_LOAD,        /* the same, but only as Eddy starts: in the environment */
    OPTION_THP,            /* transparent huge pages of the process, which the kernel remembers */
    OPTION_AT_START        /* reserves memory when it stands in the environment */
} option_meaning_t;

typedef struct option_row {
    const char *name; /* mi_option_NAME, MIMALLOC_NAME */
    const char *older_name;
    option_meaning_t meaning;
    eddy_option_t eddy_option; /* of OPTION_OF_EDDY */
    long value;                /* of the others */
    bool in_kib;
} option_row_t;

/* NULL for an unknown option. */
const option_row_t *option_row(mi_option_t option);

/* Eddy asks for it as it starts, before this library's constructor. */
const char *eddy_layer_options(void) __attribute__((visibility("default")));

/* What the environment says of it, under its name or the older one; NULL for nothing. */
const char *option_variable(const option_row_t *row);
/* That as a value, 0 for nothing; false when it is none. */
bool option_from_environment(const option_row_t *row, long *value);

/* Set it, unless Eddy's own settings have done so; false for a value that Eddy refuses. */
bool option_set_weakly(mi_option_t option, long value);

#endif
